//! A contact, and the entries that lists hold.

use serde::{Deserialize, Serialize};

use crate::claim::ConsentClaim;
use crate::email::{EmailAddress, EmailFault};
use crate::field::{Address, FieldPath, FieldValue, Fields};

/// The number of a contact inside its workspace. It is never given out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactId(pub i64);

/// The number of an entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub i64);

/// What is to become of some places of a contact, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldPatch {
    /// The places and their new values; none empties the place.
    pub changes: Vec<(FieldPath, Option<FieldValue>)>,
}

impl FieldPatch {
    /// Carries the patch out.
    ///
    /// A part of an address takes text only, and other values for it are passed over: whoever
    /// builds a patch has checked them against the definitions.
    pub fn apply(&self, fields: &mut Fields) {
        for (path, value) in &self.changes {
            match (path.part, value) {
                (None, Some(value)) => {
                    fields.insert(path.field.clone(), value.clone());
                }
                (None, None) => {
                    fields.remove(&path.field);
                }
                (Some(part), value) => {
                    let mut address = match fields.remove(&path.field) {
                        Some(FieldValue::Address { address }) => address,
                        _ => Address::default(),
                    };
                    match value {
                        Some(FieldValue::Text(text)) => {
                            address.0.insert(part, text.clone());
                        }
                        Some(_) => {}
                        None => {
                            address.0.remove(&part);
                        }
                    }
                    if !address.0.is_empty() {
                        fields.insert(path.field.clone(), FieldValue::Address { address });
                    }
                }
            }
        }
    }
}

/// Why an entry has no contact (row A5). The entry stays on its list and is shown as invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", content = "value", rename_all = "kebab-case")]
pub enum EntryFault {
    /// The row has no e-mail address.
    #[error("there is no e-mail address")]
    NoAddress,
    /// What stands there is none.
    #[error("`{0}` is not a valid e-mail address")]
    BadAddress(String),
}

impl From<EmailFault> for EntryFault {
    fn from(fault: EmailFault) -> Self {
        match fault {
            EmailFault::Empty => Self::NoAddress,
            EmailFault::TooLong => Self::BadAddress("(longer than 254 bytes)".to_owned()),
            EmailFault::Malformed(text) => Self::BadAddress(text),
        }
    }
}

/// One row of an imported file, read and typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRow {
    /// The number of the line it begins on, counting from 1, the header included.
    pub line: u64,
    /// The cells as they stood in the file: an entry keeps them, so that it can be mended.
    pub raw: Vec<String>,
    /// The address, or why there is none.
    pub address: Result<EmailAddress, EntryFault>,
    /// The value of the key column, where the import names one.
    pub external_id: Option<String>,
    /// What the row says about the contact's fields. Empty cells are not among the changes unless
    /// the import was told that they clear.
    pub patch: FieldPatch,
    /// Cells that do not fit their place, with that place and the reason; the rest of the row goes.
    pub left_out: Vec<(String, String)>,
    /// What the row says about the contact's consent, if it says anything. See
    /// [`claim`](crate::claim) for when that counts.
    pub claim: Option<ConsentClaim>,
    /// The tags that the row has, in its order, each once.
    pub tags: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Option<FieldValue> {
        Some(FieldValue::Text(value.to_owned()))
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let mut fields = Fields::new();
        let patch = |changes: &[(&str, Option<FieldValue>)]| FieldPatch {
            changes: changes.iter().map(|(path, value)| (path.parse().unwrap(), value.clone())).collect(),
        };
        patch(&[("firstname", text("Jana")), ("address.city", text("Tartu")), ("address.zip", text("51007"))])
            .apply(&mut fields);
        patch(&[("address.zip", None), ("lastname", text("Kask"))]).apply(&mut fields);
        let json = serde_json::to_value(&fields).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"firstname": "Jana", "lastname": "Kask", "address": {"address": {"city": "Tartu"}}})
        );
        patch(&[("address.city", None), ("firstname", None)]).apply(&mut fields);
        assert_eq!(serde_json::to_value(&fields).unwrap(), serde_json::json!({"lastname": "Kask"}));
    }
}
