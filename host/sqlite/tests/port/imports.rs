//! Imports: what the rows of a file do to contacts, to consent and to a list.

use postroom_domain::consent::{ConsentAct, ConsentSource, ConsentState};
use postroom_domain::contact::EntryFault;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::contacts::{ContactRef, ContactStore};
use postroom_store::lists::{ImportCounts, ImportMode, ImportStart, ImportStore, ListStore};

use crate::fixture::{
    add, addresses, at, email, entries, event, home, import, row, rows, sequence, start, upsert, who, with_consent,
};

const FILE: &[(&str, &str)] = &[
    ("a@example.cz", "Anna"),
    ("b@example.cz", "Bob"),
    ("A@example.cz", "Anna again"),
    ("", "Nobody"),
    ("not an address", "Nobody else"),
    ("", "Nobody"),
];

#[tokio::test]
async fn a5_a6_every_row_becomes_an_entry_and_the_first_of_a_contact_speaks() {
    let home = home();
    let store = &home.store;
    let (report, refused) = import(store, &start("guests", ImportMode::Replace), rows(FILE)).await;
    assert_eq!(refused, []);
    let counts = ImportCounts { rows: 6, created: 2, duplicate: 1, invalid: 3, joined: 6, ..ImportCounts::default() };
    assert_eq!((report.counts, report.leavers.len()), (counts, 0));
    let entries = entries(store, "guests").await;
    let positions: Vec<u64> = entries.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    assert_eq!(entries[2].duplicate_of, Some(1));
    assert_eq!(entries[2].raw, ["", "A@example.cz", "Anna again"]);
    assert_eq!(entries[3].fault, Some(EntryFault::NoAddress));
    assert_eq!(entries[4].fault, Some(EntryFault::BadAddress("not an address".into())));
    let anna = store.contact(&who("a@example.cz")).await.unwrap().unwrap().contact;
    assert_eq!(anna.email.as_str(), "a@example.cz");
    assert_eq!(serde_json::to_value(&anna.fields).unwrap(), serde_json::json!({"firstname": "Anna"}));
    let list = store.list("guests").await.unwrap();
    assert_eq!((list.entries, list.contacts), (6, 2));
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing_in_either_mode() {
    for mode in [ImportMode::Add, ImportMode::Replace] {
        let home = home();
        let store = &home.store;
        import(store, &with_consent(start("guests", mode)), rows(FILE)).await;
        let (before, number) = (entries(store, "guests").await, sequence(store).await);
        let (report, _) = import(store, &with_consent(start("guests", mode)), rows(FILE)).await;
        let counts = ImportCounts { rows: 6, unchanged: 2, duplicate: 1, invalid: 3, ..ImportCounts::default() };
        assert_eq!(report.counts, counts, "{mode:?}");
        assert_eq!(sequence(store).await, number, "{mode:?}");
        assert_eq!(entries(store, "guests").await, before, "{mode:?}");
    }
}

#[tokio::test]
async fn replace_shows_who_leaves_before_it_happens() {
    let home = home();
    let store = &home.store;
    let people = [("c@example.cz", "C"), ("a@example.cz", "A"), ("b@example.cz", "B")];
    import(store, &start("guests", ImportMode::Replace), rows(&people)).await;
    let pending = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap().import;
    store.import_rows(pending, rows(&[("d@example.cz", "D"), ("b@example.cz", "B")])).await.unwrap();
    let preview = store.preview_import(pending).await.unwrap();
    assert_eq!(preview.leavers, ["a@example.cz", "c@example.cz"]);
    assert_eq!((preview.counts.joined, preview.counts.left), (1, 2));
    assert_eq!(addresses(store, "guests").await, ["c@example.cz", "a@example.cz", "b@example.cz"]);
    let number = sequence(store).await;
    assert_eq!(store.finish_import(pending, at(12)).await.unwrap(), preview);
    assert_eq!(addresses(store, "guests").await, ["d@example.cz", "b@example.cz"]);
    assert_eq!(sequence(store).await, number + 4, "two leave, one joins, the order changed");
    let positions: Vec<_> = entries(store, "guests").await.iter().map(|e| (e.position, e.joined_at)).collect();
    assert_eq!(positions, [(1, at(10)), (2, at(10))]);
    assert!(store.contact(&who("a@example.cz")).await.unwrap().is_some(), "who leaves a list stays a contact");
}

#[tokio::test]
async fn an_emptied_file_leaves_an_empty_list() {
    let home = home();
    let store = &home.store;
    import(store, &start("guests", ImportMode::Replace), rows(FILE)).await;
    let (report, _) = import(store, &start("guests", ImportMode::Replace), Vec::new()).await;
    assert_eq!((report.counts.left, report.leavers.len()), (6, 2));
    assert_eq!(store.list("guests").await.unwrap().entries, 0);
}

#[tokio::test]
async fn add_continues_after_the_last_and_skips_whom_the_list_has() {
    let home = home();
    let store = &home.store;
    import(store, &start("guests", ImportMode::Add), rows(FILE)).await;
    let more = [("b@example.cz", "Bob"), ("c@example.cz", "Cyril"), ("", "Nobody"), ("", "New nobody")];
    let (report, _) = import(store, &start("guests", ImportMode::Add), rows(&more)).await;
    let counts = ImportCounts { rows: 4, created: 1, unchanged: 1, invalid: 2, joined: 2, ..ImportCounts::default() };
    assert_eq!(report.counts, counts);
    let added: Vec<_> = entries(store, "guests").await.into_iter().skip(6).map(|e| (e.position, e.email)).collect();
    assert_eq!(added, [(7, Some("c@example.cz".to_owned())), (8, None)]);
    import(store, &start("guests", ImportMode::Add), rows(&more)).await;
    assert_eq!(store.list("guests").await.unwrap().entries, 8);
}

#[tokio::test]
async fn a_contact_that_joined_by_hand_meanwhile_stands_before_the_file() {
    let home = home();
    let store = &home.store;
    store.create_list("guests", at(1)).await.unwrap();
    add(store, "hand@example.cz").await;
    let pending = store.begin_import(&start("guests", ImportMode::Add)).await.unwrap().import;
    store.import_rows(pending, rows(FILE)).await.unwrap();
    store.add_entry("guests", &who("hand@example.cz"), at(11)).await.unwrap();
    store.finish_import(pending, at(12)).await.unwrap();
    let all = entries(store, "guests").await;
    assert_eq!(all[0].email.as_deref(), Some("hand@example.cz"));
    assert_eq!(all.iter().map(|entry| entry.position).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn rows_come_in_chunks_and_duplicates_are_found_across_them() {
    let home = home();
    let store = &home.store;
    let pending = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap().import;
    for row in rows(FILE) {
        store.import_rows(pending, vec![row]).await.unwrap();
    }
    let report = store.finish_import(pending, at(12)).await.unwrap();
    assert_eq!((report.counts.duplicate, report.counts.invalid, report.counts.joined), (1, 3, 6));
    let (again, _) = import(store, &start("guests", ImportMode::Replace), rows(FILE)).await;
    assert_eq!((again.counts.joined, again.counts.left), (0, 0));
}

#[tokio::test]
async fn keys_rename_create_and_clash() {
    let home = home();
    let store = &home.store;
    let first =
        vec![row(2, "1", "a@example.cz", "A"), row(3, "2", "b@example.cz", "B"), row(4, "", "c@example.cz", "C")];
    import(store, &start("guests", ImportMode::Replace), first).await;
    let anna = store.contact(&ContactRef::ExternalId("1".into())).await.unwrap().unwrap().contact.id;
    let second = vec![
        row(2, "1", "anna@example.cz", "A"),
        row(3, "2", "c@example.cz", "B"),
        row(4, "3", "c@example.cz", "C"),
        row(5, "4", "b@example.cz", "B"),
        row(6, "1", "", "A"),
        row(7, "9", "anna@example.cz", "A"),
    ];
    let (report, refused) = import(store, &start("guests", ImportMode::Replace), second).await;
    let lines: Vec<_> = refused.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 5], "{refused:?}");
    assert!(refused[0].reason.contains("two different contacts"), "{}", refused[0].reason);
    assert!(refused[1].reason.contains("another key"), "{}", refused[1].reason);
    let expected =
        ImportCounts { rows: 4, updated: 2, renamed: 1, duplicate: 1, invalid: 1, ..ImportCounts::default() };
    assert_eq!(ImportCounts { joined: 0, left: 0, ..report.counts }, expected);
    let renamed = store.contact(&ContactRef::Id(anna)).await.unwrap().unwrap();
    assert_eq!(renamed.contact.email, email("anna@example.cz"));
    let acts: Vec<_> = renamed.consent_history.iter().map(|event| (event.act, event.source)).collect();
    assert_eq!(acts, [(ConsentAct::AddressChanged, ConsentSource::Import)]);
    let cyril = store.contact(&who("c@example.cz")).await.unwrap().unwrap().contact;
    assert_eq!(cyril.external_id.as_deref(), Some("3"), "a contact without a key takes the file's");
    let entries = entries(store, "guests").await;
    assert_eq!((entries[2].fault.as_ref(), entries[2].contact), (Some(&EntryFault::NoAddress), None));
}

#[tokio::test]
async fn stated_consent_is_recorded_once_and_never_lifts_a_withdrawal() {
    let home = home();
    let store = &home.store;
    for (address, act) in [("no@example.cz", Some(ConsentAct::Withdrawn)), ("old@example.cz", None)] {
        add(store, address).await;
        if let Some(act) = act {
            store.record_consent(&who(address), &event(5, act, ConsentSource::Contact, None)).await.unwrap();
        }
    }
    let people = [("no@example.cz", "N"), ("old@example.cz", "O"), ("new@example.cz", "W"), ("new@example.cz", "W")];
    let (report, _) = import(store, &with_consent(start("guests", ImportMode::Add)), rows(&people)).await;
    assert_eq!((report.counts.consent_recorded, report.counts.consent_kept_withdrawn), (2, 1));
    for (address, state) in [
        ("no@example.cz", ConsentState::Withdrawn),
        ("old@example.cz", ConsentState::Granted),
        ("new@example.cz", ConsentState::Granted),
    ] {
        assert_eq!(store.contact(&who(address)).await.unwrap().unwrap().contact.consent, state, "{address}");
    }
    let history = store.contact(&who("new@example.cz")).await.unwrap().unwrap().consent_history;
    let mut stated = event(10, ConsentAct::Granted, ConsentSource::Import, Some("form of May"));
    stated.provenance.origin = Some("guests.csv, line 4".to_owned());
    assert_eq!(history, [stated]);
    let (again, _) = import(store, &with_consent(start("guests", ImportMode::Add)), rows(&people)).await;
    assert_eq!((again.counts.consent_recorded, again.counts.consent_kept_withdrawn), (0, 1));
}

#[tokio::test]
async fn invariant_2_deleting_and_importing_anew_lifts_no_withdrawal() {
    let home = home();
    let store = &home.store;
    for address in ["no@example.cz", "moved@example.cz", "yes@example.cz"] {
        add(store, address).await;
        if address != "yes@example.cz" {
            let no = event(5, ConsentAct::Withdrawn, ConsentSource::Contact, None);
            store.record_consent(&who(address), &no).await.unwrap();
        }
        store.delete_contact(&who(address), at(6)).await.unwrap();
    }
    let people = [("NO@example.cz", "N"), ("yes@example.cz", "Y")];
    let (report, _) = import(store, &with_consent(start("guests", ImportMode::Add)), rows(&people)).await;
    assert_eq!((report.counts.consent_recorded, report.counts.consent_kept_withdrawn), (1, 1));
    let mut rename = upsert("moved@example.cz", &[]);
    rename.who = Some(who("yes@example.cz"));
    store.upsert_contact(&rename).await.unwrap();
    for address in ["no@example.cz", "moved@example.cz"] {
        let contact = store.contact(&who(address)).await.unwrap().unwrap();
        assert_eq!(contact.contact.consent, ConsentState::Withdrawn, "{address}");
    }
    // Its own opt-in lifts it, as ever.
    let own = event(30, ConsentAct::Granted, ConsentSource::Contact, Some("form"));
    assert_eq!(store.record_consent(&who("no@example.cz"), &own).await.unwrap(), ConsentState::Granted);
}

#[tokio::test]
async fn an_import_that_was_cut_short_leaves_the_list_as_it_was() {
    let home = home();
    let folder = home.folder.path();
    import(&home.store, &start("guests", ImportMode::Add), rows(&[("a@example.cz", "A")])).await;
    let pending = home.store.begin_import(&start("guests", ImportMode::Add)).await.unwrap().import;
    home.store.import_rows(pending, rows(&[("x@example.cz", "X")])).await.unwrap();
    let hidden = home.store.begin_import(&start("never", ImportMode::Add)).await.unwrap().import;
    home.store.import_rows(hidden, rows(&[("y@example.cz", "Y")])).await.unwrap();
    drop(home.store);
    let store = SqliteStore::open(folder, Access::Write { verb: "import" }).unwrap();
    assert_eq!(addresses(&store, "guests").await, ["a@example.cz"]);
    assert_eq!(store.lists().await.unwrap().len(), 1, "a list that only a dead import knew of was never there");
    let another = ImportStart { digest: "01".to_owned(), ..start("guests", ImportMode::Add) };
    let (report, _) = import(&store, &another, rows(&[("b@example.cz", "B")])).await;
    assert_eq!(report.counts.joined, 1);
    assert_eq!(addresses(&store, "guests").await, ["a@example.cz", "b@example.cz"]);
    let late = store.import_rows(pending, rows(&[("z@example.cz", "Z")])).await;
    assert!(matches!(late, Err(StoreError::Refused(_))), "{late:?}");
    store.create_list("never", at(13)).await.unwrap();
    assert_eq!(store.list("never").await.unwrap().entries, 0);
}

#[tokio::test]
async fn an_abandoned_import_is_cleared_away() {
    let home = home();
    let store = &home.store;
    import(store, &start("guests", ImportMode::Add), rows(&[("a@example.cz", "A")])).await;
    for list in ["guests", "never"] {
        let pending = store.begin_import(&start(list, ImportMode::Replace)).await.unwrap().import;
        store.import_rows(pending, rows(&[("b@example.cz", "B")])).await.unwrap();
        store.abandon_import(pending).await.unwrap();
        assert!(store.finish_import(pending, at(12)).await.is_err());
    }
    assert_eq!(addresses(store, "guests").await, ["a@example.cz"]);
    assert_eq!(store.lists().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_import_without_a_list_updates_contacts_only() {
    let home = home();
    let store = &home.store;
    let start = ImportStart { list: None, ..start("", ImportMode::Add) };
    let (report, _) = import(store, &start, rows(FILE)).await;
    let counts = ImportCounts { rows: 6, created: 2, duplicate: 1, invalid: 3, ..ImportCounts::default() };
    assert_eq!(report.counts, counts);
    assert_eq!(store.lists().await.unwrap(), []);
}

#[tokio::test]
async fn a_contact_that_is_deleted_during_an_import_is_not_shown_by_it() {
    let home = home();
    let store = &home.store;
    let pending = store.begin_import(&start("guests", ImportMode::Replace)).await.unwrap().import;
    store.import_rows(pending, rows(&[("a@example.cz", "A"), ("b@example.cz", "B")])).await.unwrap();
    store.delete_contact(&who("a@example.cz"), at(11)).await.unwrap();
    assert_eq!(store.finish_import(pending, at(12)).await.unwrap().counts.joined, 1);
    assert_eq!(addresses(store, "guests").await, ["b@example.cz"]);
}

#[tokio::test]
async fn many_rows_are_replaced_in_units() {
    let home = home();
    let store = &home.store;
    let people = |from: usize, to: usize| {
        (from..to).map(|number| row(number as u64 + 2, "", &format!("c{number}@example.cz"), "X")).collect::<Vec<_>>()
    };
    import(store, &start("guests", ImportMode::Replace), people(0, 6_000)).await;
    let number = sequence(store).await;
    let (report, _) = import(store, &start("guests", ImportMode::Replace), people(5_999, 12_000)).await;
    assert_eq!((report.counts.joined, report.counts.left, report.leavers.len()), (6_000, 5_999, 20));
    // 6,000 contacts are new, the number that was meant for the one that is known stays unused, and one says that the list
    // changed.
    assert_eq!(sequence(store).await, number + 6_002);
    let list = store.list("guests").await.unwrap();
    assert_eq!((list.entries, list.contacts), (6_001, 6_001));
}
