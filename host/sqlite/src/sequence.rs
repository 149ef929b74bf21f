//! The one counter of a workspace, and the rows that every write leaves behind it.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use roaring::RoaringTreemap;
use rusqlite::Connection;
use serde_json::Value;

use crate::columns::{contact_set_bytes, micros};
use crate::failure::Step;

/// What kind of thing moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A contact was created or its data changed.
    Contact,
    /// A contact is gone.
    ContactDeleted,
    /// Its consent changed.
    Consent,
    /// Its tags changed.
    Tags,
    /// It joined a list.
    Joined,
    /// It left a list.
    Left,
    /// A list changed in its order, in its entries without a contact, or in how often it has one.
    Entries,
    /// A list changed as a whole, and who joined and left is not named.
    List,
}

impl Change {
    /// Its word in the table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::ContactDeleted => "contact-deleted",
            Self::Consent => "consent",
            Self::Tags => "tags",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Entries => "entries",
            Self::List => "list",
        }
    }
}

/// Numbers taken by one use case. Nothing is written for a use case that takes none.
pub(crate) struct Numbers<'c> {
    connection: &'c Connection,
    at: Timestamp,
    /// Whether a change of a contact leaves a row.
    keeps_contacts: bool,
    /// The last number before this use case.
    before: i64,
    last: i64,
}

impl<'c> Numbers<'c> {
    /// Begins at the workspace's last number.
    pub(crate) fn begin(connection: &'c Connection, at: Timestamp) -> Step<Self> {
        let before = current(connection)?;
        Ok(Self { connection, at, keeps_contacts: true, before, last: before })
    }

    /// The same for a unit of an import: its event tells the range of numbers, and each contact bears
    /// its own (`contacts.seq`, by an index), so that a row for each would say nothing more. A number of the range may be
    /// nobody's.
    pub(crate) fn begin_import(connection: &'c Connection, at: Timestamp) -> Step<Self> {
        Ok(Self { keeps_contacts: false, ..Self::begin(connection, at)? })
    }

    /// The number that the next change will take.
    pub(crate) fn upcoming(&self) -> i64 {
        self.last + 1
    }

    /// Takes the next number for a change.
    pub(crate) fn take(&mut self, change: Change, contact: Option<ContactId>, list: Option<i64>) -> Step<i64> {
        self.last += 1;
        if !self.keeps_contacts && matches!(change, Change::Contact | Change::Consent | Change::Tags) {
            return Ok(self.last);
        }
        self.connection
            .prepare_cached("INSERT INTO changes (seq, kind, contact_id, list_id, at) VALUES (?, ?, ?, ?, ?)")?
            .execute((self.last, change.word(), contact.map(|id| id.0), list, micros(self.at)))?;
        Ok(self.last)
    }

    /// Takes one number for all that moved at an audience in one batch.
    pub(crate) fn take_members(&mut self, audience: i64, contacts: &RoaringTreemap) -> Step<()> {
        self.last += 1;
        self.connection
            .prepare_cached("INSERT INTO member_changes (seq, audience_id, contacts) VALUES (?, ?, ?)")?
            .execute((self.last, audience, contact_set_bytes(contacts)?))?;
        Ok(())
    }

    /// Ends the use case: if it took numbers, the workspace moves on and one event tells the range.
    /// The payload names contacts and lists by number only (invariant 11). Answers with the last number
    /// given out.
    pub(crate) fn end(self, kind: &str, payload: &Value) -> Step<i64> {
        if self.last == self.before {
            return Ok(self.last);
        }
        self.connection.prepare_cached("UPDATE workspace SET sequence = ?")?.execute([self.last])?;
        self.connection
            .prepare_cached("INSERT INTO events (kind, seq_first, seq_last, payload, at) VALUES (?, ?, ?, ?, ?)")?
            .execute((kind, self.before + 1, self.last, payload.to_string(), micros(self.at)))?;
        Ok(self.last)
    }
}

/// Whether nobody else wrote between the units of a batch: what one of them read then holds for the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calm {
    /// The last number after the unit before; none once somebody came in between.
    last: Option<i64>,
}

impl Calm {
    /// Before the first unit.
    pub(crate) fn begin(connection: &Connection) -> Step<Self> {
        Ok(Self { last: Some(current(connection)?) })
    }

    /// Looks at the beginning of a unit whether it still is.
    pub(crate) fn holds(&mut self, connection: &Connection) -> Step<bool> {
        let now = current(connection)?;
        self.last = self.last.filter(|last| *last == now);
        Ok(self.last.is_some())
    }

    /// Notes the last number at the end of a unit.
    pub(crate) fn after(&mut self, last: i64) {
        self.last = self.last.map(|_| last);
    }
}

/// Leaves an event of something that moved nothing: its range of numbers is empty.
pub(crate) fn tell(connection: &Connection, kind: &str, payload: &Value, at: Timestamp) -> Step<()> {
    let current = current(connection)?;
    connection
        .prepare_cached("INSERT INTO events (kind, seq_first, seq_last, payload, at) VALUES (?, ?, ?, ?, ?)")?
        .execute((kind, current + 1, current, payload.to_string(), micros(at)))?;
    Ok(())
}

/// The last number given out.
pub(crate) fn current(connection: &Connection) -> Step<i64> {
    Ok(connection.prepare_cached("SELECT sequence FROM workspace")?.query_row([], |row| row.get(0))?)
}
