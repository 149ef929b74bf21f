//! The values that fields have.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AddressPart, FieldName};

/// A postal address: the parts that are filled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub BTreeMap<AddressPart, String>);

/// The value of a field. Empty values do not exist: a field without one is absent.
///
/// As JSON a text is a string, a boolean is itself, and the others are an object with the kind as
/// its only key (`{"date":"1980-02-29"}`), so that a stored value tells what it is. Phone numbers,
/// countries, languages, time zones, URLs and single choices are texts in their canonical spelling.
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
    /// A moment.
    DateTime {
        /// The moment, in UTC.
        datetime: jiff::Timestamp,
    },
    /// Several choices.
    Choices {
        /// Them, in the order of the definition, each once.
        choices: Vec<String>,
    },
    /// An address.
    Address {
        /// Its filled parts.
        address: Address,
    },
}

/// The fields of one contact.
pub type Fields = BTreeMap<FieldName, FieldValue>;

impl FieldValue {
    /// The value as one line of text: what a person reads, and what a field without parts or choices of
    /// its own can hold of it.
    #[must_use]
    pub fn as_line(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Boolean(is) => if *is { "yes" } else { "no" }.to_owned(),
            Self::Number { number } => number.clone(),
            Self::Date { date } => date.to_string(),
            Self::DateTime { datetime } => datetime.to_string(),
            Self::Choices { choices } => choices.join(", "),
            Self::Address { address } => address.to_string(),
        }
    }
}

impl FieldValue {
    /// The same with one choice under another value; none if it has not that choice.
    #[must_use]
    pub fn with_choice_renamed(&self, value: &str, to: &str) -> Option<Self> {
        match self {
            Self::Text(text) if text == value => Some(Self::Text(to.to_owned())),
            Self::Choices { choices } if choices.iter().any(|choice| choice == value) => {
                let renamed = |choice: &String| if choice == value { to.to_owned() } else { choice.clone() };
                Some(Self::Choices { choices: choices.iter().map(renamed).collect() })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    /// The filled parts in the order of an envelope.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.values().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{part}")?;
        }
        Ok(())
    }
}
