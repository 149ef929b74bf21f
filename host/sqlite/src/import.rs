//! The use cases of an import: begun, filled chunk by chunk, and shown at one stroke.
//!
//! The entries of an import are written in a generation of their own, which the list does not show.
//! Finishing moves the list's two generation numbers, whatever the number of entries. What is not
//! shown any more, and what was never shown, is cleared away afterwards in small units.

use std::ops::RangeInclusive;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::contact::ImportedRow;
use postroom_domain::meeting::Acquaintance;
use postroom_store::Result;
use postroom_store::lists::{
    ImportBegun, ImportCounts, ImportId, ImportMode, ImportReport, ImportStart, ImportStore, RefusedRow, RowNames,
};
use rusqlite::{Connection, named_params};
use serde_json::json;

use crate::failure::{Failure, Step};
use crate::import_prepared::{Batch, MadeAhead, Prepared};
use crate::import_row::ImportState;
use crate::import_rows::Ground;
use crate::import_seen::{Seen, UnderWay};
use crate::import_survey::{Survey, survey};
use crate::limits::{ROWS_CLEARED_AT_ONCE, UnitBound};
use crate::list_rows::{self, ListRow};
use crate::segment::rows;
use crate::sequence::{Calm, Change, Numbers};
use crate::store::SqliteStore;
use crate::{import_acquaintances, import_ahead, import_entries, import_rows, lists, purpose_rows};

#[async_trait]
impl ImportStore for SqliteStore {
    async fn begin_import(&self, start: &ImportStart) -> Result<ImportBegun> {
        let (start, under_way) = (start.clone(), self.imports());
        let (begun, list) = self
            .write("begin an import", move |connection| {
                for purpose in start.consent.iter().flat_map(|consent| &consent.purposes) {
                    purpose_rows::require(connection, purpose.as_str())?;
                }
                let list = match &start.list {
                    Some(name) => Some(list_or_new(connection, name.trim(), start.at)?),
                    None => None,
                };
                let number = list.as_ref().map(|list| list.id);
                let same = ImportState::same(connection, &start, number)?;
                let begun = match same.filter(|same| !under_way.has(same.import.0)) {
                    Some(same) => same,
                    None => {
                        abandon_others(connection, number, &under_way)?;
                        let import = ImportState::begin(connection, &start, list.as_ref())?;
                        ImportBegun { import, done: 0 }
                    }
                };
                under_way.begin(begun.import.0);
                Ok((begun, number))
            })
            .await?;
        self.clear_ended().await?;
        // What an interrupted import left between the shown generations and this one would be shown
        // with it: it goes before the first row comes.
        if let Some(list) = list {
            self.clear_hidden(list).await?;
        }
        Ok(begun)
    }

    async fn import_rows(&self, import: ImportId, rows: Vec<ImportedRow>) -> Result<Vec<RefusedRow>> {
        const DOING: &str = "import rows";
        let turns = self.imports().turns(import.0);
        let preparing = tokio::task::spawn_blocking(move || Batch::prepare(rows));
        // The turn is asked for first: the order of the calls is that of the rows.
        let (turn, prepared) = tokio::join!(biased; turns.next(), preparing);
        let turn = turn?;
        let batch = prepared
            .map_err(|error| Failure::Cause(error.to_string()))
            .and_then(|prepared| prepared)
            .map_err(|failure| failure.while_doing(DOING))?;
        let (rows, made, mut calm) = self.make_ahead(import, batch).await?;
        let (made, mut from) = (Arc::new(made), 0);
        let mut refused = Vec::new();
        while from < rows.len() {
            let (key, under_way, waiting) = (self.key(), self.imports(), self.waiting());
            let (all, made) = (Arc::clone(&rows), Arc::clone(&made));
            let taken = self
                .write_part(DOING, move |connection| {
                    let import = ImportState::open(connection, import)?;
                    let list = list_rows::of(connection, import.list)?;
                    let id = import.id;
                    let seen = Seen::of(connection, &import, under_way.take(id))?;
                    let is_calm = calm.holds(connection)?;
                    let ground = Ground { connection, key: &key, import, list, seen, is_calm };
                    let next = (from..all.len()).filter_map(|place| Some((all.get(place)?, *made.get(place)?)));
                    let taken = import_rows::take(ground, UnitBound::begin(waiting), next)?;
                    under_way.keep(id, taken.seen);
                    calm.after(taken.sequence);
                    Ok((taken.refused, taken.passed, calm))
                })
                .await
                .inspect_err(|_| self.imports().distrust(import.0))?;
            refused.extend(taken.0);
            from += taken.1;
            calm = taken.2;
        }
        turn.done();
        // The next batch's turn has come, and whoever drives both has something better to do than to give hundreds of
        // thousands of texts back.
        drop(tokio::task::spawn_blocking(move || drop(rows)));
        Ok(refused)
    }

    async fn refused_rows(&self, import: ImportId, lines: RangeInclusive<u64>) -> Result<Vec<RefusedRow>> {
        self.read("read the rows that an import refused", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT line, reason, raw FROM import_refused WHERE import_id = ? AND line BETWEEN ? AND ? ORDER BY line",
            )?;
            let mut rows = statement.query((import.0, lines.start(), lines.end()))?;
            let mut refused = Vec::new();
            while let Some(row) = rows.next()? {
                let raw: String = row.get(2)?;
                refused.push(RefusedRow {
                    line: row.get(0)?,
                    reason: row.get(1)?,
                    raw: serde_json::from_str(&raw)?,
                });
            }
            Ok(refused)
        })
        .await
    }

    async fn preview_import(&self, import: ImportId) -> Result<ImportReport> {
        Ok(self.read("preview an import", move |connection| survey(connection, import)).await?.report)
    }

    async fn finish_import(&self, import: ImportId, at: Timestamp) -> Result<ImportReport> {
        const DOING: &str = "finish an import";
        loop {
            // The sums of a large list take longer than a write may: they are made beside the
            // writer, and hold if the list is still the same when its turn comes.
            let survey = self.read(DOING, move |connection| survey(connection, import)).await?;
            let list = survey.list.as_ref().map(|list| list.id);
            if survey.lacks_copies {
                while !self.write_part(DOING, move |connection| copy_agreed(connection, import)).await? {}
                continue;
            }
            let under_way = self.imports();
            let done = self
                .write(DOING, move |connection| {
                    finish(connection, import, survey, at, |import| {
                        Seen::of(connection, import, under_way.take(import.id))
                    })
                })
                .await?;
            if let Some(report) = done {
                self.imports().end(import.0);
                self.clear_ended().await?;
                if let Some(list) = list {
                    self.clear_hidden(list).await?;
                }
                return Ok(report);
            }
        }
    }

    async fn acquaintances(&self, rows: Vec<RowNames>) -> Result<Vec<Acquaintance>> {
        let key = self.key();
        self.read("look up whom rows mean", move |connection| import_acquaintances::of(connection, &key, &rows)).await
    }

    async fn abandon_import(&self, import: ImportId) -> Result<()> {
        let list = self
            .write("abandon an import", move |connection| {
                connection
                    .execute("UPDATE imports SET state = 'abandoned' WHERE id = ? AND state = 'open'", [import.0])?;
                let list: Option<i64> =
                    connection.query_row("SELECT list_id FROM imports WHERE id = ?", [import.0], |row| row.get(0))?;
                Ok(list)
            })
            .await?;
        self.imports().end(import.0);
        self.clear_ended().await?;
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
    /// Makes the contacts of a batch ahead of its rows, if most of them are new.
    async fn make_ahead(
        &self,
        import: ImportId,
        batch: Batch,
    ) -> Result<(Arc<Vec<Prepared>>, Vec<Option<MadeAhead>>, Calm)> {
        const DOING: &str = "import contacts";
        let (rows, candidates, mut calm) = self
            .read(DOING, move |connection| {
                let Batch { rows, mut candidates } = batch;
                if !import_ahead::are_new(connection, &rows, &candidates)? {
                    candidates.clear();
                }
                Ok((rows, candidates, Calm::begin(connection)?))
            })
            .await?;
        let mut made = vec![None; rows.len()];
        let (rows, candidates) = (Arc::new(rows), Arc::new(candidates));
        let mut from = 0;
        while from < candidates.len() {
            let (key, under_way, waiting) = (self.key(), self.imports(), self.waiting());
            let (all, candidates) = (Arc::clone(&rows), Arc::clone(&candidates));
            let unit = self
                .write_part(DOING, move |connection| {
                    let import = ImportState::open(connection, import)?;
                    calm.holds(connection)?;
                    let seen = Seen::of(connection, &import, under_way.take(import.id))?;
                    let next = candidates.iter().skip(from).filter_map(|place| Some((*place, all.get(*place)?)));
                    let unit = import_ahead::make(connection, &key, &import, seen, UnitBound::begin(waiting), next)?;
                    under_way.keep(import.id, unit.seen);
                    calm.after(unit.sequence);
                    Ok((unit.contacts, calm, unit.passed))
                })
                .await
                .inspect_err(|_| self.imports().distrust(import.0))?;
            for (place, contact) in unit.0 {
                if let Some(made) = made.get_mut(place) {
                    *made = Some(contact);
                }
            }
            calm = unit.1;
            from += unit.2;
        }
        Ok((rows, made, calm))
    }

    /// Deletes the entries of generations that a list does not show and no open import is writing.
    pub(crate) async fn clear_hidden(&self, list: i64) -> Result<()> {
        const DOING: &str = "clear old entries away";
        let mut from = 0;
        loop {
            let hidden = self.read(DOING, move |connection| hidden_entries(connection, list, from)).await?;
            let Some((_, last)) = hidden.last() else { return Ok(()) };
            from = *last;
            self.write_part(DOING, move |connection| {
                let mut delete = connection.prepare_cached("DELETE FROM entries WHERE id = ?")?;
                for (entry, _) in &hidden {
                    delete.execute([entry])?;
                }
                Ok(())
            })
            .await?;
        }
    }

    /// Deletes what imports knew of their rows that are not open any more.
    async fn clear_ended(&self) -> Result<()> {
        for table in ["import_seen", "import_made", "import_repeats", "import_refused"] {
            while self.write_part("clear an import away", move |connection| clear_ended(connection, table)).await? {}
        }
        Ok(())
    }
}

/// Deletes a unit of what ended imports left in a table; answers whether there may be more.
fn clear_ended(connection: &Connection, table: &str) -> Step<bool> {
    let key = match table {
        "import_seen" => "rows_done",
        "import_made" => "unit",
        "import_repeats" => "row_hash",
        _ => "line",
    };
    let deleted = connection
        .prepare_cached(&format!(
            "DELETE FROM {table} WHERE (import_id, {key}) IN (
                 SELECT import_id, {key} FROM {table}
                 WHERE import_id NOT IN (SELECT id FROM imports WHERE state = 'open') LIMIT ?)
             /* all: no import has rows there but those that are open or have just ended */"
        ))?
        .execute([ROWS_CLEARED_AT_ONCE])?;
    Ok(deleted == usize::try_from(ROWS_CLEARED_AT_ONCE)?)
}

/// Stages some of the entries that the file agrees with; answers whether all are.
fn copy_agreed(connection: &Connection, import: ImportId) -> Step<bool> {
    let import = ImportState::open(connection, import)?;
    match list_rows::of(connection, import.list)? {
        Some(list) => import_entries::copy_agreed(connection, import, &list),
        None => Ok(true),
    }
}

/// Gives up what is open on a list: one list is filled by one import. Without a list imports do not meet,
/// and only those go that an earlier process left.
fn abandon_others(connection: &Connection, list: Option<i64>, under_way: &UnderWay) -> Step<()> {
    let open: Vec<i64> = connection
        .prepare_cached("SELECT id FROM imports WHERE list_id IS ? AND state = 'open'")?
        .query_map([list], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for import in open.into_iter().filter(|import| list.is_some() || !under_way.has(*import)) {
        connection.execute("UPDATE imports SET state = 'abandoned' WHERE id = ?", [import])?;
        under_way.end(import);
    }
    Ok(())
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

/// Moves the list's generations. None when the list is not the one any more that was surveyed.
fn finish(
    connection: &Connection,
    import: ImportId,
    survey: Survey,
    at: Timestamp,
    seen: impl FnOnce(&ImportState) -> Step<Seen>,
) -> Step<Option<ImportReport>> {
    let import = ImportState::open(connection, import)?;
    let Some(surveyed) = &survey.list else {
        import.end(connection, &survey.report.counts, at)?;
        return Ok(Some(survey.report));
    };
    let Some(list) = list_rows::of(connection, import.list)?.filter(|list| list.revision == surveyed.revision) else {
        return Ok(None);
    };
    if !list.is_shown {
        list_rows::place_last(connection, list.id)?;
    }
    let mut numbers = Numbers::begin(connection, at)?;
    if survey.is_same {
        connection.execute("UPDATE lists SET shown = 1 WHERE id = ?", [list.id])?;
    } else {
        show(connection, &import, &list)?;
        seen(&import)?.keep(connection, import.id)?;
        for (contact, change) in survey.memberships.iter().flatten() {
            numbers.take(*change, Some(*contact), Some(list.id))?;
        }
        let change = if survey.memberships.is_some() { Change::Entries } else { Change::List };
        numbers.take(change, None, Some(list.id))?;
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
