use postroom_domain::field::{Choice, FieldChange, FieldDefinition, FieldName, FieldType, standard_fields};
use postroom_store::StoreError;
use postroom_store::workspace::WorkspaceStore;

use crate::fixture::home;

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
