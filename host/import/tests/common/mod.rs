//! A file in a folder of its own.

use std::ops::Range;
use std::path::PathBuf;

use postroom_domain::field::standard_fields;
use postroom_import::{Examined, ImportFault, Options, examine};

/// A file that goes with its folder when dropped.
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl File {
    /// Writes a file.
    pub(crate) fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join("guests.csv");
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("{error}"));
        Self { path, _folder: folder }
    }

    /// Examines it with the standard fields.
    pub(crate) fn examine(&self, options: &Options) -> Result<Examined, ImportFault> {
        examine(&self.path, options, &standard_fields())
    }
}

/// Rows of an address and a name.
pub(crate) fn contact_rows(numbers: Range<usize>) -> String {
    numbers.map(|number| format!("guest{number}@example.com,Guest\n")).collect()
}
