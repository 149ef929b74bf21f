//! CSV and TSV.

use std::io::Write;

use postroom_domain::field::FieldDefinition;
use postroom_import::Delimiter;

use crate::cells::{FieldColumn, cells, field_columns, header};
use crate::fault::ExportFault;
use crate::writer::ContactRow;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A table that is being written.
pub(crate) struct Table<W: Write> {
    writer: csv::Writer<W>,
    columns: Vec<FieldColumn>,
}

impl<W: Write> Table<W> {
    /// Begins with the header.
    pub(crate) fn begin(
        mut writer: W,
        delimiter: Delimiter,
        bom: bool,
        definitions: &[FieldDefinition],
    ) -> Result<Self, ExportFault> {
        if bom {
            writer.write_all(BYTE_ORDER_MARK.as_bytes())?;
        }
        let columns = field_columns(definitions);
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter.byte()).from_writer(writer);
        writer.write_record(header(&columns))?;
        Ok(Self { writer, columns })
    }

    pub(crate) fn write(&mut self, contact: &ContactRow<'_>) -> Result<(), ExportFault> {
        Ok(self.writer.write_record(cells(&self.columns, contact))?)
    }

    pub(crate) fn finish(mut self) -> Result<(), ExportFault> {
        Ok(self.writer.flush()?)
    }
}
