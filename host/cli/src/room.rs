//! The store and the service over it, opened as a verb needs them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy as _;
use postroom_runtime::{CompileLimits, Compiler, CompilerProgram};
use postroom_service::{BundledPlugin, Service, Setup};
use postroom_sqlite::{Access, FolderWitness, SqliteStore};
use postroom_store::intents::Halted;
use postroom_sync::{Clock as _, SystemClock};

use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::verbs::{holding, internal_compile};

/// The folder of the program inside the folders that the system gives for data and caches.
const FOLDER: &str = "postroom";

/// What every verb is given.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Where it prints.
    pub(crate) output: Output,
    /// The store's folder, if it was named.
    pub(crate) store: Option<PathBuf>,
    /// The folder of the program's state, if it was named.
    pub(crate) state: Option<PathBuf>,
    /// The daemon's, where it carries a verb out for a client.
    pub(crate) house: Option<House>,
}

/// What the daemon has open, and where its client stands.
#[derive(Debug, Clone)]
pub(crate) struct House {
    /// The service over the open store.
    pub(crate) service: Arc<Service>,
    /// The folder that the client stands in.
    pub(crate) folder: PathBuf,
    /// The name of the time zone that the client goes by, if it has one.
    pub(crate) zone: Option<String>,
}

impl Context {
    /// The store's folder: the named one, or the one that the system gives.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        match &self.store {
            Some(folder) => Ok(folder.clone()),
            None => etcetera::choose_base_strategy().map(|base| base.data_dir().join(FOLDER)).map_err(|error| {
                Failure::usage(format!("there is no home folder to keep a store in ({error}): name one with --store"))
            }),
        }
    }

    /// The folder of the program's state: the named one, or the one that the system gives.
    fn state(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.state {
            // As it is found from any folder: the store remembers it.
            return std::path::absolute(folder).map_err(|error| Failure::io("tell which folder this is", &error));
        }
        let base = etcetera::choose_base_strategy().map_err(|error| {
            Failure::usage(format!(
                "there is no home folder to keep the note of the store in ({error}): name a folder with --state-dir"
            ))
        })?;
        // A system without such a folder keeps state beside data.
        Ok(base.state_dir().unwrap_or_else(|| base.data_dir()).join(FOLDER))
    }

    /// The name of the time zone of the one who typed, if it has one.
    pub(crate) fn zone(&self) -> Option<String> {
        match &self.house {
            Some(house) => house.zone.clone(),
            None => jiff::tz::TimeZone::system().iana_name().map(str::to_owned),
        }
    }

    /// A file as the one who typed it means it.
    pub(crate) fn file(&self, named: PathBuf) -> PathBuf {
        match &self.house {
            Some(house) => house.folder.join(named),
            None => named,
        }
    }

    /// The same file as that person would name it.
    pub(crate) fn named<'f>(&self, file: &'f Path) -> &'f Path {
        self.house.as_ref().and_then(|house| file.strip_prefix(&house.folder).ok()).unwrap_or(file)
    }

    /// The service over the store, to read. A verb that writes may be at work beside it.
    pub(crate) fn reading(&self) -> Result<Arc<Service>> {
        self.open(Access::Read)
    }

    /// The service over the store, to write: one process at a time, the others learn the verb.
    pub(crate) fn writing(&self, verb: &str) -> Result<Arc<Service>> {
        self.open(Access::Write { verb })
    }

    /// The same for a verb that reaches providers: it looks whether the store is the one that it was, and says what holds
    /// it.
    pub(crate) async fn reaching(&self, verb: &str) -> Result<Arc<Service>> {
        Ok(self.asked(verb).await?.0)
    }

    /// The same, with what holds it.
    pub(crate) async fn asked(&self, verb: &str) -> Result<(Arc<Service>, Option<Halted>)> {
        if self.house.is_none() {
            self.state()?;
        }
        let service = self.writing(verb)?;
        let held = service.check_instance().await?;
        if let Some(held) = &held {
            self.output.remark(&holding::remark(held));
        }
        Ok((service, held))
    }

    /// The service over a new store.
    pub(crate) fn create(&self, name: &str) -> Result<Arc<Service>> {
        Ok(Arc::new(service(SqliteStore::create(&self.folder()?, name, SystemClock.now())?)?))
    }

    fn open(&self, access: Access<'_>) -> Result<Arc<Service>> {
        if let Some(house) = &self.house {
            return Ok(Arc::clone(&house.service));
        }
        let folder = self.folder()?;
        match SqliteStore::open(&folder, access) {
            Ok(store) => {
                let service = service(store)?;
                Ok(Arc::new(match (access, self.state()) {
                    (Access::Write { .. }, Ok(state)) => {
                        service.witnessed_by(Arc::new(FolderWitness::new(&folder, &state)))
                    }
                    // Whoever reaches providers asks for the folder again, and refuses to go on without.
                    (Access::Read, _) | (_, Err(_)) => service,
                }))
            }
            Err(error) => {
                let failure = Failure::from(error);
                Err(if is_empty(&folder) { failure.with_mend(self.init_line()) } else { failure })
            }
        }
    }

    fn init_line(&self) -> String {
        match &self.store {
            Some(folder) => {
                let folder = folder.display().to_string();
                format!("`{}` makes one", crate::shell::line(["postroom", "init", "--store", folder.as_str()]))
            }
            None => "`postroom init` makes one; `postroom demo` shows everything without one".to_owned(),
        }
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

fn service(store: SqliteStore) -> Result<Service> {
    let bundled = postroom_bundled::plugins().iter().map(|plugin| BundledPlugin { id: plugin.id, wasm: plugin.wasm });
    Ok(Service::new(Setup {
        store: Arc::new(store),
        bundled: bundled.collect(),
        compiler: compiler()?,
        compile_cache: compile_cache(),
        clock: Arc::new(SystemClock),
    }))
}

/// Components are compiled by this very program, in a process that is limited.
fn compiler() -> Result<Compiler> {
    let program = std::env::current_exe().map_err(|error| Failure::io("find the file of this program", &error))?;
    Ok(Compiler::Child(CompilerProgram {
        program,
        arguments: vec![internal_compile::WORD.to_owned()],
        limits: CompileLimits::default(),
    }))
}

/// Compiled plugins do not depend on the store, so that all stores of a user share them.
fn compile_cache() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.cache_dir().join(FOLDER).join("compiled"))
}
