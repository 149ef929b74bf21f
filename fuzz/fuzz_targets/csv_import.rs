//! Any bytes, examined and read as a file of contacts.
//!
//! What must hold, whatever the bytes are: nothing panics; a file that was examined gives as many rows as
//! were counted, and as many of them rejected; each row stands behind the one before it; and a file that
//! nobody changed is never said to have changed.
//!
//! ```text
//! cd fuzz && sh run.sh csv_import 600
//! ```

#![no_main]

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use postroom_domain::field::standard_fields;
use postroom_import::{DateOrder, ImportFault, Options, Row, examine};

/// Memory that is a file system: the readings want a file that they can open twice.
const SHARED_MEMORY: &str = "/dev/shm";

thread_local! {
    static FILE: RefCell<Option<tempfile::NamedTempFile>> = const { RefCell::new(None) };
}

fuzz_target!(|bytes: &[u8]| {
    let path = written(bytes);
    // The first byte also chooses how the file is asked for, so that both ways are tried.
    let choice = bytes.first().copied().unwrap_or_default();
    let options = Options {
        encoding: (choice & 1 == 1).then(|| "windows-1250".to_owned()),
        clear_empty: choice & 2 == 2,
        date_order: (choice & 4 == 4).then_some(DateOrder::MonthFirst),
        ..Options::default()
    };
    for options in [options, Options::default()] {
        read(&path, &options);
    }
});

fn read(path: &Path, options: &Options) {
    let examined = match examine(path, options, &standard_fields()) {
        Ok(examined) => examined,
        Err(fault) => {
            assert!(!matches!(fault, ImportFault::Changed { .. }), "{fault}");
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let (mut rows, mut rejected, mut last) = (0, 0, 0);
    for row in examined.rows().expect("an examined file can be opened") {
        let line = match row.expect("an examined file can be read") {
            Row::Imported(row) => {
                assert_eq!(row.raw.len(), examined.columns.len());
                row.line
            }
            Row::Rejected(row) => {
                assert!(!row.reason.is_empty());
                rejected += 1;
                row.line
            }
        };
        assert!(line > last, "line {line} after line {last}");
        (rows, last) = (rows + 1, line);
    }
    assert_eq!((rows, rejected), (examined.rows, examined.ragged));
}

/// Puts the bytes into a file of this thread.
fn written(bytes: &[u8]) -> PathBuf {
    FILE.with_borrow_mut(|kept| {
        let file = kept.get_or_insert_with(|| {
            tempfile::Builder::new().tempfile_in(SHARED_MEMORY).expect("shared memory can be written to")
        });
        File::create(file.path()).and_then(|mut file| file.write_all(bytes)).expect("shared memory has room");
        file.path().to_owned()
    })
}
