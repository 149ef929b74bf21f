//! A clock that a test moves by hand.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Clock;

/// Stands still until it is moved, and wakes whoever waits for the moments that it passes.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that shows a moment.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self { now: watch::Sender::new(moment) }
    }

    /// Moves the clock on. At the end of time it stays where it is.
    pub fn advance(&self, by: SignedDuration) {
        self.now.send_modify(|now| *now = now.checked_add(by).unwrap_or(*now));
    }

    /// Sets the clock, also back.
    pub fn set(&self, moment: Timestamp) {
        self.now.send_replace(moment);
    }

    /// How many are waiting for a moment.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.now.receiver_count()
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn until(&self, moment: Timestamp) {
        // It fails only when the clock is gone, and then nobody waits on it.
        let _ = self.now.subscribe().wait_for(|now| *now >= moment).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    #[tokio::test]
    async fn whoever_waits_wakes_when_the_clock_is_moved_to_the_moment_or_past_it() {
        let start = Timestamp::UNIX_EPOCH;
        let clock = Arc::new(ManualClock::at(start));
        clock.until(start).await;
        clock.until(start - HOUR).await;

        let waits = |hours: i32| {
            let clock = Arc::clone(&clock);
            tokio::spawn(async move {
                clock.until(start + HOUR * hours).await;
                clock.now()
            })
        };
        let (one, two, five) = (waits(1), waits(2), waits(5));
        while clock.waiting() < 3 {
            tokio::task::yield_now().await;
        }
        clock.advance(HOUR);
        assert_eq!(one.await.unwrap(), start + HOUR);
        clock.set(start - HOUR);
        assert!(!two.is_finished() && !five.is_finished());
        clock.set(start + HOUR * 9);
        assert_eq!(two.await.unwrap(), start + HOUR * 9);
        assert_eq!(five.await.unwrap(), start + HOUR * 9);
        assert_eq!(clock.waiting(), 0);
    }
}
