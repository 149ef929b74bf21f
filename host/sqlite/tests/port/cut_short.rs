//! Imports that are cut short and go on, and files that are the list already.

use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::ImportedRow;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::contacts::{ContactDetail, ContactQuery, ContactRef, ContactStore};
use postroom_store::lists::{Entry, ImportMode, ImportReport, ImportStart, ImportStore, ListStore, RefusedRow};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rusqlite::Connection;

use crate::fixture::{
    Home, add, addresses, at, entries, event, home, import, row, rows, sequence, start, upsert, who, with_consent,
};

/// Rows of every kind: new, known, later ones of a contact, equal ones, invalid ones, renamed, refused.
pub(crate) fn every_kind() -> Vec<ImportedRow> {
    vec![
        row(2, "", "a@example.cz", "Anna"),
        row(3, "", "b@example.cz", "Bob"),
        row(4, "", "A@example.cz", "Anna again"),
        row(5, "", "", "Nobody"),
        row(6, "", "b@example.cz", "Bob"),
        row(7, "", "", "Nobody"),
        row(8, "k1", "new@example.cz", "Key"),
        row(9, "k1", "other@example.cz", "Clash"),
        row(10, "k9", "old@example.cz", "Renamed"),
        row(11, "", "b@example.cz", "Bob"),
        row(12, "", "z@example.cz", "Last"),
    ]
}

/// A store in which some of them are known.
pub(crate) async fn furnished() -> Home {
    let home = home();
    let before = vec![
        row(2, "", "a@example.cz", "Anna"),
        row(3, "", "b@example.cz", "Bob before"),
        row(4, "k9", "ninth@example.cz", "Ninth"),
        row(5, "", "gone@example.cz", "Gone"),
    ];
    import(&home.store, &start("guests", ImportMode::Replace), before).await;
    let no = event(5, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    home.store.record_consent(&who("ninth@example.cz"), &no).await.unwrap();
    home
}

/// Everything that an import can change, in a form that two stores can be compared by: the hashes of
/// contacts are random.
pub(crate) async fn all(store: &SqliteStore) -> (Vec<ContactDetail>, Vec<Entry>, u64) {
    let query = ContactQuery { search: String::new(), after: None, limit: 1_000_000 };
    let mut details = Vec::new();
    for contact in store.contacts(&query).await.unwrap() {
        let mut detail = store.contact(&ContactRef::Id(contact.id)).await.unwrap().unwrap();
        detail.contact.hash.clear();
        details.push(detail);
    }
    let entries = store.entries("guests", 0, 1_000_000).await.unwrap();
    (details, entries, sequence(store).await)
}

/// Takes an import to its end, from wherever it stands; answers also with the rows that were refused.
pub(crate) async fn go_on(
    store: &SqliteStore,
    start: &ImportStart,
    file: &[ImportedRow],
) -> (ImportReport, Vec<RefusedRow>, u64) {
    let begun = store.begin_import(start).await.unwrap();
    let done = usize::try_from(begun.done).unwrap();
    let last_line = if done == 0 { 0 } else { file[done - 1].line };
    let mut refused = store.refused_rows(begun.import, 0..=last_line).await.unwrap();
    for chunk in file[done..].chunks(3) {
        refused.extend(store.import_rows(begun.import, chunk.to_vec()).await.unwrap());
    }
    (store.finish_import(begun.import, at(12)).await.unwrap(), refused, begun.done)
}

#[tokio::test]
async fn an_import_that_was_cut_short_after_any_row_ends_as_if_it_had_not_been() {
    for mode in [ImportMode::Add, ImportMode::Replace] {
        let start = with_consent(start("guests", mode));
        let whole = furnished().await;
        let (report, refused, _) = go_on(&whole.store, &start, &every_kind()).await;
        assert_eq!(refused.iter().map(|row| row.line).collect::<Vec<_>>(), [9]);
        let expected = all(&whole.store).await;
        for cut in 0..=every_kind().len() {
            let home = furnished().await;
            let begun = home.store.begin_import(&start).await.unwrap();
            home.store.import_rows(begun.import, every_kind()[..cut].to_vec()).await.unwrap();
            drop(home.store);
            let store = SqliteStore::open(home.folder.path(), Access::Write { verb: "import" }).unwrap();
            let later = ImportStart { at: at(99), ..start.clone() };
            let (again, refused_again, done) = go_on(&store, &later, &every_kind()).await;
            assert_eq!(done, cut as u64);
            assert_eq!((&again, &refused_again), (&report, &refused), "{mode:?}, cut after {cut} rows");
            assert_eq!(all(&store).await, expected, "{mode:?}, cut after {cut} rows");
            let (twice, ..) = go_on(&store, &later, &every_kind()).await;
            assert_eq!((twice.counts.joined, twice.counts.left, twice.counts.updated), (0, 0, 0), "{mode:?}, {cut}");
        }
    }
}

#[tokio::test]
async fn only_the_same_import_is_taken_up_and_only_once_nobody_is_at_it() {
    let first = with_consent(start("guests", ImportMode::Replace));
    let others = [
        ImportStart { digest: "01".to_owned(), ..first.clone() },
        ImportStart { reading: "otherwise".to_owned(), ..first.clone() },
        ImportStart { mode: ImportMode::Add, ..first.clone() },
        ImportStart { consent: None, ..first.clone() },
        ImportStart { believes_file: true, ..first.clone() },
        ImportStart { file: "another.csv".to_owned(), ..first.clone() },
    ];
    for other in others {
        let home = home();
        let begun = home.store.begin_import(&first).await.unwrap();
        home.store.import_rows(begun.import, rows(&[("a@example.cz", "A")])).await.unwrap();
        let beside = home.store.begin_import(&first).await.unwrap();
        assert_eq!(beside.done, 0, "the other one is under way in this process");
        assert!(home.store.import_rows(begun.import, rows(&[("b@example.cz", "B")])).await.is_err());
        home.store.import_rows(beside.import, rows(&[("a@example.cz", "A")])).await.unwrap();
        drop(home.store);
        let store = SqliteStore::open(home.folder.path(), Access::Write { verb: "import" }).unwrap();
        assert_eq!(store.begin_import(&other).await.unwrap().done, 0, "{other:?}");
        drop(store);
        let store = SqliteStore::open(home.folder.path(), Access::Write { verb: "import" }).unwrap();
        assert_eq!(store.begin_import(&first).await.unwrap().done, 0, "it was cleared away");
        assert!(store.lists().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_an_import_knew_of_its_rows_goes_with_it() {
    let home = home();
    for list in ["guests", "others"] {
        let begun = home.store.begin_import(&start(list, ImportMode::Replace)).await.unwrap();
        home.store.import_rows(begun.import, every_kind()).await.unwrap();
        if list == "guests" {
            home.store.finish_import(begun.import, at(12)).await.unwrap();
        } else {
            home.store.abandon_import(begun.import).await.unwrap();
        }
    }
    let tables = Connection::open(home.folder.path().join("postroom.db")).unwrap();
    for table in ["import_seen", "import_repeats", "import_refused"] {
        let rows: u64 = tables.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{table}");
    }
}

#[tokio::test]
async fn any_file_takes_the_place_of_any_other() {
    let home = home();
    let store = &home.store;
    let mut random = StdRng::seed_from_u64(7);
    let people = ["a@example.cz", "b@example.cz", "c@example.cz", "d@example.cz", "", "no address"];
    let mut before: Vec<Vec<String>> = Vec::new();
    for round in 0..120 {
        // Mostly the file of before, with a change somewhere: the prefix that agrees is of any length.
        let mut names: Vec<(String, String)> = before.iter().map(|raw| (raw[1].clone(), raw[2].clone())).collect();
        for _ in 0..random.random_range(0..3) {
            let place = random.random_range(0..=names.len());
            match random.random_range(0..3) {
                0 if !names.is_empty() => drop(names.remove(place.min(names.len() - 1))),
                1 => names.truncate(place),
                _ => {
                    let person = people[random.random_range(0..people.len())].to_owned();
                    names.insert(place, (person, format!("Name {}", random.random_range(0..2))));
                }
            }
        }
        let people: Vec<(&str, &str)> = names.iter().map(|(email, name)| (email.as_str(), name.as_str())).collect();
        let file = rows(&people);
        let mut after: Vec<Vec<String>> = file.iter().map(|row| row.raw.clone()).collect();
        let begun = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap();
        for chunk in file.chunks(2) {
            store.import_rows(begun.import, chunk.to_vec()).await.unwrap();
        }
        let preview = store.preview_import(begun.import).await.unwrap();
        let number = sequence(store).await;
        let report = store.finish_import(begun.import, at(12)).await.unwrap();
        assert_eq!(preview, report, "round {round}");
        let shown = entries(store, "guests").await;
        assert_eq!(shown.iter().map(|entry| entry.raw.clone()).collect::<Vec<_>>(), after, "round {round}");
        assert_eq!(sequence(store).await == number, before == after, "round {round}");
        let counts = report.counts;
        assert_eq!(before.len() as u64 + counts.joined - counts.left, after.len() as u64, "round {round}");
        std::mem::swap(&mut before, &mut after);
    }
}

#[tokio::test]
async fn an_entry_that_is_taken_off_by_hand_while_its_file_is_read_again_comes_back_with_the_file() {
    let home = home();
    let store = &home.store;
    let people = rows(&[("a@example.cz", "A"), ("b@example.cz", "B"), ("b@example.cz", "B too"), ("", "Nobody")]);
    import(store, &start("guests", ImportMode::Replace), people.clone()).await;
    let before = entries(store, "guests").await;
    let begun = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap();
    store.import_rows(begun.import, people.clone()).await.unwrap();
    store.remove_contact_entries("guests", &who("b@example.cz"), at(11)).await.unwrap();
    store.remove_entry("guests", 4, at(11)).await.unwrap();
    assert_eq!(addresses(store, "guests").await, ["a@example.cz"]);
    let preview = store.preview_import(begun.import).await.unwrap();
    assert_eq!((preview.counts.joined, preview.counts.left), (3, 0));
    assert_eq!(store.finish_import(begun.import, at(12)).await.unwrap(), preview);
    let after = entries(store, "guests").await;
    let told = |entries: &[Entry]| entries.iter().map(|e| (e.position, e.raw.clone(), e.contact)).collect::<Vec<_>>();
    assert_eq!(told(&after), told(&before));
}

#[tokio::test]
async fn a_contact_that_is_deleted_while_its_file_is_read_again_is_not_shown_by_it() {
    let home = home();
    let store = &home.store;
    let people = rows(&[("a@example.cz", "A"), ("b@example.cz", "B"), ("c@example.cz", "C")]);
    import(store, &start("guests", ImportMode::Replace), people.clone()).await;
    let begun = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap();
    store.import_rows(begun.import, people.clone()).await.unwrap();
    store.delete_contact(&who("b@example.cz"), at(11)).await.unwrap();
    store.finish_import(begun.import, at(12)).await.unwrap();
    assert_eq!(addresses(store, "guests").await, ["a@example.cz", "c@example.cz"]);
    let (report, _) = import(store, &start("guests", ImportMode::Replace), people).await;
    assert_eq!((report.counts.joined, report.counts.created), (1, 1));
    assert_eq!(addresses(store, "guests").await, ["a@example.cz", "b@example.cz", "c@example.cz"]);
}

#[tokio::test]
async fn a_file_that_is_the_list_brings_its_contacts_up_to_date() {
    let home = home();
    let store = &home.store;
    let people = rows(&[("a@example.cz", "A"), ("b@example.cz", "B"), ("c@example.cz", "C")]);
    import(store, &start("guests", ImportMode::Replace), people.clone()).await;
    store.upsert_contact(&upsert("b@example.cz", &[("firstname", "By hand"), ("lastname", "Kept")])).await.unwrap();
    let (report, _) = import(store, &with_consent(start("guests", ImportMode::Replace)), people).await;
    assert_eq!((report.counts.updated, report.counts.unchanged, report.counts.consent_recorded), (1, 2, 3));
    let b = store.contact(&who("b@example.cz")).await.unwrap().unwrap();
    let fields = serde_json::json!({"firstname": "B", "lastname": "Kept"});
    assert_eq!(serde_json::to_value(&b.contact.fields).unwrap(), fields);
    assert_eq!(b.consent_history.len(), 1);
}

#[tokio::test]
async fn a_rename_in_the_middle_of_a_file_is_seen_by_the_rows_behind_it() {
    let home = home();
    let store = &home.store;
    let before =
        vec![row(2, "1", "a@example.cz", "A"), row(3, "2", "b@example.cz", "B"), row(4, "3", "c@example.cz", "C")];
    import(store, &start("guests", ImportMode::Replace), before).await;
    // The second takes another address; the third takes the one that it gave up.
    let after =
        vec![row(2, "1", "a@example.cz", "A"), row(3, "2", "x@example.cz", "B"), row(4, "3", "b@example.cz", "C")];
    let (report, refused) = import(store, &start("guests", ImportMode::Replace), after).await;
    assert_eq!((refused.len(), report.counts.renamed), (0, 2));
    assert_eq!(addresses(store, "guests").await, ["a@example.cz", "x@example.cz", "b@example.cz"]);
}

#[tokio::test]
async fn many_rows_are_written_in_units_and_their_contacts_tell_what_moved() {
    let home = home();
    let store = &home.store;
    add(store, "before@example.cz").await;
    let number = sequence(store).await;
    let people = (0..17_000).map(|n| row(n + 2, "", &format!("c{n}@example.cz"), "X")).collect();
    let begun = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap();
    store.import_rows(begun.import, people).await.unwrap();
    let tables = Connection::open(home.folder.path().join("postroom.db")).unwrap();
    let one = |sql: &str| tables.query_row(sql, [number], |row| row.get::<_, u64>(0)).unwrap();
    assert!(one("SELECT count(*) FROM import_seen WHERE ?1 >= 0") >= 2, "a unit takes 16,000 rows at most");
    assert_eq!(one("SELECT count(*) FROM contacts WHERE seq > ?"), 17_000);
    assert_eq!(one("SELECT count(DISTINCT seq) FROM contacts WHERE seq > ?"), 17_000);
    assert_eq!(one("SELECT count(*) FROM changes WHERE seq > ?"), 0);
    let plan: String = tables
        .query_row("EXPLAIN QUERY PLAN SELECT id FROM contacts WHERE seq > ?", [number], |row| row.get(3))
        .unwrap();
    assert!(plan.contains("contacts_by_seq"), "{plan}");
}

#[tokio::test]
async fn batches_that_are_handed_over_together_are_written_in_their_order() {
    let home = home();
    let store = &home.store;
    let begun = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap();
    // The first is by far the longest to get ready.
    let people: Vec<_> = (0..900).map(|n| row(n + 2, "", &format!("c{n}@example.cz"), "X")).collect();
    let (first, rest) = people.split_at(800);
    let (second, third) = rest.split_at(50);
    let (a, b, c) = tokio::join!(
        biased;
        store.import_rows(begun.import, first.to_vec()),
        store.import_rows(begun.import, second.to_vec()),
        store.import_rows(begun.import, third.to_vec()),
    );
    assert!([a, b, c].into_iter().all(|refused| refused.unwrap().is_empty()));
    let report = store.finish_import(begun.import, at(12)).await.unwrap();
    assert_eq!((report.counts.created, report.counts.joined), (900, 900));
    let expected: Vec<String> = (0..900).map(|n| format!("c{n}@example.cz")).collect();
    assert_eq!(addresses(store, "guests").await, expected);
}
