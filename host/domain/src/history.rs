//! What changed about a contact, and who changed it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::consent::ConsentSource;
use crate::field::{FieldValue, Fields};

/// One change of a contact's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactChange {
    /// When.
    pub at: Timestamp,
    /// Who said so.
    pub source: ConsentSource,
    /// What changed, place by place.
    pub values: Vec<ValueChange>,
}

/// A place of a contact that got another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// `email`, `external-id` or `fields.NAME`.
    pub place: String,
    /// What stood there; none where nothing did.
    pub before: Option<FieldValue>,
    /// What stands there now; none where nothing does.
    pub after: Option<FieldValue>,
}

/// A contact's data at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Data<'a> {
    /// Its address as it was given.
    pub email: &'a str,
    /// Its key in the system that it comes from.
    pub external_id: Option<&'a str>,
    /// Its fields.
    pub fields: &'a Fields,
}

/// What differs between two moments.
#[must_use]
pub fn differences(before: Data<'_>, after: Data<'_>) -> Vec<ValueChange> {
    let text = |text: &str| FieldValue::Text(text.to_owned());
    let mut places = vec![
        ("email".to_owned(), Some(text(before.email)), Some(text(after.email))),
        ("external-id".to_owned(), before.external_id.map(text), after.external_id.map(text)),
    ];
    for (name, value) in before.fields {
        places.push((format!("fields.{name}"), Some(value.clone()), after.fields.get(name).cloned()));
    }
    for (name, value) in after.fields.iter().filter(|(name, _)| !before.fields.contains_key(name)) {
        places.push((format!("fields.{name}"), None, Some(value.clone())));
    }
    let differ = places.into_iter().filter(|(_, before, after)| before != after);
    differ.map(|(place, before, after)| ValueChange { place, before, after }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told_with_what_stood_there() {
        let fields = |json: &str| -> Fields { serde_json::from_str(json).unwrap() };
        let (one, other) =
            (fields(r#"{"firstname":"Jana","company":"Dub"}"#), fields(r#"{"firstname":"Jana","phone":"+420"}"#));
        let before = Data { email: "a@example.com", external_id: None, fields: &one };
        let after = Data { email: "a@example.com", external_id: Some("7"), fields: &other };
        let told: Vec<_> = differences(before, after)
            .into_iter()
            .map(|change| (change.place, change.before.map(|v| v.as_line()), change.after.map(|v| v.as_line())))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            told,
            [
                ("external-id".to_owned(), None, text("7")),
                ("fields.company".to_owned(), text("Dub"), None),
                ("fields.phone".to_owned(), None, text("+420")),
            ]
        );
        assert_eq!(differences(before, before), []);
    }
}
