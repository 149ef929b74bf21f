//! A rehearsal says of every row what the import then does with it: random files over random stores, in a
//! world so small that addresses and keys meet in every way.

use postroom_domain::contact::ImportedRow;
use postroom_domain::meeting::{Meeting, Rehearsal};
use postroom_sqlite::SqliteStore;
use postroom_store::erasure::ErasureStore;
use postroom_store::lists::{ImportMode, ImportStore, RefusedRow, RowNames};
use proptest::prelude::*;

use crate::fixture::{add, at, home, import, row, start, who};

/// Addresses and keys: few enough to meet.
const ADDRESSES: [&str; 6] =
    ["a@example.cz", "b@example.cz", "c@example.cz", "d@example.cz", "erased@example.cz", "no address"];
const KEYS: [&str; 4] = ["", "A", "B", "C"];

/// How many files are compared: each has a store of its own, which is a tenth of a second on an idle machine.
const FILES: u32 = 24;

/// What became of the rows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Became {
    created: u64,
    known: u64,
    duplicate: u64,
    invalid: u64,
    refused: Vec<(u64, String)>,
}

fn refusals(refused: Vec<RefusedRow>) -> Vec<(u64, String)> {
    refused.into_iter().map(|row| (row.line, row.reason)).collect()
}

async fn rehearse(store: &SqliteStore, rows: &[ImportedRow]) -> Became {
    let named = rows
        .iter()
        .filter_map(|row| Some(RowNames { email: row.address.clone().ok()?, external_id: row.external_id.clone() }));
    let mut known = store.acquaintances(named.collect()).await.unwrap().into_iter();
    let (mut rehearsal, mut became) = (Rehearsal::default(), Became::default());
    for row in rows {
        let Ok(email) = &row.address else {
            became.invalid += 1;
            continue;
        };
        match rehearsal.take(email, row.external_id.as_deref(), &known.next().unwrap()) {
            Meeting::New => became.created += 1,
            Meeting::First(()) => became.known += 1,
            Meeting::Again(()) => became.duplicate += 1,
            Meeting::Refused(refusal) => became.refused.push((row.line, refusal.reason().to_owned())),
        }
    }
    became
}

fn file() -> impl Strategy<Value = Vec<ImportedRow>> {
    let names = (0..ADDRESSES.len(), 0..KEYS.len());
    proptest::collection::vec(names, 0..12).prop_map(|rows| {
        (2..).zip(rows).map(|(line, (address, key))| row(line, KEYS[key], ADDRESSES[address], "Jana")).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(FILES))]

    #[test]
    fn a_dry_run_says_what_the_import_does(before in file(), rows in file()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (said, done) = runtime.block_on(async {
            let home = home();
            let store = &home.store;
            add(store, "erased@example.cz").await;
            store.erase_contact(&who("erased@example.cz"), at(2)).await.unwrap();
            import(store, &start("guests", ImportMode::Replace), before).await;
            let said = rehearse(store, &rows).await;
            let (report, refused) = import(store, &start("guests", ImportMode::Add), rows).await;
            let counts = report.counts;
            let done = Became {
                created: counts.created,
                known: counts.updated + counts.unchanged,
                duplicate: counts.duplicate,
                invalid: counts.invalid,
                refused: refusals(refused),
            };
            (said, done)
        });
        prop_assert_eq!(said, done);
    }
}
