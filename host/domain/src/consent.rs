//! The history of a contact's will and of its mailbox, folded into one state (row D3, invariant 2).
//!
//! Two axes are kept apart: what the contact wants, and whether its mailbox takes mail. They are
//! shown as one state, in which a withdrawal is never hidden by a bounce. *Unknown* is the absence
//! of an event: recording nothing never takes a grant away.
//!
//! A withdrawal is lifted by one thing only: a later opt-in by the contact itself, with evidence.
//!
//! Events may be about one list or one purpose alone ([`narrowing`](crate::narrowing)). They are no part of
//! this state.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::narrowing::Scope;

/// What the contact wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Will {
    /// Nobody has asked.
    #[default]
    Unknown,
    /// It was asked to confirm.
    Pending,
    /// It agreed.
    Granted,
    /// It said no.
    Withdrawn,
}

/// Whether the mailbox takes mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deliverability {
    /// Nothing speaks against it.
    #[default]
    Usable,
    /// The address does not take mail.
    Unusable,
}

/// Both axes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// What the contact wants.
    pub will: Will,
    /// Whether its mailbox takes mail.
    pub deliverability: Deliverability,
}

/// The one state that people see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentState {
    /// No consent is recorded.
    Unknown,
    /// Waiting for the contact's confirmation.
    Pending,
    /// The contact agreed.
    Granted,
    /// The contact said no.
    Withdrawn,
    /// The address does not take mail.
    Unusable,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentAct {
    /// The contact got a new address: its mailbox is judged afresh.
    AddressChanged,
    /// A confirmation was asked for.
    Asked,
    /// Consent was given.
    Granted,
    /// The address was found not to take mail.
    Bounced,
    /// Consent was taken back.
    Withdrawn,
}

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentSource {
    /// The contact itself, by an act of its own.
    Contact,
    /// An imported file that states a basis.
    Import,
    /// A provider.
    Provider,
    /// A person who runs this installation.
    Operator,
}

/// One event of a contact's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub act: ConsentAct,
    /// Who says so.
    pub source: ConsentSource,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Scope::is_whole")]
    pub scope: Scope,
    /// What shows it: the form and the day, the letter, the box that was ticked.
    pub evidence: Option<String>,
    /// Where the event came from.
    #[serde(flatten)]
    pub provenance: Provenance,
}

/// Where an event of a consent came from, as far as it is known: what has to be shown to whoever asks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The page, the file and its line, the program that called, the provider, the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Which version of which text the contact agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wording: Option<String>,
    /// The network address that it was done from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
}

impl ConsentEvent {
    /// An event of which nothing else is known.
    #[must_use]
    pub fn new(at: Timestamp, act: ConsentAct, source: ConsentSource) -> Self {
        Self { at, act, source, scope: Scope::Whole, evidence: None, provenance: Provenance::default() }
    }

    /// The same event about one list or one purpose.
    #[must_use]
    pub fn about(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// The event with what shows it.
    #[must_use]
    pub fn shown_by(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    /// Whether the event is the contact's own opt-in with evidence: the only thing that lifts a
    /// withdrawal.
    #[must_use]
    pub fn is_own_opt_in(&self) -> bool {
        let has_evidence = self.evidence.as_deref().is_some_and(|text| !text.trim().is_empty());
        self.act == ConsentAct::Granted && self.source == ConsentSource::Contact && has_evidence
    }

    /// The order of events at one moment: the strictest last, so that it has the last word.
    fn strictness(&self) -> (u8, bool) {
        let order = match self.act {
            ConsentAct::AddressChanged => 0,
            ConsentAct::Asked => 1,
            ConsentAct::Granted => 2,
            ConsentAct::Bounced => 3,
            ConsentAct::Withdrawn => 4,
        };
        (order, self.is_own_opt_in())
    }
}

/// The events of one scope in the order in which they count.
fn in_order<'a>(history: impl IntoIterator<Item = &'a ConsentEvent>, scope: &Scope) -> Vec<&'a ConsentEvent> {
    let mut ordered: Vec<&ConsentEvent> = history.into_iter().filter(|event| event.scope == *scope).collect();
    ordered.sort_by_key(|event| (event.at, event.strictness()));
    ordered
}

impl Consent {
    /// The state after one more event. One that is about a list or a purpose alone changes nothing.
    #[must_use]
    pub fn after(self, event: &ConsentEvent) -> Self {
        if !event.scope.is_whole() {
            return self;
        }
        let will = self.will.after(event);
        let deliverability = match event.act {
            ConsentAct::Bounced => Deliverability::Unusable,
            ConsentAct::AddressChanged => Deliverability::Usable,
            _ => self.deliverability,
        };
        Self { will, deliverability }
    }

    /// The state that a history leads to, in whatever order it is given.
    #[must_use]
    pub fn fold(history: &[ConsentEvent]) -> Self {
        in_order(history, &Scope::Whole).into_iter().fold(Self::default(), Self::after)
    }

    /// The one state that people see: a withdrawal first, then an unusable address, then the will.
    #[must_use]
    pub fn shown(self) -> ConsentState {
        match (self.will, self.deliverability) {
            (Will::Withdrawn, _) | (_, Deliverability::Usable) => self.will.into(),
            (_, Deliverability::Unusable) => ConsentState::Unusable,
        }
    }
}

impl Will {
    /// The will after one more event of the same scope.
    #[must_use]
    pub fn after(self, event: &ConsentEvent) -> Self {
        match event.act {
            ConsentAct::Withdrawn => Self::Withdrawn,
            ConsentAct::Granted if self != Self::Withdrawn || event.is_own_opt_in() => Self::Granted,
            ConsentAct::Asked if self == Self::Unknown => Self::Pending,
            _ => self,
        }
    }

    /// The will that the events of one scope lead to, in whatever order the history is given.
    #[must_use]
    pub fn fold<'a>(history: impl IntoIterator<Item = &'a ConsentEvent>, scope: &Scope) -> Self {
        in_order(history, scope).into_iter().fold(Self::default(), Self::after)
    }

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Deliverability {
    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Unusable => "unusable",
        }
    }
}

impl ConsentAct {
    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AddressChanged => "address-changed",
            Self::Asked => "asked",
            Self::Granted => "granted",
            Self::Bounced => "bounced",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl ConsentSource {
    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Import => "import",
            Self::Provider => "provider",
            Self::Operator => "operator",
        }
    }
}

impl ConsentState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Unknown, Self::Pending, Self::Granted, Self::Withdrawn, Self::Unusable];

    /// The state's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Granted => "granted",
            Self::Withdrawn => "withdrawn",
            Self::Unusable => "unusable",
        }
    }
}

impl From<Will> for ConsentState {
    fn from(will: Will) -> Self {
        match will {
            Will::Unknown => Self::Unknown,
            Will::Pending => Self::Pending,
            Will::Granted => Self::Granted,
            Will::Withdrawn => Self::Withdrawn,
        }
    }
}

impl std::fmt::Display for ConsentState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
pub(crate) mod tests;
