//! The first reading: everything that is wrong with the file as a whole, and what it holds.

use std::path::{Path, PathBuf};

use postroom_domain::field::FieldDefinition;
use serde::{Serialize, Serializer};

use crate::delimiter::Delimiter;
use crate::encoding;
use crate::fault::ImportFault;
use crate::header;
use crate::mapping::{Column, columns};
use crate::records::{Format, Records};
use crate::rows::{Plan, Rows, Shape};
use crate::scan::{sample, scan};

/// How much of the text is looked at for the delimiter and the meaning of the columns: some hundred
/// rows.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A file in which at most one row of a hundred is ragged is a good file with a few bad rows.
const RAGGED_SHARE: u64 = 100;

/// In a small file that share would be no row at all; ten are still looked through by hand. Half of
/// the rows are never a few.
const RAGGED_ROWS: u64 = 10;

/// How many line numbers a fault names.
const NAMED_LINES: usize = 5;

/// What the operator says about the file. All of it may be left out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The encoding, by any label of the web (`utf-8`, `windows-1250`, `cp1251`, `utf-16le`).
    pub encoding: Option<String>,
    /// What stands between cells.
    pub delimiter: Option<Delimiter>,
    /// Rules: a column and the place it goes to (`firstname`, `address.city`, `email`,
    /// `external-id`, or `-` for nowhere). They win over what the names suggest.
    pub map: Vec<(String, String)>,
    /// The column with the contacts' numbers in the system that the file comes from.
    pub key: Option<String>,
    /// The column with the e-mail addresses.
    pub email: Option<String>,
    /// An empty cell empties its place. Otherwise it says nothing.
    pub clear_empty: bool,
}

impl Options {
    /// Reads a mapping rule as it is typed: `Given name=firstname`.
    ///
    /// # Errors
    ///
    /// [`ImportFault::MalformedRule`] when a side of the last `=` is missing.
    pub fn read_rule(text: &str) -> Result<(String, String), ImportFault> {
        match text.rsplit_once('=').map(|(column, place)| (column.trim(), place.trim())) {
            Some((column, place)) if !column.is_empty() && !place.is_empty() => {
                Ok((column.to_owned(), place.to_owned()))
            }
            _ => Err(ImportFault::MalformedRule { given: text.to_owned() }),
        }
    }
}

/// A file that was read through once and can be imported.
#[derive(Debug, Clone, Serialize)]
pub struct Examined {
    /// The file.
    pub path: PathBuf,
    /// The name of the encoding, as in `windows-1250`.
    pub encoding: &'static str,
    /// The file begins with a byte order mark.
    pub had_bom: bool,
    /// The encoding was told by the letters alone: worth a look at the names before anything is
    /// sent.
    pub encoding_guessed: bool,
    /// What stands between cells.
    pub delimiter: Delimiter,
    /// The columns, in the order of the file.
    pub columns: Vec<Column>,
    /// How many rows there are, the ragged ones included; blank ones, in which every cell is empty,
    /// are not rows.
    pub rows: u64,
    /// How many of them have another number of cells than the header, and will be rejected.
    pub ragged: u64,
    /// How many rows were blank and passed over.
    pub blank: u64,
    /// The number of bytes.
    pub size: u64,
    /// The BLAKE3 digest of the bytes.
    #[serde(serialize_with = "as_hex")]
    pub digest: blake3::Hash,
    #[serde(skip)]
    format: Format,
    #[serde(skip)]
    plan: Plan,
}

fn as_hex<S: Serializer>(digest: &blake3::Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&digest.to_hex())
}

impl Examined {
    /// Reads the file again, row by row.
    ///
    /// # Errors
    ///
    /// [`ImportFault::Unreadable`] when the file cannot be opened any more, and the faults of its
    /// header, if that was changed.
    pub fn rows(&self) -> Result<Rows, ImportFault> {
        Rows::open(&self.format, &self.plan)
    }

    /// The names of the columns, in the order of the file.
    pub fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }
}

/// Reads a file through, and finds every fault that concerns it as a whole (invariant 10).
///
/// The definitions are the fields of the workspace.
///
/// # Errors
///
/// An [`ImportFault`]: the file cannot be read, is no CSV, has an encoding that cannot be told or
/// kept to, no usable header, a mapping that does not fit it, a row without an end, or too many
/// ragged rows.
pub fn examine(path: &Path, options: &Options, definitions: &[FieldDefinition]) -> Result<Examined, ImportFault> {
    let named = options.encoding.as_deref().map(encoding::named).transpose()?;
    let scanned = scan(path, named)?;
    let told = &scanned.told;
    let mut format = Format {
        path: path.to_owned(),
        encoding: told.encoding,
        guessed: told.guessed,
        delimiter: Delimiter::Comma,
        announced: false,
        size: scanned.size,
        digest: scanned.digest,
    };
    // A fault of the text is found, with its line, by the records below.
    let text = sample(path, told.encoding, SAMPLE_BYTES).unwrap_or_default();
    let announced = Delimiter::announced(&text);
    format.announced = announced.is_some();
    format.delimiter = options.delimiter.or(announced).unwrap_or_else(|| Delimiter::detect(&text));

    let mut records = Records::open(&format)?;
    let Some((line, record)) = records.next()? else {
        return Err(ImportFault::NoHeader { file: path.display().to_string() });
    };
    let names = header::names(&format, line, record.iter())?;
    let columns = columns(&format, line, names, &first_rows(&text, &format), options, definitions)?;
    let plan = Plan::new(&columns, options.clear_empty, definitions);
    let counted = count(&format, &mut records, &plan)?;
    drop(records);
    Ok(Examined {
        path: path.to_owned(),
        encoding: told.encoding.name(),
        had_bom: told.had_bom,
        encoding_guessed: told.guessed,
        delimiter: format.delimiter,
        columns,
        rows: counted.rows,
        ragged: counted.ragged,
        blank: counted.blank,
        size: scanned.size,
        digest: scanned.digest,
        format,
        plan,
    })
}

#[derive(Default)]
struct Counted {
    rows: u64,
    ragged: u64,
    blank: u64,
    lines: Vec<String>,
}

fn count(format: &Format, records: &mut Records, plan: &Plan) -> Result<Counted, ImportFault> {
    let mut counted = Counted::default();
    while let Some((line, record)) = records.next()? {
        match plan.shape(record) {
            Shape::Blank => counted.blank += 1,
            Shape::Whole => counted.rows += 1,
            Shape::Ragged => {
                counted.rows += 1;
                counted.ragged += 1;
                if counted.lines.len() < NAMED_LINES {
                    counted.lines.push(line.to_string());
                }
            }
        }
    }
    let tolerated = (counted.rows / RAGGED_SHARE).max(RAGGED_ROWS);
    if counted.ragged > tolerated || counted.ragged * 2 > counted.rows {
        return Err(ImportFault::Ragged {
            file: format.path.display().to_string(),
            ragged: counted.ragged,
            rows: counted.rows,
            columns: plan.width(),
            lines: counted.lines.join(", "),
            delimiter: format.delimiter.as_str(),
        });
    }
    Ok(counted)
}

/// The rows of the sample, without the header.
fn first_rows(text: &str, format: &Format) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .delimiter(format.delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .records()
        .map_while(Result::ok)
        .skip(1 + usize::from(format.announced))
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}
