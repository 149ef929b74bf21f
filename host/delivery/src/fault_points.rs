//! Places at which a test lets the program end as if it had been killed, or stand still as if it had been stopped.
//!
//! Built in only with the feature `fault-points`, which nothing but tests asks for. Which place, and at its
//! how-many-eth passing, says the environment: `POSTROOM_FAULT_POINT=armed:3`. With `armed:3:stop` the program stands
//! still there until somebody lets it go on.

/// Ends or stops the program here, if a test asked for it.
#[cfg(not(feature = "fault-points"))]
#[inline]
pub(crate) fn reached(_place: &str) {}

/// Ends or stops the program here, if a test asked for it.
#[cfg(feature = "fault-points")]
pub(crate) fn reached(place: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static PASSINGS: AtomicU64 = AtomicU64::new(0);

    let asked = std::env::var("POSTROOM_FAULT_POINT").unwrap_or_default();
    let mut words = asked.split(':');
    let (at, nth, how) = (words.next(), words.next(), words.next());
    let Some(nth) = nth.and_then(|nth| nth.parse::<u64>().ok()).filter(|_| at == Some(place)) else { return };
    if PASSINGS.fetch_add(1, Ordering::Relaxed) + 1 != nth {
        return;
    }
    if how == Some("stop") && kill_process(getpid(), Signal::STOP).is_ok() {
        return;
    }
    // No destructor runs and nothing is flushed, as after a kill.
    std::process::abort();
}
