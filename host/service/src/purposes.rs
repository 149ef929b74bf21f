//! Purposes: what contacts are written to for, and on what legal basis (row D3).

use postroom_domain::purpose::{LegalBasis, Purpose, PurposeChange, PurposeFault, PurposeName};

use crate::{Result, Service, ServiceError};

/// A purpose to be defined.
#[derive(Debug, Clone)]
pub struct AddPurpose {
    /// Its name, which never changes.
    pub name: PurposeName,
    /// What people read.
    pub label: String,
    /// Its legal basis.
    pub basis: LegalBasis,
    /// Which version of which text belongs to it.
    pub wording: Option<String>,
}

impl Service {
    /// All purposes, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn purposes(&self) -> Result<Vec<Purpose>> {
        Ok(self.store().purposes().await?)
    }

    /// Defines a purpose. One of that name that was removed before comes back with what contacts said for it.
    ///
    /// # Errors
    ///
    /// Bad input for an empty label, a conflict for a taken name.
    pub async fn add_purpose(&self, request: AddPurpose) -> Result<Purpose> {
        let AddPurpose { name, label, basis, wording } = request;
        let fault = |fault: PurposeFault| ServiceError::BadInput(fault.to_string());
        let purpose = Purpose::new(name, &label, basis, wording.as_deref()).map_err(fault)?;
        self.store().add_purpose(&purpose).await?;
        Ok(purpose)
    }

    /// Changes a purpose. What contacts said for it stays, and counts by its basis of now.
    ///
    /// # Errors
    ///
    /// Not found, a conflict for an empty label.
    pub async fn edit_purpose(&self, name: &PurposeName, change: &PurposeChange) -> Result<Purpose> {
        Ok(self.store().change_purpose(name, change).await?)
    }

    /// Removes a purpose. Histories still tell of it.
    ///
    /// # Errors
    ///
    /// Not found; a conflict that names the syncs or the segments that use it.
    pub async fn remove_purpose(&self, name: &PurposeName) -> Result<()> {
        Ok(self.store().remove_purpose(name).await?)
    }
}
