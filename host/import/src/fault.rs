//! Why a file is refused as a whole: each a sentence with what, where and the mend (invariant 10).

use std::io;
use std::path::Path;

use crate::source::PackedFault;

/// Why a file is not imported. No row of it was or will be visible.
///
/// `at` is the file, with a line where there is one: `guests.csv:17`. `file` is the file alone.
#[derive(Debug, thiserror::Error)]
pub enum ImportFault {
    /// The file cannot be opened or read.
    #[error("{file} cannot be read: {source}. Check the name and your permission to read it.")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The rejects file cannot be written.
    #[error("{file} cannot be written: {source}. Name a folder you may write to.")]
    Unwritable {
        /// The file.
        file: String,
        /// What the system says.
        source: io::Error,
    },
    /// The file is of a kind that is known and is not CSV or JSON Lines.
    #[error("{file} is {kind}, not a CSV file: {mend}.")]
    OtherKind {
        /// The file.
        file: String,
        /// What it is, with its article.
        kind: &'static str,
        /// What to do.
        mend: &'static str,
    },
    /// The file is packed, and cannot be unpacked.
    #[error("{file} is compressed (gzip) and {problem}: {mend}.")]
    Packed {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        mend: &'static str,
    },
    /// The file holds zero bytes that no encoding explains.
    #[error(
        "{at} holds a zero byte, so this is not a text file: save it as CSV (UTF-8) from the program it comes from."
    )]
    Binary {
        /// Where the first one is.
        at: String,
    },
    /// No encoding has this name.
    #[error(
        "there is no encoding named `{name}`: use utf-8, utf-16le, utf-16be, windows-1250, windows-1251, windows-1252 or windows-1257, or leave it out to have it detected."
    )]
    UnknownEncoding {
        /// What was given.
        name: String,
    },
    /// The byte order mark says another encoding than the operator.
    #[error(
        "{file} begins with the byte order mark of {mark}, but {named} was named: leave the encoding out, or name {mark}."
    )]
    OtherMark {
        /// The file.
        file: String,
        /// What the mark stands for.
        mark: &'static str,
        /// What the operator named.
        named: &'static str,
    },
    /// A byte does not exist in the encoding.
    #[error("{at} holds bytes that are not {encoding}: {mend}.")]
    Undecodable {
        /// Where the first one is.
        at: String,
        /// The encoding in which the file was read.
        encoding: &'static str,
        /// What to do.
        mend: &'static str,
    },
    /// Nobody can tell what the bytes above 127 stand for.
    #[error(
        "the letters of {at} fit no encoding that is known here: name it (`--encoding windows-1250`), or save the file as CSV (UTF-8)."
    )]
    UnclearEncoding {
        /// Where the first such letter is.
        at: String,
    },
    /// The delimiter is none of the four.
    #[error(
        "`{given}` is not a delimiter: use a comma, a semicolon, a pipe or `tab`, or leave it out to have it detected."
    )]
    UnknownDelimiter {
        /// What was given.
        given: String,
    },
    /// There is nothing in the file.
    #[error(
        "{file} is empty: its first line must name the columns. A list without members is a file with a header only."
    )]
    NoHeader {
        /// The file.
        file: String,
    },
    /// A column has no name.
    #[error("{at}: column {number} has no name. Every column needs one; an empty column can be taken out.")]
    NamelessColumn {
        /// Where the header is.
        at: String,
        /// Which column, counting from 1.
        number: usize,
    },
    /// Two columns have one name.
    #[error("{at}: columns {first} and {second} are both named `{name}`. Rename one of them.")]
    SameName {
        /// Where the header is.
        at: String,
        /// The name.
        name: String,
        /// Which column, counting from 1.
        first: usize,
        /// Which column, counting from 1.
        second: usize,
    },
    /// There are more columns than a list of contacts has.
    #[error(
        "{at}: the file has {columns} columns, and at most {most} are taken: check the delimiter, or take out the columns that are not needed."
    )]
    TooManyColumns {
        /// Where the header is, or the line that is one too many.
        at: String,
        /// How many there are, at least.
        columns: usize,
        /// How many may be.
        most: usize,
    },
    /// Too many lines are no objects.
    #[error(
        "{file}: {unread} of {rows} lines are no JSON objects that can be read; the first are lines {lines}. The first of them: {reason}."
    )]
    Unread {
        /// The file.
        file: String,
        /// How many are not.
        unread: u64,
        /// How many there are.
        rows: u64,
        /// The first line numbers.
        lines: String,
        /// What is wrong with the first.
        reason: String,
    },
    /// The first line is already a contact.
    #[error(
        "{at} holds the address `{address}` where the names of the columns belong: put a line such as `{example}` before it."
    )]
    HeaderIsRow {
        /// Where it is.
        at: String,
        /// The address that stands there.
        address: String,
        /// A header that fits the delimiter.
        example: String,
    },
    /// No column is known to hold the addresses.
    #[error("{at}: none of the columns ({columns}) is known to hold e-mail addresses: {mend}.")]
    NoEmailColumn {
        /// Where the header is.
        at: String,
        /// The names of the columns.
        columns: String,
        /// What to do, with the column that looks like it.
        mend: String,
    },
    /// Several columns might hold the addresses.
    #[error(
        "{at}: the columns `{first}` and `{second}` both look like the e-mail address: name one with `--email {first}`."
    )]
    TwoEmailColumns {
        /// Where the header is.
        at: String,
        /// A name.
        first: String,
        /// A name.
        second: String,
    },
    /// A rule names a column that is not there.
    #[error("{at}: {option} names the column `{name}`, which is not in the header: {mend}")]
    UnknownColumn {
        /// Where the header is.
        at: String,
        /// Which option: `--map`, `--key` or `--email`.
        option: &'static str,
        /// What was given.
        name: String,
        /// The nearest name, or all of them.
        mend: String,
    },
    /// A rule names a field that the workspace has not.
    #[error("--map `{column}={place}`: {problem}: {mend}")]
    UnknownPlace {
        /// The column of the rule.
        column: String,
        /// What was given.
        place: String,
        /// What is wrong with it.
        problem: String,
        /// The nearest place, or all of them.
        mend: String,
    },
    /// A profile sends a column to a place that the workspace has not.
    #[error(
        "the import profile `{profile}` sends the column `{column}` to `{place}`: {problem} Say otherwise beside it: `--map \"{column}=-\"` leaves the column out."
    )]
    ProfilePlace {
        /// The name of the profile.
        profile: String,
        /// The column of the rule.
        column: String,
        /// Where the profile sends it.
        place: String,
        /// What is wrong with that, and the nearest place or all of them: a sentence.
        problem: String,
    },
    /// A profile reads columns that the file has not.
    #[error(
        "{at}: the import profile `{profile}` reads columns that are not in the header: {columns}. Name those that stand in their place, as in `--map \"COLUMN={example}\"`, or import the file without the profile and save how it is read."
    )]
    ProfileLacks {
        /// Where the header is.
        at: String,
        /// The name of the profile.
        profile: String,
        /// The columns that are missing, each with its place.
        columns: String,
        /// The place of the first of them.
        example: String,
    },
    /// A mapping rule is not of the form `column=place`.
    #[error("--map `{given}` is not of the form column=place, as in `--map \"Given name=firstname\"`.")]
    MalformedRule {
        /// What was given.
        given: String,
    },
    /// Two columns are to fill one place.
    #[error(
        "the columns `{first}` and `{second}` both go to {place}: take one of them out with `--map \"{second}=-\"`."
    )]
    SamePlace {
        /// The place.
        place: String,
        /// A column.
        first: String,
        /// A column.
        second: String,
    },
    /// One column is told to go to two places.
    #[error(
        "the column `{column}` is sent to {first} and to {second}: a column has one place, so take one of the two out."
    )]
    TwoPlaces {
        /// The column.
        column: String,
        /// A place.
        first: String,
        /// A place.
        second: String,
    },
    /// A quote is opened and not closed, so that the rest of the file is one cell.
    #[error("{at}: the row that begins here never ends. {mend}")]
    Endless {
        /// Where the row begins.
        at: String,
        /// What to look for.
        mend: &'static str,
    },
    /// Too many rows have another number of cells than the header.
    #[error(
        "{file}: {ragged} of {rows} rows have another number of cells than the header, which has {columns}; the first are on lines {lines}. Check the delimiter (read as {delimiter}), and that cells with a delimiter or a line break in them are quoted."
    )]
    Ragged {
        /// The file.
        file: String,
        /// How many rows are.
        ragged: u64,
        /// How many rows there are.
        rows: u64,
        /// How many cells the header has.
        columns: usize,
        /// The first line numbers.
        lines: String,
        /// What the cells were cut by.
        delimiter: &'static str,
    },
    /// The file is not the one that was examined.
    #[error(
        "{file} was changed while it was being imported, so nothing of it was kept: import it again when nothing writes to it."
    )]
    Changed {
        /// The file.
        file: String,
    },
}

impl ImportFault {
    /// A fault of opening or reading `path`.
    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        let file = path.display().to_string();
        match PackedFault::of(&source) {
            Some(fault) => Self::Packed { file, problem: fault.to_string(), mend: fault.mend() },
            None => Self::Unreadable { file, source },
        }
    }

    /// A fault of writing `path`.
    pub(crate) fn unwritable(path: &Path, source: io::Error) -> Self {
        Self::Unwritable { file: path.display().to_string(), source }
    }
}

/// A line of a file, as people and editors write it.
pub(crate) fn at(path: &Path, line: u64) -> String {
    format!("{}:{line}", path.display())
}
