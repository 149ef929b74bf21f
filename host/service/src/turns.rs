//! Who runs a sync: one at a time.
//!
//! Two runs of one sync would each plan what the other is about to send. Runs of several syncs into one audience keep
//! out of each other's way contact by contact, where their requests are armed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// The turns of all syncs.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the next turn at a sync, in the order of asking; it ends with what this answers.
    pub(crate) async fn next(&self, sync: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(sync.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_sync_runs_once_at_a_time() {
        let turns = Turns::default();
        let first = turns.next("main").await;
        assert!(turns.next("main").now_or_never().is_none());
        assert!(turns.next("other").now_or_never().is_some());
        drop(first);
        assert!(turns.next("main").now_or_never().is_some());
    }
}
