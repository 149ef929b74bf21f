//! Plugins: which there are, what each asks for, and the approval without which an installed one
//! gets nothing (rows P2, P3).
//!
//! A plugin is known by its id *and* its source. Another source under the same id, also in the
//! place of one that ships with the program, is another plugin: it inherits no approval, and no
//! account gives it the secrets that it holds for the other one.

mod install;
mod permissions;
mod request;
mod shelf;
mod words;

use jiff::Timestamp;
use postroom_runtime::{Capability, Inspection, JobLimits, Plugin};
use postroom_store::accounts::{InstalledPlugin, PluginSource};
use serde::Serialize;

pub use install::{BUNDLED, InstallPlugin, PluginInstalled, PluginRolledBack, RollBackPlugin, StatedSource};
pub use permissions::{Difference, OriginPermission, Permissions, Right, SecretPermission};
pub use request::{PermissionRequest, PluginVersion, Step};
pub(crate) use shelf::{Found, Shelf};

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
    /// From where exactly: with the id, this is what an approval and an account's secrets go to.
    pub source: PluginSource,
    /// The digest of its component.
    pub digest: String,
    /// What it can do besides writing contacts.
    pub capabilities: Vec<Capability>,
    /// When it was installed; none for a bundled one.
    pub installed_at: Option<Timestamp>,
    /// The versions that can be gone back to, the latest first.
    pub earlier: Vec<PluginVersion>,
    /// Why it does not work, if it doesn't; then only what was recorded of it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// What can be said of a component before anything is approved.
#[derive(Debug, Clone, Serialize)]
pub struct PluginInspection {
    /// Where it came from.
    pub origin: PluginOrigin,
    /// From where exactly; none for a file, which nobody has named a source for yet.
    pub source: Option<PluginSource>,
    /// What it can do, as phrases; empty when it does not load.
    pub can: Vec<String>,
    /// What it gets to see, as phrases; empty when it does not load.
    pub sees: Vec<String>,
    /// What it asks for; none when it does not load.
    pub permissions: Option<Permissions>,
    /// What the host lets one call of it use.
    pub budgets: Budgets,
    /// The versions that can be gone back to, the latest first.
    pub earlier: Vec<PluginVersion>,
    /// The component itself, and what it says of itself.
    #[serde(flatten)]
    pub inspection: Inspection,
}

/// What the host lets one call of a plugin use (invariant 6). The same for every plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// CPU time in milliseconds.
    pub cpu_ms: u128,
    /// Wall time in milliseconds, without the waiting for the host's own limiters.
    pub wall_ms: u128,
    /// Memory in bytes.
    pub memory_bytes: usize,
    /// Calls of host functions.
    pub host_calls: u32,
    /// Requests to the provider.
    pub requests: u64,
    /// Bytes sent to the provider.
    pub bytes_up: u64,
    /// Bytes read from the provider.
    pub bytes_down: u64,
}

impl From<&JobLimits> for Budgets {
    fn from(limits: &JobLimits) -> Self {
        Self {
            cpu_ms: limits.cpu.as_millis(),
            wall_ms: limits.egress.time.as_millis(),
            memory_bytes: limits.memory_bytes,
            host_calls: limits.host_calls,
            requests: limits.egress.requests,
            bytes_up: limits.egress.bytes_up,
            bytes_down: limits.egress.bytes_down,
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
            let mut shown = match (self.shelf.find(self.store(), id).await, record) {
                (Ok(found), _) => summary(&found.plugin, found.origin, found.source),
                (Err(error), Some(record)) => recorded(record, &error),
                (Err(error), None) => return Err(error),
            };
            if let Some(record) = record {
                shown.installed_at = Some(record.installed_at);
                shown.earlier = self.earlier(id).await?;
            }
            summaries.push(shown);
        }
        Ok(summaries)
    }

    /// Inspects a plugin by its id.
    ///
    /// # Errors
    ///
    /// Not found; when the engine does not start or the storage fails.
    pub async fn inspect_plugin(&self, id: &str) -> Result<PluginInspection> {
        if let Some(record) = self.store().plugins().await?.iter().find(|plugin| plugin.id == id) {
            let component = self.store().plugin_component(record).await?;
            return Ok(PluginInspection {
                source: Some(PluginSource::Installed(record.source.clone())),
                earlier: self.earlier(id).await?,
                ..self.inspect(PluginOrigin::Installed, &component).await?
            });
        }
        match self.shelf.bundled().iter().find(|plugin| plugin.id == id) {
            Some(bundled) => Ok(PluginInspection {
                source: Some(PluginSource::Bundled),
                ..self.inspect(PluginOrigin::Bundled, bundled.wasm).await?
            }),
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
    /// When there is nothing to inspect: it is too large, precompiled, a module, broken, or does
    /// not compile within the limits.
    pub async fn inspect_component(&self, component: &[u8]) -> Result<PluginInspection> {
        self.inspect(PluginOrigin::File, component).await
    }

    async fn inspect(&self, origin: PluginOrigin, component: &[u8]) -> Result<PluginInspection> {
        let inspection = Plugin::inspect(self.shelf.engine()?, component, self.shelf.cache()).await?;
        let plugin = match &inspection.refusal {
            None => Some(self.shelf.load(component).await?),
            Some(_) => None,
        };
        let plugin = plugin.as_deref();
        Ok(PluginInspection {
            origin,
            source: None,
            can: plugin.map(words::can).unwrap_or_default(),
            sees: plugin.map(words::sees).unwrap_or_default(),
            permissions: plugin.map(Permissions::of),
            budgets: Budgets::from(&JobLimits::default()),
            earlier: Vec::new(),
            inspection,
        })
    }

    async fn earlier(&self, id: &str) -> Result<Vec<PluginVersion>> {
        Ok(self.store().earlier_plugins(id).await?.iter().map(install::version).collect())
    }
}

fn summary(plugin: &Plugin, origin: PluginOrigin, source: PluginSource) -> PluginSummary {
    let description = plugin.description();
    PluginSummary {
        id: description.id.clone(),
        name: description.name.clone(),
        version: description.version.clone(),
        vendor: description.vendor.clone(),
        summary: description.summary.clone(),
        origin,
        source,
        digest: plugin.digest().to_owned(),
        capabilities: plugin.capabilities(),
        installed_at: None,
        earlier: Vec::new(),
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
        source: PluginSource::Installed(record.source.clone()),
        digest: record.digest.clone(),
        capabilities: Vec::new(),
        installed_at: None,
        earlier: Vec::new(),
        refusal: Some(error.to_string()),
    }
}
