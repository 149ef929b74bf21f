//! When syncs run by themselves, and the ticks of their timetables.
//!
//! Nobody leads. Whoever looks at the clock may take what is due: a tick is a row by its sync and its time, so
//! that it is taken once however many look. Which ticks are due follows from the timetable
//! ([`Timetable::due`](postroom_domain::schedule::Timetable::due)) and from the instant up to which everything is
//! settled, and from nothing that is kept in memory.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::schedule::Triggers;
use serde::{Deserialize, Serialize};

use crate::Result;

/// How many ticks of a sync are kept at least: those of ten days if it runs every quarter of an hour. What is
/// older is forgotten, oldest first.
pub const TICKS_KEPT: u32 = 1_000;

/// When a sync runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SyncSchedule {
    /// The sync's number, which spreads its ticks.
    pub sync_id: i64,
    /// The sync's name.
    pub sync: String,
    /// The reasons for which it runs.
    #[serde(flatten)]
    pub triggers: Triggers,
    /// Since when it is paused; none if it is not.
    pub paused_at: Option<Timestamp>,
    /// The last tick that was taken.
    pub last_tick: Option<Timestamp>,
    /// The instant up to which every tick is settled: taken, left out, or before the schedule was set.
    pub settled: Timestamp,
    /// When it was set.
    pub set_at: Timestamp,
}

impl SyncSchedule {
    /// When it starts next by the clock; none when it is paused or has no timetable. In the past when a tick is
    /// due that nobody has taken.
    #[must_use]
    pub fn next_start(&self) -> Option<Timestamp> {
        let timetable = self.triggers.timetable().filter(|_| self.paused_at.is_none())?;
        timetable.next_start(self.sync_id, self.settled)
    }

    /// Whether [`take_due_ticks`](ScheduleStore::take_due_ticks) would find anything to do for it: a tick is due, or
    /// what is settled lies in the future, since a clock ran ahead. Who looks often asks this first, because taking writes.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_start().is_some_and(|next| next <= now || self.settled > now)
    }
}

/// A tick that somebody took.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TakenTick {
    /// The sync's number.
    pub sync_id: i64,
    /// The sync's name.
    pub sync: String,
    /// The time that it stands for.
    pub tick: Timestamp,
}

/// What became of a tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub enum TickOutcome {
    /// A run was made of it, however that ended.
    Ran {
        /// The run.
        run: i64,
    },
    /// No run was made of it.
    Failed {
        /// Why, as a sentence that names nobody.
        error: String,
    },
    /// The process that had taken it ended before it was done.
    Interrupted,
}

/// A tick of a sync, as its history shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// The time that it stands for.
    pub tick: Timestamp,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// When it was finished, and what became of it; none while somebody is at work on it.
    #[serde(flatten)]
    pub finished: Option<FinishedTick>,
}

/// The end of a tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FinishedTick {
    /// When.
    pub finished_at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: TickOutcome,
}

/// The use cases of schedules.
#[async_trait]
pub trait ScheduleStore {
    /// Says when a sync runs by itself, in the place of what was said before. Ticks up to `at` are settled, so
    /// that nothing is made up for that nobody had asked for. One that is paused stays so.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the sync.
    async fn set_schedule(&self, sync: &str, triggers: &Triggers, at: Timestamp) -> Result<SyncSchedule>;

    /// Lets a sync run no more by itself. The history of its ticks stays.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the sync or its schedule.
    async fn clear_schedule(&self, sync: &str) -> Result<()>;

    /// Pauses a schedule. One that is paused stays as it is.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the sync or its schedule.
    async fn pause_schedule(&self, sync: &str, at: Timestamp) -> Result<SyncSchedule>;

    /// Goes on with a schedule that was paused. Ticks of the pause were not missed: they are settled.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the sync or its schedule.
    async fn resume_schedule(&self, sync: &str, at: Timestamp) -> Result<SyncSchedule>;

    /// All schedules, by the syncs' names.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn schedules(&self) -> Result<Vec<SyncSchedule>>;

    /// The schedule of one sync; none if it runs by hand only.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the sync.
    async fn schedule(&self, sync: &str) -> Result<Option<SyncSchedule>>;

    /// Takes all ticks that are due, by the syncs' numbers and oldest first, and settles those that are left out.
    /// In one transaction: no tick is ever answered twice, whoever asks.
    ///
    /// # Errors
    ///
    /// When the storage fails; then none is taken.
    async fn take_due_ticks(&self, now: Timestamp) -> Result<Vec<TakenTick>>;

    /// Says what became of a tick that was taken.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the tick, and for a run that the sync did not make;
    /// [`Refused`](crate::StoreError::Refused) when it is finished already.
    async fn finish_tick(&self, sync_id: i64, tick: Timestamp, outcome: &TickOutcome, at: Timestamp) -> Result<()>;

    /// Finishes the ticks that a dead process had taken, as interrupted, and answers with them. For whoever
    /// begins to look at the clock, before the first tick is taken: a store has one writer, so nobody else is
    /// at work on one.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn interrupt_ticks(&self, at: Timestamp) -> Result<Vec<TakenTick>>;

    /// The last ticks of a sync, latest first.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the sync.
    async fn ticks(&self, sync: &str, limit: u32) -> Result<Vec<Tick>>;
}
