//! The log of what was committed, and when it is moved into the database.
//!
//! Only the writer moves it, because a writer and a checkpoint on two connections at one instant are what
//! no version of SQLite is to be trusted with again. As long as it is at that, nobody's write is answered:
//! so it takes small steps, and puts them off while somebody waits.

use std::path::PathBuf;

use rusqlite::Connection;

use crate::limits::{LOG_BYTES_BEFORE_TRUNCATE, LOG_PAGES_AT_MOST, LOG_PAGES_BEFORE_CHECKPOINT};

/// The log of one database, as its writer sees it.
pub(crate) struct Log {
    file: PathBuf,
    /// Whether it holds what the database does not.
    is_ahead: bool,
    /// Whether it is to be cut back as soon as no reader needs it.
    cuts_back: bool,
}

impl Log {
    /// The log that stands in this file.
    pub(crate) fn of(file: PathBuf) -> Self {
        Self { file, is_ahead: false, cuts_back: false }
    }

    /// After a commit: moves it when much has come together, and cuts it back when readers kept it from
    /// being reused for too long.
    pub(crate) fn after_commit(&mut self, connection: &Connection, somebody_waits: bool) {
        self.is_ahead = true;
        let length = std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len());
        if length > LOG_BYTES_BEFORE_TRUNCATE {
            self.is_ahead = !moved(connection, "TRUNCATE");
        } else if is_due(pages_ahead(connection), somebody_waits) {
            self.is_ahead = !moved(connection, "PASSIVE");
        }
    }

    /// When nobody has written for a while.
    pub(crate) fn when_idle(&mut self, connection: &Connection) {
        if self.cuts_back {
            self.cut_back(connection);
        } else if self.is_ahead {
            self.is_ahead = !moved(connection, "PASSIVE");
        }
    }

    /// Cuts it back to nothing, now or at the next chance: then it holds nothing any more that was deleted.
    pub(crate) fn cut_back(&mut self, connection: &Connection) {
        self.cuts_back = !moved(connection, "TRUNCATE");
        self.is_ahead = self.cuts_back;
    }
}

/// Whether so many pages are to be moved now.
fn is_due(pages: i64, somebody_waits: bool) -> bool {
    pages >= if somebody_waits { LOG_PAGES_AT_MOST } else { LOG_PAGES_BEFORE_CHECKPOINT }
}

/// How many pages stand in the log and not in the database.
fn pages_ahead(connection: &Connection) -> i64 {
    let look = || -> rusqlite::Result<i64> {
        let mut statement = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        statement.query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
    };
    look().unwrap_or_else(|error| {
        tracing::warn!(%error, "the log can't be measured; it is cut back when it gets long");
        0
    })
}

/// Moves the log into the database; answers whether all of it got there.
fn moved(connection: &Connection, mode: &str) -> bool {
    let statement = format!("PRAGMA wal_checkpoint({mode})");
    let outcome = connection
        .query_row(&statement, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)));
    match outcome {
        Ok((busy, in_log, moved)) => busy == 0 && in_log == moved,
        Err(error) => {
            tracing::warn!(%error, mode, "a checkpoint failed; the log keeps everything");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_put_off_while_somebody_waits_but_not_for_ever() {
        assert!(!is_due(LOG_PAGES_BEFORE_CHECKPOINT - 1, false));
        assert!(is_due(LOG_PAGES_BEFORE_CHECKPOINT, false));
        assert!(!is_due(LOG_PAGES_BEFORE_CHECKPOINT, true));
        assert!(is_due(LOG_PAGES_AT_MOST, true));
    }

    #[test]
    fn what_is_committed_stands_in_the_log_until_it_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        let connection = crate::connection::open(&prepared(&file), crate::connection::Purpose::Write).unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        assert!(pages_ahead(&connection) > 0);
        let mut log = Log::of(folder.path().join("store.db-wal"));
        log.after_commit(&connection, false);
        assert!(pages_ahead(&connection) > 0, "a little is left where it is");
        log.when_idle(&connection);
        assert_eq!(pages_ahead(&connection), 0);
        log.cut_back(&connection);
        assert_eq!(std::fs::metadata(&log.file).unwrap().len(), 0);
    }

    fn prepared(file: &std::path::Path) -> std::path::PathBuf {
        std::fs::write(file, []).unwrap();
        file.to_owned()
    }
}
