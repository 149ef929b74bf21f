//! A schedule with what the operator wants beside it, and which ticks are to run now.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Schedule;

/// A tick that starts so little after its time was not missed: the program was only busy for a moment, or was
/// started anew.
pub const ON_TIME: SignedDuration = SignedDuration::from_mins(1);

/// How far back missed ticks are made up for at most, 31 days: what is older than a month says nothing any more.
pub const MAX_WINDOW: SignedDuration = SignedDuration::from_hours(31 * 24);

/// By how much ticks are put off at most, an hour: further on, people would look for a tick that did not come.
pub const MAX_SPREAD: SignedDuration = SignedDuration::from_hours(1);

/// So many missed ticks are made up for at one go, so that one transaction stays short; the others come with the
/// next look.
pub const TICKS_AT_ONCE: usize = 100;

/// What becomes of ticks that were missed because nobody was there to run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "policy")]
pub enum Misfire {
    /// They are left out; the next one comes at its time.
    Skip,
    /// The last of them runs at once and stands for all.
    Once,
    /// All of them run at once, oldest first, as far as they are not older than this.
    All {
        /// Up to which age.
        within: SignedDuration,
    },
}

/// When a sync runs by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Timetable {
    parts: Parts,
}

/// A timetable as it is written, before its bounds are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    schedule: Schedule,
    misfire: Misfire,
    spread: SignedDuration,
}

/// What is wrong with a timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimetableFault {
    /// The window is none, or too long.
    #[error(
        "missed ticks can be made up for within a minute at least and {} days at most: choose a time between these",
        MAX_WINDOW.as_hours() / 24
    )]
    Window,
    /// The spread is negative or too long.
    #[error("ticks can be spread over {} minutes at most: choose less", MAX_SPREAD.as_mins())]
    Spread,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The ticks that are to run now, oldest first.
    pub run: Vec<Timestamp>,
    /// The instant up to which every tick is settled: it runs now, ran before, or is left out.
    pub settled: Timestamp,
}

impl Timetable {
    /// A schedule, what becomes of its missed ticks, and by how much its ticks are spread; zero for not at all.
    ///
    /// # Errors
    ///
    /// [`TimetableFault`] when a time is out of bounds.
    pub fn new(schedule: Schedule, misfire: Misfire, spread: SignedDuration) -> Result<Self, TimetableFault> {
        Self::try_from(Parts { schedule, misfire, spread })
    }

    /// The rule from which its ticks follow.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.parts.schedule
    }

    /// What becomes of missed ticks.
    #[must_use]
    pub fn misfire(&self) -> Misfire {
        self.parts.misfire
    }

    /// By how much its ticks are put off at most.
    #[must_use]
    pub fn spread(&self) -> SignedDuration {
        self.parts.spread
    }

    /// When a tick starts: at its time or up to the spread later, and always before the next tick, so that ticks
    /// stay in their order. `id` is the number of what is scheduled: two that have the same ticks start at
    /// different times, each at the same one whenever it is asked.
    #[must_use]
    pub fn start_of(&self, id: i64, tick: Timestamp) -> Timestamp {
        let next = self.schedule().next_after(tick);
        let room = next.map_or(self.spread(), |next| next.duration_since(tick).min(self.spread()));
        tick.checked_add(put_off(id, tick, room)).unwrap_or(tick)
    }

    /// When the next tick after what is settled starts. None where time ends.
    #[must_use]
    pub fn next_start(&self, id: i64, settled: Timestamp) -> Option<Timestamp> {
        Some(self.start_of(id, self.schedule().next_after(settled)?))
    }

    /// Which ticks are to run now, when everything up to `settled` is settled. A last tick that starts just now
    /// ([`ON_TIME`]) always runs; about the others the policy decides.
    ///
    /// What was settled in the future (a clock was set back) is settled no more. So a clock that was once wrong
    /// by a year does not keep a sync from running for a year; whoever keeps the ticks that ran keeps them from
    /// running twice.
    #[must_use]
    pub fn due(&self, id: i64, settled: Timestamp, now: Timestamp) -> Due {
        if settled > now {
            return Due { run: Vec::new(), settled: now };
        }
        let Some(latest) = self.latest_started(id, now).filter(|latest| *latest > settled) else {
            return Due { run: Vec::new(), settled };
        };
        let is_on_time = now.duration_since(self.start_of(id, latest)) <= ON_TIME;
        let run = match self.misfire() {
            Misfire::Skip if is_on_time => vec![latest],
            Misfire::Skip => Vec::new(),
            Misfire::Once => vec![latest],
            Misfire::All { within } => self.made_up(settled, latest, now, within, is_on_time),
        };
        let is_cut_short = run.len() == TICKS_AT_ONCE;
        let settled = run.last().copied().filter(|_| is_cut_short).unwrap_or(latest);
        Due { run, settled }
    }

    /// The last tick that has started.
    fn latest_started(&self, id: i64, now: Timestamp) -> Option<Timestamp> {
        let latest = self.schedule().latest_at(now)?;
        if self.start_of(id, latest) <= now {
            return Some(latest);
        }
        // The one before started before this one's time.
        self.schedule().latest_at(just_before(latest))
    }

    /// The ticks behind what is settled that are not older than the window.
    fn made_up(
        &self,
        settled: Timestamp,
        latest: Timestamp,
        now: Timestamp,
        within: SignedDuration,
        is_on_time: bool,
    ) -> Vec<Timestamp> {
        let oldest = now.checked_sub(within).map_or(settled, just_before);
        let from = if is_on_time { oldest.min(just_before(latest)) } else { oldest };
        self.schedule().ticks_between(from.max(settled), latest, TICKS_AT_ONCE)
    }
}

impl TryFrom<Parts> for Timetable {
    type Error = TimetableFault;

    fn try_from(parts: Parts) -> Result<Self, Self::Error> {
        if let Misfire::All { within } = parts.misfire
            && !(ON_TIME..=MAX_WINDOW).contains(&within)
        {
            return Err(TimetableFault::Window);
        }
        if !(SignedDuration::ZERO..=MAX_SPREAD).contains(&parts.spread) {
            return Err(TimetableFault::Spread);
        }
        Ok(Self { parts })
    }
}

impl From<Timetable> for Parts {
    fn from(timetable: Timetable) -> Self {
        timetable.parts
    }
}

impl fmt::Display for Misfire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("missed ticks are left out"),
            Self::Once => f.write_str("missed ticks are made up for by one"),
            Self::All { within } => write!(f, "all ticks missed within {within:#} are made up for"),
        }
    }
}

/// The instant before another one. Ticks are whole seconds, so that none lies between.
fn just_before(instant: Timestamp) -> Timestamp {
    instant.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(instant)
}

/// By how much a tick is put off: less than `room`, in whole milliseconds, spread evenly over all ticks and ids.
fn put_off(id: i64, tick: Timestamp, room: SignedDuration) -> SignedDuration {
    let Some(millis) = u64::try_from(room.as_millis()).ok().filter(|millis| *millis > 0) else {
        return SignedDuration::ZERO;
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.to_le_bytes());
    hasher.update(&tick.as_second().to_le_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    let millis = u64::from_le_bytes(bytes) % millis;
    i64::try_from(millis).map_or(SignedDuration::ZERO, SignedDuration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn timetable(schedule: &str, misfire: Misfire) -> Timetable {
        Timetable::new(schedule.parse().unwrap(), misfire, SignedDuration::ZERO).unwrap()
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn due(timetable: &Timetable, settled: &str, now: &str) -> (Vec<String>, String) {
        let Due { run, settled } = timetable.due(1, moment(settled), moment(now));
        (run.iter().map(Timestamp::to_string).collect(), settled.to_string())
    }

    fn runs(ticks: &[&str]) -> Vec<String> {
        ticks.iter().map(|tick| (*tick).to_owned()).collect()
    }

    #[test]
    fn a_tick_on_time_runs_whatever_the_policy_and_only_once() {
        for misfire in [Misfire::Skip, Misfire::Once, Misfire::All { within: ON_TIME }] {
            let hourly = timetable("0 * * * * UTC", misfire);
            let six = "2026-05-01T06:00:00Z";
            for now in [six, "2026-05-01T06:00:00.25Z", "2026-05-01T06:01:00Z"] {
                assert_eq!(due(&hourly, "2026-05-01T05:00:00Z", now), (runs(&[six]), six.to_owned()), "{misfire:?}");
                assert_eq!(due(&hourly, six, now), (runs(&[]), six.to_owned()));
            }
            let before = due(&hourly, "2026-05-01T05:00:00Z", "2026-05-01T05:59:59.999Z");
            assert_eq!(before, (runs(&[]), "2026-05-01T05:00:00Z".to_owned()));
        }
    }

    #[test]
    fn missed_ticks_are_left_out_made_up_for_by_one_or_all_made_up_for() {
        // Five ticks were missed: at 06, 07, 08, 09 and 10.
        let (settled, now, latest) = ("2026-05-01T05:00:00Z", "2026-05-01T10:20:00Z", "2026-05-01T10:00:00Z");
        let cases = [
            (Misfire::Skip, runs(&[])),
            (Misfire::Once, runs(&[latest])),
            (
                Misfire::All { within: SignedDuration::from_mins(140) },
                runs(&["2026-05-01T08:00:00Z", "2026-05-01T09:00:00Z", latest]),
            ),
            (Misfire::All { within: SignedDuration::from_mins(139) }, runs(&["2026-05-01T09:00:00Z", latest])),
            (Misfire::All { within: SignedDuration::from_mins(10) }, runs(&[])),
        ];
        for (misfire, expected) in cases {
            let hourly = timetable("0 * * * * UTC", misfire);
            assert_eq!(due(&hourly, settled, now), (expected, latest.to_owned()), "{misfire:?}");
            assert_eq!(due(&hourly, latest, now).0, runs(&[]), "{misfire:?}: settled once and for all");
        }
    }

    #[test]
    fn a_missed_tick_does_not_put_the_next_one_off() {
        // A yearly tick was missed; the next comes a year after it by the rule, not a year after today.
        let yearly = timetable("0 6 1 1 * UTC", Misfire::Skip);
        let Due { run, settled } = yearly.due(1, moment("2025-06-01T00:00:00Z"), moment("2026-02-11T00:00:00Z"));
        assert_eq!(run, []);
        assert_eq!(yearly.next_start(1, settled), Some(moment("2027-01-01T06:00:00Z")));
    }

    #[test]
    fn many_missed_ticks_come_in_portions_and_none_twice() {
        let each = timetable("every minute", Misfire::All { within: HOUR * 5 });
        let (mut settled, now) = (moment("2026-05-01T00:00:00Z"), moment("2026-05-01T06:00:30Z"));
        let mut all = Vec::new();
        let mut portions = Vec::new();
        loop {
            let due = each.due(1, settled, now);
            if due.run.is_empty() {
                break;
            }
            assert!(due.settled > settled);
            settled = due.settled;
            portions.push(due.run.len());
            all.extend(due.run);
        }
        assert_eq!(portions, [TICKS_AT_ONCE, TICKS_AT_ONCE, TICKS_AT_ONCE]);
        assert_eq!(all, each.schedule().ticks_between(moment("2026-05-01T01:00:30Z"), now, 1_000));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_the_next_tick_waiting() {
        let hourly = timetable("0 * * * * UTC", Misfire::Once);
        let (ran, settled) = due(&hourly, "2027-05-01T05:00:00Z", "2026-05-01T05:30:00Z");
        assert_eq!((ran, settled.as_str()), (runs(&[]), "2026-05-01T05:30:00Z"));
        assert_eq!(due(&hourly, &settled, "2026-05-01T06:00:00Z").0, runs(&["2026-05-01T06:00:00Z"]));
    }

    #[test]
    fn ticks_are_spread_by_less_than_the_bound_and_never_past_the_next_tick() {
        let spread = |schedule: &str, spread| Timetable::new(schedule.parse().unwrap(), Misfire::Once, spread).unwrap();
        let ten = SignedDuration::from_mins(10);
        let daily = spread("0 6 * * * Europe/Prague", ten);
        let ticks = daily.schedule().ticks_between(moment("2026-01-01T00:00:00Z"), moment("2028-01-01T00:00:00Z"), 500);
        let by: Vec<SignedDuration> = ticks.iter().map(|tick| daily.start_of(7, *tick).duration_since(*tick)).collect();
        assert!(by.iter().all(|by| !by.is_negative() && *by < ten), "{by:?}");
        let parts = |part: i64| by.iter().filter(|by| by.as_millis() / 60_000 == i128::from(part)).count();
        assert!((0..10).all(|part| parts(part) > 20), "every minute of the ten gets its share");
        let others = ticks.iter().filter(|tick| daily.start_of(8, **tick) != daily.start_of(7, **tick)).count();
        assert!(others > 490, "another sync starts at other times");
        // What was once told must be true after an update of the program.
        assert_eq!(daily.start_of(7, moment("2026-01-01T05:00:00Z")).to_string(), "2026-01-01T05:07:40.357Z");

        let each = spread("every minute", HOUR);
        for tick in each.schedule().ticks_between(moment("2026-01-01T00:00:00Z"), moment("2026-01-02T00:00:00Z"), 500) {
            let next = each.schedule().next_after(tick).unwrap();
            assert!((tick..next).contains(&each.start_of(7, tick)));
        }
    }

    #[test]
    fn a_spread_tick_runs_when_it_starts_and_not_before() {
        let daily = Timetable::new("0 6 * * * UTC".parse().unwrap(), Misfire::Skip, HOUR).unwrap();
        let (settled, tick) = (moment("2026-05-01T05:00:00Z"), moment("2026-05-01T06:00:00Z"));
        let start = daily.next_start(7, settled).unwrap();
        assert!(start > tick, "{start}");
        assert_eq!(daily.due(7, settled, just_before(start)), Due { run: vec![], settled });
        assert_eq!(daily.due(7, settled, start), Due { run: vec![tick], settled: tick });
        assert_eq!(daily.due(7, settled, start + ON_TIME), Due { run: vec![tick], settled: tick });
        assert_eq!(daily.due(7, settled, start + ON_TIME * 2), Due { run: vec![], settled: tick });
    }

    #[test]
    fn times_out_of_bounds_are_refused_also_in_json() {
        let schedule: Schedule = "every hour".parse().unwrap();
        let new = |misfire, spread| Timetable::new(schedule.clone(), misfire, spread);
        for within in [SignedDuration::ZERO, -HOUR, MAX_WINDOW + HOUR] {
            let fault = new(Misfire::All { within }, SignedDuration::ZERO).unwrap_err();
            assert!(fault.to_string().contains("31 days"), "{fault}");
        }
        for spread in [-HOUR, MAX_SPREAD + HOUR] {
            assert_eq!(new(Misfire::Once, spread), Err(TimetableFault::Spread));
        }
        let good = new(Misfire::All { within: HOUR }, SignedDuration::from_secs(90)).unwrap();
        let json = serde_json::to_string(&good).unwrap();
        assert_eq!(json, r#"{"schedule":"every hour","misfire":{"policy":"all","within":"PT1H"},"spread":"PT1M30S"}"#);
        assert_eq!(serde_json::from_str::<Timetable>(&json).unwrap(), good);
        assert!(serde_json::from_str::<Timetable>(&json.replace("PT1M30S", "PT2H")).is_err());
    }
}
