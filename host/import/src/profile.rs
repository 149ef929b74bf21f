//! A mapping that is kept, so that the next file of the same system needs no word.

use std::collections::BTreeMap;

use postroom_domain::field::FieldDefinition;
use serde::{Deserialize, Serialize};

use crate::claim::ConsentRole;
use crate::dates::DateOrder;
use crate::delimiter::Delimiter;
use crate::examine::{Examined, Options};
use crate::fault::ImportFault;
use crate::mapping::{Target, ToldBy, column_named, read_place};
use crate::vocabulary;

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
    /// What comes first in its dates; none where nobody said it.
    pub date_order: Option<DateOrder>,
    /// The country whose phone numbers have no code in it, by its two letters.
    pub phones_of: Option<String>,
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
        let settled = options.settled();
        let mut profile = Self {
            name: name.to_owned(),
            date_order: settled.date_order,
            phones_of: settled.phones_of.map(|country| country.to_string()),
            encoding: settled.encoding.map(str::to_owned),
            delimiter: settled.delimiter,
            empty_cells: if settled.clear_empty { EmptyCells::Clear } else { EmptyCells::Keep },
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
                // One that only its name sent to a field is asked about again.
                Some(Target::Field(_))
                    if matches!(column.told_by, ToldBy::Name | ToldBy::Cells)
                        && vocabulary::seems_to_tell_about_consent(&name) => {}
                Some(place) => profile.columns.push(ProfileColumn { column: name, place: place.to_string() }),
                // One that seems to tell about consent goes nowhere for ever only where somebody said so.
                None if column.told_by == ToldBy::Nobody && vocabulary::seems_to_tell_about_consent(&name) => {}
                None => profile.columns.push(ProfileColumn { column: name, place: NOWHERE.to_owned() }),
            }
        }
        profile
    }

    /// Whether a header has every column that the profile sends somewhere. Further columns do no harm, and
    /// one that goes nowhere may be missing.
    #[must_use]
    pub fn matches(&self, header: &[String]) -> bool {
        self.missing(header).is_empty()
    }

    /// The columns that a header lacks for the profile to match.
    #[must_use]
    pub fn missing(&self, header: &[String]) -> Vec<&str> {
        let needed = self.rules().filter(|(_, place)| place != NOWHERE).map(|(column, _)| column);
        needed.filter(|column| column_named(header, column).is_none()).collect()
    }

    /// Every column that it speaks of, and the place, as mapping rules.
    pub fn rules(&self) -> impl Iterator<Item = (&str, String)> {
        let key = self.key.as_deref().map(|column| (column, Target::ExternalId.to_string()));
        let names = key.into_iter().chain(self.email.as_deref().map(|column| (column, Target::Email.to_string())));
        let consent = self.consent.iter().map(|(role, column)| (column.as_str(), Target::Consent(*role).to_string()));
        names.chain(self.columns.iter().map(|rule| (rule.column.as_str(), rule.place.clone()))).chain(consent)
    }

    /// What is wrong with its places in a workspace of these fields, one sentence for each.
    #[must_use]
    pub fn faults(&self, definitions: &[FieldDefinition]) -> Vec<String> {
        let faults = self.rules().filter_map(|(column, place)| read_place(column, &place, definitions).err());
        faults.map(|fault| self.at_fault(fault).to_string()).collect()
    }

    /// A fault of one of its places, as one of the profile and not of an option.
    pub(crate) fn at_fault(&self, fault: ImportFault) -> ImportFault {
        match fault {
            ImportFault::UnknownPlace { column, place, problem, mend } => {
                let problem = format!("{problem}: {mend}");
                ImportFault::ProfilePlace { profile: self.name.clone(), column, place, problem }
            }
            other => other,
        }
    }
}

/// The place of a column that goes nowhere.
pub const NOWHERE: &str = "-";

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        word.parse().map_err(|fault: ImportFault| serde::de::Error::custom(fault))
    }
}
