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

use std::path::PathBuf;
use std::sync::Arc;

use postroom_domain::contact::ImportedRow;
use postroom_import::{DatesRead, DatesSeen, Examined, Options, RejectedRow, Rejects, rejects_path};
use postroom_store::lists::{ImportBegun, ImportMode, ImportReport, ImportStart, StatedConsent};
use serde::Serialize;

pub use answers::{FileSummary, Imported, LeftOutCell};
pub use preview::ImportPreview;
pub use profiles::{ImportProfileInfo, ProfileSaved};

use crate::{Result, Service};
use answers::{LeftOut, summary, warnings};
use examination::Looked;
use reading::{Chunk, count};

/// A file to be imported.
#[derive(Debug, Clone)]
pub struct ImportFile {
    /// The file.
    pub file: PathBuf,
    /// The list that it fills; made if it is not there. None writes contacts only.
    pub list: Option<String>,
    /// Whether its rows join the list or are the list.
    pub mode: ImportMode,
    /// What the operator says about the file.
    pub options: Options,
    /// The saved import profile by which it is read; what else is said wins over it.
    pub profile: Option<String>,
    /// The name under which to keep how it was read, once that succeeded.
    pub save_profile: Option<String>,
    /// The evidence of the consent that is stated for every contact of it, if one is.
    pub consent_evidence: Option<String>,
    /// Whether the file is believed where its rows say that their contacts agreed. What they say of
    /// withdrawals and bounces counts in any case.
    pub believes_file: bool,
    /// Where rows go that could not be taken; none for beside the file.
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
        let start = ImportStart {
            list: request.list.clone(),
            mode: request.mode,
            file: answers::file_name(&examined),
            digest: examined.digest.to_hex().to_string(),
            reading,
            consent: request.consent_evidence.clone().map(|evidence| StatedConsent { evidence }),
            believes_file: request.believes_file,
            at: self.now(),
        };
        let begun = self.store().begin_import(&start).await?;
        let import = begun.import;
        let rejects = Rejects::new(&rejects_of(&request), &examined);
        match self.carry_out(begun, Arc::clone(&examined), rejects, progress).await {
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
        mut rejects: Rejects,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<Done> {
        let rows = examined.rows;
        let mut done = 0;
        let mut to_pass_over = begun.done;
        let mut left_out = LeftOut::default();
        let mut reading = reading::read(examined);
        progress(ImportProgress { done, rows });
        while let Some(Chunk { rows: mut taken, mut rejected }) = reading.next().await? {
            done += count(taken.len() + rejected.len());
            for row in &taken {
                left_out.note(row);
            }
            let passed = split_off_done(&mut taken, &mut to_pass_over);
            let mut refused = Vec::new();
            if let (Some(first), Some(last)) = (passed.first(), passed.last()) {
                refused.extend(self.store().refused_rows(begun.import, first.line..=last.line).await?);
            }
            if !taken.is_empty() {
                refused.extend(self.store().import_rows(begun.import, taken).await?);
            }
            rejected.extend(refused.into_iter().map(|row| RejectedRow {
                line: row.line,
                reason: row.reason,
                raw: row.raw,
            }));
            rejected.sort_by_key(|row| row.line);
            rejects = reading::write_rejects(rejects, rejected).await?;
            progress(ImportProgress { done, rows });
        }
        let rejected = rejects.rows();
        let rejects_file = reading::finish_rejects(rejects).await?;
        let report = self.store().finish_import(begun.import, self.now()).await?;
        Ok(Done { taken_up: begun.done, report, rejected, rejects_file, left_out, dates: reading.into_dates() })
    }
}

/// What a finished import leaves behind.
struct Done {
    taken_up: u64,
    report: ImportReport,
    rejected: u64,
    rejects_file: Option<PathBuf>,
    left_out: LeftOut,
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
            rejected: self.rejected,
            rejects_file: self.rejects_file,
            left_out: self.left_out.count,
            left_out_cells: self.left_out.cells,
            leavers: self.report.leavers,
        }
    }
}

/// Takes the rows off a chunk's front that an import had written before it was cut short.
fn split_off_done(rows: &mut Vec<ImportedRow>, done: &mut u64) -> Vec<ImportedRow> {
    let passed = usize::try_from(*done).map_or(rows.len(), |done| done.min(rows.len()));
    *done -= count(passed);
    let rest = rows.split_off(passed);
    std::mem::replace(rows, rest)
}

fn rejects_of(request: &ImportFile) -> PathBuf {
    request.rejects.clone().unwrap_or_else(|| rejects_path(&request.file))
}
