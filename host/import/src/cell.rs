//! One cell: cleaned on the way in, and made harmless on the way out.
//!
//! A cell that begins like a formula is run by a spreadsheet that opens the file. On the way out it
//! gets an apostrophe before it, which is how spreadsheets mark a text, and on the way in exactly that
//! apostrophe goes:
//!
//! * [`guard`] puts one apostrophe before a value that, past apostrophes and spaces, begins with one of
//!   [`FORMULA_STARTS`]. A value that begins with an apostrophe of its own before such a sign gets a
//!   second one, so that [`unguard`] can take off one and gives back the value as it was.
//! * A plain number, such as `-12.5`, goes out as it is: digits and one point can be nothing but that
//!   number, and a column of numbers that are texts is of no use in a spreadsheet. `+420 600 100 200` is
//!   guarded: it would be computed, and the plus, which a telephone needs, lost.

use std::borrow::Cow;

/// The characters with which a cell becomes a formula when a spreadsheet opens the file; the wide ones
/// are taken for the narrow ones by East Asian versions.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// How the cells of a file are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cleaning {
    /// Cells of a table that went through a spreadsheet: cleaned, and their guard taken off.
    Cells,
    /// Values of JSON Lines: cleaned. They never had a guard.
    Values,
    /// Cells that this program wrote: only their guard is taken off.
    OwnCells,
    /// Values that this program wrote: as they stand.
    OwnValues,
}

impl Cleaning {
    /// The value that a cell stands for.
    pub(crate) fn value(self, cell: &str) -> Cow<'_, str> {
        match self {
            Self::Cells => clean(cell),
            Self::Values => tidy(cell),
            Self::OwnCells => Cow::Borrowed(unguard(cell)),
            Self::OwnValues => Cow::Borrowed(cell),
        }
    }
}

/// A cell without what spreadsheets and web pages leave in it: spaces around it, no-break spaces,
/// control characters and invisible characters. Line breaks inside stay, and the guard goes.
pub(crate) fn clean(cell: &str) -> Cow<'_, str> {
    tidy(unguard(trim(cell)))
}

/// A value without what spreadsheets and web pages leave in it.
pub(crate) fn tidy(value: &str) -> Cow<'_, str> {
    let value = trim(value);
    if value.chars().any(|character| spaced(character) != Some(character)) {
        let spaced: String = value.chars().filter_map(spaced).collect();
        return Cow::Owned(trim(&spaced).to_owned());
    }
    Cow::Borrowed(value)
}

fn trim(text: &str) -> &str {
    text.trim_matches(|character: char| {
        character.is_whitespace()
            || character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    })
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

/// A value as a cell that no spreadsheet takes for a formula. [`unguard`] gives the value back.
#[must_use]
pub fn guard(value: &str) -> Cow<'_, str> {
    if begins_like_a_formula(value) && !is_plain_number(value) {
        Cow::Owned(format!("'{value}"))
    } else {
        Cow::Borrowed(value)
    }
}

/// The value of a cell that [`guard`] wrote.
#[must_use]
pub fn unguard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|_| begins_like_a_formula(cell)).unwrap_or(cell)
}

fn begins_like_a_formula(text: &str) -> bool {
    text.trim_start_matches('\'').trim_start_matches(' ').starts_with(FORMULA_STARTS)
}

/// Digits with an optional minus and a point, and nothing else.
fn is_plain_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A cell as it stood in a file of cells, made harmless: once mended and read again it means what it
/// meant.
pub(crate) fn harmless(cell: &str) -> Cow<'_, str> {
    guard(unguard(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            ("'-5", "-5"),
            ("'s-Hertogenbosch", "'s-Hertogenbosch"),
        ] {
            assert_eq!(clean(cell), expected, "{cell:?}");
        }
    }

    #[test]
    fn a_formula_goes_out_as_text_and_comes_back_as_it_was() {
        for cell in ["=HYPERLINK(\"http://example.com\")", "+420600100200", "-1+1", "@SUM(A1)", "'=1", " =1", "＝1"] {
            assert!(guard(cell).starts_with('\''), "{cell}");
            assert_ne!(guard(cell), cell);
            assert_eq!(unguard(&guard(cell)), cell);
        }
        for safe in ["jana@example.com", "-12.5", "007", "'s-Hertogenbosch", "", "'", "−5"] {
            assert_eq!(guard(safe), safe);
        }
    }

    proptest! {
        #[test]
        fn the_guard_is_taken_off_exactly(value in "['=+\\-@\t\r ＝0-9.a]{0,8}") {
            let guarded = guard(&value);
            prop_assert_eq!(unguard(&guarded), value.as_str());
            prop_assert!(!guarded.trim_start_matches(' ').starts_with(FORMULA_STARTS) || is_plain_number(&guarded));
            // A cell of a rejects file is guarded once, however often it goes round.
            let again = harmless(&guarded);
            prop_assert_eq!(unguard(&again), value.as_str());
        }
    }
}
