//! What can go wrong inside a use case, before it becomes a sentence of the port.

use postroom_store::StoreError;

/// A refusal to be handed on as it is, or a cause that still lacks what was being done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A rule said no.
    Refusal(StoreError),
    /// The storage, or something stored, is not as it should be.
    Cause(String),
}

/// What the parts of a use case answer with.
pub(crate) type Step<T> = Result<T, Failure>;

impl Failure {
    /// A stored value that its type no longer takes.
    pub(crate) fn unreadable(what: &str, found: impl std::fmt::Display) -> Self {
        Self::Cause(format!("the stored {what} `{found}` is not one that this version knows"))
    }

    /// The port's sentence.
    pub(crate) fn while_doing(self, doing: &'static str) -> StoreError {
        match self {
            Self::Refusal(error) => error,
            Self::Cause(cause) => StoreError::Failed { doing, cause },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refusal(error)
    }
}

/// Types whose failure says enough about its cause.
macro_rules! causes {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Cause(error.to_string())
            }
        })+
    };
}

causes!(rusqlite::Error, serde_json::Error, std::io::Error, jiff::Error, std::num::TryFromIntError);

/// Refuses to let something go that others use, with the names of all of them by their kinds (row D5).
pub(crate) fn refuse_used(kind: &'static str, name: &str, users: &[(&str, Vec<String>)]) -> Step<()> {
    let named: Vec<String> = users
        .iter()
        .filter_map(|(user, names)| match names.as_slice() {
            [] => None,
            [one] => Some(format!("the {user} {one}")),
            many => Some(format!("the {user}s {}", many.join(", "))),
        })
        .collect();
    let them = match users.iter().map(|(_, names)| names.len()).sum() {
        0 => return Ok(()),
        1_usize => "it",
        _ => "them",
    };
    Err(StoreError::InUse { kind, name: name.to_owned(), users: named.join(" and "), them }.into())
}
