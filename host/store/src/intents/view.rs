//! Intents as people and programs look at them.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::doubt::{Doubt, KeyLife, ReadBack};
use postroom_domain::intent::{Class, Delivery, IntentId, IntentKind, IntentState, Settlement};
use postroom_domain::outcome::Reason;
use postroom_domain::projection::ContentHash;
use serde::{Deserialize, Serialize};

/// An intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The name of the business act.
    pub effect_key: String,
    /// The account's number.
    pub account: i64,
    /// Whom it is about; none for what is about nobody, or about several.
    pub contact: Option<ContactId>,
    /// The run whose request it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// How many contacts that request is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<u64>,
    /// What is to be done.
    pub kind: IntentKind,
    /// How often it may come to be.
    pub delivery: Delivery,
    /// How soon it is served.
    pub class: Class,
    /// What it is about at the account.
    pub target: String,
    /// How far it got.
    pub state: IntentState,
    /// What is wanted; none once nothing will be sent of it.
    pub want: Option<String>,
    /// The sequence number as of which it was worked out.
    pub based_on: u64,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Not before this moment.
    pub due_at: Timestamp,
    /// Not from this moment on.
    pub valid_until: Option<Timestamp>,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// How often the program ended under it.
    pub crashes: u32,
    /// When it was last armed.
    pub armed_at: Option<Timestamp>,
    /// A hash of the request that it was last armed for; none where nobody needs to tell it from others.
    #[serde(skip)]
    pub request: Option<ContentHash>,
    /// The life of the key by which the provider knows it.
    pub key: Option<IntentKey>,
    /// When the doubt began, while it is in doubt.
    pub doubt_since: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it stands so.
    pub reason: Option<Reason>,
    /// What shows that it was done.
    pub evidence: Option<String>,
}

/// The life of a provider's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IntentKey {
    /// When the request was first armed with it.
    pub since: Timestamp,
    /// For how many seconds the provider declares to know it.
    pub life_seconds: i64,
}

/// An intent with the history of its doubts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntentDetail {
    /// The intent.
    #[serde(flatten)]
    pub intent: Intent,
    /// What happened to its doubts, oldest first.
    pub history: Vec<DoubtEvent>,
}

/// What happened to a doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DoubtEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: DoubtStep,
    /// Who decided; none where nobody had to.
    pub by: Option<String>,
    /// What it rests on; none once its contact is gone.
    pub evidence: Option<String>,
}

/// A step in the history of a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoubtStep {
    /// It began.
    Began,
    /// The answer came after all.
    Answered,
    /// Its contact is gone, and with it what could be done about it.
    GivenUp,
    /// It was resolved.
    Settled(Settlement),
}

/// Which intents a page holds. What is none does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentQuery {
    /// In this state.
    pub state: Option<IntentState>,
    /// Of this account.
    pub account: Option<i64>,
    /// About this contact.
    pub contact: Option<ContactId>,
    /// Only with a number above this.
    pub after: Option<IntentId>,
    /// At most this many.
    pub limit: u32,
}

/// How many intents there are, and how old the oldest of those that somebody should look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IntentFigures {
    /// How many are in each state; states without any are left out.
    pub states: BTreeMap<IntentState, u64>,
    /// Since when the oldest doubt lasts.
    pub oldest_in_doubt: Option<Timestamp>,
    /// When the oldest opt-out was planned that is not confirmed yet.
    pub oldest_opt_out: Option<Timestamp>,
    /// Since when the longest waiting one has been due.
    pub oldest_due: Option<Timestamp>,
}

/// How many intents of one kind wait for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WaitingIntents {
    /// The account's number.
    pub account: i64,
    /// What is to be done.
    pub kind: IntentKind,
    /// How many.
    pub intents: u64,
    /// How many of them are due now.
    pub due: u64,
}

impl Intent {
    /// Its doubt, as far as the store knows about it; none where it is in none. Whoever asked the provider adds
    /// what it showed.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        let key = |key: IntentKey| KeyLife { since: key.since, life: SignedDuration::from_secs(key.life_seconds) };
        Some(Doubt {
            kind: self.kind,
            class: self.class,
            delivery: self.delivery,
            since: self.doubt_since?,
            crashes: self.crashes,
            key: self.key.map(key),
            read_back: ReadBack::NotYet,
        })
    }
}
