//! What the two listeners share: the account, the book, the faults, the clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::state::{Moment, State};
use crate::book::Book;
use crate::faults::Faults;
use crate::gate::Gate;

/// Everything that changes, behind one lock: a request is applied and written down in one piece.
#[derive(Debug)]
pub(super) struct World {
    pub(super) state: State,
    pub(super) book: Book,
    pub(super) faults: Faults,
    /// The time it is, when the control API stopped the clock.
    pub(super) stopped_clock: Option<Moment>,
}

impl World {
    pub(super) fn now(&self) -> Moment {
        self.stopped_clock.unwrap_or_else(Moment::now)
    }
}

/// What a request needs and nothing changes.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    pub(super) gate: Arc<Gate>,
    pub(super) api_key: String,
    pub(super) access_tokens: Vec<String>,
    pub(super) control_token: String,
    pub(super) aborted_slot_hold: Duration,
    pub(super) stopping: watch::Receiver<bool>,
}

impl Shared {
    pub(super) fn new(world: World, gate: Arc<Gate>, stopping: watch::Receiver<bool>) -> Self {
        Self {
            world: Mutex::new(world),
            gate,
            api_key: String::new(),
            access_tokens: Vec::new(),
            control_token: String::new(),
            aborted_slot_hold: Duration::ZERO,
            stopping,
        }
    }

    /// The world. A panic elsewhere does not make it unreadable: the book is what explains it.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not beyond the simulator's own end.
    pub(super) async fn pause(&self, duration: Duration) {
        if duration.is_zero() {
            return;
        }
        let mut stopping = self.stopping.clone();
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            // An error means that the sender is gone, which is an end as well.
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
    }
}

/// Milliseconds since 1970 by the machine's clock.
pub(super) fn wall_clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
