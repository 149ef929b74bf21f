//! A contact as the cells of a row.

use std::borrow::Cow;

use postroom_domain::consent::ConsentState;
use postroom_domain::field::{AddressPart, FieldDefinition, FieldName, FieldType, FieldValue};
use postroom_import::{guard, layout};

use crate::writer::ContactRow;

/// A column that is made of a field.
#[derive(Debug, Clone)]
pub(crate) struct FieldColumn {
    pub(crate) field: FieldName,
    pub(crate) part: Option<AddressPart>,
}

/// The columns of the fields, in the order of the definitions.
pub(crate) fn field_columns(definitions: &[FieldDefinition]) -> Vec<FieldColumn> {
    let of = |definition: &FieldDefinition| {
        let column = |part| FieldColumn { field: definition.name.clone(), part };
        match definition.kind {
            FieldType::Address => AddressPart::ALL.map(|part| column(Some(part))).to_vec(),
            _ => vec![column(None)],
        }
    };
    definitions.iter().flat_map(of).collect()
}

/// The header.
pub(crate) fn header(columns: &[FieldColumn]) -> Vec<String> {
    let fields = columns.iter().map(|column| match column.part {
        Some(part) => format!("{}.{part}", column.field),
        None => column.field.to_string(),
    });
    let fixed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    fixed(&[layout::EMAIL, layout::EXTERNAL_ID])
        .into_iter()
        .chain(fields)
        .chain(fixed(&[layout::TAGS, layout::LISTS, layout::CONSENT, layout::CREATED_AT, layout::UPDATED_AT]))
        .collect()
}

/// The cells of a contact, each harmless in a spreadsheet.
pub(crate) fn cells(columns: &[FieldColumn], contact: &ContactRow<'_>) -> Vec<String> {
    let list = |items: &[String]| layout::join_list(items.iter().map(String::as_str));
    let values = [contact.email.as_str().to_owned(), contact.external_id.unwrap_or_default().to_owned()]
        .into_iter()
        .chain(columns.iter().map(|column| value(column, contact)))
        .chain([
            list(contact.tags),
            list(contact.lists),
            consent_word(contact.consent).to_owned(),
            contact.created_at.to_string(),
            contact.updated_at.to_string(),
        ]);
    values.map(|value| guard(&writable(&value)).into_owned()).collect()
}

fn value(column: &FieldColumn, contact: &ContactRow<'_>) -> String {
    match (contact.fields.get(&column.field), column.part) {
        (Some(FieldValue::Address { address }), Some(part)) => address.0.get(&part).cloned().unwrap_or_default(),
        (Some(value), None) => text(value),
        _ => String::new(),
    }
}

/// A value as its field reads it.
pub(crate) fn text(value: &FieldValue) -> String {
    match value {
        FieldValue::Boolean(true) => "true".to_owned(),
        FieldValue::Boolean(false) => "false".to_owned(),
        // An address has a column for each part.
        FieldValue::Address { .. } => String::new(),
        value => value.as_line(),
    }
}

/// The word of a state; the reader of files knows it.
pub(crate) fn consent_word(state: ConsentState) -> &'static str {
    match state {
        ConsentState::Unknown => "unknown",
        ConsentState::Pending => "pending",
        ConsentState::Granted => "granted",
        ConsentState::Withdrawn => "withdrawn",
        ConsentState::Unusable => "unusable",
    }
}

/// A value as a table can hold it: without zero bytes, and with one kind of line end.
fn writable(value: &str) -> Cow<'_, str> {
    if !value.contains(['\0', '\r']) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(value.replace('\0', "").replace("\r\n", "\n").replace('\r', "\n"))
}
