//! Purposes: what a contact is written to for, and on what legal basis.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name of a purpose: long enough for words, short enough for a command line.
pub const MAX_NAME_CHARS: usize = 40;

/// The name of a purpose: the letters a-z and dashes between them. It never changes, since it is what
/// contacts said yes or no to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PurposeName(String);

/// Why the law allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegalBasis {
    /// The contact agreed: without its grant the purpose does not hold.
    Consent,
    /// An interest of the company's: it holds until the contact objects.
    LegitimateInterest,
    /// A contract with the contact: likewise.
    Contract,
    /// A duty under the law: likewise.
    LegalObligation,
}

/// A purpose, as a workspace defines it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Its name.
    pub name: PurposeName,
    /// What people read.
    pub label: String,
    /// Its legal basis.
    pub basis: LegalBasis,
    /// Which version of which text belongs to it; none where no text is kept.
    pub wording: Option<String>,
}

/// What is to become of a purpose; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurposeChange {
    /// What people read.
    pub label: Option<String>,
    /// Its legal basis. What contacts said stays, and is judged by the new one.
    pub basis: Option<LegalBasis>,
    /// The version of its text; an empty one says that none is kept.
    pub wording: Option<String>,
}

/// A purpose as far as decisions are made from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurposeTerms {
    /// Its name.
    pub name: PurposeName,
    /// Its legal basis.
    pub basis: LegalBasis,
}

/// What is wrong with a purpose.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurposeFault {
    /// The name is none.
    #[error(
        "`{0}` can't name a purpose: use the letters a-z with single dashes between them, at most {MAX_NAME_CHARS} in all"
    )]
    Name(String),
    /// The label is empty.
    #[error("a purpose needs a label that people can read: write at least one letter")]
    Label,
    /// The basis is none.
    #[error("`{0}` is no legal basis: use consent, legitimate-interest, contract or legal-obligation")]
    Basis(String),
}

impl Purpose {
    /// A purpose as somebody defines it. A label is needed, and a text that is empty is none.
    ///
    /// # Errors
    ///
    /// [`PurposeFault::Label`].
    pub fn new(name: PurposeName, label: &str, basis: LegalBasis, wording: Option<&str>) -> Result<Self, PurposeFault> {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let label = filled(label).ok_or(PurposeFault::Label)?;
        Ok(Self { name, label, basis, wording: wording.and_then(filled) })
    }

    /// The purpose after a change.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn changed(&self, change: &PurposeChange) -> Result<Self, PurposeFault> {
        let label = change.label.as_deref().unwrap_or(&self.label);
        let wording = change.wording.as_deref().or(self.wording.as_deref());
        Self::new(self.name.clone(), label, change.basis.unwrap_or(self.basis), wording)
    }

    /// As far as decisions are made from it.
    #[must_use]
    pub fn terms(&self) -> PurposeTerms {
        PurposeTerms { name: self.name.clone(), basis: self.basis }
    }
}

impl PurposeName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LegalBasis {
    /// Every basis.
    pub const ALL: [Self; 4] = [Self::Consent, Self::LegitimateInterest, Self::Contract, Self::LegalObligation];

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::LegitimateInterest => "legitimate-interest",
            Self::Contract => "contract",
            Self::LegalObligation => "legal-obligation",
        }
    }
}

impl FromStr for PurposeName {
    type Err = PurposeFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = || text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()));
        if text.len() <= MAX_NAME_CHARS && words() {
            Ok(Self(text.to_owned()))
        } else {
            Err(PurposeFault::Name(text.to_owned()))
        }
    }
}

impl FromStr for LegalBasis {
    type Err = PurposeFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|basis| basis.as_str() == text).ok_or_else(|| PurposeFault::Basis(text.to_owned()))
    }
}

impl TryFrom<String> for PurposeName {
    type Error = PurposeFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PurposeName> for String {
    fn from(name: PurposeName) -> Self {
        name.0
    }
}

impl fmt::Display for PurposeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_letters_with_single_dashes_between_them() {
        for good in ["newsletter", "partner-offers", "a"] {
            assert_eq!(good.parse::<PurposeName>().unwrap().as_str(), good);
        }
        for bad in ["", "-", "news-", "-news", "a--b", "News", "news letter", "news2", &"a".repeat(41)] {
            assert_eq!(bad.parse::<PurposeName>(), Err(PurposeFault::Name(bad.to_owned())));
        }
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name_and_an_empty_text_is_none() {
        let name: PurposeName = "newsletter".parse().unwrap();
        let purpose = Purpose::new(name.clone(), " Newsletter ", LegalBasis::Consent, Some("v1")).unwrap();
        assert_eq!(purpose.changed(&PurposeChange::default()), Ok(purpose.clone()));
        let change = PurposeChange { wording: Some(" ".to_owned()), ..PurposeChange::default() };
        assert_eq!(purpose.changed(&change), Purpose::new(name.clone(), "Newsletter", LegalBasis::Consent, None));
        assert_eq!(Purpose::new(name, " ", LegalBasis::Consent, None), Err(PurposeFault::Label));
    }

    #[test]
    fn a_basis_is_the_same_in_tables_and_in_json() {
        for basis in LegalBasis::ALL {
            assert_eq!(serde_json::to_value(basis).unwrap(), basis.as_str());
            assert_eq!(basis.as_str().parse(), Ok(basis));
        }
        assert!("habit".parse::<LegalBasis>().unwrap_err().to_string().contains("legitimate-interest"));
    }
}
