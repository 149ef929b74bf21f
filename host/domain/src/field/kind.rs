//! The types of fields, and how a text is read as each of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{FieldFault, FieldValue, places};

/// The longest text in one field, in characters: no provider takes more, and a cell beyond it is a
/// broken file rather than a value.
pub const MAX_TEXT_CHARS: usize = 10_000;
/// The longest long text, in characters: a page of notes ten times over, and still small beside a batch.
pub const MAX_LONG_TEXT_CHARS: usize = 100_000;
/// How much of a value a sentence repeats.
const SHOWN_CHARS: usize = 60;

/// What kind of value a field takes. It never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// Unicode text of up to [`MAX_TEXT_CHARS`] characters.
    Text,
    /// Unicode text of up to [`MAX_LONG_TEXT_CHARS`] characters: notes.
    LongText,
    /// A whole number: digits with an optional minus. Not for phone numbers.
    Number,
    /// A decimal number: digits with an optional minus and a point.
    Decimal,
    /// A calendar date.
    Date,
    /// A moment.
    DateTime,
    /// Yes or no.
    Boolean,
    /// One of the field's choices.
    SingleChoice,
    /// Any of the field's choices.
    MultipleChoice,
    /// A web address, http or https.
    Url,
    /// A phone number with its country, kept as E.164: `+37255512345`.
    Phone,
    /// A country, kept as its ISO 3166 code of two letters: `EE`.
    Country,
    /// A language, kept as its BCP 47 tag: `de`, `pt-BR`.
    Language,
    /// A time zone of the IANA database: `Europe/Tallinn`.
    TimeZone,
    /// A postal address in its six parts.
    Address,
}

impl FieldType {
    /// Every type, in the order in which people meet them.
    pub const ALL: [Self; 15] = [
        Self::Text,
        Self::LongText,
        Self::Number,
        Self::Decimal,
        Self::Date,
        Self::DateTime,
        Self::Boolean,
        Self::SingleChoice,
        Self::MultipleChoice,
        Self::Url,
        Self::Phone,
        Self::Country,
        Self::Language,
        Self::TimeZone,
        Self::Address,
    ];

    /// The type's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::LongText => "long-text",
            Self::Number => "number",
            Self::Decimal => "decimal",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Boolean => "boolean",
            Self::SingleChoice => "single-choice",
            Self::MultipleChoice => "multiple-choice",
            Self::Url => "url",
            Self::Phone => "phone",
            Self::Country => "country",
            Self::Language => "language",
            Self::TimeZone => "time-zone",
            Self::Address => "address",
        }
    }

    /// The words of all types, as a sentence lists them.
    #[must_use]
    pub fn words() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Whether a field of this type has choices.
    #[must_use]
    pub fn has_choices(self) -> bool {
        matches!(self, Self::SingleChoice | Self::MultipleChoice)
    }

    /// Reads a value of this type as people and files write it. An empty text is no value.
    ///
    /// Choices are read by their definition ([`FieldDefinition::read`](super::FieldDefinition::read));
    /// here they are texts.
    ///
    /// # Errors
    ///
    /// [`FieldFault::Value`] with what would be taken.
    pub fn read(self, text: &str) -> Result<Option<FieldValue>, FieldFault> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let read = match self {
            Self::Text | Self::SingleChoice | Self::MultipleChoice => {
                up_to(text, MAX_TEXT_CHARS).ok_or("shorten it to 10,000 characters")
            }
            Self::LongText => up_to(text, MAX_LONG_TEXT_CHARS).ok_or("shorten it to 100,000 characters"),
            Self::Number => canonical_number(text)
                .filter(|number| !number.contains('.'))
                .map(|number| FieldValue::Number { number })
                .ok_or("write digits only, with a minus before them if need be; for a phone number use a phone field"),
            Self::Decimal => canonical_number(text)
                .map(|number| FieldValue::Number { number })
                .ok_or("write digits, with an optional minus and a decimal point"),
            Self::Date => read_date(text)
                .map(|date| FieldValue::Date { date })
                .ok_or("write it as 2026-11-22, 22.11.2026 or 22/11/2026"),
            Self::DateTime => read_moment(text)
                .map(|datetime| FieldValue::DateTime { datetime })
                .ok_or("write it as 2026-11-22T14:30:00+01:00, or without an offset in UTC, as 2026-11-22 14:30"),
            Self::Boolean => read_boolean(text).map(FieldValue::Boolean).ok_or("write yes or no"),
            Self::Url => {
                places::url(text).map(FieldValue::Text).ok_or("write it in full, beginning with https:// or http://")
            }
            Self::Phone => places::phone(text)
                .map(FieldValue::Text)
                .ok_or("write it with its country, beginning with a plus, as in +372 555 12345"),
            Self::Country => places::country(text)
                .map(FieldValue::Text)
                .ok_or("write its two-letter code, such as EE, or its English name"),
            Self::Language => places::language(text)
                .map(FieldValue::Text)
                .ok_or("write its code, such as de or pt-BR, or its English name"),
            Self::TimeZone => places::time_zone(text)
                .map(FieldValue::Text)
                .ok_or("write its name in the IANA database, such as Europe/Tallinn"),
            Self::Address => Err("name the part, as in address.city"),
        };
        read.map(Some).map_err(|mend| FieldFault::Value { value: shown(text), kind: self, mend })
    }
}

/// As much of a value as a sentence repeats.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn up_to(text: &str, chars: usize) -> Option<FieldValue> {
    text.chars().nth(chars).is_none().then(|| FieldValue::Text(text.to_owned()))
}

/// Digits with an optional minus and a point, without needless zeros: `-007.50` is `-7.5`.
pub(crate) fn canonical_number(text: &str) -> Option<String> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || digits.ends_with('.') {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        kept => kept,
    };
    let fraction = fraction.trim_end_matches('0');
    let minus = if whole == "0" && fraction.is_empty() { "" } else { minus };
    Some(if fraction.is_empty() { format!("{minus}{whole}") } else { format!("{minus}{whole}.{fraction}") })
}

/// Yes and no, as systems and people write them in the languages of the vocabulary.
fn read_boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "ja" | "oui" | "si" | "sí" | "sì" | "sim" | "ano" | "áno" | "tak" | "da"
        | "igen" | "jah" | "jā" | "taip" | "kyllä" | "evet" | "ναι" | "да" | "так" => Some(true),
        "false" | "no" | "n" | "0" | "nein" | "non" | "não" | "ne" | "nie" | "nem" | "ei" | "nē" | "nej" | "nei"
        | "nee" | "nu" | "hayır" | "όχι" | "нет" | "ні" | "не" => Some(false),
        _ => None,
    }
}

/// ISO order, or day-month-year; a time behind it is passed over.
fn read_date(text: &str) -> Option<jiff::civil::Date> {
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    day.parse().ok().or_else(|| day_first(text))
}

/// Day-month-year with dots or slashes. Month-first dates are not guessed at.
fn day_first(text: &str) -> Option<jiff::civil::Date> {
    let numbers = |separator: char| -> Option<(i16, i8, i8)> {
        let mut parts = text.split(separator).map(str::trim);
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 {
            return None;
        }
        Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
    };
    let (year, month, day) = numbers('.').or_else(|| numbers('/'))?;
    jiff::civil::Date::new(year, month, day).ok()
}

/// A moment with an offset, or without one in UTC. A day alone is its first moment.
fn read_moment(text: &str) -> Option<jiff::Timestamp> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment);
    }
    let day_first_with_time = || {
        let (day, time) = text.rsplit_once(' ')?;
        Some(day_first(day)?.to_datetime(time.parse().ok()?))
    };
    let civil: jiff::civil::DateTime =
        text.parse().ok().or_else(day_first_with_time).or_else(|| Some(day_first(text)?.into()))?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FieldType {
    type Err = FieldFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| FieldFault::Type(text.to_owned()))
    }
}
