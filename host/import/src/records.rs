//! Text is cut into records that know on which line they begin.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use encoding_rs::Encoding;

use crate::delimiter::Delimiter;
use crate::encoding::undecodable;
use crate::fault::{ImportFault, at};
use crate::text::{END_MARK, Text, TextFault};

/// How many bytes the CSV reader asks for at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// What is certain about a file before its records are read.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pub(crate) path: PathBuf,
    pub(crate) encoding: &'static Encoding,
    /// The encoding was told by the letters alone.
    pub(crate) guessed: bool,
    pub(crate) delimiter: Delimiter,
    /// The first line announces the delimiter and is no record.
    pub(crate) announced: bool,
    pub(crate) size: u64,
    pub(crate) digest: blake3::Hash,
}

/// The records of a file, header included.
pub(crate) struct Records {
    format: Format,
    reader: csv::Reader<Text<File>>,
    record: StringRecord,
}

impl Records {
    /// Opens the file and steps past a line that announces the delimiter.
    pub(crate) fn open(format: &Format) -> Result<Self, ImportFault> {
        let file = File::open(&format.path).map_err(|error| ImportFault::unreadable(&format.path, error))?;
        let reader = csv::ReaderBuilder::new()
            .delimiter(format.delimiter.byte())
            .terminator(csv::Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Text::new(file, format.encoding));
        let mut records = Self { format: format.clone(), reader, record: StringRecord::new() };
        if format.announced {
            records.next()?;
        }
        Ok(records)
    }

    /// The next record with the number of the line on which it begins, counting from 1.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &StringRecord)>, ImportFault> {
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
        let swallowed = text.ends_with(END_MARK);
        let end = self.reader.position().line().saturating_sub(u64::from(!swallowed));
        let line = end.saturating_sub(inside);
        if text == END_MARK.trim_matches('\n') {
            return self.finish().map(|()| None);
        }
        if swallowed {
            return Err(endless(path, line));
        }
        Ok(Some((line, &self.record)))
    }

    /// At the end of the file: is it the one that was scanned?
    fn finish(&self) -> Result<(), ImportFault> {
        if self.reader.get_ref().seen() == (self.format.size, self.format.digest) {
            Ok(())
        } else {
            Err(ImportFault::Changed { file: self.format.path.display().to_string() })
        }
    }

    fn fault(&self, error: csv::Error, began: u64) -> ImportFault {
        let path = &self.format.path;
        match error.into_kind() {
            csv::ErrorKind::Io(error) => match TextFault::of(&error) {
                Some(TextFault::Malformed { line }) => {
                    undecodable(path, line, self.format.encoding, self.format.guessed)
                }
                Some(TextFault::Endless) => endless(path, began),
                None => ImportFault::unreadable(path, error),
            },
            other => ImportFault::unreadable(path, std::io::Error::other(format!("{other:?}"))),
        }
    }
}

fn endless(path: &Path, line: u64) -> ImportFault {
    ImportFault::Endless {
        at: at(path, line),
        mend: "A quote is opened in it and not closed: close it, or double it (\"\") where it belongs to the text.",
    }
}
