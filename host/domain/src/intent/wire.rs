//! What was seen of a request, and what follows for its intent.
//!
//! The host sees the wire and the plugin sees the body, and only the host knows whether bytes left. So the
//! host's observation is what counts, and what the plugin makes of the answer can move it towards caution only:
//! towards a state from which nothing is repeated.

use serde::{Deserialize, Serialize};

use super::policy::attempts;
use super::{Class, Delivery, IntentEvent, IntentKind};

/// What was seen of the request that carries an intent out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// No byte of it was written: the name was not found, the connection was refused, the handshake failed.
    NeverWritten,
    /// The provider answered with this status.
    Answered(u16),
    /// It was written, and then the time was over or the connection broke.
    NoAnswer,
    /// It was written, and then the job was ended.
    Killed,
}

/// What an observation says about the effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The provider did it.
    Accepted,
    /// The provider will not do it.
    Refused,
    /// Nothing was done.
    NotDone {
        /// Whether it was a try that counts: one that was put off is none.
        counts: bool,
    },
    /// Nobody can tell.
    Unclear {
        /// Whether it was a try that counts.
        counts: bool,
    },
}

/// What a plugin makes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opinion {
    /// It was done.
    Accepted,
    /// It will not be done.
    Refused,
    /// It was not done and may be tried again.
    NotDone,
    /// It can't tell.
    Unclear,
}

/// The status that says that the credentials are not taken: nothing was done, and nothing is wrong with the
/// intent. The account is, and whoever sees it stops the lane.
const UNAUTHORIZED: u16 = 401;
/// The status that puts a request off.
const TOO_MANY_REQUESTS: u16 = 429;

impl Observation {
    /// What it says about the effect. `declared` is whether the plugin's description, which was approved, says of
    /// this very status that nothing was done.
    #[must_use]
    pub fn meaning(self, declared: bool) -> Meaning {
        match self {
            Self::NeverWritten => Meaning::NotDone { counts: true },
            Self::NoAnswer | Self::Killed => Meaning::Unclear { counts: true },
            Self::Answered(200..=299) => Meaning::Accepted,
            Self::Answered(UNAUTHORIZED) => Meaning::NotDone { counts: false },
            Self::Answered(TOO_MANY_REQUESTS) if declared => Meaning::NotDone { counts: false },
            Self::Answered(TOO_MANY_REQUESTS) => Meaning::Unclear { counts: false },
            // A request that timed out there, one that meets itself, one that came too early, and whatever is no
            // answer of the API's: it may have got anywhere.
            Self::Answered(408 | 409 | 425 | 0..=399 | 500..) if declared => Meaning::NotDone { counts: true },
            Self::Answered(408 | 409 | 425 | 0..=399 | 500..) => Meaning::Unclear { counts: true },
            Self::Answered(400..=499) => Meaning::Refused,
        }
    }
}

impl Meaning {
    /// The meaning once the plugin has read the answer. What can't be told from the wire can't be told from an
    /// answer either, for there is none; what the provider did or refused is not undone by an opinion.
    #[must_use]
    pub fn moved_by(self, opinion: Opinion) -> Self {
        match (self, opinion) {
            (Self::Unclear { counts }, _) => Self::Unclear { counts },
            (_, Opinion::Unclear) => Self::Unclear { counts: true },
            (Self::NotDone { counts }, Opinion::NotDone) => Self::NotDone { counts },
            // These contradict the wire, so one of the two is wrong.
            (Self::NotDone { .. }, Opinion::Accepted) | (Self::Accepted, Opinion::NotDone) => {
                Self::Unclear { counts: true }
            }
            (Self::Accepted | Self::Refused, Opinion::Accepted) => Self::Accepted,
            (_, Opinion::Refused) | (Self::Refused, Opinion::NotDone) => Self::Refused,
        }
    }

    /// Whether it was a try in vain that counts.
    #[must_use]
    pub fn counts(self) -> bool {
        match self {
            Self::NotDone { counts } | Self::Unclear { counts } => counts,
            Self::Accepted | Self::Refused => false,
        }
    }

    /// The event for an intent that was tried in vain `tried` times, this one counted.
    #[must_use]
    pub fn event(self, kind: IntentKind, class: Class, delivery: Delivery, tried: u32) -> IntentEvent {
        let is_spent = attempts(kind, class).is_some_and(|limit| tried >= limit);
        match self {
            Self::Accepted => IntentEvent::Accept,
            Self::Refused => IntentEvent::Refuse,
            Self::NotDone { .. } if is_spent => IntentEvent::GiveUp,
            Self::Unclear { .. } if is_spent && delivery == Delivery::AtLeastOnce => IntentEvent::GiveUp,
            Self::NotDone { .. } => IntentEvent::NotSent,
            Self::Unclear { .. } => IntentEvent::Unclear,
        }
    }
}
