//! The formats that a file can have.

use std::str::FromStr;

use postroom_import::Delimiter;

use crate::fault::ExportFault;

/// What a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table in UTF-8.
    Csv {
        /// What stands between cells. Spreadsheets expect a semicolon wherever the comma is the decimal
        /// sign.
        delimiter: Delimiter,
        /// Whether a byte order mark stands before it. Without one, Excel reads UTF-8 as something else.
        bom: bool,
    },
    /// A table in UTF-8 with tabs between cells.
    Tsv,
    /// One JSON object on each line.
    JsonLines,
}

impl Format {
    /// CSV as most programs take it.
    pub const CSV: Self = Self::Csv { delimiter: Delimiter::Comma, bom: false };
}

impl FromStr for Format {
    type Err = ExportFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_lowercase().as_str() {
            "csv" => Ok(Self::CSV),
            "tsv" => Ok(Self::Tsv),
            "jsonl" | "ndjson" => Ok(Self::JsonLines),
            _ => Err(ExportFault::UnknownFormat { given: text.to_owned() }),
        }
    }
}
