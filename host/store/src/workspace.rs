//! The store as a whole, and the fields of its contacts.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::field::FieldDefinition;
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
}
