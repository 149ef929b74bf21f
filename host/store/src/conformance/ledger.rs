//! The intent ledger under random steps: two people, a few business acts, and workers that die and wake up.
//!
//! The model knows the rules of the domain and no storage: a list of intents, the epoch of the one lane, and what
//! each person said. After every step everything that can be seen of the ledger is compared. Besides, no message may
//! be armed a second time unless something allowed it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, ConsentState};
use postroom_domain::contact::{ContactId, FieldPatch};
use postroom_domain::email::EmailAddress;
use postroom_domain::intent::arming::{Facts, Refusal, Stop, may_arm, refused_by};
use postroom_domain::intent::doubt::{Doubt, ReadBack, admit};
use postroom_domain::intent::policy::due_again;
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, Delivery, IntentEvent, IntentId, IntentKind, IntentState, Settlement};

use self::model::{Known, Model, Person};
use self::step::PEOPLE;
pub use self::step::{LedgerStep, sequences};
use super::look::failed;
use super::run::{Difference, Opened, same};
use crate::accounts::{AccountDraft, PluginSource};
use crate::contacts::{ContactRef, ContactUpsert};
use crate::intents::{Answer, AnswerTaken, Arming, Claim, Decision, Halt, Halted, IntentDraft, IntentQuery, Planned};
use crate::{Store, StoreError};

mod model;
mod step;

/// The second since 1970 at which the steps begin.
const BEGINNING: i64 = 1_810_000_000;
/// Seconds between two steps: longer than the first wait, so that what was put off comes back.
const BETWEEN_STEPS: i64 = 40;
/// Seconds after its step that a message is valid.
const VALIDITY: i64 = 400;
/// More intents than any sequence of steps has.
const ALL: u32 = 10_000;

/// What an intent shows.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    id: IntentId,
    state: IntentState,
    has_want: bool,
    attempts: u32,
    crashes: u32,
    due_at: Timestamp,
    doubt_since: Option<Timestamp>,
}

/// Carries steps out in a new store and in the model, and compares the answer of every step and the whole ledger
/// after it.
///
/// # Errors
///
/// The first difference.
pub async fn compare(open: impl AsyncFnOnce() -> Opened, steps: &[LedgerStep]) -> Result<(), Difference> {
    let opened = open().await;
    let store = opened.store.as_ref();
    let beginning = |what| Difference { number: 0, step: "the account and the people".to_owned(), what };
    let mut model = begin(store).await.map_err(beginning)?;
    for (number, step) in (1..).zip(steps) {
        let outcome = one(store, &mut model, number, step).await;
        outcome.map_err(|what| Difference { number, step: format!("{step:?}"), what })?;
    }
    Ok(())
}

fn moment(number: usize) -> Result<Timestamp, String> {
    let seconds = BETWEEN_STEPS * i64::try_from(number).map_err(|error| error.to_string())?;
    Timestamp::from_second(BEGINNING + seconds).map_err(|error| error.to_string())
}

async fn begin(store: &dyn Store) -> Result<Model, String> {
    let at = moment(0)?;
    let draft = AccountDraft {
        name: "there".to_owned(),
        plugin: "any".to_owned(),
        plugin_source: PluginSource::Bundled,
        auth_method: "key".to_owned(),
        settings: std::collections::BTreeMap::new(),
        origins: std::collections::BTreeMap::new(),
        insecure_origin: false,
        remote_name: None,
        secrets: std::collections::BTreeMap::new(),
    };
    let account = store.add_account(&draft, at).await.map_err(failed)?.id;
    let mut people = Vec::new();
    for address in PEOPLE {
        people.push(Person { contact: add(store, address, at).await?, is_there: true, consent: ConsentState::Unknown });
    }
    let epoch = store.take_over_lane(account, "worker", at).await.map_err(failed)?.lane.epoch;
    Ok(Model { account, epoch, is_held: false, people, intents: Vec::new() })
}

async fn add(store: &dyn Store, address: &str, at: Timestamp) -> Result<ContactId, String> {
    let email = EmailAddress::parse(address).map_err(|fault| fault.to_string())?;
    let upsert = ContactUpsert { who: None, email: Some(email), external_id: None, patch: FieldPatch::default(), at };
    Ok(store.upsert_contact(&upsert).await.map_err(failed)?.0)
}

async fn one(store: &dyn Store, model: &mut Model, number: usize, step: &LedgerStep) -> Result<(), String> {
    let at = moment(number)?;
    match step {
        LedgerStep::Plan { act, person, what } => plan(store, model, (*act, *person, *what), at).await?,
        LedgerStep::TakeOver => take_over(store, model, at).await?,
        LedgerStep::Claim { is_late, limit } => claim(store, model, *is_late, *limit, at).await?,
        LedgerStep::Arm { is_late, intent } => arm(store, model, *is_late, *intent, at).await?,
        LedgerStep::Release { is_late, intent } => {
            let Some(place) = model.place(*intent) else { return Ok(()) };
            let lane = model.lane(*is_late);
            let id = model.at(place)?.id;
            let found = store.release_intents(&lane, &[id], at).await.map_err(failed)?;
            let known = model.at(place)?;
            let is_own = known.epoch == Some(lane.epoch) && known.state == IntentState::Claimed;
            if is_own {
                model.step(place, IntentEvent::Release, at)?;
            }
            same("how many were given back", &u64::from(is_own), &found)?;
        }
        LedgerStep::Answer { is_late, intent, meaning } => {
            answer(store, model, (*is_late, *intent, *meaning), at).await?;
        }
        LedgerStep::Resolve { intent, settlement } => resolve(store, model, *intent, *settlement, at).await?,
        LedgerStep::Say { person, yes } => say(store, model, *person, *yes, at).await?,
        LedgerStep::Erase { person } => erase(store, model, *person, at).await?,
        LedgerStep::Hold(is_held) => {
            if *is_held {
                let halted = Halted { halt: Halt::Hold, why: "any".to_owned(), at };
                store.halt_intents(&halted).await.map_err(failed)?;
            } else {
                same("whether it was held", &model.is_held, &store.lift_halt(Halt::Hold).await.map_err(failed)?)?;
            }
            model.is_held = *is_held;
        }
        LedgerStep::Expire => {
            let late = model.places(|intent| intent.is_unsent() && intent.valid_until.is_some_and(|end| end <= at));
            for place in &late {
                model.step(*place, IntentEvent::Expire, at)?;
            }
            let found = store.expire_intents(at).await.map_err(failed)?;
            same("how many were too late", &late.len(), &usize::try_from(found).map_err(|error| error.to_string())?)?;
        }
    }
    look(store, model).await
}

async fn plan(
    store: &dyn Store,
    model: &mut Model,
    (act, person, (kind, class)): (usize, usize, (IntentKind, Class)),
    at: Timestamp,
) -> Result<(), String> {
    let person = model.person(person)?;
    let delivery = kind.policy().delivery;
    let valid_until = (delivery == Delivery::AtMostOnce).then(|| at + SignedDuration::from_secs(VALIDITY));
    let draft = IntentDraft {
        effect_key: format!("act {act}"),
        account: model.account,
        contact: Some(person.contact),
        kind,
        delivery,
        class,
        target: "audience".to_owned(),
        list: None,
        purpose: None,
        want: "anything".to_owned(),
        based_on: 0,
        due_at: at,
        valid_until,
    };
    let planned = store.plan_intents(&[draft], at).await.map_err(failed)?;
    let known = model.intents.iter().find(|intent| intent.act == act).map(|intent| intent.id);
    match (known, person.is_there, planned.as_slice()) {
        (Some(id), _, [Planned::Known(found)]) => return same("the intent that is known", &id, found),
        (None, false, [Planned::ContactGone]) => return Ok(()),
        (None, true, [Planned::New(id)]) => {
            let gives_way = |older: &Known| older.class != Class::OptOut || class == Class::OptOut;
            let older = model.places(|older| {
                older.is_unsent() && older.contact == person.contact && kind.replaces(older.kind) && gives_way(older)
            });
            for place in older {
                model.step(place, IntentEvent::Cancel, at)?;
            }
            model.intents.push(Known {
                id: *id,
                act,
                contact: person.contact,
                kind,
                class,
                delivery,
                state: IntentState::Planned,
                epoch: None,
                attempts: 0,
                crashes: 0,
                due_at: at,
                valid_until,
                doubt_since: None,
                has_want: true,
                may_have_left: false,
            });
        }
        (known, is_there, found) => {
            return Err(format!("planning: known {known:?}, there {is_there}, and the store says {found:?}"));
        }
    }
    Ok(())
}

async fn take_over(store: &dyn Store, model: &mut Model, at: Timestamp) -> Result<(), String> {
    let found = store.take_over_lane(model.account, "worker", at).await.map_err(failed)?;
    model.epoch += 1;
    same("the lane", &model.lane(false), &found.lane)?;
    let claimed = model.places(|intent| intent.state == IntentState::Claimed);
    let armed = model.places(|intent| intent.state == IntentState::Armed);
    let count = |places: &[usize]| u64::try_from(places.len()).map_err(|error| error.to_string());
    same("what it left", &(count(&claimed)?, count(&armed)?), &(found.released, found.in_doubt))?;
    for place in claimed {
        model.step(place, IntentEvent::Release, at)?;
    }
    for place in armed {
        model.step(place, IntentEvent::Lose, at)?;
        model.at_mut(place)?.crashes += 1;
    }
    Ok(())
}

async fn claim(store: &dyn Store, model: &mut Model, is_late: bool, limit: u32, at: Timestamp) -> Result<(), String> {
    let lane = model.lane(is_late);
    let found = store.claim_intents(&lane, Claim { up_to: Class::Bulk, limit }, at).await;
    if is_late {
        return match found {
            Err(StoreError::Refused(_)) => Ok(()),
            other => Err(format!("a late claim: {other:?}")),
        };
    }
    let found: Vec<IntentId> = found.map_err(failed)?.into_iter().map(|intent| intent.id).collect();
    let is_held = model.is_held;
    let mut due = model.places(|intent| {
        intent.state == IntentState::Planned
            && intent.due_at <= at
            && intent.valid_until.is_none_or(|end| end > at)
            && !(is_held && intent.class.may_be_held())
    });
    due.sort_by_key(|place| model.intents.get(*place).map(|intent| (intent.class, intent.due_at, intent.id)));
    due.truncate(usize::try_from(limit).map_err(|error| error.to_string())?);
    for place in &due {
        model.step(*place, IntentEvent::Claim, at)?;
        model.at_mut(*place)?.epoch = Some(lane.epoch);
    }
    let expected: Vec<IntentId> = due.iter().filter_map(|place| model.intents.get(*place)).map(|one| one.id).collect();
    same("what is claimed, in its order", &expected, &found)
}

async fn arm(store: &dyn Store, model: &mut Model, is_late: bool, nth: usize, at: Timestamp) -> Result<(), String> {
    let Some(place) = model.place(nth) else { return Ok(()) };
    let (lane, intent) = (model.lane(is_late), model.at(place)?.clone());
    let facts = Facts {
        kind: intent.kind,
        class: intent.class,
        state: intent.state,
        is_own: !is_late && intent.epoch == Some(lane.epoch),
        now: at,
        valid_until: intent.valid_until,
        stop: model.is_held.then_some(Stop::Hold),
        contact: Some(model.standing(intent.contact)),
    };
    let expected = may_arm(&facts);
    let arming = Arming { id: intent.id, key: None, request: None };
    let found = store.arm_intents(&lane, &[arming], at).await.map_err(failed)?;
    same("whether it is armed", &vec![expected], &found)?;
    let event = expected.map_or_else(Refusal::event, |()| Some(IntentEvent::Arm));
    if let Some(event) = event {
        model.step(place, event, at)?;
    }
    if expected.is_ok() {
        if intent.may_have_left && intent.delivery == Delivery::AtMostOnce {
            return Err("a message that may have left is armed again".to_owned());
        }
        model.at_mut(place)?.may_have_left = true;
    }
    Ok(())
}

async fn answer(
    store: &dyn Store,
    model: &mut Model,
    (is_late, nth, meaning): (bool, usize, Meaning),
    at: Timestamp,
) -> Result<(), String> {
    let Some(place) = model.place(nth) else { return Ok(()) };
    let (lane, intent) = (model.lane(is_late), model.at(place)?.clone());
    let answer = Answer { id: intent.id, meaning, reason: None, evidence: None, not_before: None, seen: None };
    let found = store.record_answers(&lane, &[answer], at).await.map_err(failed)?;
    let tried = intent.attempts + u32::from(meaning.counts());
    let event = meaning.event(intent.kind, intent.class, intent.delivery, tried);
    let says_nothing = intent.state == IntentState::InDoubt && matches!(meaning, Meaning::Unclear { .. });
    let is_taken =
        intent.epoch == Some(lane.epoch) && !says_nothing && intent.state.after(event, intent.delivery).is_ok();
    if !is_taken {
        return same("what the answer did", &vec![AnswerTaken::Not(intent.state)], &found);
    }
    model.step(place, event, at)?;
    let known = model.at_mut(place)?;
    known.attempts = tried;
    known.due_at = due_again(at, tried, None);
    if event == IntentEvent::NotSent {
        known.may_have_left = false;
    }
    same("what the answer did", &vec![AnswerTaken::Now(known.state)], &found)
}

async fn resolve(
    store: &dyn Store,
    model: &mut Model,
    nth: usize,
    settlement: Settlement,
    at: Timestamp,
) -> Result<(), String> {
    let Some(place) = model.place(nth) else { return Ok(()) };
    let intent = model.at(place)?.clone();
    let decision = Decision { settlement, by: "somebody".to_owned(), evidence: "something".to_owned() };
    let found = store.resolve_doubt(intent.id, &decision, at).await;
    let is_admitted = intent.doubt_since.is_some_and(|since| {
        let doubt = Doubt {
            kind: intent.kind,
            class: intent.class,
            delivery: intent.delivery,
            since,
            crashes: intent.crashes,
            key: None,
            read_back: ReadBack::NotYet,
        };
        admit(&doubt, settlement, &decision.evidence, at).is_ok()
    });
    if !is_admitted {
        return match found {
            Err(StoreError::Refused(_)) => Ok(()),
            other => Err(format!("resolving what is not to be resolved so: {other:?}")),
        };
    }
    model.step(place, IntentEvent::Settle(settlement), at)?;
    let known = model.at_mut(place)?;
    known.due_at = at;
    if settlement == Settlement::SendAgain {
        known.attempts = 0;
    }
    if matches!(settlement, Settlement::NotFound | Settlement::SendAgain) {
        known.may_have_left = false;
    }
    same("the state after the decision", &known.state, &found.map_err(failed)?)
}

async fn say(store: &dyn Store, model: &mut Model, nth: usize, yes: bool, at: Timestamp) -> Result<(), String> {
    let person = model.person(nth)?;
    if !person.is_there {
        return Ok(());
    }
    let act = if yes { ConsentAct::Granted } else { ConsentAct::Withdrawn };
    let event = ConsentEvent::new(at, act, ConsentSource::Contact).shown_by("a form");
    store.record_consent(&ContactRef::Id(person.contact), &event).await.map_err(failed)?;
    if let Some(known) = model.people.get_mut(nth) {
        known.consent = if yes { ConsentState::Granted } else { ConsentState::Withdrawn };
    }
    let standing = model.standing(person.contact);
    let refused = model.places(|intent| {
        let is_no = || refused_by(intent.kind, standing).is_some_and(Refusal::is_no);
        intent.is_unsent() && intent.contact == person.contact && intent.class != Class::OptOut && is_no()
    });
    // Who opted in again is not unsubscribed for the no that this lifts.
    let lifts = yes && person.consent == ConsentState::Withdrawn;
    let told_no_more = model.places(|intent| {
        let tells = intent.kind == IntentKind::Unsubscribe && intent.contact == person.contact;
        lifts && tells && intent.is_unsent()
    });
    for place in refused.into_iter().chain(told_no_more) {
        model.step(place, IntentEvent::Cancel, at)?;
    }
    Ok(())
}

async fn erase(store: &dyn Store, model: &mut Model, nth: usize, at: Timestamp) -> Result<(), String> {
    let person = model.person(nth)?;
    if !person.is_there {
        return Ok(());
    }
    store.erase_contact(&ContactRef::Id(person.contact), at).await.map_err(failed)?;
    if let Some(known) = model.people.get_mut(nth) {
        known.is_there = false;
    }
    for place in model.places(|intent| intent.contact == person.contact) {
        match model.at(place)?.state {
            IntentState::Planned | IntentState::Claimed => model.step(place, IntentEvent::Cancel, at)?,
            IntentState::InDoubt => model.step(place, IntentEvent::GiveUp, at)?,
            _ => {}
        }
        model.at_mut(place)?.has_want = false;
    }
    Ok(())
}

/// Compares the whole ledger.
async fn look(store: &dyn Store, model: &Model) -> Result<(), String> {
    let found = store.intents(&IntentQuery { limit: ALL, ..IntentQuery::default() }).await.map_err(failed)?;
    let found: Vec<Shown> = found
        .into_iter()
        .map(|intent| Shown {
            id: intent.id,
            state: intent.state,
            has_want: intent.want.is_some(),
            attempts: intent.attempts,
            crashes: intent.crashes,
            due_at: intent.due_at,
            doubt_since: intent.doubt_since,
        })
        .collect();
    let expected: Vec<Shown> = model
        .intents
        .iter()
        .map(|intent| Shown {
            id: intent.id,
            state: intent.state,
            has_want: intent.has_want,
            attempts: intent.attempts,
            crashes: intent.crashes,
            due_at: intent.due_at,
            doubt_since: intent.doubt_since,
        })
        .collect();
    same("the ledger", &expected, &found)?;
    let figures = store.intent_figures(Some(model.account)).await.map_err(failed)?;
    let states: BTreeSet<IntentState> = model.intents.iter().map(|intent| intent.state).collect();
    same("the states that there are", &states, &figures.states.keys().copied().collect())?;
    let oldest = model.intents.iter().filter_map(|intent| intent.doubt_since).min();
    same("the oldest doubt", &oldest, &figures.oldest_in_doubt)
}
