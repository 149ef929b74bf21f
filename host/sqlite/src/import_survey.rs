//! What finishing an import would do to its list, worked out beside the writer.

use postroom_domain::contact::ContactId;
use postroom_store::lists::{ImportId, ImportMode, ImportReport, LEAVERS_SHOWN};
use rusqlite::{Connection, ToSql};

use crate::failure::Step;
use crate::import_row::ImportState;
use crate::limits::MEMBERSHIPS_NAMED;
use crate::list_rows::{self, ListRow};
use crate::sequence::Change;

/// What finishing an import would do, and on which state of the list that was judged.
pub(crate) struct Survey {
    pub(crate) report: ImportReport,
    pub(crate) list: Option<ListRow>,
    /// Contacts that join, leave, or stand on the list more or less often; none if they are too many to
    /// be named one by one.
    pub(crate) memberships: Option<Vec<(ContactId, Change)>>,
    /// Whether the list would show the same entries in the same order.
    pub(crate) is_same: bool,
    /// Whether entries that the file agrees with must be staged before it can be shown.
    pub(crate) lacks_copies: bool,
}

/// Surveys an import.
pub(crate) fn survey(connection: &Connection, import: ImportId) -> Step<Survey> {
    let import = ImportState::open(connection, import)?;
    let list = list_rows::of(connection, import.list)?;
    let mut report = ImportReport { counts: import.counts, leavers: Vec::new() };
    let Some(shown) = &list else {
        return Ok(Survey { report, list, memberships: Some(Vec::new()), is_same: true, lacks_copies: false });
    };
    let is_same = match import.mode {
        ImportMode::Add => import.last_position == import.base_position,
        ImportMode::Replace if import.copied.is_none() => !is_longer(connection, shown, import.agreed)?,
        ImportMode::Replace => import.entries_hash.is_some() && import.entries_hash == shown.entries_hash,
    };
    if is_same {
        return Ok(Survey { report, list, memberships: Some(Vec::new()), is_same, lacks_copies: false });
    }
    let (joined, left) = joined_and_left(connection, &import, shown)?;
    report.counts.joined = joined;
    report.counts.left = left;
    if left > 0 {
        report.leavers = leavers(connection, &import, shown)?;
    }
    let is_little = joined + left <= MEMBERSHIPS_NAMED;
    let memberships = if is_little { Some(memberships(connection, &import, shown)?) } else { None };
    let lacks_copies = import.copied.unwrap_or_default() < import.agreed;
    Ok(Survey { report, list, memberships, is_same, lacks_copies })
}

/// Whether a list goes on behind a position.
fn is_longer(connection: &Connection, list: &ListRow, position: i64) -> Step<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM entries
                            WHERE list_id = ? AND position > ? AND generation BETWEEN ? AND ?)",
        )?
        .query_row((list.id, position, list.first_generation, list.last_generation), |row| row.get(0))?)
}

/// How often each contact, and each row without one, stands on the list before and after. Entries that
/// agreed and are not staged stand there for the staged ones.
macro_rules! before_and_after {
    () => {
        "SELECT contact_id, NULL AS entry_key,
                sum(generation BETWEEN :first AND :last) AS before,
                sum(generation = :staged OR
                    (generation BETWEEN :first AND :last AND position > :copied AND position <= :agreed)) AS after
         FROM entries WHERE list_id = :list AND contact_id IS NOT NULL GROUP BY contact_id
         UNION ALL
         SELECT NULL, entry_key, sum(generation BETWEEN :first AND :last),
                sum(generation = :staged OR
                    (generation BETWEEN :first AND :last AND position > :copied AND position <= :agreed))
         FROM entries WHERE list_id = :list AND contact_id IS NULL GROUP BY entry_key"
    };
}

/// How many entries join and leave. An adding import takes nothing off, nor does one that is the first of its list.
fn joined_and_left(connection: &Connection, import: &ImportState, list: &ListRow) -> Step<(u64, u64)> {
    // On a list without entries nobody is yet, and nobody can leave it.
    if import.mode == ImportMode::Add || list.last_position == 0 {
        let joined = connection
            .prepare_cached("SELECT count(*) FROM entries WHERE list_id = ? AND position > ? AND generation = ?")?
            .query_row((list.id, import.base_position, import.generation), |row| row.get(0))?;
        return Ok((joined, 0));
    }
    let sums = connection
        .prepare_cached(concat!(
            "SELECT coalesce(sum(max(after - before, 0)), 0), coalesce(sum(max(before - after, 0)), 0) FROM (",
            before_and_after!(),
            ")"
        ))?
        .query_row(replaced(import, list).as_slice(), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sums)
}

/// The contacts that join and leave the list, or have more or fewer entries on it.
fn memberships(connection: &Connection, import: &ImportState, list: &ListRow) -> Step<Vec<(ContactId, Change)>> {
    let sql = match import.mode {
        ImportMode::Replace => concat!(
            "SELECT contact_id, before > 0, after > 0 FROM (",
            before_and_after!(),
            ") WHERE contact_id IS NOT NULL AND after <> before ORDER BY contact_id"
        ),
        // What is staged is there in addition.
        ImportMode::Add => {
            "SELECT DISTINCT contact_id,
                    EXISTS (SELECT 1 FROM entries f WHERE f.list_id = :list AND f.contact_id = e.contact_id
                              AND f.generation BETWEEN :first AND :last),
                    1
             FROM entries e
             WHERE list_id = :list AND generation = :staged AND contact_id IS NOT NULL
             ORDER BY contact_id"
        }
    };
    let parameters = match import.mode {
        ImportMode::Replace => replaced(import, list),
        ImportMode::Add => generations(import, list),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(parameters.as_slice(), |row| {
        let change = match (row.get(1)?, row.get(2)?) {
            (false, _) => Change::Joined,
            (true, false) => Change::Left,
            (true, true) => Change::Entries,
        };
        Ok((ContactId(row.get(0)?), change))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The addresses of the first contacts that leave.
fn leavers(connection: &Connection, import: &ImportState, list: &ListRow) -> Step<Vec<String>> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT c.email FROM (",
        before_and_after!(),
        ") g JOIN contacts c ON c.id = g.contact_id
         WHERE g.before > 0 AND g.after = 0 ORDER BY c.email_key LIMIT :limit"
    ))?;
    let mut parameters = replaced(import, list);
    let limit = i64::try_from(LEAVERS_SHOWN)?;
    parameters.push((":limit", &limit));
    let rows = statement.query_map(parameters.as_slice(), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn generations<'a>(import: &'a ImportState, list: &'a ListRow) -> Vec<(&'static str, &'a dyn ToSql)> {
    vec![
        (":list", &list.id),
        (":first", &list.first_generation),
        (":last", &list.last_generation),
        (":staged", &import.generation),
    ]
}

/// The same with the entries that stand for staged ones.
fn replaced<'a>(import: &'a ImportState, list: &'a ListRow) -> Vec<(&'static str, &'a dyn ToSql)> {
    let mut parameters = generations(import, list);
    // None copied is the same as none, and NULL would compare with nothing.
    parameters.extend([(":copied", import.copied.as_ref().unwrap_or(&0) as &dyn ToSql), (":agreed", &import.agreed)]);
    parameters
}
