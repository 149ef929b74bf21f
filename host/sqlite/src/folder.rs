//! The folder of a store: which files are in it, and who may read them.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Only the owner enters the folder.
pub(crate) const FOLDER_MODE: u32 = 0o700;
/// Only the owner reads and writes a file.
pub(crate) const FILE_MODE: u32 = 0o600;

/// The database.
pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("postroom.db")
}

/// A database that is being created and is none yet.
pub(crate) fn unfinished_database(folder: &Path) -> PathBuf {
    folder.join("postroom.db.new")
}

/// The log of the database.
pub(crate) fn log(folder: &Path) -> PathBuf {
    folder.join("postroom.db-wal")
}

/// The key that opens the secrets.
pub(crate) fn key(folder: &Path) -> PathBuf {
    folder.join("secret.key")
}

/// The journal of erasures.
pub(crate) fn erasures(folder: &Path) -> PathBuf {
    folder.join("erasures.journal")
}

/// The writer's lock.
pub(crate) fn lock(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// The components of installed plugins.
pub(crate) fn plugins(folder: &Path) -> PathBuf {
    folder.join("plugins")
}

/// Makes a folder for its owner alone, or makes an existing one so.
pub(crate) fn make(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
}

/// Writes a file that must not be there yet, for its owner alone, down to the disk.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut handle = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(file)?;
    handle.write_all(bytes)?;
    handle.sync_all()
}

/// Brings a folder's names down to the disk.
pub(crate) fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}
