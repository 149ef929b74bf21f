//! How a file of contacts becomes rows: encoding, delimiter, header, mapping, rejects.
//!
//! A file is read twice, and both times as a stream: memory does not grow with the file.
//!
//! 1. [`examine`] reads all of it and finds every fault that concerns the file as a whole, before
//!    anybody sees a row (invariant 10). Its bytes are scanned (what they are, their digest), their
//!    encoding is told by a byte order mark, by the pattern of zero bytes, by being valid UTF-8, or
//!    by their letters; a sample tells the delimiter; the header is checked and each column
//!    gets its [`Target`]; the records are counted. The answer is [`Examined`], which is also what
//!    the operator is shown.
//! 2. [`Examined::rows`] reads it again and gives a [`Row`] for each record: an
//!    [`ImportedRow`](postroom_domain::contact::ImportedRow), typed by the definitions of the
//!    workspace, or a [`RejectedRow`], which belongs into the file that [`Rejects`] writes. A file
//!    that changed between the two readings is refused at its end.
//!
//! Whoever calls commits only after the last row came: an [`ImportFault`] in the middle takes the
//! whole import back.
//!
//! Inside, `scan`, `encoding` and `letters` look at bytes; `text` turns bytes into text; `records`
//! cuts text into records that know their line; `delimiter`, `header`, `vocabulary` and `mapping`
//! look at the first of them; `cell` cleans one value.

mod cell;
mod delimiter;
mod encoding;
mod examine;
mod fault;
mod header;
mod letters;
mod mapping;
mod records;
mod rejects;
mod rows;
mod scan;
mod text;
mod vocabulary;

pub use delimiter::Delimiter;
pub use examine::{Examined, Options, examine};
pub use fault::ImportFault;
pub use mapping::{Column, Target};
pub use rejects::{Rejects, rejects_path};
pub use rows::{RejectedRow, Row, Rows};
