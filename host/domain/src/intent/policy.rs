//! What each kind of action may and must.

use jiff::{SignedDuration, Timestamp};

use super::{Class, Delivery, IntentKind};

/// How often something that is to stand at a provider is tried: with the waits between two tries, about a day.
pub const ATTEMPTS_OF_A_STATE: u32 = 24;
/// How often a message is tried. Each try was provably not sent; its validity mostly ends it sooner.
pub const ATTEMPTS_OF_A_MESSAGE: u32 = 8;
/// After so many ends of the program under one intent, it is the intent: a person is asked before it is tried
/// again.
pub const CRASHES_BEFORE_ASKING: u32 = 3;
/// The wait after the first try that failed.
pub const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait between two tries: an outage of a night costs an hour more at most.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// What a kind of action may and must.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How it is delivered where nothing else is said.
    pub delivery: Delivery,
    /// Whether something else may be said: a tag that sets off an automation goes out at most once, a receipt may
    /// be worth arriving twice.
    pub may_choose_delivery: bool,
    /// How often it is tried; none for as long as it takes.
    pub attempts: Option<u32>,
    /// Whether it says how a thing is to stand, so that the newest word replaces older ones.
    pub is_desired_state: bool,
    /// When it stops making sense.
    pub validity: Validity,
    /// What its contact must have said.
    pub needs: Needs,
    /// Whether it is always an opt-out, may be one, or never is.
    pub opt_out: OptOut,
}

/// Whether an intent has an end of its validity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// It must say when it is too late.
    Mandatory,
    /// It may.
    Optional,
    /// It is never too late.
    Never,
}

/// What an intent's contact must have said for it to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it takes something back.
    Nothing,
    /// Nothing against it: less data leaves of who said no.
    NoWithdrawal,
    /// That it may be written to.
    Permission,
    /// It is about no contact.
    NoContact,
}

/// Whether an action is an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// Whoever plans it.
    Always,
    /// If whoever plans it says so: a tag comes off because the contact withdrew for its list.
    Maybe,
    /// Never: it would overtake real ones.
    Never,
}

impl IntentKind {
    /// The row of the table.
    #[must_use]
    pub const fn policy(self) -> Policy {
        const STATE: Policy = Policy {
            delivery: Delivery::AtLeastOnce,
            may_choose_delivery: false,
            attempts: Some(ATTEMPTS_OF_A_STATE),
            is_desired_state: true,
            validity: Validity::Optional,
            needs: Needs::NoWithdrawal,
            opt_out: OptOut::Never,
        };
        const OPT_OUT: Policy = Policy {
            attempts: None,
            validity: Validity::Never,
            needs: Needs::Nothing,
            opt_out: OptOut::Always,
            ..STATE
        };
        const MESSAGE: Policy = Policy {
            delivery: Delivery::AtMostOnce,
            may_choose_delivery: true,
            attempts: Some(ATTEMPTS_OF_A_MESSAGE),
            is_desired_state: false,
            validity: Validity::Mandatory,
            needs: Needs::Permission,
            opt_out: OptOut::Never,
        };
        match self {
            Self::Push => STATE,
            Self::Tag => Policy { may_choose_delivery: true, ..STATE },
            Self::Untag => Policy { needs: Needs::Nothing, opt_out: OptOut::Maybe, ..STATE },
            Self::Unsubscribe | Self::Forget => OPT_OUT,
            Self::TemplateSend => MESSAGE,
            Self::CampaignTrigger => Policy { may_choose_delivery: false, needs: Needs::NoContact, ..MESSAGE },
        }
    }

    /// Whether two kinds speak about the same thing, so that the newer word replaces the older one: a tag that is
    /// to come off needs not be put on.
    #[must_use]
    pub fn replaces(self, older: Self) -> bool {
        let topic = |kind| match kind {
            Self::Untag => Self::Tag,
            kind => kind,
        };
        self.policy().is_desired_state && topic(self) == topic(older)
    }
}

impl Class {
    /// Whether a pause, a hold or a breaker may hold it back. An opt-out is never held back (invariant 2).
    #[must_use]
    pub fn may_be_held(self) -> bool {
        self != Self::OptOut
    }
}

/// What somebody plans, as far as the table judges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What is to be done.
    pub kind: IntentKind,
    /// How often it may come to be.
    pub delivery: Delivery,
    /// How soon it is served.
    pub class: Class,
    /// Whether it is about a contact.
    pub has_contact: bool,
    /// When it is too late.
    pub valid_until: Option<Timestamp>,
}

/// What is wrong with what somebody plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermsFault {
    /// It is about a contact and names none.
    #[error("a {0} is about a contact: name one")]
    NoContact(IntentKind),
    /// It is about no contact and names one.
    #[error("a {0} is about no single contact: name none")]
    Contact(IntentKind),
    /// Its delivery is not to be chosen.
    #[error("the delivery of a {0} can't be chosen: leave it as it is")]
    Delivery(IntentKind),
    /// It lacks the moment after which it makes no sense.
    #[error("a {0} that goes out at most once may lie for days: say until when it is valid")]
    NoValidity(IntentKind),
    /// It takes something back and is to expire.
    #[error("a {0} that takes something back is never too late: give it no end of validity")]
    Validity(IntentKind),
    /// Its class is that of opt-outs, or should be.
    #[error("a {0} can't be of this class: only what takes something back is an opt-out, and that always")]
    Class(IntentKind),
}

impl Terms {
    /// Checks what somebody plans against the table.
    ///
    /// # Errors
    ///
    /// [`TermsFault`], the first there is.
    pub fn check(self) -> Result<(), TermsFault> {
        let Self { kind, delivery, class, has_contact, valid_until } = self;
        let policy = kind.policy();
        match (policy.needs, has_contact) {
            (Needs::NoContact, true) => return Err(TermsFault::Contact(kind)),
            (Needs::Nothing | Needs::NoWithdrawal | Needs::Permission, false) => {
                return Err(TermsFault::NoContact(kind));
            }
            (Needs::NoContact, false) | (Needs::Nothing | Needs::NoWithdrawal | Needs::Permission, true) => {}
        }
        if delivery != policy.delivery && !policy.may_choose_delivery {
            return Err(TermsFault::Delivery(kind));
        }
        match (policy.opt_out, class == Class::OptOut) {
            (OptOut::Always, false) | (OptOut::Never, true) => return Err(TermsFault::Class(kind)),
            (OptOut::Always | OptOut::Maybe, true) | (OptOut::Maybe | OptOut::Never, false) => {}
        }
        match self.validity() {
            Validity::Mandatory if valid_until.is_none() => Err(TermsFault::NoValidity(kind)),
            Validity::Never if valid_until.is_some() => Err(TermsFault::Validity(kind)),
            Validity::Mandatory | Validity::Optional | Validity::Never => Ok(()),
        }
    }

    /// When it stops making sense: an opt-out never does, and what goes out at most once may wait for a person
    /// for days.
    #[must_use]
    pub fn validity(self) -> Validity {
        match (self.class, self.delivery) {
            (Class::OptOut, _) => Validity::Never,
            (_, Delivery::AtMostOnce) => Validity::Mandatory,
            (_, Delivery::AtLeastOnce) => self.kind.policy().validity,
        }
    }

    /// How often it is tried; none for as long as it takes.
    #[must_use]
    pub fn attempts(self) -> Option<u32> {
        attempts(self.kind, self.class)
    }
}

/// How often an intent is tried; none for as long as it takes.
#[must_use]
pub fn attempts(kind: IntentKind, class: Class) -> Option<u32> {
    kind.policy().attempts.filter(|_| class != Class::OptOut)
}

/// When an intent that was tried in vain so often is due again: the wait doubles, up to the longest. What the
/// provider asked for holds where that is later.
#[must_use]
pub fn due_again(now: Timestamp, attempts: u32, asked: Option<Timestamp>) -> Timestamp {
    let doublings = attempts.saturating_sub(1).min(i32::BITS - 2);
    let wait = FIRST_WAIT.checked_mul(1_i32 << doublings).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
    let due = now.checked_add(wait).unwrap_or(Timestamp::MAX);
    asked.map_or(due, |asked| asked.max(due))
}
