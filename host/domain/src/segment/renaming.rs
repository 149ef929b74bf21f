//! What becomes of a segment when something that it names gets another name.

use crate::field::FieldName;

use super::condition::{Condition, Literal, Subject, Test};

impl Condition {
    /// The same after a list got another name.
    #[must_use]
    pub fn with_list_renamed(self, from: &str, to: &str) -> Self {
        let renamed = |name: String| if name == from { to.to_owned() } else { name };
        self.map_leaves(&|leaf| match leaf {
            Self::OnList(list) => Self::OnList(renamed(list)),
            Self::Joined { list, window } => Self::Joined { list: renamed(list), window },
            Self::Repeated(list) => Self::Repeated(list.map(renamed)),
            Self::Unsubscribed(list) => Self::Unsubscribed(renamed(list)),
            other => other,
        })
    }

    /// The same after a segment got another name.
    #[must_use]
    pub fn with_segment_renamed(self, from: &str, to: &str) -> Self {
        self.map_leaves(&|leaf| match leaf {
            Self::InSegment(segment) if segment == from => Self::InSegment(to.to_owned()),
            other => other,
        })
    }

    /// The same after a sync got another name.
    #[must_use]
    pub fn with_sync_renamed(self, from: &str, to: &str) -> Self {
        self.map_leaves(&|leaf| match leaf {
            Self::Member(Some(sync)) if sync == from => Self::Member(Some(to.to_owned())),
            other => other,
        })
    }

    /// The same after a choice of a field got another value. Tests of a part of a text stay as they are
    /// written: what stands there is no choice.
    #[must_use]
    pub fn with_choice_renamed(self, field: &FieldName, value: &str, to: &str) -> Self {
        let renamed = |text: String| if text.eq_ignore_ascii_case(value) { to.to_owned() } else { text };
        let literal = |literal: Literal| match literal {
            Literal::Text(text) => Literal::Text(renamed(text)),
            other => other,
        };
        let all = |choices: Vec<String>| choices.into_iter().map(renamed).collect();
        self.map_leaves(&|leaf| match leaf {
            Self::Value { of, test } if of.is_whole(field) => {
                let test = match test {
                    Test::Compare { operator, value } => Test::Compare { operator, value: literal(value) },
                    Test::In(values) => Test::In(values.into_iter().map(literal).collect()),
                    Test::HasAny(choices) => Test::HasAny(all(choices)),
                    Test::HasAll(choices) => Test::HasAll(all(choices)),
                    other => other,
                };
                Self::Value { of, test }
            }
            other => other,
        })
    }

    /// Whether it asks for a part of the text of a field.
    #[must_use]
    pub fn asks_for_part_of(&self, field: &FieldName) -> bool {
        self.leaves().into_iter().any(|leaf| {
            matches!(leaf, Self::Value { of, test: Test::Contains(_) | Test::StartsWith(_) | Test::EndsWith(_) }
                           if of.is_whole(field))
        })
    }

    fn map_leaves(self, change: &impl Fn(Self) -> Self) -> Self {
        let each = |parts: Vec<Self>| parts.into_iter().map(|part| part.map_leaves(change)).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Not(part) => Self::negate(part.map_leaves(change)),
            leaf => change(leaf),
        }
    }
}

impl Subject {
    /// Whether it is this field as a whole.
    fn is_whole(&self, field: &FieldName) -> bool {
        matches!(self, Self::Field(path) if path.field == *field && path.part.is_none())
    }
}
