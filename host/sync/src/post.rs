//! The way out of a run: where its requests go, and the gate that each of them passes.

use std::sync::Arc;

use postroom_delivery::{Gate, Passage, Passed, Provider};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::IntentId;
use postroom_domain::outcome::Reason;
use postroom_store::runs::{BatchEnd, BatchIntent};

use crate::error::SyncError;
use crate::offences::Offences;

/// What every request of a run needs.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) provider: &'a dyn Provider,
    pub(crate) gate: &'a dyn Gate,
    pub(crate) audience: &'a str,
    pub(crate) prepared: &'a Arc<[u8]>,
    pub(crate) offences: &'a Offences,
}

/// Why nothing more is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing at all.
    Everything(Reason),
    /// Nothing but opt-outs: the account is held or paused.
    AllButOptOuts(Reason),
}

impl Stop {
    pub(crate) fn reason(&self) -> &Reason {
        match self {
            Self::Everything(reason) | Self::AllButOptOuts(reason) => reason,
        }
    }
}

/// The requests that were armed for a batch, each with its end.
pub(crate) type Ends = Vec<(IntentId, BatchEnd)>;

impl Post<'_> {
    /// Waits until a request may leave.
    pub(crate) async fn pass(&self, batch: BatchIntent) -> Result<Result<Passed, Stop>, SyncError> {
        Ok(match self.gate.pass(batch).await? {
            Passage::Open(passed) => Ok(passed),
            Passage::Halted(reason) => Err(Stop::AllButOptOuts(reason)),
        })
    }
}

/// Notes how a request ended, if one was made.
pub(crate) fn end<T, E>(ends: &mut Ends, intent: Option<IntentId>, answer: &Result<T, E>) {
    let end = if answer.is_ok() { BatchEnd::Answered } else { BatchEnd::Unanswered };
    ends.extend(intent.map(|intent| (intent, end)));
}

/// Why nothing leaves for a contact, where that is so.
pub(crate) fn left_behind(left: &[(ContactId, Reason)], contact: ContactId) -> Option<&Reason> {
    left.iter().find(|(of, _)| *of == contact).map(|(_, reason)| reason)
}
