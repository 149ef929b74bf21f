//! The use cases of an import: begun, filled chunk by chunk, and shown at one stroke.
//!
//! The entries of an import are written in a generation of their own, which the list does not show.
//! Finishing moves the list's two generation numbers, whatever the number of entries. What is not
//! shown any more, and what was never shown, is cleared away afterwards in small units.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::contact::{ContactId, ImportedRow};
use postroom_store::Result;
use postroom_store::lists::{
    ImportCounts, ImportId, ImportMode, ImportReport, ImportStart, ImportStore, LEAVERS_SHOWN, RefusedRow,
};
use rusqlite::{Connection, named_params};
use serde_json::json;

use crate::failure::{Failure, Step};
use crate::import_row::{ImportState, forget_seen};
use crate::limits::{MEMBERSHIPS_NAMED, ROWS_CLEARED_AT_ONCE};
use crate::list_rows::{self, ListRow};
use crate::segment::rows;
use crate::sequence::{Change, Numbers};
use crate::store::SqliteStore;
use crate::{import_rows, lists};

#[async_trait]
impl ImportStore for SqliteStore {
    async fn begin_import(&self, start: &ImportStart) -> Result<ImportId> {
        let start = start.clone();
        let (import, list) = self
            .write("begin an import", move |connection| {
                let list = match &start.list {
                    Some(name) => Some(list_or_new(connection, name.trim(), start.at)?),
                    None => None,
                };
                if let Some(list) = &list {
                    connection.execute(
                        "UPDATE imports SET state = 'abandoned' WHERE list_id = ? AND state = 'open'",
                        [list.id],
                    )?;
                }
                forget_seen(connection)?;
                let import = ImportState::begin(connection, &start, list.as_ref())?;
                Ok((import, list.map(|list| list.id)))
            })
            .await?;
        // What an interrupted import left between the shown generations and this one would be shown
        // with it: it goes before the first row comes.
        if let Some(list) = list {
            self.clear_hidden(list).await?;
        }
        Ok(import)
    }

    async fn import_rows(&self, import: ImportId, rows: Vec<ImportedRow>) -> Result<Vec<RefusedRow>> {
        let key = self.key();
        self.write("import rows", move |connection| {
            let import = ImportState::open(connection, import)?;
            let list = list_of(connection, &import)?;
            import_rows::take(connection, &key, import, list, rows)
        })
        .await
    }

    async fn preview_import(&self, import: ImportId) -> Result<ImportReport> {
        Ok(self.read("preview an import", move |connection| survey(connection, import)).await?.report)
    }

    async fn finish_import(&self, import: ImportId, at: Timestamp) -> Result<ImportReport> {
        loop {
            // The sums of a large list take longer than a write may: they are made beside the
            // writer, and hold if the list is still the same when its turn comes.
            let survey = self.read("finish an import", move |connection| survey(connection, import)).await?;
            let list = survey.list.as_ref().map(|list| list.id);
            let done = self.write("finish an import", move |connection| finish(connection, import, survey, at)).await?;
            if let Some(report) = done {
                if let Some(list) = list {
                    self.clear_hidden(list).await?;
                }
                return Ok(report);
            }
        }
    }

    async fn abandon_import(&self, import: ImportId) -> Result<()> {
        let list = self
            .write("abandon an import", move |connection| {
                connection
                    .execute("UPDATE imports SET state = 'abandoned' WHERE id = ? AND state = 'open'", [import.0])?;
                forget_seen(connection)?;
                let list: Option<i64> =
                    connection.query_row("SELECT list_id FROM imports WHERE id = ?", [import.0], |row| row.get(0))?;
                Ok(list)
            })
            .await?;
        let Some(list) = list else { return Ok(()) };
        self.clear_hidden(list).await?;
        self.write("abandon an import", move |connection| {
            // A list that only this import knew of was never there.
            connection.execute(
                "DELETE FROM lists WHERE id = ?1 AND shown = 0
                   AND NOT EXISTS (SELECT 1 FROM imports WHERE list_id = ?1 AND state = 'open')",
                [list],
            )?;
            Ok(())
        })
        .await
    }
}

impl SqliteStore {
    /// Deletes the entries of generations that a list does not show and no open import is writing.
    pub(crate) async fn clear_hidden(&self, list: i64) -> Result<()> {
        const DOING: &str = "clear old entries away";
        let mut from = 0;
        loop {
            let hidden = self.read(DOING, move |connection| hidden_entries(connection, list, from)).await?;
            let Some((_, last)) = hidden.last() else { return Ok(()) };
            from = *last;
            self.write(DOING, move |connection| {
                let mut delete = connection.prepare_cached("DELETE FROM entries WHERE id = ?")?;
                for (entry, _) in &hidden {
                    delete.execute([entry])?;
                }
                Ok(())
            })
            .await?;
        }
    }
}

/// A unit of entries to be cleared, with their positions, from a position on.
fn hidden_entries(connection: &Connection, list: i64, from: i64) -> Step<Vec<(i64, i64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.id, e.position FROM entries e, lists l
         WHERE l.id = :list AND e.list_id = :list AND e.position >= :from
           AND e.generation NOT BETWEEN l.first_generation AND l.last_generation
           AND e.generation NOT IN (SELECT generation FROM imports WHERE list_id = :list AND state = 'open')
         ORDER BY e.position LIMIT :limit",
    )?;
    let rows = statement
        .query_map(named_params! { ":list": list, ":from": from, ":limit": ROWS_CLEARED_AT_ONCE }, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn list_or_new(connection: &Connection, name: &str, at: Timestamp) -> Step<ListRow> {
    rows::refuse_held(connection, name)?;
    if list_rows::by_name(connection, name)?.is_none() {
        lists::insert(connection, name, false, at)?;
    }
    list_rows::by_name(connection, name)?.ok_or_else(|| Failure::Cause("a new list was not found".to_owned()))
}

fn list_of(connection: &Connection, import: &ImportState) -> Step<Option<ListRow>> {
    match import.list {
        Some(list) => list_rows::by_id(connection, list),
        None => Ok(None),
    }
}

/// What finishing an import would do, and on which state of the list that was judged.
struct Survey {
    report: ImportReport,
    list: Option<ListRow>,
    /// Contacts that join and leave, if they are few enough to be named one by one.
    memberships: Vec<(ContactId, Change)>,
    /// Whether the list would show the same entries in the same order.
    is_same: bool,
}

fn survey(connection: &Connection, import: ImportId) -> Step<Survey> {
    let import = ImportState::open(connection, import)?;
    let list = list_of(connection, &import)?;
    let mut report = ImportReport { counts: import.counts, leavers: Vec::new() };
    let Some(shown) = &list else {
        return Ok(Survey { report, list, memberships: Vec::new(), is_same: true });
    };
    let is_same = match import.mode {
        ImportMode::Add => import.last_position == import.base_position,
        ImportMode::Replace => import.entries_hash.is_some() && import.entries_hash == shown.entries_hash,
    };
    if is_same {
        return Ok(Survey { report, list, memberships: Vec::new(), is_same });
    }
    let (joined, left) = joined_and_left(connection, &import, shown)?;
    report.counts.joined = joined;
    report.counts.left = left;
    if import.mode == ImportMode::Replace {
        report.leavers = leavers(connection, &import, shown)?;
    }
    let memberships =
        if joined + left > MEMBERSHIPS_NAMED { Vec::new() } else { memberships(connection, &import, shown)? };
    Ok(Survey { report, list, memberships, is_same })
}

/// How often each contact, and each row without one, stands on the list before and after.
macro_rules! before_and_after {
    () => {
        "SELECT contact_id, NULL AS entry_key,
                sum(generation BETWEEN :first AND :last) AS before, sum(generation = :staged) AS after
         FROM entries WHERE list_id = :list AND contact_id IS NOT NULL GROUP BY contact_id
         UNION ALL
         SELECT NULL, entry_key, sum(generation BETWEEN :first AND :last), sum(generation = :staged)
         FROM entries WHERE list_id = :list AND contact_id IS NULL GROUP BY entry_key"
    };
}

/// How many entries join and leave. An adding import takes nothing off.
fn joined_and_left(connection: &Connection, import: &ImportState, list: &ListRow) -> Step<(u64, u64)> {
    if import.mode == ImportMode::Add {
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
        .query_row(generations(import, list).as_slice(), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(sums)
}

/// The contacts that join and leave the list.
fn memberships(connection: &Connection, import: &ImportState, list: &ListRow) -> Step<Vec<(ContactId, Change)>> {
    let sql = match import.mode {
        ImportMode::Replace => concat!(
            "SELECT contact_id, after > 0 FROM (",
            before_and_after!(),
            ") WHERE contact_id IS NOT NULL AND (after > 0) <> (before > 0) ORDER BY contact_id"
        ),
        // A contact that is on the list gets no first entry again, so what is staged has joined,
        // later rows of old members apart.
        ImportMode::Add => {
            "SELECT DISTINCT contact_id, 1 FROM entries e
             WHERE list_id = :list AND generation = :staged AND contact_id IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM entries f WHERE f.list_id = :list AND f.contact_id = e.contact_id
                                 AND f.generation BETWEEN :first AND :last)
             ORDER BY contact_id"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(generations(import, list).as_slice(), |row| {
        let change = if row.get(1)? { Change::Joined } else { Change::Left };
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
    let mut parameters = generations(import, list).to_vec();
    let limit = i64::try_from(LEAVERS_SHOWN)?;
    parameters.push((":limit", &limit));
    let rows = statement.query_map(parameters.as_slice(), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn generations<'a>(import: &'a ImportState, list: &'a ListRow) -> [(&'static str, &'a dyn rusqlite::ToSql); 4] {
    [
        (":list", &list.id),
        (":first", &list.first_generation),
        (":last", &list.last_generation),
        (":staged", &import.generation),
    ]
}

/// Moves the list's generations. None when the list is not the one any more that was surveyed.
fn finish(connection: &Connection, import: ImportId, survey: Survey, at: Timestamp) -> Step<Option<ImportReport>> {
    let import = ImportState::open(connection, import)?;
    let Some(surveyed) = &survey.list else {
        import.end(connection, &survey.report.counts, at)?;
        return Ok(Some(survey.report));
    };
    let Some(list) = list_of(connection, &import)?.filter(|list| list.revision == surveyed.revision) else {
        return Ok(None);
    };
    let mut numbers = Numbers::begin(connection, at)?;
    if survey.is_same {
        connection.execute("UPDATE lists SET shown = 1 WHERE id = ?", [list.id])?;
    } else {
        show(connection, &import, &list)?;
        for (contact, change) in &survey.memberships {
            numbers.take(*change, Some(*contact), Some(list.id))?;
        }
        numbers.take(Change::List, None, Some(list.id))?;
    }
    let counts: ImportCounts = survey.report.counts;
    import.end(connection, &counts, at)?;
    let payload = json!({ "import": import.id, "list": list.id, "joined": counts.joined, "left": counts.left });
    numbers.end("import-finished", &payload)?;
    Ok(Some(survey.report))
}

/// Makes the staged entries the list's.
fn show(connection: &Connection, import: &ImportState, list: &ListRow) -> Step<()> {
    let first = match import.mode {
        ImportMode::Add => list.first_generation,
        ImportMode::Replace => import.generation,
    };
    // Entries that joined one by one since the import began stand before those of the file.
    let moved_on = match import.mode {
        ImportMode::Add => list.last_position - import.base_position,
        ImportMode::Replace => 0,
    };
    if moved_on > 0 {
        connection.execute(
            "UPDATE entries SET position = position + ? WHERE list_id = ? AND generation = ?",
            (moved_on, list.id, import.generation),
        )?;
    }
    let is_untouched = import.mode == ImportMode::Replace || list.revision == import.base_revision;
    connection.execute(
        "UPDATE lists SET shown = 1, first_generation = ?, last_generation = ?, last_position = ?, entries_hash = ?,
                          revision = revision + 1
         WHERE id = ?",
        (
            first,
            import.generation,
            import.last_position + moved_on,
            import.entries_hash.filter(|_| is_untouched),
            list.id,
        ),
    )?;
    Ok(())
}
