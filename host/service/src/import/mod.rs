//! A file becomes contacts and a list, or nothing (rows D1, A5, A6, invariant 10).
//!
//! The file is examined as a whole before any row is written (`examination`). Then it is read a second time
//! on a thread for blocking work, in chunks that wait for the store (`reading`), so that memory does not grow
//! with the file. The list shows the file when the last row is written, and not before. A dry run reads the
//! same chunks and rehearses them (`preview`); how a file was read can be kept for the next (`profiles`).

mod answers;
mod examination;
mod preview;
mod profiles;
mod reading;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{TryStreamExt as _, stream};
use postroom_domain::contact::ImportedRow;
use postroom_domain::purpose::PurposeName;
use postroom_import::{DatesRead, DatesSeen, Examined, Options, RejectedRow, Rejects, left_out_path, rejects_path};
use postroom_store::lists::{ImportBegun, ImportId, ImportMode, ImportReport, ImportStart, StatedConsent};
use serde::Serialize;

pub use answers::{FileSummary, Imported, LeftOutCell};
pub use preview::ImportPreview;
pub use profiles::{ImportProfileInfo, ProfileSaved};

use crate::{Result, Service, ServiceError};
use answers::{Erased, LeftOut, summary, warnings};
use examination::Looked;
use reading::{Chunk, count};

/// Batches that the store has at a time: one is got ready while the one before is written.
const BATCHES_IN_HAND: usize = 2;

/// A file to be imported.
#[derive(Debug, Clone)]
pub struct ImportFile {
    /// The file.
    pub file: PathBuf,
    /// The list that it fills; made if it is not there. None writes contacts only.
    pub list: Option<String>,
    /// Whether its rows join the list or are the list.
    pub mode: ImportMode,
    /// Whether a file without rows may empty the list that it replaces. Most often such a file is an export that failed.
    pub may_empty: bool,
    /// What the operator says about the file.
    pub options: Options,
    /// The saved import profile by which it is read; what else is said wins over it.
    pub profile: Option<String>,
    /// The name under which to keep how it was read, once that succeeded.
    pub save_profile: Option<String>,
    /// The evidence of the consent that is stated for every contact of it, if one is.
    pub consent_evidence: Option<String>,
    /// The purposes for which it is stated too.
    pub consent_purposes: Vec<PurposeName>,
    /// Whether the file is believed where its rows say that their contacts agreed. What they say of
    /// withdrawals and bounces counts in any case.
    pub believes_file: bool,
    /// Where rows go that could not be taken; none for beside the file. Those that were taken without a cell go beside it.
    pub rejects: Option<PathBuf>,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImportProgress {
    /// Rows that are dealt with.
    pub done: u64,
    /// Rows that the file has.
    pub rows: u64,
}

impl Service {
    /// Imports a file. An import of the same file in the same way that was cut short (by a crash, say)
    /// goes on where it stopped.
    ///
    /// # Errors
    ///
    /// An [`ImportFault`] refuses the file as a whole; when one comes in the middle, or the storage
    /// fails, the list stays as it was.
    pub async fn import(
        &self,
        request: ImportFile,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<Imported> {
        let Looked { examined, options, reading } = self.examine(&request).await?;
        self.require_rows(&request, &examined).await?;
        let start = ImportStart {
            list: request.list.clone(),
            mode: request.mode,
            file: answers::file_name(&examined),
            digest: examined.digest.to_hex().to_string(),
            reading,
            consent: request
                .consent_evidence
                .clone()
                .map(|evidence| StatedConsent { evidence, purposes: request.consent_purposes.clone() }),
            believes_file: request.believes_file,
            at: self.now(),
        };
        let begun = self.store().begin_import(&start).await?;
        let import = begun.import;
        let to_mend = ToMend::of(&request, &examined);
        match self.carry_out(begun, Arc::clone(&examined), to_mend, progress).await {
            Ok(done) => {
                let saved_profile = self.keep_profile(request.save_profile.as_deref(), &examined, &options).await?;
                Ok(done.into_answer(request, &examined, &options, saved_profile))
            }
            Err(error) => {
                if let Err(second) = self.store().abandon_import(import).await {
                    // The next import of this list clears it away; the first error is the one to mend.
                    tracing::warn!(%second, "an unfinished import could not be cleared away");
                }
                Err(error)
            }
        }
    }

    async fn carry_out(
        &self,
        begun: ImportBegun,
        examined: Arc<Examined>,
        mut to_mend: ToMend,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<Done> {
        let rows = examined.rows;
        let mut done = 0;
        let mut left_out = LeftOut::default();
        let mut erased = Erased::default();
        let mut reading = reading::read(examined);
        progress(ImportProgress { done, rows });
        {
            let source = (&mut reading, &mut left_out, begun.done);
            let batches = stream::try_unfold(source, |(reading, left_out, to_pass_over)| async move {
                let Some(chunk) = reading.next().await? else { return Ok(None) };
                chunk.rows.iter().for_each(|row| left_out.note(row));
                let (batch, to_pass_over) = Batch::of(chunk, to_pass_over);
                Ok::<_, ServiceError>(Some((batch, (reading, left_out, to_pass_over))))
            });
            let written = batches.map_ok(|batch| self.write_batch(begun.import, batch)).try_buffered(BATCHES_IN_HAND);
            let mut written = std::pin::pin!(written);
            while let Some((size, refused)) = written.try_next().await? {
                done += count(size);
                erased.note(&refused.erased);
                to_mend.rejects = reading::write_rejects(to_mend.rejects, refused.rejected).await?;
                to_mend.left_out = reading::write_rejects(to_mend.left_out, refused.left_out).await?;
                progress(ImportProgress { done, rows });
            }
        }
        let rejected = to_mend.rejects.rows();
        let rejects_file = reading::finish_rejects(to_mend.rejects).await?;
        let left_out_file = reading::finish_rejects(to_mend.left_out).await?;
        let report = self.store().finish_import(begun.import, self.now()).await?;
        let dates = reading.into_dates();
        Ok(Done { taken_up: begun.done, report, rejected, erased, rejects_file, left_out, left_out_file, dates })
    }

    /// Has the store take a batch; answers with how many rows it was, and with those that were not taken.
    async fn write_batch(&self, import: ImportId, batch: Batch) -> Result<(usize, NotTaken)> {
        let Batch { size, passed, rows, mut rejected, left_out } = batch;
        let mut refused = Vec::new();
        // Before anything is waited for: the store takes batches in the order in which it is called.
        if !rows.is_empty() {
            refused.extend(self.store().import_rows(import, rows).await?);
        }
        if let Some(lines) = passed {
            refused.extend(self.store().refused_rows(import, lines).await?);
        }
        let (erased, kept): (Vec<_>, Vec<_>) = refused.into_iter().partition(|row| row.raw.is_empty());
        rejected.extend(kept.into_iter().map(|row| RejectedRow { line: row.line, reason: row.reason, raw: row.raw }));
        rejected.sort_by_key(|row| row.line);
        Ok((size, NotTaken { rejected, left_out, erased: erased.into_iter().map(|row| row.line).collect() }))
    }
}

/// The rows of a batch that were not taken, or not all of them.
struct NotTaken {
    /// Those that can be mended.
    rejected: Vec<RejectedRow>,
    /// Those that were taken without a cell.
    left_out: Vec<RejectedRow>,
    /// The lines of people who were erased: their rows are kept nowhere.
    erased: Vec<u64>,
}

/// A chunk of a file, as the store is to take it.
struct Batch {
    /// So many rows, of all kinds.
    size: usize,
    /// The lines that an import had written before it was cut short.
    passed: Option<RangeInclusive<u64>>,
    rows: Vec<ImportedRow>,
    rejected: Vec<RejectedRow>,
    /// Rows of which a cell was left out, whenever they were written.
    left_out: Vec<RejectedRow>,
}

impl Batch {
    /// Takes the rows off a chunk's front that were written already; answers also how many more were.
    fn of(chunk: Chunk, to_pass_over: u64) -> (Self, u64) {
        let size = chunk.len();
        let Chunk { rows: mut passed, rejected, .. } = chunk;
        let left_out = passed.iter().filter_map(answers::with_reasons).collect();
        let done = usize::try_from(to_pass_over).map_or(passed.len(), |done| done.min(passed.len()));
        let rows = passed.split_off(done);
        let passed = passed.first().zip(passed.last()).map(|(first, last)| first.line..=last.line);
        (Self { size, passed, rows, rejected, left_out }, to_pass_over - count(done))
    }
}

/// What a finished import leaves behind.
struct Done {
    taken_up: u64,
    report: ImportReport,
    rejected: u64,
    erased: Erased,
    rejects_file: Option<PathBuf>,
    left_out: LeftOut,
    left_out_file: Option<PathBuf>,
    dates: Vec<DatesSeen>,
}

impl Done {
    fn into_answer(
        self,
        request: ImportFile,
        examined: &Examined,
        options: &Options,
        saved_profile: Option<ProfileSaved>,
    ) -> Imported {
        let dates = DatesRead::new(options.settled().date_order, self.dates);
        Imported {
            source: summary(examined),
            warnings: warnings(examined, &request, &dates),
            dates,
            saved_profile,
            list: request.list,
            mode: request.mode,
            taken_up: self.taken_up,
            counts: self.report.counts,
            rejected: self.rejected + self.erased.count,
            erased: self.erased.count,
            erased_lines: self.erased.lines,
            rejects_file: self.rejects_file,
            left_out: self.left_out.count,
            left_out_cells: self.left_out.cells,
            left_out_file: self.left_out_file,
            leavers: self.report.leavers,
        }
    }
}

/// The files of rows to be mended.
struct ToMend {
    rejects: Rejects,
    left_out: Rejects,
}

impl ToMend {
    /// Beside the file, or beside where its rejects are to go.
    fn of(request: &ImportFile, examined: &Examined) -> Self {
        let rejects = request.rejects.clone().unwrap_or_else(|| rejects_path(&request.file));
        let left_out = left_out_path(request.rejects.as_deref().unwrap_or(&request.file));
        Self { rejects: Rejects::new(&rejects, examined), left_out: Rejects::new(&left_out, examined) }
    }
}
