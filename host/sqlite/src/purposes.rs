//! The use cases of purposes.

use async_trait::async_trait;
use postroom_domain::purpose::{Purpose, PurposeChange, PurposeName};
use postroom_store::purposes::PurposeStore;
use postroom_store::{Result, StoreError};
use rusqlite::Connection;

use crate::failure::{Step, refuse_used};
use crate::purpose_rows;
use crate::segment::rows;
use crate::store::SqliteStore;

#[async_trait]
impl PurposeStore for SqliteStore {
    async fn purposes(&self) -> Result<Vec<Purpose>> {
        self.read("read its purposes", |connection| {
            Ok(purpose_rows::all(connection)?.into_iter().map(|row| row.purpose).collect())
        })
        .await
    }

    async fn add_purpose(&self, purpose: &Purpose) -> Result<()> {
        let purpose = purpose.clone();
        self.write("add a purpose", move |connection| {
            if purpose_rows::by_name(connection, purpose.name.as_str())?.is_some() {
                return Err(StoreError::Taken { kind: "purpose", name: purpose.name.to_string() }.into());
            }
            purpose_rows::insert(connection, &purpose)
        })
        .await
    }

    async fn change_purpose(&self, name: &PurposeName, change: &PurposeChange) -> Result<Purpose> {
        let (name, change) = (name.clone(), change.clone());
        self.write("change a purpose", move |connection| {
            let row = purpose_rows::require(connection, name.as_str())?;
            let changed = row.purpose.changed(&change).map_err(|fault| StoreError::Refused(fault.to_string()))?;
            purpose_rows::update(connection, row.id, &changed)?;
            Ok(changed)
        })
        .await
    }

    async fn remove_purpose(&self, name: &PurposeName) -> Result<()> {
        let name = name.clone();
        self.write("remove a purpose", move |connection| {
            let row = purpose_rows::require(connection, name.as_str())?;
            let users =
                [("sync", syncs_of(connection, row.id)?), ("segment", rows::naming_purpose(connection, row.id)?)];
            refuse_used("purpose", name.as_str(), &users)?;
            connection.execute("UPDATE purposes SET is_defined = 0 WHERE id = ?", [row.id])?;
            Ok(())
        })
        .await
    }
}

/// The names of the syncs for a purpose.
fn syncs_of(connection: &Connection, purpose: i64) -> Step<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT name FROM syncs WHERE purpose_id = ? ORDER BY name")?;
    let names = statement.query_map([purpose], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names)
}
