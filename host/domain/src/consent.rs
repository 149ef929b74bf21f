//! The history of a contact's will and of its mailbox, folded into one state (row D3, invariant 2).
//!
//! Two axes are kept apart: what the contact wants, and whether its mailbox takes mail. They are
//! shown as one state, in which a withdrawal is never hidden by a bounce. *Unknown* is the absence
//! of an event: recording nothing never takes a grant away.
//!
//! A withdrawal is lifted by one thing only: a later opt-in by the contact itself, with evidence.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
        Self { at, act, source, evidence: None, provenance: Provenance::default() }
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

impl Consent {
    /// The state after one more event.
    #[must_use]
    pub fn after(self, event: &ConsentEvent) -> Self {
        let will = match event.act {
            ConsentAct::Withdrawn => Will::Withdrawn,
            ConsentAct::Granted if self.will != Will::Withdrawn || event.is_own_opt_in() => Will::Granted,
            ConsentAct::Asked if self.will == Will::Unknown => Will::Pending,
            _ => self.will,
        };
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
        let mut ordered: Vec<&ConsentEvent> = history.iter().collect();
        ordered.sort_by_key(|event| (event.at, event.strictness()));
        ordered.into_iter().fold(Self::default(), Self::after)
    }

    /// The one state that people see: a withdrawal first, then an unusable address, then the will.
    #[must_use]
    pub fn shown(self) -> ConsentState {
        match (self.will, self.deliverability) {
            (Will::Withdrawn, _) => ConsentState::Withdrawn,
            (_, Deliverability::Unusable) => ConsentState::Unusable,
            (Will::Unknown, Deliverability::Usable) => ConsentState::Unknown,
            (Will::Pending, Deliverability::Usable) => ConsentState::Pending,
            (Will::Granted, Deliverability::Usable) => ConsentState::Granted,
        }
    }
}

impl Will {
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

impl std::fmt::Display for ConsentState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(at: i64, act: ConsentAct, source: ConsentSource, evidence: Option<&str>) -> ConsentEvent {
        let event = ConsentEvent::new(Timestamp::from_second(at).unwrap(), act, source);
        ConsentEvent { evidence: evidence.map(str::to_owned), ..event }
    }

    fn shown(history: &[ConsentEvent]) -> ConsentState {
        Consent::fold(history).shown()
    }

    #[test]
    fn a_word_is_the_same_in_tables_and_in_json() {
        fn check<T: Serialize>(value: &T, word: &str) {
            assert_eq!(serde_json::to_value(value).unwrap(), word);
        }
        for will in [Will::Unknown, Will::Pending, Will::Granted, Will::Withdrawn] {
            check(&will, will.as_str());
        }
        for deliverability in [Deliverability::Usable, Deliverability::Unusable] {
            check(&deliverability, deliverability.as_str());
        }
        use ConsentAct::{AddressChanged, Asked, Bounced, Granted, Withdrawn};
        for act in [AddressChanged, Asked, Granted, Bounced, Withdrawn] {
            check(&act, act.as_str());
        }
        use ConsentSource::{Contact, Import, Operator, Provider};
        for source in [Contact, Import, Provider, Operator] {
            check(&source, source.as_str());
        }
    }

    #[test]
    fn d3_nothing_recorded_is_unknown_and_takes_nothing_away() {
        assert_eq!(shown(&[]), ConsentState::Unknown);
        let granted = event(1, ConsentAct::Granted, ConsentSource::Import, Some("form"));
        assert_eq!(shown(&[granted]), ConsentState::Granted);
    }

    #[test]
    fn d3_a_withdrawal_is_lifted_by_the_contacts_own_opt_in_with_evidence_only() {
        let withdrawn = event(1, ConsentAct::Withdrawn, ConsentSource::Provider, None);
        for source in [ConsentSource::Import, ConsentSource::Provider, ConsentSource::Operator] {
            let grant = event(2, ConsentAct::Granted, source, Some("says so"));
            assert_eq!(shown(&[withdrawn.clone(), grant]), ConsentState::Withdrawn);
        }
        let unproven = event(2, ConsentAct::Granted, ConsentSource::Contact, Some("  "));
        assert_eq!(shown(&[withdrawn.clone(), unproven]), ConsentState::Withdrawn);
        let own = event(2, ConsentAct::Granted, ConsentSource::Contact, Some("form of 2 May"));
        assert_eq!(shown(&[withdrawn, own]), ConsentState::Granted);
    }

    #[test]
    fn d3_a_bounce_never_hides_a_withdrawal_and_a_new_address_clears_the_bounce_only() {
        let withdrawn = event(1, ConsentAct::Withdrawn, ConsentSource::Contact, None);
        let bounced = event(2, ConsentAct::Bounced, ConsentSource::Provider, None);
        let moved = event(3, ConsentAct::AddressChanged, ConsentSource::Operator, None);
        assert_eq!(shown(&[withdrawn.clone(), bounced.clone()]), ConsentState::Withdrawn);
        assert_eq!(shown(std::slice::from_ref(&bounced)), ConsentState::Unusable);
        assert_eq!(shown(&[bounced.clone(), moved.clone()]), ConsentState::Unknown);
        assert_eq!(shown(&[withdrawn, bounced, moved]), ConsentState::Withdrawn);
    }

    fn any_event() -> impl Strategy<Value = ConsentEvent> {
        let acts = prop::sample::select(vec![
            ConsentAct::AddressChanged,
            ConsentAct::Asked,
            ConsentAct::Granted,
            ConsentAct::Bounced,
            ConsentAct::Withdrawn,
        ]);
        let sources = prop::sample::select(vec![
            ConsentSource::Contact,
            ConsentSource::Import,
            ConsentSource::Provider,
            ConsentSource::Operator,
        ]);
        (0_i64..4, acts, sources, prop::option::of("[a-z]{1,3}"))
            .prop_map(|(at, act, source, evidence)| event(at, act, source, evidence.as_deref()))
    }

    proptest! {
        #[test]
        fn the_fold_does_not_depend_on_the_order_given(history in prop::collection::vec(any_event(), 0..8), seed in any::<u64>()) {
            let mut shuffled = history.clone();
            let turns = usize::try_from(seed % 8).unwrap();
            shuffled.rotate_left(turns.min(history.len()));
            shuffled.reverse();
            prop_assert_eq!(Consent::fold(&history), Consent::fold(&shuffled));
        }

        #[test]
        fn the_fold_does_not_count_an_event_twice(history in prop::collection::vec(any_event(), 0..8)) {
            let doubled: Vec<_> = history.iter().chain(&history).cloned().collect();
            prop_assert_eq!(Consent::fold(&history), Consent::fold(&doubled));
        }

        #[test]
        fn nobody_but_the_contact_lifts_a_withdrawal(history in prop::collection::vec(any_event(), 0..8)) {
            let mut history: Vec<_> = history.into_iter().filter(|event| !event.is_own_opt_in()).collect();
            history.push(event(0, ConsentAct::Withdrawn, ConsentSource::Contact, None));
            prop_assert_eq!(Consent::fold(&history).will, Will::Withdrawn);
        }
    }
}
