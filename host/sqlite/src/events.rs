//! The use cases of the event log.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_store::events::{
    ClearedEvents, Cursor, CursorStart, EVENTS_AT_ONCE, Event, EventStore, HeldBack, check_cursor,
};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::columns::{micros, timestamp};
use crate::failure::Step;
use crate::limits::ROWS_CLEARED_AT_ONCE;
use crate::store::SqliteStore;

/// The columns of a [`Cursor`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.name, c.passed, c.moved_at,
                    (SELECT count(*) FROM events e WHERE e.id > c.passed),
                    (SELECT e.at FROM events e WHERE e.id > c.passed ORDER BY e.id LIMIT 1)
             FROM event_cursors c ",
            $rest
        )
    };
}

#[async_trait]
impl EventStore for SqliteStore {
    async fn open_cursor(&self, name: &str, start: CursorStart, at: Timestamp) -> Result<Cursor> {
        check_cursor(name)?;
        let name = name.to_owned();
        self.write("open a cursor", move |connection| {
            let passed = match start {
                CursorStart::Oldest => 0,
                CursorStart::Newest => newest(connection)?,
            };
            connection.execute(
                "INSERT INTO event_cursors (name, passed, moved_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (&name, passed, micros(at)),
            )?;
            named(connection, &name)
        })
        .await
    }

    async fn close_cursor(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.write("close a cursor", move |connection| {
            Ok(connection.execute("DELETE FROM event_cursors WHERE name = ?", [name])? > 0)
        })
        .await
    }

    async fn cursors(&self) -> Result<Vec<Cursor>> {
        self.read("read its cursors", |connection| {
            let mut statement = connection.prepare_cached(select!("ORDER BY c.name"))?;
            let mut rows = statement.query([])?;
            let mut cursors = Vec::new();
            while let Some(row) = rows.next()? {
                cursors.push(read(row)?);
            }
            Ok(cursors)
        })
        .await
    }

    async fn events_after(&self, cursor: &str, limit: u32) -> Result<Vec<Event>> {
        let cursor = cursor.to_owned();
        self.read("read its events", move |connection| {
            let passed = passed(connection, &cursor)?;
            behind(connection, passed, limit)
        })
        .await
    }

    async fn events_behind(&self, event: u64, limit: u32) -> Result<Vec<Event>> {
        self.read("read its events", move |connection| behind(connection, event, limit)).await
    }

    async fn advance(&self, cursor: &str, to: u64, at: Timestamp) -> Result<u64> {
        let cursor = cursor.to_owned();
        self.write("move a cursor", move |connection| {
            let passed = passed(connection, &cursor)?;
            let newest = newest(connection)?;
            if to > newest.max(passed) {
                return Err(StoreError::Refused(format!(
                    "the cursor `{cursor}` can't pass the event {to}, since the last one is {newest}: move it to an \
                     event that it has read"
                ))
                .into());
            }
            connection
                .prepare_cached("UPDATE event_cursors SET passed = ?1, moved_at = ?2 WHERE name = ?3 AND passed < ?1")?
                .execute((to, micros(at), &cursor))?;
            Ok(passed.max(to))
        })
        .await
    }

    async fn clear_events(&self, keep_at_least: u64) -> Result<ClearedEvents> {
        let mut cleared = 0;
        loop {
            let unit = self.write_alone("clear its events", move |connection| clear(connection, keep_at_least)).await?;
            cleared += unit;
            if unit < u64::from(ROWS_CLEARED_AT_ONCE) {
                break;
            }
        }
        self.read("read what is left of its events", move |connection| {
            let left = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
            Ok(ClearedEvents { cleared, left, held_back: held_back(connection, keep_at_least)? })
        })
        .await
    }
}

/// Clears one unit of what every cursor has passed, and answers how many events that were.
fn clear(connection: &Connection, keep_at_least: u64) -> Step<u64> {
    let Some(spare) = spare(connection, keep_at_least)? else { return Ok(0) };
    let bound = slowest(connection)?.map_or(spare, |(_, passed)| passed.min(spare));
    let cleared = connection
        .prepare_cached("DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id <= ? ORDER BY id LIMIT ?)")?
        .execute((bound, ROWS_CLEARED_AT_ONCE))?;
    Ok(u64::try_from(cleared)?)
}

/// The number up to which events are spare, if nobody reads them any more; none if all are kept. The last event
/// always is: the next one takes the number after it, and cursors go by these numbers.
fn spare(connection: &Connection, keep_at_least: u64) -> Step<Option<u64>> {
    // More than SQLite counts is all of them.
    let kept = i64::try_from(keep_at_least.max(1)).unwrap_or(i64::MAX);
    Ok(connection
        .prepare_cached(
            "SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ? /* all: of those that are to be kept */",
        )?
        .query_row([kept], |row| row.get(0))
        .optional()?)
}

/// The cursor that has passed least, and how far it is.
fn slowest(connection: &Connection) -> Step<Option<(String, u64)>> {
    Ok(connection
        .prepare_cached("SELECT name, passed FROM event_cursors ORDER BY passed, name LIMIT 1")?
        .query_row([], |row| row.try_into())
        .optional()?)
}

/// The cursor for which events are kept that would be spare otherwise.
fn held_back(connection: &Connection, keep_at_least: u64) -> Step<Option<HeldBack>> {
    let (Some(spare), Some((cursor, passed))) = (spare(connection, keep_at_least)?, slowest(connection)?) else {
        return Ok(None);
    };
    let (events, since): (u64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), (SELECT at FROM events WHERE id > ?1 ORDER BY id LIMIT 1)
             FROM events WHERE id > ?1 AND id <= ?2",
        )?
        .query_row((passed, spare), |row| row.try_into())?;
    match since.filter(|_| events > 0) {
        Some(since) => Ok(Some(HeldBack { cursor, events, waiting_since: timestamp(since)? })),
        None => Ok(None),
    }
}

/// The number of the last event; 0 before the first.
fn newest(connection: &Connection) -> Step<u64> {
    Ok(connection.prepare_cached("SELECT coalesce(max(id), 0) FROM events")?.query_row([], |row| row.get(0))?)
}

fn behind(connection: &Connection, event: u64, limit: u32) -> Step<Vec<Event>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, kind, seq_first, seq_last, payload, at FROM events WHERE id > ? ORDER BY id LIMIT ?",
    )?;
    let mut rows = statement.query((event, limit.min(EVENTS_AT_ONCE)))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        events.push(read_event(row)?);
    }
    Ok(events)
}

fn passed(connection: &Connection, cursor: &str) -> Step<u64> {
    let found = connection
        .prepare_cached("SELECT passed FROM event_cursors WHERE name = ?")?
        .query_row([cursor], |row| row.get(0))
        .optional()?;
    found.ok_or_else(|| not_found(cursor).into())
}

fn named(connection: &Connection, name: &str) -> Step<Cursor> {
    let mut statement = connection.prepare_cached(select!("WHERE c.name = ?"))?;
    let mut rows = statement.query([name])?;
    rows.next()?.map_or_else(|| Err(not_found(name).into()), read)
}

fn not_found(name: &str) -> StoreError {
    StoreError::NotFound { kind: "cursor", name: name.to_owned(), mend: "open it first".to_owned() }
}

fn read(row: &Row<'_>) -> Step<Cursor> {
    let waiting_since: Option<i64> = row.get(4)?;
    Ok(Cursor {
        name: row.get(0)?,
        passed: row.get(1)?,
        moved_at: timestamp(row.get(2)?)?,
        behind: row.get(3)?,
        waiting_since: waiting_since.map(timestamp).transpose()?,
    })
}

fn read_event(row: &Row<'_>) -> Step<Event> {
    let payload: String = row.get(4)?;
    Ok(Event {
        id: row.get(0)?,
        kind: row.get(1)?,
        first: row.get(2)?,
        last: row.get(3)?,
        payload: serde_json::from_str(&payload)?,
        at: timestamp(row.get(5)?)?,
    })
}
