//! A cell becomes the value of a field: the one place that asks the fields how they read.

use postroom_domain::field::{FieldDefinition, FieldFault, FieldType, FieldValue, PhoneCountry};

use crate::dates::{DateOrder, day_first, day_first_moment};

/// What is said of all cells of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    /// What comes first in dates.
    pub(crate) dates: DateOrder,
    /// Whose phone numbers have no country's code.
    pub(crate) phones: Option<PhoneCountry>,
}

/// The value of a field. A date or a moment is turned first, where the month is said to come first, and a phone number
/// gets its country.
pub(crate) fn of_field(
    definition: &FieldDefinition,
    text: &str,
    habits: Habits,
) -> Result<Option<FieldValue>, FieldFault> {
    match definition.kind {
        FieldType::Date => definition.read(&day_first(text, habits.dates)),
        FieldType::DateTime => definition.read(&day_first_moment(text, habits.dates)),
        FieldType::Phone => match habits.phones.and_then(|country| country.completed(text)) {
            Some(completed) => definition.read(&completed),
            None => definition.read(text),
        },
        _ => definition.read(text),
    }
}

/// The value of a part of an address: a text.
pub(crate) fn of_part(text: &str) -> Result<Option<FieldValue>, FieldFault> {
    FieldType::Text.read(text)
}

/// Whether a text is a value of a type, whichever of day and month comes first in it. Digits behind a zero
/// are no number: it would lose the zero, which a postal code or a customer's number needs.
pub(crate) fn fits(kind: FieldType, text: &str) -> bool {
    match kind {
        FieldType::Date => {
            [DateOrder::DayFirst, DateOrder::MonthFirst].iter().any(|order| kind.read(&day_first(text, *order)).is_ok())
        }
        FieldType::DateTime => [DateOrder::DayFirst, DateOrder::MonthFirst]
            .iter()
            .any(|order| kind.read(&day_first_moment(text, *order)).is_ok()),
        FieldType::Number | FieldType::Decimal => {
            let digits = text.trim_start_matches('-');
            !(digits.starts_with('0') && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit))
                && kind.read(text).is_ok()
        }
        _ => kind.read(text).is_ok(),
    }
}
