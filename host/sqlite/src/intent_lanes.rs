//! Who works on an account's intents, and what stops them.

use jiff::Timestamp;
use postroom_domain::intent::arming::Stop;
use postroom_domain::intent::{IntentEvent, IntentState};
use postroom_store::StoreError;
use postroom_store::intents::{Halt, Halted, Lane, Takeover};
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{micros, timestamp, word};
use crate::failure::{Failure, Step};
use crate::intent_rows::{self, Note, StoredIntent, select_intents, words};

/// What began the doubt about what was armed when its owner died.
const PROGRAM_ENDED: &str = "program-ended";

/// What somebody has taken up and not answered.
pub(crate) const AT_WORK: &str = select_intents!("WHERE account_id = ? AND (state = 'claimed' OR state = 'armed')");

/// Gives a lane to an owner, and puts in order what the one before left.
pub(crate) fn take_over(connection: &Connection, account: i64, owner: &str, at: Timestamp) -> Step<Takeover> {
    require_account(connection, account)?;
    let epoch: u64 = connection
        .prepare_cached(
            "INSERT INTO lanes (account_id, owner, epoch, taken_at) VALUES (?, ?, 1, ?)
             ON CONFLICT (account_id)
             DO UPDATE SET owner = excluded.owner, epoch = epoch + 1, taken_at = excluded.taken_at
             RETURNING epoch",
        )?
        .query_row((account, owner, micros(at)), |row| row.get(0))?;
    let lane = Lane { account, owner: owner.to_owned(), epoch };
    let mut takeover = Takeover { lane, released: 0, in_doubt: 0 };
    let at_work = intent_rows::all(connection, AT_WORK, [account])?;
    let note = Note { reason: Some(PROGRAM_ENDED), is_crash: true, ..Note::default() };
    for intent in at_work {
        leave(connection, &intent, &note, at)?;
        match intent.state {
            IntentState::Claimed => takeover.released += 1,
            _ => takeover.in_doubt += 1,
        }
    }
    Ok(takeover)
}

/// Puts in order what nobody works on any more: what was claimed is planned again, what was armed is in doubt. Answers
/// whether it was either.
pub(crate) fn leave(connection: &Connection, intent: &StoredIntent, lost: &Note<'_>, at: Timestamp) -> Step<bool> {
    match intent.state {
        IntentState::Claimed => intent_rows::must(connection, intent, IntentEvent::Release, &Note::default(), at)?,
        IntentState::Armed => intent_rows::must(connection, intent, IntentEvent::Lose, lost, at)?,
        _ => return Ok(false),
    };
    Ok(true)
}

/// Whether somebody has a lane still.
pub(crate) fn is_current(connection: &Connection, lane: &Lane) -> Step<bool> {
    let found: Option<(String, u64)> = connection
        .prepare_cached("SELECT owner, epoch FROM lanes WHERE account_id = ?")?
        .query_row([lane.account], |row| row.try_into())
        .optional()?;
    Ok(found.is_some_and(|(owner, epoch)| owner == lane.owner && epoch == lane.epoch))
}

/// Refuses an account that is not there.
pub(crate) fn require_account(connection: &Connection, account: i64) -> Step<()> {
    let is_there: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?)")?
        .query_row([account], |row| row.get(0))?;
    if is_there {
        return Ok(());
    }
    let mend = "look its number up among the accounts".to_owned();
    Err(StoreError::NotFound { kind: "account", name: account.to_string(), mend }.into())
}

/// What stops an account, the widest first; none if nothing does.
pub(crate) fn stop(connection: &Connection, account: i64) -> Step<Option<Stop>> {
    Ok(stop_with_reason(connection, account)?.map(|(stop, _)| stop))
}

/// The same, and why.
pub(crate) fn stop_with_reason(connection: &Connection, account: i64) -> Step<Option<(Stop, String)>> {
    let mut statement =
        connection.prepare_cached("SELECT stop, why FROM halts WHERE coalesce(account_id, 0) = 0 OR account_id = ?")?;
    let mut rows = statement.query([account])?;
    let mut stops = Vec::new();
    while let Some(row) = rows.next()? {
        stops.push((words::<Stop>(row, 0, "halt")?, row.get(1)?));
    }
    let by_width = [Stop::Hold, Stop::Pause, Stop::Breaker];
    let widest = by_width.into_iter().find_map(|stop| stops.iter().position(|(found, _)| *found == stop));
    Ok(widest.map(|at| stops.swap_remove(at)))
}

/// Stops intents. Who stops them twice gives the later reason.
pub(crate) fn halt(connection: &Connection, halted: &Halted) -> Step<()> {
    let Halted { halt, why, at } = halted;
    if let Some(account) = halt.account() {
        require_account(connection, account)?;
    }
    connection
        .prepare_cached(
            "INSERT INTO halts (stop, account_id, why, at) VALUES (?, ?, ?, ?)
             ON CONFLICT (coalesce(account_id, 0), stop) DO UPDATE SET why = excluded.why, at = excluded.at",
        )?
        .execute((word(&halt.stop())?, halt.account(), why, micros(*at)))?;
    Ok(())
}

/// Takes a halt away.
pub(crate) fn lift(connection: &Connection, halt: Halt) -> Step<bool> {
    let lifted = connection
        .prepare_cached("DELETE FROM halts WHERE coalesce(account_id, 0) = coalesce(?, 0) AND stop = ?")?
        .execute((halt.account(), word(&halt.stop())?))?;
    Ok(lifted > 0)
}

/// Everything that stops intents.
pub(crate) fn halts(connection: &Connection) -> Step<Vec<Halted>> {
    let mut statement = connection
        .prepare_cached("SELECT stop, account_id, why, at FROM halts ORDER BY coalesce(account_id, 0), stop")?;
    let mut rows = statement.query([])?;
    let mut halts = Vec::new();
    while let Some(row) = rows.next()? {
        let halt = match (words::<Stop>(row, 0, "halt")?, row.get(1)?) {
            (Stop::Hold, None) => Halt::Hold,
            (Stop::Pause, Some(account)) => Halt::Pause { account },
            (Stop::Breaker, Some(account)) => Halt::Breaker { account },
            (stop, _) => return Err(Failure::unreadable("halt", word(&stop)?)),
        };
        halts.push(Halted { halt, why: row.get(2)?, at: timestamp(row.get(3)?)? });
    }
    Ok(halts)
}
