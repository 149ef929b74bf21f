//! How contacts become a file: CSV, TSV or JSON Lines, written as a stream.
//!
//! A crate of its own beside the one that reads files, because who gets which columns of which contacts
//! is another reason to change than what other systems call their columns. The two ends share
//! [`postroom_import::layout`] and the guard against formulas, so that a file that is read again gives
//! the same contacts:
//!
//! * Columns are the address, the key, each field of the workspace under its name (an address as its
//!   parts, `address.city`), the tags, the lists, the consent and the two moments. Those that are no
//!   fields have a hyphen in their names, which no field can have. In JSON Lines an address is an object
//!   and tags and lists are arrays.
//! * In CSV and TSV a value that a spreadsheet would run as a formula gets an apostrophe, and loses
//!   exactly that one when it is read again ([`postroom_import::guard`]). JSON Lines is no spreadsheet and
//!   has none.
//! * A table cannot hold a zero byte, and line ends are one kind: U+0000 goes, and `\r\n` and `\r` become
//!   `\n`. JSON Lines holds both as they are.
//!
//! The consent comes back as a claim ([`postroom_domain::claim`]), and lists and moments do not come back:
//! a file cannot prove them.

mod cells;
mod fault;
mod format;
mod objects;
mod table;
mod writer;

pub use fault::ExportFault;
pub use format::Format;
pub use writer::{ContactRow, Exporter};
