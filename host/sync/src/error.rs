//! Why a run does not begin.

use postroom_delivery::Failure;
use postroom_domain::breaker::Trip;
use postroom_store::StoreError;

/// Why a run does not begin or cannot be recorded. A run that began and stopped is no error: its
/// report says why.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SyncError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The plan is large, or it is the first: somebody must say yes (invariant 5).
    #[error("the run of `{sync}` needs a yes: {}", sentences(.trips))]
    NeedsApproval {
        /// The sync's name.
        sync: String,
        /// Why.
        trips: Vec<Trip>,
    },
    /// The provider could not be prepared for the run; nothing was sent.
    #[error("the run of `{sync}` did not begin: {}", .failure.reason().message)]
    Provider {
        /// The sync's name.
        sync: String,
        /// Why.
        failure: Failure,
    },
}

fn sentences(trips: &[Trip]) -> String {
    trips.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
