//! What a run reads: the entries of its list with everything that their decisions need, and the
//! contacts that left. Each page is one statement.

use postroom_domain::contact::{ContactId, EntryId};
use postroom_domain::decision::{Confirmed, Memory, RefusedTag, RemoteStatus, TagState};
use postroom_domain::email::EmailAddress;
use postroom_domain::outcome::Reason;
use postroom_store::StoreError;
use postroom_store::runs::{ContactSnapshot, DepartedRow, SnapshotContent, SnapshotRow};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::columns::{address, from_word, hash16};
use crate::failure::{Failure, Step};

/// A sync's list, as it is shown, and its audience.
pub(crate) struct Scope {
    sync: i64,
    list: i64,
    first_generation: i64,
    last_generation: i64,
    pub(crate) audience: i64,
}

impl Scope {
    /// What a sync reads from.
    pub(crate) fn of(connection: &Connection, sync: i64) -> Step<Self> {
        connection
            .prepare_cached(
                "SELECT s.list_id, l.first_generation, l.last_generation, s.audience_id
                 FROM syncs s JOIN lists l ON l.id = s.list_id WHERE s.id = ?",
            )?
            .query_row([sync], |row| {
                Ok(Self {
                    sync,
                    list: row.get(0)?,
                    first_generation: row.get(1)?,
                    last_generation: row.get(2)?,
                    audience: row.get(3)?,
                })
            })
            .optional()?
            .ok_or_else(|| {
                let mend = "it was removed: look at the syncs that there are".to_owned();
                StoreError::NotFound { kind: "sync", name: sync.to_string(), mend }.into()
            })
    }

    /// The parameters that every statement of a scope has.
    pub(crate) fn parameters(&self) -> Vec<(&'static str, &dyn ToSql)> {
        vec![
            (":list", &self.list),
            (":first", &self.first_generation),
            (":last", &self.last_generation),
            (":audience", &self.audience),
        ]
    }
}

/// A page of entries in the list's order. The first entry of a contact is found by one look into an
/// index, so a page costs the same wherever it lies.
pub(crate) fn page(connection: &Connection, scope: &Scope, after: u64, limit: u32) -> Step<Vec<SnapshotRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.id, e.position, e.contact_id, e.fault,
                (SELECT f.position FROM entries f
                 WHERE f.list_id = :list AND f.contact_id = e.contact_id AND f.generation BETWEEN :first AND :last
                 ORDER BY f.position LIMIT 1),
                c.email, c.fields, c.shown,
                m.contact_id, m.remote_id, m.status, m.address, m.hash, m.base,
                s.tag_owned, s.refused_change, s.refused_tag, s.refused_reason,
                s.memory_class, s.memory_code, s.memory_message, s.memory_attempt
         FROM entries e
         LEFT JOIN contacts c ON c.id = e.contact_id
         LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = e.contact_id
         LEFT JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = e.contact_id
         WHERE e.list_id = :list AND e.position > :after AND e.generation BETWEEN :first AND :last
         ORDER BY e.position LIMIT :limit",
    )?;
    let mut parameters = scope.parameters();
    parameters.extend([(":sync", &scope.sync as &dyn ToSql), (":after", &after), (":limit", &limit)]);
    let mut rows = statement.query(parameters.as_slice())?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(SnapshotRow { entry: EntryId(row.get(0)?), position: row.get(1)?, content: content(row)? });
    }
    Ok(entries)
}

fn content(row: &Row<'_>) -> Step<SnapshotContent> {
    let position: u64 = row.get(1)?;
    let Some(contact) = row.get::<_, Option<i64>>(2)?.map(ContactId) else {
        let fault: String = row.get(3)?;
        return Ok(SnapshotContent::Invalid(serde_json::from_str(&fault)?));
    };
    if let Some(first) = row.get::<_, Option<u64>>(4)?
        && first < position
    {
        return Ok(SnapshotContent::Duplicate { contact, first });
    }
    let email: Option<String> = row.get(5)?;
    let email = email.ok_or_else(|| Failure::Cause(format!("entry {position} has a contact that is not there")))?;
    let text = |column| -> Step<&str> { Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?) };
    let own = address(&email)?;
    Ok(SnapshotContent::Contact(Box::new(ContactSnapshot {
        contact,
        fields: serde_json::from_str(text(6)?)?,
        consent: from_word("consent state", text(7)?)?,
        confirmed: confirmed(row, &own)?,
        memory: memory(row)?,
        tag: tag(row, 14)?,
        address: own,
    })))
}

/// What the audience confirmed, from column 8 on.
///
/// A row without a hash is a status that was seen of a contact that nothing of ours was written to; one
/// without a status either is a contact that was sent and not answered. It holds an empty base, the hash
/// of nothing, and the contact's own address where no other is known: whatever is to be there differs
/// from it.
fn confirmed(row: &Row<'_>, own: &EmailAddress) -> Step<Option<Confirmed>> {
    if row.get::<_, Option<i64>>(8)?.is_none() {
        return Ok(None);
    }
    let (status, there, hash, base): (Option<String>, Option<String>, Option<Vec<u8>>, String) =
        (row.get(10)?, row.get(11)?, row.get(12)?, row.get(13)?);
    Ok(Some(Confirmed {
        remote_id: row.get(9)?,
        status: status.as_deref().map(RemoteStatus::from_word),
        address: match there {
            Some(there) if there != own.as_str() => address(&there)?,
            Some(_) | None => own.clone(),
        },
        hash: hash.as_deref().map(hash16).transpose()?.unwrap_or_default(),
        base: serde_json::from_str(&base)?,
    }))
}

/// What the sync remembers, from column 18 on.
fn memory(row: &Row<'_>) -> Step<Option<Memory>> {
    let Some(class) = row.get::<_, Option<String>>(18)? else { return Ok(None) };
    let (code, message, attempt): (String, String, Vec<u8>) = (row.get(19)?, row.get(20)?, row.get(21)?);
    Ok(Some(Memory {
        class: from_word("outcome class", &class)?,
        reason: Reason { code, message },
        attempt: hash16(&attempt)?,
    }))
}

/// The tag's state in four columns.
fn tag(row: &Row<'_>, first: usize) -> Step<TagState> {
    let refused = match row.get::<_, Option<String>>(first + 1)? {
        Some(change) => Some(RefusedTag {
            change: from_word("change of tag", &change)?,
            tag: row.get(first + 2)?,
            reason: row.get(first + 3)?,
        }),
        None => None,
    };
    Ok(TagState { owned: row.get(first)?, refused })
}

/// A page of the contacts that are not on the sync's list and whose tag or opt-out is still to be
/// told to the audience. Whoever was sent and not answered may get mail there.
pub(crate) fn departed(connection: &Connection, scope: &Scope, after: ContactId, limit: u32) -> Step<Vec<DepartedRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT d.contact_id, coalesce(m.address, c.email), m.remote_id,
                s.tag_owned, s.refused_change, s.refused_tag, s.refused_reason,
                coalesce(c.will = 'withdrawn' AND coalesce(m.status, 'pending') IN ('subscribed', 'pending'), 0)
         FROM (SELECT contact_id FROM sync_members
               WHERE sync_id = :sync AND contact_id > :after AND tag_owned IS NOT NULL
               UNION
               SELECT w.contact_id FROM remote_members w JOIN contacts k ON k.id = w.contact_id
               WHERE w.audience_id = :audience AND w.contact_id > :after
                 AND coalesce(w.status, 'pending') IN ('subscribed', 'pending') AND k.will = 'withdrawn') d
         LEFT JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = d.contact_id
         LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = d.contact_id
         LEFT JOIN contacts c ON c.id = d.contact_id
         WHERE coalesce(m.address, c.email) IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM entries e
                           WHERE e.list_id = :list AND e.contact_id = d.contact_id
                             AND e.generation BETWEEN :first AND :last)
         ORDER BY d.contact_id LIMIT :limit",
    )?;
    let mut parameters = scope.parameters();
    parameters.extend([(":sync", &scope.sync as &dyn ToSql), (":after", &after.0), (":limit", &limit)]);
    let mut rows = statement.query(parameters.as_slice())?;
    let mut departed = Vec::new();
    while let Some(row) = rows.next()? {
        departed.push(DepartedRow {
            contact: ContactId(row.get(0)?),
            address: row.get(1)?,
            remote_id: row.get(2)?,
            tag: tag(row, 3)?,
            owes_opt_out: row.get(7)?,
        });
    }
    Ok(departed)
}

/// How many contacts of the sync have something of ours at the audience: those on its list, and
/// those that left and still bear its tag. Contacts of which only a status was seen are none.
pub(crate) fn member_count(connection: &Connection, scope: &Scope) -> Step<u64> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM remote_members m
         WHERE m.audience_id = :audience AND m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent'
           AND (EXISTS (SELECT 1 FROM entries e
                        WHERE e.list_id = :list AND e.contact_id = m.contact_id
                          AND e.generation BETWEEN :first AND :last)
                OR EXISTS (SELECT 1 FROM sync_members s
                           WHERE s.sync_id = :sync AND s.contact_id = m.contact_id AND s.tag_owned IS NOT NULL))",
    )?;
    let mut parameters = scope.parameters();
    parameters.push((":sync", &scope.sync));
    Ok(statement.query_row(parameters.as_slice(), |row| row.get(0))?)
}
