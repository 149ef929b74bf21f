//! What one job may use, what it has used, and what the host saw on the wire while it did.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::SendError;
use crate::seen::Seen;

/// How urgent a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Urgency {
    /// Leaves one of the account's slots free for [`Urgency::Prompt`] work.
    #[default]
    Bulk,
    /// Opt-outs and what a person waits for: may take every slot.
    Prompt,
}

/// What one job may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLimits {
    /// Wall-clock time of the job as a whole, without the waiting for limiters.
    pub time: Duration,
    /// Requests, repeated ones included.
    pub requests: u64,
    /// Bytes sent: request lines, headers and bodies.
    pub bytes_up: u64,
    /// Bytes of response bodies as received, before decompression.
    pub bytes_down: u64,
}

impl Default for JobLimits {
    /// For one batch: 500 contacts of 4 KiB fit tenfold, and a batch that asks the provider once
    /// per contact still ends.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(300),
            requests: 2_000,
            bytes_up: 64 * 1024 * 1024,
            bytes_down: 256 * 1024 * 1024,
        }
    }
}

/// What is known about the last request of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireState {
    /// No byte of it reached the provider.
    Unsent,
    /// The provider's complete answer arrived, with this status.
    Answered(u16),
    /// It was, or may have been, sent, and there is no complete answer: the provider may have
    /// acted.
    Unanswered,
}

/// What the host saw, independent of what the plugin says. A plugin's answer may be moved by these
/// facts only towards caution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireFacts {
    /// Attempts made, whether or not a connection came about.
    pub requests: u64,
    /// Bytes of those attempts.
    pub bytes_up: u64,
    /// Body bytes received.
    pub bytes_down: u64,
    /// Time spent waiting for limiters; not part of the job's time.
    pub waited: Duration,
    /// What became of the last attempt.
    pub last: WireState,
    /// Requests that are [`WireState::Unanswered`], not only the last one.
    pub unanswered: u64,
    /// Those among them that the plugin did not mark as safe to repeat.
    pub unanswered_unsafe: u64,
    /// Requests other than GET that got a complete answer with a status under 400.
    pub writes_answered: u64,
    /// What became of the requests that are not safe to repeat.
    pub seen: Seen,
}

/// The allowance of one job, shared by all its calls. Counting is atomic; the job's own thread and
/// whoever reports on it may read at any time, also after the job was cut off in mid-call.
#[derive(Debug)]
pub struct JobBudget {
    limits: JobLimits,
    urgency: Urgency,
    started: Instant,
    waited_micros: AtomicU64,
    requests: AtomicU64,
    bytes_up: AtomicU64,
    bytes_down: AtomicU64,
    last: AtomicU32,
    unanswered: AtomicU64,
    unanswered_unsafe: AtomicU64,
    writes_answered: AtomicU64,
    under_way_unsafe: AtomicU64,
    seen: AtomicU32,
}

/// `WireState` in one atomic: a status is its own number, which is always above these.
const UNSENT: u32 = 0;
const UNANSWERED: u32 = 1;

impl JobBudget {
    /// A budget whose clock starts now.
    #[must_use]
    pub fn new(limits: JobLimits, urgency: Urgency) -> Self {
        Self {
            limits,
            urgency,
            started: Instant::now(),
            waited_micros: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes_up: AtomicU64::new(0),
            bytes_down: AtomicU64::new(0),
            last: AtomicU32::new(UNSENT),
            unanswered: AtomicU64::new(0),
            unanswered_unsafe: AtomicU64::new(0),
            writes_answered: AtomicU64::new(0),
            under_way_unsafe: AtomicU64::new(0),
            seen: AtomicU32::new(Seen::NoRequest.packed()),
        }
    }

    /// How urgent the job is.
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.urgency
    }

    /// When the time is over, as things stand: waiting for a limiter moves it.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.started + self.limits.time.saturating_add(self.waited())
    }

    /// The time left, zero when it is over. Waiting for a limiter does not shorten it.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.limits.time.saturating_add(self.waited()).saturating_sub(self.started.elapsed())
    }

    /// The time spent waiting for limiters so far.
    #[must_use]
    pub fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_micros.load(Ordering::Relaxed))
    }

    /// What the host saw so far.
    #[must_use]
    pub fn facts(&self) -> WireFacts {
        WireFacts {
            requests: self.requests.load(Ordering::Relaxed),
            bytes_up: self.bytes_up.load(Ordering::Relaxed),
            bytes_down: self.bytes_down.load(Ordering::Relaxed),
            waited: self.waited(),
            last: match self.last.load(Ordering::Relaxed) {
                UNSENT => WireState::Unsent,
                UNANSWERED => WireState::Unanswered,
                status => WireState::Answered(u16::try_from(status).unwrap_or(u16::MAX)),
            },
            unanswered: self.unanswered.load(Ordering::Relaxed),
            unanswered_unsafe: self.unanswered_unsafe.load(Ordering::Relaxed),
            writes_answered: self.writes_answered.load(Ordering::Relaxed),
            // A request that is under way has been written for all that is known, and whoever reads
            // this after the job's end reads of one that was cut off.
            seen: match self.under_way_unsafe.load(Ordering::Relaxed) {
                0 => Seen::unpacked(self.seen.load(Ordering::Relaxed)),
                _ => Seen::Killed,
            },
        }
    }

    /// Whether one more request of this size fits.
    pub(crate) fn ensure_room(&self, bytes: u64) -> Result<(), SendError> {
        let spent = |what: String| Err(SendError::BudgetSpent(what));
        if self.remaining().is_zero() {
            return spent(format!("The job's time of {:?} is over.", self.limits.time));
        }
        if self.requests.load(Ordering::Relaxed) >= self.limits.requests {
            return spent(format!("The job has made its {} requests.", self.limits.requests));
        }
        if self.bytes_up.load(Ordering::Relaxed).saturating_add(bytes) > self.limits.bytes_up {
            return spent(format!("The request would pass the {} bytes that the job may send.", self.limits.bytes_up));
        }
        if self.bytes_down.load(Ordering::Relaxed) >= self.limits.bytes_down {
            return spent(format!("The job has received its {} bytes.", self.limits.bytes_down));
        }
        Ok(())
    }

    pub(crate) fn add_waited(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts received bytes; false when the job may not receive them.
    pub(crate) fn add_down(&self, bytes: usize) -> bool {
        let bytes = bytes as u64;
        let before = self.bytes_down.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= self.limits.bytes_down
    }

    pub(crate) fn down_limit(&self) -> u64 {
        self.limits.bytes_down
    }

    /// Counts a request and marks it as unanswered until the flight says otherwise.
    pub(crate) fn take_off(&self, bytes: u64, write: bool, safe_to_repeat: bool) -> Flight<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.bytes_up.fetch_add(bytes, Ordering::Relaxed);
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        if !safe_to_repeat {
            self.unanswered_unsafe.fetch_add(1, Ordering::Relaxed);
            self.under_way_unsafe.fetch_add(1, Ordering::Relaxed);
        }
        self.last.store(UNANSWERED, Ordering::Relaxed);
        Flight { budget: self, write, safe_to_repeat }
    }
}

/// A request on its way. It counts as unanswered from before its first byte, so that a job which
/// is cut off (its future dropped) leaves the cautious answer behind.
#[must_use = "a flight that is not landed counts as unanswered, and as cut off"]
pub(crate) struct Flight<'a> {
    budget: &'a JobBudget,
    write: bool,
    safe_to_repeat: bool,
}

impl Flight<'_> {
    /// No connection came about.
    pub(crate) fn never_left(self) {
        self.note(Seen::NeverWritten);
        self.settle(UNSENT);
    }

    /// It was written, and there is no whole answer. It stays unanswered.
    pub(crate) fn lost(self) {
        // Whoever waited as long as the job has time was cut off with the job.
        let is_over = self.budget.remaining().is_zero();
        self.note(if is_over { Seen::Killed } else { Seen::NoAnswer });
    }

    /// The complete answer is here.
    pub(crate) fn answered(self, status: u16) {
        if self.write && status < 400 {
            self.budget.writes_answered.fetch_add(1, Ordering::Relaxed);
        }
        self.note(Seen::Answered(status));
        self.settle(u32::from(status));
    }

    /// Keeps what was seen, if nothing more doubtful was seen before.
    fn note(&self, seen: Seen) {
        if !self.safe_to_repeat {
            self.budget.seen.fetch_max(seen.packed(), Ordering::Relaxed);
            self.budget.under_way_unsafe.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn settle(self, last: u32) {
        self.budget.unanswered.fetch_sub(1, Ordering::Relaxed);
        if !self.safe_to_repeat {
            self.budget.unanswered_unsafe.fetch_sub(1, Ordering::Relaxed);
        }
        self.budget.last.store(last, Ordering::Relaxed);
    }
}
