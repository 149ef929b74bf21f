//! What people may call a thing.

use crate::{Result, ServiceError};

/// The longest name of a list, a segment, a tag, an account or a sync: providers take tags of up to 100
/// characters, and a list's or a segment's name is the tag of its syncs.
const MAX_NAME_CHARS: usize = 100;

/// The name without the spaces around it. `what` is the kind of thing with its article.
pub(crate) fn checked<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    let name = text.trim();
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    if fits {
        return Ok(name);
    }
    Err(ServiceError::BadInput(format!(
        "`{}` is no name for {what}: use 1 to {MAX_NAME_CHARS} characters, without line breaks",
        name.escape_debug()
    )))
}

/// The names that there are, for the sentence that says that one is not among them.
pub(crate) fn known<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a7_a_lists_name_can_be_a_tag() {
        assert_eq!(checked("a list", " Hotel guests ").unwrap(), "Hotel guests");
        for name in ["", "  ", "a\nb", &"x".repeat(101)] {
            assert!(checked("a list", name).is_err(), "{name:?}");
        }
    }
}
