//! Rows of fields: how a definition stands in the store.

use postroom_domain::field::{FieldDefinition, FieldName};
use postroom_store::StoreError;
use rusqlite::{Connection, Row};

use crate::columns::{from_word, word};
use crate::failure::{Failure, Step};

/// The columns of a definition.
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT name, type, label, choices, is_visible, is_filterable FROM fields ", $rest)
    };
}

/// Every field, in their order.
pub(crate) fn all(connection: &Connection) -> Step<Vec<FieldDefinition>> {
    let mut statement = connection.prepare_cached(select!("ORDER BY position"))?;
    let mut rows = statement.query([])?;
    let mut fields = Vec::new();
    while let Some(row) = rows.next()? {
        fields.push(read(row)?);
    }
    Ok(fields)
}

/// The field of a name.
pub(crate) fn by_name(connection: &Connection, name: &FieldName) -> Step<Option<FieldDefinition>> {
    let mut statement = connection.prepare_cached(select!("WHERE name = ?"))?;
    let mut rows = statement.query([name.as_str()])?;
    rows.next()?.map(read).transpose()
}

/// The field of a name, or that there is none.
pub(crate) fn require(connection: &Connection, name: &FieldName) -> Step<FieldDefinition> {
    by_name(connection, name)?.ok_or_else(|| {
        let mend = "look at the fields that there are, or add it".to_owned();
        StoreError::NotFound { kind: "field", name: name.to_string(), mend }.into()
    })
}

/// Adds a field behind the others. The caller has made sure that its name is free.
pub(crate) fn insert(connection: &Connection, field: &FieldDefinition) -> Step<()> {
    connection
        .prepare_cached(
            "INSERT INTO fields (name, type, label, choices, is_visible, is_filterable) VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute((
            field.name.as_str(),
            word(&field.kind)?,
            &field.label,
            serde_json::to_string(&field.choices)?,
            field.is_visible,
            field.is_filterable,
        ))?;
    Ok(())
}

/// Writes what of a field can change.
pub(crate) fn update(connection: &Connection, field: &FieldDefinition) -> Step<()> {
    connection
        .prepare_cached("UPDATE fields SET label = ?, choices = ?, is_visible = ?, is_filterable = ? WHERE name = ?")?
        .execute((
            &field.label,
            serde_json::to_string(&field.choices)?,
            field.is_visible,
            field.is_filterable,
            field.name.as_str(),
        ))?;
    Ok(())
}

/// Gives the fields the places in which they stand here.
pub(crate) fn place(connection: &Connection, fields: &[FieldDefinition]) -> Step<()> {
    // Places are unique, so all of them move out of the way first.
    connection.execute("UPDATE fields SET position = -position", [])?;
    let mut statement = connection.prepare_cached("UPDATE fields SET position = ? WHERE name = ?")?;
    for (index, field) in fields.iter().enumerate() {
        statement.execute((index + 1, field.name.as_str()))?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Step<FieldDefinition> {
    let (name, kind, choices): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(3)?);
    Ok(FieldDefinition {
        name: name.parse().map_err(|_| Failure::unreadable("field name", &name))?,
        kind: from_word("field type", &kind)?,
        label: row.get(2)?,
        choices: serde_json::from_str(&choices)?,
        is_visible: row.get(4)?,
        is_filterable: row.get(5)?,
    })
}
