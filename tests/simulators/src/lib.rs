//! Look-alikes of the providers' HTTP APIs, for tests and demonstrations. They import no host
//! crate: what a plugin is tested against must not share the host's view of the world.
//!
//! [`mailchimp`] is two listeners on the loopback interface:
//!
//! * the **provider port** speaks the provider's API, with its rules, limits and error texts;
//! * the **control port** (own port, own token in the path) is where a test or a person looks
//!   inside and plays the part of the contacts and of the provider's operators.
//!
//! Who calls whom, from the socket inwards:
//!
//! 1. `wire` accepts connections and can cut one with a TCP reset,
//! 2. `gate` counts simultaneous requests and [`faults`] decides whether one goes wrong,
//! 3. the provider's module translates the request and asks its pure `state`,
//! 4. [`book`] writes the request down before the answer leaves.
//!
//! What a program prints when it starts a simulator is an [`Announcement`].
//!
//! [`messages`] looks like no provider in particular. It counts what it was told to send, and is
//! looked into and told to go wrong by the test that holds it, without a control port.

mod announcement;
pub mod book;
mod error;
pub mod faults;
mod gate;
pub mod mailchimp;
pub mod messages;
mod serving;
mod wire;

pub use announcement::Announcement;
pub use error::SimulatorError;
