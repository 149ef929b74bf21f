//! Wants to describe itself in one way when it is approved and in another when it works: it looks
//! at everything that may differ between two runs.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use kit::{Description, Plugin, description};

static RUNS: AtomicU32 = AtomicU32::new(0);

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        let clocks = (SystemTime::now(), Instant::now());
        let chance = RandomState::new().hash_one(0);
        let place = &raw const clocks as usize;
        let runs = RUNS.fetch_add(1, Ordering::Relaxed);
        Description { summary: format!("{clocks:?} {chance} {place} {runs}"), ..description() }
    }
}

kit::plugin!(Guest);
