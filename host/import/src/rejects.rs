//! The file of the rows that could not be read, for the person who mends them.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::cell::{guard, harmless};
use crate::examine::{Examined, FileKind};
use crate::fault::ImportFault;
use crate::rows::RejectedRow;

/// Only the owner reads a file of contacts, whoever may read the one that it comes from.
const FILE_MODE: u32 = 0o600;

/// Where the rejects of a file go, beside it: `guests.csv.rejects.csv`.
#[must_use]
pub fn rejects_path(source: &Path) -> PathBuf {
    let mut name = OsString::from(source);
    name.push(".rejects.csv");
    PathBuf::from(name)
}

/// Where it stands which cells of a file were left out, beside it: `guests.csv.left-out.csv`.
#[must_use]
pub fn left_out_path(source: &Path) -> PathBuf {
    let mut name = OsString::from(source);
    name.push(".left-out.csv");
    PathBuf::from(name)
}

/// The columns that stand before those of the file, which tell a file of rejects when it is imported again.
pub(crate) const OWN_COLUMNS: [&str; 2] = ["line", "reason"];

/// Whether the columns of a file are those of one that was written to be mended.
pub(crate) fn is_to_mend<'a>(names: impl Iterator<Item = &'a str>) -> bool {
    names.take(OWN_COLUMNS.len()).eq(OWN_COLUMNS)
}

/// The column of the lines of JSON Lines that could not be read.
const UNREAD: &str = "line as it stood";

/// Writes a file of rows to be mended: line, reason, then the cells as they stood in the file.
///
/// It is UTF-8 with a byte order mark and has the delimiter of its source, so that a spreadsheet
/// opens it as it opened that, and it can be imported once mended. No cell of it acts as a formula.
/// That of JSON Lines is a table as well, with commas and a column for the lines that are no objects.
/// Without a rejected row there is no file.
#[derive(Debug)]
pub struct Rejects {
    path: PathBuf,
    delimiter: u8,
    kind: FileKind,
    header: Vec<String>,
    /// The first cells of a row that are not written: its own line and reason, where it came from such a file.
    passed: usize,
    writer: Option<csv::Writer<BufWriter<File>>>,
    rows: u64,
}

impl Rejects {
    /// Prepares such a file at `path` for the rows of `examined`. Nothing is written yet.
    #[must_use]
    pub fn new(path: &Path, examined: &Examined) -> Self {
        let passed = if examined.is_to_mend() { OWN_COLUMNS.len() } else { 0 };
        let names = examined.column_names().skip(passed).map(|name| guard(name).into_owned());
        let unread = (examined.kind == FileKind::JsonLines).then(|| UNREAD.to_owned());
        Self {
            path: path.to_owned(),
            delimiter: examined.delimiter.byte(),
            kind: examined.kind,
            header: OWN_COLUMNS.map(str::to_owned).into_iter().chain(names).chain(unread).collect(),
            passed,
            writer: None,
            rows: 0,
        }
    }

    /// Prepares a file at `path` that names cells: behind line and reason stand the address and the field.
    #[must_use]
    pub fn of_cells(path: &Path, examined: &Examined) -> Self {
        Self {
            path: path.to_owned(),
            delimiter: examined.delimiter.byte(),
            kind: FileKind::JsonLines,
            header: OWN_COLUMNS.into_iter().chain(["e-mail", "field"]).map(str::to_owned).collect(),
            passed: 0,
            writer: None,
            rows: 0,
        }
    }

    /// Adds a row. The first one creates the file, or replaces an earlier one.
    ///
    /// # Errors
    ///
    /// [`ImportFault::Unwritable`].
    pub fn write(&mut self, row: &RejectedRow) -> Result<(), ImportFault> {
        let unwritable = |error: csv::Error| ImportFault::unwritable(&self.path, error.into());
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.create()?,
        };
        let fixed = [row.line.to_string(), guard(&row.reason).into_owned()];
        let raw = row.raw.get(self.passed..).unwrap_or_default();
        let cells = raw.iter().map(|cell| match self.kind {
            FileKind::Table => harmless(cell).into_owned(),
            // What stands in JSON has no guard yet.
            FileKind::JsonLines => guard(cell).into_owned(),
        });
        // A row that was too narrow is filled up, so that it can be mended in place.
        let missing = self.header.len().saturating_sub(fixed.len() + raw.len());
        let record = fixed.into_iter().chain(cells).chain(std::iter::repeat_n(String::new(), missing));
        writer.write_record(record).map_err(unwritable)?;
        self.writer = Some(writer);
        self.rows += 1;
        Ok(())
    }

    /// Completes the file. Returns its path, if it has a row.
    ///
    /// # Errors
    ///
    /// [`ImportFault::Unwritable`].
    pub fn finish(mut self) -> Result<Option<PathBuf>, ImportFault> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(None);
        };
        writer.flush().map_err(|error| ImportFault::unwritable(&self.path, error))?;
        Ok(Some(self.path))
    }

    /// How many rows were written.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    fn create(&self) -> Result<csv::Writer<BufWriter<File>>, ImportFault> {
        let unwritable = |error| ImportFault::unwritable(&self.path, error);
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&self.path);
        let file = open.map_err(unwritable)?;
        // One that was there keeps its mode otherwise.
        if file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            file.set_permissions(Permissions::from_mode(FILE_MODE)).map_err(unwritable)?;
        }
        let mut file = BufWriter::new(file);
        file.write_all("\u{feff}".as_bytes()).map_err(unwritable)?;
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).flexible(true).from_writer(file);
        writer.write_record(&self.header).map_err(|error| unwritable(error.into()))?;
        Ok(writer)
    }
}
