//! Syncs that run by themselves: by a timetable, after changes, or both.
//!
//! [`Service::keep_schedules`] is the loop of the daemon. It keeps nothing that matters: which ticks are due follows
//! from what is stored, and whether a list changed from the plan of its sync. So a daemon that was killed has
//! missed nothing when it starts again but what its schedules' misfire policies leave out.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::schedule::Triggers;
use postroom_store::events::CursorStart;
use postroom_store::schedules::{SyncSchedule, TakenTick, Tick, TickOutcome};
use postroom_sync::{RunOptions, RunReport};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::{Result, Service, ServiceError};

/// The cursor over the log of events by which changes are noticed.
const CHANGES: &str = "schedules";
/// How long after a write the log is looked at: writes that come close together are looked at together, and whoever
/// saved a contact does not notice the wait.
pub(crate) const LOOKED_AFTER_A_WRITE: Duration = Duration::from_millis(10);
/// How the events begin that runs leave of what they noted and recorded: there is nothing to do about those.
const OF_RUNS: &str = "batch-";
/// How long the schedules are not looked at, at most, whatever the clock shows.
const LOOKED_AT_LEAST_EVERY: Duration = Duration::from_secs(60);
/// How many events are read at once.
const EVENTS_AT_ONCE: u32 = 1_000;
/// After so many times its quiet a sync runs though it has not been quiet.
const QUIETS_AT_MOST: i32 = 10;
/// When a sync is tried again that a provider did not serve, or whose account is held.
const TRIED_AGAIN_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// How long a sync waits that left something behind time and again, because another run is sending it: at once the
/// first time, for this the second, and then twice as long each time.
const LEFT_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// The longest such wait: a request takes no longer than some seconds.
const LEFT_AGAIN_AFTER_AT_MOST: Duration = Duration::from_secs(5);
/// How often the log is cleared of what every cursor has passed.
const CLEARED_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How many events are kept whoever has passed them: some days of a busy store, for whoever looks into its log.
const EVENTS_KEPT: u64 = 100_000;
/// How old the oldest event may be that a cursor keeps, before somebody should look after that cursor.
const CURSOR_ALARM: SignedDuration = SignedDuration::from_hours(24);

/// A schedule, with what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scheduled {
    /// The schedule.
    #[serde(flatten)]
    pub schedule: SyncSchedule,
    /// When the sync runs next by the clock; none when it is paused, or runs after changes only.
    pub next_start: Option<Timestamp>,
}

impl From<SyncSchedule> for Scheduled {
    fn from(schedule: SyncSchedule) -> Self {
        Self { next_start: schedule.next_start(), schedule }
    }
}

/// How often the cursor is moved: it keeps the log from being cleared, and no more. Where it stands follows from this
/// process, and whoever starts looks at every sync once.
const CURSOR_MOVED_EVERY: SignedDuration = SignedDuration::from_secs(10);

/// What the loop remembers between two looks.
#[derive(Debug, Default)]
struct Watch {
    /// The last event that was looked at.
    passed: u64,
    /// When the cursor was last moved.
    moved: Option<Timestamp>,
    /// When the store first and last changed, for the syncs that have not run since.
    changed: HashMap<i64, (Timestamp, Timestamp)>,
    /// The syncs that a provider did not serve, and when they are tried again.
    again: HashMap<i64, Timestamp>,
    /// How often each sync has left something behind, without a run in between that did not.
    lefts: HashMap<i64, u32>,
    /// The syncs that have been looked at since the loop began: the first look of each takes up what an earlier
    /// loop left.
    known: HashSet<i64>,
    /// When the log was last cleared.
    cleared: Option<Timestamp>,
}

/// The syncs whose runs were started here.
#[derive(Debug, Clone, Default)]
struct AtWork(Arc<Mutex<Syncs>>);

#[derive(Debug, Default)]
struct Syncs {
    /// Those whose runs have not ended.
    running: HashSet<i64>,
    /// Those that a provider did not serve.
    unserved: Vec<i64>,
    /// Those that have something left to do.
    left: Vec<i64>,
    /// Those that a provider served.
    served: Vec<i64>,
}

impl AtWork {
    /// Marks a sync as at work until what this answers is dropped; none when it is already.
    fn begin(&self, sync: i64) -> Option<Mark> {
        let is_first = self.syncs().running.insert(sync);
        is_first.then(|| Mark { at_work: self.clone(), sync })
    }

    /// Notes how a run of a sync after changes ended.
    fn note(&self, sync: i64, ended: Ended) {
        let mut syncs = self.syncs();
        match ended {
            Ended::Done => &mut syncs.served,
            Ended::Left => &mut syncs.left,
            Ended::Unserved => &mut syncs.unserved,
        }
        .push(sync);
    }

    fn syncs(&self) -> MutexGuard<'_, Syncs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sync at work.
struct Mark {
    at_work: AtWork,
    sync: i64,
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.at_work.syncs().running.remove(&self.sync);
    }
}

impl Service {
    /// Says when a sync runs by itself, in the place of what was said before.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn schedule_sync(&self, sync: &str, triggers: &Triggers) -> Result<Scheduled> {
        let schedule = self.store().set_schedule(sync, triggers, self.now()).await?;
        self.rescheduled.notify_one();
        Ok(schedule.into())
    }

    /// Lets a sync run by hand only.
    ///
    /// # Errors
    ///
    /// Not found, also where it has no schedule.
    pub async fn unschedule_sync(&self, sync: &str) -> Result<()> {
        self.store().clear_schedule(sync).await?;
        self.rescheduled.notify_one();
        Ok(())
    }

    /// Pauses a schedule: nothing is made up for afterwards.
    ///
    /// # Errors
    ///
    /// Not found, also where it has no schedule.
    pub async fn pause_sync(&self, sync: &str) -> Result<Scheduled> {
        let schedule = self.store().pause_schedule(sync, self.now()).await?;
        self.rescheduled.notify_one();
        Ok(schedule.into())
    }

    /// Goes on with a schedule that was paused.
    ///
    /// # Errors
    ///
    /// Not found, also where it has no schedule.
    pub async fn resume_sync(&self, sync: &str) -> Result<Scheduled> {
        let schedule = self.store().resume_schedule(sync, self.now()).await?;
        self.rescheduled.notify_one();
        Ok(schedule.into())
    }

    /// All schedules.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn schedules(&self) -> Result<Vec<Scheduled>> {
        Ok(self.store().schedules().await?.into_iter().map(Scheduled::from).collect())
    }

    /// The last ticks of a sync, latest first: what its schedule made of them.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn ticks(&self, sync: &str, limit: u32) -> Result<Vec<Tick>> {
        Ok(self.store().ticks(sync, limit).await?)
    }

    /// Runs syncs as their schedules say, until the service is closing. Runs go on in `at_work`.
    ///
    /// # Errors
    ///
    /// When the storage fails: then nobody may look at the clock for a store that can't be written.
    pub async fn keep_schedules(self: &Arc<Self>, at_work: &TaskTracker) -> Result<()> {
        for tick in self.store().interrupt_ticks(self.now()).await? {
            tracing::warn!(sync = tick.sync, tick = %tick.tick, "a run that a schedule began was cut short before");
        }
        let cursor = self.store().open_cursor(CHANGES, CursorStart::Newest, self.now()).await?;
        let (mut watch, syncs) = (Watch { passed: cursor.passed, ..Watch::default() }, AtWork::default());
        let mut written = self.store().written();
        loop {
            let rescheduled = self.rescheduled.notified();
            written.mark_unchanged();
            let mut schedules = self.store().schedules().await?;
            // Taking writes, and a writer that is asked several times a second is never idle.
            if schedules.iter().any(|schedule| schedule.is_due(self.now())) {
                for tick in self.store().take_due_ticks(self.now()).await? {
                    self.start_tick(tick, &syncs, at_work);
                }
                schedules = self.store().schedules().await?;
            }
            let look_again = self.start_changed(&schedules, &mut watch, &syncs, at_work).await?;
            let clear_again = self.clear_log(&mut watch).await?;
            let follows_changes = schedules.iter().any(is_after_changes);
            let starts = schedules.iter().filter_map(SyncSchedule::next_start);
            let next = starts.chain(look_again).chain(clear_again).min();
            tokio::select! {
                () = self.closing.cancelled() => return Ok(()),
                () = rescheduled => {}
                () = gathered(&mut written), if follows_changes => {}
                () = self.until(next) => {}
                // A clock that was set back does not come to the moment that is waited for.
                () = tokio::time::sleep(LOOKED_AT_LEAST_EVERY) => {}
            }
        }
    }

    /// Waits for a moment, or for ever.
    pub(crate) async fn until(&self, moment: Option<Timestamp>) {
        match moment {
            Some(moment) => self.clock.until(moment).await,
            None => std::future::pending().await,
        }
    }

    /// Makes a run of a tick.
    fn start_tick(self: &Arc<Self>, tick: TakenTick, syncs: &AtWork, at_work: &TaskTracker) {
        let (service, mark) = (Arc::clone(self), syncs.begin(tick.sync_id));
        at_work.spawn(async move {
            let outcome = match mark {
                Some(_mark) => service.run_unattended(&tick.sync).await.map(|report| report.run),
                None => Err("the run before it had not ended".to_owned()),
            };
            let outcome = match outcome {
                Ok(run) => TickOutcome::Ran { run },
                Err(error) => TickOutcome::Failed { error },
            };
            let finished = service.store().finish_tick(tick.sync_id, tick.tick, &outcome, service.now()).await;
            if let Err(error) = finished {
                tracing::error!(%error, sync = tick.sync, "what became of a tick could not be written down");
            }
        });
    }

    /// Runs a sync that nobody waits for; answers with the report, or why there is no run.
    async fn run_unattended(self: &Arc<Self>, sync: &str) -> std::result::Result<RunReport, String> {
        match self.run_sync(sync, &RunOptions::default(), |_| {}).await {
            Ok(report) => {
                told(sync, &report);
                Ok(report)
            }
            Err(error) => {
                tracing::warn!(sync, %error, "did not run");
                Err(error.to_string())
            }
        }
    }

    /// Runs the syncs that run after changes and whose wait for quiet is over. Answers when to look again.
    async fn start_changed(
        self: &Arc<Self>,
        schedules: &[SyncSchedule],
        watch: &mut Watch,
        syncs: &AtWork,
        at_work: &TaskTracker,
    ) -> Result<Option<Timestamp>> {
        let by_change: Vec<_> = schedules
            .iter()
            .filter(|schedule| is_after_changes(schedule))
            .filter_map(|schedule| Some((schedule, schedule.triggers.on_change_after()?)))
            .collect();
        watch.known.retain(|known| by_change.iter().any(|(schedule, _)| schedule.sync_id == *known));
        let changed = self.changes(watch).await?;
        let now = self.now();
        let mut look_again = None;
        let mut looks_at = |moment: Option<Timestamp>| look_again = look_again.into_iter().chain(moment).min();
        for sync in std::mem::take(&mut syncs.syncs().unserved) {
            watch.again.extend(now.checked_add(TRIED_AGAIN_AFTER).ok().map(|at| (sync, at)));
        }
        for sync in std::mem::take(&mut syncs.syncs().left) {
            watch.changed.entry(sync).or_insert((now, now));
            *watch.lefts.entry(sync).or_default() += 1;
        }
        for sync in std::mem::take(&mut syncs.syncs().served) {
            watch.lefts.remove(&sync);
        }
        for (schedule, quiet) in &by_change {
            let sync = schedule.sync_id;
            let is_new = watch.known.insert(sync);
            let is_due_again = watch.again.get(&sync).is_some_and(|at| *at <= now);
            if is_due_again {
                watch.again.remove(&sync);
            }
            if is_new || is_due_again {
                watch.changed.entry(sync).or_insert((now, now));
            }
            if let Some(at) = changed {
                watch.changed.entry(sync).or_insert((at, at)).1 = at;
            }
            looks_at(watch.again.get(&sync).copied());
            let Some((first, last)) = watch.changed.get(&sync).copied() else { continue };
            // A store that never rests is synced all the same.
            let ends = [last.checked_add(*quiet), first.checked_add(*quiet * QUIETS_AT_MOST)];
            let quiet_at = ends.into_iter().flatten().min().unwrap_or(now);
            if quiet_at > now {
                looks_at(Some(quiet_at));
            }
            if quiet_at > now || watch.again.contains_key(&sync) {
                continue;
            }
            // Marked before it is planned: a change that comes meanwhile is another one.
            let Some(mark) = syncs.begin(schedule.sync_id) else { continue };
            watch.changed.remove(&schedule.sync_id);
            let (service, sync, id, syncs) = (Arc::clone(self), schedule.sync.clone(), schedule.sync_id, syncs.clone());
            let wait = left_again_after(watch.lefts.get(&schedule.sync_id).copied().unwrap_or_default());
            at_work.spawn(async move {
                let ended = service.run_if_needed(&sync).await;
                // Whatever else would run the sync need not wait for what follows, nor need whoever closes.
                drop(mark);
                if ended == Ended::Left {
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = service.closing.cancelled() => {}
                    }
                }
                syncs.note(id, ended);
                // What changed meanwhile waits for the end of this.
                service.rescheduled.notify_one();
            });
        }
        Ok(look_again)
    }

    /// Clears the log of events when it is time to; answers when that is next.
    async fn clear_log(&self, watch: &mut Watch) -> Result<Option<Timestamp>> {
        let now = self.now();
        let due = watch.cleared.and_then(|cleared| cleared.checked_add(CLEARED_EVERY).ok());
        if let Some(due) = due.filter(|due| *due > now) {
            return Ok(Some(due));
        }
        let cleared = self.store().clear_events(EVENTS_KEPT).await?;
        if let Some(held) = cleared.held_back.filter(|held| held.age(now) > CURSOR_ALARM) {
            tracing::warn!(cursor = held.cursor, events = held.events, since = %held.waiting_since, "a cursor lags behind");
        }
        watch.cleared = Some(now);
        Ok(now.checked_add(CLEARED_EVERY).ok())
    }

    /// Whether the store takes a write now: what a watchdog wants to know.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn proves_writable(&self) -> Result<()> {
        // One that is open stays where it stands.
        self.store().open_cursor(CHANGES, CursorStart::Newest, self.now()).await?;
        Ok(())
    }

    /// When the store last changed, as far as that was not looked at. It reads one page: while others write all the time
    /// there is always another one, and the next look is for that.
    async fn changes(&self, watch: &mut Watch) -> Result<Option<Timestamp>> {
        let events = self.store().events_behind(watch.passed, EVENTS_AT_ONCE).await?;
        let Some(last) = events.last() else { return Ok(None) };
        watch.passed = last.id;
        // By the clock of this process, not by the moment that a writer brought.
        let now = self.now();
        if watch.moved.is_none_or(|moved| now.duration_since(moved).abs() >= CURSOR_MOVED_EVERY) {
            self.store().advance(CHANGES, watch.passed, now).await?;
            watch.moved = Some(now);
        }
        Ok(events.iter().any(|event| !event.kind.starts_with(OF_RUNS)).then_some(now))
    }

    /// Runs a sync if its plan has anything to send.
    async fn run_if_needed(self: &Arc<Self>, sync: &str) -> Ended {
        match self.run_sync_if_needed(sync).await {
            Ok(None) => Ended::Done,
            Ok(Some(report)) => {
                told(sync, &report);
                match (report.stopped, report.counts.pending) {
                    (Some(_), _) => Ended::Unserved,
                    (None, 0) => Ended::Done,
                    (None, _) => Ended::Left,
                }
            }
            Err(error) => {
                tracing::warn!(sync, %error, "did not run");
                // Trying again does not make it ask less.
                if matches!(error, ServiceError::RunNeedsApproval { .. }) { Ended::Done } else { Ended::Unserved }
            }
        }
    }
}

/// Says what a run that nobody asked for came to.
fn told(sync: &str, report: &RunReport) {
    let (run, entries) = (report.run, report.counts.entries);
    match &report.stopped {
        Some(reason) => tracing::warn!(sync, run, entries, stopped = reason.message, "ran"),
        None => tracing::info!(sync, run, entries, "ran"),
    }
}

/// How a run after changes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Nothing is left to do.
    Done,
    /// Somebody changed, or was in another run's hands, while it was at work.
    Left,
    /// The provider did not serve it.
    Unserved,
}

/// How long a sync waits that has left something behind so often before, and does again.
fn left_again_after(lefts: u32) -> Duration {
    match lefts {
        0 => Duration::ZERO,
        lefts => LEFT_AGAIN_AFTER.saturating_mul(1 << (lefts - 1).min(16)).min(LEFT_AGAIN_AFTER_AT_MOST),
    }
}

/// Whether a sync runs after changes.
fn is_after_changes(schedule: &SyncSchedule) -> bool {
    schedule.paused_at.is_none() && schedule.triggers.on_change_after().is_some()
}

/// Waits for a write, and for those that come close behind it.
pub(crate) async fn gathered(written: &mut watch::Receiver<()>) {
    if written.changed().await.is_err() {
        // The writer has ended: nothing is written any more.
        return std::future::pending().await;
    }
    tokio::time::sleep(LOOKED_AFTER_A_WRITE).await;
}
