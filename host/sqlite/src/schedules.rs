//! The use cases of schedules.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::schedule::Triggers;
use postroom_store::schedules::{FinishedTick, ScheduleStore, SyncSchedule, TICKS_KEPT, TakenTick, Tick, TickOutcome};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::columns::{micros, timestamp};
use crate::failure::Step;
use crate::store::SqliteStore;

/// The columns of a [`SyncSchedule`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT s.id, s.name, c.triggers, c.paused_at, c.settled, c.set_at,
                    (SELECT max(tick) FROM schedule_ticks t WHERE t.sync_id = s.id)
             FROM schedules c JOIN syncs s ON s.id = c.sync_id ",
            $rest
        )
    };
}

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn set_schedule(&self, sync: &str, triggers: &Triggers, at: Timestamp) -> Result<SyncSchedule> {
        let (sync, triggers) = (sync.to_owned(), triggers.clone());
        self.write("set a schedule", move |connection| {
            connection.execute(
                "INSERT INTO schedules (sync_id, triggers, settled, set_at) VALUES (:sync, :triggers, :at, :at)
                 ON CONFLICT (sync_id) DO UPDATE SET triggers = :triggers, settled = :at, set_at = :at",
                named_params! {
                    ":sync": sync_of(connection, &sync)?,
                    ":triggers": serde_json::to_string(&triggers)?,
                    ":at": micros(at),
                },
            )?;
            named(connection, &sync)
        })
        .await
    }

    async fn clear_schedule(&self, sync: &str) -> Result<()> {
        let sync = sync.to_owned();
        self.write("clear a schedule", move |connection| {
            let schedule = named(connection, &sync)?;
            connection.execute("DELETE FROM schedules WHERE sync_id = ?", [schedule.sync_id])?;
            Ok(())
        })
        .await
    }

    async fn pause_schedule(&self, sync: &str, at: Timestamp) -> Result<SyncSchedule> {
        let sync = sync.to_owned();
        self.write("pause a schedule", move |connection| {
            let schedule = named(connection, &sync)?;
            connection.execute(
                "UPDATE schedules SET paused_at = ? WHERE sync_id = ? AND paused_at IS NULL",
                (micros(at), schedule.sync_id),
            )?;
            named(connection, &sync)
        })
        .await
    }

    async fn resume_schedule(&self, sync: &str, at: Timestamp) -> Result<SyncSchedule> {
        let sync = sync.to_owned();
        self.write("resume a schedule", move |connection| {
            let schedule = named(connection, &sync)?;
            connection.execute(
                "UPDATE schedules SET paused_at = NULL, settled = ? WHERE sync_id = ? AND paused_at IS NOT NULL",
                (micros(at), schedule.sync_id),
            )?;
            named(connection, &sync)
        })
        .await
    }

    async fn schedules(&self) -> Result<Vec<SyncSchedule>> {
        self.read("read its schedules", |connection| {
            let mut statement = connection.prepare_cached(select!("ORDER BY s.name"))?;
            collected(&mut statement, [], read)
        })
        .await
    }

    async fn schedule(&self, sync: &str) -> Result<Option<SyncSchedule>> {
        let sync = sync.to_owned();
        self.read("read a schedule", move |connection| {
            let mut statement = connection.prepare_cached(select!("WHERE s.id = ?"))?;
            let mut rows = statement.query([sync_of(connection, &sync)?])?;
            rows.next()?.map(read).transpose()
        })
        .await
    }

    async fn take_due_ticks(&self, now: Timestamp) -> Result<Vec<TakenTick>> {
        self.write("take what is due", move |connection| {
            let mut statement = connection.prepare_cached(select!("WHERE c.paused_at IS NULL ORDER BY s.id"))?;
            let mut taken = Vec::new();
            for schedule in collected(&mut statement, [], read)? {
                take(connection, &schedule, now, &mut taken)?;
            }
            Ok(taken)
        })
        .await
    }

    async fn finish_tick(&self, sync_id: i64, tick: Timestamp, outcome: &TickOutcome, at: Timestamp) -> Result<()> {
        let outcome = outcome.clone();
        self.write("finish a tick", move |connection| {
            refuse_finished(connection, sync_id, tick)?;
            if let TickOutcome::Ran { run } = outcome {
                require_run(connection, sync_id, run)?;
            }
            finish(connection, sync_id, tick, &outcome, at)
        })
        .await
    }

    async fn interrupt_ticks(&self, at: Timestamp) -> Result<Vec<TakenTick>> {
        self.write("end the ticks of a process that is gone", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT t.sync_id, s.name, t.tick FROM schedule_ticks t JOIN syncs s ON s.id = t.sync_id
                 WHERE t.outcome IS NULL ORDER BY t.sync_id, t.tick",
            )?;
            let left = collected(&mut statement, [], |row| {
                Ok(TakenTick { sync_id: row.get(0)?, sync: row.get(1)?, tick: timestamp(row.get(2)?)? })
            })?;
            for TakenTick { sync_id, tick, .. } in &left {
                finish(connection, *sync_id, *tick, &TickOutcome::Interrupted, at)?;
            }
            Ok(left)
        })
        .await
    }

    async fn ticks(&self, sync: &str, limit: u32) -> Result<Vec<Tick>> {
        let sync = sync.to_owned();
        self.read("read the ticks of a sync", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT tick, taken_at, finished_at, outcome FROM schedule_ticks WHERE sync_id = ?
                 ORDER BY tick DESC LIMIT ?",
            )?;
            collected(&mut statement, (sync_of(connection, &sync)?, limit), read_tick)
        })
        .await
    }
}

/// Takes the due ticks of one schedule.
fn take(connection: &Connection, schedule: &SyncSchedule, now: Timestamp, taken: &mut Vec<TakenTick>) -> Step<()> {
    let Some(timetable) = schedule.triggers.timetable() else { return Ok(()) };
    let due = timetable.due(schedule.sync_id, schedule.settled, now);
    if due.settled != schedule.settled {
        connection
            .prepare_cached("UPDATE schedules SET settled = ? WHERE sync_id = ?")?
            .execute((micros(due.settled), schedule.sync_id))?;
    }
    for tick in &due.run {
        // One that is there was taken before a clock was set back, or by another who looked.
        let inserted = connection
            .prepare_cached(
                "INSERT INTO schedule_ticks (sync_id, tick, taken_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            )?
            .execute((schedule.sync_id, micros(*tick), micros(now)))?;
        if inserted > 0 {
            taken.push(TakenTick { sync_id: schedule.sync_id, sync: schedule.sync.clone(), tick: *tick });
        }
    }
    if due.run.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "DELETE FROM schedule_ticks WHERE sync_id = ?1 AND outcome IS NOT NULL AND tick <= (
                 SELECT tick FROM schedule_ticks WHERE sync_id = ?1 ORDER BY tick DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute((schedule.sync_id, TICKS_KEPT))?;
    Ok(())
}

fn finish(connection: &Connection, sync: i64, tick: Timestamp, outcome: &TickOutcome, at: Timestamp) -> Step<()> {
    connection
        .prepare_cached("UPDATE schedule_ticks SET finished_at = ?, outcome = ? WHERE sync_id = ? AND tick = ?")?
        .execute((micros(at), serde_json::to_string(outcome)?, sync, micros(tick)))?;
    Ok(())
}

/// The tick must have been taken, and be nobody's yet.
fn refuse_finished(connection: &Connection, sync: i64, tick: Timestamp) -> Step<()> {
    let finished: Option<bool> = connection
        .prepare_cached("SELECT outcome IS NOT NULL FROM schedule_ticks WHERE sync_id = ? AND tick = ?")?
        .query_row((sync, micros(tick)), |row| row.get(0))
        .optional()?;
    match finished {
        Some(false) => Ok(()),
        Some(true) => {
            Err(StoreError::Refused(format!("the tick of {tick} is finished already: what became of it first stands"))
                .into())
        }
        None => {
            let mend = "only ticks that were taken can be finished".to_owned();
            Err(StoreError::NotFound { kind: "tick", name: tick.to_string(), mend }.into())
        }
    }
}

fn require_run(connection: &Connection, sync: i64, run: i64) -> Step<()> {
    let is_there: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM runs WHERE id = ? AND sync_id = ?)")?
        .query_row((run, sync), |row| row.get(0))?;
    if is_there {
        return Ok(());
    }
    let mend = "name a run that the tick's sync made".to_owned();
    Err(StoreError::NotFound { kind: "run", name: run.to_string(), mend }.into())
}

fn sync_of(connection: &Connection, name: &str) -> Step<i64> {
    let found = connection
        .prepare_cached("SELECT id FROM syncs WHERE name = ?")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    found.ok_or_else(|| {
        let mend = "look the name up among the syncs, or add one".to_owned();
        StoreError::NotFound { kind: "sync", name: name.to_owned(), mend }.into()
    })
}

/// The schedule of a sync that must have one.
fn named(connection: &Connection, sync: &str) -> Step<SyncSchedule> {
    let mut statement = connection.prepare_cached(select!("WHERE s.id = ?"))?;
    let mut rows = statement.query([sync_of(connection, sync)?])?;
    match rows.next()? {
        Some(row) => read(row),
        None => {
            let mend = "the sync runs by hand only; set a schedule first".to_owned();
            Err(StoreError::NotFound { kind: "schedule of the sync", name: sync.to_owned(), mend }.into())
        }
    }
}

fn collected<T>(
    statement: &mut rusqlite::Statement<'_>,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Step<T>,
) -> Step<Vec<T>> {
    let mut rows = statement.query(parameters)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

fn read(row: &Row<'_>) -> Step<SyncSchedule> {
    let triggers: String = row.get(2)?;
    let (paused_at, last_tick): (Option<i64>, Option<i64>) = (row.get(3)?, row.get(6)?);
    Ok(SyncSchedule {
        sync_id: row.get(0)?,
        sync: row.get(1)?,
        triggers: serde_json::from_str(&triggers)?,
        paused_at: paused_at.map(timestamp).transpose()?,
        last_tick: last_tick.map(timestamp).transpose()?,
        settled: timestamp(row.get(4)?)?,
        set_at: timestamp(row.get(5)?)?,
    })
}

fn read_tick(row: &Row<'_>) -> Step<Tick> {
    let (finished_at, outcome): (Option<i64>, Option<String>) = (row.get(2)?, row.get(3)?);
    let finished = match (finished_at, outcome) {
        (Some(at), Some(outcome)) => {
            Some(FinishedTick { finished_at: timestamp(at)?, outcome: serde_json::from_str(&outcome)? })
        }
        _ => None,
    };
    Ok(Tick { tick: timestamp(row.get(0)?)?, taken_at: timestamp(row.get(1)?)?, finished })
}
