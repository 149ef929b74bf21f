//! The second reading: each record becomes a row, typed by the definitions of the workspace.

use std::borrow::Cow;

use postroom_domain::contact::{EntryFault, FieldPatch, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{
    AddressPart, FieldDefinition, FieldFault, FieldName, FieldPath, FieldType, FieldValue, PhoneCountry,
};
use serde::Serialize;

use crate::address;
use crate::cell::Cleaning;
use crate::claim::{ConsentColumns, ConsentRow};
use crate::dates::DatesSeen;
use crate::fault::{ImportFault, at};
use crate::layout::split_list;
use crate::mapping::{Column, Target};
use crate::records::{Format, Record, Records};
use crate::values::{self, Habits};

/// The mend of a phone number without a country, where nobody said whose numbers a file has.
const WHOSE_NUMBERS: &str = "or say whose numbers the file has (`--phones-of CZ`)";

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
    /// The cells as they stood in the file. A line that is no JSON stands behind as many empty cells as
    /// the file has columns.
    pub raw: Vec<String>,
}

/// How wide a record is, compared with the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Whole,
    /// Another number of cells, or no record at all.
    Ragged,
    /// Every cell is empty, as at the end of many spreadsheets.
    Blank,
}

/// Which cell goes where.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    columns: Vec<String>,
    file: String,
    cleaning: Cleaning,
    email: usize,
    key: Option<usize>,
    tags: Option<usize>,
    fields: Vec<(usize, Place)>,
    /// The columns of dates and moments.
    dates: Vec<usize>,
    consent: ConsentColumns,
    clear_empty: bool,
    phones: Option<PhoneCountry>,
}

/// What a cell fills.
#[derive(Debug, Clone)]
enum Place {
    /// A field, by its definition.
    Field(FieldDefinition),
    /// A part of an address.
    Part(FieldPath),
    /// A whole address.
    Address(FieldName),
}

/// How the rows of a file are read, beside its columns.
pub(crate) struct Reading {
    /// The file, as people name it.
    pub(crate) file: String,
    pub(crate) cleaning: Cleaning,
    pub(crate) clear_empty: bool,
    pub(crate) phones: Option<PhoneCountry>,
    /// Without its columns, which the plan fills in.
    pub(crate) consent: ConsentColumns,
}

impl Plan {
    pub(crate) fn new(columns: &[Column], reading: Reading, definitions: &[FieldDefinition]) -> Self {
        let position = |target: &Target| columns.iter().position(|column| column.target.as_ref() == Some(target));
        let place = |target: &Target| match target {
            Target::Field(path) if path.part.is_some() => Some(Place::Part(path.clone())),
            Target::Field(path) => {
                definitions.iter().find(|definition| definition.name == path.field).cloned().map(Place::Field)
            }
            Target::WholeAddress(field) => Some(Place::Address(field.clone())),
            Target::Email | Target::ExternalId | Target::Tags | Target::Consent(_) => None,
        };
        let targets =
            || columns.iter().enumerate().filter_map(|(index, column)| Some((index, column.target.as_ref()?)));
        let mut consent = reading.consent;
        for (index, target) in targets() {
            if let Target::Consent(role) = target {
                consent.set(*role, index);
            }
        }
        Self {
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            file: reading.file,
            cleaning: reading.cleaning,
            email: position(&Target::Email).unwrap_or(columns.len()),
            key: position(&Target::ExternalId),
            tags: position(&Target::Tags),
            fields: targets().filter_map(|(index, target)| Some((index, place(target)?))).collect(),
            dates: targets().filter(|(_, target)| target.is_date(definitions)).map(|(index, _)| index).collect(),
            consent,
            clear_empty: reading.clear_empty,
            phones: reading.phones,
        }
    }

    fn habits(&self) -> Habits {
        Habits { dates: self.consent.date_order, phones: self.phones }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// Compares a record with the header. Empty cells beyond the last column are the trace of a
    /// delimiter at the end of the line, and do not count.
    pub(crate) fn shape(&self, record: &Record<'_>) -> Shape {
        let cells = match record {
            Record::Cells(cells) => cells,
            Record::Values(_) => return Shape::Whole,
            Record::Unread { .. } => return Shape::Ragged,
        };
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Shape::Blank;
        }
        let beyond = cells.iter().skip(self.width()).all(|cell| cell.trim().is_empty());
        if cells.len() >= self.width() && beyond { Shape::Whole } else { Shape::Ragged }
    }

    /// The columns of dates, of which nothing is seen yet.
    fn unseen(&self) -> Vec<DatesSeen> {
        let name = |index: &usize| self.columns.get(*index).cloned().unwrap_or_default();
        self.dates.iter().map(|index| DatesSeen { column: name(index), ..DatesSeen::default() }).collect()
    }

    /// Takes in what the dates of a record tell about their order.
    fn note_dates(&self, record: &Record<'_>, seen: &mut [DatesSeen]) {
        for (index, seen) in self.dates.iter().zip(seen) {
            seen.note(&self.cleaning.value(record.cell(*index).unwrap_or_default()));
        }
    }

    fn row(&self, line: u64, record: Record<'_>) -> ImportedRow {
        let row = Cells { plan: self, record, line };
        let mut patch = FieldPatch::default();
        let mut left_out = Vec::new();
        for (index, place) in &self.fields {
            // A record that does not speak of a place does not empty it either.
            if record.cell(*index).is_none() {
                continue;
            }
            let cell = row.cell(*index);
            match self.read(place, &cell) {
                Ok(changes) => patch.changes.extend(changes),
                Err((path, reason)) => left_out.push((path.to_string(), reason)),
            }
        }
        let unclear = self.consent.unclear(&row);
        left_out.extend(unclear.map(|(role, reason)| (Target::Consent(role).to_string(), reason)));
        let external_id = self.key.map(|index| row.cell(index).into_owned());
        ImportedRow {
            line,
            raw: (0..self.width()).map(|index| record.cell(index).unwrap_or_default().to_owned()).collect(),
            address: EmailAddress::parse(&row.cell(self.email)).map_err(EntryFault::from),
            external_id: external_id.filter(|key| !key.is_empty()),
            patch,
            left_out,
            claim: self.consent.claim(&row),
            tags: self.tags.map(|index| split_list(&row.cell(index))).unwrap_or_default(),
        }
    }

    /// What a cell changes, or why it does not fit.
    fn read(&self, place: &Place, cell: &str) -> Result<Vec<Change>, (FieldPath, String)> {
        let one = |path: FieldPath, read: Result<Option<FieldValue>, FieldFault>| match read {
            Ok(None) if !self.clear_empty => Ok(Vec::new()),
            Ok(value) => Ok(vec![(path, value)]),
            Err(fault) => Err((path, fault.to_string())),
        };
        match place {
            Place::Field(definition) => {
                let path = FieldPath { field: definition.name.clone(), part: None };
                let read = one(path, values::of_field(definition, cell, self.habits()));
                if definition.kind == FieldType::Phone && self.phones.is_none() {
                    return read.map_err(|(path, reason)| (path, format!("{reason}, {WHOSE_NUMBERS}")));
                }
                read
            }
            Place::Part(path) => one(path.clone(), values::of_part(cell)),
            Place::Address(field) => {
                let all = FieldPath { field: field.clone(), part: None };
                if cell.is_empty() {
                    return Ok(if self.clear_empty { vec![(all, None)] } else { Vec::new() });
                }
                let parts = address::parts(cell).ok_or_else(|| (all, address::UNCLEAR.to_owned()))?;
                // It is the whole address: a part that it has not is gone, and does not stay from an older one.
                AddressPart::ALL.into_iter().try_fold(Vec::new(), |mut changes, part| {
                    let path = FieldPath { field: field.clone(), part: Some(part) };
                    let text = parts.iter().find(|(known, _)| *known == part).map(|(_, text)| text.as_str());
                    match values::of_part(text.unwrap_or_default()) {
                        Ok(value) => changes.push((path, value)),
                        Err(fault) => return Err((path, fault.to_string())),
                    }
                    Ok(changes)
                })
            }
        }
    }

    fn rejected(&self, line: u64, record: Record<'_>) -> RejectedRow {
        match record {
            Record::Cells(cells) => {
                let mend = if cells.len() < self.width() {
                    "a delimiter is missing, or a line break inside a cell is not quoted"
                } else {
                    "a delimiter inside a cell is not quoted"
                };
                RejectedRow {
                    line,
                    reason: format!("the row has {} cells and the header {}: {mend}", cells.len(), self.width()),
                    raw: cells.iter().map(str::to_owned).collect(),
                }
            }
            // The line stands in a column of its own behind the others.
            Record::Unread { text, reason } => RejectedRow {
                line,
                reason: reason.to_owned(),
                raw: std::iter::repeat_n(String::new(), self.width()).chain([text.to_owned()]).collect(),
            },
            Record::Values(_) => RejectedRow { line, reason: String::new(), raw: Vec::new() },
        }
    }
}

/// A place and its new value.
type Change = (FieldPath, Option<FieldValue>);

/// A record and what its cells mean.
struct Cells<'a> {
    plan: &'a Plan,
    record: Record<'a>,
    line: u64,
}

impl ConsentRow for Cells<'_> {
    fn cell(&self, index: usize) -> Cow<'_, str> {
        self.plan.cleaning.value(self.record.cell(index).unwrap_or_default())
    }

    fn column(&self, index: usize) -> &str {
        self.plan.columns.get(index).map_or("", String::as_str)
    }

    fn place(&self) -> String {
        at(std::path::Path::new(&self.plan.file), self.line)
    }
}

/// The rows of a file, in its order. See [`Examined::rows`](crate::Examined::rows).
///
/// After a fault there is no further row. It borrows nothing, so that another thread may consume it.
pub struct Rows {
    records: Records,
    plan: Plan,
    dates: Vec<DatesSeen>,
    over: bool,
}

impl Rows {
    pub(crate) fn open(format: &Format, plan: &Plan) -> Result<Self, ImportFault> {
        Ok(Self { records: Records::open(format)?, plan: plan.clone(), dates: plan.unseen(), over: false })
    }

    /// What the dates of the rows so far tell about their order, column by column.
    #[must_use]
    pub fn dates(&self) -> &[DatesSeen] {
        &self.dates
    }

    fn read(&mut self) -> Result<Option<Row>, ImportFault> {
        while let Some((line, record)) = self.records.next()? {
            return Ok(Some(match self.plan.shape(&record) {
                Shape::Blank => continue,
                Shape::Whole => {
                    self.plan.note_dates(&record, &mut self.dates);
                    Row::Imported(self.plan.row(line, record))
                }
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
