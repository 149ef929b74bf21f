//! From tree to text: the one way in which a segment is written back. What is printed reads as the same
//! tree again.

use std::fmt::{self, Display};

use super::condition::{Condition, Literal, Subject, Test};

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::All(parts) => joined(f, parts, " and "),
            Self::Any(parts) => joined(f, parts, " or "),
            Self::Not(part) => {
                f.write_str("not ")?;
                part_of(f, part)
            }
            Self::Value { of, test: Test::Anniversary(window) } => write!(f, "anniversary({of}) {window}"),
            Self::Value { of, test } => value(f, of, test),
            Self::Consent(states) => match states.as_slice() {
                [only] => write!(f, "consent = {only}"),
                many => enumeration(f, "consent in", many, |f, state| state.fmt(f)),
            },
            Self::ConsentFor { purpose, states } => {
                let of = format!("consent({})", Quoted(purpose));
                match states.as_slice() {
                    [only] => write!(f, "{of} = {only}"),
                    many => enumeration(f, &format!("{of} in"), many, |f, state| state.fmt(f)),
                }
            }
            Self::Unsubscribed(list) => write!(f, "unsubscribed({})", Quoted(list)),
            Self::Tag(name) => write!(f, "tag({})", Quoted(name)),
            Self::OnList(list) => write!(f, "on({})", Quoted(list)),
            Self::InSegment(segment) => write!(f, "in_segment({})", Quoted(segment)),
            Self::Joined { list, window } => write!(f, "joined({}) {window}", Quoted(list)),
            Self::Repeated(list) => optional(f, "repeated", list.as_deref()),
            Self::Member(sync) => optional(f, "member", sync.as_deref()),
            Self::Activity { kind, campaign, window } => {
                optional(f, kind.as_str(), campaign.as_deref())?;
                window.map_or(Ok(()), |window| write!(f, " {window}"))
            }
        }
    }
}

/// Parts of another condition: whatever joins others stands in parentheses there.
fn part_of(f: &mut fmt::Formatter<'_>, part: &Condition) -> fmt::Result {
    match part {
        Condition::All(_) | Condition::Any(_) => write!(f, "({part})"),
        other => other.fmt(f),
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Condition], with: &str) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(with)?;
        }
        part_of(f, part)?;
    }
    Ok(())
}

fn value(f: &mut fmt::Formatter<'_>, of: &Subject, test: &Test) -> fmt::Result {
    match test {
        Test::Set => write!(f, "{of} is set"),
        Test::Empty => write!(f, "{of} is empty"),
        Test::Compare { operator, value } => write!(f, "{of} {} {value}", operator.as_str()),
        Test::Contains(text) => write!(f, "{of} contains {}", Quoted(text)),
        Test::StartsWith(text) => write!(f, "{of} starts with {}", Quoted(text)),
        Test::EndsWith(text) => write!(f, "{of} ends with {}", Quoted(text)),
        Test::In(values) => enumeration(f, &format!("{of} in"), values, |f, value| value.fmt(f)),
        Test::HasAny(choices) => match choices.as_slice() {
            [only] => write!(f, "{of} has {}", Quoted(only)),
            many => enumeration(f, &format!("{of} has any"), many, |f, choice| Quoted(choice).fmt(f)),
        },
        Test::HasAll(choices) => enumeration(f, &format!("{of} has all"), choices, |f, choice| Quoted(choice).fmt(f)),
        Test::Window(window) => write!(f, "{of} {window}"),
        // Printed by its condition.
        Test::Anniversary(window) => write!(f, "anniversary({of}) {window}"),
    }
}

fn enumeration<T>(
    f: &mut fmt::Formatter<'_>,
    before: &str,
    items: &[T],
    item: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{before} (")?;
    for (number, one) in items.iter().enumerate() {
        if number > 0 {
            f.write_str(", ")?;
        }
        item(f, one)?;
    }
    f.write_str(")")
}

fn optional(f: &mut fmt::Formatter<'_>, word: &str, name: Option<&str>) -> fmt::Result {
    match name {
        Some(name) => write!(f, "{word}({})", Quoted(name)),
        None => write!(f, "{word}()"),
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Number(number) => f.write_str(number),
            Self::Date(date) => date.fmt(f),
            Self::Moment(moment) => moment.fmt(f),
            Self::Boolean(true) => f.write_str("yes"),
            Self::Boolean(false) => f.write_str("no"),
        }
    }
}

/// A text in quotes.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
