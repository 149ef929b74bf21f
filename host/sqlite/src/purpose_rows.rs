//! Rows of purposes.

use postroom_domain::purpose::Purpose;
use postroom_store::StoreError;
use rusqlite::{Connection, Row};

use crate::columns::from_word;
use crate::failure::{Failure, Step};

/// A purpose with its number.
pub(crate) struct PurposeRow {
    pub(crate) id: i64,
    pub(crate) purpose: Purpose,
}

/// The columns of a [`PurposeRow`].
macro_rules! select {
    ($condition:literal) => {
        concat!("SELECT id, name, label, basis, wording FROM purposes WHERE ", $condition)
    };
}

/// Every purpose that is defined, by name.
pub(crate) fn all(connection: &Connection) -> Step<Vec<PurposeRow>> {
    let mut statement = connection.prepare_cached(select!("is_defined = 1 ORDER BY name"))?;
    let mut rows = statement.query([])?;
    let mut purposes = Vec::new();
    while let Some(row) = rows.next()? {
        purposes.push(read(row)?);
    }
    Ok(purposes)
}

/// The purpose of a name.
pub(crate) fn by_name(connection: &Connection, name: &str) -> Step<Option<PurposeRow>> {
    let mut statement = connection.prepare_cached(select!("name = ? AND is_defined = 1"))?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(read).transpose()
}

/// The same, or says that there is none.
pub(crate) fn require(connection: &Connection, name: &str) -> Step<PurposeRow> {
    by_name(connection, name)?.ok_or_else(|| {
        let mend = "look the name up among the purposes, or add one".to_owned();
        StoreError::NotFound { kind: "purpose", name: name.to_owned(), mend }.into()
    })
}

/// Defines a purpose, also one that was removed before.
pub(crate) fn insert(connection: &Connection, purpose: &Purpose) -> Step<()> {
    connection.execute(
        "INSERT INTO purposes (name, label, basis, wording) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET label = excluded.label, basis = excluded.basis, wording = excluded.wording,
                                          is_defined = 1",
        (purpose.name.as_str(), &purpose.label, purpose.basis.as_str(), &purpose.wording),
    )?;
    Ok(())
}

/// Writes what can change of a purpose.
pub(crate) fn update(connection: &Connection, id: i64, purpose: &Purpose) -> Step<()> {
    connection.execute(
        "UPDATE purposes SET label = ?, basis = ?, wording = ? WHERE id = ?",
        (&purpose.label, purpose.basis.as_str(), &purpose.wording, id),
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Step<PurposeRow> {
    let (name, basis): (String, String) = (row.get(1)?, row.get(3)?);
    Ok(PurposeRow {
        id: row.get(0)?,
        purpose: Purpose {
            name: name.parse().map_err(|_| Failure::unreadable("name of a purpose", &name))?,
            label: row.get(2)?,
            basis: from_word("legal basis", &basis)?,
            wording: row.get(4)?,
        },
    })
}
