//! The indexes of fields. Those that stand in a database are compared with those that this program asks for
//! whenever it is opened to write, so that no step of the schema has to know them.

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
    for index in &indexes {
        if change.is_filterable {
            index.make(connection)?;
        } else {
            index.drop(connection)?;
        }
    }
    field_rows::update(connection, &FieldDefinition { is_filterable: change.is_filterable, ..field })
}

/// Makes anew the indexes that an earlier version of the program wrote otherwise: no condition would find
/// them. It takes some seconds for each of them and a million contacts, once.
pub(crate) fn catch_up(connection: &Connection) -> Step<()> {
    let unit = connection.unchecked_transaction()?;
    for field in field_rows::all(&unit)?.iter().filter(|field| field.is_filterable) {
        for index in indexes(field) {
            index.make(&unit)?;
        }
    }
    Ok(unit.commit()?)
}

/// An index of a field.
struct Index {
    name: String,
    /// What it is made of.
    expression: String,
}

impl Index {
    /// Makes it, unless it stands there as it is to be.
    fn make(&self, connection: &Connection) -> Step<()> {
        let statement = format!("CREATE INDEX {} ON contacts ({})", self.name, self.expression);
        let is_made: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ? AND sql = ?)",
            [&self.name, &statement],
            |row| row.get(0),
        )?;
        if is_made {
            return Ok(());
        }
        self.drop(connection)?;
        Ok(connection.execute_batch(&statement)?)
    }

    fn drop(&self, connection: &Connection) -> Step<()> {
        Ok(connection.execute_batch(&format!("DROP INDEX IF EXISTS {}", self.name))?)
    }
}

/// The indexes of a field.
fn indexes(field: &FieldDefinition) -> Vec<Index> {
    let path = FieldPath { field: field.name.clone(), part: None };
    expression::indexed(&path, Shape::of(field.kind))
        .into_iter()
        .map(|(suffix, expression)| Index { name: format!("contacts_field_{}{suffix}", field.name), expression })
        .collect()
}

fn require_place(connection: &Connection, field: &FieldDefinition, indexes: &[Index]) -> Step<()> {
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
