//! Nothing is lost and nothing is sent twice, whatever ends the program and whatever goes wrong at the provider.
//!
//! * `child` is the program's machinery in a process of its own: a service over a store, with the loops of the daemon. It
//!   does what the test tells it, line by line (`words`), and is ended or stopped at any moment.
//! * `house` is a store, a provider that counts, and the child between them.
//! * `laws` is what must hold of each line in the provider's book as it is written, and `ends` what must hold when
//!   everything has settled.
//! * `rows` takes each place at which a delivery can be cut off by itself, `rounds` many at once by a seed.
//!
//! CONTRIBUTING.md says how to run the long mode and how to replay a seed.
#![allow(clippy::print_stdout, reason = "a replay needs its seed, and the long mode tells its figures")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; what stands beside them fails the same way"
)]

#[path = "../../host/runtime/tests/guests/building.rs"]
mod building;
mod child;
mod ends;
mod house;
mod laws;
mod process;
mod rounds;
mod rows;
mod setting_up;
mod words;
