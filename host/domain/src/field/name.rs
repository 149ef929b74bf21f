//! How fields and their parts are named.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::FieldFault;

/// The longest field name: long enough for words, short enough for a column heading.
pub const MAX_NAME_CHARS: usize = 40;

/// The name of a field: the letters a-z, nothing else. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldName(String);

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

/// A place in a contact that a column or a remote field is tied to: `firstname` or `address.city`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FieldPath {
    /// The field.
    pub field: FieldName,
    /// The part of it, for an address.
    pub part: Option<AddressPart>,
}

impl FieldName {
    /// A name that is known to be one, because it stands in this crate.
    pub(super) fn of_ours(name: &str) -> Self {
        Self(name.to_owned())
    }

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
