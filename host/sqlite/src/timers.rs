//! The use cases of timers.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_store::timers::{Claim, FiredTimer, IfSet, TIMERS_AT_ONCE, Timer, TimerDraft, TimerStore};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};

use crate::columns::{micros, timestamp};
use crate::failure::Step;
use crate::limits::ROWS_CLEARED_AT_ONCE;
use crate::sequence;
use crate::store::SqliteStore;

#[async_trait]
impl TimerStore for SqliteStore {
    async fn set_timer(&self, draft: &TimerDraft, if_set: IfSet) -> Result<bool> {
        draft.check()?;
        let draft = draft.clone();
        self.write("set a timer", move |connection| {
            if if_set == IfSet::Replaced {
                cancel(connection, &draft.key)?;
            }
            let set = connection
                .prepare_cached(
                    "INSERT INTO timers (key, kind, payload, due_at, ready_at) VALUES (?1, ?2, ?3, ?4, ?4)
                     ON CONFLICT DO NOTHING",
                )?
                .execute((&draft.key, &draft.kind, draft.payload.to_string(), micros(draft.due_at)))?;
            Ok(set > 0)
        })
        .await
    }

    async fn cancel_timer(&self, key: &str) -> Result<bool> {
        let key = key.to_owned();
        self.write("cancel a timer", move |connection| cancel(connection, &key)).await
    }

    async fn timer(&self, key: &str) -> Result<Option<Timer>> {
        let key = key.to_owned();
        self.read("read a timer", move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, kind, payload, due_at, owner, attempts FROM timers WHERE key = ?")?;
            let mut rows = statement.query([&key])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let payload: String = row.get(2)?;
            Ok(Some(Timer {
                id: row.get(0)?,
                draft: TimerDraft {
                    key,
                    kind: row.get(1)?,
                    payload: serde_json::from_str(&payload)?,
                    due_at: timestamp(row.get(3)?)?,
                },
                owner: row.get(4)?,
                attempts: row.get(5)?,
            }))
        })
        .await
    }

    async fn next_timer(&self) -> Result<Option<Timestamp>> {
        self.read("read when the next timer is due", |connection| {
            let next: Option<i64> = connection
                .prepare_cached("SELECT ready_at FROM timers ORDER BY ready_at, id LIMIT 1")?
                .query_row([], |row| row.get(0))
                .optional()?;
            next.map(timestamp).transpose()
        })
        .await
    }

    async fn fire_timers(&self, claim: &Claim, limit: u32) -> Result<Vec<FiredTimer>> {
        claim.check()?;
        let claim = claim.clone();
        let until = claim.at.checked_add(claim.lease).map_err(|_| {
            StoreError::Refused(format!("a claim of {} would run past the end of time: set the clock", claim.at))
        })?;
        self.write_alone("fire its timers", move |connection| {
            let due = due(connection, claim.at, limit.min(TIMERS_AT_ONCE))?;
            let mut claiming = connection
                .prepare_cached("UPDATE timers SET owner = ?, ready_at = ?, attempts = attempts + 1 WHERE id = ?")?;
            for timer in &due {
                claiming.execute((&claim.owner, micros(until), timer.id))?;
            }
            Ok(due)
        })
        .await
    }

    async fn timers_done(&self, owner: &str, ids: &[i64], at: Timestamp) -> Result<u64> {
        let (owner, ids) = (owner.to_owned(), ids.to_vec());
        self.write_alone("end timers that are done", move |connection| {
            let mut ending = connection
                .prepare_cached("DELETE FROM timers WHERE id = ? AND owner = ? RETURNING key, kind, payload, due_at")?;
            let mut fired = Vec::new();
            for id in ids {
                let ended = ending
                    .query_row((id, &owner), |row| {
                        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get(3)?))
                    })
                    .optional()?;
                if let Some((key, kind, payload, due_at)) = ended {
                    let payload: Value = serde_json::from_str(&payload)?;
                    fired.push(json!({ "key": key, "kind": kind, "payload": payload, "due_at": timestamp(due_at)? }));
                }
            }
            let number = u64::try_from(fired.len())?;
            if number > 0 {
                sequence::tell(connection, "timers-fired", &json!({ "timers": fired }), at)?;
            }
            Ok(number)
        })
        .await
    }

    async fn release_timers(&self, owner: &str) -> Result<u64> {
        let mut released = 0;
        loop {
            let own = owner.to_owned();
            let unit = self.write_alone("release timers of a process that is gone", move |connection| {
                // Two ranges rather than <>, which no index serves.
                Ok(connection
                    .prepare_cached(
                        "UPDATE timers SET owner = NULL, ready_at = due_at WHERE id IN (
                             SELECT id FROM timers WHERE owner < ?1
                             UNION ALL SELECT id FROM timers WHERE owner > ?1 LIMIT ?2)",
                    )?
                    .execute((own, ROWS_CLEARED_AT_ONCE))?)
            });
            let unit = unit.await?;
            released += u64::try_from(unit).unwrap_or(u64::MAX);
            if unit == 0 {
                return Ok(released);
            }
        }
    }
}

fn cancel(connection: &Connection, key: &str) -> Step<bool> {
    Ok(connection.prepare_cached("DELETE FROM timers WHERE key = ?")?.execute([key])? > 0)
}

/// The timers that may be claimed, as they will be once they are.
fn due(connection: &Connection, at: Timestamp, limit: u32) -> Step<Vec<FiredTimer>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, key, kind, payload, due_at, attempts + 1 FROM timers WHERE ready_at <= ?
         ORDER BY ready_at, id LIMIT ?",
    )?;
    let mut rows = statement.query((micros(at), limit))?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        let payload: String = row.get(3)?;
        due.push(FiredTimer {
            id: row.get(0)?,
            key: row.get(1)?,
            kind: row.get(2)?,
            payload: serde_json::from_str(&payload)?,
            due_at: timestamp(row.get(4)?)?,
            attempt: row.get(5)?,
        });
    }
    Ok(due)
}
