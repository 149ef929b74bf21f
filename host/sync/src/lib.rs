//! What a run does: read, decide, push, tag, record, report.
//!
//! ```text
//! snapshot ─▶ judge ─▶ settled ─────────────────────────────▶ record
//!  (store)   (domain)  sends ─▶ push ─▶ tags by seen status ─▶ record
//!                      opt-outs ─▶ subscriptions ────────────▶ record
//! departed ─▶ untag ────────────────────────────────────────▶ record ─▶ report
//! ```
//!
//! * [`plan`] walks the entries that may need something once and counts what a run would do; it calls no
//!   provider. The store finds them by what moved since the sync's last look, or by comparing everything.
//! * [`run`] walks them again, in pages, with several batches under way at a time, and records each
//!   batch in one transaction. Memory does not grow with the list.
//! * `walk` goes along the list in the order of its contacts, so that a batch writes few pages of the database.
//! * `judge` turns a row of the store into a piece of work, by asking the domain.
//! * `batches` takes one batch to the record of what became of it; `push`, `tagging` and `opt_out` carry it
//!   out and say what became of every contact in it.
//! * `post` is the way out: each request waits for its turn in the account's lane and is armed in the ledger
//!   of intents before it leaves. Who has changed since it was judged is left for the next run.
//! * [`SystemClock`] is where rule time comes from outside of tests.
//!
//! Every entry ends in exactly one of the ten counts, also when a run stops early: what it did not
//! reach is *pending*. A run that dies is taken up by the next one, which finds out from the
//! provider's own answers what the dead one had done: writes converge, so repeating them is safe. What
//! would otherwise be out of sight by then, since the list has moved on, was noted before it was sent.

mod batches;
mod clock;
mod error;
mod judge;
mod ledger;
mod offences;
mod opt_out;
mod planning;
mod post;
mod push;
mod running;
mod tagging;
mod walk;

pub use clock::SystemClock;
pub use error::SyncError;
pub use planning::{Plan, Planned, plan};
pub use postroom_store::clock::Clock;
pub use running::{CANARY, Progress, RunOptions, RunReport, Surroundings, carry_out, run};
