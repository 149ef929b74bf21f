//! Plugins, accounts and their sealed secrets (rows P1 to P4, C1).

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::Result;

/// A plugin that an operator installed. Bundled ones are not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledPlugin {
    /// Its id.
    pub id: String,
    /// Its version, as it says itself.
    pub version: String,
    /// The digest of its component: `sha256:` and hexadecimal digits.
    pub digest: String,
    /// Where it came from, in the operator's words or as a file name.
    pub source: String,
    /// What was approved: the permission set as JSON.
    pub approved: String,
    /// When it was installed.
    pub installed_at: Timestamp,
}

/// A provider's plugin plus settings and credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The plugin's id.
    pub plugin: String,
    /// The authentication method.
    pub auth_method: String,
    /// Its settings that are not secret.
    pub settings: BTreeMap<String, String>,
    /// Base URLs that stand in for origins, by label.
    pub origins: BTreeMap<String, String>,
    /// Whether plain http, loopback and private addresses are allowed. Shown wherever the account is.
    pub insecure_origin: bool,
    /// The slots that hold a secret.
    pub slots: Vec<String>,
    /// The name that the provider gave it when it was last checked.
    pub remote_name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An account to be made or changed.
#[derive(Debug, Clone)]
pub struct AccountDraft {
    /// Its name.
    pub name: String,
    /// The plugin's id.
    pub plugin: String,
    /// The authentication method.
    pub auth_method: String,
    /// Its settings.
    pub settings: BTreeMap<String, String>,
    /// Base URLs that stand in for origins, by label.
    pub origins: BTreeMap<String, String>,
    /// Whether insecure origins are allowed.
    pub insecure_origin: bool,
    /// The name that the provider gave it.
    pub remote_name: Option<String>,
    /// Its secrets by slot. Slots that are not named keep theirs.
    pub secrets: BTreeMap<String, Secret>,
}

/// A secret on its way in or out. It shows nothing of itself and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub Zeroizing<String>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The use cases of plugins and accounts.
#[async_trait]
pub trait AccountStore {
    /// The installed plugins, by id.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn plugins(&self) -> Result<Vec<InstalledPlugin>>;

    /// Installs a plugin, or puts this digest in the place of the one that is there. The component's
    /// bytes are kept beside the database, under their digest.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn install_plugin(&self, plugin: &InstalledPlugin, component: &[u8]) -> Result<()>;

    /// The bytes of an installed plugin, checked against its digest.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Unusable`](crate::StoreError::Unusable) when the
    /// bytes are not those that were installed.
    async fn plugin_component(&self, id: &str) -> Result<Vec<u8>>;

    /// Removes a plugin.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::StoreError::InUse) with the names of its accounts.
    async fn remove_plugin(&self, id: &str) -> Result<()>;

    /// All accounts, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn accounts(&self) -> Result<Vec<Account>>;

    /// One account.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn account(&self, name: &str) -> Result<Account>;

    /// Makes an account; its secrets are sealed before they touch the disk.
    ///
    /// # Errors
    ///
    /// [`Taken`](crate::StoreError::Taken).
    async fn add_account(&self, draft: &AccountDraft, at: Timestamp) -> Result<Account>;

    /// Changes an account. Its syncs and confirmed state stay (row C1).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Taken`](crate::StoreError::Taken).
    async fn edit_account(&self, name: &str, draft: &AccountDraft, at: Timestamp) -> Result<Account>;

    /// The secrets of an account, by slot.
    ///
    /// # Errors
    ///
    /// [`Unusable`](crate::StoreError::Unusable) when the key does not open them.
    async fn account_secrets(&self, name: &str) -> Result<BTreeMap<String, Secret>>;

    /// Removes an account.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::StoreError::InUse) with the names of its syncs.
    async fn remove_account(&self, name: &str) -> Result<()>;
}
