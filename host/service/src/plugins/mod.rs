//! Plugins: which there are, what each asks for, and the approval without which an installed one
//! gets nothing (rows P2, P3).

mod permissions;
mod shelf;

use jiff::Timestamp;
use postroom_runtime::{Capability, Inspection, Plugin};
use postroom_store::accounts::InstalledPlugin;
use serde::Serialize;

pub use permissions::{OriginPermission, Permissions, SecretPermission};
pub(crate) use shelf::Shelf;

use crate::{Result, Service, ServiceError};

/// Where a plugin came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginOrigin {
    /// It ships with the program.
    Bundled,
    /// An operator installed it.
    Installed,
    /// It is only being looked at.
    File,
}

/// A plugin in a list of plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginSummary {
    /// Its id: what accounts name.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who answers for it.
    pub vendor: String,
    /// One sentence.
    pub summary: String,
    /// Where it came from.
    pub origin: PluginOrigin,
    /// The digest of its component.
    pub digest: String,
    /// What it can do besides writing contacts.
    pub capabilities: Vec<Capability>,
    /// When it was installed; none for a bundled one.
    pub installed_at: Option<Timestamp>,
    /// Why it does not work, if it doesn't; then only what was recorded of it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// What can be said of a component before anything is approved.
#[derive(Debug, Clone, Serialize)]
pub struct PluginInspection {
    /// Where it came from.
    pub origin: PluginOrigin,
    /// What it asks for; none when it does not load.
    pub permissions: Option<Permissions>,
    /// The component itself, and what it says of itself.
    #[serde(flatten)]
    pub inspection: Inspection,
}

/// The rights that a plugin asks for, and which of them nobody has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRequest {
    /// The plugin's id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The digest of its component: what an approval names.
    pub digest: String,
    /// All that it asks for.
    pub permissions: Permissions,
    /// What of it is new, as phrases.
    pub asks: Vec<String>,
}

/// A component that an operator wants to install.
#[derive(Debug, Clone)]
pub struct InstallPlugin {
    /// The component.
    pub component: Vec<u8>,
    /// Where it came from, in the operator's words or as a file's name.
    pub source: String,
    /// The digest that the operator approves with all that it asks for.
    pub approve: Option<String>,
}

/// What became of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginInstalled {
    /// The plugin.
    pub plugin: PluginSummary,
    /// All that it may do.
    pub permissions: Permissions,
    /// The version that it took the place of.
    pub replaced: Option<String>,
    /// Whether it asks for no more than an earlier one, whose approval it inherits.
    pub inherited_approval: bool,
}

impl PermissionRequest {
    fn new(plugin: &Plugin, permissions: Permissions, asks: Vec<String>) -> Self {
        let description = plugin.description();
        Self {
            id: description.id.clone(),
            version: description.version.clone(),
            digest: plugin.digest().to_owned(),
            permissions,
            asks,
        }
    }
}

impl Service {
    /// All plugins, by id. An installed one that does not work is among them, with the reason.
    ///
    /// # Errors
    ///
    /// When a bundled plugin does not load, or the storage fails.
    pub async fn plugins(&self) -> Result<Vec<PluginSummary>> {
        let installed = self.store().plugins().await?;
        let bundled = self.shelf.bundled().iter().map(|plugin| plugin.id);
        let mut ids: Vec<&str> = bundled.chain(installed.iter().map(|plugin| plugin.id.as_str())).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut summaries = Vec::with_capacity(ids.len());
        for id in ids {
            let record = installed.iter().find(|plugin| plugin.id == id);
            summaries.push(match (self.shelf.find(self.store(), id).await, record) {
                (Ok(found), _) => summary(&found.plugin, found.origin, record.map(|record| record.installed_at)),
                (Err(error), Some(record)) => recorded(record, &error),
                (Err(error), None) => return Err(error),
            });
        }
        Ok(summaries)
    }

    /// Inspects a plugin by its id.
    ///
    /// # Errors
    ///
    /// Not found; when the engine does not start or the storage fails.
    pub async fn inspect_plugin(&self, id: &str) -> Result<PluginInspection> {
        let installed = self.store().plugins().await?.iter().any(|plugin| plugin.id == id);
        if installed {
            let component = self.store().plugin_component(id).await?;
            return self.inspect(PluginOrigin::Installed, &component).await;
        }
        match self.shelf.bundled().iter().find(|plugin| plugin.id == id) {
            Some(bundled) => self.inspect(PluginOrigin::Bundled, bundled.wasm).await,
            None => Err(self
                .shelf
                .find(self.store(), id)
                .await
                .err()
                .unwrap_or_else(|| ServiceError::NotFound(format!("there is no plugin `{id}`")))),
        }
    }

    /// Inspects a component, whether or not it would load.
    ///
    /// # Errors
    ///
    /// When there is nothing to inspect: it is too large, precompiled, a module, or broken.
    pub async fn inspect_component(&self, component: &[u8]) -> Result<PluginInspection> {
        self.inspect(PluginOrigin::File, component).await
    }

    async fn inspect(&self, origin: PluginOrigin, component: &[u8]) -> Result<PluginInspection> {
        let inspection = Plugin::inspect(self.shelf.engine()?, component, self.shelf.cache()).await?;
        let permissions = match &inspection.refusal {
            None => Some(Permissions::of(self.shelf.load(component).await?.as_ref())),
            Some(_) => None,
        };
        Ok(PluginInspection { origin, permissions, inspection })
    }

    /// Installs a plugin, or another version of one. It needs an approval that names its digest,
    /// unless it comes from the same source as the one that is there and asks for no more.
    ///
    /// # Errors
    ///
    /// [`PluginNeedsApproval`](ServiceError::PluginNeedsApproval) with all that it asks for; bad
    /// input when the component is no plugin or the approval names another digest.
    pub async fn install_plugin(&self, request: InstallPlugin) -> Result<PluginInstalled> {
        let plugin = self.shelf.load(&request.component).await?;
        let permissions = Permissions::of(&plugin);
        let description = plugin.description();
        let earlier = self.store().plugins().await?.into_iter().find(|known| known.id == description.id);
        let granted: Option<Permissions> = earlier
            .as_ref()
            .filter(|known| known.source == request.source)
            .and_then(|known| serde_json::from_str(&known.approved).ok());
        let inherited_approval = granted.as_ref().is_some_and(|granted| permissions.beyond(granted).is_empty());
        match &request.approve {
            Some(digest) if digest == plugin.digest() => {}
            Some(digest) => {
                return Err(ServiceError::BadInput(format!(
                    "the approval names {digest}, and the component is {}: inspect the file again and approve what \
                     it is",
                    plugin.digest()
                )));
            }
            None if inherited_approval => {}
            None => {
                let asks = permissions.beyond(&granted.unwrap_or_default());
                return Err(ServiceError::PluginNeedsApproval(Box::new(PermissionRequest::new(
                    &plugin,
                    permissions,
                    asks,
                ))));
            }
        }
        let approved = serde_json::to_string(&permissions)
            .map_err(|error| ServiceError::Internal(format!("an approval could not be written down: {error}")))?;
        let record = InstalledPlugin {
            id: description.id.clone(),
            version: description.version.clone(),
            digest: plugin.digest().to_owned(),
            source: request.source,
            approved,
            installed_at: self.now(),
        };
        self.store().install_plugin(&record, &request.component).await?;
        Ok(PluginInstalled {
            plugin: summary(&plugin, PluginOrigin::Installed, Some(record.installed_at)),
            permissions,
            replaced: earlier.map(|known| known.version),
            inherited_approval: inherited_approval && request.approve.is_none(),
        })
    }

    /// Removes an installed plugin.
    ///
    /// # Errors
    ///
    /// Not found; a conflict that names its accounts, or that says that a bundled one stays.
    pub async fn remove_plugin(&self, id: &str) -> Result<()> {
        let installed = self.store().plugins().await?.iter().any(|plugin| plugin.id == id);
        if !installed && self.shelf.bundled().iter().any(|plugin| plugin.id == id) {
            return Err(ServiceError::Conflict(format!(
                "the plugin `{id}` ships with the program and stays; without an account it does nothing"
            )));
        }
        Ok(self.store().remove_plugin(id).await?)
    }
}

fn summary(plugin: &Plugin, origin: PluginOrigin, installed_at: Option<Timestamp>) -> PluginSummary {
    let description = plugin.description();
    PluginSummary {
        id: description.id.clone(),
        name: description.name.clone(),
        version: description.version.clone(),
        vendor: description.vendor.clone(),
        summary: description.summary.clone(),
        origin,
        digest: plugin.digest().to_owned(),
        capabilities: plugin.capabilities(),
        installed_at,
        refusal: None,
    }
}

/// What is known of a plugin that does not work.
fn recorded(record: &InstalledPlugin, error: &ServiceError) -> PluginSummary {
    PluginSummary {
        id: record.id.clone(),
        name: record.id.clone(),
        version: record.version.clone(),
        vendor: String::new(),
        summary: String::new(),
        origin: PluginOrigin::Installed,
        digest: record.digest.clone(),
        capabilities: Vec::new(),
        installed_at: Some(record.installed_at),
        refusal: Some(error.to_string()),
    }
}
