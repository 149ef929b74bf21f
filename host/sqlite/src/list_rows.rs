//! Rows of lists and of their entries: which are shown, and how they change one by one.

use std::collections::BTreeSet;

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::email;
use postroom_store::StoreError;
use rusqlite::{Connection, Row};

use crate::columns::{hash16, micros};
use crate::failure::Step;
use crate::import_entries;
use crate::sequence::{Change, Numbers};

/// What tells one entry from another: see [`entry_key`].
pub(crate) type EntryKey = [u8; 16];
/// The rolling hash of a list's shown entries.
pub(crate) type EntriesHash = [u8; 16];

/// The rolling hash of a list without entries.
pub(crate) const NO_ENTRIES: EntriesHash = [0; 16];

/// A list and the generations that it shows.
#[derive(Debug, Clone)]
pub(crate) struct ListRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) is_shown: bool,
    pub(crate) first_generation: i64,
    pub(crate) last_generation: i64,
    pub(crate) last_position: i64,
    pub(crate) revision: i64,
    pub(crate) entries_hash: Option<EntriesHash>,
    pub(crate) created_at: i64,
}

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, name, shown, first_generation, last_generation, last_position, revision, entries_hash,
                    created_at
             FROM lists WHERE ",
            $condition
        )
    };
}

/// The list of a name, also one that only an unfinished import knows of.
pub(crate) fn by_name(connection: &Connection, name: &str) -> Step<Option<ListRow>> {
    let mut statement = connection.prepare_cached(select!("name = ?"))?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(read).transpose()
}

/// The list of a name, as people see it.
pub(crate) fn require(connection: &Connection, name: &str) -> Step<ListRow> {
    by_name(connection, name)?.filter(|list| list.is_shown).ok_or_else(|| {
        let mend = "look the name up among the lists, or create it".to_owned();
        StoreError::NotFound { kind: "list", name: name.to_owned(), mend }.into()
    })
}

/// The list of a number.
pub(crate) fn by_id(connection: &Connection, id: i64) -> Step<Option<ListRow>> {
    let mut statement = connection.prepare_cached(select!("id = ?"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// The list of a number, where there is one.
pub(crate) fn of(connection: &Connection, id: Option<i64>) -> Step<Option<ListRow>> {
    Ok(id.map(|id| by_id(connection, id)).transpose()?.flatten())
}

/// Every list that people see, in the order that was set.
pub(crate) fn all(connection: &Connection) -> Step<Vec<ListRow>> {
    let mut statement = connection.prepare_cached(select!("shown = 1 ORDER BY place, id"))?;
    let mut rows = statement.query([])?;
    let mut lists = Vec::new();
    while let Some(row) = rows.next()? {
        lists.push(read(row)?);
    }
    Ok(lists)
}

fn read(row: &Row<'_>) -> Step<ListRow> {
    let hash: Option<Vec<u8>> = row.get(7)?;
    Ok(ListRow {
        id: row.get(0)?,
        name: row.get(1)?,
        is_shown: row.get(2)?,
        first_generation: row.get(3)?,
        last_generation: row.get(4)?,
        last_position: row.get(5)?,
        revision: row.get(6)?,
        entries_hash: hash.as_deref().map(hash16).transpose()?,
        created_at: row.get(8)?,
    })
}

/// Puts a list behind all others, as one that people begin to see.
pub(crate) fn place_last(connection: &Connection, list: i64) -> Step<()> {
    connection.execute("UPDATE lists SET place = (SELECT max(place) + 1 FROM lists) WHERE id = ?", [list])?;
    Ok(())
}

/// Gives lists the places in which they stand here.
pub(crate) fn place(connection: &Connection, lists: &[i64]) -> Step<()> {
    let mut statement = connection.prepare_cached("UPDATE lists SET place = ? WHERE id = ?")?;
    for (index, list) in lists.iter().enumerate() {
        statement.execute((index + 1, list))?;
    }
    Ok(())
}

/// The hash of a raw row, cell by cell.
pub(crate) fn row_hash(raw: &[String]) -> EntryKey {
    let mut hasher = blake3::Hasher::new();
    for cell in raw {
        hasher.update(&(cell.len() as u64).to_le_bytes());
        hasher.update(cell.as_bytes());
    }
    short(&hasher)
}

/// What tells an entry from another of its list: its raw row, and how many of the same stood in the
/// file up to it.
pub(crate) fn entry_key(row: &EntryKey, occurrence: u64) -> EntryKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(row);
    hasher.update(&occurrence.to_le_bytes());
    short(&hasher)
}

/// The rolling hash after one more entry.
pub(crate) fn rolled(before: &EntriesHash, key: &EntryKey, contact: Option<ContactId>) -> EntriesHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(key);
    hasher.update(&contact.map_or(0, |id| id.0).to_le_bytes());
    short(&hasher)
}

fn short(hasher: &blake3::Hasher) -> [u8; 16] {
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// Whether a contact is on a list as it is shown; if it is, since when.
pub(crate) fn on_list_since(connection: &Connection, list: &ListRow, contact: ContactId) -> Step<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT joined_at FROM entries
         WHERE list_id = ? AND contact_id = ? AND generation BETWEEN ? AND ?
         ORDER BY position LIMIT 1",
    )?;
    let mut rows = statement.query((list.id, contact.0, list.first_generation, list.last_generation))?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// Puts a contact at the end of a list.
pub(crate) fn append(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    list: &ListRow,
    contact: ContactId,
    at: Timestamp,
) -> Step<()> {
    let position = list.last_position + 1;
    let key = entry_key(&row_hash(&[format!("contact {}", contact.0)]), 1);
    connection
        .prepare_cached(
            "INSERT INTO entries (list_id, generation, position, contact_id, entry_key, raw, joined_at)
             VALUES (?, ?, ?, ?, ?, '[]', ?)",
        )?
        .execute((list.id, list.last_generation, position, contact.0, key, micros(at)))?;
    let hash = list.entries_hash.map(|before| rolled(&before, &key, Some(contact)));
    connection
        .prepare_cached("UPDATE lists SET last_position = ?, entries_hash = ?, revision = revision + 1 WHERE id = ?")?
        .execute((position, hash, list.id))?;
    numbers.take(Change::Joined, Some(contact), Some(list.id))?;
    Ok(())
}

/// Says that entries of a list are gone: its rolling hash can't be continued.
pub(crate) fn mark_removed(connection: &Connection, list: i64) -> Step<()> {
    connection
        .prepare_cached("UPDATE lists SET entries_hash = NULL, revision = revision + 1 WHERE id = ?")?
        .execute([list])?;
    Ok(())
}

/// Takes every shown entry of a contact off a list; answers with how many there were.
pub(crate) fn remove_shown(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    list: &ListRow,
    contact: ContactId,
) -> Step<u64> {
    let entries: Vec<i64> = connection
        .prepare_cached("SELECT id FROM entries WHERE list_id = ? AND contact_id = ? AND generation BETWEEN ? AND ?")?
        .query_map((list.id, contact.0, list.first_generation, list.last_generation), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    remove(connection, list, &entries)?;
    let removed = entries.len() as u64;
    if removed > 0 {
        mark_removed(connection, list.id)?;
        numbers.take(Change::Left, Some(contact), Some(list.id))?;
    }
    Ok(removed)
}

/// Takes entries off a list. What an open import agreed with goes to the import instead of away.
pub(crate) fn remove(connection: &Connection, list: &ListRow, entries: &[i64]) -> Step<()> {
    import_entries::hand_over(connection, list, entries)?;
    let mut delete = connection.prepare_cached("DELETE FROM entries WHERE id = ? AND generation BETWEEN ? AND ?")?;
    for entry in entries {
        delete.execute((entry, list.first_generation, list.last_generation))?;
    }
    Ok(())
}

/// Every list, shown or in the making.
pub(crate) fn every(connection: &Connection) -> Step<Vec<ListRow>> {
    let mut statement = connection.prepare_cached(select!("true ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut lists = Vec::new();
    while let Some(row) = rows.next()? {
        lists.push(read(row)?);
    }
    Ok(lists)
}

/// Takes a contact that is about to be deleted off every list, shown or in the making.
pub(crate) fn remove_contact(connection: &Connection, numbers: &mut Numbers<'_>, contact: ContactId) -> Step<()> {
    for list in every(connection)? {
        remove_shown(connection, numbers, &list, contact)?;
        let staged = connection
            .prepare_cached("DELETE FROM entries WHERE list_id = ? AND contact_id = ?")?
            .execute((list.id, contact.0))?;
        if staged > 0 {
            forget_staged(connection, list.id)?;
        }
    }
    Ok(())
}

/// Takes entries without a contact off every list in whose rows one of these addresses stands: they could not be read,
/// and are about a person all the same.
pub(crate) fn remove_unread(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    addresses: &BTreeSet<String>,
) -> Step<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, raw, generation BETWEEN ?2 AND ?3 FROM entries
         WHERE list_id = ?1 AND contact_id IS NULL /* all: of each list those without a contact */",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM entries WHERE id = ?")?;
    for list in every(connection)? {
        let (mut shown, mut staged) = (Vec::new(), Vec::new());
        let mut rows = statement.query((list.id, list.first_generation, list.last_generation))?;
        while let Some(row) = rows.next()? {
            if names_any(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?, addresses)? {
                if row.get(2)? { &mut shown } else { &mut staged }.push(row.get::<_, i64>(0)?);
            }
        }
        remove(connection, &list, &shown)?;
        for entry in &staged {
            delete.execute([entry])?;
        }
        if !shown.is_empty() {
            mark_removed(connection, list.id)?;
            numbers.take(Change::Entries, None, Some(list.id))?;
        }
        if !staged.is_empty() {
            forget_staged(connection, list.id)?;
        }
    }
    Ok(())
}

/// Whether one of these addresses stands in a kept row.
pub(crate) fn names_any(raw: &str, addresses: &BTreeSet<String>) -> Step<bool> {
    if !raw.contains('@') {
        return Ok(false);
    }
    let cells: Vec<String> = serde_json::from_str(raw)?;
    Ok(cells.iter().flat_map(|cell| email::addresses_in(cell)).any(|address| addresses.contains(address.key())))
}

/// Says that staged entries of a list are gone: the rolling hash of what is staged can't be continued.
fn forget_staged(connection: &Connection, list: i64) -> Step<()> {
    connection.execute("UPDATE imports SET entries_hash = NULL WHERE list_id = ? AND state = 'open'", [list])?;
    Ok(())
}

/// The names of the lists that show each of these contacts, in their order.
pub(crate) fn lists_of_each(connection: &Connection, contacts: &[ContactId]) -> Step<Vec<Vec<String>>> {
    let places: Vec<i64> = contacts.iter().map(|contact| contact.0).collect();
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT p.key, l.name
         FROM json_each(?) p CROSS JOIN lists l
         CROSS JOIN entries e ON e.list_id = l.id AND e.contact_id = p.value
                             AND e.generation BETWEEN l.first_generation AND l.last_generation
         WHERE l.shown = 1 ORDER BY p.key, l.name",
    )?;
    let mut rows = statement.query([serde_json::to_string(&places)?])?;
    let mut names = vec![Vec::new(); contacts.len()];
    while let Some(row) = rows.next()? {
        let place: usize = row.get(0)?;
        if let Some(of_contact) = names.get_mut(place) {
            of_contact.push(row.get(1)?);
        }
    }
    Ok(names)
}

/// The names of the lists that show a contact.
pub(crate) fn lists_of(connection: &Connection, contact: ContactId) -> Step<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT l.name FROM lists l
         WHERE l.shown = 1 AND EXISTS (
             SELECT 1 FROM entries e
             WHERE e.list_id = l.id AND e.contact_id = ?
               AND e.generation BETWEEN l.first_generation AND l.last_generation)
         ORDER BY l.name",
    )?;
    let names = statement.query_map([contact.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names)
}
