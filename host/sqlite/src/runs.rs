//! The use cases of a run: what it reads, what it records, and what remains of it.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::Class;
use postroom_domain::outcome::{Counts, OutcomeClass, Reason, TagCounts};
use postroom_domain::projection::ContentHash;
use postroom_store::Result;
use postroom_store::discovery::{Look, OpenEntries, Picture};
use postroom_store::runs::{
    ArmedBatch, BatchArming, BatchIntent, BatchRecord, DepartedPage, OutcomeQuery, OutcomeRow, Run, RunStart, RunState,
    RunStore, RunSummary, SnapshotPage, TagOutcome,
};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::batch::{self, Ground};
use crate::batch_arming;
use crate::columns::{from_word, micros, timestamp, word};
use crate::discovery;
use crate::failure::Step;
use crate::outcomes;
use crate::pictures;
use crate::sequence;
use crate::snapshot::{self, Scope};
use crate::store::SqliteStore;

/// A record of more than this takes the writer some milliseconds, and goes behind what somebody waits for.
const WRITTEN_AT_ONCE: usize = 100;

/// The columns of a [`Run`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, s.name, r.started_at, r.finished_at, r.plugin_digest, r.state, r.summary,
                    (SELECT count(*) FROM intents i INDEXED BY intents_of_runs
                     WHERE i.run_id = r.id AND i.run_id IS NOT NULL AND i.ended_at IS NULL)
             FROM runs r JOIN syncs s ON s.id = r.sync_id ",
            $rest
        )
    };
}

#[async_trait]
impl RunStore for SqliteStore {
    async fn open_entries(&self, look: &Look) -> Result<OpenEntries> {
        discovery::open_entries(self, look).await
    }

    async fn keep_picture(&self, sync: i64, picture: &Picture) -> Result<()> {
        let picture = picture.clone();
        self.write("keep what a sync has seen", move |connection| pictures::keep(connection, sync, &picture)).await
    }

    async fn in_order_of_contacts(&self, sync: i64, positions: &[u64]) -> Result<Vec<u64>> {
        let positions = positions.to_vec();
        self.read_long("put a sync's entries in order", move |connection| {
            snapshot::in_order_of_contacts(connection, &Scope::of(connection, sync)?, &positions)
        })
        .await
    }

    async fn snapshot(&self, sync: i64, settings: ContentHash, positions: &[u64]) -> Result<SnapshotPage> {
        let positions = positions.to_vec();
        self.read_long("read a sync's entries", move |connection| {
            let as_of = u64::try_from(sequence::current(connection)?)?;
            let rows = snapshot::entries(connection, &Scope::of(connection, sync)?, &settings, &positions)?;
            Ok(SnapshotPage { as_of, rows })
        })
        .await
    }

    async fn departed(&self, sync: i64, tagged: bool, after: ContactId, limit: u32) -> Result<DepartedPage> {
        self.read_long("read who left a sync's list", move |connection| {
            let as_of = u64::try_from(sequence::current(connection)?)?;
            let rows = snapshot::departed(connection, &Scope::of(connection, sync)?, tagged, after, limit)?;
            Ok(DepartedPage { as_of, rows })
        })
        .await
    }

    async fn begin_run(&self, start: &RunStart) -> Result<i64> {
        let start = start.clone();
        self.write("begin a run", move |connection| {
            // The sync must be there: its audience is what the run fills.
            Scope::of(connection, start.sync)?;
            interrupt_running(connection, start.sync, start.at)?;
            connection.execute(
                "INSERT INTO runs (sync_id, state, started_at, plugin_digest, first, sequence, unchanged)
                 VALUES (?, 'running', ?, ?, ?, ?, ?)",
                (
                    start.sync,
                    micros(start.at),
                    &start.plugin_digest,
                    start.first,
                    sequence::current(connection)?,
                    start.unchanged,
                ),
            )?;
            let run = connection.last_insert_rowid();
            connection.execute("UPDATE syncs SET last_run = ? WHERE id = ?", (run, start.sync))?;
            Ok(run)
        })
        .await
    }

    async fn arm_batch(&self, arming: &BatchArming<'_>, batch: BatchIntent) -> Result<ArmedBatch> {
        let (lane, BatchArming { run, number, class, at, .. }) = (arming.lane.clone(), *arming);
        let doing = "arm a request of a run";
        let arm = move |connection: &Connection| {
            let arming = BatchArming { lane: &lane, run, number, class, at };
            batch_arming::arm(connection, &ground(connection, run)?, &arming, batch)
        };
        if class == Class::Bulk { self.write_behind(doing, arm).await } else { self.write(doing, arm).await }
    }

    async fn record_batch(&self, run: i64, record: BatchRecord) -> Result<()> {
        let is_large = record.outcomes.len() + record.confirmed.len() > WRITTEN_AT_ONCE;
        let doing = "record a batch";
        let record = move |connection: &Connection| batch::record(connection, &ground(connection, run)?, &record);
        if is_large { self.write_behind(doing, record).await } else { self.write(doing, record).await }
    }

    async fn abandon_runs(&self, sync: i64, at: Timestamp) -> Result<()> {
        self.write("end a run that was dropped", move |connection| interrupt_running(connection, sync, at)).await
    }

    async fn finish_run(&self, run: i64, summary: &RunSummary, tag_warning: Option<&str>, at: Timestamp) -> Result<()> {
        let (summary, tag_warning) = (summary.clone(), tag_warning.map(str::to_owned));
        self.write("finish a run", move |connection| {
            let ground = ground(connection, run)?;
            connection.execute(
                "UPDATE runs SET state = ?, finished_at = ?, summary = ? WHERE id = ?",
                (word(&summary.state)?, micros(at), serde_json::to_string(&summary)?, run),
            )?;
            connection.execute(
                "UPDATE syncs SET last_run = ?, tag_warning = coalesce(?, tag_warning) WHERE id = ?",
                (run, tag_warning, ground.sync),
            )?;
            // A canary has not seen the whole list: the next run is still the first.
            if summary.state == RunState::Finished {
                connection.execute(
                    "UPDATE syncs SET finished_runs = finished_runs + 1
                     WHERE id = ? AND (SELECT first FROM runs WHERE id = ?) IS NULL",
                    (ground.sync, run),
                )?;
            }
            Ok(())
        })
        .await
    }

    async fn runs(&self, sync: Option<&str>, limit: u32) -> Result<Vec<Run>> {
        let sync = sync.map(str::to_owned);
        self.read("read its runs", move |connection| {
            let mut statement = connection.prepare_cached(match sync {
                Some(_) => {
                    select!("WHERE r.sync_id = (SELECT id FROM syncs WHERE name = ?1) ORDER BY r.id DESC LIMIT ?2")
                }
                None => select!("WHERE ?1 IS NULL ORDER BY r.id DESC LIMIT ?2 /* all: as many as are asked for */"),
            })?;
            let mut rows = statement.query((sync, limit))?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(read(row)?);
            }
            Ok(runs)
        })
        .await
    }

    async fn run(&self, id: i64) -> Result<Run> {
        self.read("read a run", move |connection| {
            let mut statement = connection.prepare_cached(select!("WHERE r.id = ?"))?;
            let mut rows = statement.query([id])?;
            match rows.next()? {
                Some(row) => read(row),
                None => Err(outcomes::not_found(id).into()),
            }
        })
        .await
    }

    async fn outcomes(&self, query: &OutcomeQuery) -> Result<Vec<OutcomeRow>> {
        let query = query.clone();
        self.read("read a run's outcomes", move |connection| outcomes::page(connection, &query)).await
    }
}

/// The run that a batch is recorded for.
fn ground(connection: &Connection, run: i64) -> Step<Ground> {
    let found: Option<(i64, i64, i64, i64)> = connection
        .prepare_cached(
            "SELECT r.sync_id, s.audience_id, r.last_outcome, r.started_at
             FROM runs r JOIN syncs s ON s.id = r.sync_id WHERE r.id = ?",
        )?
        .query_row([run], |row| row.try_into())
        .optional()?;
    let Some((sync, audience, last_outcome, began_at)) = found else {
        return Err(outcomes::not_found(run).into());
    };
    Ok(Ground { run, sync, audience, last_outcome, began_at: timestamp(began_at)? })
}

/// Ends runs of a sync that a dead process, or somebody who was cut short, left at work. A store has one writer and a
/// sync runs once at a time, so whoever has its turn knows that no other is at work on it.
fn interrupt_running(connection: &Connection, sync: i64, at: Timestamp) -> Step<()> {
    let mut statement = connection.prepare("SELECT id FROM runs WHERE sync_id = ? AND state = 'running'")?;
    let running: Vec<i64> = statement.query_map([sync], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for run in running {
        batch_arming::decide_anew(connection, run, at)?;
        let summary = sums_of_recorded(connection, run)?;
        connection.execute(
            "UPDATE runs SET state = 'interrupted', summary = ? WHERE id = ?",
            (serde_json::to_string(&summary)?, run),
        )?;
    }
    Ok(())
}

/// The sums of what a run had recorded when its process ended.
fn sums_of_recorded(connection: &Connection, run: i64) -> Step<RunSummary> {
    let mut summary = empty(RunState::Interrupted);
    summary.stopped = Some(Reason::new("interrupted", "the process of the run ended before the run did"));
    let unchanged = connection.query_row("SELECT unchanged FROM runs WHERE id = ?", [run], |row| row.get(0))?;
    summary.counts.book(OutcomeClass::Unchanged, unchanged);
    let mut statement = connection.prepare(
        "SELECT class, tag, count(*), sum(address_omitted) FROM outcomes WHERE run_id = ? GROUP BY class, tag",
    )?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        let (class, tag, number): (Option<String>, Option<String>, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let Some(class) = class {
            summary.counts.book(from_word("outcome class", &class)?, number);
        }
        match tag.map(|tag| from_word("outcome of a tag", &tag)).transpose()? {
            Some(TagOutcome::Added) => summary.tags.added += number,
            Some(TagOutcome::Removed) => summary.tags.removed += number,
            Some(TagOutcome::Refused) => summary.tags.refused += number,
            None => {}
        }
        summary.address_omitted += row.get::<_, u64>(3)?;
    }
    Ok(summary)
}

fn empty(state: RunState) -> RunSummary {
    RunSummary {
        state,
        counts: Counts::default(),
        tags: TagCounts::default(),
        address_omitted: 0,
        warnings: Vec::new(),
        stopped: None,
        discovery: None,
    }
}

fn read(row: &Row<'_>) -> Step<Run> {
    let (state, summary): (String, Option<String>) = (row.get(5)?, row.get(6)?);
    let finished_at: Option<i64> = row.get(3)?;
    Ok(Run {
        id: row.get(0)?,
        sync: row.get(1)?,
        started_at: timestamp(row.get(2)?)?,
        finished_at: finished_at.map(timestamp).transpose()?,
        plugin_digest: row.get(4)?,
        summary: match summary {
            Some(json) => serde_json::from_str(&json)?,
            None => empty(from_word("state of a run", &state)?),
        },
        open_requests: row.get(7)?,
    })
}
