//! Consent for one list or one purpose, and how it narrows the consent as a whole (row D3, invariant 2).
//!
//! An event of consent has a [`Scope`]: everything, one list, or one purpose. Each scope has a history of its
//! own, folded by the same rule ([`Will::fold`]): a withdrawal is lifted by the contact's own later opt-in with
//! evidence, for that scope, and by nothing else. An event of one scope says nothing about another. So a
//! withdrawal for a list never touches the whole, and a grant for a purpose never lifts or grants it. Only the
//! whole knows of mailboxes: an address takes mail, or it does not, whatever the list.
//!
//! Scopes narrow the whole and never widen it, because a contact that said no to everything must be able to
//! rely on that, whatever else is recorded. [`narrowed`] asks in this order:
//!
//! 1. The whole is withdrawn or unusable: that stands.
//! 2. The list or the purpose is withdrawn: withdrawn *here*, and only here. Who objects to a purpose objects,
//!    on whatever legal basis it stands.
//! 3. The purpose rests on consent and is unknown or pending: no more than that, also where the whole has more.
//! 4. Else the whole's own state.
//!
//! A list of which nothing is recorded is subscribed to: whom an operator puts on a list was put there for a
//! reason. A purpose of which nothing is recorded holds, unless it rests on consent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::consent::{ConsentAct, ConsentState, Will};
use crate::purpose::{LegalBasis, PurposeName, PurposeTerms};

/// What an event of consent is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everything.
    #[default]
    Whole,
    /// The subscription of a list, by the list's name of today.
    List(String),
    /// The same of a list that was deleted, by the last name that it had. Only histories tell of it.
    FormerList(String),
    /// A purpose.
    Purpose(PurposeName),
}

/// An event that its scope does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an address takes mail or does not, whatever it is for: record this without a list and without a purpose")]
pub struct ScopeFault;

/// The state of a contact's consent at one place, and what made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// The state.
    pub state: ConsentState,
    /// The list or the purpose that narrowed it; the whole where none did.
    pub by: Scope,
}

/// The state for a list, a purpose, or both, each with what the contact said for it: unknown where nothing is
/// recorded.
#[must_use]
pub fn narrowed(whole: ConsentState, list: Option<(&str, Will)>, purpose: Option<(&PurposeTerms, Will)>) -> Narrowed {
    if matches!(whole, ConsentState::Withdrawn | ConsentState::Unusable) {
        return whole.into();
    }
    if let Some((list, Will::Withdrawn)) = list {
        return Narrowed { state: ConsentState::Withdrawn, by: Scope::List(list.to_owned()) };
    }
    let Some((PurposeTerms { name, basis }, will)) = purpose else { return whole.into() };
    let for_purpose = match (will, basis) {
        (Will::Withdrawn, _) => return Narrowed { state: ConsentState::Withdrawn, by: Scope::Purpose(name.clone()) },
        (_, LegalBasis::Consent) => ConsentState::from(will),
        (_, LegalBasis::LegitimateInterest | LegalBasis::Contract | LegalBasis::LegalObligation) => whole,
    };
    if permits(for_purpose) < permits(whole) {
        Narrowed { state: for_purpose, by: Scope::Purpose(name.clone()) }
    } else {
        whole.into()
    }
}

/// How much a state permits, for comparison.
fn permits(state: ConsentState) -> u8 {
    match state {
        ConsentState::Withdrawn | ConsentState::Unusable => 0,
        ConsentState::Unknown => 1,
        ConsentState::Pending => 2,
        ConsentState::Granted => 3,
    }
}

impl Narrowed {
    /// The list or the purpose that the contact withdrew for, if it withdrew here and not as a whole.
    #[must_use]
    pub fn withdrawn_here(&self) -> Option<&Scope> {
        Some(&self.by).filter(|by| !by.is_whole() && self.state == ConsentState::Withdrawn)
    }
}

impl From<ConsentState> for Narrowed {
    fn from(state: ConsentState) -> Self {
        Self { state, by: Scope::Whole }
    }
}

impl Scope {
    /// Whether it is everything.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    /// Whether an event of this kind can be about it.
    ///
    /// # Errors
    ///
    /// [`ScopeFault`] for news of a mailbox.
    pub fn admit(&self, act: ConsentAct) -> Result<(), ScopeFault> {
        match act {
            ConsentAct::Bounced | ConsentAct::AddressChanged if !self.is_whole() => Err(ScopeFault),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("everything"),
            Self::List(list) => write!(f, "the list `{list}`"),
            Self::FormerList(list) => write!(f, "the list `{list}`, which was deleted"),
            Self::Purpose(purpose) => write!(f, "the purpose `{purpose}`"),
        }
    }
}

#[cfg(test)]
mod tests;
