//! Rows on their way from the file into the store, a batch at a time, and what of them was not taken.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use postroom_domain::contact::ImportedRow;
use postroom_domain::email;
use postroom_import::RejectedRow;
use postroom_store::lists::{ImportId, RowNames};

use super::answers::LeftOutCell;
use super::reading::{Chunk, count};
use crate::{Result, Service};

/// A chunk of a file, as the store is to take it.
pub(super) struct Batch {
    /// So many rows, of all kinds.
    size: usize,
    /// The lines that an import had written before it was cut short.
    passed: Option<RangeInclusive<u64>>,
    rows: Vec<ImportedRow>,
    rejected: Vec<RejectedRow>,
    /// Cells that do not fit, whenever their rows were written.
    left_out: Vec<LeftOutCell>,
}

impl Batch {
    /// Takes the rows off a chunk's front that were written already; answers also how many more were.
    pub(super) fn of(chunk: Chunk, to_pass_over: u64) -> (Self, u64) {
        let size = chunk.len();
        let Chunk { mut rows, rejected, left_out, .. } = chunk;
        let done = usize::try_from(to_pass_over).map_or(rows.len(), |done| done.min(rows.len()));
        let passed: Vec<_> = rows.drain(..done).collect();
        let passed = passed.first().zip(passed.last()).map(|(first, last)| first.line..=last.line);
        (Self { size, passed, rows, rejected, left_out }, to_pass_over - count(done))
    }
}

/// What became of a batch.
pub(super) struct Written {
    /// So many rows, of all kinds.
    pub(super) size: usize,
    /// Rows that were not taken and can be mended.
    pub(super) rejected: Vec<RejectedRow>,
    /// Cells that were left out of rows that were taken.
    pub(super) left_out: Vec<LeftOutCell>,
    /// The lines of people who were erased: their rows are kept nowhere.
    pub(super) erased: Vec<u64>,
}

impl Service {
    /// Has the store take a batch.
    pub(super) async fn write_batch(&self, import: ImportId, batch: Batch) -> Result<Written> {
        let Batch { size, passed, rows, rejected, mut left_out } = batch;
        let mut refused = Vec::new();
        // Before anything is waited for: the store takes batches in the order in which it is called.
        if !rows.is_empty() {
            refused.extend(self.store().import_rows(import, rows).await?);
        }
        if let Some(lines) = passed {
            refused.extend(self.store().refused_rows(import, lines).await?);
        }
        if !refused.is_empty() {
            let lines: HashSet<u64> = refused.iter().map(|row| row.line).collect();
            left_out.retain(|cell| !lines.contains(&cell.line));
        }
        let (mut rejected, mut erased) = self.without_erased(rejected).await?;
        let (gone, kept): (Vec<_>, Vec<_>) = refused.into_iter().partition(|row| row.raw.is_empty());
        erased.extend(gone.into_iter().map(|row| row.line));
        erased.sort_unstable();
        rejected.extend(kept.into_iter().map(|row| RejectedRow { line: row.line, reason: row.reason, raw: row.raw }));
        rejected.sort_by_key(|row| row.line);
        Ok(Written { size, rejected, left_out, erased })
    }

    /// Parts rows that could not be read from those in which an erased person's address stands, of which the lines are
    /// left: what is of such a person is kept nowhere (invariant 11).
    pub(super) async fn without_erased(&self, rejected: Vec<RejectedRow>) -> Result<(Vec<RejectedRow>, Vec<u64>)> {
        let addresses = rejected
            .iter()
            .flat_map(|row| row.raw.iter().flat_map(|cell| email::addresses_in(cell)).map(|email| (row.line, email)));
        let (lines, names): (Vec<u64>, Vec<RowNames>) =
            addresses.map(|(line, email)| (line, RowNames { email, external_id: None })).unzip();
        if names.is_empty() {
            return Ok((rejected, Vec::new()));
        }
        let known = self.store().acquaintances(names).await?;
        let erased: HashSet<u64> =
            lines.into_iter().zip(known).filter(|(_, known)| known.is_erased).map(|(line, _)| line).collect();
        let (gone, kept): (Vec<_>, Vec<_>) = rejected.into_iter().partition(|row| erased.contains(&row.line));
        Ok((kept, gone.into_iter().map(|row| row.line).collect()))
    }
}
