//! The requests of runs in the ledger: armed before they leave, ended with the record of their batch, and decided
//! anew where the program ended under them.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::{IntentEvent, IntentId, IntentKind, IntentState, Settlement};
use postroom_store::StoreError;
use postroom_store::intents::DoubtStep;
use postroom_store::runs::{ArmedBatch, BatchArming, BatchEnd, BatchIntent, Left};
use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::batch::{self, Ground};
use crate::columns::{contact_set, contact_set_bytes, micros};
use crate::failure::{Failure, Step};
use crate::intent_lanes;
use crate::intent_rows::{self, Note, StoredIntent, rank, select_intents};

/// Nothing is to be said.
const NO_NOTE: Note<'static> =
    Note { reason: None, message: None, evidence: None, due_at: None, attempts: None, is_crash: false };
/// Why a request was not made.
const NOT_SENT: Note<'static> = Note {
    reason: Some("not-sent"),
    message: Some("nothing of it left; the next run sends what holds then"),
    ..NO_NOTE
};
/// Why a request has no answer.
const UNANSWERED: Note<'static> = Note {
    reason: Some("unanswered"),
    message: Some("the provider did not answer; the next run sends what holds then"),
    ..NO_NOTE
};
/// How a target begins that is an audience.
const AUDIENCE: &str = "audience ";
/// Why a request that was in doubt is not made again.
const DECIDED_ANEW: &str = "decided-anew";

/// Arms a request.
pub(crate) fn arm(
    connection: &Connection,
    ground: &Ground,
    arming: &BatchArming<'_>,
    mut intent: BatchIntent,
) -> Step<ArmedBatch> {
    let account: i64 = connection
        .prepare_cached("SELECT account_id FROM audiences WHERE id = ?")?
        .query_row([ground.audience], |row| row.get(0))?;
    if arming.lane.account != account || !intent_lanes::is_current(connection, arming.lane)? {
        return Err(StoreError::Refused(format!(
            "the intents of account {account} are another process's: stop working on them here"
        ))
        .into());
    }
    if arming.class.may_be_held()
        && let Some((stop, why)) = intent_lanes::stop_with_reason(connection, account)?
    {
        return Ok(ArmedBatch::Halted { stop, why });
    }
    let target = target(ground.audience);
    let under_way = under_way(connection, (account, &target), arming.run)?;
    let mut left = Vec::new();
    let mut contacts = RoaringTreemap::new();
    for contact in &intent.contacts {
        let number = u64::try_from(contact.0)?;
        match stays_behind(connection, *contact, (intent.kind, intent.as_of), under_way.contains(number))? {
            Some(why) => left.push((*contact, why)),
            None => {
                contacts.insert(number);
            }
        }
    }
    if contacts.is_empty() {
        return Ok(ArmedBatch::Armed { intent: None, left });
    }
    let goes = |contact: &ContactId| u64::try_from(contact.0).is_ok_and(|number| contacts.contains(number));
    intent.members.retain(|(contact, _)| goes(contact));
    intent.tags.retain(|(contact, _)| goes(contact));
    batch::announce(connection, ground, &intent)?;
    connection
        .prepare_cached(
            "INSERT INTO intents (effect_key, account_id, kind, delivery, class, target, state, want, based_on,
                                  planned_at, due_at, owner, epoch, armed_at, run_id, run_contacts)
             VALUES (:effect_key, :account, :kind, 'at-least-once', :class, :target, 'armed', '', :based_on,
                     :at, :at, :owner, :epoch, :at, :run, :contacts)",
        )?
        .execute(named_params! {
            ":effect_key": format!("run:{}:{}", arming.run, arming.number),
            ":account": account,
            ":kind": intent.kind.as_str(),
            ":class": rank(arming.class),
            ":target": target,
            ":based_on": intent.as_of,
            ":at": micros(arming.at),
            ":owner": arming.lane.owner,
            ":epoch": arming.lane.epoch,
            ":run": arming.run,
            ":contacts": contact_set_bytes(&contacts)?,
        })?;
    Ok(ArmedBatch::Armed { intent: Some(IntentId(connection.last_insert_rowid())), left })
}

/// What an intent about a member of an audience is about, at its account.
pub(crate) fn target(audience: i64) -> String {
    format!("{AUDIENCE}{audience}")
}

/// The audience that a target names, if it names one.
pub(crate) fn audience_of(target: &str) -> Option<i64> {
    target.strip_prefix(AUDIENCE)?.parse().ok()
}

/// Whom others are about to change in an audience at this moment.
fn under_way(connection: &Connection, (account, target): (i64, &str), run: i64) -> Step<RoaringTreemap> {
    let mut statement = connection.prepare_cached(
        "SELECT contact_id, run_contacts FROM intents
         WHERE account_id = ? AND target = ? AND state = 'armed' AND run_id IS NOT ?",
    )?;
    let mut rows = statement.query((account, target, run))?;
    let mut under_way = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        if let Some(contact) = row.get::<_, Option<u64>>(0)? {
            under_way.insert(contact);
        }
        if let Some(contacts) = row.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
            under_way |= contact_set(contacts)?;
        }
    }
    Ok(under_way)
}

/// Why nothing may leave for a contact; none if it may.
fn stays_behind(
    connection: &Connection,
    contact: ContactId,
    (kind, as_of): (IntentKind, u64),
    is_under_way: bool,
) -> Step<Option<Left>> {
    if is_under_way {
        return Ok(Some(Left::UnderWay));
    }
    let moved_at: Option<u64> = connection
        .prepare_cached("SELECT seq FROM contacts WHERE id = ?")?
        .query_row([contact.0], |row| row.get(0))
        .optional()?;
    Ok(match moved_at {
        Some(moved_at) if moved_at > as_of => Some(Left::Moved),
        // A member whose contact is gone may still lose a tag, and be told to be unsubscribed.
        None if kind == IntentKind::Push => Some(Left::Gone),
        Some(_) | None => None,
    })
}

/// Ends the requests of a batch.
pub(crate) fn end(connection: &Connection, ends: &[(IntentId, BatchEnd)], at: Timestamp) -> Step<()> {
    for (id, end) in ends {
        let Some(mut intent) = intent_rows::find(connection, *id)? else { continue };
        let steps: &[(IntentEvent, Note<'_>)] = match end {
            BatchEnd::Answered => &[(IntentEvent::Accept, NO_NOTE)],
            BatchEnd::NotSent => &[(IntentEvent::NotSent, NO_NOTE), (IntentEvent::Cancel, NOT_SENT)],
            BatchEnd::Unanswered => &[(IntentEvent::GiveUp, UNANSWERED)],
        };
        for (event, note) in steps {
            match intent_rows::apply(connection, &intent, *event, note, at)? {
                Ok(state) => intent.state = state,
                Err(refusal) => {
                    tracing::debug!(intent = id.0, %refusal, "the end of a request came late");
                    break;
                }
            }
        }
    }
    Ok(())
}

/// Ends the doubts that a run left which is over: what it was about is decided anew.
pub(crate) fn decide_anew(connection: &Connection, run: i64, at: Timestamp) -> Step<()> {
    let open = intent_rows::all(connection, select_intents!("WHERE run_id = ? AND ended_at IS NULL"), [run])?;
    for mut intent in open {
        if intent.state == IntentState::Armed {
            intent.state = intent_rows::must(connection, &intent, IntentEvent::Lose, &Note::default(), at)?;
        }
        settle(connection, intent, at)?;
    }
    Ok(())
}

fn settle(connection: &Connection, mut intent: StoredIntent, at: Timestamp) -> Step<()> {
    if intent.state != IntentState::InDoubt {
        return Err(Failure::Cause(format!("the request {} of a run is {}", intent.id.0, intent.state)));
    }
    let how = Settlement::Repeat;
    intent.state = intent_rows::must(connection, &intent, IntentEvent::Settle(how), &Note::default(), at)?;
    let why = "its run is over; the next run of the sync decides anew about each contact";
    intent_rows::remember(connection, &intent, DoubtStep::Settled(how), (Some("postroom"), Some(why)), at)?;
    leave_to_the_next_run(connection, &intent, at)?;
    Ok(())
}

/// Ends a request of a run that would be planned again: nobody makes it but a run, and that decides anew.
pub(crate) fn leave_to_the_next_run(
    connection: &Connection,
    intent: &StoredIntent,
    at: Timestamp,
) -> Step<IntentState> {
    let note = Note { reason: Some(DECIDED_ANEW), ..Note::default() };
    intent_rows::must(connection, intent, IntentEvent::Cancel, &note, at)
}
