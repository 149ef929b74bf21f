//! A server that behaves like the Mailchimp Marketing API 3.0, as far as accounts, audiences, merge
//! fields, members, bulk calls, tags and segments go.
//!
//! The behaviours are numbered MC-01 to MC-33 and MC-39; each has a test of that name. Where nobody
//! has established what the real service does, [`state::Switches`] decides.
//!
//! * [`state`] holds the rules and knows no HTTP;
//! * `http` is the provider port: authentication, limits, faults, translation, the book;
//! * `control` is the control port;
//! * [`projection`] and [`view`] shape answers.
//!
//! ```no_run
//! # async fn demo() -> Result<(), postroom_simulators::SimulatorError> {
//! use postroom_simulators::mailchimp;
//!
//! let running = mailchimp::start(mailchimp::Config::demo()).await?;
//! let _one_line = running.announcement();
//! running.shutdown().await
//! # }
//! ```

mod config;
mod control;
mod http;
pub mod projection;
mod running;
pub mod state;
mod state_dump;
pub mod view;
mod world;

pub use config::Config;
pub use running::{Running, start};
