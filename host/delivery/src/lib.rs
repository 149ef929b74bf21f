//! What is to happen at providers, and exactly how far it got.
//!
//! ```text
//! who wants to call ─▶ a turn in the account's lane ─▶ armed, on disk ─▶ the plugin ─▶ recorded
//!                      (lanes)                         (store)           (provider)    (store)
//! ```
//!
//! * [`Lanes`] says whose turn it is: by class, and fair between accounts.
//! * [`Gate`] lets the batches of a run through: it waits for a turn and arms what is about to leave, so that no
//!   byte leaves of what is not written down, and none for somebody who said no before.
//! * [`Executor`] carries planned intents out: opt-outs and messages, which no run is made for.
//! * [`Provider`] is what is needed of a plugin; [`Connection`] is that, for an account.
//! * [`forget`] tells a provider to erase a member.
//!
//! The same code works in a single command and in the daemon.

mod connection;
pub mod convert;
mod executor;
mod failure;
mod fault_points;
mod forgetting;
mod gate;
mod lanes;
mod patience;
mod provider;
mod way;

pub use connection::Connection;
pub use executor::{CutShort, Executor, Sent, Worked, is_as_armed};
pub use failure::Failure;
pub use forgetting::forget;
pub use gate::{Gate, LaneGate, Passage, Passed};
pub use lanes::{Lanes, PLACES, Standing, Turn};
pub use patience::Patience;
pub use provider::Provider;
pub use way::{Mark, Way};
