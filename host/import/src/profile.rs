//! A mapping that is kept, so that the next file of the same system needs no word.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::claim::ConsentRole;
use crate::dates::DateOrder;
use crate::delimiter::Delimiter;
use crate::examine::{Examined, Options};
use crate::fault::ImportFault;
use crate::mapping::Target;
use crate::vocabulary::plain;

/// What an empty cell says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmptyCells {
    /// Nothing: the contact keeps what it has.
    #[default]
    Keep,
    /// The place is to be emptied.
    Clear,
}

/// A column of the header and the place it goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileColumn {
    /// The name of the column.
    pub column: String,
    /// The place, as in a mapping rule: `firstname`, `address.city`, `contact-tags`, or `-` for nowhere.
    pub place: String,
}

/// How the files of one system are to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportProfile {
    /// What people call it.
    pub name: String,
    /// Where columns go. A column that is not named goes where its name suggests.
    pub columns: Vec<ProfileColumn>,
    /// The column with the contacts' keys in that system.
    pub key: Option<String>,
    /// The column with the e-mail addresses.
    pub email: Option<String>,
    /// What comes first in its dates.
    pub date_order: DateOrder,
    /// The encoding, where it is not to be detected.
    pub encoding: Option<String>,
    /// The delimiter, where it is not to be detected.
    pub delimiter: Option<Delimiter>,
    /// The columns that tell about consent.
    pub consent: BTreeMap<ConsentRole, String>,
    /// What an empty cell says.
    pub empty_cells: EmptyCells,
}

impl ImportProfile {
    /// Keeps how a file was read, with what the operator had said.
    #[must_use]
    pub fn of(name: &str, examined: &Examined, options: &Options) -> Self {
        let mut profile = Self {
            name: name.to_owned(),
            date_order: options.date_order,
            encoding: options.encoding.clone(),
            delimiter: options.delimiter,
            empty_cells: if options.clear_empty { EmptyCells::Clear } else { EmptyCells::Keep },
            ..Self::default()
        };
        for column in &examined.columns {
            let name = column.name.clone();
            match &column.target {
                Some(Target::Email) => profile.email = Some(name),
                Some(Target::ExternalId) => profile.key = Some(name),
                Some(Target::Consent(role)) => {
                    profile.consent.insert(*role, name);
                }
                Some(place) => profile.columns.push(ProfileColumn { column: name, place: place.to_string() }),
                None => profile.columns.push(ProfileColumn { column: name, place: NOWHERE.to_owned() }),
            }
        }
        profile
    }

    /// Whether a header has every column that the profile sends somewhere. Further columns do no harm, and
    /// one that goes nowhere may be missing.
    #[must_use]
    pub fn matches<'a>(&self, header: impl Iterator<Item = &'a str>) -> bool {
        self.missing(header).is_empty()
    }

    /// The columns that a header lacks for the profile to match.
    #[must_use]
    pub fn missing<'a>(&self, header: impl Iterator<Item = &'a str>) -> Vec<&str> {
        let header: Vec<String> = header.map(plain).collect();
        let sent = self.columns.iter().filter(|rule| rule.place != NOWHERE).map(|rule| &rule.column);
        let needed = sent.chain(&self.key).chain(&self.email).chain(self.consent.values());
        needed.map(String::as_str).filter(|name| !header.contains(&plain(name))).collect()
    }

    /// What the profile says about a file of this header. Rules for columns that it has not, and that go
    /// nowhere, are left out.
    #[must_use]
    pub fn options<'a>(&self, header: impl Iterator<Item = &'a str>) -> Options {
        let header: Vec<String> = header.map(plain).collect();
        let is_there = |name: &str| header.contains(&plain(name));
        let rules = self.columns.iter().filter(|rule| rule.place != NOWHERE || is_there(&rule.column));
        let rules = rules.map(|rule| (rule.column.clone(), rule.place.clone()));
        let consent = self.consent.iter().map(|(role, column)| (column.clone(), Target::Consent(*role).to_string()));
        Options {
            encoding: self.encoding.clone(),
            delimiter: self.delimiter,
            map: rules.chain(consent).collect(),
            key: self.key.clone(),
            email: self.email.clone(),
            clear_empty: self.empty_cells == EmptyCells::Clear,
            date_order: self.date_order,
        }
    }
}

/// The place of a column that goes nowhere.
const NOWHERE: &str = "-";

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(|fault: ImportFault| serde::de::Error::custom(fault))
    }
}
