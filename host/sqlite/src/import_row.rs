//! The row of an import that is under way.

use jiff::Timestamp;
use postroom_store::StoreError;
use postroom_store::lists::{ImportCounts, ImportId, ImportMode, ImportStart};
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{from_word, hash16, micros, timestamp, word};
use crate::failure::Step;
use crate::list_rows::{EntriesHash, ListRow, NO_ENTRIES};

/// An import that has begun and not ended.
#[derive(Debug, Clone)]
pub(crate) struct ImportState {
    pub(crate) id: i64,
    pub(crate) list: Option<i64>,
    pub(crate) mode: ImportMode,
    pub(crate) file: String,
    pub(crate) evidence: Option<String>,
    /// The generation that its entries are staged in.
    pub(crate) generation: i64,
    /// What the list had changed to when the import began.
    pub(crate) base_revision: i64,
    /// The position behind which an adding import begins.
    pub(crate) base_position: i64,
    /// The position of the last staged entry.
    pub(crate) last_position: i64,
    /// The rolling hash of what the list will show; none when it can't be known.
    pub(crate) entries_hash: Option<EntriesHash>,
    pub(crate) counts: ImportCounts,
    pub(crate) started_at: Timestamp,
}

impl ImportState {
    /// Begins an import, on a list of which it takes the next generation.
    pub(crate) fn begin(connection: &Connection, start: &ImportStart, list: Option<&ListRow>) -> Step<ImportId> {
        let generation: i64 = match list {
            Some(list) => connection.query_row(
                "UPDATE lists SET next_generation = next_generation + 1 WHERE id = ? RETURNING next_generation - 1",
                [list.id],
                |row| row.get(0),
            )?,
            None => 0,
        };
        let (position, hash) = match (list, start.mode) {
            (Some(list), ImportMode::Add) => (list.last_position, list.entries_hash),
            _ => (0, Some(NO_ENTRIES)),
        };
        connection.execute(
            "INSERT INTO imports (list_id, mode, state, file, digest, evidence, generation, base_revision,
                                  base_position, last_position, entries_hash, counts, started_at)
             VALUES (?1, ?2, 'open', ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11)",
            (
                list.map(|list| list.id),
                word(&start.mode)?,
                &start.file,
                &start.digest,
                start.consent.as_ref().map(|consent| &consent.evidence),
                generation,
                list.map_or(0, |list| list.revision),
                position,
                hash,
                serde_json::to_string(&ImportCounts::default())?,
                micros(start.at),
            ),
        )?;
        Ok(ImportId(connection.last_insert_rowid()))
    }

    /// Reads an import that is still open.
    pub(crate) fn open(connection: &Connection, import: ImportId) -> Step<Self> {
        type Columns = (Option<i64>, String, String, Option<String>, i64, i64, i64, i64, Option<Vec<u8>>, String, i64);
        let found: Option<Columns> = connection
            .prepare_cached(
                "SELECT list_id, mode, file, evidence, generation, base_revision, base_position, last_position,
                        entries_hash, counts, started_at
                 FROM imports WHERE id = ? AND state = 'open'",
            )?
            .query_row([import.0], |row| row.try_into())
            .optional()?;
        let Some((list, mode, file, evidence, generation, revision, base, last, hash, counts, started_at)) = found
        else {
            return Err(StoreError::Refused(
                "this import has ended, or a later one of the same list took its place: begin it again".to_owned(),
            )
            .into());
        };
        Ok(Self {
            id: import.0,
            list,
            mode: from_word("import mode", &mode)?,
            file,
            evidence,
            generation,
            base_revision: revision,
            base_position: base,
            last_position: last,
            entries_hash: hash.as_deref().map(hash16).transpose()?,
            counts: serde_json::from_str(&counts)?,
            started_at: timestamp(started_at)?,
        })
    }

    /// Writes what a chunk moved on.
    pub(crate) fn save(&self, connection: &Connection) -> Step<()> {
        connection
            .prepare_cached("UPDATE imports SET last_position = ?, entries_hash = ?, counts = ? WHERE id = ?")?
            .execute((self.last_position, self.entries_hash, serde_json::to_string(&self.counts)?, self.id))?;
        Ok(())
    }

    /// Ends the import, with its last sums, and forgets what it had seen.
    pub(crate) fn end(&self, connection: &Connection, counts: &ImportCounts, at: Timestamp) -> Step<()> {
        connection.execute(
            "UPDATE imports SET state = 'finished', finished_at = ?, counts = ? WHERE id = ?",
            (micros(at), serde_json::to_string(counts)?, self.id),
        )?;
        forget_seen(connection)
    }
}

/// Empties the temporary tables of imports that are not open any more.
pub(crate) fn forget_seen(connection: &Connection) -> Step<()> {
    let others: bool =
        connection.query_row("SELECT EXISTS (SELECT 1 FROM imports WHERE state = 'open')", [], |row| row.get(0))?;
    for table in ["import_seen", "import_repeats"] {
        // Without a condition a table is emptied at one stroke.
        let condition =
            if others { "WHERE import_id NOT IN (SELECT id FROM imports WHERE state = 'open')" } else { "" };
        connection.execute(&format!("DELETE FROM temp.{table} {condition}"), [])?;
    }
    Ok(())
}
