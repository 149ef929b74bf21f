//! One line of JSON Lines: an object becomes named values.
//!
//! Objects inside it are flattened, their keys joined by dots (`address.city`). Numbers keep their text
//! as it stands, however many digits it has; `true`, `false` and `null` become `true`, `false` and an
//! empty value. An array of plain values becomes a list as [`layout::join_list`] writes one, which is how
//! several choices and tags are read; what is more than that is kept as its JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::cell;
use crate::layout;

/// How deep objects may lie in each other. An address of a contact lies in one; each level is looked
/// through once more, so that a depth without a limit would be a trap.
const MAX_DEPTH: usize = 8;

/// Whether a text begins as a line of JSON Lines does, and no header of a table.
pub(crate) fn begins_as_object(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start().chars();
    rest.next() == Some('{') && matches!(rest.find(|character| !character.is_whitespace()), Some('"' | '}') | None)
}

/// Whether a text begins as an array of objects does.
pub(crate) fn begins_as_array(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start().chars();
    rest.next() == Some('[') && matches!(rest.find(|character| !character.is_whitespace()), Some('{' | ']'))
}

/// Whether the first object of a text goes over several lines.
pub(crate) fn is_spread(text: &str) -> bool {
    let first = text.trim_start_matches('\u{feff}').trim_start().lines().next().unwrap_or_default();
    ["{", "{}"].iter().any(|start| first.trim_end() == *start) && flatten(first).is_err()
}

/// The keys and values of one line, in its order. A key stands once.
///
/// # Errors
///
/// A sentence without its subject, as a reason for a rejected row.
pub(crate) fn flatten(line: &str) -> Result<Vec<(String, String)>, String> {
    let mut values = Vec::new();
    object("", line, 1, &mut values)?;
    Ok(values)
}

fn object(prefix: &str, text: &str, depth: usize, values: &mut Vec<(String, String)>) -> Result<(), String> {
    let entries: Entries = serde_json::from_str(text).map_err(|error| reason(&error, depth))?;
    for (name, value) in entries.0 {
        let name = cell::tidy(&name);
        if name.is_empty() {
            return Err("a key has no name: every value needs one".to_owned());
        }
        let key = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}.{name}") };
        let text = value.get();
        if text.starts_with('{') {
            if depth == MAX_DEPTH {
                return Err(format!("objects lie more than {MAX_DEPTH} deep in each other: flatten them"));
            }
            object(&key, text, depth + 1, values)?;
        } else if values.iter().any(|(earlier, _)| *earlier == key) {
            return Err(format!("the key `{key}` stands in it twice: keep one of them"));
        } else {
            let value = match plain(text) {
                Some(value) => value,
                None if text.starts_with('"') => {
                    return Err(format!("the text of `{key}` has half a character (an escape such as \\ud83d alone)"));
                }
                None => list(text),
            };
            values.push((key, value));
        }
    }
    Ok(())
}

/// The text of a value that is neither an object nor an array.
fn plain(text: &str) -> Option<String> {
    match text.as_bytes().first() {
        // A number, `true` or `false`.
        Some(b'-' | b'0'..=b'9' | b't' | b'f') => Some(text.to_owned()),
        Some(b'"') => serde_json::from_str(text).ok(),
        Some(b'n') => Some(String::new()),
        _ => None,
    }
}

/// The text of an array, or the JSON of what is no list.
fn list(text: &str) -> String {
    let items: Option<Vec<String>> = serde_json::from_str::<Vec<&RawValue>>(text)
        .ok()
        .and_then(|items| items.into_iter().map(|item| plain(item.get())).collect());
    items.map_or_else(|| text.to_owned(), |items| layout::join_list(items.iter().map(String::as_str)))
}

fn reason(error: &serde_json::Error, depth: usize) -> String {
    const MEND: &str = "one whole JSON object, as in {\"email\":\"jana@example.com\"}, belongs on each line";
    if error.is_eof() {
        return format!("the object ends in the middle: {MEND}");
    }
    // Inside, the position is that in the inner object, which nobody could find.
    if depth > 1 {
        return format!("the line is no JSON object: {MEND}");
    }
    format!("the line is no JSON object, as its character {} shows: {MEND}", error.column())
}

/// The entries of an object in their order, also those of the same name.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Vec<(String, String)> {
        flatten(line).unwrap()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_become_their_text_and_objects_are_flattened() {
        assert_eq!(
            read(
                r#" {"email":"a@example.com","n":12345678901234567890.10,"vip":true,"x":null,"address":{"city":"Plzeň","geo":{"lat":-1e3}}} "#
            ),
            pairs(&[
                ("email", "a@example.com"),
                ("n", "12345678901234567890.10"),
                ("vip", "true"),
                ("x", ""),
                ("address.city", "Plzeň"),
                ("address.geo.lat", "-1e3"),
            ])
        );
        assert_eq!(
            read(r#"{"a":["x","y, z",3],"b":[],"c":[{"d":1}],"e":{}}"#),
            pairs(&[("a", "x, \"y, z\", 3"), ("b", ""), ("c", "[{\"d\":1}]")])
        );
    }

    #[test]
    fn a_bad_line_says_what_is_wrong_with_it() {
        let deep = format!("{}1{}", "{\"a\":".repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1));
        let abyss = format!("{{\"a\":{}", "[".repeat(100_000));
        for (line, reason) in [
            (r#"{"email":"a"#, "the object ends in the middle"),
            (r#"{"email":"a"} x"#, "as its character 15 shows"),
            ("[1]", "the line is no JSON object"),
            (r#"{"a":1,"a":2}"#, "the key `a` stands in it twice"),
            (r#"{"a":{"b":1},"a.b":2}"#, "the key `a.b` stands in it twice"),
            (r#"{"a":"\ud83d"}"#, "the text of `a` has half a character"),
            (r#"{" ":1}"#, "a key has no name"),
            (&deep, "more than 8 deep"),
            (&abyss, "the object ends in the middle"),
        ] {
            let found = flatten(line).unwrap_err();
            assert!(found.contains(reason), "{line:.60}: {found}");
        }
    }

    #[test]
    fn it_is_known_by_how_it_begins() {
        for text in ["{\"email\":1}", "\u{feff} \n{ \"a\"", "{}", "{"] {
            assert!(begins_as_object(text), "{text:?}");
        }
        for text in ["{email},{name}", "email", "", "[{\"a\":1}]"] {
            assert!(!begins_as_object(text), "{text:?}");
        }
        assert!(begins_as_array("[\n  {\"a\":1}"));
        assert!(is_spread("{\n  \"email\": 1\n}"));
        assert!(!is_spread("{}\n{\"a\":1}"));
    }
}
