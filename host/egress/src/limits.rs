//! How many requests at once and how many in a second.
//!
//! A call takes, in this order: the end of the origin's pause, a slot of the account, a token of
//! the account, a slot of the process. It holds the two slots until its answer is read and takes
//! nothing else meanwhile, so no two calls can wait for each other; all waiting is bounded by
//! [`crate::Timeouts::limiter_wait`], measured, and not charged to the job.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

use crate::budget::Urgency;

/// The limits of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLimits {
    /// Requests at one time. With two or more, bulk jobs leave one of them free.
    pub max_concurrency: NonZeroU32,
    /// Requests in a second, evenly spread.
    pub requests_per_second: Option<NonZeroU32>,
    /// The largest request body in bytes.
    pub max_request_bytes: u64,
    /// The largest response body in bytes, on the wire and decoded.
    pub max_response_bytes: u64,
}

/// Unless a plugin says otherwise. Mailchimp's ceiling is 10 over all applications of a user; half
/// of it leaves room for the others.
const DEFAULT_CONCURRENCY: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// A batch of 500 contacts with 30 KiB each.
const DEFAULT_BODY_BYTES: u64 = 16 * 1024 * 1024;

impl Default for AccountLimits {
    fn default() -> Self {
        Self {
            max_concurrency: DEFAULT_CONCURRENCY,
            requests_per_second: None,
            max_request_bytes: DEFAULT_BODY_BYTES,
            max_response_bytes: DEFAULT_BODY_BYTES,
        }
    }
}

/// The wait would be, or was, too long; nothing was sent.
pub(crate) struct Busy {
    /// When to come back, where that is known.
    pub(crate) retry_after: Option<Duration>,
}

/// Slots that a call holds until its answer is read.
pub(crate) struct Slots<'a> {
    _account: SemaphorePermit<'a>,
    _bulk: Option<SemaphorePermit<'a>>,
    _process: SemaphorePermit<'a>,
}

/// The limits of one account at work.
pub(crate) struct Limiter {
    slots: Semaphore,
    /// One slot fewer, taken in addition by bulk jobs; none when there is only one slot.
    bulk: Option<Semaphore>,
    tokens: Option<DefaultDirectRateLimiter>,
}

impl Limiter {
    pub(crate) fn new(limits: &AccountLimits) -> Self {
        let slots = usize::try_from(limits.max_concurrency.get()).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            slots: Semaphore::new(slots),
            bulk: (slots > 1).then(|| Semaphore::new(slots - 1)),
            tokens: limits.requests_per_second.map(|rate| {
                // A burst of one: providers count in windows whose beginning nobody knows, and a
                // larger burst could put twice the rate into one of them. It is also all that a process which
                // starts right after another one may send too much.
                RateLimiter::direct(Quota::per_second(rate).allow_burst(NonZeroU32::MIN))
            }),
        }
    }

    /// Waits for the slots and a token, at most until `deadline`.
    pub(crate) async fn acquire<'a>(
        &'a self,
        pause: &Pause,
        process: &'a Semaphore,
        urgency: Urgency,
        deadline: Instant,
    ) -> Result<Slots<'a>, Busy> {
        pause.sit_out(deadline).await?;
        let bulk = match (urgency, &self.bulk) {
            (Urgency::Bulk, Some(bulk)) => Some(permit(bulk, deadline).await?),
            _ => None,
        };
        let account = permit(&self.slots, deadline).await?;
        if let Some(tokens) = &self.tokens {
            token(tokens, deadline).await?;
        }
        let process = permit(process, deadline).await?;
        Ok(Slots { _account: account, _bulk: bulk, _process: process })
    }
}

async fn permit(slots: &Semaphore, deadline: Instant) -> Result<SemaphorePermit<'_>, Busy> {
    // A free slot must be had even when the deadline has come.
    if let Ok(permit) = slots.try_acquire() {
        return Ok(permit);
    }
    match timeout_at(deadline, slots.acquire()).await {
        Ok(Ok(permit)) => Ok(permit),
        // The semaphores are never closed, so the inner error cannot come up.
        Ok(Err(_)) | Err(_) => Err(Busy { retry_after: None }),
    }
}

async fn token(tokens: &DefaultDirectRateLimiter, deadline: Instant) -> Result<(), Busy> {
    let clock = DefaultClock::default();
    loop {
        let Err(not_until) = tokens.check() else { return Ok(()) };
        let wait = not_until.wait_time_from(clock.now());
        if Instant::now() + wait > deadline {
            return Err(Busy { retry_after: Some(wait) });
        }
        sleep(wait).await;
    }
}

/// Until when an origin asked not to be called. What one call is told by a 429 with `Retry-After`
/// holds for all calls of the account.
#[derive(Default)]
pub(crate) struct Pause {
    until: Mutex<Option<Instant>>,
}

impl Pause {
    /// The provider asked for this pause just now.
    pub(crate) fn extend(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut until = self.lock();
        if until.is_none_or(|known| known < end) {
            *until = Some(end);
        }
    }

    /// How much of the pause is left.
    pub(crate) fn left(&self) -> Option<Duration> {
        let end = (*self.lock())?;
        Some(end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    async fn sit_out(&self, deadline: Instant) -> Result<(), Busy> {
        loop {
            let Some(end) = *self.lock() else { return Ok(()) };
            let now = Instant::now();
            if end <= now {
                return Ok(());
            }
            if end > deadline {
                return Err(Busy { retry_after: Some(end - now) });
            }
            tokio::time::sleep_until(end).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        // A point in time is whole even if a thread died while it held the lock.
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
