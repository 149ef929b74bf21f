//! Places at which a test lets the program end as if it had been killed.
//!
//! Built in only with the feature `fault-points`, which nothing but tests asks for. Which place, and at its
//! how-many-eth passing, says the environment: `POSTROOM_FAULT_POINT=armed:3`.

/// Ends the program here, if a test asked for it.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub(crate) fn reached(_place: &str) {}

/// Ends the program here, if a test asked for it.
#[cfg(feature = "fault-points")]
pub(crate) fn reached(place: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSINGS: AtomicU64 = AtomicU64::new(0);

    let asked = std::env::var("POSTROOM_FAULT_POINT").unwrap_or_default();
    let Some((at, nth)) = asked.split_once(':') else { return };
    if at == place && nth.parse().is_ok_and(|nth: u64| PASSINGS.fetch_add(1, Ordering::Relaxed) + 1 == nth) {
        // No destructor runs and nothing is flushed, as after a kill.
        std::process::abort();
    }
}
