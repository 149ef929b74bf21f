//! The mark of a store and the note of it outside: renewed in an order that no end of the program breaks, and no more
//! often than it has to be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; what stands beside them fails the same way"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use postroom_domain::instance::{Original, Outside, Place};
use postroom_runtime::Compiler;
use postroom_service::instance::MARKED_AT_LEAST_EVERY;
use postroom_service::{Service, Setup};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::clock::{Clock as _, ManualClock};
use postroom_store::instance::Witness;
use postroom_store::{Result, StoreError};
use tempfile::TempDir;

/// A note in memory, on a disk that may be full.
#[derive(Default)]
struct Memory {
    note: Mutex<Option<Outside>>,
    is_full: AtomicBool,
}

#[async_trait]
impl Witness for Memory {
    async fn here(&self) -> Result<Place> {
        Ok(Place { machine: None, folder: "/store".to_owned() })
    }

    async fn note(&self, _: &str, _: Option<&str>) -> Result<(String, Option<Outside>)> {
        Ok(("memory".to_owned(), self.note.lock().unwrap().clone()))
    }

    async fn keep(&self, _: &str, _: &str, note: &Outside) -> Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(StoreError::Failed { doing: "keep the note of it", cause: "the disk is full".to_owned() });
        }
        *self.note.lock().unwrap() = Some(note.clone());
        Ok(())
    }

    async fn original(&self, _: &str, _: &str) -> Result<Original> {
        Ok(Original::Same)
    }
}

struct Home {
    folder: TempDir,
    witness: Arc<Memory>,
    clock: Arc<ManualClock>,
    service: Option<Service>,
}

impl Home {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_750_000_000).unwrap()));
        drop(SqliteStore::create(&folder.path().join("store"), "Test", clock.now()).unwrap());
        let mut home = Self { folder, witness: Arc::default(), clock, service: None };
        home.reopen();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As another process does, after the one before has ended.
    fn reopen(&mut self) {
        self.service = None;
        let store = SqliteStore::open(&self.path("store"), Access::Write { verb: "test" }).unwrap();
        let setup = Setup {
            store: Arc::new(store),
            bundled: Vec::new(),
            compiler: Compiler::InProcess,
            compile_cache: None,
            clock: self.clock.clone(),
        };
        self.service = Some(Service::new(setup).witnessed_by(self.witness.clone()));
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    fn number(&self) -> u64 {
        self.witness.note.lock().unwrap().as_ref().map_or(0, |note| note.mark.number)
    }
}

#[tokio::test]
async fn a_note_that_can_not_be_written_stops_what_would_leave_and_holds_nothing_afterwards() {
    let mut home = Home::new();
    assert_eq!(home.service().check_instance().await.unwrap(), None);
    home.witness.is_full.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        // However often it is tried, the store is one step ahead at most.
        let error = home.service().check_instance().await.unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
        home.reopen();
    }
    home.witness.is_full.store(false, Ordering::Relaxed);
    assert_eq!(home.service().check_instance().await.unwrap(), None);
    home.reopen();
    assert_eq!(home.service().check_instance().await.unwrap(), None);
}

#[tokio::test]
async fn a_mark_is_renewed_no_more_often_than_it_has_to_be() {
    let home = Home::new();
    home.service().check_instance().await.unwrap();
    let first = home.number();
    home.clock.advance(MARKED_AT_LEAST_EVERY - SignedDuration::from_secs(1));
    home.service().renew_mark().await.unwrap();
    assert_eq!(home.number(), first);
    home.clock.advance(SignedDuration::from_secs(1));
    for _ in 0..5 {
        home.service().renew_mark().await.unwrap();
    }
    assert_eq!(home.number(), first + 1);
    home.service().check_instance().await.unwrap();
    assert_eq!(home.number(), first + 2);
}

#[tokio::test]
async fn what_was_found_stays_found_until_somebody_lets_it_go_on() {
    let mut home = Home::new();
    home.service().check_instance().await.unwrap();
    let newer = home.witness.note.lock().unwrap().clone().map(|note| {
        let mut note = note;
        note.mark.number += 1;
        note
    });
    let before = std::mem::replace(&mut *home.witness.note.lock().unwrap(), newer);
    let held = home.service().check_instance().await.unwrap().unwrap();
    assert!(held.why.contains("put back from a backup"), "{}", held.why);
    *home.witness.note.lock().unwrap() = before;
    home.reopen();
    assert_eq!(home.service().check_instance().await.unwrap().as_ref(), Some(&held));
    let error = home.service().resume(false).await.unwrap_err().to_string();
    assert!(error.contains(&held.why), "{error}");
    assert_eq!(home.service().resume(true).await.unwrap().lifted, Some(held));
    home.reopen();
    assert_eq!(home.service().check_instance().await.unwrap(), None);
}
