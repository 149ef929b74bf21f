//! What stands between two cells.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::fault::ImportFault;

/// How many records of the sample are compared: enough to see a habit, few enough to be free.
const COMPARED_RECORDS: usize = 200;

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `;`, the habit of spreadsheets wherever the comma is the decimal sign.
    Semicolon,
    /// A tab.
    Tab,
    /// `|`.
    Pipe,
    /// `,`.
    Comma,
}

impl Delimiter {
    /// Every delimiter, the ones that ordinary text contains least first: they win a draw.
    pub const ALL: [Self; 4] = [Self::Semicolon, Self::Tab, Self::Pipe, Self::Comma];

    /// The character as a byte.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
            Self::Comma => b',',
        }
    }

    /// The delimiter's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
            Self::Comma => "comma",
        }
    }

    /// The delimiter that a first line `sep=;` announces, as spreadsheets write it.
    pub(crate) fn announced(sample: &str) -> Option<Self> {
        let line = sample.lines().next()?.trim().trim_matches('"');
        let mut characters = line.strip_prefix("sep=").or_else(|| line.strip_prefix("SEP="))?.chars();
        // A trimmed line has lost its tab.
        let character = characters.next().unwrap_or('\t');
        if characters.next().is_some() {
            return None;
        }
        Self::ALL.into_iter().find(|delimiter| char::from(delimiter.byte()) == character)
    }

    /// The delimiter by which the records of the sample agree best with its header.
    ///
    /// A file with one column has none that could be seen; a comma does no harm there.
    pub(crate) fn detect(sample: &str) -> Self {
        let mut best = (0.0, Self::Comma);
        for delimiter in Self::ALL {
            let score = delimiter.agreement(sample);
            if score > best.0 {
                best = (score, delimiter);
            }
        }
        best.1
    }

    /// How well the records agree: 0 where the header has one cell only, else the share of records
    /// that are as wide as the header, with a little more for a wider header.
    fn agreement(self, sample: &str) -> f64 {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.byte())
            .has_headers(false)
            .flexible(true)
            .from_reader(sample.as_bytes());
        let mut widths = reader.byte_records().take(COMPARED_RECORDS).map_while(Result::ok).map(|record| record.len());
        let Some(header) = widths.next().filter(|width| *width > 1) else {
            return 0.0;
        };
        let (mut alike, mut all) = (0_u32, 0_u32);
        for width in widths {
            all += 1;
            alike += u32::from(width == header);
        }
        let share = if all == 0 { 1.0 } else { f64::from(alike) / f64::from(all) };
        // The width only settles what the share leaves open.
        let width = f64::from(u32::try_from(header).unwrap_or(u32::MAX));
        share + 0.1 * (1.0 - 1.0 / width)
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Delimiter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Delimiter {
    type Err = ImportFault;

    /// Reads the character itself, its word, or `\t` as it is typed in a shell.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|delimiter| {
                text.as_bytes() == [delimiter.byte()]
                    || text.eq_ignore_ascii_case(delimiter.as_str())
                    || (*delimiter == Self::Tab && text == "\\t")
            })
            .ok_or_else(|| ImportFault::UnknownDelimiter { given: text.to_owned() })
    }
}
