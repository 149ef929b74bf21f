//! Opt-outs on their way to providers: planned in the transaction of the contact's no, for every audience that may
//! still mail it.

use jiff::Timestamp;
use postroom_domain::consent::ConsentState;
use postroom_domain::contact::ContactId;
use postroom_domain::decision::RemoteStatus;
use postroom_domain::intent::{Class, Delivery, IntentEvent, IntentKind};
use postroom_store::intents::{IntentDraft, OptOutWant};
use roaring::RoaringTreemap;
use rusqlite::Connection;
use serde_json::json;

use crate::batch_arming::{audience_of, target};
use crate::columns::micros;
use crate::failure::Step;
use crate::intent_plans;
use crate::intent_rows::{self, Note, StoredIntent};
use crate::member_rows::audiences_of;
use crate::sequence::{self, Numbers};

/// Why an opt-out is not told any more: the contact opted in again by its own act.
const OPTED_IN: &str = "opted-in-again";

/// Plans what follows from a no, and cancels it when the contact lifts that.
pub(crate) fn follow(
    connection: &Connection,
    contact: ContactId,
    (before, after): (ConsentState, ConsentState),
    at: Timestamp,
) -> Step<()> {
    match (before, after) {
        (ConsentState::Withdrawn, ConsentState::Withdrawn) => Ok(()),
        (_, ConsentState::Withdrawn) => plan(connection, contact, at),
        (ConsentState::Withdrawn, _) => cancel(connection, contact, at),
        _ => Ok(()),
    }
}

/// Plans what a contact's no asks for that came while it was on its way to an audience: the opt-out may have got there
/// first, and found nobody.
pub(crate) fn catch_up(connection: &Connection, contact: ContactId, at: Timestamp) -> Step<()> {
    let said_no: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM contacts WHERE id = ? AND shown = 'withdrawn')")?
        .query_row([contact.0], |row| row.get(0))?;
    if said_no { plan(connection, contact, at) } else { Ok(()) }
}

/// An audience that may mail a contact.
struct Mailed {
    audience: i64,
    account: i64,
    want: OptOutWant,
}

fn plan(connection: &Connection, contact: ContactId, at: Timestamp) -> Step<()> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT au.id, au.account_id, au.remote_id, coalesce(m.address, c.email), m.remote_id FROM ",
        audiences_of!(),
        "? JOIN contacts c ON c.id = m.contact_id
         WHERE coalesce(m.status, 'pending') IN ('subscribed', 'pending')",
    ))?;
    let mailed: Vec<Mailed> = statement
        .query_map([contact.0], |row| {
            let want = OptOutWant { audience: row.get(2)?, address: row.get(3)?, remote_id: row.get(4)? };
            Ok(Mailed { audience: row.get(0)?, account: row.get(1)?, want })
        })?
        .collect::<rusqlite::Result<_>>()?;
    if mailed.is_empty() {
        return Ok(());
    }
    // It grows with every change of a contact, so that each no has a key of its own.
    let sequence = u64::try_from(sequence::current(connection)?)?;
    let mut drafts = Vec::with_capacity(mailed.len());
    for Mailed { audience, account, want } in mailed {
        drafts.push(IntentDraft {
            effect_key: format!("unsubscribe:{audience}:{}:{sequence}", contact.0),
            account,
            contact: Some(contact),
            kind: IntentKind::Unsubscribe,
            delivery: Delivery::AtLeastOnce,
            class: Class::OptOut,
            target: target(audience),
            list: None,
            purpose: None,
            want: serde_json::to_string(&want)?,
            based_on: sequence,
            due_at: at,
            valid_until: None,
        });
    }
    intent_plans::plan(connection, &drafts, at)?;
    Ok(())
}

/// Cancels what was to be told and has not left.
fn cancel(connection: &Connection, contact: ContactId, at: Timestamp) -> Step<()> {
    let note = Note { reason: Some(OPTED_IN), ..Note::default() };
    for intent in intent_rows::unsent_of(connection, contact)? {
        if intent.kind == IntentKind::Unsubscribe {
            intent_rows::must(connection, &intent, IntentEvent::Cancel, &note, at)?;
        }
    }
    Ok(())
}

/// Keeps what an answer showed of a member.
pub(crate) fn confirm(
    connection: &Connection,
    intent: &StoredIntent,
    contact: ContactId,
    status: &RemoteStatus,
    at: Timestamp,
) -> Step<()> {
    let Some(audience) = audience_of(&intent.target) else { return Ok(()) };
    let confirmed = connection
        .prepare_cached(
            "UPDATE remote_members SET status = ?, confirmed_at = ? WHERE audience_id = ? AND contact_id = ?",
        )?
        .execute((status.as_str(), micros(at), audience, contact.0))?;
    if confirmed > 0 {
        let mut numbers = Numbers::begin(connection, at)?;
        numbers.take_members(audience, &RoaringTreemap::from_iter([u64::try_from(contact.0)?]))?;
        numbers.end("opt-out-told", &json!({ "intent": intent.id.0, "contact": contact.0 }))?;
    }
    Ok(())
}

/// Ends the opt-outs that a run has told of: the member is not mailed any more.
pub(crate) fn told(connection: &Connection, audience: i64, contact: ContactId, at: Timestamp) -> Step<()> {
    let note = Note { reason: Some("told-by-a-run"), ..Note::default() };
    for intent in intent_rows::unsent_of(connection, contact)? {
        if intent.kind == IntentKind::Unsubscribe && audience_of(&intent.target) == Some(audience) {
            intent_rows::must(connection, &intent, IntentEvent::Cancel, &note, at)?;
        }
    }
    Ok(())
}
