//! The row of an import that is under way.

use jiff::Timestamp;
use postroom_domain::purpose::PurposeName;
use postroom_store::StoreError;
use postroom_store::lists::{ImportBegun, ImportCounts, ImportId, ImportMode, ImportStart};
use rusqlite::{Connection, OptionalExtension, named_params};

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
    /// The purposes for which its grant is stated too.
    pub(crate) purposes: Vec<PurposeName>,
    /// Whether grants that its rows claim are believed.
    pub(crate) believes_file: bool,
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
    /// Rows of the file that are done.
    pub(crate) rows_done: u64,
    /// The list's first entries that the file agrees with; see `import_rows`.
    pub(crate) agreed: i64,
    /// How many of them are staged after all; none as long as everything agrees.
    pub(crate) copied: Option<i64>,
    /// The position in the list at which the next row is expected.
    pub(crate) expected: i64,
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
                                  base_position, last_position, entries_hash, counts, started_at, reading, copied,
                                  believes_file, purposes)
             VALUES (?1, ?2, 'open', ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
                &start.reading,
                // An adding import has nothing to agree with: what it stages comes behind the list.
                (start.mode == ImportMode::Add).then_some(0),
                start.believes_file,
                serde_json::to_string(purposes_of(start))?,
            ),
        )?;
        Ok(ImportId(connection.last_insert_rowid()))
    }

    /// The import that an earlier process left open, if it was the same.
    pub(crate) fn same(connection: &Connection, start: &ImportStart, list: Option<i64>) -> Step<Option<ImportBegun>> {
        let found: Option<(i64, u64)> = connection
            .prepare_cached(
                "SELECT id, rows_done FROM imports
                 WHERE list_id IS :list AND state = 'open' AND mode = :mode AND file = :file AND digest = :digest
                   AND evidence IS :evidence AND reading = :reading AND believes_file = :believes_file
                   AND purposes = :purposes
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_row(
                named_params! {
                    ":list": list,
                    ":mode": word(&start.mode)?,
                    ":file": start.file,
                    ":digest": start.digest,
                    ":evidence": start.consent.as_ref().map(|consent| &consent.evidence),
                    ":reading": start.reading,
                    ":believes_file": start.believes_file,
                    ":purposes": serde_json::to_string(purposes_of(start))?,
                },
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        Ok(found.map(|(id, done)| ImportBegun { import: ImportId(id), done }))
    }

    /// Reads an import that is still open.
    pub(crate) fn open(connection: &Connection, import: ImportId) -> Step<Self> {
        let mut statement = connection.prepare_cached(
            "SELECT list_id, mode, file, evidence, generation, base_revision, base_position, last_position,
                    entries_hash, counts, started_at, rows_done, agreed, copied, expected, believes_file, purposes
             FROM imports WHERE id = ? AND state = 'open'",
        )?;
        let mut rows = statement.query([import.0])?;
        let Some(row) = rows.next()? else {
            return Err(StoreError::Refused(
                "this import has ended, or a later one of the same list took its place: begin it again".to_owned(),
            )
            .into());
        };
        let (mode, hash, counts): (String, Option<Vec<u8>>, String) = (row.get(1)?, row.get(8)?, row.get(9)?);
        let purposes: String = row.get(16)?;
        Ok(Self {
            id: import.0,
            list: row.get(0)?,
            mode: from_word("import mode", &mode)?,
            file: row.get(2)?,
            evidence: row.get(3)?,
            generation: row.get(4)?,
            base_revision: row.get(5)?,
            base_position: row.get(6)?,
            last_position: row.get(7)?,
            entries_hash: hash.as_deref().map(hash16).transpose()?,
            counts: serde_json::from_str(&counts)?,
            started_at: timestamp(row.get(10)?)?,
            rows_done: row.get(11)?,
            agreed: row.get(12)?,
            copied: row.get(13)?,
            expected: row.get(14)?,
            believes_file: row.get(15)?,
            purposes: serde_json::from_str(&purposes)?,
        })
    }

    /// Whether its rows join the list.
    pub(crate) fn mode_is_add(&self) -> bool {
        self.mode == ImportMode::Add
    }

    /// Writes what a unit of rows moved on.
    pub(crate) fn save(&self, connection: &Connection) -> Step<()> {
        connection
            .prepare_cached(
                "UPDATE imports SET last_position = :last, entries_hash = :hash, counts = :counts, rows_done = :rows,
                                    agreed = :agreed, copied = :copied, expected = :expected
                 WHERE id = :id",
            )?
            .execute(named_params! {
                ":last": self.last_position,
                ":hash": self.entries_hash,
                ":counts": serde_json::to_string(&self.counts)?,
                ":rows": self.rows_done,
                ":agreed": self.agreed,
                ":copied": self.copied,
                ":expected": self.expected,
                ":id": self.id,
            })?;
        Ok(())
    }

    /// Ends the import, with its last sums.
    pub(crate) fn end(&self, connection: &Connection, counts: &ImportCounts, at: Timestamp) -> Step<()> {
        connection.execute(
            "UPDATE imports SET state = 'finished', finished_at = ?, counts = ? WHERE id = ?",
            (micros(at), serde_json::to_string(counts)?, self.id),
        )?;
        Ok(())
    }
}

/// The purposes for which an import states its grant.
fn purposes_of(start: &ImportStart) -> &[PurposeName] {
    start.consent.as_ref().map_or(&[], |consent| &consent.purposes)
}
