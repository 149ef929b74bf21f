//! Whether an intent may be armed: the last moment at which nothing has left.
//!
//! The store asks this in the transaction that arms, with what holds in it. So an opt-out that was recorded
//! before wins, and one that is recorded after finds the intent armed: then the message may be on its way for as
//! long as one request takes, and no longer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::policy::Needs;
use super::{Class, IntentEvent, IntentKind, IntentState};
use crate::consent::ConsentState;
use crate::purpose::LegalBasis;

/// What holds at the moment of arming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What is to be done.
    pub kind: IntentKind,
    /// How soon it is served.
    pub class: Class,
    /// How far it got.
    pub state: IntentState,
    /// Whether whoever asks claimed it, and still has the lane.
    pub is_own: bool,
    /// The rule time.
    pub now: Timestamp,
    /// When it is too late.
    pub valid_until: Option<Timestamp>,
    /// What stops the lane, if anything does.
    pub stop: Option<Stop>,
    /// Its contact; none where it is about none.
    pub contact: Option<Standing>,
}

/// What stops a lane for everything but opt-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The whole ledger is held: the database may be a copy, or an older one that was restored.
    Hold,
    /// An operator paused the account.
    Pause,
    /// Too much would have happened, or too much failed.
    Breaker,
}

/// How a contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is not there any more.
    Gone,
    /// It is there.
    There {
        /// Its consent, narrowed to the list and the purpose of the intent.
        consent: ConsentState,
        /// The basis of the purpose; none where the intent has none.
        basis: Option<LegalBasis>,
        /// Whether its address is kept from being written to.
        is_suppressed: bool,
    },
}

/// Why an intent is not armed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Somebody else has it, or the lane.
    NotOwn,
    /// It is not claimed (any more).
    NotClaimed,
    /// Its contact is gone.
    ContactGone,
    /// The contact said no.
    Withdrawn,
    /// The contact's address does not take mail.
    Unusable,
    /// The contact's address is kept from being written to.
    Suppressed,
    /// The contact has not said yes, and that is what the message rests on.
    NotGranted,
    /// It is too late.
    TooLate,
    /// The ledger is held.
    Held,
    /// The account is paused.
    Paused,
    /// The account's breaker is open.
    BreakerOpen,
}

/// Whether an intent may be armed.
///
/// # Errors
///
/// [`Refusal`], the one that ends the intent before one that only puts it off.
pub fn may_arm(facts: &Facts) -> Result<(), Refusal> {
    if !facts.is_own {
        return Err(Refusal::NotOwn);
    }
    if facts.state != IntentState::Claimed {
        return Err(Refusal::NotClaimed);
    }
    if facts.class == Class::OptOut {
        return Ok(());
    }
    if let Some(refusal) = facts.contact.and_then(|contact| refused_by(facts.kind, contact)) {
        return Err(refusal);
    }
    if facts.valid_until.is_some_and(|until| until <= facts.now) {
        return Err(Refusal::TooLate);
    }
    match facts.stop.filter(|_| facts.class.may_be_held()) {
        None => Ok(()),
        Some(Stop::Hold) => Err(Refusal::Held),
        Some(Stop::Pause) => Err(Refusal::Paused),
        Some(Stop::Breaker) => Err(Refusal::BreakerOpen),
    }
}

/// Why a contact as it stands does not admit an action that is no opt-out; none if it does.
#[must_use]
pub fn refused_by(kind: IntentKind, contact: Standing) -> Option<Refusal> {
    let needs = kind.policy().needs;
    let Standing::There { consent, basis, is_suppressed } = contact else { return Some(Refusal::ContactGone) };
    if matches!(needs, Needs::Nothing | Needs::NoContact) {
        return None;
    }
    match consent {
        ConsentState::Withdrawn => return Some(Refusal::Withdrawn),
        ConsentState::Unusable => return Some(Refusal::Unusable),
        ConsentState::Unknown | ConsentState::Pending | ConsentState::Granted if is_suppressed => {
            return Some(Refusal::Suppressed);
        }
        ConsentState::Granted => return None,
        ConsentState::Unknown | ConsentState::Pending => {}
    }
    match (needs, basis) {
        (Needs::Permission, None | Some(LegalBasis::Consent)) => Some(Refusal::NotGranted),
        _ => None,
    }
}

impl Stop {
    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Pause => "pause",
            Self::Breaker => "breaker",
        }
    }
}

impl Refusal {
    /// What it does to an intent that is planned or claimed; none leaves it to whoever has it.
    #[must_use]
    pub fn event(self) -> Option<IntentEvent> {
        match self {
            Self::NotOwn | Self::NotClaimed => None,
            Self::ContactGone | Self::Withdrawn | Self::Unusable | Self::Suppressed | Self::NotGranted => {
                Some(IntentEvent::Cancel)
            }
            Self::TooLate => Some(IntentEvent::Expire),
            Self::Held | Self::Paused | Self::BreakerOpen => Some(IntentEvent::Release),
        }
    }

    /// Whether a contact's own no, or that of its mailbox, is behind it. Such an intent is cancelled as soon as
    /// that is recorded; one that lacks a yes may still get it.
    #[must_use]
    pub fn is_no(self) -> bool {
        match self {
            Self::Withdrawn | Self::Unusable => true,
            Self::NotOwn
            | Self::NotClaimed
            | Self::ContactGone
            | Self::Suppressed
            | Self::NotGranted
            | Self::TooLate
            | Self::Held
            | Self::Paused
            | Self::BreakerOpen => false,
        }
    }

    /// Every refusal.
    pub const ALL: [Self; 11] = [
        Self::NotOwn,
        Self::NotClaimed,
        Self::ContactGone,
        Self::Withdrawn,
        Self::Unusable,
        Self::Suppressed,
        Self::NotGranted,
        Self::TooLate,
        Self::Held,
        Self::Paused,
        Self::BreakerOpen,
    ];

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotOwn => "not-own",
            Self::NotClaimed => "not-claimed",
            Self::ContactGone => "contact-gone",
            Self::Withdrawn => "withdrawn",
            Self::Unusable => "unusable",
            Self::Suppressed => "suppressed",
            Self::NotGranted => "not-granted",
            Self::TooLate => "too-late",
            Self::Held => "held",
            Self::Paused => "paused",
            Self::BreakerOpen => "breaker-open",
        }
    }
}
