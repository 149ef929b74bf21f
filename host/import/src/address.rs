//! A postal address that stands in one cell.

use postroom_domain::field::AddressPart;

/// What stands between two parts: a single space is part of a street's name.
const BETWEEN: &str = "  ";

/// The letters of a country's code.
const COUNTRY_CODE_LETTERS: usize = 2;

/// Why an address is left out, and the mend.
pub(crate) const UNCLEAR: &str = "the parts of the address cannot be told apart: write street, town, region, postal code \
    and country with two spaces between them, or in columns of their own";

/// Takes an address apart: its parts are two spaces apart, in the order of an envelope. The second line
/// and the country may be missing; a region or a postal code that is missing leaves the others unclear.
pub(crate) fn parts(text: &str) -> Option<Vec<(AddressPart, String)>> {
    use AddressPart::{City, Country, Line1, Line2, State, Zip};
    let texts: Vec<&str> = text.split(BETWEEN).map(str::trim).filter(|part| !part.is_empty()).collect();
    let is_code = |text: &str| text.len() == COUNTRY_CODE_LETTERS && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let order: &[AddressPart] = match (texts.len(), texts.last().is_some_and(|last| is_code(last))) {
        (6, _) => &[Line1, Line2, City, State, Zip, Country],
        (5, true) => &[Line1, City, State, Zip, Country],
        (5, false) => &[Line1, Line2, City, State, Zip],
        (4, false) => &[Line1, City, State, Zip],
        _ => return None,
    };
    Some(order.iter().copied().zip(texts.into_iter().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        let parts = parts(text)?;
        Some(parts.iter().map(|(part, text)| format!("{part}={text}")).collect::<Vec<_>>().join(";"))
    }

    #[test]
    fn parts_are_two_spaces_apart() {
        for (text, expected) in [
            (
                "12 Long Street  Floor 3  Tartu  Tartumaa  51007  EE",
                Some("line1=12 Long Street;line2=Floor 3;city=Tartu;state=Tartumaa;zip=51007;country=EE"),
            ),
            (
                "12 Long Street  Tartu  Tartumaa  51007  EE",
                Some("line1=12 Long Street;city=Tartu;state=Tartumaa;zip=51007;country=EE"),
            ),
            (
                "12 Long Street  Floor 3  Tartu  Tartumaa  51007",
                Some("line1=12 Long Street;line2=Floor 3;city=Tartu;state=Tartumaa;zip=51007"),
            ),
            (
                "12 Long Street    Tartu  Tartumaa  51007",
                Some("line1=12 Long Street;city=Tartu;state=Tartumaa;zip=51007"),
            ),
            ("12 Long Street  Tartu  51007  EE", None),
            ("12 Long Street, Tartu", None),
            ("", None),
        ] {
            assert_eq!(written(text).as_deref(), expected, "{text}");
        }
    }
}
