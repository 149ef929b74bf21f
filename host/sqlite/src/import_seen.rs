//! Which contacts an import has met.
//!
//! The set stands in memory while the import is under way and, unit by unit, in `import_seen`: what a
//! unit met is committed with its rows, so that an import that was cut short knows it again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use postroom_domain::contact::ContactId;
use roaring::RoaringTreemap;
use rusqlite::Connection;

use crate::columns::contact_set_bytes;
use crate::failure::Step;
use crate::import_row::ImportState;
use crate::import_turn::Turns;

/// The contacts that an import has met.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Up to this row of the file.
    rows_done: u64,
    contacts: RoaringTreemap,
    /// Those of the unit at work.
    fresh: RoaringTreemap,
    /// The contacts that the import made before it came to their rows.
    made: RoaringTreemap,
}

impl Seen {
    /// What an import has met up to its last committed row: from memory if that is what memory holds.
    pub(crate) fn of(connection: &Connection, import: &ImportState, kept: Option<Self>) -> Step<Self> {
        if let Some(kept) = kept.filter(|kept| kept.rows_done == import.rows_done) {
            return Ok(kept);
        }
        Ok(Self {
            rows_done: import.rows_done,
            contacts: read(connection, "SELECT contacts FROM import_seen WHERE import_id = ?", import.id)?,
            fresh: RoaringTreemap::new(),
            made: read(connection, "SELECT contacts FROM import_made WHERE import_id = ?", import.id)?,
        })
    }

    /// Whether the import made this contact before it came to its row.
    pub(crate) fn has_made(&self, contact: ContactId) -> bool {
        self.made.contains(contact.0.cast_unsigned())
    }

    /// Writes which contacts a unit made ahead of their rows.
    pub(crate) fn add_made(&mut self, connection: &Connection, import: i64, contacts: RoaringTreemap) -> Step<()> {
        if !contacts.is_empty() {
            connection
                .prepare_cached(
                    "INSERT INTO import_made (import_id, unit, contacts)
                     SELECT ?1, coalesce(max(unit), 0) + 1, ?2 FROM import_made WHERE import_id = ?1",
                )?
                .execute((import, bytes(&contacts)?))?;
            self.made |= contacts;
        }
        Ok(())
    }

    /// Whether a row before met this contact.
    pub(crate) fn has(&self, contact: ContactId) -> bool {
        let contact = contact.0.cast_unsigned();
        self.fresh.contains(contact) || self.contacts.contains(contact)
    }

    /// Notes that a row met a contact.
    pub(crate) fn add(&mut self, contact: ContactId) {
        self.fresh.insert(contact.0.cast_unsigned());
    }

    /// Writes what the unit met, which began at the rows that memory stands at.
    pub(crate) fn save(&mut self, connection: &Connection, import: &ImportState) -> Step<()> {
        let mut fresh = std::mem::take(&mut self.fresh);
        if !fresh.is_empty() {
            fresh.optimize();
            connection
                .prepare_cached("INSERT INTO import_seen (import_id, rows_done, contacts) VALUES (?, ?, ?)")?
                .execute((import.id, self.rows_done, bytes(&fresh)?))?;
            self.contacts |= fresh;
        }
        self.rows_done = import.rows_done;
        Ok(())
    }

    /// Keeps for good which contacts the file has: who joined and left its list follows from that.
    pub(crate) fn keep(&self, connection: &Connection, import: i64) -> Step<()> {
        connection
            .prepare_cached("INSERT INTO import_contacts (import_id, contacts) VALUES (?, ?)")?
            .execute((import, contact_set_bytes(&self.contacts)?))?;
        Ok(())
    }
}

fn read(connection: &Connection, sql: &str, import: i64) -> Step<RoaringTreemap> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([import])?;
    let mut contacts = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        contacts |= RoaringTreemap::deserialize_from(bytes)?;
    }
    Ok(contacts)
}

fn bytes(contacts: &RoaringTreemap) -> Step<Vec<u8>> {
    let mut bytes = Vec::with_capacity(contacts.serialized_size());
    contacts.serialize_into(&mut bytes)?;
    Ok(bytes)
}

/// The imports that this process has begun and that have not ended.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<HashMap<i64, Begun>>);

/// What memory holds of an import.
#[derive(Debug, Default)]
struct Begun {
    /// Whom it has met; none when that is to be read.
    seen: Option<Seen>,
    turns: Turns,
}

impl UnderWay {
    /// Notes an import as this process's.
    pub(crate) fn begin(&self, import: i64) {
        self.with(|imports| imports.insert(import, Begun::default()));
    }

    /// Whether this process has begun it.
    pub(crate) fn has(&self, import: i64) -> bool {
        self.with(|imports| imports.contains_key(&import))
    }

    /// The turns of its batches.
    pub(crate) fn turns(&self, import: i64) -> Turns {
        self.with(|imports| imports.get(&import).map(|begun| begun.turns.clone()).unwrap_or_default())
    }

    /// Takes out what memory holds of whom it has met. A unit that fails does not bring it back.
    pub(crate) fn take(&self, import: i64) -> Option<Seen> {
        self.with(|imports| imports.get_mut(&import).and_then(|begun| begun.seen.take()))
    }

    /// Puts back whom it has met.
    pub(crate) fn keep(&self, import: i64, seen: Seen) {
        self.with(|imports| imports.entry(import).or_default().seen = Some(seen));
    }

    /// Drops what memory holds of an import, of which a unit may not have been committed.
    pub(crate) fn distrust(&self, import: i64) {
        drop(self.take(import));
    }

    /// Forgets an import that has ended.
    pub(crate) fn end(&self, import: i64) {
        self.with(|imports| imports.remove(&import));
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<i64, Begun>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
