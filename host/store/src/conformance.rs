//! Whether an adapter does what the port says: random steps, carried out by a store and by a plain model of
//! it in memory, and no difference between the two.
//!
//! * [`step`]: the random steps, over a few names that collide often.
//! * `model` and `imports`: what each step does, in terms of the domain's rules. They know no adapter.
//! * [`run`]: carries the steps out and compares every answer.
//! * `look`: compares all that can be seen after each step: contacts with their histories, lists in their order
//!   with their entries, the choices of a field, erasures. A contact's story must end where the contact stands.
//!
//! * [`ledger`]: the same for the intent ledger, with steps and a model of its own.
//!
//! An adapter runs it in a test of its own, with the feature `conformance`: it takes
//! [`sequences`](step::sequences) for the strategy of a `proptest` runner and gives each to
//! [`compare`](run::compare) with a function that opens an empty store. `proptest` then shrinks a sequence
//! that shows a difference to a short one; the ledger likewise. `host/sqlite/tests/port/conformance.rs` is such a test.
//!
//! What the port leaves open is not compared: the numbers of contacts and lists beyond that a contact's never
//! comes twice, gaps between the positions of entries, the order of events of one moment, which spelling of
//! a tag is kept, and the words of a refusal. Accounts, syncs, segments, runs, and an import that is cut
//! short or runs beside other writes have tests of their own.

mod imports;
pub mod ledger;
mod look;
mod model;
pub mod run;
pub mod step;
