//! Every duration this crate waits for, in one table.

use std::time::Duration;

/// How long each step of a call may take. [`Timeouts::default`] is what an account gets; tests
/// hand in shorter ones.
///
/// | field | default | what it bounds |
/// |---|---|---|
/// | `connect` | 10 s | name, TCP and TLS together; when it passes, nothing was sent |
/// | `total` | 130 s | one attempt from the first byte out to the last byte in |
/// | `between_bytes` | 30 s | silence inside a response body |
/// | `limiter_wait` | 30 s | waiting for the account's and the process's limits, per call |
/// | `longest_pause` | 60 s | a `Retry-After` that a call sits out; a longer one ends the call |
/// | `backoff_min`, `backoff_max` | 250 ms, 8 s | ceiling of the first and of the last backoff |
/// | `idle_connection` | 30 s | a kept connection without work |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup, TCP and TLS together.
    pub connect: Duration,
    /// One attempt as a whole. A provider may take 120 s before it gives up by itself (its answer
    /// tells more than our timeout), so the default is a little longer.
    pub total: Duration,
    /// Silence between two pieces of a response body.
    pub between_bytes: Duration,
    /// The longest wait for a permit, a token or the end of a provider's pause, per call. Not
    /// charged to the job, hence bounded on its own.
    pub limiter_wait: Duration,
    /// The longest `Retry-After` that is sat out inside a call: while it waits, a plugin instance
    /// with all its memory waits too, and the run has better use for it.
    pub longest_pause: Duration,
    /// Ceiling of the first backoff.
    pub backoff_min: Duration,
    /// Ceiling that no backoff passes.
    pub backoff_max: Duration,
    /// How long an unused connection is kept. Servers commonly drop theirs after 60 s or more; a
    /// shorter time here keeps a request from being written to a connection that is just closing.
    pub idle_connection: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(130),
            between_bytes: Duration::from_secs(30),
            limiter_wait: Duration::from_secs(30),
            longest_pause: Duration::from_secs(60),
            backoff_min: Duration::from_millis(250),
            backoff_max: Duration::from_secs(8),
            idle_connection: Duration::from_secs(30),
        }
    }
}
