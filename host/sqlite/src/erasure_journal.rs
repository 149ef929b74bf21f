//! The journal of erasures, a file beside the database.
//!
//! Whoever restores an older database brings erased people back. The journal does not go back with it: each
//! erasure is written down here, and is on disk, before the database commits it; and whoever opens the
//! store does again what the database does not know of. A line holds no personal data: the contact's
//! public hash and the keyed digests of its addresses.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::Step;
use crate::folder;

/// One erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The contact's public hash, in hexadecimal.
    pub(crate) contact: String,
    /// The digests of its addresses, in hexadecimal.
    pub(crate) addresses: Vec<String>,
    /// Those of addresses that it had before and nobody had when it was erased. In an older database somebody may.
    #[serde(default)]
    pub(crate) former: Vec<String>,
    /// When it was erased, in microseconds.
    pub(crate) at: i64,
}

/// Writes an erasure down, and answers when it is on disk.
pub(crate) fn append(store: &Path, line: &Line) -> Step<()> {
    let path = folder::erasures(store);
    let is_new = !path.exists();
    let mut file = OpenOptions::new().create(true).append(true).mode(folder::FILE_MODE).open(&path)?;
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if is_new {
        folder::sync(store)?;
    }
    Ok(())
}

/// Every erasure that was written down. A line that a crash cut short was never committed: it is taken
/// off, so that the next one begins anew.
pub(crate) fn read(store: &Path) -> Step<Vec<Line>> {
    let path = folder::erasures(store);
    let mut text = String::new();
    match File::open(&path) {
        Ok(mut file) => file.read_to_string(&mut text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        let file = OpenOptions::new().write(true).open(&path)?;
        file.set_len(u64::try_from(whole)?)?;
        file.sync_all()?;
    }
    text.lines().take(text.matches('\n').count()).map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: i64) -> Line {
        Line { contact: "00".repeat(16), addresses: vec!["11".repeat(16)], former: Vec::new(), at }
    }

    #[test]
    fn a_line_that_was_cut_short_is_taken_off() {
        let store = tempfile::tempdir().unwrap();
        assert_eq!(read(store.path()).unwrap(), []);
        append(store.path(), &line(1)).unwrap();
        let path = folder::erasures(store.path());
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"contact\":\"0").unwrap();
        assert_eq!(read(store.path()).unwrap(), [line(1)]);
        append(store.path(), &line(2)).unwrap();
        assert_eq!(read(store.path()).unwrap(), [line(1), line(2)]);
    }
}
