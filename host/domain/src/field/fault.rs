//! Why a name, a value or a change of a field is not taken.

use super::{FieldType, MAX_CHOICE_CHARS, MAX_CHOICES, MAX_NAME_CHARS};

/// Why something is not taken. Each is a sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldFault {
    /// The name has other characters than a-z.
    #[error("`{0}` is not a field name: use the letters a-z only, up to {MAX_NAME_CHARS} of them")]
    Name(String),
    /// The kind is unknown.
    #[error("`{0}` is not a field type: use {types}", types = FieldType::words())]
    Type(String),
    /// The part of an address is unknown.
    #[error("`{0}` is not a part of an address: use line1, line2, city, state, zip or country")]
    Part(String),
    /// The value does not fit the kind.
    #[error("`{value}` is not a {kind}: {mend}")]
    Value {
        /// What was given, cut to 60 characters.
        value: String,
        /// What the field takes.
        kind: FieldType,
        /// What would be taken.
        mend: &'static str,
    },
    /// The value is none of the field's choices.
    #[error("`{value}` is not a choice of `{field}`: {mend}")]
    NoChoice {
        /// What was given, cut to 60 characters.
        value: String,
        /// The field.
        field: String,
        /// The choices that there are, or what became of this one.
        mend: String,
    },
    /// A field of this type has no choices.
    #[error("`{field}` is a {kind} and has no choices: only a single-choice or a multiple-choice field has")]
    ChoicesOf {
        /// The field.
        field: String,
        /// Its type.
        kind: FieldType,
    },
    /// The text can't be a choice.
    #[error(
        "`{0}` can't be a choice: write up to {MAX_CHOICE_CHARS} characters without a comma, a semicolon, a bar, a \
         quotation mark or a line break, because these stand between several choices"
    )]
    BadChoice(String),
    /// There is such a choice already.
    #[error("`{field}` has the choice `{value}` already: two choices differ by more than capitals")]
    ChoiceTaken {
        /// The field.
        field: String,
        /// The choice.
        value: String,
    },
    /// There are too many.
    #[error("`{0}` has {MAX_CHOICES} choices, and no more fit: use a text field for values without end")]
    TooManyChoices(String),
    /// The text is no language of a label.
    #[error("`{0}` is not a language: write a code such as `de` or `pt-BR`")]
    Language(String),
    /// The label is empty.
    #[error("a label needs a text: write at least one letter")]
    NoLabel,
}
