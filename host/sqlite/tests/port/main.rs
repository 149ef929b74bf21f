//! The store through its port: every test opens a store of its own in a temporary folder and uses
//! nothing but the traits of `postroom_store`, the files in the folder apart.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may panic, in what they share too: that is how they fail"
)]

mod accounts;
mod aliases;
mod armed_batches;
mod conformance;
mod contacts;
mod cut_short;
mod discovery;
mod erasures;
mod events;
mod fields;
mod fixture;
mod histories;
mod import_claims;
mod import_profiles;
mod import_rehearsals;
mod imports;
mod instance;
mod intents;
mod intents_of_contacts;
mod intents_of_lanes;
mod killed;
mod lists;
mod opening;
mod power_cut;
mod purposes;
mod runs;
mod schedules;
mod segment_equality;
mod segments;
mod syncs;
mod timers;
