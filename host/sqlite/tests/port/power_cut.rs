//! A power cut in the middle of an import. Its units do not wait for the disk, so that a cut may take the last of them.
//!
//! The log is written from its beginning on, and each transaction in it ends with a frame that says so. A cut is played by
//! a copy of the files whose log ends behind any of these frames, with half of the next after it.

use std::collections::BTreeSet;

use postroom_sqlite::{Access, SqliteStore};
use postroom_store::lists::{ImportMode, ImportStore};
use rusqlite::Connection;

use crate::cut_short::{all, every_kind, furnished, go_on};
use crate::fixture::{start, with_consent};

/// What stands before the first frame of a log, in bytes.
const HEADER: usize = 32;
/// A frame: its own header, and a page.
const FRAME: usize = 24 + 4_096;

/// Where the transactions of a log end, behind those that end by `from`.
fn ends(log: &[u8], from: usize) -> Vec<usize> {
    let frames = log[HEADER..].chunks_exact(FRAME).enumerate();
    // The last frame of a transaction tells how many pages the database has after it; the others tell none.
    let last = frames.filter(|(_, frame)| frame[4..8] != [0; 4]);
    last.map(|(place, _)| HEADER + (place + 1) * FRAME).filter(|end| *end > from).collect()
}

#[tokio::test]
async fn invariant_1_an_import_goes_on_behind_what_a_power_cut_left_of_it() {
    const LOG: &str = "postroom.db-wal";
    let start = with_consent(start("guests", ImportMode::Replace));
    let whole = furnished().await;
    go_on(&whole.store, &start, &every_kind()).await;
    let expected = all(&whole.store).await;

    let home = furnished().await.reopened();
    let of = |name: &str| home.folder.path().join(name);
    // As long as somebody reads what was there before, the log is neither moved nor begun anew.
    let reader = Connection::open(of("postroom.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM contacts").unwrap();
    let before = std::fs::read(of(LOG)).unwrap().len();
    let begun = home.store.begin_import(&start).await.unwrap();
    for unit in every_kind().chunks(2) {
        home.store.import_rows(begun.import, unit.to_vec()).await.unwrap();
    }
    let log = std::fs::read(of(LOG)).unwrap();

    let mut done = BTreeSet::new();
    for end in ends(&log, before) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["postroom.db", "secret.key"] {
            std::fs::copy(of(name), folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join(LOG), &log[..log.len().min(end + FRAME / 2)]).unwrap();
        let store = SqliteStore::open(folder.path(), Access::Write { verb: "import" }).unwrap();
        let (.., rows_done) = go_on(&store, &start, &every_kind()).await;
        assert!(done.last().is_none_or(|before| *before <= rows_done), "a longer log holds more");
        done.insert(rows_done);
        assert_eq!(all(&store).await, expected, "cut after {rows_done} rows");
    }
    assert_eq!(done, BTreeSet::from([0, 2, 4, 6, 8, 10, 11]));
}
