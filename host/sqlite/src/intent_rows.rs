//! Rows of intents: how one is read, and how it goes from one state to the next. Every change of a state goes
//! through [`apply`], and so through the rules of the domain.

use jiff::{SignedDuration, Timestamp};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::doubt::KeyLife;
use postroom_domain::intent::{Class, Delivery, IntentEvent, IntentId, IntentKind, IntentState, StateRefusal};
use postroom_store::StoreError;
use postroom_store::intents::DoubtStep;
use rusqlite::{Connection, Row, named_params};

use crate::columns::{from_word, micros, timestamp};
use crate::failure::{Failure, Step};

/// An intent as far as its next step needs it.
#[derive(Debug, Clone)]
pub(crate) struct StoredIntent {
    pub(crate) id: IntentId,
    pub(crate) account: i64,
    pub(crate) contact: Option<ContactId>,
    pub(crate) kind: IntentKind,
    pub(crate) delivery: Delivery,
    pub(crate) class: Class,
    pub(crate) list: Option<i64>,
    pub(crate) purpose: Option<i64>,
    pub(crate) state: IntentState,
    pub(crate) valid_until: Option<Timestamp>,
    pub(crate) attempts: u32,
    pub(crate) crashes: u32,
    pub(crate) owner: Option<String>,
    pub(crate) epoch: Option<u64>,
    pub(crate) key: Option<KeyLife>,
    pub(crate) doubt_since: Option<Timestamp>,
    /// The run whose request it is.
    pub(crate) run: Option<i64>,
    /// What it is about at its account.
    pub(crate) target: String,
    /// Whether what is wanted is still there. It is not once its contact is gone.
    pub(crate) has_want: bool,
}

/// What goes with a step. What is none stays as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Note<'a> {
    /// Why: a word.
    pub(crate) reason: Option<&'a str>,
    /// Why: what somebody said.
    pub(crate) message: Option<&'a str>,
    /// What shows it.
    pub(crate) evidence: Option<&'a str>,
    /// When it is due again.
    pub(crate) due_at: Option<Timestamp>,
    /// How often it was tried in vain by now.
    pub(crate) attempts: Option<u32>,
    /// Whether the program ended under it.
    pub(crate) is_crash: bool,
}

/// Why an intent ended whose contact is not there any more.
pub(crate) const CONTACT_GONE: &str = "contact-gone";

/// The columns of a [`StoredIntent`].
macro_rules! select_intents {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, contact_id, kind, delivery, class, list_id, purpose_id, state, valid_until,
                    attempts, crashes, owner, epoch, key_since, key_life, doubt_since, want IS NOT NULL, run_id, target
             FROM intents ",
            $rest
        )
    };
}
pub(crate) use select_intents;

/// The intent of a number.
pub(crate) fn find(connection: &Connection, id: IntentId) -> Step<Option<StoredIntent>> {
    Ok(all(connection, select_intents!("WHERE id = ?"), [id.0])?.pop())
}

/// The same, or says that there is none.
pub(crate) fn require(connection: &Connection, id: IntentId) -> Step<StoredIntent> {
    find(connection, id)?.ok_or_else(|| not_found(id).into())
}

pub(crate) fn not_found(id: IntentId) -> StoreError {
    let mend = "look its number up among the intents; those that ended long ago are cleared away".to_owned();
    StoreError::NotFound { kind: "intent", name: id.0.to_string(), mend }
}

/// The intents that a statement of [`select_intents`] finds.
pub(crate) fn all(connection: &Connection, sql: &str, parameters: impl rusqlite::Params) -> Step<Vec<StoredIntent>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// What nothing has left of, about a contact.
pub(crate) fn unsent_of(connection: &Connection, contact: ContactId) -> Step<Vec<StoredIntent>> {
    all(
        connection,
        select_intents!("WHERE contact_id = ? AND (state = 'planned' OR state = 'claimed') ORDER BY id"),
        [contact.0],
    )
}

fn read(row: &Row<'_>) -> Step<StoredIntent> {
    let moment =
        |column: usize| -> Step<Option<Timestamp>> { row.get::<_, Option<i64>>(column)?.map(timestamp).transpose() };
    let (since, life) = (moment(14)?, row.get::<_, Option<i64>>(15)?);
    Ok(StoredIntent {
        id: IntentId(row.get(0)?),
        account: row.get(1)?,
        contact: row.get::<_, Option<i64>>(2)?.map(ContactId),
        kind: words(row, 3, "kind of an intent")?,
        delivery: words(row, 4, "delivery")?,
        class: class(row.get(5)?)?,
        list: row.get(6)?,
        purpose: row.get(7)?,
        state: words(row, 8, "state of an intent")?,
        valid_until: moment(9)?,
        attempts: row.get(10)?,
        crashes: row.get(11)?,
        owner: row.get(12)?,
        epoch: row.get(13)?,
        key: since.zip(life).map(|(since, life)| KeyLife { since, life: SignedDuration::from_secs(life) }),
        doubt_since: moment(16)?,
        has_want: row.get(17)?,
        run: row.get(18)?,
        target: row.get(19)?,
    })
}

/// The enum of a column.
pub(crate) fn words<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize, what: &str) -> Step<T> {
    from_word(what, row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// The place of a class in the order of serving.
pub(crate) fn rank(class: Class) -> i64 {
    match class {
        Class::OptOut => 0,
        Class::Interactive => 1,
        Class::Automation => 2,
        Class::Bulk => 3,
    }
}

/// The class of a place.
pub(crate) fn class(place: i64) -> Step<Class> {
    Class::ALL.into_iter().find(|class| rank(*class) == place).ok_or_else(|| Failure::unreadable("class", place))
}

/// Carries one step out, if the state takes it. What would be planned again and whose contact is gone since is
/// cancelled instead: there is nothing any more that could be sent.
pub(crate) fn apply(
    connection: &Connection,
    intent: &StoredIntent,
    event: IntentEvent,
    note: &Note<'_>,
    at: Timestamp,
) -> Step<Result<IntentState, StateRefusal>> {
    let mut state = match intent.state.after(event, intent.delivery) {
        Ok(state) => state,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut reason = note.reason;
    if state == IntentState::Planned && !intent.has_want {
        state = IntentState::Cancelled;
        reason = Some(CONTACT_GONE);
    }
    // What is said of a contact that is gone may name it.
    let (message, evidence) = if intent.has_want { (note.message, note.evidence) } else { (None, None) };
    let now = micros(at);
    connection
        .prepare_cached(
            "UPDATE intents
             SET state = :state,
                 want = CASE WHEN :is_final THEN NULL ELSE want END,
                 ended_at = CASE WHEN :is_final THEN max(:now, planned_at) END,
                 doubt_since = CASE WHEN :state = 'in-doubt' THEN :now END,
                 owner = CASE WHEN :state = 'planned' THEN NULL ELSE owner END,
                 epoch = CASE WHEN :state = 'planned' THEN NULL ELSE epoch END,
                 due_at = coalesce(:due_at, due_at),
                 attempts = coalesce(:attempts, attempts),
                 crashes = crashes + :is_crash,
                 reason = :reason,
                 message = :message,
                 evidence = coalesce(:evidence, evidence)
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":state": state.as_str(),
            ":is_final": state.is_final(),
            ":now": now,
            ":due_at": note.due_at.map(micros),
            ":attempts": note.attempts,
            ":is_crash": note.is_crash,
            ":reason": reason,
            ":message": message,
            ":evidence": evidence,
            ":id": intent.id.0,
        })?;
    if state == IntentState::InDoubt {
        remember(connection, intent, DoubtStep::Began, (None, reason), at)?;
    }
    Ok(Ok(state))
}

/// The same for a step that the caller has made sure of.
pub(crate) fn must(
    connection: &Connection,
    intent: &StoredIntent,
    event: IntentEvent,
    note: &Note<'_>,
    at: Timestamp,
) -> Step<IntentState> {
    apply(connection, intent, event, note, at)?.map_err(|refusal| Failure::Cause(refusal.to_string()))
}

/// Adds to the history of an intent's doubts: what, by whom, on what ground.
pub(crate) fn remember(
    connection: &Connection,
    intent: &StoredIntent,
    what: DoubtStep,
    (by, evidence): (Option<&str>, Option<&str>),
    at: Timestamp,
) -> Step<()> {
    let evidence = evidence.filter(|_| intent.has_want);
    connection
        .prepare_cached("INSERT INTO intent_history (intent_id, at, what, by, evidence) VALUES (?, ?, ?, ?, ?)")?
        .execute((intent.id.0, micros(at), step_word(what), by, evidence))?;
    Ok(())
}

/// The word of a step in the history of a doubt.
fn step_word(step: DoubtStep) -> &'static str {
    match step {
        DoubtStep::Began => "began",
        DoubtStep::Answered => "answered",
        DoubtStep::GivenUp => "given-up",
        DoubtStep::Settled(settlement) => settlement.as_str(),
    }
}

/// The step that a word stands for.
pub(crate) fn step(word: &str) -> Step<DoubtStep> {
    Ok(match word {
        "began" => DoubtStep::Began,
        "answered" => DoubtStep::Answered,
        "given-up" => DoubtStep::GivenUp,
        settlement => DoubtStep::Settled(from_word("end of a doubt", settlement)?),
    })
}
