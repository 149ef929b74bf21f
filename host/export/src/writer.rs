//! The one way to write a file of contacts.

use std::io::Write;

use jiff::Timestamp;
use postroom_domain::consent::ConsentState;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldDefinition, Fields};
use postroom_import::Delimiter;

use crate::fault::ExportFault;
use crate::format::Format;
use crate::objects;
use crate::table::Table;

/// A contact as it is written.
#[derive(Debug, Clone, Copy)]
pub struct ContactRow<'a> {
    /// Its address.
    pub email: &'a EmailAddress,
    /// Its key in the system that it comes from.
    pub external_id: Option<&'a str>,
    /// Its fields. One that the workspace has no definition of is not written.
    pub fields: &'a Fields,
    /// Its tags.
    pub tags: &'a [String],
    /// The names of the lists that it is on.
    pub lists: &'a [String],
    /// Its consent as one state.
    pub consent: ConsentState,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Writes contacts, one after the other. Nothing of them is kept in memory.
pub struct Exporter<W: Write> {
    form: Form<W>,
    definitions: Vec<FieldDefinition>,
    contacts: u64,
}

enum Form<W: Write> {
    Table(Box<Table<W>>),
    Objects(W),
}

impl<W: Write> Exporter<W> {
    /// Begins a file with the fields of the workspace as its columns, in their order. A table has its
    /// header at once, so that a file without contacts is whole.
    ///
    /// `writer` should keep a buffer for JSON Lines; a table has its own.
    ///
    /// # Errors
    ///
    /// [`ExportFault::Unwritable`].
    pub fn begin(writer: W, format: Format, definitions: &[FieldDefinition]) -> Result<Self, ExportFault> {
        let form = match format {
            Format::Csv { delimiter, bom } => Form::Table(Box::new(Table::begin(writer, delimiter, bom, definitions)?)),
            Format::Tsv => Form::Table(Box::new(Table::begin(writer, Delimiter::Tab, false, definitions)?)),
            Format::JsonLines => Form::Objects(writer),
        };
        Ok(Self { form, definitions: definitions.to_vec(), contacts: 0 })
    }

    /// Adds a contact.
    ///
    /// # Errors
    ///
    /// [`ExportFault::Unwritable`].
    pub fn write(&mut self, contact: &ContactRow<'_>) -> Result<(), ExportFault> {
        match &mut self.form {
            Form::Table(table) => table.write(contact)?,
            Form::Objects(writer) => objects::write(writer, &self.definitions, contact)?,
        }
        self.contacts += 1;
        Ok(())
    }

    /// Completes the file, and says how many contacts it holds.
    ///
    /// # Errors
    ///
    /// [`ExportFault::Unwritable`]: only after this the file is whole.
    pub fn finish(self) -> Result<u64, ExportFault> {
        match self.form {
            Form::Table(table) => table.finish()?,
            Form::Objects(mut writer) => writer.flush()?,
        }
        Ok(self.contacts)
    }
}
