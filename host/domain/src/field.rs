//! The fields that a workspace defines, and their typed values (row D4).
//!
//! A [`FieldDefinition`] has a name and a type, which never change, and a label, a visibility and
//! choices, which do ([`FieldChange`]). Whoever has a text for a field (a cell of a file, an argument,
//! a form) gives it to [`FieldDefinition::read`] and gets the canonical [`FieldValue`] or a sentence that
//! says what would be taken.
//!
//! The types differ in what they take more than in what they keep: a phone number, a country and a choice
//! are texts once they are read. What a value is can be told from its JSON; what it means, from the
//! definition.

mod definition;
mod fault;
mod kind;
mod name;
mod places;
mod standard;
mod value;

pub use definition::{Choice, FieldChange, FieldDefinition, MAX_CHOICE_CHARS, MAX_CHOICES};
pub use fault::FieldFault;
pub(crate) use kind::canonical_number;
pub use kind::{FieldType, MAX_LONG_TEXT_CHARS, MAX_TEXT_CHARS};
pub use name::{AddressPart, FieldName, FieldPath, MAX_NAME_CHARS};
pub use places::PhoneCountry;
pub use standard::standard_fields;
pub use value::{Address, FieldValue, Fields};

#[cfg(test)]
mod tests;
