//! The log of what was committed, and when it is moved into the database.
//!
//! A thread of its own moves it ([`Mover`]), so that nobody's write waits for that. Only a log that was moved to its
//! last page begins anew, and while an import writes at full speed there are always more: a log that has grown
//! long lets long units wait until it is moved ([`Log::has_room`]), and the last few pages are moved by the writer.
//! The two take turns. A program that writes and moves at one instant
//! is what SQLite before 3.51.3 could not be trusted with; this one does not start with those
//! ([`crate::connection::OLDEST_SQLITE`]), and no other process moves the log, because its store is locked.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::connection::{self, Purpose};
use crate::failure::Step;
use crate::limits::{
    BUSY_TIMEOUT, LOG_BYTES_BEFORE_TRUNCATE, LOG_LOOKS, LOG_LOOKS_BETWEEN_PASSES, LOG_PAGES_AT_MOST,
    LOG_PAGES_BEFORE_CHECKPOINT, LOG_PAGES_BETWEEN_TRIES, LOG_PAGES_LEFT, LOG_PAGES_PORTION, LOG_PASSES,
};

/// Who waits for a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// Somebody with a single write.
    Awaited,
    /// Nobody but a bulk that goes on afterwards.
    Bulk,
}

/// The log of one database, as its writer sees it.
pub(crate) struct Log {
    database: PathBuf,
    file: PathBuf,
    mover: Option<Mover>,
    turns: Turns,
    /// Whether it holds what the database does not.
    is_ahead: bool,
    /// Whether it is to be cut back as soon as no reader needs it.
    cuts_back: bool,
    /// How often it is looked at yet, where it is so long that it is to begin anew before more than single
    /// writes are added.
    looks_left: u32,
    /// Whether that was waited for in vain since it last began anew: then a reader holds it, and it is not waited for
    /// again.
    was_in_vain: bool,
    /// Whether anybody waited for a write since it last began anew. It is moved in small portions then.
    is_awaited: bool,
    /// How many pages it had when it was last to be moved. A reader may hold it, and then each look is in vain.
    asked_at: i64,
    /// How many it had when units last had to wait for it.
    waited_at: i64,
    /// How many it had when the writer last tried to move what was left.
    tried_at: i64,
}

impl Log {
    /// The log of a database, which stands in a file of its own.
    pub(crate) fn of(database: PathBuf, file: PathBuf) -> Self {
        Self {
            database,
            file,
            mover: None,
            turns: Turns::default(),
            is_ahead: false,
            cuts_back: false,
            looks_left: 0,
            was_in_vain: false,
            is_awaited: false,
            asked_at: 0,
            waited_at: 0,
            tried_at: 0,
        }
    }

    /// Whether anybody waited for a write since it last began anew.
    pub(crate) fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// Waits until all of it is on disk.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        std::fs::File::open(&self.file)?.sync_data()
    }

    /// After a commit: has it moved when much has come together.
    pub(crate) fn after_commit(&mut self, connection: &Connection, commit: Commit) {
        self.is_ahead = true;
        let pages = Pages::of(connection);
        if pages.all < self.asked_at {
            // It began anew.
            (self.asked_at, self.waited_at, self.tried_at, self.looks_left) = (0, 0, 0, 0);
            (self.was_in_vain, self.is_awaited) = (false, false);
        }
        self.is_awaited |= commit == Commit::Awaited;
        let much = if self.is_awaited { LOG_PAGES_PORTION } else { LOG_PAGES_BEFORE_CHECKPOINT };
        if pages.all >= much && pages.ahead <= LOG_PAGES_LEFT {
            // It has been moved but for what came since. Left to itself it would begin anew only if nobody wrote meanwhile.
            // Where readers take turns at holding it that is not tried at each write.
            if pages.all >= self.tried_at + LOG_PAGES_BETWEEN_TRIES {
                self.tried_at = pages.all;
                self.move_what_is_left(connection);
            }
            return;
        }
        // What a bulk adds to a long one is moved at once, so that a moment comes at which hardly anything of it is left: a
        // unit then waits for that rather than for ten times as much later on.
        let is_long = !self.is_awaited && pages.all >= LOG_PAGES_BEFORE_CHECKPOINT;
        // One that a reader holds is asked for again only when much has been added.
        let is_held = self.was_in_vain && pages.all < self.asked_at + much;
        if is_held || !is_long && pages.ahead < much {
            return;
        }
        self.asked_at = pages.all;
        if !self.have_moved() {
            self.is_ahead = !self.moved(connection, "PASSIVE");
        }
        let is_at_its_end = is_long && pages.ahead <= LOG_PAGES_PORTION;
        // Readers that take turns let it be moved and not begin anew: units do not wait for that each time.
        let is_due = pages.all >= self.waited_at + LOG_PAGES_BEFORE_CHECKPOINT && !self.was_in_vain;
        if is_due && (is_at_its_end || pages.all >= LOG_PAGES_AT_MOST) && self.looks_left == 0 {
            self.waited_at = pages.all;
            self.looks_left = LOG_LOOKS;
        }
    }

    /// Whether a unit that writes thousands of pages may add them. A long log is brought to its end for it, which
    /// takes a moment: single writes go on meanwhile. One that a reader holds is let grow.
    pub(crate) fn has_room(&mut self, connection: &Connection) -> bool {
        if self.looks_left == 0 {
            return true;
        }
        self.looks_left -= 1;
        let pages = Pages::of(connection);
        let has_begun_anew = pages.all < LOG_PAGES_BEFORE_CHECKPOINT;
        if has_begun_anew || pages.ahead <= LOG_PAGES_LEFT && self.move_what_is_left(connection) {
            self.looks_left = 0;
            return true;
        }
        // Whoever read it may have ended since it was last tried, and nobody commits who would ask for it.
        if self.looks_left.is_multiple_of(LOG_LOOKS_BETWEEN_PASSES) {
            self.have_moved();
        }
        self.was_in_vain = self.looks_left == 0;
        self.was_in_vain
    }

    /// Moves the last few pages, unless the mover is at it: then the next write begins the log anew. Answers whether it was
    /// free to.
    fn move_what_is_left(&mut self, connection: &Connection) -> bool {
        let Some(_turn) = self.turns.if_free() else { return false };
        self.is_ahead = !moved(connection, "PASSIVE");
        true
    }

    /// When nobody has written for a while: moves what is left, and cuts a long one back.
    pub(crate) fn when_idle(&mut self, connection: &Connection) {
        let length = std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        // To give a long file back takes the system a moment, which nobody has while others write.
        if self.cuts_back || length > LOG_BYTES_BEFORE_TRUNCATE {
            self.cut_back_at_once(connection);
        } else if self.is_ahead {
            self.is_ahead = !self.moved(connection, "PASSIVE");
        }
    }

    /// Cuts it back to nothing, now or at the next chance: then it holds nothing any more that was deleted.
    pub(crate) fn cut_back(&mut self, connection: &Connection) {
        self.cuts_back = !self.moved(connection, "TRUNCATE");
        self.is_ahead = self.cuts_back;
    }

    /// The same without waiting for a reader that needs it: whoever writes next need not wait either.
    fn cut_back_at_once(&mut self, connection: &Connection) {
        let patience = |time| {
            if let Err(error) = connection.busy_timeout(time) {
                tracing::warn!(%error, "how long the writer waits for a lock could not be set");
            }
        };
        patience(Duration::ZERO);
        self.cut_back(connection);
        patience(BUSY_TIMEOUT);
    }

    /// Before the store is closed: leaves a log behind only where a reader still needs it.
    pub(crate) fn end(mut self, connection: &Connection) {
        self.mover = None;
        self.cut_back(connection);
    }

    /// Has it moved beside the writer; answers whether there is anybody who does.
    fn have_moved(&mut self) -> bool {
        if self.mover.is_none() {
            match Mover::start(&self.database, self.turns.clone()) {
                Ok(mover) => self.mover = Some(mover),
                Err(failure) => {
                    tracing::warn!(?failure, "nothing moves the log beside the writer, which does it itself");
                }
            }
        }
        self.mover.as_ref().is_some_and(Mover::wake)
    }

    fn moved(&self, connection: &Connection, mode: &str) -> bool {
        let _turn = self.turns.next();
        moved(connection, mode)
    }
}

/// Who moves the log: one at a time.
#[derive(Debug, Clone, Default)]
struct Turns(Arc<Mutex<()>>);

impl Turns {
    fn next(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn if_free(&self) -> Option<MutexGuard<'_, ()>> {
        match self.0.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// The thread that moves the log while the writer goes on writing.
struct Mover {
    /// None once it is to end.
    wakes: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Mover {
    fn start(database: &Path, turns: Turns) -> Step<Self> {
        let connection = connection::open(database, Purpose::Move)?;
        let (wakes, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("postroom-log".to_owned())
            .spawn(move || Self::run(&connection, &woken, &turns))?;
        Ok(Self { wakes: Some(wakes), thread: Some(thread) })
    }

    /// Has the log moved once more, where that is not under way; answers whether it lives.
    fn wake(&self) -> bool {
        // Full means that it is about to begin anyway.
        self.wakes.as_ref().is_some_and(|wakes| !matches!(wakes.try_send(()), Err(TrySendError::Disconnected(()))))
    }

    fn run(connection: &Connection, woken: &Receiver<()>, turns: &Turns) {
        while woken.recv().is_ok() {
            let _turn = turns.next();
            // What is written during a pass is for the next; the writer moves what is left.
            for _ in 0..LOG_PASSES {
                moved(connection, "PASSIVE");
                if Pages::of(connection).ahead <= LOG_PAGES_LEFT {
                    break;
                }
            }
        }
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.wakes = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that moves the log ended in a panic; nothing is lost");
        }
    }
}

/// The pages of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Pages {
    /// All since it began anew.
    all: i64,
    /// Those of them that the database lacks.
    ahead: i64,
}

impl Pages {
    fn of(connection: &Connection) -> Self {
        let look = || -> rusqlite::Result<Self> {
            let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
            statement.query_row([], |row| {
                let all = row.get(1)?;
                Ok(Self { all, ahead: all - row.get::<_, i64>(2)? })
            })
        };
        look().unwrap_or_else(|error| {
            tracing::warn!(%error, "the log can't be measured; it is moved when nobody writes");
            Self::default()
        })
    }
}

/// Moves the log into the database; answers whether all of it got there.
fn moved(connection: &Connection, mode: &str) -> bool {
    let statement = format!("PRAGMA wal_checkpoint({mode})");
    let began = Instant::now();
    let outcome = connection
        .query_row(&statement, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
    match outcome {
        Ok((busy, in_log, moved)) => {
            let took_ms = began.elapsed().as_millis();
            tracing::debug!(mode, in_log, moved, took_ms, "moved the log into the database");
            busy == 0 && in_log == moved
        }
        Err(error) => {
            tracing::warn!(%error, mode, "a checkpoint failed; the log keeps everything");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(folder: &std::path::Path) -> (Connection, Log) {
        let file = folder.join("store.db");
        std::fs::write(&file, []).unwrap();
        let connection = connection::open(&file, Purpose::Write).unwrap();
        connection.execute_batch("CREATE TABLE t (x)").unwrap();
        (connection, Log::of(file, folder.join("store.db-wal")))
    }

    /// Makes the log a long one, and begins a read that holds what is written next.
    fn long_and_held(connection: &Connection, folder: &std::path::Path) -> Connection {
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", [LOG_PAGES_BEFORE_CHECKPOINT * 4_096]).unwrap();
        let reader = connection::open(&folder.join("store.db"), Purpose::Read).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        reader
    }

    #[test]
    fn what_is_committed_stands_in_the_log_until_it_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert!(Pages::of(&connection).ahead > 0);
        log.after_commit(&connection, Commit::Bulk);
        assert!(log.mover.is_none() && Pages::of(&connection).ahead > 0, "a little is left where it is");
        log.when_idle(&connection);
        assert_eq!(Pages::of(&connection).ahead, 0);
        log.cut_back(&connection);
        assert_eq!(std::fs::metadata(&log.file).unwrap().len(), 0);
    }

    #[test]
    fn much_is_moved_beside_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        let bytes = LOG_PAGES_BEFORE_CHECKPOINT * 4_096;
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", [bytes]).unwrap();
        log.after_commit(&connection, Commit::Bulk);
        // It ends when it has done what it was woken for.
        log.mover = None;
        assert_eq!(Pages::of(&connection).ahead, 0);
        let begun: i64 = connection.query_row("SELECT length(x) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(begun, bytes);
    }

    #[test]
    fn a_log_that_a_reader_holds_is_waited_for_once_and_then_let_grow() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        let reader = connection::open(&folder.path().join("store.db"), Purpose::Read).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        let grow = |log: &mut Log, pages: i64| {
            connection.execute("INSERT INTO t VALUES (zeroblob(?))", [pages * 4_096]).unwrap();
            log.after_commit(&connection, Commit::Bulk);
        };
        grow(&mut log, LOG_PAGES_AT_MOST);
        assert!(!log.has_room(&connection), "long units wait");
        // Single writes meanwhile do not make them wait for longer.
        let mut looks = 1;
        while !log.has_room(&connection) {
            looks += 1;
            grow(&mut log, 1);
        }
        assert_eq!(looks + 1, LOG_LOOKS);
        grow(&mut log, LOG_PAGES_BEFORE_CHECKPOINT);
        assert!(log.has_room(&connection), "it was waited for already");
    }

    #[test]
    fn the_writer_moves_what_is_left_so_that_the_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        let reader = long_and_held(&connection, folder.path());
        connection.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        assert!(!moved(&connection, "PASSIVE"), "what was written since the reader began stays");
        reader.execute_batch("COMMIT").unwrap();
        let pages = Pages::of(&connection);
        assert!((1..=LOG_PAGES_LEFT).contains(&pages.ahead) && pages.all >= LOG_PAGES_BEFORE_CHECKPOINT, "{pages:?}");
        log.after_commit(&connection, Commit::Bulk);
        assert_eq!(Pages::of(&connection).ahead, 0);
        connection.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert!(Pages::of(&connection).all < LOG_PAGES_LEFT, "{:?}", Pages::of(&connection));
    }

    #[test]
    fn a_log_that_somebody_waited_for_is_moved_in_smaller_portions() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        let mut write = |pages: i64, commit| {
            connection.execute("INSERT INTO t VALUES (zeroblob(?))", [pages * 4_096]).unwrap();
            log.after_commit(&connection, commit);
            log.mover.is_some()
        };
        assert!(!write(LOG_PAGES_PORTION, Commit::Bulk));
        assert!(write(1, Commit::Awaited));
    }

    #[test]
    fn a_long_log_begins_anew_when_hardly_anything_of_it_is_left_unless_somebody_waits() {
        for (commit, is_waited_for) in [(Commit::Bulk, true), (Commit::Awaited, false)] {
            let folder = tempfile::tempdir().unwrap();
            let (connection, mut log) = opened(folder.path());
            let reader = long_and_held(&connection, folder.path());
            connection.execute("INSERT INTO t VALUES (zeroblob(?))", [LOG_PAGES_LEFT * 2 * 4_096]).unwrap();
            assert!(!moved(&connection, "PASSIVE"), "what was written since the reader began stays");
            reader.execute_batch("COMMIT").unwrap();
            log.after_commit(&connection, commit);
            assert_eq!(log.looks_left > 0, is_waited_for);
            // It ends when it has done what it was woken for.
            log.mover = None;
            assert!(log.has_room(&connection));
            assert_eq!(Pages::of(&connection).ahead == 0, is_waited_for);
        }
    }

    #[test]
    fn a_unit_that_waits_for_a_reader_goes_on_soon_after_that_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        let reader = long_and_held(&connection, folder.path());
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", [LOG_PAGES_LEFT * 2 * 4_096]).unwrap();
        assert!(!moved(&connection, "PASSIVE"));
        log.after_commit(&connection, Commit::Bulk);
        // It has tried what it was woken for, in vain.
        log.mover = None;
        assert!(!log.has_room(&connection));
        reader.execute_batch("COMMIT").unwrap();
        let mut looks = 0;
        while !log.has_room(&connection) {
            looks += 1;
            if log.looks_left.is_multiple_of(LOG_LOOKS_BETWEEN_PASSES) {
                log.mover = None;
            }
        }
        assert!(looks <= LOG_LOOKS_BETWEEN_PASSES && !log.was_in_vain, "{looks}");
        assert_eq!(Pages::of(&connection).ahead, 0);
    }

    #[test]
    fn what_waits_for_a_long_log_does_not_wait_for_the_one_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let (connection, mut log) = opened(folder.path());
        log.looks_left = LOG_LOOKS;
        connection.execute("INSERT INTO t VALUES (zeroblob(?))", [LOG_PAGES_LEFT * 2 * 4_096]).unwrap();
        assert!(log.has_room(&connection) && log.looks_left == 0);
    }
}
