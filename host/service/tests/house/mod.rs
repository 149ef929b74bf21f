//! A service over a store in a folder of its own, with a clock that stands still.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use postroom_import::Options;
use postroom_runtime::Compiler;
use postroom_service::import::{ImportFile, ImportPreview, Imported};
use postroom_service::{BundledPlugin, Result, Service, Setup};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::clock::{Clock as _, ManualClock};
use postroom_store::lists::ImportMode;
use tempfile::TempDir;

pub(crate) struct House {
    pub(crate) service: Service,
    folder: TempDir,
    clock: Arc<ManualClock>,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_750_000_000).unwrap()));
        let store = SqliteStore::create(&folder.path().join("store"), "Test", clock.now()).unwrap();
        Self::over(store, folder, clock)
    }

    /// The same store, opened by a process that knows nothing of the one before.
    pub(crate) fn reopened(self) -> Self {
        let Self { service, folder, clock } = self;
        drop(service);
        let store = SqliteStore::open(&folder.path().join("store"), Access::Write { verb: "test" }).unwrap();
        Self::over(store, folder, clock)
    }

    fn over(store: SqliteStore, folder: TempDir, clock: Arc<ManualClock>) -> Self {
        let bundled = postroom_bundled::plugins().iter();
        let service = Service::new(Setup {
            store: Arc::new(store),
            bundled: bundled.map(|plugin| BundledPlugin { id: plugin.id, wasm: plugin.wasm }).collect(),
            compiler: Compiler::InProcess,
            compile_cache: Some(folder.path().join("compiled")),
            clock: clock.clone(),
        });
        Self { service, folder, clock }
    }

    /// A second passes.
    pub(crate) fn tick(&self) {
        self.clock.advance(SignedDuration::from_secs(1));
    }

    /// The clock is set back by an hour.
    pub(crate) fn set_back(&self) {
        self.clock.advance(SignedDuration::from_hours(-1));
    }

    pub(crate) async fn import(&self, rows: &str, mode: ImportMode) -> Result<Imported> {
        self.service.import(file(self, rows, mode), &|_| {}).await
    }

    pub(crate) async fn preview(&self, rows: &str, mode: ImportMode) -> Result<ImportPreview> {
        self.service.preview_import(file(self, rows, mode)).await
    }
}

/// The bundled component.
pub(crate) fn component() -> &'static [u8] {
    postroom_bundled::plugins().iter().find(|plugin| plugin.id == "mailchimp").unwrap().wasm
}

/// A file for the list `Guests`; a column `id` is its key.
pub(crate) fn file(house: &House, rows: &str, mode: ImportMode) -> ImportFile {
    let file = house.folder.path().join("guests.csv");
    std::fs::write(&file, rows).unwrap();
    ImportFile {
        file,
        list: Some("Guests".to_owned()),
        mode,
        options: Options { key: rows.starts_with("id,").then(|| "id".to_owned()), ..Options::default() },
        profile: None,
        save_profile: None,
        consent_evidence: None,
        consent_purposes: Vec::new(),
        may_empty: false,
        believes_file: false,
        rejects: None,
        left_out: None,
    }
}
