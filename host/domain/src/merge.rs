//! Two contacts that turn out to be one person.
//!
//! One of them stays, with its number, its hash, its address and its members at providers; the other goes.
//! What only the other had comes over. Its will comes over whole: a withdrawal of either is a withdrawal of
//! the person. What is known of the other's mailbox does not: nothing is sent to that address any more. It
//! finds the one that stays, like the other's hash, so that a file which still has it means the person.

use crate::consent::{ConsentAct, ConsentEvent};
use crate::field::{FieldValue, Fields};

/// Why two contacts can't be joined as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeFault {
    /// They are one already.
    #[error("both names are of the same contact: name two")]
    Same,
    /// Both come from another system, under different keys.
    #[error(
        "the contacts have different keys in the system that they come from, `{0}` and `{1}`: the next import would part \
         them again, so join them there first"
    )]
    TwoKeys(String, String),
}

/// The fields of the one that stays: its own, and those that only the other has. Of an address with parts,
/// each part by itself would join two streets: it stays whole.
#[must_use]
pub fn joined_fields(kept: &Fields, other: &Fields) -> Fields {
    let mut joined = other.clone();
    for (name, value) in kept {
        let value = match (value, other.get(name)) {
            (FieldValue::Choices { choices }, Some(FieldValue::Choices { choices: others })) => {
                let more = others.iter().filter(|choice| !choices.contains(choice));
                FieldValue::Choices { choices: choices.iter().chain(more).cloned().collect() }
            }
            _ => value.clone(),
        };
        joined.insert(name.clone(), value);
    }
    joined
}

/// The key of the one that stays, in the system that it comes from.
///
/// # Errors
///
/// [`MergeFault::TwoKeys`].
pub fn joined_key(kept: Option<&str>, other: Option<&str>) -> Result<Option<String>, MergeFault> {
    match (kept, other) {
        (Some(kept), Some(other)) if kept != other => Err(MergeFault::TwoKeys(kept.to_owned(), other.to_owned())),
        (kept, other) => Ok(kept.or(other).map(str::to_owned)),
    }
}

/// Whether an event of the other's history comes over: what it wants does, what its mailbox did does not.
#[must_use]
pub fn comes_over(event: &ConsentEvent) -> bool {
    !matches!(event.act, ConsentAct::Bounced | ConsentAct::AddressChanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_the_kept_one_has_stays_and_what_it_lacks_comes_over() {
        let kept =
            fields(r#"{"firstname":"Jana","rooms":{"choices":["a","b"]},"address":{"address":{"city":"Brno"}}}"#);
        let other = fields(
            r#"{"firstname":"Johana","lastname":"Nová","rooms":{"choices":["c","a"]},"address":{"address":{"zip":"1"}}}"#,
        );
        let joined = joined_fields(&kept, &other);
        let expected = r#"{"firstname":"Jana","lastname":"Nová","rooms":{"choices":["a","b","c"]},
                           "address":{"address":{"city":"Brno"}}}"#;
        assert_eq!(joined, fields(expected));
        assert_eq!(joined_fields(&joined, &other), joined, "a second time changes nothing");
    }

    #[test]
    fn two_keys_are_two_persons_in_the_other_system() {
        assert_eq!(joined_key(None, Some("7")), Ok(Some("7".to_owned())));
        assert_eq!(joined_key(Some("7"), Some("7")), Ok(Some("7".to_owned())));
        assert_eq!(joined_key(None, None), Ok(None));
        assert!(joined_key(Some("7"), Some("8")).unwrap_err().to_string().contains("`7` and `8`"));
    }
}
