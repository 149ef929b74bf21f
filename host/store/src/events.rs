//! The log of what happened, and those who read it.
//!
//! Every use case that moves something leaves one event with the range of sequence numbers that it took. Who
//! follows the log has a cursor, by name: the number of the last event that it has dealt with. Events that every
//! cursor has passed can be cleared, and none before that.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::timers::bounded;

/// How many events a page has at most.
pub const EVENTS_AT_ONCE: u32 = 1_000;
/// The longest name of a cursor, in bytes.
pub const MAX_CURSOR_BYTES: usize = 100;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its number in the log. Numbers grow; some may be missing.
    pub id: u64,
    /// What happened, as a word.
    pub kind: String,
    /// The first sequence number that it took.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// What it was about: contacts and lists by number (invariant 11).
    pub payload: Value,
    /// When, in rule time.
    pub at: Timestamp,
}

/// Where a new cursor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorStart {
    /// At the oldest event that there is.
    Oldest,
    /// Behind the newest: only what happens from now on is read.
    Newest,
}

/// How far somebody has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cursor {
    /// Its name.
    pub name: String,
    /// The number of the last event that it has passed; 0 before the first.
    pub passed: u64,
    /// How many events lie before it.
    pub behind: u64,
    /// When the oldest of these happened; none when there are none.
    pub waiting_since: Option<Timestamp>,
    /// When it was last moved, or opened.
    pub moved_at: Timestamp,
}

/// What clearing the log did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClearedEvents {
    /// How many events are gone.
    pub cleared: u64,
    /// How many are left.
    pub left: u64,
    /// The slowest cursor, if it keeps events that would be gone otherwise.
    pub held_back: Option<HeldBack>,
}

/// A cursor that keeps events from being cleared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// Its name; the first by name where several stand at one event.
    pub cursor: String,
    /// How many events it keeps.
    pub events: u64,
    /// When the oldest event happened that it has not passed.
    pub waiting_since: Timestamp,
}

impl HeldBack {
    /// How long the oldest event has been waiting for it, for an alarm; zero when a clock was set back.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.waiting_since).max(SignedDuration::ZERO)
    }
}

/// Refuses a name that no store takes for a cursor.
///
/// # Errors
///
/// [`Refused`](crate::StoreError::Refused) when it is empty or too long.
pub fn check_cursor(name: &str) -> Result<()> {
    bounded("name of a cursor", name, MAX_CURSOR_BYTES)
}

/// The use cases of the event log.
#[async_trait]
pub trait EventStore {
    /// Opens a cursor. One of that name that is open stays where it stands.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) as [`check_cursor`] has it.
    async fn open_cursor(&self, name: &str, start: CursorStart, at: Timestamp) -> Result<Cursor>;

    /// Closes a cursor: it keeps no events any more. Answers whether there was one.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn close_cursor(&self, name: &str) -> Result<bool>;

    /// All cursors, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn cursors(&self) -> Result<Vec<Cursor>>;

    /// The first events that a cursor has not passed, in their order: at most `limit` and at most
    /// [`EVENTS_AT_ONCE`].
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the cursor.
    async fn events_after(&self, cursor: &str, limit: u32) -> Result<Vec<Event>>;

    /// The same behind an event, for whoever follows the log at every write and moves its cursor now and then.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn events_behind(&self, event: u64, limit: u32) -> Result<Vec<Event>>;

    /// Moves a cursor past an event and all before it, and answers with where it stands. It never goes back: who
    /// comes late with a lower number moves nothing.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the cursor; [`Refused`](crate::StoreError::Refused) when there is no event
    /// of that number yet, since then the next ones would be passed over unread.
    async fn advance(&self, cursor: &str, to: u64, at: Timestamp) -> Result<u64>;

    /// Clears the events that every cursor has passed, but for the newest `keep_at_least`, and never the very
    /// last one, which bears the numbering. Unit by unit, so that other writes get in between: one that is cut
    /// short has cleared less, and nothing else.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn clear_events(&self, keep_at_least: u64) -> Result<ClearedEvents>;
}
