//! Segments: saved filters over contacts (rows D6 and D7).
//!
//! A segment is a tree of conditions ([`Condition`]). It is read from text ([`parse`]) or JSON, checked
//! against what the workspace has ([`check`](check())), written back ([`Display`](std::fmt::Display)), and
//! asked of one contact ([`holds`], [`explain`]). Stores compile the same tree for all contacts at once, and
//! answer alike.
//!
#![doc = include_str!("segment/language.md")]
//!
//! # Bounds
//!
//! A text has up to 16,384 bytes and 200 conditions, 32 deep ([`limits`], with reasons). Whatever does not
//! fit, and whatever is misspelt, is answered with the place and what would be right:
//!
//! ```text
//! there is no field `lang`: did you mean `language`?
//!   lang = "de" and tag("guest")
//!   ^^^^^^^^^^^
//! ```

#[cfg(any(test, feature = "proptest"))]
pub mod arbitrary;
mod check;
mod condition;
mod evaluate;
mod expand;
mod fault;
pub mod limits;
mod parse;
mod predefined;
mod print;
mod renaming;
mod shape;
mod token;
mod window;

#[cfg(test)]
mod tests;

pub use check::{Known, check, read};
pub use condition::{ActivityKind, Condition, Literal, Operator, Subject, Test};
pub use evaluate::{Activity, ContactFacts, Explanation, explain, holds, number};
pub use expand::{Nesting, expanded};
pub(crate) use fault::did_you_mean;
pub use fault::{Problem, SegmentFault};
pub use parse::{Written, parse};
pub use predefined::{PREDEFINED, Predefined, predefined};
pub use shape::Shape;
pub use window::{Bounds, MAX_YEARS, Moment, Stretch, Unit, Window, month_and_day};

/// How segments are written, for people: a section of Markdown, the same that this module's documentation
/// shows.
pub const LANGUAGE: &str = include_str!("segment/language.md");
