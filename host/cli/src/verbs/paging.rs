//! How long a page is, and how the next one is asked for.

use crate::table::counted;

/// How many rows a page has unless it is said: a screen or two.
pub(crate) const PAGE: u32 = 100;
/// The most rows of one page: what `--all` asks for at a time, and what a reader may ask for.
pub(crate) const MAX_PAGE: u32 = 5_000;

/// The line below a page that is not the last one.
pub(crate) fn more(next: Option<impl std::fmt::Display>, command: &str) -> String {
    match next {
        Some(next) => format!("\nThere is more: `{command} --after {next}`, or --all.\n"),
        None => String::new(),
    }
}

/// The line below a table that says how long it is.
pub(crate) fn footer(rows: usize, one: &str, many: &str) -> String {
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    format!("\n{}\n", counted(rows, one, many))
}
