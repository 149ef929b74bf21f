//! Faults leave no trace: a sync goes through everything that can go wrong on its way, and in the end
//! the provider holds what it would hold if nothing had.
//!
//! * `script` makes, from a number, a story of two phases: what a hotel imports and what happens at the
//!   provider meanwhile. It knows nothing of faults.
//! * `play` plays a story in a house, with faults or without. The fault-free play is the oracle.
//! * `laws` is what must hold after every single run, whatever went wrong in it.
//! * `menu` says, fault by fault, how it is brought about. It matches on the simulator's table of
//!   faults, so that one that is added there does not compile here until it is on the menu.
//! * `alone` takes each fault by itself, `combined` takes many at once by a seed, `killed` ends the
//!   program with SIGKILL, at every request and at any moment.
//!
//! CONTRIBUTING.md says how to run the long modes and how to replay a seed.
#![allow(clippy::print_stdout, reason = "a replay needs its seed, and the long modes tell their figures")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; what stands beside them fails the same way"
)]

mod alone;
mod combined;
mod crowd;
#[allow(dead_code, reason = "the house belongs to the end-to-end suite; this one uses a part of it")]
#[path = "../end_to_end/house.rs"]
mod house;
mod killed;
mod laws;
mod menu;
mod play;
mod script;
