//! Plugins on the real engine, over real HTTP: what loads and what works. What a plugin does not get
//! away with is shown in `tests/sandbox`.
//!
//! The guests stand in `tests/guests` and are built by the first test that needs one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers as well"
)]

#[path = "../guests/bombs.rs"]
mod bombs;
#[path = "../guests/building.rs"]
mod building;
mod cache;
mod compiling;
mod loading;
mod provider;
mod sending;
mod stage;
mod working;
