//! What a run does with one entry, and with one contact that left the list.
//!
//! [`decide`] and [`depart`] are pure: the same facts give the same decision in a dry run, in a run
//! and for a single record. Nothing here knows how a provider is called.
//!
//! The order of the questions is the order of the rules: is there a contact at all (A5), is it the
//! first entry of that contact (A6), what does consent say here (invariant 2, [`narrowing`](crate::narrowing)), has the provider refused
//! just this before, and only then: what differs from what the provider confirmed.

use serde::{Deserialize, Serialize};

use crate::consent::ConsentState;
use crate::contact::EntryFault;
use crate::email::EmailAddress;
use crate::mapping::Mapping;
use crate::narrowing::{Narrowed, Scope};
use crate::outcome::{OutcomeClass, Reason};
use crate::projection::{Base, ContentHash, Projection};
use crate::purpose::PurposeTerms;

/// What becomes of contacts without a grant that the audience does not know yet. There is no
/// default: whoever adds a sync says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Newcomers {
    /// They stay at home.
    Skip,
    /// They are created opted out.
    Unsubscribed,
    /// They are created without marketing consent.
    NoMarketing,
    /// They are created unconfirmed, and the provider asks them.
    DoubleOptIn,
}

/// What holds if a write creates the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnCreate {
    /// Created subscribed: there is a grant.
    Subscribed,
    /// Created unconfirmed.
    Pending,
    /// Created opted out.
    Unsubscribed,
    /// Created without marketing consent.
    NoMarketing,
    /// Never created.
    DoNotCreate,
}

/// The status of a member as the provider showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteStatus {
    /// Gets campaigns.
    Subscribed,
    /// Was asked to confirm.
    Pending,
    /// Opted out.
    Unsubscribed,
    /// Without marketing consent.
    NoMarketing,
    /// Does not take mail.
    Cleaned,
    /// Hidden at the provider.
    Archived,
    /// Not in the audience.
    Absent,
    /// Any other word of the provider's.
    Other(String),
}

/// What a provider last confirmed about one contact in one audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// The member's id there.
    pub remote_id: Option<String>,
    /// Its status there.
    pub status: Option<RemoteStatus>,
    /// The address it bears there.
    pub address: EmailAddress,
    /// The hash of what it holds.
    pub hash: ContentHash,
    /// The same, field by field.
    pub base: Base,
}

impl Confirmed {
    /// Whether nothing was confirmed at all: the contact was sent, and nobody knows whether it is a
    /// member now.
    #[must_use]
    pub fn is_only_sent(&self) -> bool {
        self.status.is_none() && self.hash == ContentHash::default()
    }
}

/// What a sync remembers of a contact that could not go, so that it is not sent again in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memory {
    /// Where the entry was counted.
    pub class: OutcomeClass,
    /// Why.
    pub reason: Reason,
    /// What was sent then, by [`attempt_hash`].
    pub attempt: ContentHash,
}

/// The tag that a sync put on a contact, and what it still owes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagState {
    /// The tag it bears because of this sync, or may bear: see [`armed`](Self::armed).
    pub owned: Option<String>,
    /// A change that is owed: the member's status did not allow it (row A9), or its answer is not known.
    pub refused: Option<RefusedTag>,
}

/// A change of tag that stays owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTag {
    /// Whether it was to be put on or taken off.
    pub change: TagChange,
    /// The tag.
    pub tag: String,
    /// The provider's reason.
    pub reason: String,
}

/// Why a tag that was sent counts as still owed.
const UNANSWERED: &str = "it was sent, and the provider's answer is not known";

impl TagState {
    /// The state in which a tag is about to be put on: the contact may bear it from now on, and the
    /// tag is still owed. None while it bears another, which is the one that is known of.
    #[must_use]
    pub fn armed(&self, tag: &str) -> Option<Self> {
        if self.owned.is_some() {
            return None;
        }
        let refused = RefusedTag { change: TagChange::Add, tag: tag.to_owned(), reason: UNANSWERED.to_owned() };
        Some(Self { owned: Some(tag.to_owned()), refused: Some(refused) })
    }

    /// Whether the tag that it bears was sent and never confirmed.
    #[must_use]
    pub fn is_armed(&self) -> bool {
        let owed = self.refused.as_ref().filter(|refused| refused.change == TagChange::Add);
        owed.is_some_and(|refused| self.owned.as_deref() == Some(refused.tag.as_str()))
    }
}

/// The two things that can be done with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagChange {
    /// Put it on.
    Add,
    /// Take it off.
    Remove,
}

/// Everything about one entry that the decision needs.
#[derive(Debug)]
pub struct Facts<'a> {
    /// The contact's consent for the sync's list and purpose.
    pub consent: &'a Narrowed,
    /// The contact's address.
    pub address: &'a EmailAddress,
    /// The contact through the sync's mapping.
    pub projection: &'a Projection,
    /// What the provider confirmed.
    pub confirmed: Option<&'a Confirmed>,
    /// What this sync remembers.
    pub memory: Option<&'a Memory>,
    /// The tag's state.
    pub tag: &'a TagState,
}

/// The parts of a sync's settings that decide.
#[derive(Debug, Clone)]
pub struct Policy {
    /// What becomes of contacts without a grant.
    pub newcomers: Newcomers,
    /// The tag that members of this list bear; none where the provider has no tags.
    pub tag: Option<String>,
    /// Whether remembered refusals are tried again.
    pub retry_rejected: bool,
    /// The list whose subscription counts; none for a segment, which nobody subscribes to.
    pub list: Option<String>,
    /// What its contacts are written to for, where that is stated.
    pub purpose: Option<PurposeTerms>,
}

/// What a run does with an entry that has a contact and is the first of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is sent; the entry is counted here.
    Settle {
        /// Where it is counted.
        class: OutcomeClass,
        /// Why.
        reason: Reason,
    },
    /// The contact opted out here and may still be mailed there: its member is unsubscribed.
    Withdraw,
    /// The provider holds just this. The tag may still differ.
    Unchanged {
        /// What the tag needs.
        tag: TagStep,
    },
    /// The contact is sent.
    Push {
        /// What kind of write it is.
        kind: PushKind,
        /// What holds if it creates the member.
        on_create: OnCreate,
        /// What the tag needs, once the status is known.
        tag: TagStep,
    },
}

/// The kinds of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PushKind {
    /// The audience is not known to have it.
    Create,
    /// The audience has it, with other values.
    Update,
    /// The audience has it under another address.
    Rename,
}

/// What a member's tag needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagStep {
    /// Nothing.
    Keep,
    /// These changes.
    Change {
        /// The tag to put on.
        add: Option<String>,
        /// The tag to take off.
        remove: Option<String>,
    },
    /// It was refused before, and nothing has changed since: still owed, not asked again.
    Owed(RefusedTag),
}

/// What a run does with a contact that left the list, or that withdrew for it or for the sync's purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// It bears no tag of this sync.
    Nothing,
    /// The tag comes off (row A8).
    Untag(String),
    /// That was refused before: still owed, not asked again.
    Owed(RefusedTag),
}

/// The class and the reason of an entry without a contact.
#[must_use]
pub fn invalid(fault: &EntryFault) -> (OutcomeClass, Reason) {
    let code = match fault {
        EntryFault::NoAddress => "no-address",
        EntryFault::BadAddress(_) => "bad-address",
    };
    // The text of a bad address may be somebody's: it stays with the entry.
    let message = match fault {
        EntryFault::NoAddress => "the entry has no e-mail address",
        EntryFault::BadAddress(_) => "what the entry has is not a valid e-mail address",
    };
    (OutcomeClass::Invalid, Reason::new(code, message))
}

/// The class and the reason of an entry whose contact stands earlier on the list.
#[must_use]
pub fn duplicate(first_position: u64) -> (OutcomeClass, Reason) {
    let message = format!("entry {first_position} of the list has the same e-mail address; only the first is sent");
    (OutcomeClass::Duplicate, Reason::new("duplicate", message))
}

/// The class and the reason of a contact that withdrew for the sync's list or purpose, and not as a whole.
#[must_use]
pub fn withdrawn_here(scope: &Scope) -> (OutcomeClass, Reason) {
    let code = match scope {
        Scope::Purpose(_) => "withdrawn-for-purpose",
        Scope::List(_) | Scope::FormerList(_) | Scope::Whole => "withdrawn-for-list",
    };
    (OutcomeClass::Blocked, Reason::new(code, format!("{WITHDRAWN} for {scope}")))
}

/// What an attempt to send a contact depends on besides its fields: with another consent or another
/// policy it is another attempt.
#[must_use]
pub fn attempt_hash(facts: &Facts<'_>, policy: &Policy) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&facts.projection.hash);
    hasher.update(facts.consent.state.as_str().as_bytes());
    hasher.update(&[policy.newcomers as u8]);
    if !facts.consent.by.is_whole() {
        hasher.update(facts.consent.by.to_string().as_bytes());
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// What of a sync's settings a decision depends on, so that one made under other settings is not
/// taken for this one's. Whether refusals are retried is no part of it: that changes nothing about
/// contacts that need nothing. Nor is the list's name, which stands in reasons only.
#[must_use]
pub fn settings_hash(mapping: &Mapping, policy: &Policy) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    let Policy { newcomers, tag, purpose, retry_rejected: _, list: _ } = policy;
    // Another version of the program may decide by other rules.
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.update(format!("{mapping:?}{newcomers:?}{tag:?}{purpose:?}").as_bytes());
    let mut bytes = ContentHash::default();
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// What a run does with one entry.
#[must_use]
pub fn decide(facts: &Facts<'_>, policy: &Policy) -> Decision {
    let settle = |class, code: &str, message: &str| Decision::Settle { class, reason: Reason::new(code, message) };
    let remembered =
        facts.memory.filter(|memory| !policy.retry_rejected && memory.attempt == attempt_hash(facts, policy));

    // The audience may serve other lists and purposes, so the member stays as it is there. Its tag comes off as
    // that of one who left the list.
    if let Some(scope) = facts.consent.withdrawn_here() {
        let (class, reason) = withdrawn_here(scope);
        return Decision::Settle { class, reason };
    }
    match facts.consent.state {
        ConsentState::Withdrawn => {
            // What was seen there may have been long ago: another hand may have subscribed it since, so the
            // opt-out travels once in any case, and each time as long as it is seen to get mail.
            let status = facts.confirmed.and_then(|confirmed| confirmed.status.as_ref());
            let gets_mail = matches!(status, Some(RemoteStatus::Subscribed | RemoteStatus::Pending));
            if gets_mail || remembered.is_none() {
                return Decision::Withdraw;
            }
            return settle(OutcomeClass::Blocked, "withdrawn", WITHDRAWN);
        }
        ConsentState::Unusable => {
            return settle(OutcomeClass::Blocked, "unusable", "the address does not take mail");
        }
        ConsentState::Unknown | ConsentState::Pending | ConsentState::Granted => {}
    }
    if let Some(memory) = remembered {
        return Decision::Settle { class: memory.class, reason: memory.reason.clone() };
    }

    let on_create = match (facts.consent.state, policy.newcomers) {
        (ConsentState::Granted, _) => OnCreate::Subscribed,
        (_, Newcomers::Unsubscribed) => OnCreate::Unsubscribed,
        (_, Newcomers::NoMarketing) => OnCreate::NoMarketing,
        (_, Newcomers::DoubleOptIn) => OnCreate::Pending,
        (_, Newcomers::Skip) => OnCreate::DoNotCreate,
    };
    // A member that was looked for and not found is none, nor is one that was only sent.
    let is_member =
        |confirmed: &&Confirmed| confirmed.status != Some(RemoteStatus::Absent) && !confirmed.is_only_sent();
    let Some(confirmed) = facts.confirmed.filter(is_member) else {
        if on_create == OnCreate::DoNotCreate {
            let lacking = match &facts.consent.by {
                Scope::Whole => "no consent is recorded".to_owned(),
                scope => format!("no consent is recorded for {scope}"),
            };
            return settle(
                OutcomeClass::Skipped,
                "no-consent",
                &format!("{lacking}, and the sync skips such newcomers"),
            );
        }
        // One that was sent under another address is moved, if it is there, not made a second time.
        let moved = |sent: &Confirmed| sent.is_only_sent() && sent.address.key() != facts.address.key();
        let kind = if facts.confirmed.is_some_and(moved) { PushKind::Rename } else { PushKind::Create };
        return Decision::Push { kind, on_create, tag: tag_step(facts.tag, policy, true) };
    };
    let kind = if confirmed.address.key() != facts.address.key() {
        PushKind::Rename
    } else if confirmed.hash != facts.projection.hash {
        PushKind::Update
    } else {
        return Decision::Unchanged { tag: tag_step(facts.tag, policy, false) };
    };
    // Who was last seen opted out, cleaned or put away is not brought back by a write that finds the
    // member gone: only what gets mail already may be made again as something that gets mail.
    let gets_mail = matches!(confirmed.status, None | Some(RemoteStatus::Subscribed | RemoteStatus::Pending));
    let on_create = if gets_mail { on_create } else { OnCreate::DoNotCreate };
    Decision::Push { kind, on_create, tag: tag_step(facts.tag, policy, true) }
}

/// The sentence for a contact that opted out here.
pub const WITHDRAWN: &str = "the contact withdrew its consent";

/// What the tag of a member on the list needs. A refusal is asked about again when the contact is
/// sent anyway, because the answer shows the status of the moment.
fn tag_step(state: &TagState, policy: &Policy, is_sent: bool) -> TagStep {
    let Some(wanted) = &policy.tag else {
        return TagStep::Keep;
    };
    let same = |tag: &str| tag.to_lowercase() == wanted.to_lowercase();
    if state.owned.as_deref().is_some_and(same) {
        let again = TagStep::Change { add: Some(wanted.clone()), remove: None };
        return if state.is_armed() { again } else { TagStep::Keep };
    }
    if let Some(refused) = &state.refused
        && refused.change == TagChange::Add
        && same(&refused.tag)
        && !is_sent
        && !policy.retry_rejected
    {
        return TagStep::Owed(refused.clone());
    }
    TagStep::Change { add: Some(wanted.clone()), remove: state.owned.clone() }
}

/// What a run does with the tag of a contact that left the list (row A8), or that withdrew for it or for the
/// sync's purpose.
#[must_use]
pub fn depart(state: &TagState, retry_rejected: bool) -> Departure {
    match (&state.owned, &state.refused) {
        (None, _) => Departure::Nothing,
        (Some(_), Some(refused)) if refused.change == TagChange::Remove && !retry_rejected => {
            Departure::Owed(refused.clone())
        }
        (Some(tag), _) => Departure::Untag(tag.clone()),
    }
}

impl RemoteStatus {
    /// The status's word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Subscribed => "subscribed",
            Self::Pending => "pending",
            Self::Unsubscribed => "unsubscribed",
            Self::NoMarketing => "no-marketing",
            Self::Cleaned => "cleaned",
            Self::Archived => "archived",
            Self::Absent => "absent",
            Self::Other(word) => word,
        }
    }

    /// The status that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "subscribed" => Self::Subscribed,
            "pending" => Self::Pending,
            "unsubscribed" => Self::Unsubscribed,
            "no-marketing" => Self::NoMarketing,
            "cleaned" => Self::Cleaned,
            "archived" => Self::Archived,
            "absent" => Self::Absent,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Newcomers {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::Skip, Self::Unsubscribed, Self::NoMarketing, Self::DoubleOptIn];

    /// The policy's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Unsubscribed => "unsubscribed",
            Self::NoMarketing => "no-marketing",
            Self::DoubleOptIn => "double-opt-in",
        }
    }
}

impl std::str::FromStr for Newcomers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text).ok_or_else(|| {
            format!("`{text}` is not a policy for newcomers: use skip, unsubscribed, no-marketing or double-opt-in")
        })
    }
}

#[cfg(test)]
mod tests;
