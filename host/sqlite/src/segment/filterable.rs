//! The indexes of fields.

use postroom_domain::field::{FieldDefinition, FieldPath};
use postroom_domain::segment::Shape;
use postroom_store::StoreError;
use postroom_store::segments::{Filterable, MAX_FILTERABLE};
use rusqlite::Connection;

use crate::failure::Step;
use crate::field_rows;
use crate::limits::CONTACTS_INDEXED_AT_ONCE;

use super::expression;

/// Makes a field quick to ask for, or ordinary again.
pub(crate) fn set(connection: &Connection, change: &Filterable) -> Step<()> {
    let field = field_rows::require(connection, &change.field)?;
    let indexes = indexes(&field);
    if change.is_filterable {
        require_place(connection, &field, &indexes)?;
        require_time(connection, &field, indexes.len(), change.may_block)?;
    }
    for (name, expression) in &indexes {
        if change.is_filterable {
            connection.execute_batch(&format!("CREATE INDEX IF NOT EXISTS {name} ON contacts ({expression})"))?;
        } else {
            connection.execute_batch(&format!("DROP INDEX IF EXISTS {name}"))?;
        }
    }
    field_rows::update(connection, &FieldDefinition { is_filterable: change.is_filterable, ..field })
}

/// The indexes of a field: their names, and what they are made of.
fn indexes(field: &FieldDefinition) -> Vec<(String, String)> {
    let path = FieldPath { field: field.name.clone(), part: None };
    expression::indexed(&path, Shape::of(field.kind))
        .into_iter()
        .map(|(suffix, expression)| (format!("contacts_field_{}{suffix}", field.name), expression))
        .collect()
}

fn require_place(connection: &Connection, field: &FieldDefinition, indexes: &[(String, String)]) -> Step<()> {
    let name = &field.name;
    if indexes.is_empty() {
        return Err(StoreError::Refused(format!(
            "the field `{name}` is a {}, whose values have no order to find them by: segments look through all \
             contacts for it",
            field.kind
        ))
        .into());
    }
    let filterable = field_rows::all(connection)?;
    let others: Vec<&str> = filterable
        .iter()
        .filter(|other| other.is_filterable && other.name != *name)
        .map(|other| other.name.as_str())
        .collect();
    if others.len() >= MAX_FILTERABLE {
        return Err(StoreError::Refused(format!(
            "{MAX_FILTERABLE} fields are filterable already ({}), and each costs every write: make one of them ordinary \
             again first",
            others.join(", ")
        ))
        .into());
    }
    Ok(())
}

/// SQLite builds an index in one go, and nothing else is written meanwhile.
fn require_time(connection: &Connection, field: &FieldDefinition, indexes: usize, may_block: bool) -> Step<()> {
    if may_block || field.is_filterable {
        return Ok(());
    }
    let contacts: u64 = connection.query_row("SELECT count(*) FROM contacts", [], |row| row.get(0))?;
    if contacts <= CONTACTS_INDEXED_AT_ONCE {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "indexing `{}` over {contacts} contacts keeps all other writes waiting, for some seconds per million and each \
         of {indexes} indexes: do it when nothing else is at work, and say that it may block",
        field.name
    ))
    .into())
}
