//! The second reading: each record becomes a row, typed by the definitions of the workspace.

use csv::StringRecord;
use postroom_domain::contact::{EntryFault, FieldPatch, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldDefinition, FieldPath};
use serde::Serialize;

use crate::cell;
use crate::fault::ImportFault;
use crate::mapping::{Column, Target};
use crate::records::{Format, Records};

/// A record of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// It can be read; its address or single cells may still be at fault, and it says so.
    Imported(ImportedRow),
    /// It cannot be read.
    Rejected(RejectedRow),
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedRow {
    /// The number of the line on which it begins, counting from 1, the header included.
    pub line: u64,
    /// What is wrong with it, and the mend.
    pub reason: String,
    /// The cells as they stood in the file.
    pub raw: Vec<String>,
}

/// How wide a record is, compared with the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Whole,
    Ragged,
    /// Every cell is empty, as at the end of many spreadsheets.
    Blank,
}

/// Which cell goes where.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    width: usize,
    email: usize,
    key: Option<usize>,
    fields: Vec<(usize, FieldPath, FieldDefinition)>,
    clear_empty: bool,
}

impl Plan {
    pub(crate) fn new(columns: &[Column], clear_empty: bool, definitions: &[FieldDefinition]) -> Self {
        let position = |target: &Target| columns.iter().position(|column| column.target.as_ref() == Some(target));
        let definition =
            |path: &FieldPath| definitions.iter().find(|definition| definition.name == path.field).cloned();
        Self {
            width: columns.len(),
            email: position(&Target::Email).unwrap_or(columns.len()),
            key: position(&Target::ExternalId),
            fields: columns
                .iter()
                .enumerate()
                .filter_map(|(index, column)| match &column.target {
                    Some(Target::Field(path)) => Some((index, path.clone(), definition(path)?)),
                    _ => None,
                })
                .collect(),
            clear_empty,
        }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Compares a record with the header. Empty cells beyond the last column are the trace of a
    /// delimiter at the end of the line, and do not count.
    pub(crate) fn shape(&self, record: &StringRecord) -> Shape {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            return Shape::Blank;
        }
        let beyond = record.iter().skip(self.width).all(|cell| cell.trim().is_empty());
        if record.len() >= self.width && beyond { Shape::Whole } else { Shape::Ragged }
    }

    fn row(&self, line: u64, record: &StringRecord) -> ImportedRow {
        let cell = |index: usize| cell::clean(record.get(index).unwrap_or_default());
        let mut patch = FieldPatch::default();
        let mut left_out = Vec::new();
        for (index, path, definition) in &self.fields {
            match definition.read_at(path.part, &cell(*index)) {
                Ok(Some(value)) => patch.changes.push((path.clone(), Some(value))),
                Ok(None) if self.clear_empty => patch.changes.push((path.clone(), None)),
                Ok(None) => {}
                Err(fault) => left_out.push((path.clone(), fault.to_string())),
            }
        }
        ImportedRow {
            line,
            raw: record.iter().take(self.width).map(str::to_owned).collect(),
            address: EmailAddress::parse(&cell(self.email)).map_err(EntryFault::from),
            external_id: self.key.map(|index| cell(index).into_owned()).filter(|key| !key.is_empty()),
            patch,
            left_out,
        }
    }

    fn rejected(&self, line: u64, record: &StringRecord) -> RejectedRow {
        let mend = if record.len() < self.width {
            "a delimiter is missing, or a line break inside a cell is not quoted"
        } else {
            "a delimiter inside a cell is not quoted"
        };
        RejectedRow {
            line,
            reason: format!("the row has {} cells and the header {}: {mend}", record.len(), self.width),
            raw: record.iter().map(str::to_owned).collect(),
        }
    }
}

/// The rows of a file, in its order. See [`Examined::rows`](crate::Examined::rows).
///
/// After a fault there is no further row. It borrows nothing, so that another thread may consume it.
pub struct Rows {
    records: Records,
    plan: Plan,
    over: bool,
}

impl Rows {
    pub(crate) fn open(format: &Format, plan: &Plan) -> Result<Self, ImportFault> {
        let mut records = Records::open(format)?;
        let over = records.next()?.is_none();
        Ok(Self { records, plan: plan.clone(), over })
    }

    fn read(&mut self) -> Result<Option<Row>, ImportFault> {
        while let Some((line, record)) = self.records.next()? {
            return Ok(Some(match self.plan.shape(record) {
                Shape::Blank => continue,
                Shape::Whole => Row::Imported(self.plan.row(line, record)),
                Shape::Ragged => Row::Rejected(self.plan.rejected(line, record)),
            }));
        }
        Ok(None)
    }
}

impl Iterator for Rows {
    type Item = Result<Row, ImportFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let row = self.read().transpose();
        self.over = !matches!(row, Some(Ok(_)));
        row
    }
}
