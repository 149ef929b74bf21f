//! Entries of a list as it is shown: read page by page, and corrected one by one.

use postroom_domain::contact::{ContactId, EntryId};
use postroom_store::StoreError;
use postroom_store::lists::{Entry, EntryTrouble};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::columns::timestamp;
use crate::failure::Step;
use crate::list_rows::{self, ListRow};

/// The place of the first entry of an entry's contact.
macro_rules! first_of_contact {
    () => {
        "(SELECT f.position FROM entries f
          WHERE f.list_id = e.list_id AND f.contact_id = e.contact_id AND f.generation BETWEEN :first AND :last
          ORDER BY f.position LIMIT 1)"
    };
}

/// A page of entries with a condition of their own.
macro_rules! select {
    ($condition:expr) => {
        concat!(
            "SELECT e.id, e.position, e.contact_id, c.email, e.fault, e.raw, e.joined_at, ",
            first_of_contact!(),
            " FROM entries e LEFT JOIN contacts c ON c.id = e.contact_id
              WHERE e.list_id = :list AND e.position > :after AND e.generation BETWEEN :first AND :last AND ",
            $condition,
            " ORDER BY e.position LIMIT :limit"
        )
    };
}

/// A page of a list in its order, with a position above `after`; with a trouble, of those that have it.
pub(crate) fn page(
    connection: &Connection,
    list: &ListRow,
    trouble: Option<EntryTrouble>,
    after: u64,
    limit: u32,
) -> Step<Vec<Entry>> {
    let mut statement = connection.prepare_cached(match trouble {
        None => select!("true"),
        Some(EntryTrouble::Invalid) => select!("e.contact_id IS NULL"),
        Some(EntryTrouble::Duplicate) => select!(concat!("e.position > ", first_of_contact!())),
    })?;
    let mut rows = statement.query(named_params! {
        ":list": list.id, ":after": after, ":limit": limit,
        ":first": list.first_generation, ":last": list.last_generation,
    })?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(read(row)?);
    }
    Ok(entries)
}

/// The entry at a position, and its contact.
pub(crate) fn at(connection: &Connection, list: &ListRow, position: u64) -> Step<(i64, Option<ContactId>)> {
    let found: Option<(i64, Option<i64>)> = connection
        .prepare_cached(
            "SELECT id, contact_id FROM entries
             WHERE list_id = ? AND position = ? AND generation BETWEEN ? AND ?",
        )?
        .query_row((list.id, position, list.first_generation, list.last_generation), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    found.map(|(entry, contact)| (entry, contact.map(ContactId))).ok_or_else(|| {
        let mend = format!("look the position up among the entries of the list `{}`", list.name);
        StoreError::NotFound { kind: "entry", name: position.to_string(), mend }.into()
    })
}

/// Gives an entry that had no contact one, where it stands.
pub(crate) fn give_contact(connection: &Connection, list: &ListRow, entry: i64, contact: ContactId) -> Step<()> {
    connection
        .prepare_cached("UPDATE entries SET contact_id = ?, fault = NULL WHERE id = ?")?
        .execute((contact.0, entry))?;
    // What the list showed can't be continued, nor what an open import agreed with.
    list_rows::mark_removed(connection, list.id)?;
    connection.execute("UPDATE imports SET entries_hash = NULL WHERE list_id = ? AND state = 'open'", [list.id])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Step<Entry> {
    let (position, fault, raw): (u64, Option<String>, String) = (row.get(1)?, row.get(4)?, row.get(5)?);
    let first: Option<u64> = row.get(7)?;
    Ok(Entry {
        id: EntryId(row.get(0)?),
        position,
        contact: row.get::<_, Option<i64>>(2)?.map(ContactId),
        email: row.get(3)?,
        fault: fault.map(|json| serde_json::from_str(&json)).transpose()?,
        duplicate_of: first.filter(|first| *first < position),
        raw: serde_json::from_str(&raw)?,
        joined_at: timestamp(row.get(6)?)?,
    })
}
