//! Contacts, their consent and their tags.

use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, ConsentState, Provenance};
use postroom_domain::contact::ContactId;
use postroom_store::StoreError;
use postroom_store::contacts::{ContactQuery, ContactRef, ContactStore, ContactUpsert, Written};
use postroom_store::lists::ListStore;

use crate::fixture::{add, at, email, event, home, patch, sequence, upsert, who};

#[tokio::test]
async fn d1_one_address_is_one_contact_and_an_update_names_only_what_changes() {
    let home = home();
    let store = &home.store;
    let (id, written) =
        store.upsert_contact(&upsert("Jana@Example.cz", &[("firstname", "Jana"), ("company", "Dub")])).await.unwrap();
    assert_eq!(written, Written::Created);
    let again = store.upsert_contact(&upsert("Jana@Example.cz", &[("firstname", "Jana")])).await.unwrap();
    assert_eq!(again, (id, Written::Unchanged));
    let before = sequence(store).await;
    let changed = store.upsert_contact(&upsert("jana@example.cz", &[("firstname", "Johana")])).await.unwrap();
    assert_eq!(changed, (id, Written::Updated));
    assert_eq!(sequence(store).await, before + 1);

    let detail = store.contact(&who("JANA@example.cz")).await.unwrap().unwrap();
    assert_eq!(detail.contact.email.as_str(), "jana@example.cz");
    let fields = serde_json::to_value(&detail.contact.fields).unwrap();
    assert_eq!(fields, serde_json::json!({"firstname": "Johana", "company": "Dub"}));
    assert_eq!(detail.contact.consent, ConsentState::Unknown);
    assert_eq!(detail.consent_history, [], "another spelling of an address is no other address");
}

#[tokio::test]
async fn d1_the_hash_of_creation_names_the_contact_for_good() {
    let home = home();
    let store = &home.store;
    add(store, "a@example.cz").await;
    let id = add(store, "jana@example.cz").await;
    let hash = store.contact(&ContactRef::Id(id)).await.unwrap().unwrap().contact.hash;
    assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
    let rename = ContactUpsert { who: Some(ContactRef::Hash(hash.clone())), ..upsert("nova@example.cz", &[]) };
    assert_eq!(store.upsert_contact(&rename).await.unwrap(), (id, Written::Updated));
    let detail = store.contact(&ContactRef::Hash(hash)).await.unwrap().unwrap();
    assert_eq!(detail.contact.email, email("nova@example.cz"));
    assert!(store.contact(&who("jana@example.cz")).await.unwrap().is_none());
    let acts: Vec<_> = detail.consent_history.iter().map(|event| (event.act, event.source)).collect();
    assert_eq!(acts, [(ConsentAct::AddressChanged, ConsentSource::Operator)]);
    assert!(store.contact(&ContactRef::Hash("no hash".into())).await.unwrap().is_none());
}

#[tokio::test]
async fn d1_addresses_and_keys_of_others_are_refused_and_nothing_is_written() {
    let home = home();
    let store = &home.store;
    let keyed = |address: &str, key: &str| ContactUpsert { external_id: Some(key.into()), ..upsert(address, &[]) };
    let (jana, _) = store.upsert_contact(&keyed("jana@example.cz", "1")).await.unwrap();
    store.upsert_contact(&keyed("petr@example.cz", "2")).await.unwrap();
    let before = sequence(store).await;
    let onto_petr = ContactUpsert { who: Some(ContactRef::Id(jana)), ..upsert("PETR@example.cz", &[]) };
    for refused in [onto_petr, keyed("jana@example.cz", "2"), keyed("eva@example.cz", "2")] {
        let error = store.upsert_contact(&refused).await.unwrap_err();
        assert!(matches!(&error, StoreError::Refused(text) if text.contains("another contact")), "{error}");
    }
    assert_eq!(sequence(store).await, before);

    let by_key = ContactUpsert { email: None, ..keyed("x@example.cz", "1") };
    assert_eq!(store.upsert_contact(&by_key).await.unwrap(), (jana, Written::Unchanged));
    let without_address = ContactUpsert { email: None, ..keyed("x@example.cz", "3") };
    assert!(store.upsert_contact(&without_address).await.unwrap_err().to_string().contains("needs an e-mail address"));
    let nobody = ContactUpsert { who: Some(ContactRef::Id(ContactId(99))), ..upsert("x@example.cz", &[]) };
    assert!(matches!(store.upsert_contact(&nobody).await, Err(StoreError::NotFound { kind: "contact", .. })));
}

#[tokio::test]
async fn contacts_come_in_pages_and_are_found_by_part_of_their_address() {
    let home = home();
    for number in 0..5 {
        add(&home.store, &format!("c{number}@{}.cz", if number % 2 == 0 { "even" } else { "odd" })).await;
    }
    let page = async |query: ContactQuery| -> Vec<String> {
        home.store.contacts(&query).await.unwrap().into_iter().map(|contact| contact.email.to_string()).collect()
    };
    let first = ContactQuery { limit: 2, ..ContactQuery::default() };
    assert_eq!(page(first).await, ["c0@even.cz", "c1@odd.cz"]);
    let next = ContactQuery { after: Some(ContactId(2)), limit: 2, ..ContactQuery::default() };
    assert_eq!(page(next).await, ["c2@even.cz", "c3@odd.cz"]);
    let found = ContactQuery { search: "ODD".into(), limit: 9, ..ContactQuery::default() };
    assert_eq!(page(found).await, ["c1@odd.cz", "c3@odd.cz"]);
}

#[tokio::test]
async fn d3_a_history_is_folded_by_time_whatever_the_order_it_came_in() {
    let home = home();
    let store = &home.store;
    add(store, "jana@example.cz").await;
    let jana = who("jana@example.cz");
    let own = event(30, ConsentAct::Granted, ConsentSource::Contact, Some("form"));
    assert_eq!(store.record_consent(&jana, &own).await.unwrap(), ConsentState::Granted);
    // It was withdrawn before that, and the news come late.
    let late = event(20, ConsentAct::Withdrawn, ConsentSource::Provider, None);
    assert_eq!(store.record_consent(&jana, &late).await.unwrap(), ConsentState::Granted);
    let now = event(40, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    assert_eq!(store.record_consent(&jana, &now).await.unwrap(), ConsentState::Withdrawn);
    let before = sequence(store).await;
    let operator = event(50, ConsentAct::Granted, ConsentSource::Operator, Some("says so"));
    assert_eq!(store.record_consent(&jana, &operator).await.unwrap(), ConsentState::Withdrawn);
    assert_eq!(sequence(store).await, before, "an event that changes nothing is kept and moves nothing");
    let history = store.contact(&jana).await.unwrap().unwrap().consent_history;
    assert_eq!(history, [late, own, now, operator]);
}

#[tokio::test]
async fn d3_an_event_keeps_where_it_came_from() {
    let home = home();
    add(&home.store, "jana@example.cz").await;
    let jana = who("jana@example.cz");
    let provenance = Provenance {
        origin: Some("https://hotel.example/news".to_owned()),
        wording: Some("newsletter, version 3".to_owned()),
        ip: Some("2001:db8::7".parse().unwrap()),
    };
    let given = event(10, ConsentAct::Granted, ConsentSource::Contact, Some("form"));
    let given = ConsentEvent { provenance, ..given };
    home.store.record_consent(&jana, &given).await.unwrap();
    assert_eq!(home.store.contact(&jana).await.unwrap().unwrap().consent_history, [given]);
}

#[tokio::test]
async fn d2_tags_are_one_whatever_their_case() {
    let home = home();
    let store = &home.store;
    add(store, "jana@example.cz").await;
    let jana = who("jana@example.cz");
    assert!(store.tag_contact(&jana, "VIP", true, at(1)).await.unwrap());
    assert!(!store.tag_contact(&jana, "vip", true, at(2)).await.unwrap());
    assert!(store.tag_contact(&jana, "Autumn", true, at(2)).await.unwrap());
    assert_eq!(store.contact(&jana).await.unwrap().unwrap().contact.tags, ["Autumn", "VIP"]);
    assert!(store.tag_contact(&jana, "viP", false, at(3)).await.unwrap());
    assert!(!store.tag_contact(&jana, "never", false, at(3)).await.unwrap());
    assert_eq!(store.contact(&jana).await.unwrap().unwrap().contact.tags, ["Autumn"]);
}

#[tokio::test]
async fn a_deleted_contact_leaves_its_lists_and_its_number_is_not_given_again() {
    let home = home();
    let store = &home.store;
    let jana = add(store, "jana@example.cz").await;
    store.create_list("guests", at(1)).await.unwrap();
    store.add_entry("guests", &who("jana@example.cz"), at(1)).await.unwrap();
    assert_eq!(store.contact(&ContactRef::Id(jana)).await.unwrap().unwrap().lists, ["guests"]);
    assert_eq!(store.delete_contact(&who("jana@example.cz"), at(2)).await.unwrap(), jana);
    assert_eq!(store.list("guests").await.unwrap().entries, 0);
    assert!(store.contact(&ContactRef::Id(jana)).await.unwrap().is_none());
    assert!(matches!(
        store.delete_contact(&who("jana@example.cz"), at(2)).await,
        Err(StoreError::NotFound { kind: "contact", .. })
    ));
    assert_ne!(add(store, "jana@example.cz").await, jana);
}

#[tokio::test]
async fn a_value_is_emptied_by_name() {
    let home = home();
    let store = &home.store;
    store.upsert_contact(&upsert("jana@example.cz", &[("firstname", "Jana")])).await.unwrap();
    let emptied = ContactUpsert { patch: patch(&[("firstname", "")]), ..upsert("jana@example.cz", &[]) };
    assert_eq!(store.upsert_contact(&emptied).await.unwrap().1, Written::Updated);
    assert!(store.contact(&who("jana@example.cz")).await.unwrap().unwrap().contact.fields.is_empty());
}

#[tokio::test]
async fn two_contacts_that_are_one_person_become_one() {
    let home = home();
    let store = &home.store;
    let (old, new) = ("jana@old.example", "jana@new.example");
    store.upsert_contact(&upsert(new, &[("firstname", "Jana")])).await.unwrap();
    store.upsert_contact(&upsert(old, &[("firstname", "J."), ("lastname", "Nová")])).await.unwrap();
    for (list, members) in [("both", [old, new].as_slice()), ("one", &[old])] {
        store.create_list(list, at(1)).await.unwrap();
        for member in members {
            store.add_entry(list, &who(member), at(2)).await.unwrap();
        }
    }
    store.tag_contact(&who(old), "vip", true, at(2)).await.unwrap();
    store.record_consent(&who(new), &event(3, ConsentAct::Granted, ConsentSource::Import, Some("f"))).await.unwrap();
    store.record_consent(&who(old), &event(5, ConsentAct::Withdrawn, ConsentSource::Contact, None)).await.unwrap();
    store.record_consent(&who(old), &event(6, ConsentAct::Bounced, ConsentSource::Provider, None)).await.unwrap();

    let id = store.contact(&who(new)).await.unwrap().unwrap().contact.id;
    assert_eq!(store.merge_contacts(&who(new), &who(old), at(9)).await.unwrap(), id);
    let jana = store.contact(&who(old)).await.unwrap().unwrap();
    assert_eq!((&jana.contact.email, &jana.aliases), (&email(new), &vec![email(old)]));
    let fields = serde_json::to_value(&jana.contact.fields).unwrap();
    assert_eq!(fields, serde_json::json!({"firstname": "Jana", "lastname": "Nová"}));
    assert_eq!(
        (jana.contact.consent, jana.contact.tags.as_slice()),
        (ConsentState::Withdrawn, ["vip".to_owned()].as_slice())
    );
    let acts: Vec<_> = jana.consent_history.iter().map(|event| event.act).collect();
    assert_eq!(acts, [ConsentAct::Granted, ConsentAct::Withdrawn], "a mailbox that is nobody's speaks for nobody");
    assert_eq!(jana.lists, ["both", "one"]);
    let both = crate::fixture::entries(store, "both").await;
    assert_eq!(both.iter().map(|entry| entry.duplicate_of).collect::<Vec<_>>(), [None, Some(1)]);
    store.delete_contact(&who(new), at(10)).await.unwrap();
    for address in [old, new] {
        let back = store.upsert_contact(&upsert(address, &[])).await.unwrap().0;
        let back = store.contact(&ContactRef::Id(back)).await.unwrap().unwrap();
        assert_eq!(back.contact.consent, ConsentState::Withdrawn, "the withdrawal stays with both addresses");
    }
}

#[tokio::test]
async fn contacts_of_two_keys_and_a_contact_with_itself_are_not_joined() {
    let home = home();
    let store = &home.store;
    for (address, key) in [("a@example.cz", "1"), ("b@example.cz", "2")] {
        store.upsert_contact(&ContactUpsert { external_id: Some(key.into()), ..upsert(address, &[]) }).await.unwrap();
    }
    let before = sequence(store).await;
    for (other, why) in [("b@example.cz", "`1` and `2`"), ("a@example.cz", "name two")] {
        let refused = store.merge_contacts(&who("a@example.cz"), &who(other), at(9)).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Refused(text) if text.contains(why)), "{refused}");
    }
    assert_eq!(sequence(store).await, before);
}
