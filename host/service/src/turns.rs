//! Who works at an account: one sync at a time.
//!
//! Two runs into one audience would each look at what the other is about to change. The limits of an account are
//! kept beneath this, for every request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// The turns of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// Waits for the next turn at an account, in the order of asking; it ends with what this answers.
    pub(crate) async fn next(&self, account: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(account.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_works_at_an_account() {
        let turns = Turns::default();
        let first = turns.next("main").await;
        assert!(turns.next("main").now_or_never().is_none());
        assert!(turns.next("other").now_or_never().is_some());
        drop(first);
        assert!(turns.next("main").now_or_never().is_some());
    }
}
