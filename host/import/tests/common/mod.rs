//! A file in a folder of its own.

#![allow(dead_code, reason = "each suite uses the part that it needs")]

use std::ops::Range;
use std::path::PathBuf;

use postroom_domain::contact::ImportedRow;
use postroom_domain::field::{FieldValue, standard_fields};
use postroom_import::{Examined, ImportFault, Options, Row, examine};

/// A file that goes with its folder when dropped.
pub(crate) struct File {
    /// Where it is.
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

impl File {
    /// Writes a file.
    pub(crate) fn new(content: impl AsRef<[u8]>) -> Self {
        Self::named("guests.csv", content)
    }

    /// Writes a file of a certain name.
    pub(crate) fn named(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join(name);
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

/// All rows of a file, none of which is rejected.
pub(crate) fn imported(file: &File, options: &Options) -> Vec<ImportedRow> {
    let examined = file.examine(options).unwrap_or_else(|fault| panic!("{fault}"));
    let rows = examined.rows().unwrap_or_else(|fault| panic!("{fault}")).map(|row| match row {
        Ok(Row::Imported(row)) => row,
        other => panic!("{other:?}"),
    });
    rows.collect()
}

/// What a row changes, as `firstname=Jana`.
pub(crate) fn changes(row: &ImportedRow) -> Vec<String> {
    let text = |value: &FieldValue| match value {
        FieldValue::Text(text) | FieldValue::Number { number: text } => text.clone(),
        FieldValue::Date { date } => date.to_string(),
        other => format!("{other:?}"),
    };
    let changes = row.patch.changes.iter();
    changes
        .map(|(path, value)| match value {
            Some(value) => format!("{path}={}", text(value)),
            None => format!("{path} cleared"),
        })
        .collect()
}

/// The sentence of the fault, with the file named as the operator named it.
pub(crate) fn sentence(content: impl AsRef<[u8]>, options: &Options) -> String {
    let file = File::new(content);
    match file.examine(options) {
        Ok(examined) => panic!("was taken: {examined:?}"),
        Err(fault) => fault.to_string().replace(&file.path.display().to_string(), "guests.csv"),
    }
}
