//! What is wrong with the text of a schedule: where, what stands there, and what would be right.

use std::fmt;
use std::ops::Range;

use super::every::Unit;
use super::parse::MAX_TEXT_BYTES;

/// A fault in the text of a schedule. As text it is a sentence, and below it the text with the place marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleFault {
    /// The whole text.
    pub text: String,
    /// The place at fault, in bytes of the text; empty at its end.
    pub span: Range<usize>,
    /// What is wrong there.
    pub problem: ScheduleProblem,
}

/// What is wrong at a place. Each is a sentence with its mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleProblem {
    /// The text is too long.
    #[error("the schedule is longer than {MAX_TEXT_BYTES} bytes: use ranges and steps, as in 8-18 and */15")]
    TooLong,
    /// Not five fields, and not `every …`.
    #[error(
        "a schedule has five fields (minute, hour, day, month, weekday) and a time zone behind them, and {found} words \
         stand here: write it like `0 6 * * * Europe/Prague`, or like `every 15 minutes`"
    )]
    Fields {
        /// How many words there are.
        found: usize,
    },
    /// A part of a field that the field does not take.
    #[error("`{found}` can't stand for the {field}: {takes}")]
    Value {
        /// What stands there.
        found: String,
        /// The field.
        field: &'static str,
        /// What it takes, as a sentence.
        takes: &'static str,
    },
    /// A date that no year has.
    #[error("no year has such a day: take a day that the month has")]
    Never,
    /// The zone is missing.
    #[error(
        "it is not said whose clocks are meant: write the time zone behind the fields, as in `0 6 * * * Europe/Prague`"
    )]
    NoZone,
    /// There is no such zone.
    #[error("there is no time zone `{name}`: {}", mend(.hint))]
    Zone {
        /// What was written.
        name: String,
        /// A spelling that may be meant; empty if there is none.
        hint: String,
    },
    /// Something else than a unit.
    #[error(
        "`{found}` is not what `every` counts in: write minutes or hours; for days, write a time of day like \
         `0 6 * * *`"
    )]
    Unit {
        /// What stands there.
        found: String,
    },
    /// Something else than a number that it takes.
    #[error("`{found}` is not a number of {}s: write one from 1 to {}", unit.as_str(), unit.most())]
    Count {
        /// What stands there.
        found: String,
        /// What is counted.
        unit: Unit,
    },
    /// Words too many or too few.
    #[error(
        "`every` is followed by a number and minutes or hours, and by nothing else: write it like `every 15 minutes`"
    )]
    Every,
}

fn mend(hint: &str) -> &str {
    if hint.is_empty() { "write it like Europe/Prague, or UTC (there is no field for seconds)" } else { hint }
}

impl fmt::Display for ScheduleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One sign per character, so that the mark below stays under its place.
        let shown: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let chars = |range: Range<usize>| self.text.get(range).unwrap_or_default().chars().count();
        let (before, length) = (chars(0..self.span.start), chars(self.span.clone()).max(1));
        writeln!(f, "{}", self.problem)?;
        writeln!(f, "  {shown}")?;
        write!(f, "  {}{}", " ".repeat(before), "^".repeat(length))
    }
}

impl std::error::Error for ScheduleFault {}
