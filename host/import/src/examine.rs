//! The first reading: everything that is wrong with the file as a whole, and what it holds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use postroom_domain::field::{FieldDefinition, PhoneCountry};
use serde::{Serialize, Serializer};

use crate::cell::Cleaning;
use crate::claim::{ConsentColumns, FileStates};
use crate::dates::DateOrder;
use crate::delimiter::Delimiter;
use crate::encoding;
use crate::fault::ImportFault;
use crate::header::{self, MAX_COLUMNS};
use crate::json;
use crate::mapping::{Column, Head, columns};
use crate::objects::{self, Survey};
use crate::profile::{EmptyCells, ImportProfile};
use crate::recognise::{Recognised, recognise};
use crate::records::{Format, Layout, Records, Table};
use crate::rejects::is_to_mend;
use crate::rows::{Plan, Reading, Rows, Shape};
use crate::scan::{Scan, sample, scan};
use crate::suggest::{Suggestion, suggestions};

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

/// How many objects of JSON Lines are looked at for the meaning of the keys: as many as a sample of a
/// table holds.
const SAMPLE_OBJECTS: usize = 200;

/// How a file says what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// A header, and rows of cells between delimiters: CSV and TSV.
    Table,
    /// JSON Lines: an object on each line, its keys the columns.
    JsonLines,
}

/// What the operator says about the file. All of it may be left out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The encoding, by any label of the web (`utf-8`, `windows-1250`, `cp1251`, `utf-16le`).
    pub encoding: Option<String>,
    /// What stands between cells.
    pub delimiter: Option<Delimiter>,
    /// Rules: a column and the place it goes to (`firstname`, `address.city`, `email`,
    /// `address.*`, `external-id`, `contact-tags`, `consent.status`, or `-` for nowhere). They win over what is
    /// known of the file and over what the names suggest.
    pub map: Vec<(String, String)>,
    /// The column with the contacts' numbers in the system that the file comes from.
    pub key: Option<String>,
    /// The column with the e-mail addresses.
    pub email: Option<String>,
    /// An empty cell empties its place. Otherwise it says nothing.
    pub clear_empty: bool,
    /// What comes first in dates such as 04/05/2026; where nobody says it, the day.
    pub date_order: Option<DateOrder>,
    /// Whose phone numbers have no country's code.
    pub phones_of: Option<PhoneCountry>,
    /// How files of this kind were read before. What else is said wins over it.
    pub profile: Option<ImportProfile>,
}

/// What is said about a file beside its columns, by the operator or else by the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled<'a> {
    /// The encoding, where it is not to be detected.
    pub encoding: Option<&'a str>,
    /// What stands between cells, where that is not to be detected.
    pub delimiter: Option<Delimiter>,
    /// Whether an empty cell empties its place.
    pub clear_empty: bool,
    /// What comes first in dates; none where nobody said it.
    pub date_order: Option<DateOrder>,
    /// Whose phone numbers have no country's code.
    pub phones_of: Option<PhoneCountry>,
}

impl Options {
    /// What is said about the file beside its columns: by the operator, or else by the profile.
    #[must_use]
    pub fn settled(&self) -> Settled<'_> {
        let profile = self.profile.as_ref();
        Settled {
            encoding: self.encoding.as_deref().or_else(|| profile?.encoding.as_deref()),
            delimiter: self.delimiter.or_else(|| profile?.delimiter),
            clear_empty: self.clear_empty || profile.is_some_and(|profile| profile.empty_cells == EmptyCells::Clear),
            date_order: self.date_order.or_else(|| profile?.date_order),
            phones_of: self.phones_of.or_else(|| profile?.phones_of.as_deref()?.parse().ok()),
        }
    }

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
    /// How it says what it holds.
    pub kind: FileKind,
    /// It is packed (gzip). All that follows is about what it holds.
    pub packed: bool,
    /// The name of the encoding, as in `windows-1250`.
    pub encoding: &'static str,
    /// The file begins with a byte order mark.
    pub had_bom: bool,
    /// The encoding was told by the letters alone: worth a look at the names before anything is
    /// sent.
    pub encoding_guessed: bool,
    /// What stands between cells; for JSON Lines, what will in its rejects file.
    pub delimiter: Delimiter,
    /// The export of another system that it is, if it is a known one.
    pub known: Option<Recognised>,
    /// The columns, in the order of the file. For JSON Lines the keys of all objects, those inside others
    /// with dots (`address.city`), in the order in which they come first.
    pub columns: Vec<Column>,
    /// Why each column goes where it goes, and where else it could.
    #[serde(skip)]
    pub suggestions: Vec<Suggestion>,
    /// How many rows there are, the ragged ones included; blank ones, in which every cell is empty,
    /// are not rows.
    pub rows: u64,
    /// How many of them have another number of cells than the header, or are no objects, and will be
    /// rejected.
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

    /// Whether it is a file of rows that an import left out, to be mended.
    #[must_use]
    pub fn is_to_mend(&self) -> bool {
        is_to_mend(self.column_names())
    }
}

/// Reads a file through, and finds every fault that concerns it as a whole (invariant 10).
///
/// The definitions are the fields of the workspace.
///
/// # Errors
///
/// An [`ImportFault`]: the file cannot be read or unpacked, is neither CSV nor JSON Lines, has an
/// encoding that cannot be told or kept to, no usable header, a mapping that does not fit it, a row
/// without an end, or too many rows that cannot be read.
pub fn examine(path: &Path, options: &Options, definitions: &[FieldDefinition]) -> Result<Examined, ImportFault> {
    let (scanned, seen) = see(path, options)?;
    let Seen { format, kind, delimiter, line, names, rows, counted } = seen;

    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Its own name is that of the file without what packing added.
    let known = recognise(&names, file_name.trim_end_matches(".gz"));
    let head = Head { path, line, names, rows: &rows, known };
    let columns = columns(head, options, definitions)?;
    let settled = options.settled();
    let reading = Reading {
        file: file_name,
        cleaning: match (kind, known.is_some_and(|known| known.is_own())) {
            (FileKind::Table, false) => Cleaning::Cells,
            (FileKind::Table, true) => Cleaning::OwnCells,
            (FileKind::JsonLines, false) => Cleaning::Values,
            (FileKind::JsonLines, true) => Cleaning::OwnValues,
        },
        clear_empty: settled.clear_empty,
        phones: settled.phones_of,
        consent: ConsentColumns {
            file: known.map_or(FileStates::Nothing, |known| known.states),
            date_order: settled.date_order.unwrap_or_default(),
            moments_decide: known.is_none(),
            ..ConsentColumns::default()
        },
    };
    let plan = Plan::new(&columns, reading, definitions);
    let counted = match counted {
        Some(counted) => counted,
        None => count(&format, &plan, delimiter)?,
    };
    Ok(Examined {
        path: path.to_owned(),
        kind,
        packed: scanned.packed,
        encoding: scanned.told.encoding.name(),
        had_bom: scanned.told.had_bom,
        encoding_guessed: scanned.told.guessed,
        delimiter,
        known,
        suggestions: suggestions(&columns, &rows, (known, options.profile.as_ref()), definitions),
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

/// The names of a file's columns, without a word about where they go: for finding the
/// [profile](crate::ImportProfile) that matches it. All of the file is looked at for its encoding.
///
/// # Errors
///
/// An [`ImportFault`] that concerns the file or its header.
pub fn column_names(path: &Path, options: &Options) -> Result<Vec<String>, ImportFault> {
    Ok(see(path, options)?.1.names)
}

fn see(path: &Path, options: &Options) -> Result<(Scan, Seen), ImportFault> {
    let named = options.settled().encoding.map(encoding::named).transpose()?;
    let scanned = scan(path, named)?;
    // A fault of the text is found, with its line, by the records below.
    let text = sample(path, scanned.told.encoding, SAMPLE_BYTES).unwrap_or_default();
    let seen = if json::begins_as_object(&text) {
        see_objects(path, &scanned, &text)?
    } else if json::begins_as_array(&text) {
        return Err(other_json(path, "a JSON array"));
    } else {
        see_table(path, &scanned, &text, options)?
    };
    Ok((scanned, seen))
}

/// What is known of a file before its columns get their targets.
struct Seen {
    format: Format,
    kind: FileKind,
    delimiter: Delimiter,
    /// Where the header is.
    line: u64,
    names: Vec<String>,
    /// Some of the first rows.
    rows: Vec<Vec<String>>,
    /// What was counted already.
    counted: Option<Counted>,
}

fn format(path: &Path, scanned: &Scan, layout: Layout) -> Format {
    Format {
        path: path.to_owned(),
        encoding: scanned.told.encoding,
        guessed: scanned.told.guessed,
        layout,
        size: scanned.size,
        digest: scanned.digest,
    }
}

/// The header of a table.
fn see_table(path: &Path, scanned: &Scan, text: &str, options: &Options) -> Result<Seen, ImportFault> {
    let announced = Delimiter::announced(text);
    let delimiter = options.settled().delimiter.or(announced).unwrap_or_else(|| Delimiter::detect(text));
    let format = format(path, scanned, Layout::Table { delimiter, announced: announced.is_some() });
    let mut table = Table::open(&format)?;
    let Some((line, record)) = table.next()? else {
        return Err(ImportFault::NoHeader { file: path.display().to_string() });
    };
    let names = header::names(path, delimiter, line, record.iter())?;
    let rows = first_rows(text, delimiter, announced.is_some());
    Ok(Seen { format, kind: FileKind::Table, delimiter, line, names, rows, counted: None })
}

/// The keys of JSON Lines: all of it is read for them.
fn see_objects(path: &Path, scanned: &Scan, text: &str) -> Result<Seen, ImportFault> {
    if json::is_spread(text) {
        return Err(other_json(path, "JSON over several lines"));
    }
    let mut format = format(path, scanned, Layout::Objects { keys: Arc::from([]) });
    let survey = objects::survey(&format, MAX_COLUMNS, NAMED_LINES, SAMPLE_OBJECTS)?;
    let Survey { keys, rows, unread, blank, lines, reason, first_rows } = survey;
    if is_too_much(unread, rows) {
        let file = path.display().to_string();
        return Err(ImportFault::Unread { file, unread, rows, lines: lines.join(", "), reason });
    }
    format.layout = Layout::Objects { keys: Arc::from(keys.as_slice()) };
    Ok(Seen {
        format,
        kind: FileKind::JsonLines,
        delimiter: Delimiter::Comma,
        line: 1,
        names: keys,
        rows: first_rows,
        counted: Some(Counted { rows, ragged: unread, blank, lines }),
    })
}

fn other_json(path: &Path, kind: &'static str) -> ImportFault {
    ImportFault::OtherKind {
        file: path.display().to_string(),
        kind,
        mend: "write one object on each line (JSON Lines; `jq -c '.[]?'` does it), or export it as CSV (UTF-8)",
    }
}

/// Whether so many of the rows are bad that the file is.
fn is_too_much(bad: u64, rows: u64) -> bool {
    bad > (rows / RAGGED_SHARE).max(RAGGED_ROWS) || bad * 2 > rows
}

#[derive(Default)]
struct Counted {
    rows: u64,
    ragged: u64,
    blank: u64,
    lines: Vec<String>,
}

fn count(format: &Format, plan: &Plan, delimiter: Delimiter) -> Result<Counted, ImportFault> {
    let mut counted = Counted::default();
    let mut records = Records::open(format)?;
    while let Some((line, record)) = records.next()? {
        match plan.shape(&record) {
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
    if is_too_much(counted.ragged, counted.rows) {
        return Err(ImportFault::Ragged {
            file: format.path.display().to_string(),
            ragged: counted.ragged,
            rows: counted.rows,
            columns: plan.width(),
            lines: counted.lines.join(", "),
            delimiter: delimiter.as_str(),
        });
    }
    Ok(counted)
}

/// The rows of the sample, without the header.
fn first_rows(text: &str, delimiter: Delimiter, announced: bool) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .delimiter(delimiter.byte())
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .records()
        .map_while(Result::ok)
        .skip(1 + usize::from(announced))
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}
