//! JSON Lines.

use std::io::Write;

use postroom_domain::field::{FieldDefinition, FieldValue};
use postroom_import::layout;
use serde_json::Serializer;
use serde_json::value::{RawValue, to_raw_value};

use crate::cells::{consent_word, text};
use crate::fault::ExportFault;
use crate::writer::ContactRow;

/// Writes a contact as one line. Empty values are left out, so that reading them again empties nothing.
pub(crate) fn write(
    writer: &mut impl Write,
    definitions: &[FieldDefinition],
    contact: &ContactRow<'_>,
) -> Result<(), ExportFault> {
    let mut entries: Vec<(&str, Box<RawValue>)> = vec![(layout::EMAIL, to_raw_value(contact.email.as_str())?)];
    if let Some(key) = contact.external_id {
        entries.push((layout::EXTERNAL_ID, to_raw_value(key)?));
    }
    for definition in definitions {
        if let Some(value) = contact.fields.get(&definition.name) {
            entries.push((definition.name.as_str(), json(value)?));
        }
    }
    entries.push((layout::TAGS, to_raw_value(contact.tags)?));
    entries.push((layout::LISTS, to_raw_value(contact.lists)?));
    entries.push((layout::CONSENT, to_raw_value(consent_word(contact.consent))?));
    entries.push((layout::CREATED_AT, to_raw_value(&contact.created_at.to_string())?));
    entries.push((layout::UPDATED_AT, to_raw_value(&contact.updated_at.to_string())?));
    let mut serializer = Serializer::new(&mut *writer);
    serde::Serializer::collect_map(&mut serializer, entries)?;
    Ok(writer.write_all(b"\n")?)
}

/// A value as JSON. A number keeps its digits, however many: JSON sets no limit, and the reader here
/// takes them as they stand.
fn json(value: &FieldValue) -> Result<Box<RawValue>, serde_json::Error> {
    match value {
        FieldValue::Boolean(value) => to_raw_value(value),
        FieldValue::Number { number } => RawValue::from_string(number.clone()),
        FieldValue::Address { address } => to_raw_value(address),
        FieldValue::Choices { choices } => to_raw_value(choices),
        FieldValue::Text(_) | FieldValue::Date { .. } | FieldValue::DateTime { .. } => to_raw_value(&text(value)),
    }
}
