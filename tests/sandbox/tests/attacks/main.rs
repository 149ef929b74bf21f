//! The sandbox under attack: the table is in [`table`], the attempts in the modules beside it.
//!
//! Every attempt runs on the production engine with the production limits, against a real HTTP
//! server on this machine. A test says what kind of error came, how long it took, and what the log
//! and the provider saw; after each the table's macro has a healthy plugin on the same engine answer.
//! Where a production limit would only make a test long, a shorter one stands in [`stage`] with its
//! reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers as well"
)]

mod answers;
mod exhaustion;
mod loading;
mod network;
mod provider;
mod secrets;
mod sending;
mod stage;
mod start;
mod table;
mod texts;
mod wire;
