//! How values lie in the files that this program writes and reads again.
//!
//! Both ends of a round trip go by this module, so that what was written comes back the same.

/// The column of the e-mail address.
pub const EMAIL: &str = "e-mail";
/// The column of the key in the system that the contact comes from.
pub const EXTERNAL_ID: &str = "external-id";
/// The column of the tags, a list.
pub const TAGS: &str = "contact-tags";
/// The column of the lists that the contact is on, a list. It is not read again.
pub const LISTS: &str = "on-lists";
/// The column of the consent, as its state's word.
pub const CONSENT: &str = "consent-state";
/// The column of the moment of creation. It is not read again.
pub const CREATED_AT: &str = "created-at";
/// The column of the moment of the last change. It is not read again.
pub const UPDATED_AT: &str = "updated-at";

/// The columns that every file of contacts has; one of JSON Lines in which nobody has an external key has no
/// [`EXTERNAL_ID`]. Each has a hyphen, which no name of a field can have.
pub const COLUMNS: [&str; 6] = [EMAIL, TAGS, LISTS, CONSENT, CREATED_AT, UPDATED_AT];

/// Writes a list into one cell: `guest, "Plzeň, centre"`. An item with a comma, a quote or a space
/// around it is quoted, its quotes doubled. Empty items go.
#[must_use]
pub fn join_list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut list = String::new();
    for item in items.filter(|item| !item.trim().is_empty()) {
        if !list.is_empty() {
            list.push_str(", ");
        }
        if item.contains([',', '"']) || item.trim() != item {
            list.push('"');
            list.push_str(&item.replace('"', "\"\""));
            list.push('"');
        } else {
            list.push_str(item);
        }
    }
    list
}

/// Reads a list out of one cell: items between commas, with quotes around them where they need them.
/// An item counts once; empty ones go.
#[must_use]
pub fn split_list(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let item;
        (item, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_item(quoted),
            None => {
                let (item, rest) = rest.split_once(',').unwrap_or((rest, ""));
                (item.trim().to_owned(), rest)
            }
        };
        if !item.trim().is_empty() && !items.contains(&item) {
            items.push(item);
        }
        rest = rest.trim_start();
    }
    items
}

/// An item up to its closing quote, and what follows the comma after it.
fn quoted_item(text: &str) -> (String, &str) {
    let mut item = String::new();
    let mut rest = text;
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            item.push_str(rest);
            return (item, "");
        };
        item.push_str(part);
        let Some(more) = after.strip_prefix('"') else {
            let (tail, rest) = after.split_once(',').unwrap_or((after, ""));
            item.push_str(tail.trim_end());
            return (item, rest);
        };
        item.push('"');
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags_are_read_as_systems_write_them() {
        for (text, items) in [
            ("", vec![]),
            ("vip", vec!["vip"]),
            ("\"Summer 2025\",\"Paris, France\"", vec!["Summer 2025", "Paris, France"]),
            (" vip , guest,,vip ", vec!["vip", "guest"]),
            ("\"a \"\"b\"\"\", c", vec!["a \"b\"", "c"]),
            ("\"never closed, x", vec!["never closed, x"]),
        ] {
            assert_eq!(split_list(text), items, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_list_comes_back_equal(items in prop::collection::btree_set("[a,\" '=\nž]{1,5}", 0..6)) {
            let items: Vec<String> = items.into_iter().filter(|item| !item.trim().is_empty()).collect();
            let written = join_list(items.iter().map(String::as_str));
            prop_assert_eq!(split_list(&written), items, "{}", written);
        }
    }
}
