//! The story of a contact: what happened to it, when, and who did it.

use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::ImportedRow;
use postroom_domain::field::FieldValue;
use postroom_domain::history::{ContactEvent, Happening};
use postroom_sqlite::SqliteStore;
use postroom_store::contacts::{ContactRef, ContactStore, ContactUpsert};
use postroom_store::lists::{ImportMode, ImportStart, ListStore};

use crate::fixture::{add, at, email, event, home, import, rows, start, upsert, who};

/// An import of a file at a moment.
async fn import_at(store: &SqliteStore, second: i64, file: &str, mode: ImportMode, rows: Vec<ImportedRow>) {
    let start = ImportStart { file: file.to_owned(), digest: file.to_owned(), at: at(second), ..start("Guests", mode) };
    import(store, &start, rows).await;
}

fn told(event: &ContactEvent) -> String {
    let what = match &event.what {
        Happening::Created => "created".to_owned(),
        Happening::Changed { values } => values.iter().map(|value| value.place.as_str()).collect::<Vec<_>>().join(" "),
        Happening::Tagged { tag } => format!("+tag {tag}"),
        Happening::Untagged { tag } => format!("-tag {tag}"),
        Happening::Joined { list } => format!("+list {list}"),
        Happening::Left { list } => format!("-list {list}"),
        Happening::Consent { event } => event.act.as_str().to_owned(),
        Happening::Merged { email, .. } => format!("merged {email}"),
    };
    let second = event.at.as_second() - at(0).as_second();
    let former = if event.former.is_some() { "'" } else { "" };
    format!("{second}{former} {} {what}", event.by.file.as_deref().unwrap_or(event.by.source.as_str()))
}

async fn story(store: &SqliteStore, of: &str) -> Vec<String> {
    store.contact_history(&who(of)).await.unwrap().iter().map(told).collect()
}

#[tokio::test]
async fn every_change_of_a_contact_is_kept_with_who_made_it() {
    let home = home();
    let store = &home.store;
    let (old, new) = ("jana@old.example", "jana@new.example");
    store.upsert_contact(&upsert(old, &[("firstname", "Jana"), ("company", "Dub")])).await.unwrap();
    assert_eq!(story(store, old).await, ["1 operator created"]);
    store.upsert_contact(&upsert(old, &[("firstname", "Jana")])).await.unwrap();
    let rename = ContactUpsert { who: Some(who(old)), at: at(2), ..upsert(new, &[("company", "")]) };
    store.upsert_contact(&rename).await.unwrap();
    import_at(store, 10, "guests.csv", ImportMode::Add, rows(&[(new, "Johana")])).await;
    let expected = [
        "1 operator created",
        "2 operator email fields.company",
        "10 guests.csv fields.firstname",
        "10 guests.csv +list Guests",
    ];
    assert_eq!(story(store, new).await, expected);
    let history = store.contact_history(&who(new)).await.unwrap();
    let values = |event: &ContactEvent| match &event.what {
        Happening::Changed { values } => values.clone(),
        _ => Vec::new(),
    };
    assert_eq!(values(&history[1])[0].before, Some(FieldValue::Text(old.to_owned())));
    assert_eq!(values(&history[2])[0].after, Some(FieldValue::Text("Johana".to_owned())));
}

#[tokio::test]
async fn imports_tell_of_everybody_in_their_files_without_a_line_for_each() {
    let home = home();
    let store = &home.store;
    let tagged = |people: &[(&str, &str)]| -> Vec<ImportedRow> {
        rows(people).into_iter().map(|row| ImportedRow { tags: vec!["VIP".to_owned()], ..row }).collect()
    };
    let (ana, bob) = (("ana@example.cz", "Ana"), ("bob@example.cz", "Bob"));
    import_at(store, 10, "may.csv", ImportMode::Add, tagged(&[ana, bob])).await;
    import_at(store, 20, "may.csv", ImportMode::Add, tagged(&[ana, bob])).await;
    import_at(store, 30, "june.csv", ImportMode::Replace, rows(&[bob])).await;
    store.add_entry("Guests", &who(ana.0), at(40)).await.unwrap();
    import_at(store, 50, "july.csv", ImportMode::Replace, rows(&[bob])).await;
    import_at(store, 60, "august.csv", ImportMode::Replace, rows(&[ana, bob])).await;
    store.rename_list("Guests", "Visitors", at(61)).await.unwrap();
    store.tag_contact(&who(bob.0), "vip", false, at(62)).await.unwrap();
    let expected = [
        "10 may.csv created",
        "10 may.csv +tag VIP",
        "10 may.csv +list Visitors",
        "30 june.csv -list Visitors",
        "40 operator +list Visitors",
        "50 july.csv -list Visitors",
        "60 august.csv +list Visitors",
    ];
    assert_eq!(story(store, ana.0).await, expected);
    let expected = ["10 may.csv created", "10 may.csv +tag VIP", "10 may.csv +list Visitors", "62 operator -tag VIP"];
    assert_eq!(story(store, bob.0).await, expected);
}

#[tokio::test]
async fn lists_tags_consent_and_a_merge_are_one_story() {
    let home = home();
    let store = &home.store;
    let (old, new) = ("jana@old.example", "jana@new.example");
    add(store, new).await;
    let other = store.upsert_contact(&ContactUpsert { at: at(2), ..upsert(old, &[]) }).await.unwrap().0;
    store.create_list("Guests", at(1)).await.unwrap();
    store.create_list("Staff", at(1)).await.unwrap();
    store.add_entry("Guests", &who(new), at(3)).await.unwrap();
    store.remove_contact_entries("Guests", &who(new), at(4)).await.unwrap();
    store.add_entry("Staff", &who(old), at(5)).await.unwrap();
    store.remove_entry("Staff", 1, at(6)).await.unwrap();
    store.tag_contact(&who(new), "VIP", true, at(7)).await.unwrap();
    store.tag_contact(&who(new), "VIP", false, at(8)).await.unwrap();
    store.tag_contact(&who(old), "Autumn", true, at(9)).await.unwrap();
    store.record_consent(&who(new), &event(10, ConsentAct::Granted, ConsentSource::Contact, Some("f"))).await.unwrap();
    store.delete_list("Staff", at(11)).await.unwrap();
    import_at(store, 11, "may.csv", ImportMode::Add, rows(&[(old, "")])).await;
    store.merge_contacts(&who(new), &who(old), at(12)).await.unwrap();
    let expected = [
        "1 operator created",
        "2' operator created",
        "3 operator +list Guests",
        "4 operator -list Guests",
        "5' operator +list Staff",
        "6' operator -list Staff",
        "7 operator +tag VIP",
        "8 operator -tag VIP",
        "9' operator +tag Autumn",
        "10 contact granted",
        "11' may.csv +list Guests",
        "12 operator +tag Autumn",
        "12 operator +list Guests",
        "12 operator merged jana@old.example",
    ];
    assert_eq!(story(store, new).await, expected);
    let json = serde_json::to_value(store.contact_history(&who(new)).await.unwrap()).unwrap();
    assert_eq!(json[1]["former"], other.0);
    assert_eq!(
        json[13],
        serde_json::json!({
            "at": at(12), "by": {"source": "operator"}, "kind": "merged", "contact": other.0, "email": old,
        })
    );
    assert_eq!(json[9]["event"]["evidence"], "f");
    let nobody = store.contact_history(&ContactRef::Email(email("nobody@example.cz"))).await;
    assert!(nobody.is_err());
}
