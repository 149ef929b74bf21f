//! The one thread that writes.
//!
//! Use cases arrive as closures over a bounded queue. What waits together is committed together:
//! each closure runs in a savepoint of its own, so that one that fails takes back only what it did
//! itself, and nobody is answered before the commit is on disk. With sixteen callers this makes six
//! times as many durable writes a second as sixteen connections would.
//!
//! The log is moved into the database beside it ([`Log`]).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use postroom_store::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::connection::Disk;
use crate::failure::{Failure, Step};
use crate::limits::{GROUP_TIME, GROUP_WRITES, IDLE_BEFORE_CHECKPOINT, LOG_LOOK_EVERY, WRITES_WAITING};
use crate::log::{Commit, Log};
use crate::queue::{Nothing, Queue};

/// Tells a caller how its write ended, once the commit has.
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
/// Does the work inside its savepoint, or learns why it can't. `Ok` means that it is to be kept.
type Work = Box<dyn FnOnce(Result<&Connection, String>) -> Result<Answer, Answer> + Send>;

/// How a write is put into a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// One transaction with what waits beside it, in a savepoint of its own.
    Together,
    /// The same for what is one of very many: it goes behind what somebody waits for.
    Behind,
    /// A transaction of its own, behind what somebody waits for. A savepoint keeps a copy of every page that changes
    /// under it, which is dear where thousands do.
    Alone,
    /// The same of a work that is begun anew where it stopped, and acknowledged when it is done. While nobody else writes it
    /// does not wait for the disk: it gets there with the next commit that does, and the log holds it before that one.
    Part,
    /// No transaction: the log is moved into the database and cut back to nothing. Where a reader still
    /// needs it, the writer does it as soon as it can, and at the latest when the store is closed.
    CutBack,
}

impl Share {
    /// Whether it goes behind what somebody waits for.
    fn is_later(self) -> bool {
        match self {
            Self::Together | Self::CutBack => false,
            Self::Behind | Self::Alone | Self::Part => true,
        }
    }
}

struct Request {
    work: Work,
    share: Share,
    /// The request's place in the queue; given back when it is answered.
    _place: OwnedSemaphorePermit,
}

/// How many requests the writer has not taken up yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    /// So many.
    #[cfg(test)]
    pub(crate) fn of(requests: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(requests)))
    }

    /// Whether somebody waits for the writer: a long unit then ends sooner.
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// The writer's end that callers hold.
pub(crate) struct Writer {
    waiting: Waiting,
    requests: Queue<Request>,
    places: Arc<Semaphore>,
    written: watch::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread on its connection.
    pub(crate) fn start(connection: Connection, log: Log) -> Step<Self> {
        let requests = Queue::new();
        let waiting = Waiting::default();
        let (tell, written) = watch::channel(());
        let queue = Taking { requests: requests.clone(), waiting: waiting.clone() };
        let thread = std::thread::Builder::new().name("postroom-writer".to_owned()).spawn(move || {
            let _taker = queue.requests.taker();
            Loop { connection, disk: Disk::Waits, owes_disk: false, log, written: tell }.run(&queue);
        })?;
        Ok(Self { waiting, requests, places: Arc::new(Semaphore::new(WRITES_WAITING)), written, thread: Some(thread) })
    }

    /// Told of each commit.
    pub(crate) fn written(&self) -> watch::Receiver<()> {
        self.written.clone()
    }

    /// Tells whether somebody waits for the writer.
    pub(crate) fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }

    /// Runs one use case in the writer and answers when it is on disk.
    pub(crate) async fn run<T, F>(&self, doing: &'static str, share: Share, work: F) -> Result<T, StoreError>
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
        let asked = Instant::now();
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| gone())?;
        self.waiting.0.fetch_add(1, Ordering::Relaxed);
        self.requests.put(Request { work, share, _place: place }, share.is_later());
        let answer = answered.await.map_err(|_| gone())?;
        tracing::trace!(doing, took_ms = asked.elapsed().as_millis(), "wrote");
        answer
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when the queue does, after what is in it. Waiting for it means that the
        // lock is released only when nothing is written any more.
        self.requests.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer of the store ended in a panic");
        }
    }
}

/// The writer's end of the queue.
struct Taking {
    requests: Queue<Request>,
    waiting: Waiting,
}

impl Taking {
    fn next(&self, patience: Duration) -> Result<Request, Nothing> {
        let taken = self.requests.next(patience)?;
        self.waiting.0.fetch_sub(1, Ordering::Relaxed);
        Ok(taken)
    }
}

/// What the thread keeps.
struct Loop {
    connection: Connection,
    disk: Disk,
    /// Whether a part may not be on disk yet.
    owes_disk: bool,
    log: Log,
    /// Told of each commit.
    written: watch::Sender<()>,
}

impl Loop {
    fn run(mut self, queue: &Taking) {
        // Long units that wait for room in the log, in their order.
        let mut parked = VecDeque::new();
        loop {
            if !parked.is_empty()
                && self.log.has_room(&self.connection)
                && let Some(unit) = parked.pop_front()
            {
                self.alone(unit);
                continue;
            }
            match queue.next(if parked.is_empty() { IDLE_BEFORE_CHECKPOINT } else { LOG_LOOK_EVERY }) {
                Ok(first) => {
                    let mut next = Some(first);
                    while let Some(first) = next {
                        next = self.serve(first, queue, &mut parked);
                    }
                }
                Err(_) if !parked.is_empty() => {}
                Err(Nothing::Yet) => self.log.when_idle(&self.connection),
                Err(Nothing::Ever) => break,
            }
        }
        let Self { connection, log, .. } = self;
        log.end(&connection);
        if let Err((_, error)) = connection.close() {
            tracing::warn!(%error, "the database did not close; nothing is lost, the next start recovers it");
        }
    }

    /// Serves a request in the way of its share. Answers with the one that is next, if one was taken up already.
    fn serve(&mut self, first: Request, queue: &Taking, parked: &mut VecDeque<Request>) -> Option<Request> {
        match first.share {
            Share::Together | Share::Behind => return self.group(first, queue),
            Share::Alone | Share::Part if !parked.is_empty() || !self.log.has_room(&self.connection) => {
                parked.push_back(first);
            }
            Share::Alone | Share::Part => self.alone(first),
            Share::CutBack => self.cut_back(first),
        }
        None
    }

    /// Runs the first request and those that wait behind it, and commits them together. Answers with the
    /// one that ended the group because it goes alone.
    fn group(&mut self, first: Request, queue: &Taking) -> Option<Request> {
        // What is one of many is joined by its like, until somebody joins who is waited for.
        let mut takes_behind = first.share == Share::Behind;
        let mut kept: Vec<(Answer, OwnedSemaphorePermit)> = Vec::new();
        let began = Instant::now();
        if let Err(error) = self.begin(Disk::Waits) {
            refuse(first.work, &error);
            return None;
        }
        let mut next = Some(first);
        let mut left_over = None;
        while let Some(Request { work, share, _place: place }) = next {
            takes_behind &= share == Share::Behind;
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
            let waiting = if is_full { None } else { queue.next(Duration::ZERO).ok() };
            (next, left_over) = match waiting {
                Some(request) if !joins(request.share, takes_behind) => (None, Some(request)),
                waiting => (waiting, None),
            };
        }
        let committed = self.commit();
        for (answer, _place) in kept {
            answer(committed.clone());
        }
        self.written.send_replace(());
        self.log.after_commit(&self.connection, if takes_behind { Commit::Bulk } else { Commit::Awaited });
        left_over
    }

    /// Runs one request in a transaction of its own.
    fn alone(&mut self, request: Request) {
        let Request { work, share, _place } = request;
        // What a part leaves to the disk, the next who is waited for waits for.
        let is_left = share == Share::Part && !self.log.is_awaited();
        if let Err(error) = self.begin(if is_left { Disk::Later } else { Disk::Waits }) {
            refuse(work, &error);
            return;
        }
        let done = work(Ok(&self.connection));
        #[cfg(debug_assertions)]
        crate::scans::judge(&self.connection);
        match done {
            Ok(answer) if self.connection.is_autocommit() => {
                answer(Err("the disk did not take this write".to_owned()));
            }
            Ok(answer) => {
                answer(self.commit());
                self.written.send_replace(());
            }
            Err(answer) => {
                if !self.connection.is_autocommit() {
                    self.roll_back("ROLLBACK");
                }
                answer(Ok(()));
            }
        }
        self.log.after_commit(&self.connection, Commit::Bulk);
    }

    /// Cuts the log back, now or at the next chance.
    fn cut_back(&mut self, request: Request) {
        self.log.cut_back(&self.connection);
        match (request.work)(Ok(&self.connection)) {
            Ok(answer) | Err(answer) => answer(Ok(())),
        }
    }

    /// Begins a transaction whose commit waits for the disk or does not.
    fn begin(&mut self, disk: Disk) -> rusqlite::Result<()> {
        if self.disk != disk {
            disk.set(&self.connection)?;
            self.disk = disk;
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), String> {
        let committed = self.connection.execute_batch("COMMIT").map_err(|error| error.to_string());
        if committed.is_err() && !self.connection.is_autocommit() {
            self.roll_back("ROLLBACK");
        }
        committed?;
        match self.disk {
            Disk::Later => self.owes_disk = true,
            // One that changed nothing waits for nothing, and may rest on what a part had changed.
            Disk::Waits if self.owes_disk => {
                self.log.sync().map_err(|error| error.to_string())?;
                self.owes_disk = false;
            }
            Disk::Waits => {}
        }
        Ok(())
    }

    /// Runs one request so that it can be taken back alone.
    fn in_savepoint(&self, work: Work) -> Result<Answer, Answer> {
        if let Err(error) = self.connection.execute_batch("SAVEPOINT use_case") {
            return work(Err(error.to_string()));
        }
        let done = work(Ok(&self.connection));
        #[cfg(debug_assertions)]
        crate::scans::judge(&self.connection);
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
}

/// Whether a request may be committed with a group: nobody who is waited for waits for one of many.
fn joins(share: Share, takes_behind: bool) -> bool {
    match share {
        Share::Together => true,
        Share::Behind => takes_behind,
        Share::Alone | Share::Part | Share::CutBack => false,
    }
}

/// Answers a request that can't be begun.
fn refuse(work: Work, error: &rusqlite::Error) {
    match work(Err(error.to_string())) {
        Ok(answer) | Err(answer) => answer(Err(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::channel;

    use super::*;
    use crate::connection::{self, Purpose};

    /// What others see of the table when a write begins.
    fn seen(file: &Path) -> Step<Vec<String>> {
        let reader = connection::open(file, Purpose::Read)?;
        let mut all = reader.prepare("SELECT name FROM t ORDER BY name /* all: they are four */")?;
        let names = all.query_map([], |row| row.get(0))?;
        Ok(names.collect::<rusqlite::Result<_>>()?)
    }

    /// The writer of a new database with one table, whose log is taken to have this name.
    fn started(folder: &Path, log: &str) -> Writer {
        let file = folder.join("store.db");
        std::fs::write(&file, []).unwrap();
        let connection = connection::open(&file, Purpose::Write).unwrap();
        connection.execute_batch("CREATE TABLE t (name TEXT)").unwrap();
        Writer::start(connection, Log::of(file, folder.join(log))).unwrap()
    }

    #[tokio::test]
    async fn whoever_is_waited_for_is_committed_before_those_that_are_many() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        let writer = started(folder.path(), "store.db-wal");
        let (begin, begun) = channel::<()>();
        let write = |name: &'static str, share| {
            let file = file.clone();
            writer.run("write", share, move |connection| {
                let before = seen(&file)?;
                connection.execute("INSERT INTO t VALUES (?)", [name])?;
                Ok(before)
            })
        };
        // The writer is held until all of them stand in its queue.
        let held = writer.run("hold the writer", Share::CutBack, move |_| Ok(begun.recv().is_err()));
        let release = async { drop(begin) };
        let (_, many, more, one, another, ()) = tokio::join!(
            biased;
            held,
            write("many", Share::Behind),
            write("more", Share::Behind),
            write("one", Share::Together),
            write("another", Share::Together),
            release,
        );
        for awaited in [one, another].map(Result::unwrap) {
            assert!(!awaited.iter().any(|name| ["many", "more"].contains(&name.as_str())), "{awaited:?}");
        }
        for behind in [many, more].map(Result::unwrap) {
            assert!(["one", "another"].iter().all(|name| behind.iter().any(|seen| seen == name)), "{behind:?}");
        }
    }

    #[tokio::test]
    async fn only_a_part_is_answered_before_it_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let writer = started(folder.path(), "store.db-wal");
        let synchronous = |share, fails: bool| {
            writer.run("look", share, move |connection| {
                let level: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
                if fails { Err(Failure::Cause(level.to_string())) } else { Ok(level) }
            })
        };
        let (normal, full) = (1, 2);
        assert_eq!(synchronous(Share::Alone, false).await.unwrap(), full);
        assert_eq!(synchronous(Share::Part, false).await.unwrap(), normal);
        assert_eq!(synchronous(Share::Behind, false).await.unwrap(), full);
        synchronous(Share::Part, true).await.unwrap_err();
        assert_eq!(synchronous(Share::Together, false).await.unwrap(), full);
        assert_eq!(synchronous(Share::Part, false).await.unwrap(), full, "somebody else writes");
    }

    #[tokio::test]
    async fn who_changes_nothing_behind_a_part_waits_for_the_disk_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        // A log that is not there can't be brought to disk: so it shows who tries to.
        let writer = started(folder.path(), "nowhere");
        let look = || writer.run("look", Share::Together, |_| Ok(()));
        let part = |connection: &Connection| Ok(connection.execute("INSERT INTO t VALUES ('x')", [])?);
        writer.run("write", Share::Part, part).await.unwrap();
        look().await.unwrap_err();
    }
}
