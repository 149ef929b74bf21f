//! The use cases of import profiles.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_store::import_profiles::{ImportProfileStore, SavedImportProfile};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::columns::{micros, timestamp};
use crate::failure::{Failure, Step};
use crate::store::SqliteStore;

/// The columns of a [`SavedImportProfile`].
macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT name, profile, created_at, updated_at FROM import_profiles ", $rest)
    };
}

#[async_trait]
impl ImportProfileStore for SqliteStore {
    async fn import_profiles(&self) -> Result<Vec<SavedImportProfile>> {
        self.read("read its import profiles", |connection| {
            let mut statement = connection.prepare_cached(select!("ORDER BY name"))?;
            let mut rows = statement.query([])?;
            let mut profiles = Vec::new();
            while let Some(row) = rows.next()? {
                profiles.push(read(row)?);
            }
            Ok(profiles)
        })
        .await
    }

    async fn import_profile(&self, name: &str) -> Result<SavedImportProfile> {
        let name = name.to_owned();
        self.read("read an import profile", move |connection| {
            let mut statement = connection.prepare_cached(select!("WHERE name = ?"))?;
            let mut rows = statement.query([&name])?;
            rows.next()?.map(read).transpose()?.ok_or_else(|| not_found(&name))
        })
        .await
    }

    async fn save_import_profile(&self, name: &str, profile: &str, at: Timestamp) -> Result<bool> {
        let (name, profile) = (name.to_owned(), profile.to_owned());
        self.write("save an import profile", move |connection| {
            let is_new = id(connection, &name)?.is_none();
            connection
                .prepare_cached(
                    "INSERT INTO import_profiles (name, profile, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
                     ON CONFLICT (name) DO UPDATE SET profile = excluded.profile, updated_at = excluded.updated_at",
                )?
                .execute((&name, &profile, micros(at)))?;
            Ok(is_new)
        })
        .await
    }

    async fn delete_import_profile(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.write("delete an import profile", move |connection| {
            let id = id(connection, &name)?.ok_or_else(|| not_found(&name))?;
            connection.execute("DELETE FROM import_profiles WHERE id = ?", [id])?;
            Ok(())
        })
        .await
    }
}

fn id(connection: &Connection, name: &str) -> Step<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM import_profiles WHERE name = ?")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

fn not_found(name: &str) -> Failure {
    let mend = "look the name up among the import profiles".to_owned();
    StoreError::NotFound { kind: "import profile", name: name.to_owned(), mend }.into()
}

fn read(row: &Row<'_>) -> Step<SavedImportProfile> {
    Ok(SavedImportProfile {
        name: row.get(0)?,
        profile: row.get(1)?,
        created_at: timestamp(row.get(2)?)?,
        updated_at: timestamp(row.get(3)?)?,
    })
}
