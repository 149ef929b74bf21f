//! From text to schedule.
//!
//! What an expression means is the library's to say. Before that, each part of each field is looked at by
//! itself: so a fault has a place, and what the library would read as something else than it seems (`5,` or
//! `JANFEB`) is refused.

use std::ops::Range;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{DateTime, date};

use super::Schedule;
use super::cron::Cron;
use super::every::{Every, Unit};
use super::fault::{ScheduleFault, ScheduleProblem};
use super::zone::Zone;

/// The longest text of a schedule, in bytes: room for every minute of an hour by number.
pub const MAX_TEXT_BYTES: usize = 256;

/// A moment from which every day that there is comes within a few years.
const LONG_AGO: DateTime = date(2000, 1, 1).at(0, 0, 0, 0);

/// One of the five fields.
struct Field {
    name: &'static str,
    takes: &'static str,
    /// Words that stand for numbers.
    names: &'static [&'static str],
    /// Letters that may stand behind a number.
    suffix: Option<char>,
    /// Words that stand alone.
    alone: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        takes: "write 0 to 59, ranges (0-29), steps (*/15, 0-29/5), or several of them with commas",
        names: &[],
        suffix: None,
        alone: &[],
    },
    Field {
        name: "hour",
        takes: "write 0 to 23, ranges (8-18), steps (*/2, 8-18/2), or several of them with commas",
        names: &[],
        suffix: None,
        alone: &[],
    },
    Field {
        name: "day",
        takes: "write 1 to 31, ranges (1-7), steps (*/2, 1-15/2), L for the last day, 15W for the working day nearest \
                to the 15th, or several of them with commas",
        names: &[],
        suffix: Some('W'),
        alone: &["L", "LW"],
    },
    Field {
        name: "month",
        takes: "write 1 to 12 or JAN to DEC, ranges (APR-SEP), steps (*/3), or several of them with commas",
        names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
        suffix: None,
        alone: &[],
    },
    Field {
        name: "weekday",
        takes: "write 0 to 7 or SUN to SAT (0 and 7 are Sunday), ranges (MON-FRI), 5L for the last Friday, FRI#2 for \
                the second, or several of them with commas",
        names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        suffix: Some('L'),
        alone: &[],
    },
];

/// A word and its place.
#[derive(Debug, Clone)]
struct Word<'t> {
    text: &'t str,
    span: Range<usize>,
}

/// A problem and its place.
struct Misplaced(Range<usize>, ScheduleProblem);

/// Reads a schedule.
pub(super) fn read(text: &str, zone: Option<&Zone>) -> Result<Schedule, ScheduleFault> {
    let fault = |Misplaced(span, problem)| ScheduleFault { text: text.to_owned(), span, problem };
    if text.len() > MAX_TEXT_BYTES {
        return Err(fault(Misplaced(0..0, ScheduleProblem::TooLong)));
    }
    let words = words(text);
    let is_every = words.first().is_some_and(|word| word.text.eq_ignore_ascii_case("every"));
    let read = if is_every { every(&words).map(Schedule::Every) } else { cron(&words, zone).map(Schedule::Cron) };
    read.map_err(fault)
}

/// The words between the spaces.
fn words(text: &str) -> Vec<Word<'_>> {
    pieces(text, 0, char::is_whitespace).into_iter().filter(|word| !word.text.is_empty()).collect()
}

/// The pieces of a text that begins at a place, without what they are split at.
fn pieces(text: &str, start: usize, splits: impl Fn(char) -> bool) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, splitter) in text.char_indices().filter(|(_, c)| splits(*c)) {
        found.push(Word { text: text.get(from..at).unwrap_or_default(), span: start + from..start + at });
        from = at + splitter.len_utf8();
    }
    found.push(Word { text: text.get(from..).unwrap_or_default(), span: start + from..start + text.len() });
    found
}

fn every(words: &[Word<'_>]) -> Result<Every, Misplaced> {
    let whole = || words.first().map_or(0, |word| word.span.start)..words.last().map_or(0, |word| word.span.end);
    let (count, unit) = match words {
        [_, unit] => (None, unit),
        [_, count, unit] => (Some(count), unit),
        _ => return Err(Misplaced(whole(), ScheduleProblem::Every)),
    };
    let word = unit.text.to_lowercase();
    let counted = Unit::ALL.into_iter().find(|unit| word.strip_suffix('s').unwrap_or(&word) == unit.as_str());
    let Some(counted) = counted else {
        return Err(Misplaced(unit.span.clone(), ScheduleProblem::Unit { found: unit.text.to_owned() }));
    };
    let Some(count) = count else {
        return Every::new(1, counted).ok_or(Misplaced(whole(), ScheduleProblem::Every));
    };
    let number = count.text.parse().ok().and_then(|number| Every::new(number, counted));
    number.ok_or_else(|| {
        let problem = ScheduleProblem::Count { found: count.text.to_owned(), unit: counted };
        Misplaced(count.span.clone(), problem)
    })
}

fn cron(words: &[Word<'_>], zone: Option<&Zone>) -> Result<Cron, Misplaced> {
    let start = words.first().map_or(0, |word| word.span.start);
    let end = words.last().map_or(0, |word| word.span.end);
    let (fields, own_zone) = match words {
        [fields @ .., zone] if fields.len() == FIELDS.len() => (fields, Some(zone)),
        fields if fields.len() == FIELDS.len() => (fields, None),
        other => return Err(Misplaced(start..end, ScheduleProblem::Fields { found: other.len() })),
    };
    for (place, (field, word)) in FIELDS.iter().zip(fields).enumerate() {
        check(place, field, word)?;
    }
    let zone = match (own_zone, zone) {
        (Some(word), _) => word.text.parse().map_err(|problem| Misplaced(word.span.clone(), problem))?,
        (None, Some(zone)) => zone.clone(),
        (None, None) => return Err(Misplaced(end..end, ScheduleProblem::NoZone)),
    };
    let written: Vec<String> = fields.iter().map(|word| word.text.to_uppercase()).collect();
    let written = written.join(" ");
    let fields_end = fields.last().map_or(end, |word| word.span.end);
    let rule = rule(&written).ok_or(Misplaced(start..fields_end, ScheduleProblem::Fields { found: words.len() }))?;
    if rule.find_next_occurrence(&LONG_AGO, true).is_err() {
        let days = fields.get(2).map_or(start, |word| word.span.start)..fields_end;
        return Err(Misplaced(days, ScheduleProblem::Never));
    }
    Ok(Cron::new(written, zone, rule))
}

/// Looks at a field by itself, part by part.
fn check(place: usize, field: &Field, word: &Word<'_>) -> Result<(), Misplaced> {
    let alone = |text: &str| -> bool {
        let fields: Vec<&str> = (0..FIELDS.len()).map(|other| if other == place { text } else { "*" }).collect();
        rule(&fields.join(" ")).is_some()
    };
    let refuse = |part: &Word<'_>| {
        let found = part.text.to_owned();
        Misplaced(part.span.clone(), ScheduleProblem::Value { found, field: field.name, takes: field.takes })
    };
    for part in pieces(word.text, word.span.start, |c| c == ',') {
        let text = part.text.to_uppercase();
        if !has_shape(field, &text) || !alone(&text) {
            return Err(refuse(&part));
        }
    }
    // `*` among others is taken by none of them alone.
    if alone(&word.text.to_uppercase()) { Ok(()) } else { Err(refuse(word)) }
}

/// Whether a part is built of what the field knows: a name with something stuck to it is no name.
fn has_shape(field: &Field, part: &str) -> bool {
    let is_number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_value = |text: &str| is_number(text) || field.names.contains(&text);
    if part == "*" || field.alone.contains(&part) {
        return true;
    }
    if let Some((value, nth)) = part.split_once('#') {
        return is_value(value) && is_number(nth);
    }
    if let Some(value) = field.suffix.and_then(|suffix| part.strip_suffix(suffix)) {
        return is_number(value);
    }
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let is_range = match range.split_once('-') {
        Some((first, last)) => is_value(first) && is_value(last),
        None => is_value(range) || (range == "*" && step.is_some()),
    };
    is_range && step.is_none_or(is_number)
}

fn rule(fields: &str) -> Option<croner::Cron> {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build().parse(fields).ok()
}
