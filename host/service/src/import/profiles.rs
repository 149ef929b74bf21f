//! How files of one system are read, kept under a name.

use jiff::Timestamp;
use postroom_domain::field::FieldDefinition;
use postroom_import::{Examined, ImportProfile, Options};
use postroom_store::import_profiles::SavedImportProfile;
use serde::Serialize;

use crate::{Result, Service, ServiceError, names};

/// A saved import profile.
#[derive(Debug, Clone, Serialize)]
pub struct ImportProfileInfo {
    /// What it says.
    #[serde(flatten)]
    pub profile: ImportProfile,
    /// When it was first saved.
    pub created_at: Timestamp,
    /// When it was last saved.
    pub updated_at: Timestamp,
    /// What of it the workspace has not, one sentence for each.
    pub faults: Vec<String>,
}

/// An import profile that was saved of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileSaved {
    /// Its name.
    pub name: String,
    /// Whether there was none of that name; otherwise it took its place.
    pub is_new: bool,
}

impl Service {
    /// All saved import profiles, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn import_profiles(&self) -> Result<Vec<ImportProfileInfo>> {
        let definitions = self.store().fields().await?;
        self.store().import_profiles().await?.iter().map(|saved| info(saved, &definitions)).collect()
    }

    /// One saved import profile.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn import_profile(&self, name: &str) -> Result<ImportProfileInfo> {
        info(&self.store().import_profile(name.trim()).await?, &self.store().fields().await?)
    }

    /// Deletes an import profile. What was imported by it stays.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn remove_import_profile(&self, name: &str) -> Result<()> {
        Ok(self.store().delete_import_profile(name.trim()).await?)
    }

    /// The profile of a name, to read a file by.
    pub(super) async fn saved_profile(&self, name: &str) -> Result<ImportProfile> {
        opened(&self.store().import_profile(name.trim()).await?)
    }

    /// The name of the one saved profile that knows a header; none where several do.
    pub(super) async fn fitting_profile(&self, header: &[String]) -> Result<Option<String>> {
        let mut fitting = Vec::new();
        for saved in self.store().import_profiles().await? {
            if opened(&saved)?.matches(header) {
                fitting.push(saved.name);
            }
        }
        Ok(if fitting.len() == 1 { fitting.pop() } else { None })
    }

    /// Keeps how a file was read, where that was asked for.
    pub(super) async fn keep_profile(
        &self,
        name: Option<&str>,
        examined: &Examined,
        options: &Options,
    ) -> Result<Option<ProfileSaved>> {
        let Some(name) = name else { return Ok(None) };
        let name = names::checked("an import profile", name)?;
        let profile = serde_json::to_string(&ImportProfile::of(name, examined, options))
            .map_err(|error| ServiceError::Internal(error.to_string()))?;
        let is_new = self.store().save_import_profile(name, &profile, self.now()).await?;
        Ok(Some(ProfileSaved { name: name.to_owned(), is_new }))
    }
}

fn info(saved: &SavedImportProfile, definitions: &[FieldDefinition]) -> Result<ImportProfileInfo> {
    let profile = opened(saved)?;
    let faults = profile.faults(definitions);
    Ok(ImportProfileInfo { profile, created_at: saved.created_at, updated_at: saved.updated_at, faults })
}

/// What was saved, read again.
fn opened(saved: &SavedImportProfile) -> Result<ImportProfile> {
    let profile = serde_json::from_str(&saved.profile).map_err(|error| {
        ServiceError::BadInput(format!(
            "the import profile `{}` is not one that this version reads ({error}): remove it, and save it anew with \
             the next import",
            saved.name
        ))
    })?;
    Ok(ImportProfile { name: saved.name.clone(), ..profile })
}
