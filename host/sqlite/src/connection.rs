//! How a connection to the database is opened, and what is checked before it is used.

use std::path::Path;

use postroom_store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::failure::Step;
use crate::limits::{BUSY_TIMEOUT, READER_CACHE_KIBIBYTES, STATEMENTS_KEPT, WRITER_CACHE_KIBIBYTES};
use crate::schema;

/// The oldest SQLite that is safe here: before 3.51.3 a writer and a checkpoint at the same instant
/// could destroy the file (the WAL-reset race).
pub(crate) const OLDEST_SQLITE: i32 = 3_051_003;

/// Marks a file as a Postroom store: the bytes `PoRm`.
pub(crate) const APPLICATION_ID: i32 = 0x506f_526d;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The one that writes.
    Write,
    /// The one that moves the log into the database beside it.
    Move,
    /// One of those that read.
    Read,
}

/// Whether a commit of the writer is answered when it is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    /// Yes: an acknowledged write survives a power cut (invariant 1). A new connection does.
    Waits,
    /// When it is in the log. A power cut takes it together with all that came after it, or not at all.
    Later,
}

impl Disk {
    /// Has the transactions of a connection commit so, from the next one on.
    pub(crate) fn set(self, connection: &Connection) -> rusqlite::Result<()> {
        connection.pragma_update(
            None,
            "synchronous",
            match self {
                Self::Waits => "FULL",
                Self::Later => "NORMAL",
            },
        )
    }
}

/// Refuses a SQLite library that could lose data.
pub(crate) fn check_library(version: i32) -> Result<(), StoreError> {
    if version >= OLDEST_SQLITE {
        return Ok(());
    }
    let words = |number: i32| format!("{}.{}.{}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    Err(StoreError::Unusable(format!(
        "this program was built with SQLite {}, which can damage a store; it needs {} or newer: use a release of \
         Postroom, or build it with the bundled SQLite",
        words(version),
        words(OLDEST_SQLITE)
    )))
}

/// Opens the database with the settings that its purpose needs.
pub(crate) fn open(file: &Path, purpose: Purpose) -> Step<Connection> {
    let access = match purpose {
        Purpose::Write | Purpose::Move => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Purpose::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    #[cfg(debug_assertions)]
    crate::scans::watch(&connection);
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    connection.pragma_update(None, "trusted_schema", false)?;
    // A plan depends on the statement alone: without this, pages that differ in their bounds are
    // planned anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    match purpose {
        Purpose::Write => {
            connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIBIBYTES)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            Disk::Waits.set(&connection)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // What is deleted is overwritten: an erased person is in no page of the file any more.
            connection.pragma_update(None, "secure_delete", true)?;
            // `crate::log` says when.
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        }
        Purpose::Move => {
            // The log is on disk before the database is written, and the database before the log begins anew.
            Disk::Waits.set(&connection)?;
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
        Purpose::Read => {
            connection.pragma_update(None, "cache_size", -READER_CACHE_KIBIBYTES)?;
            connection.pragma_update(None, "query_only", true)?;
            // Readers never move the log, also at the end.
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        }
    }
    Ok(connection)
}

/// Refuses a file that is no store, or one of a newer program.
pub(crate) fn check_file(connection: &Connection, file: &Path) -> Step<u32> {
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(StoreError::Unusable(format!(
            "{} is not a Postroom store: name another folder, or move the file away",
            file.display()
        ))
        .into());
    }
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > schema::VERSION {
        return Err(StoreError::Unusable(format!(
            "the store at {} has schema {version}, and this program knows schemas up to {}: use the newer Postroom \
             that wrote it, or restore a backup from before the upgrade",
            file.display(),
            schema::VERSION
        ))
        .into());
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_sqlite_is_refused_with_both_versions() {
        let error = check_library(3_051_002).unwrap_err().to_string();
        assert!(error.contains("3.51.2") && error.contains("3.51.3"), "{error}");
        check_library(rusqlite::version_number()).unwrap();
    }

    #[test]
    fn a_statement_may_change_thousands_of_pages_and_take_them_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.db");
        std::fs::write(&file, []).unwrap();
        let connection = open(&file, Purpose::Write).unwrap();
        let made = "CREATE TABLE t (id INTEGER PRIMARY KEY, word BLOB UNIQUE);
             WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 20000)
             INSERT INTO t SELECT id, randomblob(100) FROM n;";
        connection.execute_batch(made).unwrap();
        // Any of its rows may be refused, so that within a transaction all pages before it are kept until it ends.
        connection.execute_batch("BEGIN").unwrap();
        let changed = connection.execute("UPDATE t SET word = randomblob(100) /* all: so that much changes */", []);
        assert_eq!(changed.unwrap(), 20_000);
        let refused = connection.execute("UPDATE t SET word = iif(id = 20000, NULL, 'same') /* all: the same */", []);
        assert!(refused.unwrap_err().to_string().contains("UNIQUE"));
        let words: i64 = connection
            .query_row("SELECT count(DISTINCT word) FROM t /* all: they are few */", [], |row| row.get(0))
            .unwrap();
        assert_eq!(words, 20_000, "the refused one took back what it had changed");
    }
}
