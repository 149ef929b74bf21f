//! One cell: cleaned on the way in, and made harmless on the way out.

use std::borrow::Cow;

/// The characters with which a cell becomes a formula when a spreadsheet opens the file.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A cell without what spreadsheets and web pages leave in it: spaces around it, no-break spaces,
/// control characters and invisible characters. Line breaks inside stay.
///
/// The apostrophe that [`harmless`] puts before a formula goes, so that a mended rejects file can be
/// imported.
pub(crate) fn clean(cell: &str) -> Cow<'_, str> {
    let cell = strip_guard(trim(cell));
    if cell.chars().any(|character| spaced(character) != Some(character)) {
        let spaced: String = cell.chars().filter_map(spaced).collect();
        return Cow::Owned(trim(&spaced).to_owned());
    }
    Cow::Borrowed(cell)
}

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    })
}

fn strip_guard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(FORMULA_STARTS) => rest,
        _ => text,
    }
}

/// What a character inside a cell becomes; none where it goes.
fn spaced(character: char) -> Option<char> {
    match character {
        '\n' => Some('\n'),
        '\t' | '\u{a0}' | '\u{2007}' | '\u{202f}' => Some(' '),
        control if control.is_control() => None,
        other => Some(other),
    }
}

/// A cell that no spreadsheet takes for a formula: with an apostrophe before it where it begins as
/// one would.
pub(crate) fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.trim_start_matches(' ').starts_with(FORMULA_STARTS) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spreadsheets_leave_in_a_cell_goes() {
        for (cell, expected) in [
            (" Jana ", "Jana"),
            ("\u{feff}Jana\u{200b}", "Jana"),
            ("Karlovy\u{a0}Vary", "Karlovy Vary"),
            ("Ja\u{0}na\u{7f}", "Jana"),
            ("\u{a0}", ""),
            ("line one\nline two\n", "line one\nline two"),
            ("+420 600 100 200", "+420 600 100 200"),
            ("'+420 600 100 200", "+420 600 100 200"),
            ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ] {
            assert_eq!(clean(cell), expected, "{cell:?}");
        }
    }

    #[test]
    fn a_formula_goes_out_as_text_and_comes_back_as_it_was() {
        for cell in ["=HYPERLINK(\"http://example.com\")", "+1", "-1", "@SUM(A1)"] {
            assert!(harmless(cell).starts_with('\''), "{cell}");
            assert_eq!(clean(&harmless(cell)), cell);
        }
        assert_eq!(harmless("jana@example.com"), "jana@example.com");
    }
}
