//! The store as a whole, and the fields of its contacts.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::field::{FieldChange, FieldDefinition, FieldName};
use serde::Serialize;

use crate::Result;

/// The store as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workspace {
    /// What it is called.
    pub name: String,
    /// Tells this store from every copy of another.
    pub instance: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version of its tables.
    pub schema_version: u32,
    /// The last sequence number given out.
    pub sequence: u64,
    /// How many contacts it holds.
    pub contacts: u64,
}

/// The use cases of a workspace.
#[async_trait]
pub trait WorkspaceStore {
    /// Reads what the store is.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn workspace(&self) -> Result<Workspace>;

    /// The fields of this workspace, in their order.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn fields(&self) -> Result<Vec<FieldDefinition>>;

    /// Adds a field. Name and type never change (row D4).
    ///
    /// # Errors
    ///
    /// [`Taken`](crate::StoreError::Taken) when there is one of that name.
    async fn add_field(&self, field: FieldDefinition) -> Result<()>;

    /// Changes a field, and answers with how it is now. Contacts keep the values that they have.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Refused`](crate::StoreError::Refused) with the reason of the
    /// domain.
    async fn change_field(&self, name: &FieldName, change: &FieldChange) -> Result<FieldDefinition>;

    /// Puts the fields in an order: those that are named come first, in the order given.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for a name that no field has.
    async fn order_fields(&self, names: &[FieldName]) -> Result<Vec<FieldDefinition>>;
}
