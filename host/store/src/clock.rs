//! Where rule time comes from (invariant 9).

use async_trait::async_trait;
use jiff::Timestamp;

#[cfg(feature = "manual-clock")]
mod manual;

#[cfg(feature = "manual-clock")]
pub use manual::ManualClock;

/// The clock of the rules: due times, validity, timetables. Who measures how long something took doesn't ask it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;

    /// Waits until the clock shows a moment or a later one; not at all if it does already. Whoever wakes looks at
    /// the clock again: it may have been set meanwhile.
    async fn until(&self, moment: Timestamp);
}
