//! The loop that runs syncs by themselves, over a real store and under a clock that is moved by hand. The runs end at
//! once, because the account's plugin is not there: what matters here is when they are begun, and how often.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the lints spare test functions only; the house around them fails the same way"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::decision::Newcomers;
use postroom_domain::mapping::Mapping;
use postroom_domain::schedule::{Misfire, Schedule, Timetable, Triggers};
use postroom_runtime::Compiler;
use postroom_service::{Service, Setup};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::{AccountDraft, AccountStore as _, PluginSource};
use postroom_store::clock::{Clock as _, ManualClock};
use postroom_store::lists::ListStore as _;
use postroom_store::schedules::{ScheduleStore as _, Tick, TickOutcome};
use postroom_store::syncs::{SyncDraft, SyncStore as _};
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

/// How long something may take that takes moments: a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

/// A service whose loop is at work.
struct Daemon {
    service: Arc<Service>,
    at_work: TaskTracker,
}

impl House {
    /// A store with the sync `guests`, at a moment.
    async fn at(moment: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(moment.parse().unwrap()));
        let store = SqliteStore::create(&folder.path().join("store"), "Test", clock.now()).unwrap();
        let account = AccountDraft {
            name: "hotel".to_owned(),
            plugin: "gone".to_owned(),
            plugin_source: PluginSource::Installed("somewhere".to_owned()),
            auth_method: "api-key".to_owned(),
            settings: BTreeMap::new(),
            origins: BTreeMap::new(),
            insecure_origin: false,
            remote_name: None,
            secrets: BTreeMap::new(),
        };
        store.add_account(&account, clock.now()).await.unwrap();
        store.create_list("Guests", clock.now()).await.unwrap();
        let sync = SyncDraft {
            name: "guests".to_owned(),
            list: "Guests".to_owned(),
            account: "hotel".to_owned(),
            audience_remote_id: "a1".to_owned(),
            audience_name: "Guests there".to_owned(),
            pairs: Vec::new(),
            mapping: Mapping { targets: Vec::new() },
            newcomers: Newcomers::Skip,
            tag: Some("Guests".to_owned()),
            tag_is_own: false,
            purpose: None,
            breaker_percent: 10,
        };
        store.add_sync(&sync, clock.now()).await.unwrap();
        Self { store: Arc::new(store), clock, _folder: folder }
    }

    fn daemon(&self) -> Daemon {
        let service = Arc::new(Service::new(Setup {
            store: self.store.clone(),
            bundled: Vec::new(),
            compiler: Compiler::InProcess,
            compile_cache: None,
            clock: self.clock.clone(),
        }));
        let at_work = TaskTracker::new();
        let (kept, tracked) = (Arc::clone(&service), at_work.clone());
        at_work.spawn(async move { kept.keep_schedules(&tracked).await.unwrap() });
        Daemon { service, at_work }
    }

    /// Waits until everything up to a moment is settled, and nothing beyond it.
    async fn settles(&self, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        let settled = async {
            while self.store.schedule("guests").await.unwrap().unwrap().settled != moment {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.unwrap();
    }

    fn moves_to(&self, moment: &str) {
        self.clock.set(moment.parse().unwrap());
    }
}

impl Daemon {
    /// The times of the ticks that have ended, oldest first, once there are so many.
    async fn ended(&self, number: usize) -> Vec<String> {
        let ended = async {
            loop {
                let ticks = self.service.ticks("guests", 100).await.unwrap();
                let ended: Vec<_> = ticks.into_iter().filter(|tick| tick.finished.is_some()).collect();
                if ended.len() >= number {
                    return ended;
                }
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, ended).await.unwrap();
        assert!(ended.iter().all(failed), "{ended:?}");
        ended.iter().rev().map(|tick| tick.tick.to_string()).collect()
    }

    async fn stop(self) {
        self.service.closing().cancel();
        self.at_work.close();
        tokio::time::timeout(PATIENCE, self.at_work.wait()).await.unwrap();
    }
}

fn failed(tick: &Tick) -> bool {
    matches!(&tick.finished.as_ref().unwrap().outcome, TickOutcome::Failed { error } if error.contains("gone"))
}

fn triggers(when: &str, misfire: Misfire) -> Triggers {
    let schedule: Schedule = when.parse().unwrap();
    Triggers::new(Some(Timetable::new(schedule, misfire, SignedDuration::ZERO).unwrap()), None).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_runs_once_at_the_stated_time_also_when_the_clock_leaps_over_it() {
    let house = House::at("2026-03-28T12:00:00Z").await;
    let daemon = house.daemon();
    let at_half_past_two = triggers("30 2 * * * Europe/Prague", Misfire::Once);
    let scheduled = daemon.service.schedule_sync("guests", &at_half_past_two).await.unwrap();
    // On this night there is no half past two.
    assert_eq!(scheduled.next_start.unwrap().to_string(), "2026-03-29T01:00:00Z");
    house.moves_to("2026-03-29T00:59:59Z");
    house.moves_to("2026-03-29T01:00:00Z");
    assert_eq!(daemon.ended(1).await, ["2026-03-29T01:00:00Z"]);
    house.moves_to("2026-03-30T00:30:00Z");
    assert_eq!(daemon.ended(2).await, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_while_no_daemon_ran_is_made_up_for_as_the_schedule_says() {
    let house = House::at("2026-06-01T00:30:00Z").await;
    let daemon = house.daemon();
    daemon.service.schedule_sync("guests", &triggers("0 * * * * UTC", Misfire::Once)).await.unwrap();
    house.moves_to("2026-06-01T01:00:00Z");
    assert_eq!(daemon.ended(1).await.len(), 1);
    daemon.stop().await;
    // Three days without a daemon: one run stands for all that was missed.
    house.moves_to("2026-06-04T01:10:00Z");
    let daemon = house.daemon();
    assert_eq!(daemon.ended(2).await, ["2026-06-01T01:00:00Z", "2026-06-04T01:00:00Z"]);
    // What falls into a pause was not missed.
    daemon.service.pause_sync("guests").await.unwrap();
    house.moves_to("2026-06-04T05:10:00Z");
    let resumed = daemon.service.resume_sync("guests").await.unwrap();
    assert_eq!(resumed.next_start.unwrap().to_string(), "2026-06-04T06:00:00Z");
    house.moves_to("2026-06-04T06:00:00Z");
    assert_eq!(daemon.ended(3).await.last().unwrap(), "2026-06-04T06:00:00Z");
    assert_eq!(daemon.ended(3).await.len(), 3);
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_ran_ahead_by_a_year_keeps_no_sync_from_running() {
    let house = House::at("2027-06-01T00:30:00Z").await;
    let daemon = house.daemon();
    daemon.service.schedule_sync("guests", &triggers("0 * * * * UTC", Misfire::Once)).await.unwrap();
    house.moves_to("2027-06-01T01:00:00Z");
    assert_eq!(daemon.ended(1).await, ["2027-06-01T01:00:00Z"]);
    daemon.stop().await;
    house.moves_to("2026-06-01T00:30:00Z");
    let daemon = house.daemon();
    house.settles("2026-06-01T00:30:00Z").await;
    house.moves_to("2026-06-01T01:00:00Z");
    assert!(daemon.ended(2).await.contains(&"2026-06-01T01:00:00Z".to_owned()));
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_loops_over_one_store_never_run_a_tick_twice() {
    let house = House::at("2026-06-01T00:00:30Z").await;
    let daemons = [house.daemon(), house.daemon()];
    let every_minute = triggers("every 1 minute", Misfire::Once);
    daemons[0].service.schedule_sync("guests", &every_minute).await.unwrap();
    // The second learns of it as soon as it looks.
    daemons[1].service.schedule_sync("guests", &every_minute).await.unwrap();
    for minute in 1..=20_usize {
        let moment: Timestamp = format!("2026-06-01T00:{minute:02}:00Z").parse().unwrap();
        house.clock.set(moment);
        assert_eq!(daemons[0].ended(minute).await.len(), minute);
    }
    for daemon in daemons {
        daemon.stop().await;
    }
    let ticks = house.daemon().ended(20).await;
    assert_eq!(ticks.len(), 20);
}
