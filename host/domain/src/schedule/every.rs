//! Stretches of elapsed time that come again and again.

use std::fmt;

use jiff::Timestamp;

/// The longest stretch, a week: beyond, people mean a day and a time of day, which a cron expression says.
pub const LONGEST_HOURS: u32 = 7 * 24;

/// What a stretch is counted in. A day is none: it has not always 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
}

/// A tick whenever so much time has passed, counted from the beginning of 1970 in UTC. So the ticks are the same
/// whenever the program was started, and clock changes don't touch them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    count: u32,
    unit: Unit,
}

impl Unit {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Minute, Self::Hour];

    /// Its word for one of them.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
        }
    }

    /// How long one is.
    #[must_use]
    pub fn seconds(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
        }
    }

    /// How many of them a stretch has at most.
    #[must_use]
    pub fn most(self) -> u32 {
        LONGEST_HOURS * (Self::Hour.seconds() / self.seconds())
    }
}

impl Every {
    /// A stretch of at least one unit and at most a week; none is none.
    #[must_use]
    pub fn new(count: u32, unit: Unit) -> Option<Self> {
        (1..=unit.most()).contains(&count).then_some(Self { count, unit })
    }

    /// How long it is, in seconds.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::from(self.count) * i64::from(self.unit.seconds())
    }

    pub(super) fn next_after(self, instant: Timestamp) -> Option<Timestamp> {
        let latest = self.latest_second(instant);
        Timestamp::from_second(latest.checked_add(self.seconds())?).ok()
    }

    pub(super) fn latest_at(self, instant: Timestamp) -> Option<Timestamp> {
        Timestamp::from_second(self.latest_second(instant)).ok()
    }

    fn latest_second(self, instant: Timestamp) -> i64 {
        // Before 1970 the seconds of an instant are rounded towards it, which is up.
        let second = instant.as_second() - i64::from(instant.subsec_nanosecond() < 0);
        second - second.rem_euclid(self.seconds())
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "every {}", self.unit.as_str()),
            count => write!(f, "every {count} {}s", self.unit.as_str()),
        }
    }
}
