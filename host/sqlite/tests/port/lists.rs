//! Lists and their entries, one by one.

use postroom_domain::order::Place;
use postroom_domain::segment::{Condition, parse};
use postroom_store::StoreError;
use postroom_store::contacts::{ContactUpsert, Written};
use postroom_store::lists::{EntryTrouble, ImportMode, ImportStore, ListStore};
use postroom_store::segments::SegmentStore;

use crate::fixture::{add, addresses, at, entries, home, import, rows, sequence, start, upsert, who, with_sync};

#[tokio::test]
async fn a_list_is_made_renamed_and_deleted() {
    let home = home();
    let store = &home.store;
    let made = store.create_list(" guests ", at(1)).await.unwrap();
    assert_eq!((made.name.as_str(), made.entries, made.created_at), ("guests", 0, at(1)));
    let taken = store.create_list("guests", at(1)).await;
    assert_eq!(taken.unwrap_err(), StoreError::Taken { kind: "list", name: "guests".into() });
    assert!(matches!(store.create_list("  ", at(1)).await, Err(StoreError::Refused(_))));
    store.create_list("staff", at(1)).await.unwrap();
    assert!(matches!(store.rename_list("guests", "staff", at(2)).await, Err(StoreError::Taken { .. })));
    store.rename_list("guests", "visitors", at(2)).await.unwrap();
    let names: Vec<_> = store.lists().await.unwrap().into_iter().map(|list| list.name).collect();
    assert_eq!(names, ["visitors", "staff"]);
    assert!(matches!(store.list("guests").await, Err(StoreError::NotFound { kind: "list", .. })));
    store.delete_list("visitors", at(3)).await.unwrap();
    assert_eq!(store.lists().await.unwrap().len(), 1);
}

#[tokio::test]
async fn d5_a_list_in_use_stays_and_says_by_what() {
    let (home, _) = with_sync(&["jana@example.cz"]).await;
    let error = home.store.delete_list("guests", at(5)).await.unwrap_err();
    assert_eq!(error.to_string(), "the list `guests` is used by the sync guests: remove it first");
    assert_eq!(home.store.list("guests").await.unwrap().syncs, ["guests"]);
    assert_eq!(home.store.list("guests").await.unwrap().entries, 1);
}

#[tokio::test]
async fn d5_all_that_uses_a_list_is_named_at_once() {
    let (home, _) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    for name in ["regulars", "others"] {
        store.save_segment(name, &parse(r#"on("guests")"#).unwrap().condition, at(4)).await.unwrap();
    }
    let error = store.delete_list("guests", at(5)).await.unwrap_err();
    let expected = "the list `guests` is used by the sync guests and the segments others, regulars: remove them first";
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn lists_stand_in_the_order_that_was_set_and_new_ones_come_last() {
    let home = home();
    let store = &home.store;
    let names = async || -> Vec<String> { store.lists().await.unwrap().into_iter().map(|list| list.name).collect() };
    for name in ["c", "a", "b"] {
        store.create_list(name, at(1)).await.unwrap();
    }
    store.save_segment("regulars", &Condition::Everyone, at(2)).await.unwrap();
    assert_eq!(names().await, ["c", "a", "b"]);
    store.move_list("b", &Place::First).await.unwrap();
    store.move_list("c", &Place::Last).await.unwrap();
    assert_eq!(names().await, ["b", "a", "c"]);
    store.move_list("c", &Place::Before("a".to_owned())).await.unwrap();
    import(store, &start("d", ImportMode::Add), rows(&[("jana@example.cz", "Jana")])).await;
    assert_eq!(names().await, ["b", "c", "a", "d"]);
    for (name, to) in [("regulars", Place::First), ("a", Place::Before("regulars".to_owned()))] {
        let refused = store.move_list(name, &to).await;
        assert!(matches!(refused, Err(StoreError::NotFound { kind: "list", .. })), "{refused:?}");
    }
    store.rename_list("c", "x", at(3)).await.unwrap();
    store.delete_list("b", at(3)).await.unwrap();
    assert_eq!(names().await, ["x", "a", "d"], "a new name is no new place");
}

#[tokio::test]
async fn entries_join_at_the_end_and_leave_by_contact_or_position() {
    let home = home();
    let store = &home.store;
    store.create_list("guests", at(1)).await.unwrap();
    for address in ["a@example.cz", "b@example.cz", "c@example.cz"] {
        add(store, address).await;
        assert!(store.add_entry("guests", &who(address), at(2)).await.unwrap());
    }
    let before = sequence(store).await;
    assert!(!store.add_entry("guests", &who("a@example.cz"), at(3)).await.unwrap());
    assert_eq!(sequence(store).await, before);
    let page = store.entries("guests", 1, 1).await.unwrap();
    assert_eq!((page[0].position, page[0].email.as_deref(), page[0].joined_at), (2, Some("b@example.cz"), at(2)));
    assert_eq!(store.remove_contact_entries("guests", &who("b@example.cz"), at(4)).await.unwrap(), 1);
    assert_eq!(store.remove_contact_entries("guests", &who("b@example.cz"), at(4)).await.unwrap(), 0);
    store.remove_entry("guests", 1, at(5)).await.unwrap();
    assert_eq!(sequence(store).await, before + 2);
    let missing = store.remove_entry("guests", 1, at(5)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: "entry", .. })));
    assert_eq!(addresses(store, "guests").await, ["c@example.cz"]);
    store.add_entry("guests", &who("a@example.cz"), at(6)).await.unwrap();
    assert_eq!(addresses(store, "guests").await, ["c@example.cz", "a@example.cz"]);
    let list = store.list("guests").await.unwrap();
    assert_eq!((list.entries, list.contacts), (2, 2));
}

/// A list with entries that are at fault: 2 and 4 have no address, 3 and 6 are of contacts that stand before.
const FAULTY: [(&str, &str); 6] = [
    ("a@example.cz", "A"),
    ("", "Nobody"),
    ("a@example.cz", "A again"),
    ("b(at)example.cz", "B"),
    ("c@example.cz", "C"),
    ("c@example.cz", "C again"),
];

#[tokio::test]
async fn a5_a6_the_entries_that_are_at_fault_are_found_page_by_page() {
    let home = home();
    let store = &home.store;
    import(store, &start("guests", ImportMode::Replace), rows(&FAULTY)).await;
    for (trouble, expected) in [(EntryTrouble::Invalid, [2, 4]), (EntryTrouble::Duplicate, [3, 6])] {
        let all = store.entries_in_trouble("guests", trouble, 0, 10).await.unwrap();
        assert_eq!(all.iter().map(|entry| entry.position).collect::<Vec<_>>(), expected, "{trouble:?}");
        let page = store.entries_in_trouble("guests", trouble, expected[0], 1).await.unwrap();
        assert_eq!(page, all[1..], "{trouble:?}");
    }
    let missing = store.entries_in_trouble("nothing", EntryTrouble::Invalid, 0, 10).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: "list", .. })));
}

#[tokio::test]
async fn a5_an_invalid_entry_gets_its_contact_and_keeps_its_place() {
    let home = home();
    let store = &home.store;
    import(store, &start("guests", ImportMode::Replace), rows(&FAULTY)).await;
    let before = entries(store, "guests").await;
    let correction = |address: &str| ContactUpsert { at: at(20), ..upsert(address, &[("firstname", "B")]) };
    let (contact, written) = store.correct_entry("guests", 4, &correction("b@example.cz")).await.unwrap();
    assert_eq!(written, Written::Created);
    let after = entries(store, "guests").await;
    assert_eq!((after[3].contact, after[3].fault.clone(), after[3].position), (Some(contact), None, 4));
    assert_eq!((&after[3].raw, after[3].joined_at), (&before[3].raw, before[3].joined_at));
    // A contact that stands before makes a duplicate of it.
    let (_, written) = store.correct_entry("guests", 2, &correction("a@example.cz")).await.unwrap();
    assert_eq!(written, Written::Updated);
    assert_eq!(entries(store, "guests").await[1].duplicate_of, Some(1));
    assert_eq!(store.entries_in_trouble("guests", EntryTrouble::Invalid, 0, 10).await.unwrap(), []);
    let number = sequence(store).await;
    let refused = store.correct_entry("guests", 4, &correction("d@example.cz")).await.unwrap_err();
    assert!(refused.to_string().contains("has a contact"), "{refused}");
    let missing = store.correct_entry("guests", 7, &correction("d@example.cz")).await;
    assert!(matches!(missing, Err(StoreError::NotFound { kind: "entry", .. })));
    assert_eq!(sequence(store).await, number, "what is refused makes no contact");
    // The mended file finds the entry where it stands.
    let mut mended = FAULTY;
    mended[1].0 = "a@example.cz";
    mended[3].0 = "b@example.cz";
    let (report, _) = import(store, &start("guests", ImportMode::Add), rows(&mended)).await;
    assert_eq!((report.counts.created, report.counts.invalid), (0, 0));
    assert_eq!(entries(store, "guests").await[3].contact, Some(contact));
}

#[tokio::test]
async fn a_correction_while_an_import_is_open_does_not_pass_for_what_the_file_has() {
    let home = home();
    let store = &home.store;
    let replace = start("guests", ImportMode::Replace);
    import(store, &replace, rows(&FAULTY)).await;
    let open = store.begin_import(&replace).await.unwrap().import;
    store.import_rows(open, rows(&FAULTY)).await.unwrap();
    store.correct_entry("guests", 4, &upsert("b@example.cz", &[])).await.unwrap();
    store.finish_import(open, at(21)).await.unwrap();
    // The file is the list again once it is imported again, whatever the open one made of the correction.
    let (report, _) = import(store, &replace, rows(&FAULTY)).await;
    assert_eq!(report.counts.invalid, 2);
    assert_eq!(
        addresses(store, "guests").await,
        ["a@example.cz", "||Nobody", "a@example.cz", "|b(at)example.cz|B", "c@example.cz", "c@example.cz"]
    );
}
