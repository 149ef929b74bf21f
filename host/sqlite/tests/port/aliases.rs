//! Who was merged is found by the address and the hash of before.

use postroom_domain::contact::ContactId;
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::contacts::{ContactRef, ContactStore, ContactUpsert, Written};
use postroom_store::lists::ImportMode;

use crate::fixture::{Home, add, at, email, entries, home, import, row, rows, start, upsert, who};

const OLD: &str = "jana@old.example";
const NEW: &str = "jana@new.example";

/// A store in which the contact of the old address went into that of the new one, and its hash.
async fn merged() -> (Home, ContactId, String) {
    let home = home();
    let id = add(&home.store, NEW).await;
    add(&home.store, OLD).await;
    let hash = home.store.contact(&who(OLD)).await.unwrap().unwrap().contact.hash;
    home.store.merge_contacts(&who(NEW), &who(OLD), at(5)).await.unwrap();
    (home, id, hash)
}

async fn found(store: &SqliteStore, by: &ContactRef) -> Option<ContactId> {
    store.contact(by).await.unwrap().map(|detail| detail.contact.id)
}

#[tokio::test]
async fn d1_the_old_address_and_the_old_hash_find_the_one_that_stayed() {
    let (home, id, hash) = merged().await;
    let store = &home.store;
    for by in [who(OLD), who("JANA@old.example"), who(NEW), ContactRef::Hash(hash.clone())] {
        assert_eq!(found(store, &by).await, Some(id), "{by:?}");
    }
    let written = store.upsert_contact(&upsert(OLD, &[("firstname", "Jana")])).await.unwrap();
    assert_eq!(written, (id, Written::Updated));
    assert_eq!(store.contact(&who(OLD)).await.unwrap().unwrap().contact.email, email(NEW), "it keeps its address");

    // Who goes into a third one takes the names along.
    let third = add(store, "third@example.cz").await;
    store.merge_contacts(&who("third@example.cz"), &who(OLD), at(6)).await.unwrap();
    for by in [who(OLD), who(NEW), ContactRef::Hash(hash)] {
        assert_eq!(found(store, &by).await, Some(third), "{by:?}");
    }
}

#[tokio::test]
async fn d1_nobody_else_gets_an_address_that_went_into_another() {
    let (home, id, hash) = merged().await;
    let store = &home.store;
    let bob = add(store, "bob@example.cz").await;
    let onto = ContactUpsert { who: Some(ContactRef::Id(bob)), ..upsert(OLD, &[]) };
    let refused = store.upsert_contact(&onto).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Refused(why) if why.contains(NEW) && why.contains("merge")), "{refused}");
    // Its own contact may take it back.
    let back = ContactUpsert { who: Some(ContactRef::Id(id)), ..upsert(OLD, &[]) };
    assert_eq!(store.upsert_contact(&back).await.unwrap(), (id, Written::Updated));
    let detail = store.contact(&who(OLD)).await.unwrap().unwrap();
    assert_eq!((detail.contact.email, detail.aliases), (email(OLD), Vec::new()));
    assert_eq!(found(store, &who(NEW)).await, None, "an address that was given up is nobody's");
    assert_eq!(found(store, &ContactRef::Hash(hash)).await, Some(id));
}

#[tokio::test]
async fn a6_rows_of_both_addresses_are_one_contact() {
    for ahead in [false, true] {
        let (home, id, _) = merged().await;
        let store = &home.store;
        let mut people = vec![(OLD, "Johana"), (NEW, "Jana"), ("bob@example.cz", "Bob")];
        let many: Vec<String> = (0..5_000).map(|number| format!("{number}@example.cz")).collect();
        if ahead {
            // So many new ones that contacts are made ahead of their rows.
            people.extend(many.iter().map(|address| (address.as_str(), "")));
        }
        for round in [1, 2] {
            let (report, refused) = import(store, &start("Guests", ImportMode::Replace), rows(&people)).await;
            let first = u64::from(round == 1);
            assert_eq!(
                (report.counts.duplicate, report.counts.updated, report.counts.renamed),
                (1, first, 0),
                "{ahead}"
            );
            assert_eq!((refused, report.counts.left), (Vec::new(), 0));
        }
        let contact = store.contact(&who(OLD)).await.unwrap().unwrap().contact;
        assert_eq!((contact.id, contact.email), (id, email(NEW)));
        assert_eq!(contact.fields.values().next().unwrap().as_line(), "Johana");
        let duplicates: Vec<_> =
            entries(store, "Guests").await.iter().map(|entry| entry.duplicate_of).take(3).collect();
        assert_eq!(duplicates, [None, Some(1), None]);
    }
}

#[tokio::test]
async fn a_row_with_the_key_and_the_old_address_renames_nobody() {
    let (home, id, _) = merged().await;
    let store = &home.store;
    let keyed = |address: &str, key: &str| ContactUpsert { external_id: Some(key.to_owned()), ..upsert(address, &[]) };
    store.upsert_contact(&keyed(NEW, "7")).await.unwrap();
    store.upsert_contact(&keyed("bob@example.cz", "8")).await.unwrap();
    let file = vec![row(2, "7", OLD, "Jana"), row(3, "8", OLD, "Bob"), row(4, "7", NEW, "Jana")];
    let (report, refused) = import(store, &start("Guests", ImportMode::Add), file).await;
    assert_eq!((report.counts.updated, report.counts.renamed, report.counts.duplicate), (1, 0, 1));
    assert_eq!(refused.iter().map(|row| row.line).collect::<Vec<_>>(), [3], "the address is another person's");
    assert_eq!(store.contact(&ContactRef::Id(id)).await.unwrap().unwrap().contact.email, email(NEW));
}
