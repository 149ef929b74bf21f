//! Purposes: what contacts are written to for (row D3).

use async_trait::async_trait;
use postroom_domain::purpose::{Purpose, PurposeChange, PurposeName};

use crate::Result;

/// The use cases of purposes.
#[async_trait]
pub trait PurposeStore {
    /// All purposes, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn purposes(&self) -> Result<Vec<Purpose>>;

    /// Adds a purpose. One of that name that was removed before comes back with what contacts said for it: so
    /// nothing that was withdrawn is lifted.
    ///
    /// # Errors
    ///
    /// [`Taken`](crate::StoreError::Taken).
    async fn add_purpose(&self, purpose: &Purpose) -> Result<()>;

    /// Changes a purpose, and answers with how it is now. Its name stays.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Refused`](crate::StoreError::Refused) with the reason of the
    /// domain.
    async fn change_purpose(&self, name: &PurposeName, change: &PurposeChange) -> Result<Purpose>;

    /// Removes a purpose. Histories still tell of it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`InUse`](crate::StoreError::InUse) with the syncs or the
    /// segments that name it.
    async fn remove_purpose(&self, name: &PurposeName) -> Result<()>;
}
