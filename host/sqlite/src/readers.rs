//! The connections that read, beside the writer and each other.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use postroom_store::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::connection::{self, Purpose};
use crate::failure::{Failure, Step};
use crate::limits::{READERS, READERS_FOR_SHORT};

/// A small pool of connections that can't write. They are opened when they are first needed.
pub(crate) struct Readers {
    file: PathBuf,
    places: Arc<Semaphore>,
    /// Those of long reads.
    long: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// A pool for a database.
    pub(crate) fn new(file: PathBuf) -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { file, places: places(READERS + READERS_FOR_SHORT), long: places(READERS), idle: Arc::default() }
    }

    /// Runs one reading use case on one consistent state of the store, off the async threads.
    pub(crate) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.run_in(doing, None, work).await
    }

    /// The same for what reads thousands of rows: it leaves places to others.
    pub(crate) async fn run_long<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        let long = Arc::clone(&self.long).acquire_owned().await;
        let long = long.map_err(|error| StoreError::Failed { doing, cause: error.to_string() })?;
        self.run_in(doing, Some(long), work).await
    }

    async fn run_in<T, F>(
        &self,
        doing: &'static str,
        long: Option<OwnedSemaphorePermit>,
        work: F,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        let failed = |cause: String| StoreError::Failed { doing, cause };
        let asked = Instant::now();
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let (file, idle) = (self.file.clone(), Arc::clone(&self.idle));
        let done = tokio::task::spawn_blocking(move || {
            let _places = (place, long);
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = match taken {
                Some(connection) => connection,
                None => connection::open(&file, Purpose::Read)?,
            };
            let answer = in_one_state(&mut connection, work);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            answer
        });
        let answer: Step<T> = done.await.map_err(|error| failed(error.to_string()))?;
        tracing::trace!(doing, took_ms = asked.elapsed().as_millis(), "read");
        answer.map_err(|failure| failure.while_doing(doing))
    }
}

/// All numbers that a row can have, in ranges of about as many of those between two: one for each reader.
pub(crate) fn shares(low: i64, high: i64) -> Step<Vec<RangeInclusive<i64>>> {
    let shares = i64::try_from(READERS)?;
    let width = (high - low) / shares + 1;
    let begin = |share: i64| if share == 0 { 0 } else { low + share * width };
    let end = |share: i64| if share + 1 == shares { i64::MAX } else { low + (share + 1) * width - 1 };
    Ok((0..shares).map(|share| begin(share)..=end(share)).collect())
}

/// Everything that `work` reads is from one moment.
fn in_one_state<T>(connection: &mut Connection, work: impl FnOnce(&Connection) -> Step<T>) -> Step<T> {
    let transaction = connection.transaction().map_err(Failure::from)?;
    let answer = work(&transaction)?;
    #[cfg(debug_assertions)]
    crate::scans::judge(&transaction);
    transaction.finish()?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn however_many_long_reads_there_are_a_short_one_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        std::fs::write(&file, []).unwrap();
        let readers = Readers::new(file);
        let mut ends = Vec::new();
        let mut long = Vec::new();
        for _ in 0..=READERS {
            let (end, ended) = channel::<()>();
            ends.push(end);
            let mut read = Box::pin(readers.run_long("read for long", move |_| Ok(ended.recv().is_err())));
            assert!((&mut read).now_or_never().is_none());
            long.push(read);
        }
        readers.run("read", |_| Ok(())).await.unwrap();
        // One of them waited for a place, and gets it.
        drop(ends);
        for read in long {
            assert!(read.await.unwrap());
        }
    }
}
