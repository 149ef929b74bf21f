//! The fields that a workspace defines, and their typed values (row D4).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest field name: long enough for words, short enough for a column heading.
pub const MAX_NAME_CHARS: usize = 40;
/// The longest text in one field, in characters: no provider takes more, and a cell beyond it is a
/// broken file rather than a value.
pub const MAX_TEXT_CHARS: usize = 10_000;

/// The name of a field: the letters a-z, nothing else. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldName(String);

/// What kind of value a field takes. It never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldType {
    /// Unicode text of up to [`MAX_TEXT_CHARS`] characters.
    Text,
    /// A decimal number in digits, with an optional minus and a point. Not for phone numbers.
    Number,
    /// A calendar date.
    Date,
    /// Yes or no.
    Boolean,
    /// A postal address in its six parts.
    Address,
}

/// A field of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDefinition {
    /// What mappings name.
    pub name: FieldName,
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// What people read.
    pub label: String,
}

/// A part of a postal address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressPart {
    /// Street and number.
    Line1,
    /// Whatever else the street needs.
    Line2,
    /// The town.
    City,
    /// State, province or region.
    State,
    /// The postal code.
    Zip,
    /// The country.
    Country,
}

/// A postal address: the parts that are filled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub BTreeMap<AddressPart, String>);

/// The value of a field. Empty values do not exist: a field without one is absent.
///
/// As JSON a text is a string, a boolean is itself, and the others are an object with the kind as
/// its only key (`{"date":"1980-02-29"}`), so that a stored value tells what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// Yes or no.
    Boolean(bool),
    /// A number in canonical digits.
    Number {
        /// Digits with an optional minus and a point.
        number: String,
    },
    /// A date.
    Date {
        /// The day.
        date: jiff::civil::Date,
    },
    /// An address.
    Address {
        /// Its filled parts.
        address: Address,
    },
}

/// The fields of one contact.
pub type Fields = BTreeMap<FieldName, FieldValue>;

/// Why a name or a value is not taken. Each is a sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// The name has other characters than a-z.
    #[error("`{0}` is not a field name: use the letters a-z only, up to {MAX_NAME_CHARS} of them")]
    Name(String),
    /// The kind is unknown.
    #[error("`{0}` is not a field type: use text, number, date, boolean or address")]
    Type(String),
    /// The part of an address is unknown.
    #[error("`{0}` is not a part of an address: use line1, line2, city, state, zip or country")]
    Part(String),
    /// The value does not fit the kind.
    #[error("`{value}` is not a {kind}: {mend}")]
    Value {
        /// What was given, cut to 60 characters.
        value: String,
        /// What the field takes.
        kind: FieldType,
        /// What would be taken.
        mend: &'static str,
    },
}

impl FieldName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FieldName {
    type Err = FieldFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits =
            !text.is_empty() && text.len() <= MAX_NAME_CHARS && text.bytes().all(|byte| byte.is_ascii_lowercase());
        if fits { Ok(Self(text.to_owned())) } else { Err(FieldFault::Name(text.to_owned())) }
    }
}

impl TryFrom<String> for FieldName {
    type Error = FieldFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<FieldName> for String {
    fn from(name: FieldName) -> Self {
        name.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FieldType {
    /// Every type, in the order in which people meet them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Number, Self::Date, Self::Boolean, Self::Address];

    /// The type's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Address => "address",
        }
    }

    /// Reads a value of this type as people and files write it. An empty text is no value.
    ///
    /// # Errors
    ///
    /// [`FieldFault::Value`] with what would be taken.
    pub fn read(self, text: &str) -> Result<Option<FieldValue>, FieldFault> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let fault = |mend| FieldFault::Value { value: text.chars().take(60).collect(), kind: self, mend };
        match self {
            Self::Text => {
                if text.chars().nth(MAX_TEXT_CHARS).is_some() {
                    return Err(fault("shorten it to 10,000 characters"));
                }
                Ok(Some(FieldValue::Text(text.to_owned())))
            }
            Self::Number => canonical_number(text)
                .map(|number| Some(FieldValue::Number { number }))
                .ok_or_else(|| fault("write digits, with an optional minus and a decimal point")),
            Self::Date => read_date(text)
                .map(|date| Some(FieldValue::Date { date }))
                .ok_or_else(|| fault("write it as 2026-11-22, 22.11.2026 or 22/11/2026")),
            Self::Boolean => match text.to_lowercase().as_str() {
                "true" | "yes" | "y" | "1" | "ja" | "oui" | "si" | "sí" | "ano" => Ok(Some(FieldValue::Boolean(true))),
                "false" | "no" | "n" | "0" | "nein" | "non" | "ne" => Ok(Some(FieldValue::Boolean(false))),
                _ => Err(fault("write yes or no")),
            },
            Self::Address => Err(fault("name the part, as in address.city")),
        }
    }
}

/// Digits with an optional minus and a point, without needless zeros: `-007.50` is `-7.5`.
fn canonical_number(text: &str) -> Option<String> {
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

/// ISO order, or day-month-year with dots or slashes. Month-first dates are not guessed at.
fn read_date(text: &str) -> Option<jiff::civil::Date> {
    let numbers = |separator: char| -> Option<(i16, i8, i8)> {
        let mut parts = text.split(separator).map(str::trim);
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || year.len() != 4 {
            return None;
        }
        Some((year.parse().ok()?, month.parse().ok()?, day.parse().ok()?))
    };
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    if let Ok(date) = day.parse::<jiff::civil::Date>() {
        return Some(date);
    }
    let (year, month, day) = numbers('.').or_else(|| numbers('/'))?;
    jiff::civil::Date::new(year, month, day).ok()
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

impl AddressPart {
    /// Every part, in the order of an envelope.
    pub const ALL: [Self; 6] = [Self::Line1, Self::Line2, Self::City, Self::State, Self::Zip, Self::Country];

    /// The part's word, the same in mappings, in the contract and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Line1 => "line1",
            Self::Line2 => "line2",
            Self::City => "city",
            Self::State => "state",
            Self::Zip => "zip",
            Self::Country => "country",
        }
    }
}

impl fmt::Display for AddressPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AddressPart {
    type Err = FieldFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|part| part.as_str() == text).ok_or_else(|| FieldFault::Part(text.to_owned()))
    }
}

/// A place in a contact that a column or a remote field is tied to: `firstname` or `address.city`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath {
    /// The field.
    pub field: FieldName,
    /// The part of it, for an address.
    pub part: Option<AddressPart>,
}

impl FromStr for FieldPath {
    type Err = FieldFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('.') {
            Some((field, part)) => Self { field: field.parse()?, part: Some(part.parse()?) },
            None => Self { field: text.parse()?, part: None },
        })
    }
}

impl TryFrom<String> for FieldPath {
    type Error = FieldFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<FieldPath> for String {
    fn from(path: FieldPath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Some(part) => write!(f, "{}.{part}", self.field),
            None => write!(f, "{}", self.field),
        }
    }
}

/// The fields that every new workspace has, so that a first import needs no preparation.
#[must_use]
pub fn standard_fields() -> Vec<FieldDefinition> {
    [
        ("firstname", FieldType::Text, "First name"),
        ("lastname", FieldType::Text, "Last name"),
        ("company", FieldType::Text, "Company"),
        ("phone", FieldType::Text, "Phone"),
        ("language", FieldType::Text, "Language"),
        ("birthday", FieldType::Date, "Date of birth"),
        ("address", FieldType::Address, "Address"),
    ]
    .into_iter()
    .map(|(name, kind, label)| FieldDefinition { name: FieldName(name.to_owned()), kind, label: label.to_owned() })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d4_names_are_letters_only() {
        assert!("firstname".parse::<FieldName>().is_ok());
        for name in ["", "First", "first name", "field1", "přijmení"] {
            assert!(name.parse::<FieldName>().is_err(), "{name}");
        }
    }

    #[test]
    fn d4_a_phone_number_is_no_number() {
        assert!(FieldType::Number.read("+372 5555").is_err());
        assert_eq!(FieldType::Number.read("-007.50").unwrap(), Some(FieldValue::Number { number: "-7.5".into() }));
        assert_eq!(FieldType::Number.read("-0").unwrap(), Some(FieldValue::Number { number: "0".into() }));
    }

    #[test]
    fn dates_come_in_three_spellings_and_never_month_first() {
        let leap = jiff::civil::date(2024, 2, 29);
        for text in ["2024-02-29", "29.2.2024", "29. 2. 2024", "29/02/2024", "2024-02-29 00:00:00"] {
            assert_eq!(FieldType::Date.read(text).unwrap(), Some(FieldValue::Date { date: leap }), "{text}");
        }
        for text in ["02/29/2024", "31.2.2024", "yesterday", "29.2.24"] {
            assert!(FieldType::Date.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_stored_value_tells_what_it_is() {
        let mut address = Address::default();
        address.0.insert(AddressPart::City, "Tartu".into());
        for value in [
            FieldValue::Text("2024-02-29".into()),
            FieldValue::Boolean(true),
            FieldValue::Number { number: "12.5".into() },
            FieldValue::Date { date: jiff::civil::date(1980, 2, 29) },
            FieldValue::Address { address },
        ] {
            let json = serde_json::to_string(&value).unwrap();
            assert_eq!(serde_json::from_str::<FieldValue>(&json).unwrap(), value, "{json}");
        }
    }

    #[test]
    fn the_standard_fields_have_legal_names() {
        for field in standard_fields() {
            assert!(field.name.as_str().parse::<FieldName>().is_ok());
        }
    }
}
