//! The records of JSON Lines: one object on each line.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::sync::Arc;

use crate::cell;
use crate::fault::{ImportFault, at};
use crate::json;
use crate::records::{BUFFER_BYTES, Format, Record};
use crate::source::Source;
use crate::text::{END_MARK, Text};

/// The lines of a file, blank ones passed over.
struct Lines {
    format: Format,
    reader: BufReader<Text<Source>>,
    bytes: Vec<u8>,
    line: u64,
    consumed: u64,
    blank: u64,
    /// Blank lines after which no other came yet.
    last_blank: u64,
    ended: bool,
}

impl Lines {
    fn open(format: &Format) -> Result<Self, ImportFault> {
        let reader = BufReader::with_capacity(BUFFER_BYTES, format.text()?);
        let format = format.clone();
        Ok(Self { format, reader, bytes: Vec::new(), line: 0, consumed: 0, blank: 0, last_blank: 0, ended: false })
    }

    fn next(&mut self) -> Result<Option<(u64, &str)>, ImportFault> {
        while !self.ended {
            self.bytes.clear();
            self.line += 1;
            self.reader.get_mut().begin_record();
            let read = self.reader.read_until(b'\n', &mut self.bytes);
            let count = read.map_err(|error| self.format.fault(error, || self.endless()))?;
            self.consumed += count as u64;
            let is_last = self.reader.get_ref().is_over(self.consumed);
            let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
            if count == 0 || (is_last && text == END_MARK.trim_start_matches('\n')) {
                self.ended = true;
                // The end mark begins with a line end of its own, after that of the last line.
                self.blank += self.last_blank.saturating_sub(1);
                self.format.check(self.reader.get_ref().seen())?;
            } else if text.trim().is_empty() {
                self.last_blank += 1;
            } else {
                self.blank += std::mem::take(&mut self.last_blank);
                break;
            }
        }
        if self.ended {
            return Ok(None);
        }
        let text = std::str::from_utf8(&self.bytes).unwrap_or_default();
        Ok(Some((self.line, text.trim_end_matches('\n'))))
    }

    fn endless(&self) -> ImportFault {
        ImportFault::Endless {
            at: at(&self.format.path, self.line),
            mend: "A line of JSON Lines holds one contact and is at most 1 MiB long: put each contact on a line of its own.",
        }
    }
}

/// What the first reading of such a file finds out.
#[derive(Default)]
pub(crate) struct Survey {
    /// The keys of all objects, in the order in which they come first.
    pub(crate) keys: Vec<String>,
    /// The objects and the lines that are none.
    pub(crate) rows: u64,
    /// The lines that are none.
    pub(crate) unread: u64,
    /// Lines without anything.
    pub(crate) blank: u64,
    /// The first lines that are none.
    pub(crate) lines: Vec<String>,
    /// What is wrong with the first of them.
    pub(crate) reason: String,
    /// The first objects, by the keys.
    pub(crate) first_rows: Vec<Vec<String>>,
}

/// Reads all lines for their keys. At most `named` lines are named and `sample` objects kept.
pub(crate) fn survey(format: &Format, max_keys: usize, named: usize, sample: usize) -> Result<Survey, ImportFault> {
    let mut survey = Survey::default();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut lines = Lines::open(format)?;
    while let Some((line, text)) = lines.next()? {
        survey.rows += 1;
        let values = match json::flatten(text) {
            Ok(values) => values,
            Err(reason) => {
                survey.unread += 1;
                if survey.lines.is_empty() {
                    survey.reason = reason;
                }
                if survey.lines.len() < named {
                    survey.lines.push(line.to_string());
                }
                continue;
            }
        };
        let is_kept = survey.first_rows.len() < sample;
        let mut row = Vec::new();
        for (key, value) in values {
            let index = *known.entry(key).or_insert_with_key(|key| {
                survey.keys.push(key.clone());
                survey.keys.len() - 1
            });
            if is_kept {
                row.resize(row.len().max(index + 1), String::new());
                if let Some(cell) = row.get_mut(index) {
                    *cell = value;
                }
            }
        }
        if survey.keys.len() > max_keys {
            return Err(ImportFault::TooManyColumns {
                at: at(&format.path, line),
                columns: survey.keys.len(),
                most: max_keys,
            });
        }
        if is_kept {
            survey.first_rows.push(row);
        }
    }
    survey.blank = lines.blank;
    Ok(survey)
}

/// The objects of a file, by its keys.
pub(crate) struct Objects {
    lines: Lines,
    positions: HashMap<String, usize>,
    values: Vec<Option<String>>,
    unread: (String, String),
}

impl Objects {
    pub(crate) fn open(format: &Format, keys: &Arc<[String]>) -> Result<Self, ImportFault> {
        Ok(Self {
            lines: Lines::open(format)?,
            positions: keys.iter().cloned().zip(0..).collect(),
            values: vec![None; keys.len()],
            unread: (String::new(), String::new()),
        })
    }

    pub(crate) fn next(&mut self) -> Result<Option<(u64, Record<'_>)>, ImportFault> {
        let Some((line, text)) = self.lines.next()? else {
            return Ok(None);
        };
        match json::flatten(text) {
            Ok(values) => {
                self.values.fill(None);
                for (key, value) in values {
                    // A key that was not there before is one of a changed file, which is refused at its end.
                    if let Some(cell) = self.positions.get(&key).and_then(|index| self.values.get_mut(*index)) {
                        *cell = Some(value);
                    }
                }
                Ok(Some((line, Record::Values(&self.values))))
            }
            Err(reason) => {
                self.unread = (cell::tidy(text).into_owned(), reason);
                Ok(Some((line, Record::Unread { text: &self.unread.0, reason: &self.unread.1 })))
            }
        }
    }
}
