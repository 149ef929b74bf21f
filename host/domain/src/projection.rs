//! A contact seen through a mapping: exactly what an audience is to hold of it.
//!
//! Whether anything is to be sent is decided by comparing hashes with what the provider last
//! confirmed, never by clocks. A composite field that lacks a required part is left out alone, and
//! what the provider holds of it stays (row A4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::email::EmailAddress;
use crate::field::{FieldPath, FieldValue, Fields};
use crate::mapping::{Mapping, Target, TargetSource};

/// The hash of one remote field's value: 8 bytes, in hexadecimal. It only ever answers "is this
/// still the same", for one contact and one field.
pub type FieldHash = String;
/// What a provider confirmed to hold, field by field.
pub type Base = BTreeMap<String, FieldHash>;
/// The hash of all that an audience is to hold of a contact.
pub type ContentHash = [u8; 16];

/// A value on its way to a remote field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteValue {
    /// A text.
    Text(String),
    /// A number in canonical digits.
    Number(String),
    /// A date, `YYYY-MM-DD`.
    Date(String),
    /// Yes or no.
    Boolean(bool),
    /// The filled parts of a composite value.
    Parts(Vec<(String, String)>),
}

/// What is to become of one remote field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteWrite {
    /// The field.
    pub field: String,
    /// Its value; none clears what an earlier run put there.
    pub value: Option<RemoteValue>,
}

/// A composite field that stays at home, and the parts it lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OmittedField {
    /// The remote field.
    pub field: String,
    /// The required parts that are empty.
    pub missing: Vec<String>,
}

/// What an audience is to hold of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    /// The fields to set or clear.
    pub writes: Vec<RemoteWrite>,
    /// The composite fields that are left out.
    pub omitted: Vec<OmittedField>,
    /// What will be confirmed when the provider takes it.
    pub base: Base,
    /// The hash of address and fields.
    pub hash: ContentHash,
}

/// Looks at a contact through a mapping.
///
/// `confirmed` is what the provider held after the last run: a field in it that has no value any
/// more is cleared; one that was never ours is left alone.
#[must_use]
pub fn project(address: &EmailAddress, fields: &Fields, mapping: &Mapping, confirmed: Option<&Base>) -> Projection {
    let mut writes = Vec::with_capacity(mapping.targets.len());
    let mut omitted = Vec::new();
    // What other syncs put into the same audience is part of what it holds, so that two syncs with
    // different mappings do not take each other's work for a change.
    let mut base = confirmed.cloned().unwrap_or_default();
    for target in &mapping.targets {
        match value_of(target, fields) {
            Seen::Value(value) => {
                base.insert(target.field.clone(), hash_of(&value));
                writes.push(RemoteWrite { field: target.field.clone(), value: Some(value) });
            }
            Seen::Nothing => {
                if base.remove(&target.field).is_some() {
                    writes.push(RemoteWrite { field: target.field.clone(), value: None });
                }
            }
            Seen::Incomplete { missing, any } => {
                if any || base.contains_key(&target.field) {
                    omitted.push(OmittedField { field: target.field.clone(), missing });
                }
            }
        }
    }
    let hash = content_hash(address, &base);
    Projection { writes, omitted, base, hash }
}

enum Seen {
    Value(RemoteValue),
    Nothing,
    Incomplete { missing: Vec<String>, any: bool },
}

fn value_of(target: &Target, fields: &Fields) -> Seen {
    match &target.source {
        TargetSource::Value(path) => value_at(path, fields).map_or(Seen::Nothing, Seen::Value),
        TargetSource::Parts(parts) => {
            let mut filled = Vec::new();
            let mut missing = Vec::new();
            for part in parts {
                match part.source.as_ref().and_then(|path| value_at(path, fields)).map(into_text) {
                    Some(text) if !text.is_empty() => filled.push((part.part.clone(), text)),
                    _ if part.required => missing.push(part.part.clone()),
                    _ => {}
                }
            }
            if missing.is_empty() {
                Seen::Value(RemoteValue::Parts(filled))
            } else {
                Seen::Incomplete { missing, any: !filled.is_empty() }
            }
        }
    }
}

fn value_at(path: &FieldPath, fields: &Fields) -> Option<RemoteValue> {
    match (fields.get(&path.field)?, path.part) {
        (FieldValue::Address { address }, Some(part)) => {
            address.0.get(&part).filter(|text| !text.is_empty()).map(|text| RemoteValue::Text(text.clone()))
        }
        (FieldValue::Text(text), None) => Some(RemoteValue::Text(text.clone())),
        (FieldValue::Boolean(value), None) => Some(RemoteValue::Boolean(*value)),
        (FieldValue::Number { number }, None) => Some(RemoteValue::Number(number.clone())),
        (FieldValue::Date { date }, None) => Some(RemoteValue::Date(date.to_string())),
        // The contract has no word for them: a provider gets what a person would read.
        (value @ (FieldValue::DateTime { .. } | FieldValue::Choices { .. }), None) => {
            Some(RemoteValue::Text(value.as_line()))
        }
        (FieldValue::Address { .. }, None) | (_, Some(_)) => None,
    }
}

fn into_text(value: RemoteValue) -> String {
    match value {
        RemoteValue::Text(text) | RemoteValue::Number(text) | RemoteValue::Date(text) => text,
        RemoteValue::Boolean(value) => value.to_string(),
        RemoteValue::Parts(parts) => parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" "),
    }
}

/// Feeds one text into a hash so that no two sequences of texts run into each other.
fn feed(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
}

fn hash_of(value: &RemoteValue) -> FieldHash {
    let mut hasher = blake3::Hasher::new();
    match value {
        RemoteValue::Text(text) => feed(hasher.update(b"t"), text),
        RemoteValue::Number(text) => feed(hasher.update(b"n"), text),
        RemoteValue::Date(text) => feed(hasher.update(b"d"), text),
        RemoteValue::Boolean(value) => {
            hasher.update(if *value { b"y" } else { b"f" });
        }
        RemoteValue::Parts(parts) => {
            hasher.update(b"p");
            for (part, text) in parts {
                feed(&mut hasher, part);
                feed(&mut hasher, text);
            }
        }
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    format!("{:016x}", u64::from_be_bytes(bytes))
}

fn content_hash(address: &EmailAddress, base: &Base) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    feed(&mut hasher, address.as_str());
    for (field, hash) in base {
        feed(&mut hasher, field);
        feed(&mut hasher, hash);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{FieldDefinition, standard_fields};
    use crate::mapping::{CompositeKind, RemoteField};

    fn mapping() -> Mapping {
        let remote = [("FNAME", "text"), ("ADDRESS", "address")].map(|(name, kind)| RemoteField {
            name: name.into(),
            label: name.into(),
            kind: kind.into(),
            required: false,
            choices: vec![],
        });
        let parts =
            [("line1", true), ("line2", false), ("city", true), ("state", true), ("zip", true), ("country", false)];
        let composites = [CompositeKind {
            kind: "address".into(),
            parts: parts.map(|(name, required)| (name.into(), required)).to_vec(),
        }];
        let pairs = ["firstname=FNAME".parse().unwrap(), "address=ADDRESS".parse().unwrap()];
        let local: Vec<FieldDefinition> = standard_fields();
        Mapping::resolve(&pairs, &local, &remote, &composites).unwrap()
    }

    fn fields(json: serde_json::Value) -> Fields {
        serde_json::from_value(json).unwrap()
    }

    fn jana() -> EmailAddress {
        EmailAddress::parse("jana@example.cz").unwrap()
    }

    #[test]
    fn a4_the_address_goes_only_when_its_four_parts_are_filled() {
        let all = fields(serde_json::json!({"firstname": "Jana",
            "address": {"address": {"line1": "Dlouhá 1", "city": "Brno", "state": "JM", "zip": "60200"}}}));
        let seen = project(&jana(), &all, &mapping(), None);
        assert_eq!((seen.writes.len(), seen.omitted.len()), (2, 0));
        for part in ["line1", "city", "state", "zip"] {
            let mut json = serde_json::to_value(&all).unwrap();
            json["address"]["address"].as_object_mut().unwrap().remove(part);
            let seen = project(&jana(), &fields(json), &mapping(), None);
            assert_eq!(seen.omitted, [OmittedField { field: "ADDRESS".into(), missing: vec![part.into()] }]);
            assert_eq!(seen.writes.len(), 1);
        }
    }

    #[test]
    fn a4_an_address_that_is_at_the_provider_stays_there() {
        let all = fields(
            serde_json::json!({"address": {"address": {"line1": "Dlouhá 1", "city": "Brno", "state": "JM", "zip": "60200"}}}),
        );
        let before = project(&jana(), &all, &mapping(), None);
        for later in [serde_json::json!({"address": {"address": {"city": "Brno"}}}), serde_json::json!({})] {
            let seen = project(&jana(), &fields(later), &mapping(), Some(&before.base));
            assert_eq!(seen.writes, []);
            assert_eq!(seen.omitted.len(), 1);
            assert_eq!(seen.hash, before.hash);
        }
    }

    #[test]
    fn a_value_that_went_away_is_cleared_only_where_we_had_put_it() {
        let before = project(&jana(), &fields(serde_json::json!({"firstname": "Jana"})), &mapping(), None);
        let after = project(&jana(), &Fields::new(), &mapping(), Some(&before.base));
        assert_eq!(after.writes, [RemoteWrite { field: "FNAME".into(), value: None }]);
        assert_ne!(after.hash, before.hash);
        assert_eq!(project(&jana(), &Fields::new(), &mapping(), None).writes, []);
    }

    #[test]
    fn two_syncs_into_one_audience_do_not_undo_each_other() {
        let all = fields(serde_json::json!({"firstname": "Jana", "lastname": "Kask"}));
        let other = Mapping {
            targets: vec![Target {
                field: "LNAME".into(),
                kind: "text".into(),
                source: TargetSource::Value("lastname".parse().unwrap()),
            }],
        };
        let first = project(&jana(), &all, &mapping(), None);
        let second = project(&jana(), &all, &other, Some(&first.base));
        assert_ne!(second.hash, first.hash);
        assert_eq!(project(&jana(), &all, &mapping(), Some(&second.base)).hash, second.hash);
        assert_eq!(project(&jana(), &all, &other, Some(&second.base)).hash, second.hash);
    }

    #[test]
    fn an_address_without_any_part_is_not_called_omitted() {
        assert_eq!(project(&jana(), &Fields::new(), &mapping(), None).omitted, []);
    }
}
