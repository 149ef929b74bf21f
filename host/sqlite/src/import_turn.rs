//! Whose turn it is among the batches of an import.
//!
//! A batch may be handed over while the one before is still being written: what follows from its rows alone
//! is worked out meanwhile. It is written when the one before is done, and not at all if that failed: an
//! import that goes on later counts its rows, and must not take one batch for another.

use std::sync::Arc;

use postroom_store::{Result, StoreError};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The turns of one import. Whether a batch began and did not end well.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<bool>>);

/// The turn of one batch. Dropped without a word, it ends the import.
#[derive(Debug)]
pub(crate) struct Turn(OwnedMutexGuard<bool>);

impl Turns {
    /// Waits for the batches before. Turns are given in the order in which they were first waited for.
    pub(crate) async fn next(&self) -> Result<Turn> {
        let mut has_failed = Arc::clone(&self.0).lock_owned().await;
        if *has_failed {
            return Err(StoreError::Refused(
                "rows before these were not written: import the file again, and it goes on where it stopped".to_owned(),
            ));
        }
        *has_failed = true;
        Ok(Turn(has_failed))
    }
}

impl Turn {
    /// All rows of the batch are written.
    pub(crate) fn done(mut self) {
        *self.0 = false;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_batch_waits_for_the_one_before() {
        let turns = Turns::default();
        let first = turns.next().await.unwrap();
        let mut second = Box::pin(turns.next());
        assert!(second.as_mut().now_or_never().is_none());
        first.done();
        second.await.unwrap().done();
    }

    #[tokio::test]
    async fn nothing_is_written_behind_a_batch_that_failed() {
        let turns = Turns::default();
        drop(turns.next().await.unwrap());
        assert!(turns.next().await.unwrap_err().to_string().contains("import the file again"));
        assert!(turns.next().await.is_err());
    }
}
