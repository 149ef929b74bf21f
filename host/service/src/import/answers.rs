//! What imports and dry runs answer with.

use std::path::PathBuf;

use postroom_domain::contact::ImportedRow;
use postroom_import::{Column, ConsentRole, DatesRead, Examined, FileKind, Recognised, RejectedRow, Target, ToldBy};
use postroom_store::lists::{ImportCounts, ImportMode};
use serde::Serialize;

use super::reading::count;
use super::{ImportFile, ProfileSaved};

/// How many cells that were left out, and rows that were rejected, an answer names.
pub(super) const SHOWN: usize = 20;

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
    /// The address of the row, where it has one.
    pub email: Option<String>,
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
    /// In which order its dates were read, and what speaks for it.
    pub dates: DatesRead,
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
    /// Those of them whose people were erased on request. They are in no file.
    pub erased: u64,
    /// The lines of the first of those.
    pub erased_lines: Vec<u64>,
    /// The file that holds the others with their reasons, for mending and importing again.
    pub rejects_file: Option<PathBuf>,
    /// Cells that were left out.
    pub left_out: u64,
    /// The first of them.
    pub left_out_cells: Vec<LeftOutCell>,
    /// The file that names all of them, with line, reason, address and field.
    pub left_out_file: Option<PathBuf>,
    /// Contacts that left the list, the first of them by address.
    pub leavers: Vec<String>,
    /// The import profile that was saved of it.
    pub saved_profile: Option<ProfileSaved>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// Cells that were left out, counted, the first of them kept.
#[derive(Default)]
pub(super) struct LeftOut {
    pub(super) count: u64,
    pub(super) cells: Vec<LeftOutCell>,
}

impl LeftOut {
    pub(super) fn note(&mut self, cells: &[LeftOutCell]) {
        self.count += count(cells.len());
        let room = SHOWN - self.cells.len();
        self.cells.extend(cells.iter().take(room).cloned());
    }
}

/// The cells of a row that do not fit.
pub(super) fn cells_left_out(row: &mut ImportedRow) -> impl Iterator<Item = LeftOutCell> {
    let (line, address) = (row.line, &row.address);
    row.left_out.drain(..).map(move |(place, reason)| LeftOutCell {
        line,
        email: address.as_ref().ok().map(ToString::to_string),
        field: place,
        reason,
    })
}

impl From<LeftOutCell> for RejectedRow {
    fn from(cell: LeftOutCell) -> Self {
        Self { line: cell.line, reason: cell.reason, raw: vec![cell.email.unwrap_or_default(), cell.field] }
    }
}

/// Rows of people who were erased, counted, the lines of the first of them kept.
#[derive(Default)]
pub(super) struct Erased {
    pub(super) count: u64,
    pub(super) lines: Vec<u64>,
}

impl Erased {
    pub(super) fn note(&mut self, lines: &[u64]) {
        self.count += count(lines.len());
        self.lines.extend(lines.iter().take(SHOWN - self.lines.len()));
    }
}

pub(super) fn summary(examined: &Examined) -> FileSummary {
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

pub(super) fn warnings(examined: &Examined, request: &ImportFile, dates: &DatesRead) -> Vec<String> {
    let mut warnings = Vec::new();
    if examined.encoding_guessed {
        warnings.push(format!(
            "the encoding {} was told by the letters alone: look at a few names before anything is sent",
            examined.encoding
        ));
    }
    warnings.extend(dates.remark());
    let is_status = |column: &Column| column.target == Some(Target::Consent(ConsentRole::Status));
    if request.consent_evidence.is_some() && !examined.columns.iter().any(is_status) {
        let unheard = examined.suggestions.iter().filter(|told| told.told_by == ToldBy::Nobody && told.is_yes_or_no);
        warnings.extend(unheard.filter(|told| !told.speaks_of_consent).map(|told| {
            format!(
                "`{}` holds yes and no and goes nowhere, and a consent is stated for all: if it tells who agreed, map it to \
                 `consent.status`",
                told.column
            )
        }));
    }
    warnings
}

pub(super) fn file_name(examined: &Examined) -> String {
    examined.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
