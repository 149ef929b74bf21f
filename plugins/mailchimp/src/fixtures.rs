//! What the tests of several modules start from.

use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

use crate::archive::Archive;
use crate::fields::Rules;
use crate::prepared::Prepared;
use crate::wire::MergeFieldsPage;

/// The merge fields of the audience in the tests.
pub(crate) fn rules() -> Rules {
    let page: MergeFieldsPage = serde_json::from_value(json!({"merge_fields": [
        {"tag": "FNAME", "type": "text"},
        {"tag": "LNAME", "type": "text", "required": true},
        {"tag": "ADDRESS", "type": "address"},
        {"tag": "PHONE", "type": "phone"},
        {"tag": "NIGHTS", "type": "number"},
        {"tag": "ARRIVAL", "type": "date"},
        {"tag": "BIRTHDAY", "type": "birthday"},
        {"tag": "ROOM", "type": "dropdown", "options": {"choices": ["Single", "Double"]}},
        {"tag": "SITE", "type": "url"},
    ]}))
    .unwrap();
    Rules::of(page.merge_fields)
}

/// A contact that would be created subscribed.
pub(crate) fn write(key: u64, address: &str) -> ContactWrite {
    ContactWrite {
        key,
        address: address.to_owned(),
        remote_id: None,
        previous_address: None,
        on_create: OnCreate::Subscribed,
        fields: vec![set("FNAME", FieldValue::Text("Jana".to_owned()))],
        extras: Vec::new(),
    }
}

/// A field that is set.
pub(crate) fn set(field: &str, value: FieldValue) -> FieldWrite {
    FieldWrite { field: field.to_owned(), change: FieldChange::Set(value) }
}

/// The parts of a complete address.
pub(crate) fn address_parts() -> Vec<(String, String)> {
    let parts = [("line1", "Dlouhá 1"), ("city", "Praha"), ("state", "-"), ("zip", "11000")];
    parts.map(|(part, text)| (part.to_owned(), text.to_owned())).to_vec()
}

/// A member as an answer shows it.
pub(crate) fn member(address: &str, status: &str) -> Value {
    let hash = crate::member::hash(address);
    json!({"id": hash, "contact_id": format!("c-{hash}"), "email_address": address, "status": status})
}

/// The error of a bulk write that asks for the second step.
pub(crate) fn exists(address: &str) -> Value {
    json!({
        "email_address": address,
        "error": format!("{address} is already a list member, do you want to update? please provide update_existing:true in the request body"),
        "error_code": "ERROR_CONTACT_EXISTS", "field": "", "field_message": "",
    })
}

/// Another error of a bulk write.
pub(crate) fn refusal(address: &str, error: &str, field: &str, message: &str) -> Value {
    json!({
        "email_address": address, "error": error, "error_code": "ERROR_GENERIC",
        "field": field, "field_message": message,
    })
}

/// The body of a problem.
pub(crate) fn problem(title: &str, detail: &str, errors: &[(&str, &str)]) -> Value {
    let errors: Vec<Value> =
        errors.iter().map(|(field, message)| json!({"field": field, "message": message})).collect();
    json!({"title": title, "detail": detail, "errors": errors})
}

/// Pushes by a script, whose every answer has to be asked for.
pub(crate) fn push(script: &Script, writes: &[ContactWrite]) -> Result<BatchAnswer, ProviderError> {
    push_beside(script, Archive::of(&[]).unwrap(), writes)
}

/// The same, beside these archived members.
pub(crate) fn push_beside(
    script: &Script,
    archive: Archive<'_>,
    writes: &[ContactWrite],
) -> Result<BatchAnswer, ProviderError> {
    let prepared = Prepared { rules: rules(), archive }.to_bytes().unwrap();
    let answer = crate::push::push(&script.job(), "a1b2", &prepared, writes);
    assert_eq!(script.unasked(), 0, "{:?}", script.lines());
    answer
}

/// The outcome of the contact of this key.
pub(crate) fn outcome(answer: &BatchAnswer, key: u64) -> &ItemOutcome {
    &item(answer, key).outcome
}

/// The result of the contact of this key.
pub(crate) fn item(answer: &BatchAnswer, key: u64) -> &ItemResult {
    answer.items.iter().find(|item| item.key == key).unwrap()
}
