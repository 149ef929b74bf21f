//! What is to happen outside, and exactly how far it got (invariants 2 and 4).
//!
//! An *intent* is one effect at one provider: a contact to push, a tag to put on, an opt-out to tell, a message to
//! send. It is armed, which is on disk, before any byte of it leaves; so that whatever ends the program, what
//! may have happened is known, and what can't have happened is known too.
//!
//! ```text
//! planned ──claim──▶ claimed ──arm──▶ armed ──answer──▶ done | rejected
//!    ▲                  │               │
//!    ├───── release ────┘               ├── not sent ──▶ planned
//!    │                                  ├── unclear ───▶ in doubt; planned where it may be repeated
//!    │                                  └── the program ended ──▶ in doubt
//!    └── not found, repeated, sent again ── in doubt ──▶ done | rejected | abandoned
//! ```
//!
//! What is planned or claimed may also be *cancelled* or *expire*; what was armed too often is *abandoned*.
//!
//! * [`policy`]: what each kind of action may and must, as a table.
//! * [`wire`]: what was seen of a request, and what follows for its intent.
//! * [`arming`]: whether an intent may be armed now.
//! * [`doubt`]: how a doubt is resolved.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod arming;
pub mod doubt;
pub mod policy;
pub mod wire;

pub use doubt::Settlement;

/// The number of an intent. It is never given out twice, and grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub i64);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentKind {
    /// A contact is to stand in an audience as it is here.
    Push,
    /// A tag is to be on a member.
    Tag,
    /// A tag is to be off a member.
    Untag,
    /// A member is to be unsubscribed.
    Unsubscribe,
    /// A member is to be erased.
    Forget,
    /// A message is to be sent from a template to one contact.
    TemplateSend,
    /// A campaign is to be set off: one call mails thousands.
    CampaignTrigger,
}

/// How often the effect may come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Until it is confirmed: twice does no harm, or was accepted in plain words ("may arrive twice").
    AtLeastOnce,
    /// Never again once it may have happened.
    AtMostOnce,
}

/// How soon it is served among what waits for one account. The order of the cases is the order of serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It takes something back that a person no longer wants.
    OptOut,
    /// Somebody waits for it.
    Interactive,
    /// An automation planned it.
    Automation,
    /// One of very many.
    Bulk,
}

/// How far an intent got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentState {
    /// It waits for its turn.
    Planned,
    /// A worker has taken it up; nothing has left.
    Claimed,
    /// From here on its bytes may leave at any moment.
    Armed,
    /// The provider has done it.
    Done,
    /// The provider refused it.
    Rejected,
    /// It may have happened: nobody knows yet.
    InDoubt,
    /// It is not wanted any more. It never left, or provably not.
    Cancelled,
    /// Its time passed before it left.
    Expired,
    /// Nobody tries any more, and whether it ever happened stays open.
    Abandoned,
}

/// What happens to an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IntentEvent {
    /// A worker takes it up.
    Claim,
    /// Its worker gives it back, or is gone, before anything left.
    Release,
    /// Its bytes may leave from now on.
    Arm,
    /// The provider did it.
    Accept,
    /// The provider refused it.
    Refuse,
    /// Provably nothing was done.
    NotSent,
    /// Whether it was done can't be told.
    Unclear,
    /// The program ended while it was armed.
    Lose,
    /// It was tried often enough.
    GiveUp,
    /// It is not wanted any more.
    Cancel,
    /// Its time has passed.
    Expire,
    /// A doubt is resolved.
    Settle(Settlement),
}

/// An event that an intent's state does not admit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is {state} can't be {}: look the intent up again, it has moved on", participle(*.event))]
pub struct StateRefusal {
    /// The state that stays.
    pub state: IntentState,
    /// The event that was refused.
    pub event: IntentEvent,
}

impl IntentState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Claimed,
        Self::Armed,
        Self::Done,
        Self::Rejected,
        Self::InDoubt,
        Self::Cancelled,
        Self::Expired,
        Self::Abandoned,
    ];

    /// The state after an event. It depends on the delivery, because what may not happen twice is not planned
    /// again unless provably nothing was done, its provider tells repetitions by a key, or a person decides so.
    ///
    /// A late answer counts for an intent in doubt: it is the best evidence there is.
    ///
    /// # Errors
    ///
    /// [`StateRefusal`] where the state does not admit the event; nothing changes then.
    pub fn after(self, event: IntentEvent, delivery: Delivery) -> Result<Self, StateRefusal> {
        use IntentEvent::{
            Accept, Arm, Cancel, Claim, Expire, GiveUp, Lose, NotSent, Refuse, Release, Settle, Unclear,
        };
        use Settlement::{AssumeSent, Drop, Found, NotFound, Repeat, RepeatWithKey, SendAgain};
        Ok(match (self, event) {
            (Self::Planned, Claim) => Self::Claimed,
            (Self::Claimed, Release) | (Self::Armed | Self::InDoubt, NotSent) => Self::Planned,
            (Self::Claimed, Arm) => Self::Armed,
            (Self::Planned | Self::Claimed, Cancel) => Self::Cancelled,
            (Self::Planned | Self::Claimed, Expire) => Self::Expired,
            (Self::Armed | Self::InDoubt, Accept) => Self::Done,
            (Self::Armed | Self::InDoubt, Refuse) => Self::Rejected,
            (Self::Armed, Unclear) if delivery == Delivery::AtLeastOnce => Self::Planned,
            (Self::Armed, Unclear | Lose) => Self::InDoubt,
            (Self::Armed | Self::InDoubt, GiveUp) | (Self::InDoubt, Settle(Drop)) => Self::Abandoned,
            (Self::InDoubt, Settle(Found | AssumeSent)) => Self::Done,
            (Self::InDoubt, Settle(NotFound | RepeatWithKey | SendAgain)) => Self::Planned,
            (Self::InDoubt, Settle(Repeat)) if delivery == Delivery::AtLeastOnce => Self::Planned,
            (state, event) => return Err(StateRefusal { state, event }),
        })
    }

    /// Whether nothing happens to it any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::Planned | Self::Claimed | Self::Armed | Self::InDoubt => false,
            Self::Done | Self::Rejected | Self::Cancelled | Self::Expired | Self::Abandoned => true,
        }
    }

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed => "claimed",
            Self::Armed => "armed",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::InDoubt => "in-doubt",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
        }
    }
}

impl IntentKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Push,
        Self::Tag,
        Self::Untag,
        Self::Unsubscribe,
        Self::Forget,
        Self::TemplateSend,
        Self::CampaignTrigger,
    ];

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Tag => "tag",
            Self::Untag => "untag",
            Self::Unsubscribe => "unsubscribe",
            Self::Forget => "forget",
            Self::TemplateSend => "template-send",
            Self::CampaignTrigger => "campaign-trigger",
        }
    }
}

impl Delivery {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AtLeastOnce, Self::AtMostOnce];

    /// Its word, as it stands in tables and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }
}

impl Class {
    /// Every class, in the order of serving.
    pub const ALL: [Self; 4] = [Self::OptOut, Self::Interactive, Self::Automation, Self::Bulk];

    /// Its word, as it stands in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptOut => "opt-out",
            Self::Interactive => "interactive",
            Self::Automation => "automation",
            Self::Bulk => "bulk",
        }
    }
}

impl fmt::Display for IntentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InDoubt => "in doubt",
            state => state.as_str(),
        })
    }
}

impl fmt::Display for IntentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of it, for a sentence.
fn participle(event: IntentEvent) -> &'static str {
    match event {
        IntentEvent::Claim => "claimed",
        IntentEvent::Release => "given back",
        IntentEvent::Arm => "armed",
        IntentEvent::Accept => "confirmed",
        IntentEvent::Refuse => "rejected",
        IntentEvent::NotSent => "called not sent",
        IntentEvent::Unclear => "called unclear",
        IntentEvent::Lose => "lost",
        IntentEvent::GiveUp => "given up",
        IntentEvent::Cancel => "cancelled",
        IntentEvent::Expire => "expired",
        IntentEvent::Settle(_) => "resolved like this",
    }
}

#[cfg(test)]
pub(crate) mod tests;
