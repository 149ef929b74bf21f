//! When things are due: timetables, what becomes of a tick that was missed, and what spreads ticks.
//!
//! A [`Schedule`] is a rule from which every tick follows. It is a cron expression on the clock of a zone, or a
//! stretch of time that comes again and again. The next tick is worked out from the rule each time and never
//! from the last one plus something, so that no delay is carried on.
//!
//! ```text
//! 0 6 * * * Europe/Prague          every day at six on the clocks of Prague
//! */15 8-18 * * MON-FRI Asia/Kolkata
//! 0 3 L * * UTC                    on the last day of each month
//! every 15 minutes                 elapsed time, on no clock
//! ```
//!
//! # When clocks change
//!
//! A cron expression names local times, and each of them gives one tick:
//!
//! * A local time that does not exist, since the clock is put forward over it, is due at the first instant after
//!   the gap. All those of one gap are one tick.
//! * A local time that comes twice, since the clock is put back, is due the first time. `*/15 * * * *` therefore
//!   has no ticks while an hour comes again. Who wants none left out writes `every 15 minutes`.
//!
//! # What follows from a schedule
//!
//! A [`Timetable`] adds what the operator wants of ticks that were missed ([`Misfire`]) and by how much ticks are
//! spread; [`Timetable::due`] then says which ticks are to run now. [`Triggers`] are all the reasons for which a
//! sync runs by itself.

mod cron;
mod every;
mod fault;
mod parse;
mod timetable;
mod triggers;
mod zone;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use cron::Cron;
pub use every::{Every, LONGEST_HOURS, Unit};
pub use fault::{ScheduleFault, ScheduleProblem};
pub use parse::MAX_TEXT_BYTES;
pub use timetable::{Due, MAX_SPREAD, MAX_WINDOW, Misfire, ON_TIME, TICKS_AT_ONCE, Timetable, TimetableFault};
pub use triggers::{MAX_QUIET, Triggers, TriggersFault};
pub use zone::Zone;

/// A rule from which ticks follow. As text, and so in JSON, it is what people type, with the zone behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Schedule {
    /// At local times.
    Cron(Cron),
    /// Whenever so much time has passed.
    Every(Every),
}

impl Schedule {
    /// Reads what somebody typed: five fields as in `0 6 * * *`, with or without the zone behind them, or
    /// `every 15 minutes`. `zone` is for the first kind where the text names none.
    ///
    /// # Errors
    ///
    /// A [`ScheduleFault`] with the place, also when no tick would ever come (30 February).
    pub fn read(text: &str, zone: Option<&Zone>) -> Result<Self, ScheduleFault> {
        parse::read(text, zone)
    }

    /// The first tick after an instant, and never that instant itself. None where time ends.
    #[must_use]
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.next_after(instant),
            Self::Every(every) => every.next_after(instant),
        }
    }

    /// The last tick that is not after an instant. None where time begins.
    #[must_use]
    pub fn latest_at(&self, instant: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.latest_at(instant),
            Self::Every(every) => every.latest_at(instant),
        }
    }

    /// The ticks after `from` up to and with `to`, oldest first, at most `limit` of them.
    #[must_use]
    pub fn ticks_between(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(from), |tick| self.next_after(*tick))
            .take_while(|tick| *tick <= to)
            .take(limit)
            .collect()
    }
}

impl FromStr for Schedule {
    type Err = ScheduleFault;

    /// As [`read`](Self::read), where the text must name its zone.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text, None)
    }
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.to_string()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(cron) => cron.fmt(f),
            Self::Every(every) => every.fmt(f),
        }
    }
}
