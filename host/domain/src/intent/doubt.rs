//! How a doubt is resolved: what may have happened is found out, or a person decides.
//!
//! In this order:
//!
//! 1. What may be repeated is repeated, unless it is what ends the program.
//! 2. The provider knows the request by a key, and will for a while: the very same request is repeated.
//! 3. The provider can be asked what it did. That it did nothing is believed only if it is said to know everything.
//! 4. A person decides. Who decides nothing for three days has said that it was sent.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::policy::CRASHES_BEFORE_ASKING;
use super::{Class, Delivery, IntentKind};

/// After so long without a word, a message counts as sent: nobody will want to send it any more.
pub const ASSUMED_SENT_AFTER: SignedDuration = SignedDuration::from_hours(72);

/// How long after a doubt began the provider is asked: soon for those who wait, and late for what turns up late.
pub const LOOKS: [SignedDuration; 4] = [
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(6),
];

/// How a doubt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    /// The provider shows that it was done.
    Found,
    /// The provider shows that nothing was done.
    NotFound,
    /// It does no harm twice.
    Repeat,
    /// The provider tells the repetition by its key.
    RepeatWithKey,
    /// It is taken to be done.
    AssumeSent,
    /// It is to be sent, though it may have been.
    SendAgain,
    /// Nobody is to try any more.
    Drop,
}

/// A doubt, with all that is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// What was to be done.
    pub kind: IntentKind,
    /// How soon it is served.
    pub class: Class,
    /// How often it may come to be.
    pub delivery: Delivery,
    /// When it began.
    pub since: Timestamp,
    /// How often the program ended under it.
    pub crashes: u32,
    /// The key by which the provider knows the request.
    pub key: Option<KeyLife>,
    /// What the provider can show.
    pub read_back: ReadBack,
}

/// How long a provider knows a request by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLife {
    /// When the request was first armed with it.
    pub since: Timestamp,
    /// For how long the provider declares to know it.
    pub life: SignedDuration,
}

/// What a provider can show of what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// It can't be asked.
    Impossible,
    /// It was not asked yet.
    NotYet,
    /// It shows the effect.
    Found,
    /// It does not show it.
    Absent {
        /// When it was asked.
        asked_at: Timestamp,
        /// How late the effect may turn up, if the plugin declares that everything does.
        complete_after: Option<SignedDuration>,
    },
}

/// What is to be done about a doubt now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is resolved.
    Settle(Settlement),
    /// The provider is to be asked at this moment, or as soon as may be.
    Look(Timestamp),
    /// A person is to decide; at this moment nothing was decided for too long. Without one, it waits for a person
    /// for as long as it takes.
    Ask(Option<Timestamp>),
}

/// What is to be done about a doubt now.
#[must_use]
pub fn next(doubt: &Doubt, now: Timestamp) -> Next {
    if doubt.read_back == ReadBack::Found {
        return Next::Settle(Settlement::Found);
    }
    if doubt.delivery == Delivery::AtLeastOnce {
        // What ends the program again and again is not repeated unasked, but for an opt-out.
        let is_safe = doubt.class == Class::OptOut || doubt.crashes < CRASHES_BEFORE_ASKING;
        return if is_safe { Next::Settle(Settlement::Repeat) } else { Next::Ask(None) };
    }
    if doubt.crashes < CRASHES_BEFORE_ASKING && doubt.key.is_some_and(|key| key.is_good(now)) {
        return Next::Settle(Settlement::RepeatWithKey);
    }
    if let ReadBack::Absent { asked_at, complete_after: Some(late) } = doubt.read_back
        && moment(doubt.since, late) <= asked_at
    {
        return Next::Settle(Settlement::NotFound);
    }
    let end = moment(doubt.since, ASSUMED_SENT_AFTER);
    if end <= now {
        return Next::Settle(Settlement::AssumeSent);
    }
    let asked_at = match doubt.read_back {
        ReadBack::Impossible | ReadBack::Found => None,
        ReadBack::NotYet => Some(doubt.since),
        ReadBack::Absent { asked_at, .. } => Some(asked_at),
    };
    let later = |asked_at: Timestamp| {
        let declared = match doubt.read_back {
            ReadBack::Absent { complete_after, .. } => complete_after,
            ReadBack::Impossible | ReadBack::NotYet | ReadBack::Found => None,
        };
        let moments = LOOKS.into_iter().chain(declared).map(|wait| moment(doubt.since, wait));
        moments.filter(|look| *look > asked_at).min()
    };
    asked_at.and_then(later).map_or(Next::Ask(Some(end)), Next::Look)
}

/// A resolution that a kind of action does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettlementFault {
    /// It is an opt-out, and nobody has seen it done.
    #[error(
        "an opt-out is neither dropped nor taken to be done: let it be repeated, or show where the provider has done it"
    )]
    OptOut,
    /// It might happen twice.
    #[error("a {0} that goes out at most once is not repeated by itself: decide to send it again, or leave it")]
    Twice(IntentKind),
    /// The provider may not know its key any more.
    #[error("the provider may have forgotten the key of this request: look there, or decide whether to send it again")]
    Key,
    /// Nothing shows it.
    #[error("a decision needs a word on what it rests on: say what was seen, and where")]
    NoEvidence,
}

/// Whether a doubt may be resolved like this, by somebody who gives this reason.
///
/// # Errors
///
/// [`SettlementFault`].
pub fn admit(doubt: &Doubt, settlement: Settlement, evidence: &str, now: Timestamp) -> Result<(), SettlementFault> {
    match settlement {
        Settlement::Drop | Settlement::AssumeSent if doubt.class == Class::OptOut => Err(SettlementFault::OptOut),
        Settlement::Repeat if doubt.delivery == Delivery::AtMostOnce => Err(SettlementFault::Twice(doubt.kind)),
        Settlement::RepeatWithKey if !doubt.key.is_some_and(|key| key.is_good(now)) => Err(SettlementFault::Key),
        _ if evidence.trim().is_empty() => Err(SettlementFault::NoEvidence),
        _ => Ok(()),
    }
}

impl KeyLife {
    /// Whether the provider surely still knows it: for half of what it declares, so that no request arrives just
    /// after its key was forgotten.
    #[must_use]
    pub fn is_good(self, now: Timestamp) -> bool {
        self.since <= now && now <= moment(self.since, self.life / 2)
    }
}

impl Settlement {
    /// Every way.
    pub const ALL: [Self; 7] =
        [Self::Found, Self::NotFound, Self::Repeat, Self::RepeatWithKey, Self::AssumeSent, Self::SendAgain, Self::Drop];

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NotFound => "not-found",
            Self::Repeat => "repeat",
            Self::RepeatWithKey => "repeat-with-key",
            Self::AssumeSent => "assume-sent",
            Self::SendAgain => "send-again",
            Self::Drop => "drop",
        }
    }
}

/// A moment so long after another; the last there is where there is none.
fn moment(since: Timestamp, wait: SignedDuration) -> Timestamp {
    since.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
