//! How many requests a provider works on at once (MC-32).
//!
//! A slot is taken when a request is let in and given back when its answer has been handed to the
//! connection completely. A client that goes away in the middle may keep its slot for a while: real
//! providers were seen to go on counting calls that timed out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Counts the requests in progress.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: usize,
    taken: AtomicUsize,
    abandoned: AtomicUsize,
}

impl Gate {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, taken: AtomicUsize::new(0), abandoned: AtomicUsize::new(0) })
    }

    /// The number of requests that may be in progress together.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Slots taken now, those of departed clients included.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Slots still held for clients that went away.
    pub(crate) fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Acquire)
    }

    /// A slot, unless all are taken. `hold_if_abandoned` is how long it stays taken when the client
    /// goes away before its answer is complete.
    pub(crate) fn enter(self: &Arc<Self>, hold_if_abandoned: Option<Duration>) -> Option<Slot> {
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < self.limit).then_some(taken + 1))
            .ok()?;
        Some(Slot { gate: Arc::clone(self), hold_if_abandoned })
    }

    fn leave(&self) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One request's place among those in progress.
#[derive(Debug)]
pub(crate) struct Slot {
    gate: Arc<Gate>,
    hold_if_abandoned: Option<Duration>,
}

impl Slot {
    /// The answer is complete: the slot is free at once.
    pub(crate) fn finish(mut self) {
        self.hold_if_abandoned = None;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(hold), Ok(runtime)) = (self.hold_if_abandoned, runtime) {
            let gate = Arc::clone(&self.gate);
            gate.abandoned.fetch_add(1, Ordering::AcqRel);
            runtime.spawn(async move {
                tokio::time::sleep(hold).await;
                gate.abandoned.fetch_sub(1, Ordering::AcqRel);
                gate.leave();
            });
        } else {
            self.gate.leave();
        }
    }
}
