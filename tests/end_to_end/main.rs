//! The program from outside: the real `postroom`, a real component, a provider look-alike over HTTP.
//!
//! Tests are named by the requirement row or the promise that they show. Each has a store, a
//! simulator and ports of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; the house beside them fails the same way"
)]

mod accounts;
mod bad_input;
#[path = "../../host/runtime/tests/guests/bombs.rs"]
#[allow(dead_code, reason = "the runtime's own suite uses the other one")]
mod bombs;
#[path = "../../host/runtime/tests/guests/building.rs"]
mod building;
mod compiling;
mod components;
mod consent;
mod contacts;
mod daemon;
mod export;
mod exporting;
mod fields;
mod fixtures;
mod holding;
mod house;
mod importing;
mod imports_of_operators;
mod installing;
mod leaving;
mod ledger;
mod plugins;
mod purposes;
mod repeating;
mod segments;
