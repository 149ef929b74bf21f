//! The one thread that writes.
//!
//! Use cases arrive as closures over a bounded queue. What waits together is committed together:
//! each closure runs in a savepoint of its own, so that one that fails takes back only what it did
//! itself, and nobody is answered before the commit is on disk. With sixteen callers this makes six
//! times as many durable writes a second as sixteen connections would.
//!
//! The same thread moves the log into the database, because a writer and a checkpoint on two
//! connections at one instant are what no version of SQLite is to be trusted with again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use postroom_store::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::failure::{Failure, Step};
use crate::limits::{GROUP_TIME, GROUP_WRITES, IDLE_BEFORE_CHECKPOINT, LOG_BYTES_BEFORE_TRUNCATE, WRITES_WAITING};

/// Tells a caller how its write ended, once the commit has.
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Does the work inside its savepoint, or learns why it can't. `Ok` means that it is to be kept.
type Work = Box<dyn FnOnce(Result<&Connection, String>) -> Result<Answer, Answer> + Send>;

struct Request {
    work: Work,
    /// The request's place in the queue; given back when it is answered.
    _place: OwnedSemaphorePermit,
}

/// What the writer is asked to do.
enum Order {
    /// A use case.
    Write(Request),
    /// To cut the log back, and to say when that was tried.
    CutBack(oneshot::Sender<()>),
}

/// The writer's end that callers hold.
pub(crate) struct Writer {
    /// None once the store is being closed.
    requests: Option<Sender<Order>>,
    places: Arc<Semaphore>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on its connection.
    pub(crate) fn start(connection: Connection, log: PathBuf) -> Step<Self> {
        let (requests, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("postroom-writer".to_owned())
            .spawn(move || Loop { connection, log, has_written: false, cuts_back: false }.run(&queue))?;
        Ok(Self { requests: Some(requests), places: Arc::new(Semaphore::new(WRITES_WAITING)), thread: Some(thread) })
    }

    /// Runs one use case in the writer and answers when it is on disk.
    pub(crate) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        let gone = || StoreError::Failed { doing, cause: "the writer has ended".to_owned() };
        let (answer, answered) = oneshot::channel::<Result<T, StoreError>>();
        let work: Work = Box::new(move |connection| {
            // A caller that no longer waits has no use for the answer; its write stands all the same.
            let send = move |result: Result<T, StoreError>| drop(answer.send(result));
            match connection.map_err(Failure::Cause).and_then(work) {
                Ok(value) => Ok(Box::new(move |committed| {
                    send(committed.map(|()| value).map_err(|cause| StoreError::Failed { doing, cause }));
                })),
                Err(failure) => Err(Box::new(move |_| send(Err(failure.while_doing(doing))))),
            }
        });
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(Order::Write(Request { work, _place: place })).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    /// Moves the log into the database and cuts it back to nothing. Where a reader still needs it, the
    /// writer does it as soon as it can, and at the latest when the store is closed.
    pub(crate) async fn cut_the_log_back(&self) -> Result<(), StoreError> {
        let gone = || StoreError::Failed { doing: "cut its log back", cause: "the writer has ended".to_owned() };
        let (done, answered) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or_else(gone)?;
        requests.send(Order::CutBack(done)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when the queue does, after what is in it. Waiting for it means that the
        // lock is released only when nothing is written any more.
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store ended in a panic");
        }
    }
}

/// What the thread keeps.
struct Loop {
    connection: Connection,
    log: PathBuf,
    /// Whether the log holds what the database does not.
    has_written: bool,
    /// Whether the log is to be cut back as soon as no reader needs it.
    cuts_back: bool,
}

impl Loop {
    fn run(mut self, queue: &Receiver<Order>) {
        loop {
            match queue.recv_timeout(IDLE_BEFORE_CHECKPOINT) {
                Ok(Order::Write(first)) => {
                    let asked = self.group(first, queue);
                    self.has_written = true;
                    self.keep_the_log_short();
                    if let Some(done) = asked {
                        self.cut_back(done);
                    }
                }
                Ok(Order::CutBack(done)) => self.cut_back(done),
                Err(RecvTimeoutError::Timeout) => {
                    if self.cuts_back {
                        self.cuts_back = !self.checkpoint("TRUNCATE");
                        self.has_written = self.cuts_back;
                    } else if self.has_written {
                        self.has_written = !self.checkpoint("PASSIVE");
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.checkpoint("TRUNCATE");
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "the database did not close; nothing is lost, the next start recovers it");
        }
    }

    /// Cuts the log back, now or at the next chance.
    fn cut_back(&mut self, done: oneshot::Sender<()>) {
        self.cuts_back = !self.checkpoint("TRUNCATE");
        if done.send(()).is_err() {
            tracing::debug!("nobody waits any more for the log to be cut back");
        }
    }

    /// Runs the first request and those that wait behind it, and commits them together. Answers with the
    /// wish to cut the log back that ended the group, if one did.
    fn group(&self, first: Request, queue: &Receiver<Order>) -> Option<oneshot::Sender<()>> {
        let mut kept: Vec<(Answer, OwnedSemaphorePermit)> = Vec::new();
        let began = Instant::now();
        if let Err(error) = self.connection.execute_batch("BEGIN IMMEDIATE") {
            refuse(first.work, &error);
            return None;
        }
        let mut asked = None;
        let mut next = Some(first);
        while let Some(Request { work, _place: place }) = next {
            match self.in_savepoint(work) {
                Ok(answer) => kept.push((answer, place)),
                Err(answer) => answer(Ok(())),
            }
            if self.connection.is_autocommit() {
                // The storage gave the whole group up (a full disk does that).
                let cause = "the disk did not take the group of writes that this one was in";
                kept.drain(..).for_each(|(answer, _place)| answer(Err(cause.to_owned())));
                return None;
            }
            let is_full = kept.len() >= GROUP_WRITES || began.elapsed() >= GROUP_TIME;
            next = match if is_full { None } else { queue.try_recv().ok() } {
                Some(Order::Write(request)) => Some(request),
                Some(Order::CutBack(done)) => {
                    asked = Some(done);
                    None
                }
                None => None,
            };
        }
        let committed = self.connection.execute_batch("COMMIT").map_err(|error| error.to_string());
        if committed.is_err() && !self.connection.is_autocommit() {
            self.roll_back("ROLLBACK");
        }
        for (answer, _place) in kept {
            answer(committed.clone());
        }
        asked
    }

    /// Runs one request so that it can be taken back alone.
    fn in_savepoint(&self, work: Work) -> Result<Answer, Answer> {
        if let Err(error) = self.connection.execute_batch("SAVEPOINT use_case") {
            return work(Err(error.to_string()));
        }
        let done = work(Ok(&self.connection));
        if done.is_err() && !self.connection.is_autocommit() {
            self.roll_back("ROLLBACK TO use_case");
        }
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("RELEASE use_case")
        {
            tracing::warn!(%error, "a savepoint could not be released");
        }
        done
    }

    fn roll_back(&self, statement: &str) {
        if let Err(error) = self.connection.execute_batch(statement) {
            tracing::error!(%error, statement, "the writer could not take a write back");
        }
    }

    /// Cuts the log back when readers kept it from being reused for too long.
    fn keep_the_log_short(&mut self) {
        let length = std::fs::metadata(&self.log).map_or(0, |metadata| metadata.len());
        if length > LOG_BYTES_BEFORE_TRUNCATE {
            self.has_written = !self.checkpoint("TRUNCATE");
        }
    }

    /// Moves the log into the database; answers whether all of it got there.
    fn checkpoint(&self, mode: &str) -> bool {
        let statement = format!("PRAGMA wal_checkpoint({mode})");
        let outcome = self
            .connection
            .query_row(&statement, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
        match outcome {
            Ok((busy, in_log, moved)) => busy == 0 && in_log == moved,
            Err(error) => {
                tracing::warn!(%error, mode, "a checkpoint failed; the log keeps everything");
                false
            }
        }
    }
}

/// Answers a request that can't be begun.
fn refuse(work: Work, error: &rusqlite::Error) {
    match work(Err(error.to_string())) {
        Ok(answer) | Err(answer) => answer(Err(error.to_string())),
    }
}
