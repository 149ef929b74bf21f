//! A file becomes contacts and a list, or nothing (rows D1, A5, A6, invariant 10).
//!
//! The file is examined as a whole before any row is written (`examination`). Then it is read a second time
//! on a thread for blocking work, in chunks that wait for the store (`reading`), so that memory does not grow
//! with the file. The list shows the file when the last row is written, and not before. A dry run reads the
//! same chunks and rehearses them (`preview`); how a file was read can be kept for the next (`profiles`).

mod answers;
mod batches;
mod examination;
mod preview;
mod profiles;
mod reading;

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{TryStreamExt as _, stream};
use postroom_domain::purpose::PurposeName;
use postroom_import::{DatesRead, DatesSeen, Examined, Options, RejectedRow, Rejects, left_out_path, rejects_path};
use postroom_store::lists::{ImportBegun, ImportMode, ImportReport, ImportStart, StatedConsent};
use serde::Serialize;

pub use answers::{FileSummary, Imported, LeftOutCell};
pub use preview::ImportPreview;
pub use profiles::{ImportProfileInfo, ProfileSaved};

use crate::{Result, Service, ServiceError};
use answers::{Erased, LeftOut, summary, warnings};
use batches::Batch;
use examination::Looked;
use reading::count;

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
    /// Where rows go that could not be taken; none for beside the file.
    pub rejects: Option<PathBuf>,
    /// Where it stands which cells were left out; none for beside the file.
    pub left_out: Option<PathBuf>,
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
        examination::require_hearing(&request, &examined)?;
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
        match self.carry_out(begun, (Arc::clone(&examined), request.list.is_some()), to_mend, progress).await {
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
        (examined, fills_list): (Arc<Examined>, bool),
        mut to_mend: ToMend,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<Done> {
        let rows = examined.rows;
        let mut done = 0;
        let mut left_out = LeftOut::default();
        let mut erased = Erased::default();
        let mut reading = reading::read(examined, fills_list);
        progress(ImportProgress { done, rows });
        {
            let batches = stream::try_unfold((&mut reading, begun.done), |(reading, to_pass_over)| async move {
                let Some(chunk) = reading.next().await? else { return Ok(None) };
                let (batch, to_pass_over) = Batch::of(chunk, to_pass_over);
                Ok::<_, ServiceError>(Some((batch, (reading, to_pass_over))))
            });
            let written = batches.map_ok(|batch| self.write_batch(begun.import, batch)).try_buffered(BATCHES_IN_HAND);
            let mut written = std::pin::pin!(written);
            while let Some(batch) = written.try_next().await? {
                done += count(batch.size);
                erased.note(&batch.erased);
                left_out.note(&batch.left_out);
                to_mend.rejects = reading::write_rejects(to_mend.rejects, batch.rejected).await?;
                to_mend.note_left_out(batch.left_out).await?;
                progress(ImportProgress { done, rows });
            }
        }
        let rejected = to_mend.rejects.rows();
        let (left_out_file, unwritable) = to_mend.finish_left_out().await?;
        let rejects_file = reading::finish_rejects(to_mend.rejects).await?;
        let files = [
            (to_mend.rejects_path, rejects_file.is_some()),
            (to_mend.left_out_path, left_out_file.is_some() || unwritable.is_some()),
        ];
        let remarks = unwritable.into_iter().chain(of_earlier(files).await).collect();
        let report = self.store().finish_import(begun.import, self.now()).await?;
        let dates = reading.into_dates();
        let taken_up = begun.done;
        Ok(Done { taken_up, report, rejected, erased, rejects_file, left_out, left_out_file, remarks, dates })
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
    /// What is to be said of these files.
    remarks: Vec<String>,
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
            warnings: warnings(examined, &request, &dates).into_iter().chain(self.remarks).collect(),
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

/// Tells of files of earlier imports that this one had nothing for, of those that are told with whether it wrote them:
/// somebody may take them for its own.
async fn of_earlier(files: [(PathBuf, bool); 2]) -> Vec<String> {
    let mut told = Vec::new();
    for (path, is_written) in files {
        if !is_written && tokio::fs::try_exists(&path).await.unwrap_or(false) {
            told.push(format!("{} is of an earlier import; this one had nothing to put there", path.display()));
        }
    }
    told
}

/// The files of what is to be mended.
struct ToMend {
    rejects: Rejects,
    rejects_path: PathBuf,
    /// None once it could not be written: the rows are taken all the same.
    left_out: Option<Rejects>,
    left_out_path: PathBuf,
    unwritable: Option<String>,
}

impl ToMend {
    /// Beside the file, unless they are to go elsewhere.
    fn of(request: &ImportFile, examined: &Examined) -> Self {
        let rejects = request.rejects.clone().unwrap_or_else(|| rejects_path(&request.file));
        let left_out = request.left_out.clone().unwrap_or_else(|| left_out_path(&request.file));
        Self {
            rejects: Rejects::new(&rejects, examined),
            rejects_path: rejects,
            left_out: Some(Rejects::of_cells(&left_out, examined)),
            left_out_path: left_out,
            unwritable: None,
        }
    }

    async fn note_left_out(&mut self, cells: Vec<LeftOutCell>) -> Result<()> {
        let Some(file) = self.left_out.take() else { return Ok(()) };
        let cells = cells.into_iter().map(RejectedRow::from).collect();
        self.left_out = self.written(reading::write_rejects(file, cells).await)?;
        Ok(())
    }

    /// Completes what was left out; answers with its file, or why there is none.
    async fn finish_left_out(&mut self) -> Result<(Option<PathBuf>, Option<String>)> {
        let file = match self.left_out.take() {
            Some(file) => self.written(reading::finish_rejects(file).await)?.flatten(),
            None => None,
        };
        Ok((file, self.unwritable.take()))
    }

    /// What came of writing what was left out. An import does not hang on that: it is told, and the rows are taken.
    fn written<T>(&mut self, done: Result<T>) -> Result<Option<T>> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(ServiceError::Import(fault)) => {
                self.unwritable = Some(format!("what was left out is kept in no file: {fault}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
