//! Segments: saved filters over contacts (rows D6 and D7).
//!
//! A segment is a tree of conditions ([`Condition`]). It is read from text ([`parse`]) or JSON, checked
//! against what the workspace has ([`check`](check())), written back ([`Display`](std::fmt::Display)), and
//! asked of one contact ([`holds`], [`explain`]). Stores compile the same tree for all contacts at once, and
//! answer alike.
//!
//! # How segments are written
//!
//! ```text
//! language = "de" and tag("guest") and not on("vip")
//! ```
//!
//! `and` binds tighter than `or`, and `not` tightest; parentheses group. Texts stand in straight quotes
//! (`\"` for a quote in them, `\\` for a backslash), numbers, dates and words do not. Words may be written
//! in any case.
//!
//! | what | how | |
//! | --- | --- | --- |
//! | a text | `company = "Inn"`, `!=`, `in ("a", "b")`, `contains "inn"`, `starts with "i"`, `ends with "n"` | without regard to the case of A to Z |
//! | a number | `visits >= 3`, also `=` `!=` `<` `<=` `>`, `in (1, 2.5)` | to 15 digits |
//! | a date | `birthday < 2000-01-01`, also `=` `!=` `<=` `>` `>=`, `in (…)`, and the times below | |
//! | a date-time | `arrival >= 2026-11-23`, `arrival < 2026-11-23T18:00:00Z`, and the times below | a date stands for the whole day |
//! | yes or no | `vip = yes`, `vip != no` | |
//! | a single choice | `room = "suite"`, `in ("suite", "twin")` | as a text; the choice must exist |
//! | multiple choices | `topics has "spa"`, `topics has any ("spa", "golf")`, `topics has all (…)` | |
//! | a part of an address | `address.city = "Tartu"` (line1, line2, city, state, zip, country) | as a text |
//! | anything | `phone is set`, `phone is empty`, `address is set` | |
//! | the address of mail | `email ends with "@example.com"` | in lower case |
//! | the external key | `external-id is set`, `external-id = "K-7"` | as it is written |
//! | consent | `consent = granted`, `!=`, `in (granted, pending)` | unknown, pending, granted, withdrawn, unusable |
//! | tags | `tag("guest")` | in any case |
//! | lists | `on("vip")`, `joined("vip") in the last 7 days` | |
//! | duplicates | `repeated("vip")`, `repeated()` | more than one entry on the list, on any one list |
//! | audiences | `member("newsletter")`, `member()` | what we wrote was confirmed at the sync's audience, at any |
//! | campaigns | `sent()`, `opened("Spring")`, `clicked() in the last 30 days`, `bounced()` | once activity is recorded |
//! | the contact itself | `created in the last 30 days`, `updated < 2026-01-01` | as date-times |
//! | everybody | `everyone` | |
//! | a field named like a word | `field.member = "gold"` | |
//!
//! Times are seen from the moment at which a segment is asked:
//!
//! | time | holds for |
//! | --- | --- |
//! | `in the last 30 days` | from 30 days ago until now, both included |
//! | `in the next 7 days` | from now until in 7 days, both included; `0 days` is today |
//! | `before 30 days ago` | what is earlier than `in the last 30 days` |
//! | `anniversary(birthday) in the next 7 days` | days that come round in that time, whatever the year; the 29th of February on the 28th where there is none |
//!
//! They count `days`, `weeks`, `months` or `years`, up to a hundred years. Dates are compared by the day of
//! the caller's time zone, date-times to the moment.
//!
//! # Two values
//!
//! A condition holds or does not. A comparison with a value that the contact lacks does not hold, whatever
//! the comparison: `language != "de"` takes those who have a language that is not *de*. `not` is plain
//! negation: `not language = "de"` takes them and all who have no language.
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
mod fault;
pub mod limits;
mod parse;
mod predefined;
mod print;
mod shape;
mod token;
mod window;

#[cfg(test)]
mod tests;

pub use check::{Known, check, read};
pub use condition::{ActivityKind, Condition, Literal, Operator, Subject, Test};
pub use evaluate::{Activity, ContactFacts, Explanation, explain, holds, number};
pub use fault::{Problem, SegmentFault};
pub use parse::{Written, parse};
pub use predefined::{PREDEFINED, Predefined, predefined};
pub use shape::Shape;
pub use window::{Bounds, MAX_YEARS, Moment, Stretch, Unit, Window, month_and_day};
