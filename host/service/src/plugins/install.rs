//! Plugins come, are exchanged, come back and go: each step is shown before it is done.

use postroom_runtime::Plugin;
use postroom_runtime::contract::Description;
use postroom_store::accounts::{InstalledPlugin, PluginSource, Successor};
use serde::Serialize;

use super::permissions::{Approval, Difference, Permissions};
use super::request::{PermissionRequest, PluginVersion, Step};
use super::shelf::{approved, check_approval};
use super::{PluginOrigin, PluginSummary, summary};
use crate::{Result, Service, ServiceError, names};

/// The word that stands for what ships with the program where a source is named.
pub const BUNDLED: &str = "bundled";

/// A component that an operator wants to install.
#[derive(Debug, Clone)]
pub struct InstallPlugin {
    /// The component.
    pub component: Vec<u8>,
    /// Where it came from.
    pub source: StatedSource,
    /// The digest that the operator approves with all that it asks for.
    pub approve: Option<String>,
}

/// Where an operator has a component from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatedSource {
    /// The operator's own word.
    Word(String),
    /// The name of the file, which says nothing: anybody can give a file any name.
    File(String),
}

/// A plugin whose latest update is to be taken back.
#[derive(Debug, Clone)]
pub struct RollBackPlugin {
    /// The plugin's id.
    pub id: String,
    /// Whether the operator has seen what changes and says yes.
    pub confirmed: bool,
}

/// What became of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginInstalled {
    /// The plugin.
    pub plugin: PluginSummary,
    /// All that it may do.
    pub permissions: Permissions,
    /// How that differs from what was approved before.
    pub difference: Difference,
    /// The version that it took the place of.
    pub replaced: Option<String>,
    /// Whether it asks for no more than an earlier one, whose approval it inherits.
    pub inherited_approval: bool,
    /// The accounts that gave their secrets to a plugin from elsewhere, and stop.
    pub stops: Vec<String>,
}

/// What became of going back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginRolledBack {
    /// The plugin, as it is now.
    pub plugin: PluginSummary,
    /// All that it may do again.
    pub permissions: Permissions,
    /// How that differs from what the later version was approved to do.
    pub difference: Difference,
    /// The version that was left.
    pub left: String,
    /// The accounts that gave their secrets to a plugin from elsewhere, and stop.
    pub stops: Vec<String>,
}

impl Service {
    /// Installs a plugin, or another version of one. It needs an approval that names its digest,
    /// unless it is the very component that is there, or the operator says that it comes from the
    /// same source and it asks for no more, names the same vendor and goes back to no earlier
    /// version. A file's name is no such word. What ships with the program has no source that an
    /// operator could name: whoever takes its place is asked about as a stranger.
    ///
    /// # Errors
    ///
    /// [`PluginNeedsApproval`](ServiceError::PluginNeedsApproval) with all that it asks for; bad
    /// input when the component is no plugin or the approval names another digest.
    pub async fn install_plugin(&self, request: InstallPlugin) -> Result<PluginInstalled> {
        let (StatedSource::Word(source) | StatedSource::File(source)) = &request.source;
        let source = names::checked("a source", source)?.to_owned();
        if source == BUNDLED {
            return Err(ServiceError::BadInput(format!(
                "`{BUNDLED}` stands for what ships with the program: name another source"
            )));
        }
        let plugin = self.shelf.load(&request.component).await?;
        let permissions = Permissions::of(&plugin);
        let id = plugin.description().id.clone();
        let earlier = self.store().plugins().await?.into_iter().find(|known| known.id == id);
        let approval =
            earlier.as_ref().map(|known| Approval { source: known.source.clone(), permissions: approved(known) });
        let difference = Approval::compare(approval.as_ref(), &source, &permissions);
        let present = self.present(earlier.as_ref(), &id).await?;
        let is_there = earlier.as_ref().is_some_and(|known| known.digest == plugin.digest() && known.source == source);
        let is_later = matches!(request.source, StatedSource::Word(_))
            && present.as_ref().is_some_and(|present| present.is_followed_by(plugin.description()));
        let inherited = (is_there || is_later) && Approval::is_inherited(approval.as_ref(), &source, &permissions);
        match &request.approve {
            Some(digest) if is_digest_of(digest, &plugin) => {}
            Some(digest) => {
                return Err(ServiceError::BadInput(format!(
                    "the approval names `{digest}`, and this file is another component ({}): nothing was installed. \
                     Look at what it asks for before you approve it",
                    plugin.digest()
                )));
            }
            None if inherited => {}
            None => {
                let source = PluginSource::Installed(source);
                return Err(self.asked(Step::Install, &plugin, source, difference, present).await?);
            }
        }
        let record = InstalledPlugin {
            id: id.clone(),
            version: plugin.description().version.clone(),
            digest: plugin.digest().to_owned(),
            source,
            approved: serde_json::to_string(&permissions)
                .map_err(|error| ServiceError::Internal(format!("an approval could not be written down: {error}")))?,
            installed_at: self.now(),
        };
        self.store().install_plugin(&record, &request.component).await?;
        Ok(PluginInstalled {
            stops: self.accounts_from_elsewhere(&id, &PluginSource::Installed(record.source.clone())).await?,
            plugin: self.installed_summary(&plugin, &record).await?,
            permissions,
            difference,
            replaced: earlier.map(|known| known.version),
            inherited_approval: inherited && request.approve.is_none(),
        })
    }

    /// Puts the version of an installed plugin back that was there before the present one, with
    /// the approval that it had.
    ///
    /// # Errors
    ///
    /// [`PluginNeedsApproval`](ServiceError::PluginNeedsApproval) with what changes, until it is
    /// confirmed; not found; a conflict when there is nothing to go back to; when the component
    /// that was kept is damaged.
    pub async fn roll_back_plugin(&self, request: RollBackPlugin) -> Result<PluginRolledBack> {
        let id = &request.id;
        let installed = self.store().plugins().await?.into_iter().find(|known| known.id == *id);
        let Some(present) = installed else {
            // Says that there is no such plugin, if there is none.
            self.shelf.find(self.store(), id).await?;
            return Err(ServiceError::Conflict(format!(
                "the plugin `{id}` ships with the program, and nothing was installed in its place: there is nothing to \
                 go back to"
            )));
        };
        let Some(back) = self.store().earlier_plugins(id).await?.into_iter().next() else {
            let ships = self.shelf.ships(id);
            return Err(ServiceError::Conflict(format!(
                "the plugin `{id}` has no earlier version here: {}",
                if ships {
                    "remove it, and the one that ships with the program takes its place"
                } else {
                    "install the version that you want from its file"
                }
            )));
        };
        let plugin = self.shelf.load(&self.store().plugin_component(&back).await?).await?;
        check_approval(&plugin, &back)?;
        let permissions = approved(&back);
        let difference = Difference::between(&approved(&present), &permissions);
        let source = PluginSource::Installed(back.source.clone());
        if !request.confirmed {
            let replaces = self.present(Some(&present), id).await?;
            return Err(self.asked(Step::RollBack, &plugin, source, difference, replaces).await?);
        }
        self.store().roll_back_plugin(id, &back.digest).await?;
        Ok(PluginRolledBack {
            stops: self.accounts_from_elsewhere(id, &source).await?,
            plugin: self.installed_summary(&plugin, &back).await?,
            permissions,
            difference,
            left: present.version,
        })
    }

    /// Removes an installed plugin with its earlier versions. Where one of its id ships with the
    /// program, that one takes its place, and accounts that had given their secrets to the
    /// installed one stop until the operator says yes for each.
    ///
    /// # Errors
    ///
    /// Not found; a conflict that names its accounts, or that says that a bundled one stays.
    pub async fn remove_plugin(&self, id: &str) -> Result<()> {
        let installed = self.store().plugins().await?.iter().any(|plugin| plugin.id == id);
        let ships = self.shelf.ships(id);
        if !installed && ships {
            return Err(ServiceError::Conflict(format!(
                "the plugin `{id}` ships with the program and stays; without an account it does nothing"
            )));
        }
        let successor = if ships { Successor::Bundled } else { Successor::None };
        Ok(self.store().remove_plugin(id, successor).await?)
    }

    /// The accounts whose secrets a plugin from `source` does not get, by name.
    async fn accounts_from_elsewhere(&self, plugin: &str, source: &PluginSource) -> Result<Vec<String>> {
        let accounts = self.store().accounts().await?.into_iter();
        let foreign = accounts.filter(|account| account.plugin == plugin && account.plugin_source != *source);
        Ok(foreign.map(|account| account.name).collect())
    }

    /// The plugin of this id that is there: the installed one, or the one that ships.
    async fn present(&self, installed: Option<&InstalledPlugin>, id: &str) -> Result<Option<Present>> {
        if let Some(record) = installed {
            return Ok(Some(Present {
                version: version(record),
                vendor: self.vendor(record).await,
                permissions: approved(record),
            }));
        }
        if !self.shelf.ships(id) {
            return Ok(None);
        }
        let plugin = self.shelf.find(self.store(), id).await?.plugin;
        Ok(Some(Present {
            version: PluginVersion {
                version: plugin.description().version.clone(),
                digest: plugin.digest().to_owned(),
                source: PluginSource::Bundled,
            },
            vendor: Some(plugin.description().vendor.clone()),
            permissions: Permissions::of(&plugin),
        }))
    }

    /// Who an installed plugin says that it is from; none when it does not load, or its component is
    /// damaged.
    async fn vendor(&self, record: &InstalledPlugin) -> Option<String> {
        let component = self.store().plugin_component(record).await;
        let loaded = match component {
            Ok(component) => self.shelf.load(&component).await,
            Err(error) => Err(error.into()),
        };
        match loaded {
            Ok(plugin) => Some(plugin.description().vendor.clone()),
            Err(error) => {
                tracing::warn!(%error, plugin = %record.id, "the plugin that is there cannot be compared");
                None
            }
        }
    }

    /// The question, with everything that it is about.
    async fn asked(
        &self,
        step: Step,
        plugin: &Plugin,
        source: PluginSource,
        difference: Difference,
        present: Option<Present>,
    ) -> Result<ServiceError> {
        let stops = self.accounts_from_elsewhere(&plugin.description().id, &source).await?;
        let mut request = PermissionRequest { stops, ..PermissionRequest::new(step, plugin, source, difference) };
        if let Some(present) = present {
            request.changes = Difference::between(&present.permissions, &request.permissions);
            request.vendor_before = present.vendor;
            request.replaces = Some(present.version);
        }
        Ok(ServiceError::PluginNeedsApproval(Box::new(request)))
    }

    async fn installed_summary(&self, plugin: &Plugin, record: &InstalledPlugin) -> Result<PluginSummary> {
        let earlier = self.store().earlier_plugins(&record.id).await?;
        Ok(PluginSummary {
            installed_at: Some(record.installed_at),
            earlier: earlier.iter().map(version).collect(),
            ..summary(plugin, PluginOrigin::Installed, PluginSource::Installed(record.source.clone()))
        })
    }
}

/// What is there under an id.
struct Present {
    version: PluginVersion,
    vendor: Option<String>,
    permissions: Permissions,
}

impl Present {
    /// Whether a plugin says that it is the same vendor's and no earlier version.
    fn is_followed_by(&self, description: &Description) -> bool {
        let version = |text: &str| semver::Version::parse(text).ok();
        let (had, comes) = (version(&self.version.version), version(&description.version));
        self.vendor.as_ref() == Some(&description.vendor) && had.is_some() && comes >= had
    }
}

/// Whether this is a component's digest, as the host writes it or as other tools do.
fn is_digest_of(digest: &str, plugin: &Plugin) -> bool {
    let bare = |digest: &str| digest.trim().to_lowercase().trim_start_matches("sha256:").to_owned();
    bare(digest) == bare(plugin.digest())
}

/// What is known of a version by its row.
pub(super) fn version(record: &InstalledPlugin) -> PluginVersion {
    PluginVersion {
        version: record.version.clone(),
        digest: record.digest.clone(),
        source: PluginSource::Installed(record.source.clone()),
    }
}
