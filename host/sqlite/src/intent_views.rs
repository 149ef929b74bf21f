//! Intents as people and programs look at them.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::IntentId;
use postroom_domain::outcome::Reason;
use postroom_store::intents::{
    DoubtEvent, Intent, IntentDetail, IntentFigures, IntentKey, IntentQuery, WaitingIntents,
};
use rusqlite::{Connection, Row, ToSql, named_params};

use crate::columns::{contact_set, hash16, micros, timestamp};
use crate::failure::Step;
use crate::intent_rows::{self, class, words};

/// The columns of an [`Intent`].
const COLUMNS: &str = "SELECT id, effect_key, account_id, contact_id, kind, delivery, class, target, state, want,
                              based_on, planned_at, due_at, valid_until, attempts, crashes, armed_at, key_since,
                              key_life, doubt_since, ended_at, reason, message, evidence, run_id, run_contacts,
                              request_hash
                       FROM intents ";

/// Since when the oldest doubt lasts.
pub(crate) const OLDEST_IN_DOUBT: &str =
    "SELECT min(doubt_since) FROM intents WHERE state = 'in-doubt' AND (:account IS NULL OR account_id = :account)";
/// When the oldest opt-out was planned that is not confirmed yet.
pub(crate) const OLDEST_OPT_OUT: &str = "SELECT min(planned_at) FROM intents
     WHERE class = 0 AND ended_at IS NULL AND (:account IS NULL OR account_id = :account)";
/// Since when the longest waiting intent has been due.
const OLDEST_DUE: &str =
    "SELECT min(due_at) FROM intents WHERE state = 'planned' AND (:account IS NULL OR account_id = :account)";

/// What waits and is no opt-out.
const WAITING: &str = "SELECT account_id, kind, count(*), sum(due_at <= :at) FROM intents
     WHERE state IN ('planned', 'claimed') AND class <> 0 AND (valid_until IS NULL OR valid_until > :at)
     GROUP BY account_id, kind ORDER BY account_id, kind";

/// One intent with the history of its doubts.
pub(crate) fn detail(connection: &Connection, id: IntentId) -> Step<IntentDetail> {
    let intent = {
        let mut statement = connection.prepare_cached(&format!("{COLUMNS} WHERE id = ?"))?;
        let mut rows = statement.query([id.0])?;
        match rows.next()? {
            Some(row) => read(row)?,
            None => return Err(intent_rows::not_found(id).into()),
        }
    };
    let mut statement = connection
        .prepare_cached("SELECT at, what, by, evidence FROM intent_history WHERE intent_id = ? ORDER BY id")?;
    let mut rows = statement.query([id.0])?;
    let mut history = Vec::new();
    while let Some(row) = rows.next()? {
        let what = intent_rows::step(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        history.push(DoubtEvent { at: timestamp(row.get(0)?)?, what, by: row.get(2)?, evidence: row.get(3)? });
    }
    Ok(IntentDetail { intent, history })
}

/// A page of intents.
pub(crate) fn page(connection: &Connection, query: &IntentQuery) -> Step<Vec<Intent>> {
    let mut statement = connection.prepare_cached(&page_statement(query))?;
    let (after, limit) = (query.after.map_or(0, |id| id.0), query.limit);
    let mut parameters: Vec<(&str, &dyn ToSql)> = vec![(":after", &after), (":limit", &limit)];
    let state = query.state.map(|state| state.as_str());
    let contact = query.contact.map(|contact| contact.0);
    for (name, value) in [(":state", &state as &dyn ToSql), (":account", &query.account), (":contact", &contact)] {
        if statement.parameter_index(name)?.is_some() {
            parameters.push((name, value));
        }
    }
    let mut rows = statement.query(parameters.as_slice())?;
    let mut intents = Vec::new();
    while let Some(row) = rows.next()? {
        intents.push(read(row)?);
    }
    Ok(intents)
}

/// The statement of a page. It names only what it asks for, so that each combination finds its index.
pub(crate) fn page_statement(query: &IntentQuery) -> String {
    let mut statement = format!("{COLUMNS} WHERE id > :after");
    for (is_asked, condition) in [
        (query.state.is_some(), " AND state = :state"),
        (query.account.is_some(), " AND account_id = :account"),
        (query.contact.is_some(), " AND contact_id = :contact"),
    ] {
        if is_asked {
            statement.push_str(condition);
        }
    }
    statement.push_str(" ORDER BY id LIMIT :limit");
    statement
}

/// How many there are, and how old.
pub(crate) fn figures(connection: &Connection, account: Option<i64>) -> Step<IntentFigures> {
    let mut figures = IntentFigures::default();
    let mut statement = connection.prepare_cached(match account {
        Some(_) => "SELECT state, count(*) FROM intents WHERE account_id = :account GROUP BY state",
        None => "SELECT state, count(*) FROM intents WHERE :account IS NULL GROUP BY state /* all: they are counted */",
    })?;
    let mut rows = statement.query(named_params! { ":account": account })?;
    while let Some(row) = rows.next()? {
        figures.states.insert(words(row, 0, "state of an intent")?, row.get(1)?);
    }
    let oldest = |sql: &str| -> Step<Option<Timestamp>> {
        let found: Option<i64> =
            connection.prepare_cached(sql)?.query_row(named_params! { ":account": account }, |row| row.get(0))?;
        found.map(timestamp).transpose()
    };
    figures.oldest_in_doubt = oldest(OLDEST_IN_DOUBT)?;
    figures.oldest_opt_out = oldest(OLDEST_OPT_OUT)?;
    figures.oldest_due = oldest(OLDEST_DUE)?;
    Ok(figures)
}

/// What waits and may be stopped, by account and kind.
pub(crate) fn waiting(connection: &Connection, at: Timestamp) -> Step<Vec<WaitingIntents>> {
    let mut statement = connection.prepare_cached(WAITING)?;
    let mut rows = statement.query(named_params! { ":at": micros(at) })?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = words(row, 1, "kind of an intent")?;
        waiting.push(WaitingIntents { account: row.get(0)?, kind, intents: row.get(2)?, due: row.get(3)? });
    }
    Ok(waiting)
}

fn read(row: &Row<'_>) -> Step<Intent> {
    let moment =
        |column: usize| -> Step<Option<Timestamp>> { row.get::<_, Option<i64>>(column)?.map(timestamp).transpose() };
    let (since, life): (Option<Timestamp>, Option<i64>) = (moment(17)?, row.get(18)?);
    let (reason, message): (Option<String>, Option<String>) = (row.get(21)?, row.get(22)?);
    let contacts = row.get_ref(25)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    Ok(Intent {
        id: IntentId(row.get(0)?),
        effect_key: row.get(1)?,
        account: row.get(2)?,
        contact: row.get::<_, Option<i64>>(3)?.map(ContactId),
        run: row.get(24)?,
        contacts: contacts.map(contact_set).transpose()?.map(|contacts| contacts.len()),
        kind: words(row, 4, "kind of an intent")?,
        delivery: words(row, 5, "delivery")?,
        class: class(row.get(6)?)?,
        target: row.get(7)?,
        state: words(row, 8, "state of an intent")?,
        want: row.get(9)?,
        based_on: row.get(10)?,
        planned_at: timestamp(row.get(11)?)?,
        due_at: timestamp(row.get(12)?)?,
        valid_until: moment(13)?,
        attempts: row.get(14)?,
        crashes: row.get(15)?,
        armed_at: moment(16)?,
        key: since.zip(life).map(|(since, life_seconds)| IntentKey { since, life_seconds }),
        doubt_since: moment(19)?,
        ended_at: moment(20)?,
        reason: reason.map(|code| Reason { code, message: message.unwrap_or_default() }),
        evidence: row.get(23)?,
        request: row.get_ref(26)?.as_blob_or_null().map_err(rusqlite::Error::from)?.map(hash16).transpose()?,
    })
}
