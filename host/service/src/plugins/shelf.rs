//! Where loaded plugins stand: found by id, compiled once, approved before they work.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use postroom_runtime::{CompileCache, Compiler, DirectoryCache, Engine, Plugin};
use postroom_store::accounts::{InstalledPlugin, PluginSource};
use postroom_store::{Store, StoreError};
use tokio::sync::Mutex;

use super::PluginOrigin;
use super::permissions::{Difference, Permissions};
use super::request::{PermissionRequest, Step};
use crate::names::known;
use crate::{BundledPlugin, Result, ServiceError};

/// The plugins of this process. The engine starts with the first plugin that is needed.
pub(crate) struct Shelf {
    bundled: Vec<BundledPlugin>,
    compiler: Compiler,
    compile_cache: Option<PathBuf>,
    cache: OnceLock<Option<DirectoryCache>>,
    engine: OnceLock<Engine>,
    /// Loaded plugins by digest.
    loaded: Mutex<HashMap<String, Arc<Plugin>>>,
    /// The digests of the bundled ones by id: a plan asks for one, and a plan may be made several times a second.
    digests: OnceLock<HashMap<&'static str, String>>,
}

/// A plugin that was found by its id, with where it came from.
pub(crate) struct Found {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) origin: PluginOrigin,
    pub(crate) source: PluginSource,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<&str> = self.bundled.iter().map(|plugin| plugin.id).collect();
        f.debug_struct("Shelf").field("bundled", &ids).finish_non_exhaustive()
    }
}

impl Shelf {
    pub(crate) fn new(bundled: Vec<BundledPlugin>, compiler: Compiler, compile_cache: Option<PathBuf>) -> Self {
        Self {
            bundled,
            compiler,
            compile_cache,
            cache: OnceLock::new(),
            engine: OnceLock::new(),
            loaded: Mutex::new(HashMap::new()),
            digests: OnceLock::new(),
        }
    }

    pub(crate) fn bundled(&self) -> &[BundledPlugin] {
        &self.bundled
    }

    /// Whether a plugin of this id ships with the program.
    pub(crate) fn ships(&self, id: &str) -> bool {
        self.bundled.iter().any(|plugin| plugin.id == id)
    }

    pub(crate) fn engine(&self) -> Result<&Engine> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        // Two callers at once make two engines, one of which is dropped at once.
        let engine = Engine::compiling_with(self.compiler.clone())?;
        Ok(self.engine.get_or_init(|| engine))
    }

    /// Loads a component, or takes it from those that are loaded.
    pub(crate) async fn load(&self, bytes: &[u8]) -> Result<Arc<Plugin>> {
        let digest = postroom_runtime::digest(bytes);
        let mut loaded = self.loaded.lock().await;
        if let Some(plugin) = loaded.get(&digest) {
            return Ok(Arc::clone(plugin));
        }
        let engine = self.engine()?;
        let plugin = match self.cache() {
            Some(cache) => Plugin::load_cached(engine, bytes, cache).await?,
            None => Plugin::load(engine, bytes).await?,
        };
        let plugin = Arc::new(plugin);
        loaded.insert(digest, Arc::clone(&plugin));
        Ok(plugin)
    }

    /// The plugin of this id: the installed one, or else the bundled one.
    pub(crate) async fn find(&self, store: &dyn Store, id: &str) -> Result<Found> {
        let installed = store.plugins().await?;
        if let Some(record) = installed.iter().find(|plugin| plugin.id == id) {
            let plugin = self.load(&store.plugin_component(record).await?).await?;
            check_approval(&plugin, record)?;
            let source = PluginSource::Installed(record.source.clone());
            return Ok(Found { plugin, origin: PluginOrigin::Installed, source });
        }
        let Some(bundled) = self.bundled.iter().find(|plugin| plugin.id == id) else {
            let ids = self.bundled.iter().map(|plugin| plugin.id);
            return Err(ServiceError::Store(StoreError::NotFound {
                kind: "plugin",
                name: id.to_owned(),
                mend: format!(
                    "there are {}; others are installed from their file",
                    known(ids.chain(installed.iter().map(|plugin| plugin.id.as_str())))
                ),
            }));
        };
        let plugin = self.load(bundled.wasm).await?;
        Ok(Found { plugin, origin: PluginOrigin::Bundled, source: PluginSource::Bundled })
    }

    /// The digest of the plugin of this id, without loading it; none if there is no such plugin.
    pub(crate) async fn digest(&self, store: &dyn Store, id: &str) -> Result<Option<String>> {
        let installed = store.plugins().await?.into_iter().find(|plugin| plugin.id == id);
        if let Some(record) = installed {
            return Ok(Some(record.digest));
        }
        let digests = self.digests.get_or_init(|| {
            self.bundled.iter().map(|plugin| (plugin.id, postroom_runtime::digest(plugin.wasm))).collect()
        });
        Ok(digests.get(id).cloned())
    }

    pub(crate) fn cache(&self) -> Option<&dyn CompileCache> {
        let open = || {
            let directory = self.compile_cache.clone()?;
            match DirectoryCache::open(&directory) {
                Ok(cache) => Some(cache),
                Err(error) => {
                    tracing::warn!(%error, directory = %directory.display(), "compiled plugins cannot be kept");
                    None
                }
            }
        };
        self.cache.get_or_init(open).as_ref().map(|cache| cache as &dyn CompileCache)
    }
}

/// Refuses an installed plugin that asks for more than was approved when it was installed: the
/// record, not the component, is the operator's word.
pub(super) fn check_approval(plugin: &Plugin, record: &InstalledPlugin) -> Result<()> {
    let difference = Difference::between(&approved(record), &Permissions::of(plugin));
    if difference.added.is_empty() {
        return Ok(());
    }
    let source = PluginSource::Installed(record.source.clone());
    let request = PermissionRequest::new(Step::Use, plugin, source, difference);
    Err(ServiceError::PluginNeedsApproval(Box::new(request)))
}

/// What an operator approved for a version.
pub(super) fn approved(record: &InstalledPlugin) -> Permissions {
    serde_json::from_str(&record.approved).unwrap_or_else(|error| {
        tracing::warn!(%error, plugin = %record.id, "an approval cannot be read and so allows nothing");
        Permissions::default()
    })
}
