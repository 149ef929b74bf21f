//! Joining two contacts that are one person.

use jiff::Timestamp;
use postroom_domain::consent::{Consent, ConsentSource, Will};
use postroom_domain::contact::ContactId;
use postroom_domain::field::Fields;
use postroom_domain::history::{Data, differences};
use postroom_domain::merge::{self, MergeFault};
use postroom_store::StoreError;
use postroom_store::contacts::ContactRef;
use rusqlite::Connection;
use serde_json::json;

use crate::columns::{micros, word};
use crate::contact_rows::{self, StoredContact};
use crate::failure::Step;
use crate::history_rows::{self, Note};
use crate::sequence::{Change, Numbers};
use crate::{
    aliases, consent_rows, history, intent_contacts, intent_opt_outs, list_rows, member_rows, scope_rows, tag_rows,
};

/// Joins `other` into `kept`.
pub(crate) fn merge(
    connection: &Connection,
    (kept, other): (&ContactRef, &ContactRef),
    at: Timestamp,
) -> Step<ContactId> {
    let refused = |fault: MergeFault| StoreError::Refused(fault.to_string());
    let (kept, mut other) = (contact_rows::require(connection, kept)?, contact_rows::require(connection, other)?);
    if kept.id == other.id {
        return Err(refused(MergeFault::Same).into());
    }
    let external_id = merge::joined_key(kept.external_id.as_deref(), other.external_id.as_deref()).map_err(refused)?;
    let before: Fields = serde_json::from_str(&kept.fields)?;
    let fields = merge::joined_fields(&before, &serde_json::from_str(&other.fields)?);
    let consent = joined_consent(connection, &kept, &other)?;
    if consent.will == Will::Withdrawn {
        // The person said no: also the members under the address that goes are to hear of it first.
        other.consent.will = Will::Withdrawn;
        member_rows::require_told(connection, &other)?;
    }
    let mut numbers = Numbers::begin(connection, at)?;
    member_rows::keep_until_untagged(connection, other.id, &other.email, at)?;
    aliases::keep(connection, &other, kept.id, at)?;
    move_entries(connection, &mut numbers, (&kept, &other), at)?;
    tag_rows::hand_over(connection, other.id, kept.id, at)?;
    connection.execute(
        "UPDATE consent_events SET contact_id = ? WHERE contact_id = ? AND act <> 'bounced' AND act <> 'address-changed'",
        (kept.id.0, other.id.0),
    )?;
    scope_rows::refold(connection, kept.id, &consent_rows::history(connection, kept.id)?.iter())?;
    history::note_beginning(connection, other.id)?;
    history_rows::hand_over(connection, other.id, kept.id)?;
    let joined = differences(
        data(&kept, &before),
        Data { external_id: external_id.as_deref(), fields: &fields, ..data(&kept, &before) },
    );
    history_rows::append_values(connection, kept.id, at, ConsentSource::Operator, &joined)?;
    history_rows::append(connection, kept.id, at, ConsentSource::Operator, &Note::Merged(&other))?;
    connection.execute("DELETE FROM contacts WHERE id = ?", [other.id.0])?;
    let seq = numbers.take(Change::Contact, Some(kept.id), None)?;
    connection.execute(
        "UPDATE contacts SET external_id = ?, fields = ?, will = ?, deliverability = ?, shown = ?, seq = ?,
                             updated_at = max(updated_at, ?)
         WHERE id = ?",
        (
            external_id,
            serde_json::to_string(&fields)?,
            word(&consent.will)?,
            word(&consent.deliverability)?,
            consent.shown().as_str(),
            seq,
            micros(at),
            kept.id.0,
        ),
    )?;
    intent_contacts::hand_over(connection, other.id, kept.id, at)?;
    intent_contacts::cancel_refused(connection, kept.id, at)?;
    intent_opt_outs::follow(connection, kept.id, (kept.consent.shown(), consent.shown()), at)?;
    numbers.take(Change::ContactDeleted, Some(other.id), None)?;
    numbers.end("contacts-merged", &json!({ "contact": kept.id, "merged": other.id }))?;
    Ok(kept.id)
}

fn data<'a>(contact: &'a StoredContact, fields: &'a Fields) -> Data<'a> {
    Data { email: &contact.email, external_id: contact.external_id.as_deref(), fields }
}

/// What the two histories come to as one.
fn joined_consent(connection: &Connection, kept: &StoredContact, other: &StoredContact) -> Step<Consent> {
    let mut history = consent_rows::history(connection, kept.id)?;
    history.extend(consent_rows::history(connection, other.id)?.into_iter().filter(merge::comes_over));
    Ok(Consent::fold(&history))
}

/// Gives the other's places on lists to the one that stays. Where both stood on a list, the later entry
/// is a duplicate from now on (row A6).
fn move_entries(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    (kept, other): (&StoredContact, &StoredContact),
    at: Timestamp,
) -> Step<()> {
    for list in list_rows::every(connection)? {
        let joins = list_rows::on_list_since(connection, &list, kept.id)?.is_none();
        let moved = connection
            .prepare_cached("UPDATE entries SET contact_id = ? WHERE list_id = ? AND contact_id = ?")?
            .execute((kept.id.0, list.id, other.id.0))?;
        if moved == 0 {
            continue;
        }
        list_rows::mark_removed(connection, list.id)?;
        connection.execute("UPDATE imports SET entries_hash = NULL WHERE list_id = ? AND state = 'open'", [list.id])?;
        if joins && list.is_shown {
            history_rows::append(connection, kept.id, at, ConsentSource::Operator, &Note::Joined(&list))?;
        }
        let change = if joins { Change::Joined } else { Change::Entries };
        numbers.take(change, Some(kept.id), Some(list.id))?;
        numbers.take(Change::Left, Some(other.id), Some(list.id))?;
    }
    Ok(())
}
