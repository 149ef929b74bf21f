//! What a segment may ask of a value, by the type of its field.

use crate::field::FieldType;

use super::condition::Subject;

/// How the values of a field are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// As texts.
    Text,
    /// As numbers.
    Number,
    /// As days.
    Date,
    /// As moments.
    Moment,
    /// As yes or no.
    Boolean,
    /// As a set of choices.
    Choices,
    /// Part by part.
    Address,
}

impl Shape {
    /// The shape of a field's values.
    #[must_use]
    pub fn of(kind: FieldType) -> Self {
        match kind {
            FieldType::Text
            | FieldType::LongText
            | FieldType::SingleChoice
            | FieldType::Url
            | FieldType::Phone
            | FieldType::Country
            | FieldType::Language
            | FieldType::TimeZone => Self::Text,
            FieldType::Number | FieldType::Decimal => Self::Number,
            FieldType::Date => Self::Date,
            FieldType::DateTime => Self::Moment,
            FieldType::Boolean => Self::Boolean,
            FieldType::MultipleChoice => Self::Choices,
            FieldType::Address => Self::Address,
        }
    }

    /// What can be asked of such a value, as a mend.
    pub(super) fn mend(self) -> &'static str {
        match self {
            Self::Text => {
                "compare it with = or != and a text in quotes, or ask contains, starts with, ends with, in (…)"
            }
            Self::Number => "compare it with = != < <= > >= and a number without quotes, or ask in (…)",
            Self::Date => {
                "compare it with = != < <= > >= and a date as in 2026-11-23, or ask for a time, as in the last 30 days"
            }
            Self::Moment => {
                "compare it with = != < <= > >= and a date or a moment as in 2026-11-23T10:00:00Z, or ask for a time, \
                 as in the last 30 days"
            }
            Self::Boolean => "write = yes or = no",
            Self::Choices => "write has \"…\", has any (…) or has all (…)",
            Self::Address => "name a part of it",
        }
    }
}

impl Subject {
    /// A text as it is compared for this subject: addresses in lower case, external keys as they are
    /// written, fields with the letters A to Z in lower case.
    #[must_use]
    pub fn fold(&self, text: &str) -> String {
        match self {
            Self::Email => text.to_lowercase(),
            Self::ExternalId => text.to_owned(),
            Self::Created | Self::Updated | Self::Field(_) => text.to_ascii_lowercase(),
        }
    }
}
