//! Why a file is not written.

use std::io;

/// Why an export ended. What was written until then is not a whole file.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// The file, or whatever takes the bytes, does not.
    #[error("the export cannot be written: {0}. Look whether the disk is full and the folder may be written to.")]
    Unwritable(#[from] io::Error),
    /// No format has this name.
    #[error("`{given}` is not a format of files: use csv, tsv or jsonl.")]
    UnknownFormat {
        /// What was given.
        given: String,
    },
}

impl From<csv::Error> for ExportFault {
    fn from(error: csv::Error) -> Self {
        Self::Unwritable(error.into())
    }
}

impl From<serde_json::Error> for ExportFault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unwritable(error.into())
    }
}
