//! The store as a whole, and the fields of its contacts.

use async_trait::async_trait;
use postroom_domain::field::{FieldChange, FieldDefinition, FieldName};
use postroom_store::segments::Filterable;
use postroom_store::workspace::{ChoiceRename, ChoiceRenamed, Followed, Workspace, WorkspaceStore};
use postroom_store::{Result, StoreError};
use tokio::sync::watch;

use crate::columns::timestamp;
use crate::segment::filterable;
use crate::store::SqliteStore;
use crate::{choices, field_rows, schema};

#[async_trait]
impl WorkspaceStore for SqliteStore {
    fn written(&self) -> watch::Receiver<()> {
        self.written_by_writer()
    }

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
        self.read("read its fields", field_rows::all).await
    }

    async fn add_field(&self, field: FieldDefinition) -> Result<()> {
        self.write("add a field", move |connection| {
            if field_rows::by_name(connection, &field.name)?.is_some() {
                return Err(StoreError::Taken { kind: "field", name: field.name.to_string() }.into());
            }
            // Its index, if it is to have one, is made like any other.
            let is_filterable = field.is_filterable;
            let field = FieldDefinition { is_filterable: false, ..field };
            field_rows::insert(connection, &field)?;
            if is_filterable {
                let change = Filterable { field: field.name, is_filterable, may_block: false };
                filterable::set(connection, &change)?;
            }
            Ok(())
        })
        .await
    }

    async fn change_field(&self, name: &FieldName, change: &FieldChange) -> Result<FieldDefinition> {
        let (name, change) = (name.clone(), change.clone());
        self.write("change a field", move |connection| {
            let field = field_rows::require(connection, &name)?;
            let changed = field.changed(&change).map_err(|fault| StoreError::Refused(fault.to_string()))?;
            field_rows::update(connection, &changed)?;
            Ok(changed)
        })
        .await
    }

    async fn rename_choice(&self, rename: &ChoiceRename) -> Result<ChoiceRenamed> {
        let rename = rename.clone();
        self.write("rename a choice", move |connection| choices::rename(connection, &rename)).await
    }

    async fn follow_choices(&self) -> Result<Option<Followed>> {
        self.write_alone("let contacts follow a choice", choices::follow).await
    }

    async fn order_fields(&self, names: &[FieldName]) -> Result<Vec<FieldDefinition>> {
        let names = names.to_vec();
        self.write("order its fields", move |connection| {
            for name in &names {
                field_rows::require(connection, name)?;
            }
            let mut fields = field_rows::all(connection)?;
            fields.sort_by_key(|field| names.iter().position(|name| *name == field.name).unwrap_or(names.len()));
            field_rows::place(connection, &fields)?;
            Ok(fields)
        })
        .await
    }
}
