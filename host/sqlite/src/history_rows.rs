//! The history of a contact's data: a row for each write that changed something.

use jiff::Timestamp;
use postroom_domain::consent::ConsentSource;
use postroom_domain::contact::ContactId;
use postroom_domain::history::{ContactChange, ValueChange};
use rusqlite::Connection;

use crate::columns::{from_word, micros, timestamp};
use crate::failure::Step;

/// Adds what changed.
pub(crate) fn append(
    connection: &Connection,
    contact: ContactId,
    at: Timestamp,
    source: ConsentSource,
    values: &[ValueChange],
) -> Step<()> {
    if values.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT INTO contact_changes (contact_id, at, source, changed) VALUES (?, ?, ?, ?)")?
        .execute((contact.0, micros(at), source.as_str(), serde_json::to_string(values)?))?;
    Ok(())
}

/// The history of a contact, oldest first.
pub(crate) fn all(connection: &Connection, contact: ContactId) -> Step<Vec<ContactChange>> {
    let mut statement = connection
        .prepare_cached("SELECT at, source, changed FROM contact_changes WHERE contact_id = ? ORDER BY at, id")?;
    let mut rows = statement.query([contact.0])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let (source, values): (String, String) = (row.get(1)?, row.get(2)?);
        changes.push(ContactChange {
            at: timestamp(row.get(0)?)?,
            source: from_word("source of a change", &source)?,
            values: serde_json::from_str(&values)?,
        });
    }
    Ok(changes)
}
