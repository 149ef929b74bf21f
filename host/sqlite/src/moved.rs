//! Who moved since a sequence number: the one place that knows where each kind of write leaves its mark.
//!
//! * A change of a contact (data, consent, tags, deletion) and of who is on a list: a row of `changes`
//!   that names the contact.
//! * What an import wrote of a contact: the number that the contact itself bears.
//! * A change of a list that names nobody: a row of `changes` with the list alone.
//! * What a run notes, confirms or remembers of contacts: a row of `member_changes` for each batch.

use roaring::RoaringTreemap;
use rusqlite::Connection;

use crate::columns::contact_set;
use crate::failure::Step;
use crate::limits::NUMBERS_FOLLOWED;
use crate::sequence::{self, Change};
use crate::snapshot::Scope;

/// What moved that a sync may be concerned with.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    /// The sequence number up to which this tells everything.
    pub(crate) sequence: i64,
    /// Contacts that moved; none when so much happened that they were not counted, or it was so long ago
    /// that nobody knows.
    pub(crate) contacts: Option<RoaringTreemap>,
    /// Whether the sync's list changed without saying for whom.
    pub(crate) list_changed: bool,
}

/// What moved after a sequence number.
pub(crate) fn since(connection: &Connection, scope: &Scope, sequence: i64) -> Step<Moved> {
    let current = sequence::current(connection)?;
    let mut moved = Moved { sequence: current, contacts: None, list_changed: false };
    let kept_after: i64 = connection
        .prepare_cached("SELECT changes_kept_after FROM audiences WHERE id = ?")?
        .query_row([scope.audience], |row| row.get(0))?;
    if sequence < kept_after || current - sequence > NUMBERS_FOLLOWED {
        return Ok(moved);
    }
    let mut contacts = RoaringTreemap::new();
    let mut statement = connection.prepare_cached(
        "SELECT contact_id, kind = :whole FROM changes
         WHERE seq > :after AND (list_id IS NULL OR list_id = :list)",
    )?;
    let parameters = rusqlite::named_params! {
        ":after": sequence, ":list": scope.list, ":whole": Change::List.word(),
    };
    let mut rows = statement.query(parameters)?;
    while let Some(row) = rows.next()? {
        match row.get::<_, Option<u64>>(0)? {
            Some(contact) => {
                contacts.insert(contact);
            }
            None => moved.list_changed |= row.get::<_, bool>(1)?,
        }
    }
    let mut statement = connection.prepare_cached("SELECT id FROM contacts WHERE seq > ?")?;
    let mut rows = statement.query([sequence])?;
    while let Some(row) = rows.next()? {
        contacts.insert(row.get(0)?);
    }
    let mut statement =
        connection.prepare_cached("SELECT contacts FROM member_changes WHERE audience_id = ? AND seq > ?")?;
    let mut rows = statement.query((scope.audience, sequence))?;
    while let Some(row) = rows.next()? {
        contacts |= contact_set(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
    }
    moved.contacts = Some(contacts);
    Ok(moved)
}
