//! The book: every request a simulator let in, in the order in which it was applied.
//!
//! An entry is written in the same critical section that applies the request and before its answer
//! leaves, so whatever a client saw answered stands in the book, and a write whose answer was lost
//! stands in it too.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::faults::Fault;

/// Whether a request could change anything.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// GET, HEAD, OPTIONS.
    Read,
    /// Everything else.
    Write,
}

impl Kind {
    /// The kind of an HTTP method name in upper case.
    #[must_use]
    pub fn of(method: &str) -> Self {
        match method {
            "GET" | "HEAD" | "OPTIONS" => Self::Read,
            _ => Self::Write,
        }
    }
}

/// One request as it arrived and the status it was answered with.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Counts from 1 and never restarts, not even when the book is cleared.
    pub seq: u64,
    /// Upper-case method name, after a method override.
    pub method: String,
    /// The path with its percent-encoding, for example `/3.0/lists/ab12cd34ef/members`.
    pub path: String,
    /// The query string without its question mark; empty when there was none.
    pub query: String,
    /// Read or write.
    pub kind: Kind,
    /// The HTTP status that was decided on. After a fault the client may have seen another one, or none.
    pub status: u16,
    /// The request's body: JSON when it parses, otherwise its text; absent when bodies are not kept.
    #[serde(serialize_with = "body_as_json")]
    pub body: Option<Bytes>,
    /// When it was applied, in milliseconds since 1970 (UTC), by the machine's clock.
    pub at_ms: u64,
    /// False when the request was turned away (401, 429, an injected fault) and nothing was looked at.
    pub accepted: bool,
    /// The injected fault it met.
    pub fault: Option<Fault>,
}

fn body_as_json<S: Serializer>(body: &Option<Bytes>, serializer: S) -> Result<S::Ok, S::Error> {
    let Some(bytes) = body else {
        return serializer.serialize_none();
    };
    if bytes.is_empty() {
        return serializer.serialize_none();
    }
    serde_json::from_slice::<Value>(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
        .serialize(serializer)
}

/// Which entries to show.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Only requests that could change something.
    pub writes: bool,
    /// Only entries with a greater sequence number.
    pub after: u64,
    /// Also requests that were turned away.
    pub all: bool,
}

/// The requests of one simulator. Entries are shared, so reading them copies no body.
#[derive(Debug, Default)]
pub struct Book {
    entries: Vec<Arc<Entry>>,
    last_seq: u64,
}

impl Book {
    /// Appends `entry`, giving it the next sequence number, which is returned.
    pub fn record(&mut self, mut entry: Entry) -> u64 {
        self.last_seq += 1;
        entry.seq = self.last_seq;
        self.entries.push(Arc::new(entry));
        self.last_seq
    }

    /// The entries that pass `filter`, oldest first.
    #[must_use]
    pub fn select(&self, filter: Filter) -> Vec<Arc<Entry>> {
        let first = self.entries.partition_point(|entry| entry.seq <= filter.after);
        self.entries
            .iter()
            .skip(first)
            .filter(|entry| filter.all || entry.accepted)
            .filter(|entry| !filter.writes || entry.kind == Kind::Write)
            .map(Arc::clone)
            .collect()
    }

    /// Forgets the entries. What they did to the state stays.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}
