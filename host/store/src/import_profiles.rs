//! Saved import profiles: how files of one system are read.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use crate::Result;

/// A profile that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedImportProfile {
    /// Its name.
    pub name: String,
    /// What it says, as JSON. The store only keeps it: what it means is the business of who reads files.
    pub profile: String,
    /// When it was first saved.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
}

/// The use cases of import profiles.
#[async_trait]
pub trait ImportProfileStore {
    /// All profiles, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn import_profiles(&self) -> Result<Vec<SavedImportProfile>>;

    /// One profile.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn import_profile(&self, name: &str) -> Result<SavedImportProfile>;

    /// Saves a profile: it is made, or the one of that name becomes this one. Answers whether it was made.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn save_import_profile(&self, name: &str, profile: &str, at: Timestamp) -> Result<bool>;

    /// Deletes a profile.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn delete_import_profile(&self, name: &str) -> Result<()>;
}
