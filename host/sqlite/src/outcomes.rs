//! The pages behind the numbers of a report.

use postroom_domain::contact::{ContactId, EntryId};
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_store::StoreError;
use postroom_store::runs::{Outcome, OutcomeQuery, OutcomeRow, ReportNumber, RunState};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::columns::{from_word, word};
use crate::failure::Step;
use crate::limits::RAW_SHOWN_CHARS;
use crate::snapshot::Scope;

/// A page of a run's outcomes.
pub(crate) fn page(connection: &Connection, query: &OutcomeQuery) -> Step<Vec<OutcomeRow>> {
    let run = connection
        .query_row("SELECT sync_id, started_at, state FROM runs WHERE id = ?", [query.run], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?))
        })
        .optional()?;
    let Some((sync, started_at, state)) = run else {
        return Err(not_found(query.run).into());
    };
    let scope = Scope::of(connection, sync)?;
    match query.of {
        Some(ReportNumber::Class(OutcomeClass::Unchanged)) => {
            // Who has no outcome was unchanged only if the run came to its end.
            if matches!(from_word("state of a run", &state)?, RunState::Running | RunState::Interrupted) {
                return Err(StoreError::Refused(format!(
                    "run {} did not come to its end, so nobody knows which of its entries were unchanged: open a run \
                     that did, or another number of this one",
                    query.run
                ))
                .into());
            }
            unchanged(connection, query, &scope, started_at)
        }
        _ => stored(connection, query, &scope),
    }
}

/// The sentence for a run that is not there.
pub(crate) fn not_found(run: i64) -> StoreError {
    let mend = "look its number up among the runs".to_owned();
    StoreError::NotFound { kind: "run", name: run.to_string(), mend }
}

/// Outcomes as they were recorded.
fn stored(connection: &Connection, query: &OutcomeQuery, scope: &Scope) -> Step<Vec<OutcomeRow>> {
    let (filter, value) = match query.of {
        None => ("", None),
        Some(ReportNumber::Class(class)) => ("AND o.class = :value", Some(class.as_str().to_owned())),
        Some(ReportNumber::Tag(tag)) => ("AND o.tag = :value", Some(word(&tag)?)),
        Some(ReportNumber::AddressOmitted) => ("AND o.address_omitted = 1", None),
        Some(ReportNumber::LeftOut) => ("AND o.left_out IS NOT NULL", None),
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT o.row, coalesce(c.email, m.address), e.raw, o.entry_id, o.position, o.contact_id, o.class, o.code,
                o.message, o.tag, o.left_out, o.address_omitted
         FROM outcomes o
         LEFT JOIN contacts c ON c.id = o.contact_id
         LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = o.contact_id
         LEFT JOIN entries e ON o.contact_id IS NULL AND e.id = o.entry_id
         WHERE o.run_id = :run AND o.row > :after {filter}
         ORDER BY o.row LIMIT :limit"
    ))?;
    let mut parameters: Vec<(&str, &dyn ToSql)> =
        vec![(":run", &query.run), (":audience", &scope.audience), (":after", &query.after), (":limit", &query.limit)];
    if let Some(value) = &value {
        parameters.push((":value", value));
    }
    collect(statement.query(parameters.as_slice())?)
}

/// Entries that were unchanged: the first entries of contacts that the run booked nowhere else. An
/// unchanged entry whose tag moved has a row of its own, which tells of the tag. The list is the one
/// of today: entries that joined since the run began are left out, those that left are not shown.
fn unchanged(connection: &Connection, query: &OutcomeQuery, scope: &Scope, started_at: i64) -> Step<Vec<OutcomeRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.position, c.email, NULL, e.id, e.position, e.contact_id, 'unchanged', o.code, o.message, o.tag,
                o.left_out, coalesce(o.address_omitted, 0)
         FROM entries e
         JOIN contacts c ON c.id = e.contact_id
         LEFT JOIN outcomes o INDEXED BY outcomes_by_contact
           ON o.run_id = :run AND o.contact_id = e.contact_id AND o.class = 'unchanged'
         WHERE e.list_id = :list AND e.position > :after AND e.generation BETWEEN :first AND :last
           AND e.joined_at <= :started_at
           AND e.position = (SELECT f.position FROM entries f
                             WHERE f.list_id = :list AND f.contact_id = e.contact_id
                               AND f.generation BETWEEN :first AND :last
                             ORDER BY f.position LIMIT 1)
           AND NOT EXISTS (SELECT 1 FROM outcomes p
                           WHERE p.run_id = :run AND p.contact_id = e.contact_id
                             AND p.class IS NOT NULL AND p.class NOT IN ('unchanged', 'duplicate'))
         ORDER BY e.position LIMIT :limit",
    )?;
    let mut parameters = scope.entries();
    parameters.extend([
        (":run", &query.run as &dyn ToSql),
        (":after", &query.after),
        (":limit", &query.limit),
        (":started_at", &started_at),
    ]);
    collect(statement.query(parameters.as_slice())?)
}

fn collect(mut rows: rusqlite::Rows<'_>) -> Step<Vec<OutcomeRow>> {
    let mut outcomes = Vec::new();
    while let Some(row) = rows.next()? {
        outcomes.push(read(row)?);
    }
    Ok(outcomes)
}

fn read(row: &Row<'_>) -> Step<OutcomeRow> {
    let (raw, class, tag, left_out): (Option<String>, Option<String>, Option<String>, Option<String>) =
        (row.get(2)?, row.get(6)?, row.get(9)?, row.get(10)?);
    let reason = match (row.get(7)?, row.get(8)?) {
        (Some(code), Some(message)) => Some(Reason { code, message }),
        _ => None,
    };
    let email: Option<String> = row.get(1)?;
    let in_its_place = || raw.as_deref().map(raw_in_short).transpose();
    Ok(OutcomeRow {
        row: row.get(0)?,
        email: match email {
            Some(email) => Some(email),
            None => in_its_place()?,
        },
        outcome: Outcome {
            entry: row.get::<_, Option<i64>>(3)?.map(EntryId),
            position: row.get(4)?,
            contact: row.get::<_, Option<i64>>(5)?.map(ContactId),
            class: class.map(|class| from_word("outcome class", &class)).transpose()?,
            reason,
            tag: tag.map(|tag| from_word("outcome of a tag", &tag)).transpose()?,
            left_out: left_out.map(|json| serde_json::from_str(&json)).transpose()?.unwrap_or_default(),
            address_omitted: row.get(11)?,
        },
    })
}

/// The filled cells of a raw row, so that a person finds the row of an entry without a contact.
fn raw_in_short(json: &str) -> Step<String> {
    let cells: Vec<String> = serde_json::from_str(json)?;
    let filled: Vec<&str> = cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    let text = filled.join(", ");
    if text.chars().nth(RAW_SHOWN_CHARS).is_none() {
        return Ok(text);
    }
    Ok(text.chars().take(RAW_SHOWN_CHARS).chain(['…']).collect())
}
