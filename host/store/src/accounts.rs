//! Plugins, accounts and their sealed secrets (rows P1 to P4, C1).

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::Result;

/// Where a plugin comes from. Another source is another plugin, also under the same id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginSource {
    /// It ships with the program.
    Bundled,
    /// An operator installed it from there: in the operator's words, or a file's name.
    Installed(String),
}

impl std::fmt::Display for PluginSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => f.write_str("this program, with which it ships"),
            Self::Installed(source) => write!(f, "`{source}`"),
        }
    }
}

/// What works for a plugin's accounts once the installed one is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Successor {
    /// Nothing: the plugin stays while accounts use it.
    None,
    /// A plugin of the same id that ships with the program.
    Bundled,
}

/// How many versions of an installed plugin are kept besides the present one. A fault is often
/// noticed only after another update or two; a component has up to 32 MiB, and more of them would
/// lie about for nothing.
pub const KEPT_EARLIER_VERSIONS: usize = 3;

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
    /// Where the plugin comes from that may have its secrets.
    pub plugin_source: PluginSource,
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

/// A pause that a provider asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginPause {
    /// The origin's label.
    pub origin: String,
    /// Until when it is not to be called.
    pub until: Timestamp,
}

/// An account to be made or changed.
#[derive(Debug, Clone)]
pub struct AccountDraft {
    /// Its name.
    pub name: String,
    /// The plugin's id.
    pub plugin: String,
    /// Where the plugin comes from that may have its secrets.
    pub plugin_source: PluginSource,
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

    /// The versions that an installed plugin had before, the latest first; at most
    /// [`KEPT_EARLIER_VERSIONS`].
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn earlier_plugins(&self, id: &str) -> Result<Vec<InstalledPlugin>>;

    /// Installs a plugin, or puts this version in the place of the one that is there, which becomes
    /// the latest of the earlier ones if it differs in digest or source. The component's bytes are
    /// kept beside the database, under their digest.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn install_plugin(&self, plugin: &InstalledPlugin, component: &[u8]) -> Result<()>;

    /// Puts the latest of the earlier versions back in the place of the present one, which is
    /// forgotten. `expected` is its digest, as it was shown to the operator.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) when there is no such plugin,
    /// [`Refused`](crate::StoreError::Refused) when it has no earlier version or the latest is
    /// another one.
    async fn roll_back_plugin(&self, id: &str, expected: &str) -> Result<()>;

    /// The bytes of an installed or earlier version, checked against its digest.
    ///
    /// # Errors
    ///
    /// [`Unusable`](crate::StoreError::Unusable) when the bytes are not those that were installed.
    async fn plugin_component(&self, plugin: &InstalledPlugin) -> Result<Vec<u8>>;

    /// Removes a plugin with its earlier versions.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::StoreError::InUse) with the names of its accounts, if it has no successor.
    async fn remove_plugin(&self, id: &str, successor: Successor) -> Result<()>;

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

    /// Keeps until when an account's origins asked not to be called, in the place of what was kept before.
    ///
    /// # Errors
    ///
    /// When the storage fails, and [`NotFound`](crate::StoreError::NotFound).
    async fn keep_pauses(&self, account: i64, pauses: &[OriginPause]) -> Result<()>;

    /// Until when an account's origins asked not to be called, by origin; some of it may be over.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn pauses(&self, account: i64) -> Result<Vec<OriginPause>>;

    /// Removes an account.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::StoreError::InUse) with the names of its syncs.
    async fn remove_account(&self, name: &str) -> Result<()>;
}
