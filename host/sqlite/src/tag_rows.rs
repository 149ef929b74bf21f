//! The tags of contacts. Single writes and imports share it.

use postroom_domain::contact::ContactId;
use rusqlite::{Connection, OptionalExtension};

use crate::failure::Step;

/// Puts a tag on a contact, or takes it off; answers whether that changed anything. Two spellings of a tag
/// are one.
pub(crate) fn set(connection: &Connection, contact: ContactId, tag: &str, present: bool) -> Step<bool> {
    let key = tag.to_lowercase();
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM tags WHERE name_key = ?")?
        .query_row([&key], |row| row.get(0))
        .optional()?;
    let changed = match (known, present) {
        (None, false) => 0,
        (Some(tag), false) => connection
            .prepare_cached("DELETE FROM contact_tags WHERE contact_id = ? AND tag_id = ?")?
            .execute((contact.0, tag))?,
        (known, true) => {
            let tag = match known {
                Some(tag) => tag,
                None => {
                    connection
                        .prepare_cached("INSERT INTO tags (name, name_key) VALUES (?, ?)")?
                        .execute((tag, &key))?;
                    connection.last_insert_rowid()
                }
            };
            connection
                .prepare_cached("INSERT INTO contact_tags (contact_id, tag_id) VALUES (?, ?) ON CONFLICT DO NOTHING")?
                .execute((contact.0, tag))?
        }
    };
    Ok(changed > 0)
}
