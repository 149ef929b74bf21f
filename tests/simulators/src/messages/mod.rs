//! A server that sends messages, takes opt-outs and keeps contacts, and counts: the oracle of what was
//! sent and how often.
//!
//! It speaks plain JSON, with the key as a bearer token:
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `POST /messages` | `{"effect_key", "template", "to", "fields"}` | 202, `{"id"}` |
//! | `POST /unsubscribes` | `{"to"}` | 200 |
//! | `PUT /contacts` | `{"address", "fields"}` | 200 |
//! | `GET /messages?effect_key=…&to=…` | | 200, `[{"id"}]` |
//! | `GET /templates` | | 200, `[{"id", "name"}]` |
//! | `GET /account` | | 200, `{"name"}` |
//!
//! It applies whatever is well formed, a message that it was given before and one to somebody who opted
//! out included: whether that happens is what tests ask. What it applied stands in the [`Book`] before
//! the answer leaves. The book lies in the test's process and outlives whatever the client is; a
//! [`Turn`] says what becomes of a request.
//!
//! ```no_run
//! # async fn demo() -> Result<(), postroom_simulators::SimulatorError> {
//! use postroom_simulators::messages::{self, Asked, Turn};
//!
//! let provider = messages::start(messages::Config::default()).await?;
//! provider.next(Asked::Message, [Turn::ResetAfterApplying, Turn::Answer]);
//! provider.applied(2).await;
//! assert!(provider.book(|book| book.repeated()).is_empty());
//! provider.shutdown().await
//! # }
//! ```

mod book;
mod http;
mod running;
mod turns;

pub use book::{Act, Asked, Book, Line, Message};
pub use running::{Config, Running, start};
pub use turns::Turn;
