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
//! A file is a table (CSV, TSV) or JSON Lines, and either may be packed (gzip): its first bytes tell, and
//! not its name. Known exports of other systems are [recognised](recognise) and mapped by themselves; a
//! mapping that is kept is an [`ImportProfile`]. What a row says about consent is a
//! [claim](postroom_domain::claim), read by [`ConsentColumns`].
//!
//! [`layout`] says how values lie in the files that this program writes and reads again; the crate that
//! writes them goes by it too.
//!
//! Inside, `source` unpacks; `scan`, `encoding` and `letters` look at bytes; `text` turns bytes into text;
//! `records` cuts text into rows that know their line, and `objects` and `json` into objects; `delimiter`,
//! `header`, `vocabulary`, `recognise`, `mapping` and `suggest` look at the first of them; `cell`, `dates`,
//! `address` and `values` read one value; `claim` reads those that tell about consent.

mod address;
mod cell;
mod claim;
mod dates;
mod delimiter;
mod encoding;
mod examine;
mod fault;
mod header;
mod json;
pub mod layout;
mod letters;
mod mapping;
mod objects;
mod profile;
mod recognise;
mod records;
mod rejects;
mod rows;
mod scan;
mod source;
mod suggest;
mod text;
mod values;
mod vocabulary;

pub use cell::{guard, unguard};
pub use claim::{ConsentColumns, ConsentRole, ConsentRow, FileStates};
pub use dates::{DateOrder, DatesRead, DatesSeen};
pub use delimiter::Delimiter;
pub use examine::{Examined, FileKind, Options, Settled, column_names, examine};
pub use fault::ImportFault;
pub use mapping::{Column, Target, ToldBy};
pub use profile::{EmptyCells, ImportProfile, NOWHERE, ProfileColumn};
pub use recognise::{Recognised, recognise};
pub use rejects::{Rejects, left_out_path, rejects_path};
pub use rows::{RejectedRow, Row, Rows};
pub use suggest::{Confidence, NewField, Suggestion};
