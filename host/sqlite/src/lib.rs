//! The store on SQLite.
//!
//! [`SqliteStore`] keeps one workspace in one folder and implements the whole of
//! [`postroom_store::Store`]. A use case is a closure over a connection. Those that write go to
//! the writer, a thread with the only connection that writes; it commits what waits together at one
//! stroke and answers when that is on disk. Those that read run on a few read-only connections, each
//! in one consistent state of the store.
//!
//! * `store`, `folder`, `lock`, `key`, `connection`, `schema`: how a store is made and opened.
//! * `writer`, `readers`: how a use case gets its connection. `log` is what was committed, and who moves it.
//! * `sequence`: the numbers and rows that a write leaves behind it.
//! * `workspace`, `contacts`, `purposes`, `lists`, `import`, `accounts`, `plugins`, `syncs`, `runs`: the port, one
//!   module per room. `snapshot`, `batch` and `outcomes` are what a run reads, records and leaves;
//!   `*_rows` are rows that several use cases share.
//! * `history`, `aliases`, `choices`: the story of a contact, the names that merges leave it, and how contacts
//!   follow a choice that got another value.
//! * `import_*`: what an import is made of: its row and what it has met (`row`, `seen`), its rows before the
//!   writer sees them (`prepared`), the entries that are there (`shown`, `entries`), contacts made ahead of
//!   their rows (`ahead`), what rows say beside fields (`claims`), the rows themselves (`rows`), and what finishing
//!   does (`survey`). `acquaintances` is what a rehearsal of one asks, and `profiles` a room of its own.
//! * `discovery`: where a run has to look: `comparison` takes fingerprints anew, `moved` knows who changed
//!   since a sequence number, `pictures` keeps what was seen.
//! * `segments` is the port of segments, `segment` how they are compiled, gathered and kept.
//! * `intents` is the port of the intent ledger, `intent_*` what it is made of: how intents come to be (`plans`), who
//!   works on an account's and what stops them (`lanes`), what a worker does (`work`), how the rest end (`ends`),
//!   what becomes of them when something becomes of their contact (`contacts`), and how they are shown (`views`).
//! * `many_rows`: rows that are written some at a time; `new_contacts`: contacts that are, and their histories' beginnings.
//! * `instance`, `witness`: what the store knows of itself, and the note of it that lies outside.
//! * `schedules`, `timers`, `events`: what happens by itself, and who follows what happened.
//! * `suppression`: withdrawals and erasures that outlive a contact; `erasure_journal`: what outlives the database.
//! * `failure`, `columns`, `limits`: what goes wrong, how values stand in columns, and the bounds. `scans` sees to it
//!   that no statement looks through a large table unsaid.

mod accounts;
mod aliases;
mod batch;
mod batch_arming;
mod choices;
mod columns;
mod comparison;
mod connection;
mod consent_rows;
mod contact_rows;
mod contacts;
mod discovery;
mod entry_rows;
mod erasure;
mod erasure_journal;
mod events;
mod failure;
mod field_rows;
mod folder;
mod history;
mod history_rows;
mod import;
mod import_acquaintances;
mod import_ahead;
mod import_claims;
mod import_entries;
mod import_prepared;
mod import_profiles;
mod import_row;
mod import_rows;
mod import_seen;
mod import_shown;
mod import_survey;
mod import_turn;
mod instance;
mod intent_contacts;
mod intent_ends;
mod intent_lanes;
mod intent_opt_outs;
mod intent_plans;
mod intent_rows;
mod intent_views;
mod intent_work;
mod intents;
mod key;
mod limits;
mod list_rows;
mod lists;
mod lock;
mod log;
mod many_rows;
mod member_rows;
mod merge;
mod moved;
mod new_contacts;
mod outcomes;
mod pictures;
mod plugins;
mod purpose_rows;
mod purposes;
mod queue;
mod readers;
mod runs;
#[cfg(debug_assertions)]
mod scans;
mod schedules;
mod schema;
mod scope_rows;
mod segment;
mod segments;
mod sequence;
mod snapshot;
mod store;
mod suppression;
mod syncs;
mod tag_rows;
mod timers;
mod witness;
mod workspace;
mod writer;

pub use store::{Access, SqliteStore};
pub use witness::FolderWitness;
