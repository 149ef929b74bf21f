//! The entries of an import: what it asks of those that are there, and how those that agree are staged
//! after all.

use postroom_domain::contact::ContactId;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::columns::hash16;
use crate::failure::Step;
use crate::import_row::ImportState;
use crate::import_shown::Place;
use crate::limits::ENTRIES_COPIED_AT_ONCE;
use crate::list_rows::{EntryKey, ListRow};

/// How often this raw row stood in the file up to now without being a contact's first; counts it.
pub(crate) fn repeats(connection: &Connection, import: i64, hash: &EntryKey) -> Step<u64> {
    let times = connection
        .prepare_cached(
            "INSERT INTO import_repeats (import_id, row_hash, times) VALUES (?, ?, 1)
             ON CONFLICT (import_id, row_hash) DO UPDATE SET times = times + 1
             RETURNING times",
        )?
        .query_row((import, hash), |row| row.get(0))?;
    Ok(times)
}

/// The key of the entry that a contact's first row in this import has, staged or agreed; where an
/// adding import left it out because the list has the contact, of the entry that the list has.
pub(crate) fn first_key(
    connection: &Connection,
    import: &ImportState,
    list: &ListRow,
    contact: ContactId,
) -> Step<Option<EntryKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT entry_key FROM entries
         WHERE list_id = :list AND contact_id = :contact
           AND (generation = :staged OR (generation BETWEEN :first AND :last AND position <= :shown))
         ORDER BY generation = :staged, position LIMIT 1",
    )?;
    let shown = if import.mode_is_add() { list.last_position } else { import.agreed };
    let mut rows = statement.query(named_params! {
        ":list": list.id,
        ":contact": contact.0,
        ":staged": import.generation,
        ":first": list.first_generation,
        ":last": list.last_generation,
        ":shown": shown,
    })?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(hash16(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?))
}

/// The first place at which a list shows a contact.
pub(crate) fn first_place(connection: &Connection, list: &ListRow, contact: ContactId) -> Step<Option<Place>> {
    Ok(connection
        .prepare_cached(
            "SELECT position, joined_at FROM entries
             WHERE list_id = ? AND contact_id = ? AND generation BETWEEN ? AND ?
             ORDER BY position LIMIT 1",
        )?
        .query_row((list.id, contact.0, list.first_generation, list.last_generation), place)
        .optional()?)
}

/// The place at which a list shows a later row of a contact, or a row without one.
pub(crate) fn later_place(
    connection: &Connection,
    list: &ListRow,
    contact: Option<ContactId>,
    key: &EntryKey,
) -> Step<Option<Place>> {
    let (first, last) = (list.first_generation, list.last_generation);
    let found = match contact {
        Some(contact) => connection
            .prepare_cached(
                "SELECT position, joined_at FROM entries
                 WHERE list_id = ? AND contact_id = ? AND entry_key = ? AND generation BETWEEN ? AND ? LIMIT 1",
            )?
            .query_row((list.id, contact.0, key, first, last), place)
            .optional()?,
        None => connection
            .prepare_cached(
                "SELECT position, joined_at FROM entries
                 WHERE list_id = ? AND contact_id IS NULL AND entry_key = ? AND generation BETWEEN ? AND ? LIMIT 1",
            )?
            .query_row((list.id, key, first, last), place)
            .optional()?,
    };
    Ok(found)
}

fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    Ok(Place { position: row.get(0)?, since: row.get(1)? })
}

/// Stages some of the entries that agreed, in the places that they have. Answers whether all are.
pub(crate) fn copy_agreed(connection: &Connection, mut import: ImportState, list: &ListRow) -> Step<bool> {
    let from = import.copied.unwrap_or_default();
    let to = import.agreed.min(from + ENTRIES_COPIED_AT_ONCE);
    connection
        .prepare_cached(
            "INSERT INTO entries (list_id, generation, position, contact_id, entry_key, fault, raw, joined_at,
                                  import_id)
             SELECT list_id, :staged, position, contact_id, entry_key, fault, raw, joined_at, import_id
             FROM entries INDEXED BY entries_by_position
             WHERE list_id = :list AND position > :from AND position <= :to AND generation BETWEEN :first AND :last
             ORDER BY position",
        )?
        .execute(named_params! {
            ":staged": import.generation,
            ":list": list.id,
            ":from": from,
            ":to": to,
            ":first": list.first_generation,
            ":last": list.last_generation,
        })?;
    import.copied = Some(to);
    import.save(connection)?;
    Ok(to == import.agreed)
}

/// Hands entries that are about to be taken off a list to the open import that agreed with them: its
/// file has them still.
pub(crate) fn hand_over(connection: &Connection, list: &ListRow, entries: &[i64]) -> Step<()> {
    let open: Option<(i64, i64, i64, i64)> = connection
        .prepare_cached(
            "SELECT id, generation, coalesce(copied, 0), agreed FROM imports INDEXED BY imports_open
             WHERE list_id = ? AND state = 'open'",
        )?
        .query_row([list.id], |row| row.try_into())
        .optional()?;
    let Some((import, generation, copied, agreed)) = open else { return Ok(()) };
    let mut moved = 0;
    for entry in entries {
        moved += connection
            .prepare_cached("UPDATE entries SET generation = ? WHERE id = ? AND position > ? AND position <= ?")?
            .execute((generation, entry, copied, agreed))?;
    }
    if moved > 0 {
        connection.prepare_cached("UPDATE imports SET copied = ? WHERE id = ?")?.execute((copied, import))?;
    }
    Ok(())
}
