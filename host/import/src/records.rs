//! Text is cut into records that know on which line they begin.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::StringRecord;
use encoding_rs::Encoding;

use crate::delimiter::Delimiter;
use crate::encoding::undecodable;
use crate::fault::{ImportFault, at};
use crate::objects::Objects;
use crate::source::Source;
use crate::text::{END_MARK, Text, TextFault};

/// How many bytes a reader of records asks for at once.
pub(crate) const BUFFER_BYTES: usize = 64 * 1024;

/// What is certain about a file before its records are read.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pub(crate) path: PathBuf,
    pub(crate) encoding: &'static Encoding,
    /// The encoding was told by the letters alone.
    pub(crate) guessed: bool,
    pub(crate) layout: Layout,
    pub(crate) size: u64,
    pub(crate) digest: blake3::Hash,
}

/// How records lie in the text.
#[derive(Debug, Clone)]
pub(crate) enum Layout {
    /// A table: the first record names the columns.
    Table {
        delimiter: Delimiter,
        /// The first line announces the delimiter and is no record.
        announced: bool,
    },
    /// One JSON object on each line.
    Objects {
        /// The keys of all of them.
        keys: Arc<[String]>,
    },
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Record<'a> {
    /// The cells of a row.
    Cells(&'a StringRecord),
    /// The values of an object by the keys of the file, none where it has not the key.
    Values(&'a [Option<String>]),
    /// A line that is no record.
    Unread { text: &'a str, reason: &'a str },
}

impl<'a> Record<'a> {
    /// The cell of a column; none where the record does not speak of it.
    pub(crate) fn cell(&self, index: usize) -> Option<&'a str> {
        match self {
            Self::Cells(record) => record.get(index),
            Self::Values(values) => values.get(index)?.as_deref(),
            Self::Unread { .. } => None,
        }
    }
}

/// The records of a file, in its order.
pub(crate) enum Records {
    Table(Table),
    Objects(Objects),
}

impl Records {
    /// Opens the file and steps past what is no record: a line that announces the delimiter, and the
    /// header.
    pub(crate) fn open(format: &Format) -> Result<Self, ImportFault> {
        match &format.layout {
            Layout::Table { .. } => {
                let mut table = Table::open(format)?;
                table.next()?;
                Ok(Self::Table(table))
            }
            Layout::Objects { keys } => Ok(Self::Objects(Objects::open(format, keys)?)),
        }
    }

    /// The next record with the number of the line on which it begins, counting from 1.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, Record<'_>)>, ImportFault> {
        match self {
            Self::Table(table) => Ok(table.next()?.map(|(line, cells)| (line, Record::Cells(cells)))),
            Self::Objects(objects) => objects.next(),
        }
    }
}

/// The records of a table, header included.
pub(crate) struct Table {
    format: Format,
    reader: csv::Reader<Text<Source>>,
    record: StringRecord,
    ended: bool,
}

impl Table {
    /// Opens the file and steps past a line that announces the delimiter.
    pub(crate) fn open(format: &Format) -> Result<Self, ImportFault> {
        let (delimiter, announced) = match format.layout {
            Layout::Table { delimiter, announced } => (delimiter, announced),
            Layout::Objects { .. } => (Delimiter::Comma, false),
        };
        let reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.byte())
            .terminator(csv::Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(format.text()?);
        let mut table = Self { format: format.clone(), reader, record: StringRecord::new(), ended: false };
        if announced {
            table.next()?;
        }
        Ok(table)
    }

    /// The next record with the number of the line on which it begins, counting from 1.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, ImportFault> {
        if self.ended {
            return Ok(None);
        }
        let path = &self.format.path;
        self.reader.get_mut().begin_record();
        let began = self.reader.position().line();
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return self.finish().map(|()| None),
            Err(error) => return Err(self.fault(error, began)),
        }
        let text = self.record.as_slice();
        let inside = text.bytes().map(|byte| u64::from(byte == b'\n')).sum::<u64>();
        // The line is counted from the end of the record, because the reader passes over blank lines
        // before one. It ends with a line end, because the end mark follows the last one; only a
        // record that has swallowed the mark does not.
        let is_last = self.reader.get_ref().is_over(self.reader.position().byte());
        let swallowed = is_last && text.ends_with(END_MARK);
        let end = self.reader.position().line().saturating_sub(u64::from(!swallowed));
        let line = end.saturating_sub(inside);
        if is_last && text == END_MARK.trim_matches('\n') {
            return self.finish().map(|()| None);
        }
        if swallowed {
            return Err(endless(path, line));
        }
        Ok(Some((line, &self.record)))
    }

    fn finish(&mut self) -> Result<(), ImportFault> {
        self.ended = true;
        self.format.check(self.reader.get_ref().seen())
    }

    fn fault(&self, error: csv::Error, began: u64) -> ImportFault {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => self.format.fault(error, || endless(&self.format.path, began)),
            other => ImportFault::unreadable(&self.format.path, std::io::Error::other(format!("{other:?}"))),
        }
    }
}

impl Format {
    /// The text of the file, from its beginning.
    pub(crate) fn text(&self) -> Result<Text<Source>, ImportFault> {
        let source = Source::open(&self.path).map_err(|error| ImportFault::unreadable(&self.path, error))?;
        Ok(Text::new(source, self.encoding))
    }

    /// At the end of the file: is it the one that was scanned?
    pub(crate) fn check(&self, seen: (u64, blake3::Hash)) -> Result<(), ImportFault> {
        if seen == (self.size, self.digest) {
            Ok(())
        } else {
            Err(ImportFault::Changed { file: self.path.display().to_string() })
        }
    }

    /// The fault that an error of the text stands for; `endless` makes the one of a record without end.
    pub(crate) fn fault(&self, error: std::io::Error, endless: impl FnOnce() -> ImportFault) -> ImportFault {
        match TextFault::of(&error) {
            Some(TextFault::Malformed { line }) => undecodable(&self.path, line, self.encoding, self.guessed),
            Some(TextFault::Endless) => endless(),
            None => ImportFault::unreadable(&self.path, error),
        }
    }
}

fn endless(path: &Path, line: u64) -> ImportFault {
    ImportFault::Endless {
        at: at(path, line),
        mend: "A quote is opened in it and not closed: close it, or double it (\"\") where it belongs to the text.",
    }
}
