//! How intents end that nobody answers: doubts that are resolved, what is too late, and what is cleared away.

use jiff::Timestamp;
use postroom_domain::intent::doubt::{Doubt, ReadBack, admit};
use postroom_domain::intent::{Delivery, IntentEvent, IntentId, IntentKind, IntentState, Settlement, StateRefusal};
use postroom_store::StoreError;
use postroom_store::intents::{Decision, DoubtStep};
use rusqlite::Connection;

use crate::batch_arming;
use crate::columns::micros;
use crate::failure::Step;
use crate::intent_rows::{self, Note, StoredIntent, select_intents, words};
use crate::limits::ROWS_CLEARED_AT_ONCE;

/// What was not armed in time. The plus keeps SQLite from going by the state, which has many more rows.
pub(crate) const LATE: &str = select_intents!(
    "WHERE valid_until <= ? AND ended_at IS NULL AND +state IN ('planned', 'claimed') ORDER BY valid_until LIMIT ?"
);
/// What ended before a moment.
pub(crate) const ENDED: &str = "SELECT id, kind, delivery FROM intents WHERE ended_at < ? ORDER BY ended_at LIMIT ?";

/// What one unit of a long use case did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit {
    pub(crate) rows: u64,
    pub(crate) is_last: bool,
}

impl Unit {
    fn of(rows: usize) -> Step<Self> {
        let rows = u64::try_from(rows)?;
        Ok(Self { rows, is_last: rows < u64::from(ROWS_CLEARED_AT_ONCE) })
    }
}

/// Resolves a doubt as somebody decided.
pub(crate) fn resolve(connection: &Connection, id: IntentId, decision: &Decision, at: Timestamp) -> Step<IntentState> {
    let intent = intent_rows::require(connection, id)?;
    let Decision { settlement, by, evidence } = decision;
    let (settlement, event) = (*settlement, IntentEvent::Settle(*settlement));
    let Some(since) = intent.doubt_since else {
        return Err(StoreError::Refused(StateRefusal { state: intent.state, event }.to_string()).into());
    };
    let doubt = Doubt {
        kind: intent.kind,
        class: intent.class,
        delivery: intent.delivery,
        since,
        crashes: intent.crashes,
        key: intent.key,
        read_back: ReadBack::NotYet,
    };
    admit(&doubt, settlement, evidence, at).map_err(|fault| StoreError::Refused(fault.to_string()))?;
    let is_done = matches!(settlement, Settlement::Found | Settlement::AssumeSent);
    let note = Note {
        reason: Some(settlement.as_str()),
        evidence: Some(evidence.as_str()).filter(|_| is_done),
        due_at: Some(at),
        // Who wants it sent again does not want it given up after the first try.
        attempts: (settlement == Settlement::SendAgain).then_some(0),
        ..Note::default()
    };
    let state = intent_rows::apply(connection, &intent, event, &note, at)?
        .map_err(|refusal| StoreError::Refused(refusal.to_string()))?;
    if settlement == Settlement::SendAgain {
        // By its key, the provider would take it for the one that is in doubt.
        connection
            .prepare_cached("UPDATE intents SET provider_key = NULL, key_since = NULL, key_life = NULL WHERE id = ?")?
            .execute([id.0])?;
    }
    intent_rows::remember(connection, &intent, DoubtStep::Settled(settlement), (Some(by), Some(evidence)), at)?;
    if state == IntentState::Planned && intent.run.is_some() {
        return batch_arming::leave_to_the_next_run(connection, &StoredIntent { state, ..intent }, at);
    }
    Ok(state)
}

/// Ends some of what is too late.
pub(crate) fn expire(connection: &Connection, at: Timestamp) -> Step<Unit> {
    let late = intent_rows::all(connection, LATE, (micros(at), ROWS_CLEARED_AT_ONCE))?;
    let note = Note { reason: Some("too-late"), ..Note::default() };
    for intent in &late {
        intent_rows::must(connection, intent, IntentEvent::Expire, &note, at)?;
    }
    Unit::of(late.len())
}

/// Clears some of what ended before a moment away. The keys of what must not happen twice stay.
pub(crate) fn clear(connection: &Connection, before: Timestamp) -> Step<Unit> {
    let mut statement = connection.prepare_cached(ENDED)?;
    let mut rows = statement.query((micros(before), ROWS_CLEARED_AT_ONCE))?;
    let mut ended: Vec<(i64, bool)> = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, delivery): (IntentKind, Delivery) =
            (words(row, 1, "kind of an intent")?, words(row, 2, "delivery")?);
        ended.push((row.get(0)?, keeps_key(kind, delivery)));
    }
    for (id, keeps_key) in &ended {
        if *keeps_key {
            spend(connection, *id)?;
        }
        connection.prepare_cached("DELETE FROM intents WHERE id = ?")?.execute([id])?;
    }
    Unit::of(ended.len())
}

/// Whether the same business act must not be planned once more: how a thing is to stand may be said again.
fn keeps_key(kind: IntentKind, delivery: Delivery) -> bool {
    delivery == Delivery::AtMostOnce || !kind.policy().is_desired_state
}

fn spend(connection: &Connection, id: i64) -> Step<()> {
    connection
        .prepare_cached(
            "INSERT INTO spent_effects (effect_key) SELECT effect_key FROM intents WHERE id = ? ON CONFLICT DO NOTHING",
        )?
        .execute([id])?;
    Ok(())
}

/// Refuses to remove an account while something of its intents is open, and keeps the keys of its messages: what
/// was sent through it is not sent through another.
pub(crate) fn leave_account(connection: &Connection, account: i64, name: &str) -> Step<()> {
    let open: u64 = connection.query_row(
        "SELECT count(*) FROM intents
         WHERE account_id = ? AND state IN ('planned', 'claimed', 'armed', 'in-doubt')",
        [account],
        |row| row.get(0),
    )?;
    if open > 0 {
        return Err(StoreError::Refused(format!(
            "{open} of the effects planned for the account `{name}` are open: let them be carried out and resolve those \
             that are in doubt, then remove it"
        ))
        .into());
    }
    let mut statement = connection.prepare("SELECT id, kind, delivery FROM intents WHERE account_id = ?")?;
    let mut rows = statement.query([account])?;
    while let Some(row) = rows.next()? {
        if keeps_key(words(row, 1, "kind of an intent")?, words(row, 2, "delivery")?) {
            spend(connection, row.get(0)?)?;
        }
    }
    Ok(())
}
