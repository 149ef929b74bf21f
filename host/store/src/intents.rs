//! The intent ledger: every effect that is to happen at a provider, and exactly how far it got (invariants 2
//! and 4). The rules are those of [`postroom_domain::intent`].
//!
//! What is to happen for one account is its *lane*. One worker has a lane at a time, by an epoch that grows with
//! every takeover: whoever was thought dead and wakes up has an old one, and arms nothing any more.
//!
//! No call to a provider happens from any state but *armed*, and arming is on disk when it returns.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::RemoteStatus;
use postroom_domain::intent::arming::{Refusal, Stop};
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, Delivery, IntentId, IntentKind, IntentState, Settlement};
use postroom_domain::outcome::Reason;
use postroom_domain::projection::ContentHash;
use postroom_domain::purpose::PurposeName;
use serde::{Deserialize, Serialize};

use crate::Result;

mod view;

pub use view::{DoubtEvent, DoubtStep, Intent, IntentDetail, IntentFigures, IntentKey, IntentQuery, WaitingIntents};

/// Intents that one call is about at most: a few milliseconds of the writer, so that an opt-out
/// behind it does not wait long.
pub const MAX_INTENTS_AT_ONCE: usize = 500;
/// The longest `want`, in bytes: a contact with every field full fits several times.
pub const MAX_WANT_BYTES: usize = 64 * 1_024;
/// The longest effect key and the longest target, in bytes: names of a few numbers and words.
pub const MAX_NAME_BYTES: usize = 256;

/// An effect that somebody plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentDraft {
    /// The name of the business act, as in `send:journey 3:step 2:contact 17`: planned twice, it happens once. It
    /// names people by number only.
    pub effect_key: String,
    /// The account's number.
    pub account: i64,
    /// Whom it is about; none for what is about nobody alone.
    pub contact: Option<ContactId>,
    /// What is to be done.
    pub kind: IntentKind,
    /// How often it may come to be.
    pub delivery: Delivery,
    /// How soon it is served.
    pub class: Class,
    /// What it is about at the account: an audience, a tag of one. Of intents that say how a thing is to stand, the
    /// newest about a contact and a target replaces older ones. For what is to be erased, the number of the duty.
    pub target: String,
    /// The list whose subscription it needs, by name.
    pub list: Option<String>,
    /// The purpose that it serves.
    pub purpose: Option<PurposeName>,
    /// What is wanted, in the planner's own words. It may hold personal data, and is gone as soon as nothing will
    /// be sent of it. Empty for what is to be erased: that stands sealed with the erasure.
    pub want: String,
    /// The sequence number as of which it was worked out.
    pub based_on: u64,
    /// Not before this moment.
    pub due_at: Timestamp,
    /// Not from this moment on.
    pub valid_until: Option<Timestamp>,
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planned {
    /// It is planned.
    New(IntentId),
    /// There was one of that key, and nothing was written.
    Known(IntentId),
    /// There was one of that key, and it was cleared away since. Nothing was written.
    Spent,
    /// Its contact is not there any more, and nothing was written.
    ContactGone,
}

/// The right to work on an account's intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The account's number.
    pub account: i64,
    /// Who has it: any name that tells processes apart.
    pub owner: String,
    /// The how many-eth takeover this was.
    pub epoch: u64,
}

/// A lane that was taken over, and what its owner before left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// The lane.
    pub lane: Lane,
    /// Intents that were claimed and are planned again.
    pub released: u64,
    /// Intents that were armed and are in doubt now.
    pub in_doubt: u64,
}

/// Which intents a worker takes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Of this class and those that are served sooner.
    pub up_to: Class,
    /// At most this many, and never more than [`MAX_INTENTS_AT_ONCE`].
    pub limit: u32,
}

/// An intent that is claimed, with all that carrying it out needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedIntent {
    /// Its number.
    pub id: IntentId,
    /// The name of the business act.
    pub effect_key: String,
    /// Whom it is about.
    pub contact: Option<ContactId>,
    /// What is to be done.
    pub kind: IntentKind,
    /// How often it may come to be.
    pub delivery: Delivery,
    /// How soon it is served.
    pub class: Class,
    /// What it is about at the account.
    pub target: String,
    /// What is wanted.
    pub want: String,
    /// The sequence number as of which it was worked out.
    pub based_on: u64,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// How often the program ended under it.
    pub crashes: u32,
    /// The key by which the provider may know it already: whoever repeats it uses the same.
    pub provider_key: Option<String>,
}

/// What an opt-out wants: whom a provider is to unsubscribe. It stands in the `want` of an intent as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutWant {
    /// The audience's id at the provider.
    pub audience: String,
    /// The address that the provider knows.
    pub address: String,
    /// The member's id there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
}

/// What a message wants: what fills the places of its template. It stands in the `want` of an intent as JSON. The
/// template is the intent's target, and the address is the contact's as it is when the message leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageWant {
    /// Values by the name of their place.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// The accounts with something to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DueLanes {
    /// The accounts that something is due for now, by number.
    pub accounts: Vec<i64>,
    /// When the next is due of those that are not yet; none when there are none.
    pub next: Option<Timestamp>,
}

/// An intent that is about to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arming {
    /// Its number.
    pub id: IntentId,
    /// The key by which the provider will know the request; none where it knows none.
    pub key: Option<ProviderKey>,
    /// A hash of the request, to tell whether a repetition is the very same.
    pub request: Option<ContentHash>,
}

/// A key by which a provider tells the repetition of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderKey {
    /// The key.
    pub key: String,
    /// For how long the provider declares to know it.
    pub life: SignedDuration,
}

/// What became of an armed intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its number.
    pub id: IntentId,
    /// What was seen, and what the plugin made of it.
    pub meaning: Meaning,
    /// Why it was refused or not done.
    pub reason: Option<Reason>,
    /// What shows that it was done: the provider's number of the message.
    pub evidence: Option<String>,
    /// The provider asked not to be called before this moment.
    pub not_before: Option<Timestamp>,
    /// What was seen of the member that it is about; it is confirmed in the same transaction.
    pub seen: Option<RemoteStatus>,
}

/// What an answer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerTaken {
    /// The intent stands so now.
    Now(IntentState),
    /// Nothing: the intent is not that of whoever answers, or has ended. It stands so.
    Not(IntentState),
    /// Nothing: there is no such intent.
    Unknown,
}

/// A decision about a doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// How it ends.
    pub settlement: Settlement,
    /// Who decides: an operator's name, or the part of the program that looked.
    pub by: String,
    /// What it rests on.
    pub evidence: String,
}

/// Something that stops intents, opt-outs apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Halt {
    /// Those of every account.
    Hold,
    /// Those of one account, because an operator wants it so.
    Pause {
        /// Its number.
        account: i64,
    },
    /// Those of one account, because too much would have happened, or failed.
    Breaker {
        /// Its number.
        account: i64,
    },
}

/// What stops intents, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Halted {
    /// What.
    pub halt: Halt,
    /// Why, in a sentence.
    pub why: String,
    /// Since when.
    pub at: Timestamp,
}

/// The use cases of intents.
#[async_trait]
pub trait IntentStore {
    /// Plans intents, all in one transaction, and answers for each in its order. One whose effect key is there
    /// writes nothing. Where intents say how a thing is to stand, older ones about the same contact and target that
    /// nothing has left of are cancelled; an opt-out is replaced by an opt-out only.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) with the rule's sentence when one of them is not as the table of
    /// its kind wants it, or there are more than [`MAX_INTENTS_AT_ONCE`];
    /// [`NotFound`](crate::StoreError::NotFound) of an account, a list or a purpose. Then nothing is planned.
    async fn plan_intents(&self, drafts: &[IntentDraft], at: Timestamp) -> Result<Vec<Planned>>;

    /// Takes an account's lane over from whoever had it, who is dead or as good as that: what was claimed is
    /// planned again, and what was armed is in doubt. A program does so for every account before it works.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) of the account.
    async fn take_over_lane(&self, account: i64, owner: &str, at: Timestamp) -> Result<Takeover>;

    /// Takes up what is due, the most urgent class first and in it what has been due longest. While anything
    /// stops the account, only opt-outs.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) when somebody else has the lane.
    async fn claim_intents(&self, lane: &Lane, claim: Claim, at: Timestamp) -> Result<Vec<ClaimedIntent>>;

    /// The accounts that anything is due for, and when the next is. The requests of runs are not among what is due: a
    /// run carries them out itself.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn due_lanes(&self, at: Timestamp) -> Result<DueLanes>;

    /// Arms intents in one transaction, which is on disk when this returns, and answers for each in its order
    /// whether its bytes may leave, or why not. Everything is looked up again as of this transaction, by the rule
    /// time `at`: an opt-out that was recorded before wins. What is refused is cancelled, has expired, or is
    /// planned again.
    ///
    /// # Errors
    ///
    /// When the storage fails, or there are more than [`MAX_INTENTS_AT_ONCE`]; then nothing may leave.
    async fn arm_intents(
        &self,
        lane: &Lane,
        armings: &[Arming],
        at: Timestamp,
    ) -> Result<Vec<std::result::Result<(), Refusal>>>;

    /// Gives back what was claimed and not armed; answers how many that were.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn release_intents(&self, lane: &Lane, intents: &[IntentId], at: Timestamp) -> Result<u64>;

    /// Gives up the work on intents, by whoever was cut short in it: what was claimed is planned again, and what was armed
    /// is in doubt. What has ended, or is somebody else's by now, stays as it is. Answers how many changed.
    ///
    /// # Errors
    ///
    /// When the storage fails; then all of them stay as they are.
    async fn give_up_intents(&self, lane: &Lane, intents: &[IntentId], at: Timestamp) -> Result<u64>;

    /// Records what became of armed intents, in one transaction, and answers for each in its order. An answer that
    /// comes after a takeover still resolves the doubt that the takeover left, unless somebody armed the intent again.
    ///
    /// # Errors
    ///
    /// When the storage fails; then nothing of it is recorded.
    async fn record_answers(&self, lane: &Lane, answers: &[Answer], at: Timestamp) -> Result<Vec<AnswerTaken>>;

    /// Resolves a doubt and keeps who did, when, and on what it rests. Answers with the state that follows.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) with the rule's sentence
    /// when the intent is not in doubt, or can't be resolved like this.
    async fn resolve_doubt(&self, intent: IntentId, decision: &Decision, at: Timestamp) -> Result<IntentState>;

    /// Ends what was not armed in time, in units between which others write; answers how many that were.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn expire_intents(&self, at: Timestamp) -> Result<u64>;

    /// Stops intents, opt-outs apart. What is armed is on its way and stays so.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) of the account.
    async fn halt_intents(&self, halted: &Halted) -> Result<()>;

    /// Takes a halt away; answers whether there was one.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn lift_halt(&self, halt: Halt) -> Result<bool>;

    /// Everything that stops intents: what stops all of them, then by account.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn halts(&self) -> Result<Vec<Halted>>;

    /// One intent with the history of its doubts.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn intent(&self, id: IntentId) -> Result<IntentDetail>;

    /// A page of intents in the order of their numbers.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn intents(&self, query: &IntentQuery) -> Result<Vec<Intent>>;

    /// How many there are and how old, of one account or of all: counted anew each time.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn intent_figures(&self, account: Option<i64>) -> Result<IntentFigures>;

    /// How many intents wait, by account and kind, that something may stop: opt-outs and what is too late at this moment
    /// are not among them.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn waiting_intents(&self, at: Timestamp) -> Result<Vec<WaitingIntents>>;

    /// Clears away what ended before a moment, in units between which others write; answers how many that were.
    /// The keys of messages stay known, so that none is ever planned again.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn clear_intents(&self, ended_before: Timestamp) -> Result<u64>;
}

impl Halt {
    /// What it is in the words of the rules.
    #[must_use]
    pub fn stop(self) -> Stop {
        match self {
            Self::Hold => Stop::Hold,
            Self::Pause { .. } => Stop::Pause,
            Self::Breaker { .. } => Stop::Breaker,
        }
    }

    /// The account; none for all of them.
    #[must_use]
    pub fn account(self) -> Option<i64> {
        match self {
            Self::Hold => None,
            Self::Pause { account } | Self::Breaker { account } => Some(account),
        }
    }
}
