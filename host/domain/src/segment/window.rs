//! Relative dates: windows before and after a moment that the caller binds (invariant 9).

use std::collections::BTreeSet;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde::{Deserialize, Serialize};

/// The longest way from now, in years: longer than a person's life, and far from the ends of the
/// calendar.
pub const MAX_YEARS: u32 = 100;

/// A stretch of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stretch {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A day.
    Day,
    /// Seven days.
    Week,
    /// A month: from the 31st to the last day of a shorter one.
    Month,
    /// A year.
    Year,
}

/// Where a date or a moment lies, seen from now. Both ends of the first two belong to them: today is
/// in the last and in the next 0 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Window {
    /// From so long ago until now.
    Last(Stretch),
    /// From now until so far ahead.
    Next(Stretch),
    /// Earlier than so long ago: exactly what [`Last`](Self::Last) leaves out of the past.
    Before(Stretch),
}

/// A window with its ends in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bounds<T> {
    /// From the first to the second, both included.
    Between(T, T),
    /// Before it.
    Before(T),
}

impl<T: PartialOrd> Bounds<T> {
    /// Whether a value lies inside.
    #[must_use]
    pub fn hold(&self, value: &T) -> bool {
        match self {
            Self::Between(first, last) => first <= value && value <= last,
            Self::Before(end) => value < end,
        }
    }
}

/// The moment that a segment is seen from, and the zone that says which day it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    now: Zoned,
}

impl Moment {
    /// A moment, cut to whole microseconds: what stores keep.
    #[must_use]
    pub fn new(now: &Zoned) -> Self {
        let whole = Timestamp::from_microsecond(now.timestamp().as_microsecond()).unwrap_or(now.timestamp());
        Self { now: whole.to_zoned(now.time_zone().clone()) }
    }

    /// The moment itself.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.now.timestamp()
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        self.now.time_zone()
    }

    /// The day of a moment in this zone.
    #[must_use]
    pub fn day_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone().clone()).date()
    }

    /// The first moment of a day in this zone.
    #[must_use]
    pub fn start_of(&self, day: Date) -> Timestamp {
        let start = day.to_zoned(self.zone().clone()).and_then(|start| start.start_of_day());
        // The ends of the calendar have no start in some zones: then its end stands for it.
        start.map_or(if day.year() > 0 { Timestamp::MAX } else { Timestamp::MIN }, |start| start.timestamp())
    }

    /// The first moment after a day in this zone.
    #[must_use]
    pub fn end_of(&self, day: Date) -> Timestamp {
        day.tomorrow().map_or(Timestamp::MAX, |next| self.start_of(next))
    }

    /// A window over days.
    #[must_use]
    pub fn days(&self, window: Window) -> Bounds<Date> {
        let today = self.now.date();
        match window {
            Window::Last(stretch) => Bounds::Between(today.saturating_sub(stretch.span()), today),
            Window::Next(stretch) => Bounds::Between(today, today.saturating_add(stretch.span())),
            Window::Before(stretch) => Bounds::Before(today.saturating_sub(stretch.span())),
        }
    }

    /// A window over moments.
    #[must_use]
    pub fn moments(&self, window: Window) -> Bounds<Timestamp> {
        let ago = |stretch: Stretch| self.now.saturating_sub(stretch.span()).timestamp();
        match window {
            Window::Last(stretch) => Bounds::Between(ago(stretch), self.timestamp()),
            Window::Next(stretch) => {
                Bounds::Between(self.timestamp(), self.now.saturating_add(stretch.span()).timestamp())
            }
            Window::Before(stretch) => Bounds::Before(ago(stretch)),
        }
    }

    /// The days of the year that come round in a window, each as `MM-DD`. In a year without a 29th of
    /// February it is kept on the 28th. A window before something has none: every day comes round.
    #[must_use]
    pub fn anniversaries(&self, window: Window) -> BTreeSet<String> {
        let (first, last) = match self.days(window) {
            Bounds::Between(first, last) => (first, last),
            Bounds::Before(_) => return BTreeSet::new(),
        };
        let mut kept = BTreeSet::new();
        // After a leap year's worth of days, each has come round.
        for day in first.series(1.day()).take_while(|day| *day <= last).take(DAYS_OF_A_LEAP_YEAR) {
            kept.insert(month_and_day(day));
            if day.month() == 2 && day.day() == 28 && !day.in_leap_year() {
                kept.insert("02-29".to_owned());
            }
        }
        kept
    }
}

/// How many days the longest year has.
const DAYS_OF_A_LEAP_YEAR: usize = 366;

/// A day without its year, as `MM-DD`.
#[must_use]
pub fn month_and_day(day: Date) -> String {
    format!("{:02}-{:02}", day.month(), day.day())
}

impl Stretch {
    /// Whether it is no longer than [`MAX_YEARS`].
    #[must_use]
    pub fn is_within_bounds(self) -> bool {
        self.count <= MAX_YEARS * self.unit.per_year()
    }

    fn span(self) -> jiff::Span {
        // Beyond the bounds, which a check refuses, the longest stretch there is takes its place.
        let count = i64::from(self.count.min(MAX_YEARS * self.unit.per_year()));
        match self.unit {
            Unit::Day => count.days(),
            Unit::Week => count.weeks(),
            Unit::Month => count.months(),
            Unit::Year => count.years(),
        }
    }
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    /// Its word, for one.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// How many of them a year has, at most.
    fn per_year(self) -> u32 {
        match self {
            Self::Day => 366,
            Self::Week => 53,
            Self::Month => 12,
            Self::Year => 1,
        }
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.count, self.unit.as_str())
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last(stretch) => write!(f, "in the last {stretch}"),
            Self::Next(stretch) => write!(f, "in the next {stretch}"),
            Self::Before(stretch) => write!(f, "before {stretch} ago"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::new(&text.parse().unwrap())
    }

    fn days(count: u32) -> Stretch {
        Stretch { count, unit: Unit::Day }
    }

    #[test]
    fn the_last_days_and_what_is_before_them_leave_no_gap() {
        let now = moment("2026-11-23T10:00:00+02:00[Europe/Tallinn]");
        let (last, before) = (now.days(Window::Last(days(30))), now.days(Window::Before(days(30))));
        for (day, is_last) in [("2026-11-23", true), ("2026-10-24", true), ("2026-10-23", false)] {
            let day: Date = day.parse().unwrap();
            assert_eq!((last.hold(&day), before.hold(&day)), (is_last, !is_last), "{day}");
        }
        assert!(!last.hold(&"2026-11-24".parse().unwrap()), "tomorrow is not in the last days");
        let (last, before) = (now.moments(Window::Last(days(30))), now.moments(Window::Before(days(30))));
        // Summer time ended in between: thirty days are thirty days, not 720 hours.
        let edge: Timestamp = "2026-10-24T10:00:00+03:00".parse().unwrap();
        assert!(last.hold(&edge) && !before.hold(&edge));
        let earlier = edge - jiff::SignedDuration::from_micros(1);
        assert!(!last.hold(&earlier) && before.hold(&earlier));
    }

    #[test]
    fn today_is_the_day_of_the_zone() {
        let tallinn = moment("2026-11-23T00:30:00+02:00[Europe/Tallinn]");
        let utc = moment("2026-11-22T22:30:00+00:00[UTC]");
        assert_eq!(tallinn.timestamp(), utc.timestamp());
        let today = Window::Next(days(0));
        assert!(tallinn.days(today).hold(&"2026-11-23".parse().unwrap()));
        assert!(utc.days(today).hold(&"2026-11-22".parse().unwrap()));
    }

    #[test]
    fn the_29th_of_february_is_kept_on_the_28th_where_there_is_none() {
        let at = |text: &str, count| moment(text).anniversaries(Window::Next(days(count)));
        let plain = at("2027-02-28T10:00:00+00:00[UTC]", 0);
        assert_eq!(plain.iter().map(String::as_str).collect::<Vec<_>>(), ["02-28", "02-29"]);
        assert!(!at("2028-02-28T10:00:00+00:00[UTC]", 0).contains("02-29"));
        assert!(at("2028-02-28T10:00:00+00:00[UTC]", 1).contains("02-29"));
        assert!(!at("2027-03-01T10:00:00+00:00[UTC]", 5).contains("02-29"));
    }

    #[test]
    fn anniversaries_go_over_the_end_of_the_year_and_end_after_one() {
        let new_year = moment("2026-12-30T10:00:00+00:00[UTC]");
        let kept = new_year.anniversaries(Window::Next(days(3)));
        assert_eq!(kept.iter().map(String::as_str).collect::<Vec<_>>(), ["01-01", "01-02", "12-30", "12-31"]);
        let past = new_year.anniversaries(Window::Last(days(1)));
        assert_eq!(past.iter().map(String::as_str).collect::<Vec<_>>(), ["12-29", "12-30"]);
        let ever = new_year.anniversaries(Window::Next(Stretch { count: 100, unit: Unit::Year }));
        assert_eq!(ever.len(), 366);
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trap() {
        let last = moment("9999-12-30T10:00:00+00:00[UTC]");
        let far = Window::Next(Stretch { count: u32::MAX, unit: Unit::Year });
        assert!(last.days(far).hold(&Date::MAX));
        assert!(last.end_of(Date::MAX) >= last.timestamp());
        assert_eq!(last.anniversaries(far).len(), 2);
    }
}
