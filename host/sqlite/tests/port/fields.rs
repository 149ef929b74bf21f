use postroom_domain::contact::{FieldPatch, ImportedRow};
use postroom_domain::field::{Choice, FieldChange, FieldDefinition, FieldName, FieldType, FieldValue, standard_fields};
use postroom_domain::history::{Happening, ValueChange};
use postroom_domain::segment::parse;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::contacts::{ContactStore, ContactUpsert};
use postroom_store::lists::ImportMode;
use postroom_store::segments::SegmentStore;
use postroom_store::workspace::{ChoiceRename, WorkspaceStore};

use crate::fixture::{at, home, import, patch, row, sequence, start, upsert, who};

fn name(text: &str) -> FieldName {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_field_is_added_once() {
    let home = home();
    let mut field = FieldDefinition::new(name("room"), FieldType::SingleChoice, "Kind of room".to_owned());
    field.choices = vec![Choice::new("single", "Single room"), Choice::new("double", "double")];
    home.store.add_field(field.clone()).await.unwrap();
    assert_eq!(home.store.fields().await.unwrap().last(), Some(&field));
    let again = home.store.add_field(field).await;
    assert_eq!(again, Err(StoreError::Taken { kind: "field", name: "room".to_owned() }));
}

#[tokio::test]
async fn d4_what_of_a_field_can_change_changes_and_nothing_else() {
    let home = home();
    let before = home.store.fields().await.unwrap();
    let kind = name("kind");
    for change in [
        FieldChange::Label("Record".to_owned()),
        FieldChange::Visible(false),
        FieldChange::AddChoice("partner".to_owned()),
        FieldChange::RemoveChoice("account".to_owned()),
        FieldChange::OrderChoices(vec!["partner".to_owned()]),
    ] {
        let answered = home.store.change_field(&kind, &change).await.unwrap();
        let stored = home.store.fields().await.unwrap().into_iter().find(|field| field.name == kind);
        assert_eq!(stored, Some(answered));
    }
    let after = home.store.fields().await.unwrap();
    let changed = after.last().unwrap();
    assert_eq!((changed.label.as_str(), changed.is_visible, changed.kind), ("Record", false, FieldType::SingleChoice));
    let choices: Vec<_> = changed.choices.iter().map(|choice| (choice.value.as_str(), choice.is_removed)).collect();
    assert_eq!(choices, [("partner", false), ("contact", false), ("lead", false), ("account", true)]);
    assert_eq!(after[..after.len() - 1], before[..before.len() - 1]);

    let refused = home.store.change_field(&name("phone"), &FieldChange::AddChoice("a".to_owned())).await;
    assert!(matches!(&refused, Err(StoreError::Refused(why)) if why.contains("has no choices")), "{refused:?}");
    let unknown = home.store.change_field(&name("shoe"), &FieldChange::Visible(true)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { kind: "field", .. })));
}

/// Lets everybody follow; answers with how many units that took.
async fn follow(store: &SqliteStore) -> usize {
    let mut units = 0;
    while store.follow_choices().await.unwrap().is_some() {
        units += 1;
    }
    units
}

fn rename(field: &str, value: &str, to: &str) -> ChoiceRename {
    ChoiceRename { field: name(field), value: value.to_owned(), to: to.to_owned(), at: at(5) }
}

async fn kind_of(store: &SqliteStore, of: &str) -> String {
    let contact = store.contact(&who(of)).await.unwrap().unwrap().contact;
    contact.fields.get(&name("kind")).unwrap().as_line()
}

/// More contacts than one unit takes, every other one a lead.
async fn leads_and_contacts(store: &SqliteStore) {
    let people = (0..2_500).map(|number| {
        let kind = if number % 2 == 0 { "lead" } else { "contact" };
        ImportedRow { patch: patch(&[("kind", kind)]), ..row(number + 2, "", &format!("{number}@example.cz"), "") }
    });
    import(store, &start("all", ImportMode::Add), people.collect()).await;
}

#[tokio::test]
async fn d4_contacts_and_segments_follow_a_choice_unit_by_unit() {
    let home = home();
    let store = &home.store;
    leads_and_contacts(store).await;
    for (segment, text) in [
        ("leads", r#"kind = "lead" or kind in ("LEAD", "account")"#),
        ("others", r#"kind = "contact""#),
        ("l", r#"kind starts with "l""#),
    ] {
        store.save_segment(segment, &parse(text).unwrap().condition, at(2)).await.unwrap();
    }
    let before = sequence(store).await;
    let renamed = store.rename_choice(&rename("kind", "Lead", "prospect")).await.unwrap();
    assert_eq!((renamed.segments, renamed.look_at), (vec!["leads".to_owned()], vec!["l".to_owned()]));
    assert!(follow(store).await > 1);
    assert_eq!(sequence(store).await, before + 1_250, "each takes a number, by which syncs find it");
    assert_eq!(kind_of(store, "0@example.cz").await, "prospect");
    assert_eq!(kind_of(store, "1@example.cz").await, "contact");
    let text = store.segment("leads").await.unwrap().text;
    assert_eq!(text, r#"kind = "prospect" or kind in ("prospect", "account")"#);
    let story = store.contact_history(&who("0@example.cz")).await.unwrap();
    let value = |text: &str| Some(FieldValue::Text(text.to_owned()));
    let change = ValueChange { place: "fields.kind".to_owned(), before: value("lead"), after: value("prospect") };
    assert!(
        story
            .iter()
            .any(|event| event.at == at(5) && event.what == Happening::Changed { values: vec![change.clone()] })
    );
    assert_eq!(store.contact_history(&who("1@example.cz")).await.unwrap().len(), 2, "created, joined");

    let taken = store.rename_choice(&rename("kind", "prospect", "account")).await.unwrap_err();
    assert!(taken.to_string().contains("has the choice `account` already"), "{taken}");
    let refused = store.save_segment("x", &parse(r#"kind = "lead""#).unwrap().condition, at(6)).await.unwrap_err();
    assert!(refused.to_string().contains("`prospect`"), "{refused}");
    assert_eq!(follow(store).await, 0);
}

#[tokio::test]
async fn d4_what_a_killed_rename_left_is_carried_on_by_whoever_opens_the_store_to_write() {
    let home = home();
    leads_and_contacts(&home.store).await;
    home.store.rename_choice(&rename("kind", "lead", "prospect")).await.unwrap();
    home.store.follow_choices().await.unwrap().unwrap();
    assert_eq!(kind_of(&home.store, "2498@example.cz").await, "lead");
    drop(home.store);
    let store = SqliteStore::open(home.folder.path(), Access::Write { verb: "test" }).unwrap();
    assert_eq!(kind_of(&store, "2498@example.cz").await, "prospect");
    assert_eq!(follow(&store).await, 0);
}

#[tokio::test]
async fn d4_one_of_several_choices_follows_and_the_others_stay() {
    let home = home();
    let store = &home.store;
    let mut rooms = FieldDefinition::new(name("rooms"), FieldType::MultipleChoice, "Rooms".to_owned());
    rooms.choices = ["single", "double"].map(|value| Choice::new(value, value)).to_vec();
    store.add_field(rooms).await.unwrap();
    let choices = FieldValue::Choices { choices: vec!["single".to_owned(), "double".to_owned()] };
    let both = FieldPatch { changes: vec![("rooms".parse().unwrap(), Some(choices))] };
    store.upsert_contact(&ContactUpsert { patch: both, ..upsert("jana@example.cz", &[]) }).await.unwrap();
    store.rename_choice(&rename("rooms", "single", "for one")).await.unwrap();
    assert_eq!(follow(store).await, 1);
    let jana = store.contact(&who("jana@example.cz")).await.unwrap().unwrap().contact;
    assert_eq!(jana.fields.get(&name("rooms")).unwrap().as_line(), "for one, double");
    assert_eq!(jana.updated_at, at(5));
}

#[tokio::test]
async fn d4_fields_have_an_order() {
    let home = home();
    let answered = home.store.order_fields(&[name("birthday"), name("address")]).await.unwrap();
    assert_eq!(home.store.fields().await.unwrap(), answered);
    let names: Vec<_> = answered.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names[..3], ["birthday", "address", "firstname"]);
    assert_eq!(names.len(), standard_fields().len());
    let field = FieldDefinition::new(name("stay"), FieldType::Date, "Last stay".to_owned());
    home.store.add_field(field.clone()).await.unwrap();
    assert_eq!(home.store.fields().await.unwrap().last(), Some(&field), "a new one is the last");
    let unknown = home.store.order_fields(&[name("shoe")]).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
}
