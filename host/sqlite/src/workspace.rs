//! The store as a whole, and the fields of its contacts.

use async_trait::async_trait;
use postroom_domain::field::{FieldDefinition, FieldName};
use postroom_store::workspace::{Workspace, WorkspaceStore};
use postroom_store::{Result, StoreError};
use rusqlite::OptionalExtension;

use crate::columns::{from_word, timestamp, word};
use crate::failure::Failure;
use crate::schema;
use crate::store::SqliteStore;

#[async_trait]
impl WorkspaceStore for SqliteStore {
    async fn workspace(&self) -> Result<Workspace> {
        self.read("read what it is", |connection| {
            let (name, instance, created_at, sequence) =
                connection.query_row("SELECT name, instance, created_at, sequence FROM workspace", [], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })?;
            Ok(Workspace {
                name,
                instance,
                created_at: timestamp(created_at)?,
                schema_version: schema::VERSION,
                sequence,
                contacts: connection.query_row("SELECT count(*) FROM contacts", [], |row| row.get(0))?,
            })
        })
        .await
    }

    async fn fields(&self) -> Result<Vec<FieldDefinition>> {
        self.read("read its fields", |connection| {
            let mut statement = connection.prepare_cached("SELECT name, type, label FROM fields ORDER BY position")?;
            let mut rows = statement.query([])?;
            let mut fields = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                let kind: String = row.get(1)?;
                fields.push(FieldDefinition {
                    name: name.parse::<FieldName>().map_err(|_| Failure::unreadable("field name", &name))?,
                    kind: from_word("field type", &kind)?,
                    label: row.get(2)?,
                });
            }
            Ok(fields)
        })
        .await
    }

    async fn add_field(&self, field: FieldDefinition) -> Result<()> {
        self.write("add a field", move |connection| {
            let name = field.name.as_str();
            let known: Option<i64> = connection
                .query_row("SELECT position FROM fields WHERE name = ?", [name], |row| row.get(0))
                .optional()?;
            if known.is_some() {
                return Err(StoreError::Taken { kind: "field", name: name.to_owned() }.into());
            }
            connection.execute(
                "INSERT INTO fields (name, type, label) VALUES (?, ?, ?)",
                (name, word(&field.kind)?, &field.label),
            )?;
            Ok(())
        })
        .await
    }
}
