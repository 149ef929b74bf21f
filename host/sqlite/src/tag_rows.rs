//! The tags of contacts. Single writes and imports share it.

use jiff::Timestamp;
use postroom_domain::consent::ConsentSource;
use postroom_domain::contact::ContactId;
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{micros, timestamp};
use crate::failure::Step;
use crate::history;
use crate::history_rows::{self, Note};

/// Puts a tag on a contact; answers whether that changed anything. Two spellings of a tag are one.
///
/// When it was put on stands with the tag, so that an import notes nothing beside it.
pub(crate) fn put_on(connection: &Connection, contact: ContactId, tag: &str, at: Timestamp) -> Step<bool> {
    let tag = match known(connection, tag)? {
        Some((tag, _)) => tag,
        None => {
            connection
                .prepare_cached("INSERT INTO tags (name, name_key) VALUES (?, ?)")?
                .execute((tag, tag.to_lowercase()))?;
            connection.last_insert_rowid()
        }
    };
    let put_on = connection
        .prepare_cached("INSERT INTO contact_tags (contact_id, tag_id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")?
        .execute((contact.0, tag, micros(at)))?;
    Ok(put_on > 0)
}

/// Takes a tag off a contact; answers whether that changed anything. That it was on, and since when, goes to
/// the contact's history.
pub(crate) fn take_off(connection: &Connection, contact: ContactId, tag: &str, at: Timestamp) -> Step<bool> {
    let Some((tag, name)) = known(connection, tag)? else { return Ok(false) };
    let since: Option<Option<i64>> = connection
        .prepare_cached("DELETE FROM contact_tags WHERE contact_id = ? AND tag_id = ? RETURNING at")?
        .query_row((contact.0, tag), |row| row.get(0))
        .optional()?;
    let Some(since) = since else { return Ok(false) };
    if let Some(since) = since {
        let since = timestamp(since)?;
        let by = history::by_import_or_hand(connection, since)?.source;
        history_rows::append(connection, contact, since, by, &Note::Tagged(&name))?;
    }
    history_rows::append(connection, contact, at, ConsentSource::Operator, &Note::Untagged(&name))?;
    Ok(true)
}

/// Gives the tags of a contact to the one that it is merged into. Since when it had them goes to its history.
pub(crate) fn hand_over(connection: &Connection, other: ContactId, kept: ContactId, at: Timestamp) -> Step<()> {
    for (tag, since) in history::tags(connection, other)? {
        let by = history::by_import_or_hand(connection, since)?.source;
        history_rows::append(connection, other, since, by, &Note::Tagged(&tag))?;
    }
    connection.execute(
        "INSERT INTO contact_tags (contact_id, tag_id, at) SELECT ?, tag_id, ? FROM contact_tags WHERE contact_id = ?
         ON CONFLICT DO NOTHING",
        (kept.0, micros(at), other.0),
    )?;
    Ok(())
}

/// The number of a tag, and how it is written.
fn known(connection: &Connection, tag: &str) -> Step<Option<(i64, String)>> {
    Ok(connection
        .prepare_cached("SELECT id, name FROM tags WHERE name_key = ?")?
        .query_row([tag.to_lowercase()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}
