//! The Mailchimp-like simulator from outside: every numbered behaviour through HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; the fixture beside them fails the same way"
)]

mod accounts;
mod audiences;
mod bulk;
mod consent;
mod control;
mod faults;
mod limits;
mod members;
mod merge_values;
mod simulated;
mod tags;
