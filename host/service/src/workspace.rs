//! What the store is, and the fields of its contacts (row D4).

use postroom_domain::field::{FieldDefinition, FieldName, FieldType};
use postroom_store::workspace::Workspace;

use crate::{Result, Service, ServiceError};

/// A field to be added. Its name and type never change afterwards.
#[derive(Debug, Clone)]
pub struct AddField {
    /// The name that mappings use: a-z only.
    pub name: String,
    /// `text`, `number`, `date`, `boolean` or `address`.
    pub kind: String,
    /// What people read; none takes the name.
    pub label: Option<String>,
}

impl Service {
    /// What the store is.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn workspace(&self) -> Result<Workspace> {
        Ok(self.store().workspace().await?)
    }

    /// The fields of the workspace, in their order.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn fields(&self) -> Result<Vec<FieldDefinition>> {
        Ok(self.store().fields().await?)
    }

    /// Adds a field.
    ///
    /// # Errors
    ///
    /// Bad input for a name or a type that is none; a conflict when the name is taken.
    pub async fn add_field(&self, request: AddField) -> Result<FieldDefinition> {
        let bad = |fault: postroom_domain::field::FieldFault| ServiceError::BadInput(fault.to_string());
        let name: FieldName = request.name.parse().map_err(bad)?;
        let kind: FieldType = request.kind.parse().map_err(bad)?;
        let label = request.label.unwrap_or_else(|| name.to_string());
        let field = FieldDefinition { name, kind, label };
        self.store().add_field(field.clone()).await?;
        Ok(field)
    }
}
