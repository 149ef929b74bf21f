//! What becomes of the next requests.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::book::Asked;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Turn {
    /// It is applied and answered.
    #[default]
    Answer,
    /// It is applied, and its answer waits for so long.
    Delay(Duration),
    /// It is read whole, and applied and answered only after so long: not at all if the client is gone by then.
    HoldBeforeApplying(Duration),
    /// The connection is reset when the head was read, before the body. Nothing is applied.
    ResetBeforeReading,
    /// It is read whole, and then the connection is reset. Nothing is applied, and nobody can tell.
    ResetAfterReading,
    /// It is applied, and then the connection is reset without an answer.
    ResetAfterApplying,
    /// It is applied, and answered as if something had gone wrong.
    ErrorAfterApplying {
        /// The HTTP status, 429 for example.
        status: u16,
        /// The answer's `Retry-After` in seconds; absent means that it has none.
        retry_after_s: Option<u64>,
    },
    /// It is answered so, and nothing is applied.
    ErrorWithoutApplying {
        /// The HTTP status.
        status: u16,
        /// The answer's `Retry-After` in seconds; absent means that it has none.
        retry_after_s: Option<u64>,
    },
}

impl Turn {
    /// Whether the request is applied.
    #[must_use]
    pub fn applies(self) -> bool {
        match self {
            Self::Answer
            | Self::Delay(_)
            | Self::HoldBeforeApplying(_)
            | Self::ResetAfterApplying
            | Self::ErrorAfterApplying { .. } => true,
            Self::ResetBeforeReading | Self::ResetAfterReading | Self::ErrorWithoutApplying { .. } => false,
        }
    }
}

/// The turns of the requests to come, by what they ask for. Whoever finds none is answered.
#[derive(Debug, Default)]
pub(super) struct Turns(HashMap<Asked, VecDeque<Turn>>);

impl Turns {
    pub(super) fn add(&mut self, asked: Asked, turns: impl IntoIterator<Item = Turn>) {
        self.0.entry(asked).or_default().extend(turns);
    }

    pub(super) fn take(&mut self, asked: Asked) -> Turn {
        self.0.get_mut(&asked).and_then(VecDeque::pop_front).unwrap_or_default()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn left(&self) -> usize {
        self.0.values().map(VecDeque::len).sum()
    }
}
