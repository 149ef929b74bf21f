//! The note of a store that lies outside of its folder: one small file per store, in the folder where the system keeps
//! the state of programs.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use postroom_domain::instance::{Original, Outside, Place};
use postroom_store::instance::Witness;
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use crate::columns::hex;
use crate::failure::{Failure, Step};
use crate::folder;

/// Where Linux keeps a machine's name among all machines.
const MACHINE: &str = "/etc/machine-id";
/// What a machine's name is digested with: it is not to be handed on as it is.
const CONTEXT: &str = "postroom 2026-11 which machine a store is on";
/// How many bytes of the digest are kept: enough to tell machines apart.
const DIGEST_BYTES: usize = 16;
/// The folder of the notes in the folder of the program's state.
const NOTES: &str = "instances";

/// The witness of a store in a folder.
#[derive(Debug, Clone)]
pub struct FolderWitness {
    store: PathBuf,
    notes: PathBuf,
}

impl FolderWitness {
    /// The witness of the store in a folder. Its note lies in the folder of the program's state, unless the store
    /// knows of another place where it lay first.
    #[must_use]
    pub fn new(store: &Path, state: &Path) -> Self {
        Self { store: store.to_owned(), notes: state.join(NOTES) }
    }

    async fn aside<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Step<T> + Send + 'static,
    {
        let witness = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&witness).map_err(|failure| failure.while_doing(doing)));
        done.await.map_err(|error| StoreError::Failed { doing, cause: error.to_string() })?
    }
}

#[async_trait]
impl Witness for FolderWitness {
    async fn here(&self) -> Result<Place> {
        self.aside("find out where it is", |witness| {
            let folder = witness.store.canonicalize()?.to_string_lossy().into_owned();
            Ok(Place { machine: machine(Path::new(MACHINE))?, folder })
        })
        .await
    }

    async fn note(&self, instance: &str, kept_in: Option<&str>) -> Result<(String, Option<Outside>)> {
        let instance = name(instance)?;
        let kept_in = kept_in.map(PathBuf::from);
        self.aside("read the note that is kept of it", move |witness| {
            let places = kept_in.into_iter().chain([witness.notes.clone()]);
            for folder in places {
                if let Some(note) = read(&file(&folder, &instance))? {
                    return Ok((folder.to_string_lossy().into_owned(), Some(note)));
                }
            }
            Ok((witness.notes.to_string_lossy().into_owned(), None))
        })
        .await
    }

    async fn keep(&self, instance: &str, kept_in: &str, note: &Outside) -> Result<()> {
        let (instance, folder, note) = (name(instance)?, PathBuf::from(kept_in), note.clone());
        self.aside("keep the note of it", move |_| write(&folder, &instance, &note)).await
    }

    async fn original(&self, instance: &str, folder: &str) -> Result<Original> {
        let (instance, folder) = (instance.to_owned(), PathBuf::from(folder));
        self.aside("look where it was", move |witness| Ok(original(&witness.store, &instance, &folder))).await
    }
}

/// The name of a store, which becomes that of a file.
fn name(instance: &str) -> Result<String> {
    match Uuid::try_parse(instance) {
        Ok(instance) => Ok(instance.to_string()),
        Err(_) => Err(StoreError::Unusable(
            "the store's name among all stores is not one that this program gave it: restore its database from a backup"
                .to_owned(),
        )),
    }
}

/// This machine's name, digested; none where machines have none.
fn machine(file: &Path) -> Step<Option<String>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let name = text.trim();
    let digest = blake3::derive_key(CONTEXT, name.as_bytes());
    Ok((!name.is_empty()).then(|| hex(digest.get(..DIGEST_BYTES).unwrap_or(&digest))))
}

fn file(folder: &Path, instance: &str) -> PathBuf {
    folder.join(format!("{instance}.json"))
}

fn read(path: &Path) -> Step<Option<Outside>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    serde_json::from_str(&text).map(Some).map_err(|error| unreadable(path, &error))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    StoreError::Unusable(format!(
        "the note {} that is kept of this store can't be read ({error}): run this as the user who runs the others, or, if \
         the file is damaged, move it away",
        path.display()
    ))
    .into()
}

/// Writes a note so that whatever ends the program, the old one is there or the new one.
fn write(notes: &Path, instance: &str, note: &Outside) -> Step<()> {
    let is_new = !notes.is_dir();
    folder::make(notes)?;
    if is_new && let Some(parent) = notes.parent() {
        folder::sync(parent)?;
    }
    let unfinished = notes.join(format!("{instance}.new"));
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut text = serde_json::to_string(note)?;
    text.push('\n');
    folder::write_new(&unfinished, text.as_bytes())?;
    std::fs::rename(&unfinished, file(notes, instance))?;
    Ok(folder::sync(notes)?)
}

/// What is in a folder that is not the store's by its path.
fn original(store: &Path, instance: &str, named: &Path) -> Original {
    let there = match File::open(folder::database(named)).and_then(|file| file.metadata()) {
        Ok(there) => there,
        Err(error) if is_absent(&error) => return Original::Gone,
        // What can't be looked at may be there.
        Err(_) => return Original::Stands,
    };
    let is_this = std::fs::metadata(folder::database(store))
        .is_ok_and(|here| (here.dev(), here.ino()) == (there.dev(), there.ino()));
    if is_this {
        return Original::Same;
    }
    match instance_at(&folder::database(named)) {
        Ok(found) if found != instance => Original::Gone,
        _ => Original::Stands,
    }
}

/// The name of the store that a database is. Nothing of it is changed.
fn instance_at(database: &Path) -> rusqlite::Result<String> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.query_row("SELECT instance FROM workspace", [], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use postroom_domain::instance::Mark;

    use super::*;

    const INSTANCE: &str = "0197a3c0-0000-7000-8000-000000000001";

    fn note(number: u64) -> Outside {
        Outside { mark: Mark { number, nonce: "word".to_owned() }, folder: "/store".to_owned() }
    }

    #[tokio::test]
    async fn a_note_is_kept_where_it_lay_and_closed_to_others() {
        let home = tempfile::tempdir().unwrap();
        let first = FolderWitness::new(home.path(), &home.path().join("one"));
        let (kept_in, nothing) = first.note(INSTANCE, None).await.unwrap();
        assert_eq!(nothing, None);
        for number in [1, 2] {
            first.keep(INSTANCE, &kept_in, &note(number)).await.unwrap();
        }
        let file = Path::new(&kept_in).join(format!("{INSTANCE}.json"));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let other = FolderWitness::new(home.path(), &home.path().join("two"));
        assert_eq!(other.note(INSTANCE, Some(&kept_in)).await.unwrap(), (kept_in.clone(), Some(note(2))));
        assert_eq!(other.note(INSTANCE, Some("/nowhere")).await.unwrap().1, None);
        // What is left of a write that was cut short is in nobody's way.
        std::fs::write(Path::new(&kept_in).join(format!("{INSTANCE}.new")), "{").unwrap();
        first.keep(INSTANCE, &kept_in, &note(3)).await.unwrap();
        std::fs::write(&file, "{").unwrap();
        let error = first.note(INSTANCE, None).await.unwrap_err().to_string();
        assert!(error.contains("damaged"), "{error}");
    }

    #[tokio::test]
    async fn a_name_that_is_a_path_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let witness = FolderWitness::new(home.path(), home.path());
        assert!(witness.note("../../secret", None).await.is_err());
    }

    #[test]
    fn a_machine_is_told_by_a_digest_of_its_name() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("machine-id");
        assert_eq!(machine(&file).unwrap(), None);
        std::fs::write(&file, "\n").unwrap();
        assert_eq!(machine(&file).unwrap(), None);
        std::fs::write(&file, "b08dfa6083e7567a1921a715000001fb\n").unwrap();
        let digest = machine(&file).unwrap().unwrap();
        assert!(digest.len() == 2 * DIGEST_BYTES && !digest.contains("b08dfa60"), "{digest}");
    }
}
