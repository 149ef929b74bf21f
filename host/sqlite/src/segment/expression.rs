//! How a value of a contact is written in SQL.
//!
//! SQLite uses an index on an expression only for that very expression. Names of fields are the letters
//! a-z and parts of addresses are fixed words, so both may stand in the text of a statement.

use postroom_domain::field::{AddressPart, FieldPath};
use postroom_domain::segment::Shape;

/// The parts of an address that an index is made for: those that people ask for.
const INDEXED_PARTS: [AddressPart; 4] = [AddressPart::City, AddressPart::State, AddressPart::Zip, AddressPart::Country];

/// The value of a field, or of a part of an address.
pub(crate) fn value(path: &FieldPath, shape: Shape) -> String {
    let field = path.field.as_str();
    let at = |inner: &str| format!("json_extract(fields, '$.{field}{inner}')");
    if let Some(part) = path.part {
        return at(&format!(".address.{part}"));
    }
    match shape {
        Shape::Text | Shape::Boolean => at(""),
        Shape::Number => format!("CAST({} AS REAL)", at(".number")),
        Shape::Date => at(".date"),
        // Without the Z at its end, a moment with a fraction of a second comes behind the whole second.
        Shape::Moment => format!("rtrim({}, 'Z')", at(".datetime")),
        Shape::Choices => at(".choices"),
        Shape::Address => at(".address"),
    }
}

/// A text as it is compared and indexed: with the letters A to Z in lower case. Bytes are compared faster than by
/// SQLite's `NOCASE`, which would say the same: an import of new contacts spends less on a field's index.
pub(crate) fn folded(text: &str) -> String {
    format!("lower({text})")
}

/// The day of the year of a date, as `MM-DD`.
pub(crate) fn day_of_year(path: &FieldPath) -> String {
    format!("substr({}, -5)", value(path, Shape::Date))
}

/// Whether a filterable field has an index of what a path leads to.
pub(crate) fn has_index(path: &FieldPath, shape: Shape) -> bool {
    match (shape, path.part) {
        (Shape::Address, Some(part)) => INDEXED_PARTS.contains(&part),
        (Shape::Address | Shape::Choices, _) => false,
        _ => true,
    }
}

/// What an index of a field is made of: a suffix for its name, and the expression.
pub(crate) fn indexed(path: &FieldPath, shape: Shape) -> Vec<(String, String)> {
    let own = || value(path, shape);
    match shape {
        Shape::Text => vec![(String::new(), folded(&own()))],
        Shape::Number | Shape::Moment | Shape::Boolean => vec![(String::new(), own())],
        Shape::Date => vec![(String::new(), own()), ("_day".to_owned(), day_of_year(path))],
        Shape::Address => INDEXED_PARTS
            .into_iter()
            .map(|part| {
                let path = FieldPath { field: path.field.clone(), part: Some(part) };
                (format!("_{part}"), folded(&value(&path, Shape::Text)))
            })
            .collect(),
        // Several values of one contact have no place in one order.
        Shape::Choices => Vec::new(),
    }
}
