//! The store as a whole: made, opened, and the way to its writer and readers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use postroom_domain::field::standard_fields;
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use crate::columns::micros;
use crate::connection::{self, APPLICATION_ID, Purpose};
use crate::failure::{Failure, Step};
use crate::import_seen::UnderWay;
use crate::key::SecretKey;
use crate::lock::Lock;
use crate::log::Log;
use crate::readers::Readers;
use crate::segment::filterable;
use crate::writer::{Share, Waiting, Writer};
use crate::{choices, erasure, field_rows, folder, schema};
use tokio::sync::watch;

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access<'a> {
    /// To write. One process at a time does; the others learn its number and its verb.
    Write {
        /// The verb that this process runs, for the others' sentence.
        verb: &'a str,
    },
    /// To read, beside a writer. Whatever would write is refused.
    Read,
}

/// A workspace in a folder: a SQLite database, its key, its lock, and the installed plugins.
///
/// It implements the whole of [`postroom_store::Store`]. Dropping it waits until everything that
/// was asked for is on disk, and then releases the lock.
pub struct SqliteStore {
    folder: PathBuf,
    key: Arc<SecretKey>,
    readers: Readers,
    /// The imports that this process has begun.
    imports: Arc<UnderWay>,
    /// None when the store was opened to read.
    writer: Option<Writer>,
    /// Held by whoever gathers the members of a segment.
    refreshing: tokio::sync::Mutex<()>,
    /// Held as long as the writer lives: fields are dropped in the order in which they stand here.
    _lock: Option<Lock>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("folder", &self.folder)
            .field("writes", &self.writer.is_some())
            .finish_non_exhaustive()
    }
}

/// The verb that a store's creator shows to others.
const CREATING: &str = "init";

/// What a process shows to others that brings a store up to date before it reads.
const UPGRADING: &str = "(bringing the store up to date)";

impl SqliteStore {
    /// Makes a store in a folder and opens it to write. The folder is made if it is not there, and
    /// closed to everybody but its owner.
    ///
    /// # Errors
    ///
    /// [`StoreError::Refused`] when the folder has a store, or a key without one;
    /// [`StoreError::Held`] when another process is at work in it.
    pub fn create(folder: &Path, name: &str, at: Timestamp) -> Result<Self> {
        const DOING: &str = "create its files";
        connection::check_library(rusqlite::version_number())?;
        let lock = prepare_folder(folder).map_err(|failure| failure.while_doing(DOING))?;
        build(folder, name, at).map_err(|failure| failure.while_doing(DOING))?;
        Self::open_locked(folder, lock)
    }

    /// Opens the store of a folder. A store of an earlier schema is brought up to date first, also
    /// to be read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Held`] when another process writes and this one wants to;
    /// [`StoreError::Unusable`] when there is no store, when it is of a newer schema, or when its
    /// key is missing or another store's. Every sentence names the mend.
    pub fn open(folder: &Path, access: Access<'_>) -> Result<Self> {
        const DOING: &str = "open its files";
        connection::check_library(rusqlite::version_number())?;
        if !folder::database(folder).is_file() {
            return Err(StoreError::Unusable(format!(
                "there is no store at {}: create one there first, or name the folder of another",
                folder.display()
            )));
        }
        match access {
            Access::Write { verb } => {
                let lock = Lock::take(folder, verb).map_err(|failure| failure.while_doing(DOING))?;
                Self::open_locked(folder, lock)
            }
            Access::Read => {
                if is_older(folder).map_err(|failure| failure.while_doing(DOING))? {
                    // Whoever opens it first brings it up to date, also who only wants to look.
                    let lock = Lock::take(folder, UPGRADING).map_err(|failure| failure.while_doing(DOING))?;
                    drop(Self::open_locked(folder, lock)?);
                }
                Self::open_to_read(folder).map_err(|failure| failure.while_doing(DOING))
            }
        }
    }

    /// The folder that the store is in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn open_locked(folder: &Path, lock: Lock) -> Result<Self> {
        Self::open_to_write(folder, lock).map_err(|failure| failure.while_doing("open its files"))
    }

    fn open_to_write(folder: &Path, lock: Lock) -> Step<Self> {
        let file = folder::database(folder);
        let mut connection = connection::open(&file, Purpose::Write)?;
        if connection::check_file(&connection, &file)? < schema::VERSION {
            schema::migrate(&mut connection)?;
        }
        let key = matching_key(folder, &connection)?;
        erasure::catch_up(&mut connection, &key, folder)?;
        choices::catch_up(&mut connection)?;
        filterable::catch_up(&connection)?;
        Ok(Self {
            folder: folder.to_owned(),
            key: Arc::new(key),
            readers: Readers::new(file),
            imports: Arc::default(),
            writer: Some(Writer::start(connection, Log::of(folder::database(folder), folder::log(folder)))?),
            refreshing: tokio::sync::Mutex::default(),
            _lock: Some(lock),
        })
    }

    fn open_to_read(folder: &Path) -> Step<Self> {
        let file = folder::database(folder);
        let connection = connection::open(&file, Purpose::Read)?;
        connection::check_file(&connection, &file)?;
        let key = matching_key(folder, &connection)?;
        Ok(Self {
            folder: folder.to_owned(),
            key: Arc::new(key),
            readers: Readers::new(file),
            imports: Arc::default(),
            writer: None,
            refreshing: tokio::sync::Mutex::default(),
            _lock: None,
        })
    }

    /// The key of the store.
    pub(crate) fn key(&self) -> Arc<SecretKey> {
        Arc::clone(&self.key)
    }

    /// The imports that this process has begun.
    pub(crate) fn imports(&self) -> Arc<UnderWay> {
        Arc::clone(&self.imports)
    }

    /// The turn of whoever gathers the members of a segment.
    pub(crate) fn refreshing(&self) -> &tokio::sync::Mutex<()> {
        &self.refreshing
    }

    /// Runs a writing use case.
    pub(crate) async fn write<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.write_as(Share::Together, doing, work).await
    }

    /// Runs a writing use case that is one of very many: behind those that somebody waits for.
    pub(crate) async fn write_behind<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.write_as(Share::Behind, doing, work).await
    }

    /// Runs a unit of a writing use case that touches thousands of rows.
    pub(crate) async fn write_alone<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.write_as(Share::Alone, doing, work).await
    }

    /// Runs a unit of one that is acknowledged as a whole, and begun anew where it stopped: it need not be on disk yet.
    pub(crate) async fn write_part<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.write_as(Share::Part, doing, work).await
    }

    /// Told of each commit of the writer; of none where there is none.
    pub(crate) fn written_by_writer(&self) -> watch::Receiver<()> {
        self.writer.as_ref().map_or_else(|| watch::channel(()).1, Writer::written)
    }

    /// Tells whether somebody waits for the writer.
    pub(crate) fn waiting(&self) -> Waiting {
        self.writer.as_ref().map(Writer::waiting).unwrap_or_default()
    }

    async fn write_as<T, F>(&self, share: Share, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        let Some(writer) = &self.writer else {
            return Err(StoreError::Refused(format!(
                "the store at {} was opened to read and can't {doing}: run it with a verb that writes",
                self.folder.display()
            )));
        };
        writer.run(doing, share, work).await
    }

    /// Moves the log into the database and cuts it back, so that it holds nothing any more that was deleted.
    pub(crate) async fn cut_the_log_back(&self) -> Result<()> {
        match &self.writer {
            Some(writer) => writer.run("cut its log back", Share::CutBack, |_| Ok(())).await,
            None => Ok(()),
        }
    }

    /// Runs a reading use case.
    pub(crate) async fn read<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.readers.run(doing, work).await
    }

    /// The same for what reads thousands of rows.
    pub(crate) async fn read_long<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Step<T> + Send + 'static,
    {
        self.readers.run_long(doing, work).await
    }
}

/// Whether the store is of an earlier schema than this program's.
fn is_older(folder: &Path) -> Step<bool> {
    let file = folder::database(folder);
    Ok(connection::check_file(&connection::open(&file, Purpose::Read)?, &file)? < schema::VERSION)
}

/// Makes the folder, takes its lock, and clears what an interrupted creation left.
fn prepare_folder(folder: &Path) -> Step<Lock> {
    folder::make(folder)?;
    let lock = Lock::take(folder, CREATING)?;
    if folder::database(folder).exists() {
        return Err(StoreError::Refused(format!(
            "there is a store at {} already: use it, or name another folder",
            folder.display()
        ))
        .into());
    }
    let unfinished = folder::unfinished_database(folder);
    if unfinished.exists() {
        // Its key opened nothing yet: no secret is sealed before a store has its name.
        std::fs::remove_file(&unfinished)?;
        if folder::key(folder).exists() {
            std::fs::remove_file(folder::key(folder))?;
        }
    }
    if folder::key(folder).exists() {
        return Err(StoreError::Refused(format!(
            "{} is the key of a store whose database is missing: restore postroom.db beside it, or move the key away",
            folder::key(folder).display()
        ))
        .into());
    }
    Ok(lock)
}

/// Writes database and key. The database gets its name last: with it the store is there.
fn build(folder: &Path, name: &str, at: Timestamp) -> Step<()> {
    let file = folder::unfinished_database(folder);
    folder::write_new(&file, &[])?;
    let key = SecretKey::generate()?;
    let mut connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    schema::migrate(&mut connection)?;
    let transaction = connection.transaction()?;
    transaction.execute(
        "INSERT INTO workspace (id, name, instance, created_at, sequence, key_check) VALUES (1, ?, ?, ?, 0, ?)",
        (name, Uuid::now_v7().to_string(), micros(at), key.check_value()),
    )?;
    for field in standard_fields() {
        field_rows::insert(&transaction, &field)?;
    }
    transaction.commit()?;
    connection.close().map_err(|(_, error)| Failure::from(error))?;
    key.save(folder)?;
    std::fs::rename(&file, folder::database(folder))?;
    Ok(folder::sync(folder)?)
}

/// The key of the folder, if it is the one that the store was made with.
fn matching_key(folder: &Path, connection: &Connection) -> Step<SecretKey> {
    let file = folder::key(folder);
    let Some(key) = SecretKey::load(folder)? else {
        let mut accounts = connection.prepare("SELECT name FROM accounts ORDER BY name")?;
        let names: Vec<String> = accounts.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let lost = match names.as_slice() {
            [] => "the store can't seal credentials".to_owned(),
            [one] => format!("the credentials of the account {one} can't be opened"),
            many => format!("the credentials of the accounts {} can't be opened", many.join(", ")),
        };
        return Err(StoreError::Unusable(format!(
            "the key file {} is missing: restore it from the backup, beside the database. Without it {lost}",
            file.display()
        ))
        .into());
    };
    let expected: Vec<u8> = connection.query_row("SELECT key_check FROM workspace", [], |row| row.get(0))?;
    if key.check_value().as_slice() == expected {
        return Ok(key);
    }
    Err(StoreError::Unusable(format!(
        "the key file {} belongs to another store: restore the one that was made with this database from the backup",
        file.display()
    ))
    .into())
}
