//! The plain model of a ledger: intents, the epoch of the one lane, and what each person said.

use jiff::Timestamp;
use postroom_domain::consent::ConsentState;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::arming::Standing;
use postroom_domain::intent::{Class, Delivery, IntentEvent, IntentId, IntentKind, IntentState};

use crate::intents::Lane;

/// An intent of the model.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: IntentId,
    pub(super) act: usize,
    pub(super) contact: ContactId,
    pub(super) kind: IntentKind,
    pub(super) class: Class,
    pub(super) delivery: Delivery,
    pub(super) state: IntentState,
    pub(super) epoch: Option<u64>,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    pub(super) due_at: Timestamp,
    pub(super) valid_until: Option<Timestamp>,
    pub(super) doubt_since: Option<Timestamp>,
    pub(super) has_want: bool,
    /// Whether its bytes may have left without anything that allows them to leave again.
    pub(super) may_have_left: bool,
}

/// A person of the model.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) contact: ContactId,
    pub(super) is_there: bool,
    pub(super) consent: ConsentState,
}

#[derive(Debug)]
pub(super) struct Model {
    pub(super) account: i64,
    pub(super) epoch: u64,
    pub(super) is_held: bool,
    pub(super) people: Vec<Person>,
    pub(super) intents: Vec<Known>,
}

impl Known {
    /// Whether nothing has left of it, and something still may.
    pub(super) fn is_unsent(&self) -> bool {
        matches!(self.state, IntentState::Planned | IntentState::Claimed)
    }
}

impl Model {
    /// The lane, as whoever has it knows it, or whoever had it before.
    pub(super) fn lane(&self, is_late: bool) -> Lane {
        let epoch = if is_late { self.epoch.saturating_sub(1) } else { self.epoch };
        Lane { account: self.account, owner: "worker".to_owned(), epoch }
    }

    pub(super) fn person(&self, nth: usize) -> Result<Person, String> {
        self.people.get(nth).cloned().ok_or_else(|| "there is no such person".to_owned())
    }

    /// The place of the n-th intent, counted round; none while there is none.
    pub(super) fn place(&self, nth: usize) -> Option<usize> {
        nth.checked_rem(self.intents.len())
    }

    pub(super) fn places(&self, is_one: impl Fn(&Known) -> bool) -> Vec<usize> {
        (0..).zip(&self.intents).filter(|(_, intent)| is_one(intent)).map(|(place, _)| place).collect()
    }

    pub(super) fn at(&self, place: usize) -> Result<&Known, String> {
        self.intents.get(place).ok_or_else(|| "there is no such intent".to_owned())
    }

    pub(super) fn at_mut(&mut self, place: usize) -> Result<&mut Known, String> {
        self.intents.get_mut(place).ok_or_else(|| "there is no such intent".to_owned())
    }

    pub(super) fn standing(&self, contact: ContactId) -> Standing {
        match self.people.iter().find(|person| person.contact == contact && person.is_there) {
            Some(person) => Standing::There { consent: person.consent, basis: None, is_suppressed: false },
            None => Standing::Gone,
        }
    }

    /// Carries an event out by the rules, with what follows for the row.
    pub(super) fn step(&mut self, place: usize, event: IntentEvent, at: Timestamp) -> Result<(), String> {
        let intent = self.at_mut(place)?;
        intent.state = intent.state.after(event, intent.delivery).map_err(|refusal| refusal.to_string())?;
        if intent.state == IntentState::Planned && !intent.has_want {
            intent.state = IntentState::Cancelled;
        }
        if intent.state == IntentState::Planned {
            intent.epoch = None;
        }
        intent.has_want &= !intent.state.is_final();
        intent.doubt_since = (intent.state == IntentState::InDoubt).then_some(at);
        Ok(())
    }
}
