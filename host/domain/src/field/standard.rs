//! The fields that every new workspace has, so that a first import needs no preparation.

use super::{Choice, FieldDefinition, FieldName, FieldType};

/// The kinds of record that a new workspace tells apart. Users add their own.
const KINDS: [(&str, &str); 3] = [("contact", "Contact"), ("lead", "Lead"), ("account", "Account")];

/// The fields of a new workspace, in their order.
#[must_use]
pub fn standard_fields() -> Vec<FieldDefinition> {
    let mut fields: Vec<_> = [
        ("firstname", FieldType::Text, "First name"),
        ("lastname", FieldType::Text, "Last name"),
        ("company", FieldType::Text, "Company"),
        ("phone", FieldType::Phone, "Phone"),
        ("language", FieldType::Language, "Language"),
        ("birthday", FieldType::Date, "Date of birth"),
        ("address", FieldType::Address, "Address"),
        ("kind", FieldType::SingleChoice, "Kind of record"),
    ]
    .into_iter()
    .map(|(name, kind, label)| FieldDefinition::new(FieldName::of_ours(name), kind, label.to_owned()))
    .collect();
    if let Some(kind) = fields.last_mut() {
        kind.choices = KINDS.iter().map(|(value, label)| Choice::new(value, label)).collect();
    }
    fields
}
