//! A cell becomes the value of a field: the one place that asks the fields how they read.

use postroom_domain::field::{FieldDefinition, FieldFault, FieldType, FieldValue};

use crate::dates::{DateOrder, day_first};

/// The value of a field. A date is turned first, where the month is said to come first.
pub(crate) fn of_field(
    definition: &FieldDefinition,
    text: &str,
    order: DateOrder,
) -> Result<Option<FieldValue>, FieldFault> {
    match definition.kind {
        FieldType::Date => definition.read(&day_first(text, order)),
        _ => definition.read(text),
    }
}

/// The value of a part of an address: a text.
pub(crate) fn of_part(text: &str) -> Result<Option<FieldValue>, FieldFault> {
    FieldType::Text.read(text)
}

/// Whether a text is a date.
pub(crate) fn is_date(text: &str) -> bool {
    FieldType::Date.read(text).is_ok()
}

/// Whether a text is a number.
pub(crate) fn is_number(text: &str) -> bool {
    FieldType::Decimal.read(text).is_ok()
}
