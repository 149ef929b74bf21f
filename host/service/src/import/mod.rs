//! A file becomes contacts and a list, or nothing (rows D1, A5, A6, invariant 10).
//!
//! The file is examined as a whole before any row is written. Then it is read a second time on a
//! thread for blocking work, in chunks that wait for the store, so that memory does not grow with
//! the file. The list shows the file when the last row is written, and not before.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use postroom_domain::contact::{ContactId, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::FieldDefinition;
use postroom_import::{
    Column, Examined, FileKind, ImportFault, Options, Recognised, RejectedRow, Rejects, Row, examine, rejects_path,
};
use postroom_store::contacts::ContactRef;
use postroom_store::lists::{
    IMPORT_BATCH_ROWS, ImportBegun, ImportCounts, ImportMode, ImportReport, ImportStart, LEAVERS_SHOWN, StatedConsent,
};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::{Result, Service, ServiceError, names};

/// Chunks that are read ahead of the store.
const CHUNKS_AHEAD: usize = 1;
/// How many cells that were left out an answer names.
const LEFT_OUT_SHOWN: usize = 20;
/// Entries that a preview reads at a time.
const PREVIEW_PAGE: u32 = 5_000;

/// A file to be imported.
#[derive(Debug, Clone)]
pub struct ImportFile {
    /// The file.
    pub file: PathBuf,
    /// The list that it fills; made if it is not there. None writes contacts only.
    pub list: Option<String>,
    /// Whether its rows join the list or are the list.
    pub mode: ImportMode,
    /// What is known about the file.
    pub options: Options,
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

/// How a file was understood.
#[derive(Debug, Clone, Serialize)]
pub struct FileSummary {
    /// Its name.
    pub file: String,
    /// Its encoding, as in `windows-1250`.
    pub encoding: &'static str,
    /// Whether the encoding was told by the letters alone.
    pub encoding_guessed: bool,
    /// How it says what it holds.
    pub kind: FileKind,
    /// Whether it is packed (gzip).
    pub packed: bool,
    /// The export of another system that it is, if it is a known one.
    pub known: Option<Recognised>,
    /// The character that stands between cells; none where there are no cells.
    pub delimiter: Option<char>,
    /// Its columns, each with the place it goes to.
    pub columns: Vec<Column>,
    /// Its rows, the ragged ones included.
    pub rows: u64,
}

/// A cell that did not fit its field; the rest of its row went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOutCell {
    /// The line in the file.
    pub line: u64,
    /// The field.
    pub field: String,
    /// Why.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// How the file was understood.
    pub source: FileSummary,
    /// The list that it filled.
    pub list: Option<String>,
    /// Whether its rows joined the list or are the list.
    pub mode: ImportMode,
    /// Rows that an earlier import of this file had written before it was cut short. They were passed
    /// over, and are in the sums.
    pub taken_up: u64,
    /// The sums.
    pub counts: ImportCounts,
    /// Rows that could not be taken.
    pub rejected: u64,
    /// The file that holds them with their reasons, for mending and importing again.
    pub rejects_file: Option<PathBuf>,
    /// Cells that were left out.
    pub left_out: u64,
    /// The first of them.
    pub left_out_cells: Vec<LeftOutCell>,
    /// Contacts that left the list, the first of them by address.
    pub leavers: Vec<String>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// What an import would do, as far as that can be told without writing a contact.
#[derive(Debug, Clone, Serialize)]
pub struct ImportPreview {
    /// Always true: nothing was written.
    pub dry_run: bool,
    /// How the file was understood.
    pub source: FileSummary,
    /// The list that it would fill.
    pub list: Option<String>,
    /// Whether its rows would join the list or be the list.
    pub mode: ImportMode,
    /// Rows that would be taken.
    pub rows: u64,
    /// Of them, rows with a usable address that no earlier row has.
    pub contacts: u64,
    /// Of them, later rows of the same address (row A6).
    pub duplicate: u64,
    /// Of them, rows without a usable address (row A5).
    pub invalid: u64,
    /// Rows that would go to the rejects file.
    pub rejected: u64,
    /// The first of them.
    pub rejects: Vec<RejectedRow>,
    /// Cells that would be left out.
    pub left_out: u64,
    /// The first of them.
    pub left_out_cells: Vec<LeftOutCell>,
    /// Contacts that would leave the list, because the file does not have their address.
    pub leaving: u64,
    /// The first of them by address.
    pub leavers: Vec<String>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// Some rows on their way from the file to the store.
#[derive(Default)]
struct Chunk {
    rows: Vec<ImportedRow>,
    rejected: Vec<RejectedRow>,
}

/// Cells that were left out, counted, the first of them kept.
#[derive(Default)]
struct LeftOut {
    count: u64,
    cells: Vec<LeftOutCell>,
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
        let (examined, reading) = self.examine(&request).await?;
        let start = ImportStart {
            list: request.list.clone(),
            mode: request.mode,
            file: file_name(&examined),
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
            Ok(done) => Ok(done.into_answer(request, &examined)),
            Err(error) => {
                if let Err(second) = self.store().abandon_import(import).await {
                    // The next import of this list clears it away; the first error is the one to mend.
                    tracing::warn!(%second, "an unfinished import could not be cleared away");
                }
                Err(error)
            }
        }
    }

    /// Examines a file and counts what an import would take, without writing anything.
    ///
    /// # Errors
    ///
    /// An [`ImportFault`] that would refuse the file.
    pub async fn preview_import(&self, request: ImportFile) -> Result<ImportPreview> {
        let (examined, _) = self.examine(&request).await?;
        let mut preview = ImportPreview {
            dry_run: true,
            warnings: warnings(&examined, &request),
            source: summary(&examined),
            list: request.list,
            mode: request.mode,
            rows: 0,
            contacts: 0,
            duplicate: 0,
            invalid: 0,
            rejected: 0,
            rejects: Vec::new(),
            left_out: 0,
            left_out_cells: Vec::new(),
            leaving: 0,
            leavers: Vec::new(),
        };
        let mut known = Known::default();
        let mut left_out = LeftOut::default();
        let mut reading = read(examined);
        while let Some(chunk) = reading.next().await? {
            preview.rejected += count(chunk.rejected.len());
            preview.rejects.extend(chunk.rejected.into_iter().take(LEFT_OUT_SHOWN - preview.rejects.len()));
            for row in chunk.rows {
                left_out.note(&row);
                preview.rows += 1;
                known.external_ids.extend(row.external_id.as_deref().map(Box::from));
                match &row.address {
                    Ok(address) if known.addresses.insert(address.key().into()) => preview.contacts += 1,
                    Ok(_) => preview.duplicate += 1,
                    Err(_) => preview.invalid += 1,
                }
            }
        }
        (preview.left_out, preview.left_out_cells) = (left_out.count, left_out.cells);
        if let Some(list) = preview.list.clone().filter(|_| preview.mode == ImportMode::Replace) {
            (preview.leaving, preview.leavers) = self.leaving(&list, &known).await?;
        }
        Ok(preview)
    }

    /// Examines a file; answers also with what tells this way of reading it from another.
    async fn examine(&self, request: &ImportFile) -> Result<(Arc<Examined>, String)> {
        if let Some(list) = &request.list {
            names::checked("a list", list)?;
        } else if request.mode == ImportMode::Replace {
            return Err(ServiceError::BadInput(
                "a file can replace a list only: name the list, or leave the mode at `add`".to_owned(),
            ));
        }
        if request.consent_evidence.as_deref().is_some_and(|evidence| evidence.trim().is_empty()) {
            return Err(ServiceError::BadInput(
                "a stated consent needs its evidence: say what shows it, such as the form and the day".to_owned(),
            ));
        }
        let definitions = self.store().fields().await?;
        let (path, options) = (request.file.clone(), request.options.clone());
        let examined = tokio::task::spawn_blocking(move || -> Result<_> {
            let examined = examine(&path, &options, &definitions)?;
            let reading = reading(&examined, &options, &definitions)?;
            Ok((Arc::new(examined), reading))
        });
        examined.await.map_err(thread_ended)?
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
        let mut reading = read(examined);
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
            for row in &rejected {
                rejects.write(row)?;
            }
            progress(ImportProgress { done, rows });
        }
        let rejected = rejects.rows();
        let rejects_file = rejects.finish()?;
        let report = self.store().finish_import(begun.import, self.now()).await?;
        Ok(Done { taken_up: begun.done, report, rejected, rejects_file, left_out })
    }

    /// How many contacts of a list are not among the file's, and the first of them.
    async fn leaving(&self, list: &str, known: &Known) -> Result<(u64, Vec<String>)> {
        if !self.store().lists().await?.iter().any(|known| known.name == list) {
            return Ok((0, Vec::new()));
        }
        let aliases = self.store().aliases().await?;
        let has_alias = |contact: ContactId| {
            aliases
                .get(&contact)
                .is_some_and(|known_as| known_as.iter().any(|email| known.addresses.contains(email.key())))
        };
        let (mut leaving, mut leavers, mut after) = (0, Vec::new(), 0);
        loop {
            let page = self.store().entries(list, after, PREVIEW_PAGE).await?;
            let Some(last) = page.last() else { return Ok((leaving, leavers)) };
            after = last.position;
            for entry in page.into_iter().filter(|entry| entry.duplicate_of.is_none()) {
                let (Some(contact), Some(email)) = (entry.contact, entry.email) else { continue };
                if known.has_address(&email) || has_alias(contact) || self.has_external_id(contact, known).await? {
                    continue;
                }
                leaving += 1;
                if leavers.len() < LEAVERS_SHOWN {
                    leavers.push(email);
                }
            }
        }
    }

    /// Whether the file has a contact under its key in another system: then its address is new.
    async fn has_external_id(&self, contact: ContactId, known: &Known) -> Result<bool> {
        if known.external_ids.is_empty() {
            return Ok(false);
        }
        let detail = self.store().contact(&ContactRef::Id(contact)).await?;
        let external_id = detail.and_then(|detail| detail.contact.external_id);
        Ok(external_id.is_some_and(|key| known.external_ids.contains(key.as_str())))
    }
}

/// Whom a file has.
#[derive(Default)]
struct Known {
    addresses: HashSet<Box<str>>,
    external_ids: HashSet<Box<str>>,
}

impl Known {
    fn has_address(&self, email: &str) -> bool {
        EmailAddress::parse(email).is_ok_and(|address| self.addresses.contains(address.key()))
    }
}

/// What a finished import leaves behind.
struct Done {
    taken_up: u64,
    report: ImportReport,
    rejected: u64,
    rejects_file: Option<PathBuf>,
    left_out: LeftOut,
}

impl Done {
    fn into_answer(self, request: ImportFile, examined: &Examined) -> Imported {
        Imported {
            source: summary(examined),
            warnings: warnings(examined, &request),
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

impl LeftOut {
    fn note(&mut self, row: &ImportedRow) {
        self.count += count(row.left_out.len());
        let room = LEFT_OUT_SHOWN - self.cells.len();
        self.cells.extend(row.left_out.iter().take(room).map(|(field, reason)| LeftOutCell {
            line: row.line,
            field: field.to_string(),
            reason: reason.clone(),
        }));
    }
}

/// Takes the rows off a chunk's front that an import had written before it was cut short.
fn split_off_done(rows: &mut Vec<ImportedRow>, done: &mut u64) -> Vec<ImportedRow> {
    let passed = usize::try_from(*done).map_or(rows.len(), |done| done.min(rows.len()));
    *done -= count(passed);
    let rest = rows.split_off(passed);
    std::mem::replace(rows, rest)
}

/// What tells one way of reading a file from another: all that decides how its bytes become rows. A
/// later version of the program may read differently, so it begins anew.
fn reading(examined: &Examined, options: &Options, definitions: &[FieldDefinition]) -> Result<String> {
    let columns: Vec<_> = examined.columns.iter().map(|column| (&column.name, &column.target)).collect();
    let all = (
        env!("CARGO_PKG_VERSION"),
        examined.encoding,
        examined.had_bom,
        char::from(examined.delimiter.byte()),
        columns,
        options.clear_empty,
        definitions,
    );
    let json = serde_json::to_vec(&all).map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(blake3::hash(&json).to_hex().to_string())
}

/// A file that is being read on a thread of its own, chunk by chunk, as fast as they are taken.
struct Reading {
    chunks: mpsc::Receiver<std::result::Result<Chunk, ImportFault>>,
    thread: Option<JoinHandle<()>>,
}

impl Reading {
    /// The next chunk; none after the last row. A thread that ended badly is not the end of a file.
    async fn next(&mut self) -> Result<Option<Chunk>> {
        if let Some(chunk) = self.chunks.recv().await {
            return Ok(Some(chunk?));
        }
        if let Some(thread) = self.thread.take() {
            thread.await.map_err(thread_ended)?;
        }
        Ok(None)
    }
}

fn read(examined: Arc<Examined>) -> Reading {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let thread = tokio::task::spawn_blocking(move || {
        let mut chunk = Chunk::default();
        let rows = match examined.rows() {
            Ok(rows) => rows,
            Err(fault) => return drop(sender.blocking_send(Err(fault))),
        };
        for row in rows {
            match row {
                Ok(Row::Imported(row)) => chunk.rows.push(row),
                Ok(Row::Rejected(row)) => chunk.rejected.push(row),
                Err(fault) => return drop(sender.blocking_send(Err(fault))),
            }
            let is_full = chunk.rows.len() + chunk.rejected.len() >= IMPORT_BATCH_ROWS;
            // Nobody listens any more when the import was given up: then nothing is left to read for.
            if is_full && sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
                return;
            }
        }
        if !chunk.rows.is_empty() || !chunk.rejected.is_empty() {
            drop(sender.blocking_send(Ok(chunk)));
        }
    });
    Reading { chunks, thread: Some(thread) }
}

fn summary(examined: &Examined) -> FileSummary {
    FileSummary {
        file: file_name(examined),
        encoding: examined.encoding,
        encoding_guessed: examined.encoding_guessed,
        kind: examined.kind,
        packed: examined.packed,
        known: examined.known,
        delimiter: (examined.kind == FileKind::Table).then(|| char::from(examined.delimiter.byte())),
        columns: examined.columns.clone(),
        rows: examined.rows,
    }
}

fn warnings(examined: &Examined, request: &ImportFile) -> Vec<String> {
    let mut warnings = Vec::new();
    if examined.encoding_guessed {
        warnings.push(format!(
            "the encoding {} was told by the letters alone: look at a few names before anything is sent",
            examined.encoding
        ));
    }
    if examined.rows == 0 && request.mode == ImportMode::Replace {
        warnings.push("the file has a header and no rows: in the place of a list it empties it".to_owned());
    }
    warnings
}

fn file_name(examined: &Examined) -> String {
    examined.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn rejects_of(request: &ImportFile) -> PathBuf {
    request.rejects.clone().unwrap_or_else(|| rejects_path(&request.file))
}

fn count(number: usize) -> u64 {
    // A machine whose sizes exceed 64 bits does not exist.
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err as it is")]
fn thread_ended(error: tokio::task::JoinError) -> ServiceError {
    ServiceError::Internal(format!("the thread that read the file ended badly: {error}"))
}
