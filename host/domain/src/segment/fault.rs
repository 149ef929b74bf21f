//! What is wrong with a segment: where, what stands there, and what would be right.

use std::fmt;
use std::ops::Range;

use crate::field::{FieldFault, FieldType};

use super::limits::{MAX_CHOICES, MAX_CONDITIONS, MAX_DEPTH, MAX_DIGITS, MAX_TEXT_BYTES};
use super::window::MAX_YEARS;

/// How alike two words must be to be offered for one another, from 0 to 1 (Jaro and Winkler): `lang`
/// finds `language`, and no word finds its opposite.
const LIKENESS: f64 = 0.8;
/// How much of a line is shown around the place at fault, in characters to each side.
const SHOWN_CHARS: usize = 60;

/// A fault in the text of a segment. As text it is a sentence, and below it the line with the place
/// marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFault {
    /// The whole text.
    pub text: String,
    /// The place at fault, in bytes of the text; empty at its end.
    pub span: Range<usize>,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at a place. Each is a sentence with its mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is too long.
    #[error("the segment is longer than {MAX_TEXT_BYTES} bytes: put long enumerations on a list or into a tag")]
    TooLong,
    /// It goes too deep.
    #[error("more than {MAX_DEPTH} parentheses or `not`s stand inside one another: write it flatter")]
    TooDeep,
    /// It has too many conditions.
    #[error("the segment has more than {MAX_CONDITIONS} conditions: use `in (…)`, or divide it with a tag")]
    TooManyConditions,
    /// A list of values is too long.
    #[error("more than {MAX_CHOICES} values stand in one enumeration: put the contacts on a list or give them a tag")]
    TooManyChoices,
    /// A character that begins nothing.
    #[error("`{0}` means nothing here: texts stand in straight quotes, as in \"Tartu\"")]
    Character(char),
    /// A text without its end.
    #[error("the text that begins here has no end: close it with \"")]
    UnclosedText,
    /// A backslash before something else.
    #[error("a backslash stands before \" and before another backslash only: write \\\\ for one")]
    Escape,
    /// Something that begins like a number or a date and is none.
    #[error("`{0}` is neither a number nor a date: write 12.5, 2026-11-23 or 2026-11-23T10:00:00Z")]
    Number(String),
    /// A parenthesis without its partner.
    #[error("this parenthesis is not closed: write `)` where it ends")]
    UnclosedParenthesis,
    /// Something else was expected.
    #[error("{found} stands where {expected} should{}", mend(.hint))]
    Expected {
        /// What stands there, as words.
        found: String,
        /// What would be right, as words.
        expected: String,
        /// A sentence or a spelling that may help; empty if there is none.
        hint: String,
    },
    /// The tree has an `and` or `or` of fewer than two parts, or an empty enumeration.
    #[error("an `and`, an `or` or an enumeration has too few parts: write two conditions or one value at least")]
    TooFewParts,

    /// There is no such field.
    #[error("there is no field `{name}`{}", mend(.hint))]
    UnknownField {
        /// What was written.
        name: String,
        /// A spelling that may be meant; empty if there is none.
        hint: String,
    },
    /// An unusable address, asked of a purpose.
    #[error("an address is unusable whatever it is for: write consent = unusable, without a purpose")]
    Mailbox,
    /// There is no such list, sync or purpose.
    #[error("there is no {kind} `{name}`{}", mend(.hint))]
    Unknown {
        /// What it should be: a list, a sync, a purpose.
        kind: &'static str,
        /// What was written.
        name: String,
        /// A spelling that may be meant; empty if there is none.
        hint: String,
    },
    /// A part of something that has none.
    #[error("the field `{name}` is a {kind} and has no parts: leave out what stands after the point")]
    NoParts {
        /// The field.
        name: String,
        /// Its type.
        kind: FieldType,
    },
    /// An address as a whole.
    #[error("`{name}` is an address: name a part of it, as in {name}.city, or ask whether it `is set`")]
    WholeAddress {
        /// The field.
        name: String,
    },
    /// A test that a value of this kind can't be put to.
    #[error("`{name}` is a {kind}: {mend}")]
    Test {
        /// What was named.
        name: String,
        /// What it is.
        kind: String,
        /// What can be asked of it.
        mend: &'static str,
    },
    /// A choice that the field does not offer.
    #[error("`{choice}` is not among the choices of `{name}`{}", mend(.hint))]
    Choice {
        /// The field.
        name: String,
        /// What was written.
        choice: String,
        /// The choices there are.
        hint: String,
    },
    /// A text that the field keeps in another spelling.
    #[error("`{name}` keeps this as `{kept}`: write it so")]
    Spelling {
        /// The field.
        name: String,
        /// How it is kept.
        kept: String,
    },
    /// A text that the field does not take.
    #[error("{0}")]
    Value(FieldFault),
    /// Nothing between the quotes.
    #[error("there is nothing between the quotes: write at least one letter, or ask whether it `is empty`")]
    EmptyText,
    /// A number that is too long.
    #[error("the number has more than {MAX_DIGITS} digits: numbers are compared to that many")]
    Digits,
    /// A moment that is finer than what stores keep.
    #[error("moments are kept to the microsecond: write six digits after the point at most")]
    Instant,
    /// A stretch that is too long.
    #[error("the time is longer than {MAX_YEARS} years: write a date instead")]
    Stretch,
}

fn mend(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!(": {hint}") }
}

/// `did you mean …`, if one of the known words is alike.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let word = word.to_lowercase();
    let nearest = known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&word, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    nearest.map_or_else(String::new, |(_, known)| format!("did you mean `{known}`?"))
}

impl SegmentFault {
    /// The line of the place, counting from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.before().matches('\n').count() + 1
    }

    /// The column of the place in characters, counting from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.before().rsplit('\n').next().unwrap_or_default().chars().count() + 1
    }

    fn before(&self) -> &str {
        self.text.get(..self.span.start).unwrap_or(&self.text)
    }
}

impl fmt::Display for SegmentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.text.lines().nth(self.line() - 1).unwrap_or_default();
        let start = self.column() - 1;
        let length = self.text.get(self.span.clone()).unwrap_or_default();
        let length = length.lines().next().unwrap_or_default().chars().count().max(1);
        let skipped = start.saturating_sub(SHOWN_CHARS);
        let cut = if skipped > 0 { "…" } else { "" };
        // One sign per character, so that the mark below stays under its place.
        let shown: String = line
            .chars()
            .skip(skipped)
            .take(start - skipped + SHOWN_CHARS)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let indent = " ".repeat(start - skipped + cut.chars().count());
        writeln!(f, "{}", self.problem)?;
        writeln!(f, "  {cut}{shown}")?;
        write!(f, "  {indent}{}", "^".repeat(length.min(SHOWN_CHARS)))?;
        if self.text.contains('\n') {
            write!(f, " line {}", self.line())?;
        }
        Ok(())
    }
}

impl std::error::Error for SegmentFault {}
