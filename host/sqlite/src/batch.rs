//! What one batch settled, written row by row inside one transaction.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::decision::{Memory, RemoteStatus, TagState};
use postroom_domain::email::EmailAddress;
use postroom_domain::projection::ContentHash;
use postroom_store::runs::{BatchIntent, BatchRecord, Confirmation, Outcome};
use roaring::RoaringTreemap;
use rusqlite::{Connection, named_params};
use serde_json::json;

use crate::columns::{micros, word};
use crate::failure::Step;
use crate::sequence::Numbers;
use crate::{batch_arming, intent_opt_outs, member_rows};

/// The run that a batch belongs to.
pub(crate) struct Ground {
    pub(crate) run: i64,
    pub(crate) sync: i64,
    pub(crate) audience: i64,
    /// The number of the run's last outcome.
    pub(crate) last_outcome: i64,
    /// When the run began: the moment that its confirmations bear.
    pub(crate) began_at: Timestamp,
}

/// Notes what a batch is about to make.
pub(crate) fn announce(connection: &Connection, ground: &Ground, intent: &BatchIntent) -> Step<()> {
    for (contact, address) in &intent.members {
        may_become_member(connection, ground, *contact, address)?;
    }
    for (contact, tag) in &intent.tags {
        set_tag(connection, ground.sync, *contact, tag)?;
    }
    let members = intent.members.iter().map(|(contact, _)| contact);
    moved(connection, ground, "batch-announced", members.chain(intent.tags.iter().map(|(contact, _)| contact)))
}

/// Takes a number for the contacts that a batch wrote of, so that every sync of the audience looks at
/// them again.
fn moved<'a>(
    connection: &Connection,
    ground: &Ground,
    kind: &str,
    contacts: impl Iterator<Item = &'a ContactId>,
) -> Step<()> {
    let contacts = contacts.map(|contact| u64::try_from(contact.0)).collect::<Result<RoaringTreemap, _>>()?;
    if contacts.is_empty() {
        return Ok(());
    }
    let mut numbers = Numbers::begin(connection, ground.began_at)?;
    numbers.take_members(ground.audience, &contacts)?;
    numbers.end(kind, &json!({ "run": ground.run }))?;
    Ok(())
}

/// Notes that a contact may be a member from now on: a row with an address, without a hash or a status.
fn may_become_member(connection: &Connection, ground: &Ground, contact: ContactId, address: &EmailAddress) -> Step<()> {
    connection
        .prepare_cached(
            "INSERT INTO remote_members (audience_id, contact_id, address, base, confirmed_at)
             VALUES (:audience, :contact, :address, '{}', :at)
             ON CONFLICT (audience_id, contact_id) DO UPDATE SET
                 remote_id = NULL, status = NULL, address = excluded.address, hash = NULL, base = '{}'
             WHERE status = 'absent'",
        )?
        .execute(named_params! {
            ":audience": ground.audience,
            ":contact": contact.0,
            ":address": address.as_str(),
            ":at": micros(ground.began_at),
        })?;
    Ok(())
}

/// Drops the note that a contact may have become a member.
fn did_not(connection: &Connection, audience: i64, contact: ContactId) -> Step<()> {
    connection
        .prepare_cached(
            "DELETE FROM remote_members
             WHERE audience_id = ? AND contact_id = ? AND status IS NULL AND hash IS NULL",
        )?
        .execute((audience, contact.0))?;
    Ok(())
}

/// Writes a batch.
pub(crate) fn record(connection: &Connection, ground: &Ground, record: &BatchRecord) -> Step<()> {
    let mut row = ground.last_outcome;
    for outcome in &record.outcomes {
        row += 1;
        write_outcome(connection, ground.run, row, outcome)?;
    }
    for confirmation in &record.confirmed {
        confirm(connection, ground, confirmation)?;
        match confirmation.status {
            Some(RemoteStatus::Unsubscribed | RemoteStatus::Absent) => {
                intent_opt_outs::told(connection, ground.audience, confirmation.contact, ground.began_at)?;
            }
            Some(RemoteStatus::Subscribed | RemoteStatus::Pending) => {
                intent_opt_outs::catch_up(connection, confirmation.contact, ground.began_at)?;
            }
            Some(_) | None => {}
        }
    }
    for contact in &record.not_made {
        did_not(connection, ground.audience, *contact)?;
    }
    for (contact, memory) in &record.memories {
        remember(connection, ground.sync, *contact, memory.as_ref())?;
    }
    for (contact, tag) in &record.tags {
        set_tag(connection, ground.sync, *contact, tag)?;
    }
    for (contact, fingerprint) in &record.settled {
        settle(connection, ground.sync, *contact, fingerprint)?;
    }
    batch_arming::end(connection, &record.ends, ground.began_at)?;
    // A contact that was deleted here is forgotten as soon as its last tag is off (row A8).
    let touched = record.tags.iter().map(|(contact, _)| contact.0).chain(record.confirmed.iter().map(|c| c.contact.0));
    member_rows::forget_gone(connection, ground.audience, &touched.collect())?;
    connection
        .prepare_cached("UPDATE runs SET last_outcome = ?, unchanged = unchanged + ? WHERE id = ?")?
        .execute((row, record.unchanged, ground.run))?;
    moved(connection, ground, "batch-recorded", written_of(record))
}

/// The contacts that a record changes anything about.
fn written_of(record: &BatchRecord) -> impl Iterator<Item = &ContactId> {
    let confirmed = record.confirmed.iter().map(|confirmation| &confirmation.contact);
    let memories = record.memories.iter().map(|(contact, _)| contact);
    let tags = record.tags.iter().map(|(contact, _)| contact);
    let settled = record.settled.iter().map(|(contact, _)| contact);
    confirmed.chain(&record.not_made).chain(memories).chain(tags).chain(settled)
}

fn write_outcome(connection: &Connection, run: i64, row: i64, outcome: &Outcome) -> Step<()> {
    let left_out = match outcome.left_out.as_slice() {
        [] => None,
        fields => Some(serde_json::to_string(fields)?),
    };
    connection
        .prepare_cached(
            "INSERT INTO outcomes (run_id, row, entry_id, position, contact_id, class, code, message, tag, left_out,
                                   address_omitted)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute((
            run,
            row,
            outcome.entry.map(|id| id.0),
            outcome.position,
            outcome.contact.map(|id| id.0),
            outcome.class.map(|class| class.as_str()),
            outcome.reason.as_ref().map(|reason| &reason.code),
            outcome.reason.as_ref().map(|reason| &reason.message),
            outcome.tag.as_ref().map(word).transpose()?,
            left_out,
            outcome.address_omitted,
        ))?;
    Ok(())
}

/// Writes what the provider confirmed. What the confirmation does not speak of stays as it is known.
fn confirm(connection: &Connection, ground: &Ground, confirmation: &Confirmation) -> Step<()> {
    let content = confirmation.content.as_ref();
    let base = content.map(|content| serde_json::to_string(&content.base)).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO remote_members (audience_id, contact_id, remote_id, status, address, hash, base, confirmed_at)
             VALUES (:audience, :contact, :remote_id, :status, :address, :hash, coalesce(:base, '{}'), :at)
             ON CONFLICT (audience_id, contact_id) DO UPDATE SET
                 remote_id = coalesce(excluded.remote_id, remote_id),
                 status = coalesce(excluded.status, status),
                 address = coalesce(excluded.address, address),
                 hash = coalesce(excluded.hash, hash),
                 base = coalesce(:base, base),
                 confirmed_at = excluded.confirmed_at",
        )?
        .execute(named_params! {
            ":audience": ground.audience,
            ":contact": confirmation.contact.0,
            ":remote_id": confirmation.remote_id,
            ":status": confirmation.status.as_ref().map(|status| status.as_str()),
            ":address": content.map(|content| content.address.as_str()),
            ":hash": content.map(|content| content.hash),
            ":base": base,
            ":at": micros(ground.began_at),
        })?;
    Ok(())
}

/// Remembers that a contact needs nothing as long as its fingerprint is this one.
fn settle(connection: &Connection, sync: i64, contact: ContactId, fingerprint: &ContentHash) -> Step<()> {
    connection
        .prepare_cached(
            "INSERT INTO sync_members (sync_id, contact_id, settled)
             SELECT ?, id, ? FROM contacts WHERE id = ?
             ON CONFLICT (sync_id, contact_id) DO UPDATE SET settled = excluded.settled",
        )?
        .execute((sync, fingerprint, contact.0))?;
    Ok(())
}

/// Writes what the sync remembers of a contact, or forgets it.
fn remember(connection: &Connection, sync: i64, contact: ContactId, memory: Option<&Memory>) -> Step<()> {
    let Some(memory) = memory else {
        connection
            .prepare_cached(
                "UPDATE sync_members SET memory_class = NULL, memory_code = NULL, memory_message = NULL,
                                         memory_attempt = NULL
                 WHERE sync_id = ? AND contact_id = ?",
            )?
            .execute((sync, contact.0))?;
        return forget_empty(connection, sync, contact);
    };
    connection
        .prepare_cached(
            "INSERT INTO sync_members (sync_id, contact_id, memory_class, memory_code, memory_message, memory_attempt)
             SELECT ?, id, ?, ?, ?, ? FROM contacts WHERE id = ?
             ON CONFLICT (sync_id, contact_id) DO UPDATE SET
                 memory_class = excluded.memory_class, memory_code = excluded.memory_code,
                 memory_message = excluded.memory_message, memory_attempt = excluded.memory_attempt",
        )?
        .execute((
            sync,
            memory.class.as_str(),
            &memory.reason.code,
            &memory.reason.message,
            memory.attempt,
            contact.0,
        ))?;
    Ok(())
}

/// Writes a tag's new state; an empty one forgets the contact.
fn set_tag(connection: &Connection, sync: i64, contact: ContactId, tag: &TagState) -> Step<()> {
    let refused = tag.refused.as_ref();
    connection
        .prepare_cached(
            "INSERT INTO sync_members (sync_id, contact_id, tag_owned, refused_change, refused_tag, refused_reason)
             VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (sync_id, contact_id) DO UPDATE SET
                 tag_owned = excluded.tag_owned, refused_change = excluded.refused_change,
                 refused_tag = excluded.refused_tag, refused_reason = excluded.refused_reason",
        )?
        .execute((
            sync,
            contact.0,
            &tag.owned,
            refused.map(|refused| word(&refused.change)).transpose()?,
            refused.map(|refused| &refused.tag),
            refused.map(|refused| &refused.reason),
        ))?;
    if *tag == TagState::default() { forget_empty(connection, sync, contact) } else { Ok(()) }
}

/// Drops a row that holds nothing any more.
fn forget_empty(connection: &Connection, sync: i64, contact: ContactId) -> Step<()> {
    connection
        .prepare_cached(
            "DELETE FROM sync_members
             WHERE sync_id = ? AND contact_id = ?
               AND memory_class IS NULL AND tag_owned IS NULL AND refused_change IS NULL",
        )?
        .execute((sync, contact.0))?;
    Ok(())
}
