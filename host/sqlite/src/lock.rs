//! The lock that lets one process write. Readers don't take it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use postroom_store::StoreError;

use crate::failure::Step;
use crate::folder;

/// A held lock. It ends with this value, and with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a store's folder and writes into it who has it.
    pub(crate) fn take(folder: &Path, verb: &str) -> Step<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(folder::FILE_MODE)
            .open(folder::lock(folder))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{} {verb}", std::process::id())?;
                Ok(Self { file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                let (pid, verb) = holder.trim().split_once(' ').unwrap_or((holder.trim(), "(starting)"));
                Err(StoreError::Held {
                    path: folder.display().to_string(),
                    // A holder that has not written its number yet has none to show.
                    pid: pid.parse().unwrap_or(0),
                    verb: verb.to_owned(),
                }
                .into())
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What stands in a lock that nobody holds means nothing; emptying it only spares confusion.
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "the lock file could not be emptied");
        }
        // Closing the file is not enough: a child that is just being started holds a copy of it until its program runs.
        if let Err(error) = self.file.unlock() {
            tracing::warn!(%error, "the lock of the store could not be given back before its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_value_though_a_copy_of_its_file_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path(), "first").unwrap();
        let _childs = lock.file.try_clone().unwrap();
        drop(lock);
        Lock::take(folder.path(), "second").unwrap();
    }
}
