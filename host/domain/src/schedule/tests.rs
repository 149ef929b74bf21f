//! Ticks over clock changes, leap days and any expression, and what is said about texts that are none.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

use super::*;

const ZONES: [&str; 9] = [
    "Europe/Prague",
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Africa/Cairo",
    "Asia/Tehran",
    "UTC",
];

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|fault| panic!("{fault}"))
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first ticks after a moment, as the clocks of the zone show them.
fn shown(text: &str, after: &str, count: usize) -> Vec<String> {
    let zone = TimeZone::get(text.split(' ').next_back().unwrap()).unwrap();
    let ticks = schedule(text).ticks_between(moment(after), Timestamp::MAX, count);
    ticks.iter().map(|tick| tick.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()).collect()
}

#[test]
fn a_local_time_that_does_not_exist_is_due_once_when_the_gap_ends() {
    let cases = [
        (
            "30 2 * * * Europe/Prague",
            "2026-03-28T00:00:00Z",
            ["2026-03-28 02:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"],
        ),
        (
            "30 2 * * * America/New_York",
            "2026-03-07T06:00:00Z",
            ["2026-03-07 02:30 -05:00", "2026-03-08 03:00 -04:00", "2026-03-09 02:30 -04:00"],
        ),
        (
            // The gap begins at midnight: the day begins at one.
            "0 0 * * * America/Santiago",
            "2026-09-05T00:00:00Z",
            ["2026-09-05 00:00 -04:00", "2026-09-06 01:00 -03:00", "2026-09-07 00:00 -03:00"],
        ),
        (
            // Half an hour.
            "15 2 * * * Australia/Lord_Howe",
            "2026-10-02T15:30:00Z",
            ["2026-10-03 02:15 +10:30", "2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"],
        ),
        (
            "30 2 * * * Asia/Kolkata",
            "2026-03-27T22:00:00Z",
            ["2026-03-29 02:30 +05:30", "2026-03-30 02:30 +05:30", "2026-03-31 02:30 +05:30"],
        ),
        (
            "59 2 * * * Pacific/Auckland",
            "2026-09-25T18:00:00Z",
            ["2026-09-27 03:00 +13:00", "2026-09-28 02:59 +13:00", "2026-09-29 02:59 +13:00"],
        ),
        (
            // A whole day that never was.
            "0 6 * * * Pacific/Apia",
            "2011-12-29T00:00:00Z",
            ["2011-12-29 06:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 06:00 +14:00"],
        ),
    ];
    for (text, after, expected) in cases {
        assert_eq!(shown(text, after, 3), expected, "{text}");
    }
}

#[test]
fn a_local_time_that_comes_twice_is_due_the_first_time_only() {
    let cases = [
        (
            "30 2 * * * Europe/Prague",
            "2026-10-24T00:00:00Z",
            ["2026-10-24 02:30 +02:00", "2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"],
        ),
        (
            "30 1 * * * America/New_York",
            "2026-10-31T05:00:00Z",
            ["2026-10-31 01:30 -04:00", "2026-11-01 01:30 -04:00", "2026-11-02 01:30 -05:00"],
        ),
        (
            "30 23 * * * America/Santiago",
            "2026-04-03T12:00:00Z",
            ["2026-04-03 23:30 -03:00", "2026-04-04 23:30 -03:00", "2026-04-05 23:30 -04:00"],
        ),
        (
            "45 1 * * * Australia/Lord_Howe",
            "2026-04-03T14:00:00Z",
            ["2026-04-04 01:45 +11:00", "2026-04-05 01:45 +11:00", "2026-04-06 01:45 +10:30"],
        ),
        (
            "30 2 * * * Asia/Kolkata",
            "2026-10-24T12:00:00Z",
            ["2026-10-25 02:30 +05:30", "2026-10-26 02:30 +05:30", "2026-10-27 02:30 +05:30"],
        ),
        (
            "0 2 * * * Pacific/Auckland",
            "2026-04-03T12:00:00Z",
            ["2026-04-04 02:00 +13:00", "2026-04-05 02:00 +13:00", "2026-04-06 02:00 +12:00"],
        ),
    ];
    for (text, after, expected) in cases {
        assert_eq!(shown(text, after, 3), expected, "{text}");
    }
}

#[test]
fn many_times_in_one_gap_are_one_tick_and_an_hour_that_comes_again_has_none() {
    let quarters = "*/15 * * * * Europe/Prague";
    assert_eq!(
        shown(quarters, "2026-03-29T00:30:00Z", 3),
        ["2026-03-29 01:45 +01:00", "2026-03-29 03:00 +02:00", "2026-03-29 03:15 +02:00"]
    );
    assert_eq!(
        shown(quarters, "2026-10-25T00:30:00Z", 3),
        ["2026-10-25 02:45 +02:00", "2026-10-25 03:00 +01:00", "2026-10-25 03:15 +01:00"]
    );
    // Asked in the middle of the hour that comes again.
    assert_eq!(shown(quarters, "2026-10-25T01:20:00Z", 1), ["2026-10-25 03:00 +01:00"]);
    let latest = schedule(quarters).latest_at(moment("2026-10-25T01:20:00Z"));
    assert_eq!(latest, Some(moment("2026-10-25T00:45:00Z")));
    // Elapsed time knows no clock change.
    let elapsed = schedule("every 15 minutes");
    let ticks = elapsed.ticks_between(moment("2026-10-25T00:30:00Z"), moment("2026-10-25T02:00:00Z"), 10);
    assert_eq!(ticks.len(), 6);
}

#[test]
fn a_daily_schedule_has_one_tick_on_each_day_of_every_zone() {
    for name in ZONES {
        let zone = TimeZone::get(name).unwrap();
        for time in ["0 0", "59 0", "45 1", "0 2", "15 2", "30 2", "0 3", "59 23"] {
            let daily = schedule(&format!("{time} * * * {name}"));
            let mut day = jiff::civil::date(2025, 12, 31);
            let begin = day.at(12, 0, 0, 0).to_zoned(zone.clone()).unwrap().timestamp();
            for tick in daily.ticks_between(begin, begin + SignedDuration::from_hours(24 * 400), 400) {
                let date = tick.to_zoned(zone.clone()).date();
                assert!(date == day || date == day.tomorrow().unwrap(), "{name} {time}: {date} after {day}");
                assert!(date > day || day.year() == 2025, "{name} {time}: {date} twice");
                day = date;
            }
            assert_eq!(day.year(), 2027, "{name} {time}");
        }
    }
}

#[test]
fn the_29_of_february_comes_in_leap_years_and_2100_is_none() {
    let leap = shown("0 12 29 2 * Europe/Prague", "2095-01-01T00:00:00Z", 3);
    assert_eq!(leap, ["2096-02-29 12:00 +01:00", "2104-02-29 12:00 +01:00", "2108-02-29 12:00 +01:00"]);
    let last = shown("0 0 L 2 * UTC", "2096-01-01T00:00:00Z", 5);
    assert_eq!(
        last.iter().map(|tick| &tick[..10]).collect::<Vec<_>>(),
        ["2096-02-29", "2097-02-28", "2098-02-28", "2099-02-28", "2100-02-28"]
    );
    let first_days = shown("30 6 1 * * Pacific/Auckland", "2100-01-15T00:00:00Z", 2);
    assert_eq!(first_days, ["2100-02-01 06:30 +13:00", "2100-03-01 06:30 +13:00"]);
    let december = shown("0 0 L * * UTC", "2026-11-15T00:00:00Z", 3);
    assert_eq!(december, ["2026-11-30 00:00 +00:00", "2026-12-31 00:00 +00:00", "2027-01-31 00:00 +00:00"]);
}

#[test]
fn a_day_and_a_weekday_name_days_of_either_kind() {
    let either = shown("0 0 13 * FRI UTC", "2026-02-09T00:00:00Z", 4);
    let days: Vec<&str> = either.iter().map(|tick| &tick[..10]).collect();
    assert_eq!(days, ["2026-02-13", "2026-02-20", "2026-02-27", "2026-03-06"]);
    let nth = shown("0 0 * * FRI#2 UTC", "2026-02-01T00:00:00Z", 2);
    assert_eq!(nth, ["2026-02-13 00:00 +00:00", "2026-03-13 00:00 +00:00"]);
    let last = shown("0 0 * * 5L UTC", "2026-12-01T00:00:00Z", 1);
    assert_eq!(last, ["2026-12-25 00:00 +00:00"]);
    let working = shown("0 0 15W * * UTC", "2026-08-01T00:00:00Z", 1);
    assert_eq!(working, ["2026-08-14 00:00 +00:00"]);
    for sunday in ["0", "7", "SUN", "sun"] {
        assert_eq!(shown(&format!("0 0 * * {sunday} UTC"), "2026-02-02T00:00:00Z", 1), ["2026-02-08 00:00 +00:00"]);
    }
}

#[test]
fn what_comes_every_so_often_is_counted_from_1970_and_not_from_the_last_tick() {
    let cases = [
        ("every 15 minutes", "2026-05-01T10:07:12Z", "2026-05-01T10:15:00Z"),
        ("every 15 minutes", "2026-05-01T10:15:00Z", "2026-05-01T10:30:00Z"),
        ("every 2 hours", "2026-05-01T10:07:12Z", "2026-05-01T12:00:00Z"),
        ("every minute", "2026-05-01T10:07:59.999Z", "2026-05-01T10:08:00Z"),
        ("every 2 hours", "1969-12-31T22:00:00.5Z", "1970-01-01T00:00:00Z"),
        ("every 2 hours", "1969-12-31T21:59:59.5Z", "1969-12-31T22:00:00Z"),
    ];
    for (text, after, next) in cases {
        assert_eq!(schedule(text).next_after(moment(after)), Some(moment(next)), "{text} after {after}");
        assert_eq!(schedule(text).latest_at(moment(next)), Some(moment(next)));
    }
    assert_eq!(schedule("every hour").next_after(Timestamp::MAX), None);
    assert_eq!(schedule("0 6 * * * UTC").next_after(Timestamp::MAX), None);
    assert_eq!(schedule("0 6 * * * UTC").latest_at(Timestamp::MIN), None);
}

#[test]
fn what_people_type_is_read_and_written_in_one_way() {
    let prague: Zone = "europe/prague".parse().unwrap_or_else(|fault| panic!("{fault}"));
    let cases = [
        ("0 6 * * *", "0 6 * * * Europe/Prague"),
        ("  0\t6 * * *  ", "0 6 * * * Europe/Prague"),
        ("0 6 * * mon-Fri", "0 6 * * MON-FRI Europe/Prague"),
        ("0 6 * jan,jul * asia/kolkata", "0 6 * JAN,JUL * Asia/Kolkata"),
        ("5,35 8-18/2 1-15/3,L */3 0-6 utc", "5,35 8-18/2 1-15/3,L */3 0-6 UTC"),
        ("every 15 minutes", "every 15 minutes"),
        ("Every  2  Hours", "every 2 hours"),
        ("every 1 hour", "every hour"),
        ("every minute", "every minute"),
        ("every 168 hours", "every 168 hours"),
    ];
    for (typed, written) in cases {
        let read = Schedule::read(typed, Some(&prague)).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(read.to_string(), written);
        assert_eq!(schedule(written), read);
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(json, format!("\"{written}\""));
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), read);
    }
    assert_ne!(schedule("0 6 * * * UTC"), schedule("0 6 * * * Europe/Prague"));
}

#[test]
fn a_text_that_is_none_is_answered_with_the_place_and_the_mend() {
    // The text, what is marked in it, and a part of the sentence.
    let cases = [
        ("", "", "write it like `0 6 * * * Europe/Prague`"),
        ("0 6 * *", "0 6 * *", "4 words stand here"),
        ("@daily", "@daily", "1 words stand here"),
        ("61 6 * * * UTC", "61", "`61` can't stand for the minute: write 0 to 59"),
        ("0 6,24,7 * * * UTC", "24", "can't stand for the hour"),
        ("0 18-6 * * * UTC", "18-6", "can't stand for the hour"),
        ("*/0 6 * * * UTC", "*/0", "can't stand for the minute"),
        ("5/10 6 * * * UTC", "5/10", "steps (*/15, 0-29/5)"),
        ("5, 6 * * * UTC", "", "can't stand for the minute"),
        ("*,5 6 * * * UTC", "*,5", "can't stand for the minute"),
        ("0 6 32 * * UTC", "32", "can't stand for the day"),
        ("0 6 * JANFEB * UTC", "JANFEB", "JAN to DEC"),
        ("0 6 * 1JAN * UTC", "1JAN", "can't stand for the month"),
        ("0 6 * * MONDAY UTC", "MONDAY", "SUN to SAT"),
        ("0 6 * * FRI#6 UTC", "FRI#6", "FRI#2 for the second"),
        ("0 6 ? * * UTC", "?", "can't stand for the day"),
        ("0 6 * * +1 UTC", "+1", "can't stand for the weekday"),
        ("L 6 * * * UTC", "L", "can't stand for the minute"),
        ("0 6 30 2 * UTC", "30 2 *", "no year has such a day"),
        ("0 6 31 4,6 * UTC", "31 4,6 *", "no year has such a day"),
        ("0 6 * * *", "", "it is not said whose clocks are meant"),
        ("0 6 * * * Europe/Praha", "Europe/Praha", "did you mean `Europe/Prague`?"),
        ("0 0 6 * * *", "*", "no field for seconds"),
        ("every", "every", "write it like `every 15 minutes`"),
        ("every 2 hours or so", "every 2 hours or so", "by nothing else"),
        ("every 2 days", "days", "`days` is not what `every` counts in"),
        ("every 0 minutes", "0", "write one from 1 to 10080"),
        ("every 169 hours", "169", "write one from 1 to 168"),
        ("every few minutes", "few", "`few` is not a number of minutes"),
        ("every -5 minutes", "-5", "is not a number of minutes"),
        ("0 6 ů * * UTC", "ů", "can't stand for the day"),
    ];
    for (text, place, sentence) in cases {
        let fault = Schedule::read(text, None).unwrap_err();
        assert_eq!(&text[fault.span.clone()], place, "{fault}");
        assert!(fault.problem.to_string().contains(sentence), "{fault}");
    }
    let long = format!("{} 6 * * * UTC", "5,".repeat(200));
    assert_eq!(Schedule::read(&long, None).unwrap_err().problem, ScheduleProblem::TooLong);
}

#[test]
fn the_place_is_marked_below_the_text() {
    let fault = Schedule::read("0 ůů 6,99 * *", None).unwrap_err().to_string();
    let lines: Vec<&str> = fault.lines().collect();
    assert_eq!(lines[1..], ["  0 ůů 6,99 * *", "    ^^"]);
    assert!(lines[0].starts_with("`ůů` can't stand for the hour"), "{fault}");
}

/// A field as text, with the numbers that it stands for.
#[derive(Debug, Clone)]
struct Field {
    text: String,
    numbers: BTreeSet<i8>,
}

impl Field {
    fn is_star(&self) -> bool {
        self.text == "*"
    }
}

/// A field that goes from `low` to `high`. Single numbers are taken up to `common`, which every month has.
fn field(low: i8, high: i8, common: i8) -> impl Strategy<Value = Field> {
    let all = Just(Field { text: "*".to_owned(), numbers: (low..=high).collect() });
    let steps = (2..=high).prop_map(move |step| Field {
        text: format!("*/{step}"),
        numbers: (low..=high).step_by(usize::try_from(step).unwrap()).collect(),
    });
    let range = (low..=common, low..=high).prop_map(|(a, b)| Field {
        text: format!("{}-{}", a.min(b), a.max(b)),
        numbers: (a.min(b)..=a.max(b)).collect(),
    });
    let few = proptest::collection::btree_set(low..=common, 1..4)
        .prop_map(|numbers| Field { text: numbers.iter().map(i8::to_string).collect::<Vec<_>>().join(","), numbers });
    prop_oneof![3 => all, 2 => steps, 1 => range, 3 => few]
}

#[derive(Clone)]
struct Expression {
    fields: [Field; 5],
    zone: &'static str,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Expression {
    fn text(&self) -> String {
        let fields: Vec<&str> = self.fields.iter().map(|field| field.text.as_str()).collect();
        format!("{} {}", fields.join(" "), self.zone)
    }

    /// Whether a local time is one that the fields name.
    fn names(&self, local: DateTime) -> bool {
        let [minute, hour, day, month, weekday] = &self.fields;
        let is_day = day.numbers.contains(&local.day());
        let is_weekday = weekday.numbers.contains(&local.weekday().to_sunday_zero_offset());
        let is_date = if day.is_star() || weekday.is_star() { is_day && is_weekday } else { is_day || is_weekday };
        minute.numbers.contains(&local.minute())
            && hour.numbers.contains(&local.hour())
            && month.numbers.contains(&local.month())
            && is_date
    }

    /// The ticks after a whole minute, by looking at the clock each minute: a tick whenever it shows for the
    /// first time something that the fields name, or has leapt over it.
    fn looked_up(&self, from: Timestamp, minutes: i64) -> Vec<Timestamp> {
        let zone = TimeZone::get(self.zone).unwrap();
        // What was shown before counts as seen, so the look begins earlier than any clock is put back.
        let begin = from - SignedDuration::from_hours(26);
        let mut seen = zone.to_datetime(begin);
        let mut ticks = Vec::new();
        for minute in 1..=minutes + 26 * 60 {
            let instant = begin + SignedDuration::from_mins(minute);
            let shown = zone.to_datetime(instant);
            let mut is_tick = false;
            while seen < shown {
                seen += 1.minute();
                is_tick |= self.names(seen);
            }
            if is_tick && instant > from {
                ticks.push(instant);
            }
        }
        ticks
    }
}

fn expression() -> impl Strategy<Value = Expression> {
    let fields = (field(0, 59, 59), field(0, 23, 23), field(1, 31, 28), field(1, 12, 12), field(0, 6, 6));
    (fields, proptest::sample::select(&ZONES[..])).prop_map(|((minute, hour, day, month, weekday), zone)| Expression {
        fields: [minute, hour, day, month, weekday],
        zone,
    })
}

/// A whole minute of this century; half of them shortly before a clock change.
fn minute_near_a_change() -> impl Strategy<Value = (i64, bool)> {
    (15_768_000_i64..67_000_000, any::<bool>())
}

fn begin_of((minute, is_near): (i64, bool), zone: &str) -> Timestamp {
    let minute = Timestamp::from_second(minute * 60).unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let change = zone.following(minute).next().filter(|_| is_near);
    // A change at which nothing does may stand anywhere in a minute.
    let near = |change: Timestamp| Timestamp::from_second(change.as_second().div_euclid(60) * 60 - 4 * 3_600).unwrap();
    change.map_or(minute, |change| near(change.timestamp()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn ticks_are_those_that_somebody_sees_who_looks_at_the_clock(
        expression in expression(),
        begin in minute_near_a_change(),
    ) {
        let from = begin_of(begin, expression.zone);
        let minutes = 36 * 60;
        let to = from + SignedDuration::from_mins(minutes);
        let ticks = schedule(&expression.text()).ticks_between(from, to, 10_000);
        prop_assert_eq!(ticks, expression.looked_up(from, minutes), "{} from {}", expression.text(), from);
    }

    #[test]
    fn the_next_tick_follows_from_the_rule_wherever_it_is_asked_from(
        expression in expression(),
        begin in minute_near_a_change(),
        nanos in 0_i64..3_000_000_000_000,
    ) {
        let schedule = schedule(&expression.text());
        let instant = begin_of(begin, expression.zone) + SignedDuration::from_nanos(nanos);
        let next = schedule.next_after(instant).unwrap();
        prop_assert!(next > instant);
        prop_assert_eq!(schedule.latest_at(next), Some(next), "a tick is its own latest");
        let latest = schedule.latest_at(instant).unwrap();
        prop_assert!(latest <= instant);
        prop_assert_eq!(schedule.next_after(latest), Some(next), "nothing lies between two ticks");
        let between = instant + next.duration_since(instant) / 2;
        prop_assert_eq!(schedule.next_after(between), Some(next));
    }

    #[test]
    fn ticks_between_are_those_met_one_by_one_and_none_comes_twice(
        expression in expression(),
        begin in minute_near_a_change(),
        limit in 0_usize..40,
    ) {
        let schedule = schedule(&expression.text());
        let from = begin_of(begin, expression.zone);
        let to = from + SignedDuration::from_hours(24 * 40);
        let mut one_by_one = Vec::new();
        let mut last = from;
        while one_by_one.len() < limit && let Some(next) = schedule.next_after(last).filter(|next| *next <= to) {
            one_by_one.push(next);
            last = next;
        }
        let ticks = schedule.ticks_between(from, to, limit);
        prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(&ticks, &one_by_one);
        // In two parts as well as in one.
        if let Some(middle) = ticks.get(ticks.len() / 2) {
            let mut parts = schedule.ticks_between(from, *middle, limit);
            parts.extend(schedule.ticks_between(*middle, to, limit - parts.len()));
            prop_assert_eq!(parts, ticks);
        }
    }

    #[test]
    fn elapsed_time_has_ticks_of_one_length(count in 1_u32..168, is_hours in any::<bool>(), second in 0_i64..4_000_000_000) {
        let unit = if is_hours { Unit::Hour } else { Unit::Minute };
        let every = Every::new(count, unit).unwrap();
        let schedule = Schedule::Every(every);
        let instant = Timestamp::from_second(second).unwrap();
        let next = schedule.next_after(instant).unwrap();
        let latest = schedule.latest_at(instant).unwrap();
        prop_assert!(latest <= instant && instant < next);
        prop_assert_eq!(next.duration_since(latest).as_secs(), every.seconds());
        prop_assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule);
    }

    #[test]
    fn an_expression_is_read_again_as_it_was_written(expression in expression()) {
        let read = schedule(&expression.text());
        prop_assert_eq!(read.to_string(), expression.text());
        prop_assert_eq!(schedule(&read.to_string()), read);
    }

    #[test]
    fn any_text_is_a_schedule_or_a_fault_with_a_place_in_it(text in "[0-9A-Z*/,#LW@ěevry -]{0,24}( [0-9*/,-]{1,4}){0,5}") {
        match Schedule::read(&text, None) {
            Ok(read) => prop_assert_eq!(read.to_string().parse::<Schedule>().unwrap(), read),
            Err(fault) => {
                prop_assert!(text.get(fault.span.clone()).is_some(), "{fault}");
                prop_assert!(fault.to_string().lines().count() == 3, "{fault}");
            }
        }
    }
}
