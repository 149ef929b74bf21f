//! Imports whose process is killed at any moment: at the end the store is as if it had not been.
//!
//! The child is this very test program, called with the name of one test that does nothing otherwise.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postroom_domain::contact::ImportedRow;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::contacts::{Contact, ContactQuery, ContactRef, ContactStore};
use postroom_store::lists::{ImportCounts, ImportMode, ImportReport, ImportStart, ImportStore, ListStore, RefusedRow};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::fixture::{at, home, row, sequence, start, with_consent};

/// Names the folder of the store to the child.
const FOLDER: &str = "POSTROOM_KILLED_FOLDER";
/// Names the seed of the file, its mode and its size to the child.
const FILE: &str = "POSTROOM_KILLED_FILE";
/// Between two looks at a child that is at work.
const GLANCE: Duration = Duration::from_millis(1);
/// Rows that the child hands over at a time: enough that contacts are made ahead of their rows.
const BATCH: usize = 4_200;

/// A file, by what it is made from.
#[derive(Debug, Clone, Copy)]
struct File {
    seed: u64,
    rows: u64,
    mode: ImportMode,
    keyed: bool,
}

impl File {
    fn told(self) -> String {
        let (mode, keyed) = (u8::from(self.mode == ImportMode::Add), u8::from(self.keyed));
        format!("{} {} {mode} {keyed}", self.seed, self.rows)
    }

    fn heard(text: &str) -> Self {
        let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
        let [seed, rows, mode, keyed] = numbers.try_into().unwrap();
        let mode = if mode == 1 { ImportMode::Add } else { ImportMode::Replace };
        Self { seed, rows, mode, keyed: keyed == 1 }
    }

    /// The rows: most of them the same in every file, some changed, some twice, some without an address,
    /// some refused.
    fn rows(self) -> Vec<ImportedRow> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let changed_from = random.random_range(0..self.rows * 2);
        let mut rows = Vec::new();
        for number in 0..self.rows {
            let line = number + 2;
            let person = match random.random_range(0..40) {
                0 => random.random_range(0..self.rows),
                _ => number,
            };
            let address = match number % 97 {
                13 => String::new(),
                14 => format!("no address {}", number / 500),
                _ => format!("c{person}@example.cz"),
            };
            let name = if number >= changed_from { format!("{}", self.seed) } else { "As ever".to_owned() };
            let key = if self.keyed && number % 3 == 0 { format!("k{person}") } else { String::new() };
            rows.push(row(line, &key, &address, &name));
        }
        rows
    }

    fn start(self) -> ImportStart {
        let digest = format!("{} {}", self.seed, self.keyed);
        with_consent(ImportStart { digest, ..start("guests", self.mode) })
    }
}

/// Imports a file, going on where the last attempt stopped, and answers with what it says at the end.
async fn import(store: &SqliteStore, file: File) -> (ImportReport, Vec<RefusedRow>) {
    let rows = file.rows();
    let begun = store.begin_import(&file.start()).await.unwrap();
    let mut refused = store.refused_rows(begun.import, 0..=u64::from(u32::MAX)).await.unwrap();
    for batch in rows[usize::try_from(begun.done).unwrap()..].chunks(BATCH) {
        refused.extend(store.import_rows(begun.import, batch.to_vec()).await.unwrap());
    }
    (store.finish_import(begun.import, at(12)).await.unwrap(), refused)
}

fn said(report: &(ImportReport, Vec<RefusedRow>)) -> String {
    serde_json::to_string(report).unwrap()
}

/// The last words of a child, beside the store.
fn words(folder: &Path) -> PathBuf {
    folder.join("said.json")
}

#[tokio::test]
#[ignore = "the process that the other tests of this module start and kill"]
async fn child() {
    let (Some(folder), Ok(file)) = (std::env::var_os(FOLDER).map(PathBuf::from), std::env::var(FILE)) else { return };
    let store = SqliteStore::open(&folder, Access::Write { verb: "import" }).unwrap();
    let report = import(&store, File::heard(&file)).await;
    std::fs::write(words(&folder), said(&report)).unwrap();
}

/// The sums with which the first import of a file has ended in a store.
fn finished(folder: &Path, file: File) -> ImportCounts {
    let tables = rusqlite::Connection::open(folder.join("postroom.db")).unwrap();
    let counts: String = tables
        .query_row(
            "SELECT counts FROM imports WHERE state = 'finished' AND digest = ? ORDER BY id LIMIT 1",
            [file.start().digest],
            |row| row.get(0),
        )
        .unwrap();
    serde_json::from_str(&counts).unwrap()
}

fn spawn(folder: &Path, file: File) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--ignored"])
        .env(FOLDER, folder)
        .env(FILE, file.told())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child work for so long; answers whether it had to be killed.
fn kill_after(folder: &Path, file: File, patience: Duration) -> bool {
    let begin = Instant::now();
    let mut child = spawn(folder, file);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the import failed by itself: {file:?}");
            return false;
        }
        if begin.elapsed() >= patience {
            child.kill().unwrap();
            return child.wait().unwrap().code().is_none();
        }
        std::thread::sleep(GLANCE);
    }
}

/// All that can be told of a store whose contacts were made in another order: contacts by address with
/// their history, entries in their order with the addresses of their contacts.
async fn told(store: &SqliteStore) -> (Vec<String>, Vec<String>, u64) {
    let query = ContactQuery { search: String::new(), after: None, limit: 1_000_000 };
    let mut contacts = Vec::new();
    for contact in store.contacts(&query).await.unwrap() {
        let history = store.contact(&ContactRef::Id(contact.id)).await.unwrap().unwrap().consent_history;
        let Contact { email, external_id, fields, consent, .. } = contact;
        contacts.push(format!("{email} {external_id:?} {fields:?} {consent} {history:?}"));
    }
    contacts.sort_unstable();
    let entries = store.entries("guests", 0, 1_000_000).await.unwrap();
    let entries = entries.iter().map(|entry| {
        format!("{} {:?} {:?} {:?} {:?}", entry.position, entry.email, entry.fault, entry.duplicate_of, entry.raw)
    });
    (contacts, entries.collect(), sequence(store).await)
}

/// Imports file after file, each killed until it gets through, until that many kills have happened; after
/// each file the store is what it is without a kill.
#[allow(clippy::print_stdout, reason = "the seed is what replays a failure")]
async fn killed(seed: u64, rows: u64, kills: u32) {
    println!("seed {seed}, {rows} rows, {kills} kills");
    let mut random = StdRng::seed_from_u64(seed);
    let (undisturbed, disturbed) = (home(), home());
    let folder = disturbed.folder.path().to_owned();
    drop(disturbed.store);
    let (mut done, mut files, mut ends) = (0, 0, 0);
    while done < kills {
        files += 1;
        let mode = if random.random_bool(0.3) { ImportMode::Add } else { ImportMode::Replace };
        let file = File { seed: random.random(), rows, mode, keyed: random.random_bool(0.3) };
        let begin = Instant::now();
        let expected = import(&undisturbed.store, file).await;
        // Starting the process takes its time, too: without it no child would get far.
        let span = begin.elapsed() + Duration::from_millis(50);
        while kill_after(&folder, file, span.mul_f64(random.random_range(0.0..1.2))) {
            done += 1;
        }
        assert_eq!(finished(&folder, file), expected.0.counts, "file {files}: {file:?}");
        // Who is killed after the end and before its last words leaves them to the next, which finds the
        // file imported.
        let words = std::fs::read_to_string(words(&folder)).unwrap();
        let is_end = words.contains(&serde_json::to_string(&expected.0.counts).unwrap());
        assert!(!is_end || words == said(&expected), "file {files}: {file:?}: {words}");
        ends += u32::from(is_end);
        let store = SqliteStore::open(&folder, Access::Read).unwrap();
        let (contacts, entries, number) = told(&store).await;
        let (contacts_expected, entries_expected, number_expected) = told(&undisturbed.store).await;
        assert!(contacts == contacts_expected, "the contacts of file {files} differ: {file:?}");
        assert!(entries == entries_expected, "the entries of file {files} differ: {file:?}");
        assert_eq!(number, number_expected, "file {files}: {file:?}");
    }
    println!("{done} kills over {files} files; {ends} gave their whole answer");
}

#[tokio::test]
async fn an_import_that_is_killed_at_any_moment_goes_on_without_a_trace() {
    killed(1, 4_500, 3).await;
}

/// The same for longer:
///
/// ```sh
/// cargo test --release -p postroom-sqlite --test port -- --ignored --nocapture killed::fifty
/// ```
#[tokio::test]
#[ignore = "fifty kills take minutes: `cargo test --release -p postroom-sqlite --test port -- --ignored fifty`"]
async fn fifty_kills_leave_no_trace() {
    let seed = std::env::var("POSTROOM_SEED").map_or(1, |seed| seed.parse().unwrap());
    killed(seed, 12_000, 50).await;
}
