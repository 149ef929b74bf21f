//! What a worker does with intents: claim, arm, give back, and record what became of them.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::arming::{Facts, Refusal, Stop, may_arm};
use postroom_domain::intent::policy::due_again;
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentEvent, IntentId, IntentState};
use postroom_store::StoreError;
use postroom_store::intents::{
    Answer, AnswerTaken, Arming, Claim, ClaimedIntent, DoubtStep, DueLanes, Lane, MAX_INTENTS_AT_ONCE,
};
use rusqlite::{Connection, Row, named_params};

use crate::columns::{micros, timestamp};
use crate::failure::Step;
use crate::intent_rows::{self, Note, StoredIntent, rank, words};
use crate::key::SecretKey;
use crate::{intent_contacts, intent_lanes, intent_opt_outs};

/// Refuses a call about too many intents.
pub(crate) fn check(intents: usize) -> Result<(), StoreError> {
    if intents <= MAX_INTENTS_AT_ONCE {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "{intents} intents are too many for one call: name at most {MAX_INTENTS_AT_ONCE} at a time"
    )))
}

/// Takes up what is due, class by class.
pub(crate) fn claim(connection: &Connection, lane: &Lane, claim: Claim, at: Timestamp) -> Step<Vec<ClaimedIntent>> {
    if !intent_lanes::is_current(connection, lane)? {
        return Err(StoreError::Refused(format!(
            "the intents of account {} were taken over by another process since: stop working on them here",
            lane.account
        ))
        .into());
    }
    let is_stopped = intent_lanes::stop(connection, lane.account)?.is_some();
    let serves = |class: &Class| *class <= claim.up_to && !(is_stopped && class.may_be_held());
    let limit = usize::try_from(claim.limit)?.min(MAX_INTENTS_AT_ONCE);
    let mut claimed = Vec::new();
    for class in Class::ALL.into_iter().filter(serves) {
        claim_class(connection, lane, (class, limit), at, &mut claimed)?;
    }
    Ok(claimed)
}

/// Takes up what is due of one class, until there are `limit` in all.
fn claim_class(
    connection: &Connection,
    lane: &Lane,
    (class, limit): (Class, usize),
    at: Timestamp,
    claimed: &mut Vec<ClaimedIntent>,
) -> Step<()> {
    let room = limit.saturating_sub(claimed.len());
    if room == 0 {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(DUE)?;
    let mut rows = statement.query(named_params! {
        ":account": lane.account,
        ":class": rank(class),
        ":now": micros(at),
        ":limit": i64::try_from(room)?,
    })?;
    let first = claimed.len();
    while let Some(row) = rows.next()? {
        claimed.push(read_claimed(row, class)?);
    }
    drop(rows);
    let mut mark = connection.prepare_cached(
        "UPDATE intents SET state = 'claimed', owner = ?, epoch = ? WHERE id = ? AND state = 'planned'",
    )?;
    for intent in claimed.iter().skip(first) {
        mark.execute((&lane.owner, lane.epoch, intent.id.0))?;
    }
    Ok(())
}

/// What is due of one class and not too late, what has been due longest first.
pub(crate) const DUE: &str = "SELECT id, effect_key, contact_id, kind, delivery, target, coalesce(want, ''), based_on,
                                     attempts, crashes, provider_key
                              FROM intents
                              WHERE state = 'planned' AND account_id = :account AND class = :class AND due_at <= :now
                                AND run_id IS NULL
                                AND (valid_until IS NULL OR valid_until > :now)
                              ORDER BY due_at, id LIMIT :limit";

/// The accounts that anything is due for, and when the next is.
pub(crate) fn due_lanes(connection: &Connection, at: Timestamp) -> Step<DueLanes> {
    let mut statement = connection.prepare_cached(DUE_ACCOUNTS)?;
    let accounts = statement.query_map([micros(at)], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let next: Option<i64> = connection.prepare_cached(NEXT_DUE)?.query_row([micros(at)], |row| row.get(0))?;
    Ok(DueLanes { accounts, next: next.map(timestamp).transpose()? })
}

/// The accounts that anything is due for: for each and each class, one look at an index. Of one that something stops,
/// opt-outs only.
pub(crate) const DUE_ACCOUNTS: &str = "SELECT a.id FROM accounts a
     WHERE EXISTS (SELECT 1 FROM intents i INDEXED BY intents_to_claim
                   WHERE i.state = 'planned' AND i.account_id = a.id AND i.class IN (0, 1, 2, 3) AND i.due_at <= ?1
                     AND i.run_id IS NULL AND (i.valid_until IS NULL OR i.valid_until > ?1)
                     AND (i.class = 0 OR NOT EXISTS (SELECT 1 FROM halts h WHERE coalesce(h.account_id, a.id) = a.id)))
     ORDER BY a.id";
/// When the next is due.
pub(crate) const NEXT_DUE: &str =
    "SELECT min(due_at) FROM intents INDEXED BY intents_next WHERE state = 'planned' AND due_at > ? AND run_id IS NULL";

fn read_claimed(row: &Row<'_>, class: Class) -> Step<ClaimedIntent> {
    Ok(ClaimedIntent {
        id: IntentId(row.get(0)?),
        effect_key: row.get(1)?,
        contact: row.get::<_, Option<i64>>(2)?.map(ContactId),
        kind: words(row, 3, "kind of an intent")?,
        delivery: words(row, 4, "delivery")?,
        class,
        target: row.get(5)?,
        want: row.get(6)?,
        based_on: row.get(7)?,
        attempts: row.get(8)?,
        crashes: row.get(9)?,
        provider_key: row.get(10)?,
    })
}

/// Arms what may be armed as of this transaction.
pub(crate) fn arm(
    connection: &Connection,
    key: &SecretKey,
    lane: &Lane,
    armings: &[Arming],
    at: Timestamp,
) -> Step<Vec<Result<(), Refusal>>> {
    let has_lane = intent_lanes::is_current(connection, lane)?;
    let stop = intent_lanes::stop(connection, lane.account)?;
    let ground = Ground { connection, key, lane, has_lane, stop, at };
    armings.iter().map(|arming| ground.arm_one(arming)).collect()
}

/// What holds for all that are armed together.
struct Ground<'a> {
    connection: &'a Connection,
    key: &'a SecretKey,
    lane: &'a Lane,
    has_lane: bool,
    stop: Option<Stop>,
    at: Timestamp,
}

impl Ground<'_> {
    fn arm_one(&self, arming: &Arming) -> Step<Result<(), Refusal>> {
        let Self { connection, lane, at, .. } = *self;
        let Some(intent) = intent_rows::find(connection, arming.id)? else { return Ok(Err(Refusal::NotClaimed)) };
        let standing = |contact| intent_contacts::standing(connection, &intent, contact, Some(self.key));
        let facts = Facts {
            kind: intent.kind,
            class: intent.class,
            state: intent.state,
            is_own: self.has_lane && is_of(&intent, lane),
            now: at,
            valid_until: intent.valid_until,
            stop: self.stop,
            contact: intent.contact.map(standing).transpose()?,
        };
        match may_arm(&facts) {
            Ok(()) => {
                intent_rows::must(connection, &intent, IntentEvent::Arm, &Note::default(), at)?;
                self.note_request(arming)?;
                Ok(Ok(()))
            }
            Err(refusal) => {
                if let Some(event) = refusal.event() {
                    let note = Note { reason: Some(refusal.as_str()), ..Note::default() };
                    intent_rows::must(connection, &intent, event, &note, at)?;
                }
                Ok(Err(refusal))
            }
        }
    }

    /// Keeps how the provider will know the request. A key that it may know already keeps its age.
    fn note_request(&self, arming: &Arming) -> Step<()> {
        let now = micros(self.at);
        self.connection.prepare_cached("UPDATE intents SET armed_at = ?, request_hash = ? WHERE id = ?")?.execute((
            now,
            arming.request,
            arming.id.0,
        ))?;
        if let Some(key) = &arming.key {
            self.connection
                .prepare_cached(
                    "UPDATE intents
                     SET key_since = CASE WHEN provider_key IS :key THEN key_since ELSE :now END,
                         provider_key = :key, key_life = :life
                     WHERE id = :id",
                )?
                .execute(named_params! {
                    ":key": key.key, ":now": now, ":life": key.life.as_secs(), ":id": arming.id.0,
                })?;
        }
        Ok(())
    }
}

/// Whether an intent was claimed by whoever has, or had, a lane.
fn is_of(intent: &StoredIntent, lane: &Lane) -> bool {
    intent.account == lane.account
        && intent.epoch == Some(lane.epoch)
        && intent.owner.as_deref() == Some(lane.owner.as_str())
}

/// Gives back what was claimed.
pub(crate) fn release(connection: &Connection, lane: &Lane, intents: &[IntentId], at: Timestamp) -> Step<u64> {
    let mut released = 0;
    for id in intents {
        let found = intent_rows::find(connection, *id)?;
        if let Some(intent) = found.filter(|intent| intent.state == IntentState::Claimed && is_of(intent, lane)) {
            intent_rows::must(connection, &intent, IntentEvent::Release, &Note::default(), at)?;
            released += 1;
        }
    }
    Ok(released)
}

/// Gives up what somebody was cut short in.
pub(crate) fn give_up(connection: &Connection, lane: &Lane, intents: &[IntentId], at: Timestamp) -> Step<u64> {
    let mut changed = 0;
    for id in intents {
        let found = intent_rows::find(connection, *id)?;
        if let Some(intent) = found.filter(|intent| is_of(intent, lane)) {
            changed += u64::from(intent_lanes::leave(connection, &intent, &Note::default(), at)?);
        }
    }
    Ok(changed)
}

/// Records what became of one intent. Whoever lost the lane since may still tell what became of what it armed,
/// as long as nobody has armed it again.
pub(crate) fn record(connection: &Connection, lane: &Lane, answer: &Answer, at: Timestamp) -> Step<AnswerTaken> {
    let Some(intent) = intent_rows::find(connection, answer.id)? else { return Ok(AnswerTaken::Unknown) };
    if !is_of(&intent, lane) {
        return Ok(AnswerTaken::Not(intent.state));
    }
    let tried = intent.attempts.saturating_add(u32::from(answer.meaning.counts()));
    let event = answer.meaning.event(intent.kind, intent.class, intent.delivery, tried);
    let is_late = intent.state == IntentState::InDoubt;
    if is_late && matches!(answer.meaning, Meaning::Unclear { .. }) {
        // Nothing is known that was not known before.
        return Ok(AnswerTaken::Not(intent.state));
    }
    let note = Note {
        reason: answer.reason.as_ref().map(|reason| reason.code.as_str()),
        message: answer.reason.as_ref().map(|reason| reason.message.as_str()),
        evidence: answer.evidence.as_deref(),
        due_at: Some(due_again(at, tried, answer.not_before)),
        attempts: Some(tried),
        is_crash: false,
    };
    let Ok(state) = intent_rows::apply(connection, &intent, event, &note, at)? else {
        return Ok(AnswerTaken::Not(intent.state));
    };
    if let (Some(status), Some(contact)) = (&answer.seen, intent.contact) {
        intent_opt_outs::confirm(connection, &intent, contact, status, at)?;
    }
    if is_late {
        intent_rows::remember(connection, &intent, DoubtStep::Answered, (None, answer.evidence.as_deref()), at)?;
    }
    Ok(AnswerTaken::Now(state))
}
