//! What stops intents, for people.

use postroom_store::intents::{Halt, Halted};

use crate::table::moment;

/// What stops, since when and why, as a sentence without its full stop.
pub(super) fn stopped(halted: &Halted) -> String {
    let what = match halted.halt {
        Halt::Hold => "Everything is held",
        Halt::Pause { .. } => "Paused",
        Halt::Breaker { .. } => "Stopped by its breaker",
    };
    format!("{what} since {} UTC, opt-outs apart: {}", moment(halted.at), halted.why)
}
