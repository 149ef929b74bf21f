use postroom_sdk::http::HttpError;
use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

use crate::fixtures::{exists, item, member, outcome, push, write};
use crate::prepared::Prepared;

#[test]
fn mc_05_prepare_reads_all_merge_fields() {
    let fields = |from: usize, to: usize| -> Vec<Value> {
        (from..to).map(|number| json!({"tag": format!("F{number}"), "type": "text"})).collect()
    };
    let script = Script::new()
        .answer(200, &json!({"merge_fields": fields(0, 1000), "total_items": 1001}))
        .answer(200, &json!({"merge_fields": fields(1000, 1001), "total_items": 1001}))
        .answer(200, &json!({"members": [], "total_items": 0}));
    let prepared = super::prepare(&script.job(), "a1b2").unwrap();
    let fields = "GET /3.0/lists/a1b2/merge-fields";
    assert_eq!(script.lines(), [fields, fields, "GET /3.0/lists/a1b2/members"]);
    assert_eq!(script.query(0, "count").as_deref(), Some("1000"));
    assert_eq!(script.query(1, "offset").as_deref(), Some("1000"));
    assert!(String::from_utf8(prepared).unwrap().contains("F1000"));
}

#[test]
fn mc_06_an_array_that_is_not_there_is_empty() {
    let nothing = json!({"total_items": 0});
    let script = Script::new().answer(200, &nothing).answer(200, &nothing);
    let prepared = super::prepare(&script.job(), "a1b2").unwrap();
    assert!(Prepared::from_bytes(&prepared).unwrap().archive.as_bytes().unwrap().is_empty());
}

#[test]
fn an_unknown_audience_is_not_found() {
    let script = Script::new().answer(404, &json!({"title": "Resource Not Found", "status": 404}));
    assert!(matches!(super::prepare(&script.job(), "x/y"), Err(ProviderError::NotFound(_))));
    assert_eq!(script.lines(), ["GET /3.0/lists/x%2Fy/merge-fields"]);
}

#[test]
fn a3_created_and_updated_are_told_apart_by_two_steps() {
    let script = Script::new()
        .answer(200, &json!({"new_members": [member("new@b.cz", "subscribed")], "errors": [exists("old@b.cz")]}))
        .answer(200, &json!({"updated_members": [member("OLD@b.cz", "unsubscribed")]}));
    let answer = push(&script, &[write(1, "new@b.cz"), write(2, "Old@B.cz")]).unwrap();

    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    assert_eq!(outcome(&answer, 2), &ItemOutcome::Updated);
    assert_eq!(item(&answer, 2).status, Some(RemoteStatus::Unsubscribed));
    assert_eq!(item(&answer, 1).remote_id.as_deref().map(|id| &id[..2]), Some("c-"));
    assert!(answer.stopped.is_none());

    let (create, update) = (script.body(0), script.body(1));
    assert_eq!(create["update_existing"], false);
    assert_eq!(create["members"][0]["status"], "subscribed");
    // MC-15: an update says nothing about the status; MC-26: nor about tags of others.
    assert_eq!(update["update_existing"], true);
    assert!(update["members"][0].get("status").is_none());
    assert_eq!((&create["sync_tags"], &update["sync_tags"]), (&json!(false), &json!(false)));
    assert_eq!(update["members"].as_array().unwrap().len(), 1);
}

#[test]
fn invariant_3_the_status_is_the_one_for_creation() {
    let kinds = [
        (OnCreate::Subscribed, "subscribed"),
        (OnCreate::Pending, "pending"),
        (OnCreate::Unsubscribed, "unsubscribed"),
        (OnCreate::NoMarketing, "transactional"),
    ];
    for (on_create, word) in kinds {
        let mut contact = write(1, "a@b.cz");
        contact.on_create = on_create;
        let script = Script::new().answer(200, &json!({"new_members": [member("a@b.cz", word)]}));
        push(&script, &[contact]).unwrap();
        assert_eq!(script.body(0)["members"][0]["status"], word);
    }
}

#[test]
fn do_not_create_never_goes_into_a_bulk() {
    let mut known = write(1, "old@b.cz");
    known.on_create = OnCreate::DoNotCreate;
    let mut gone = write(2, "gone@b.cz");
    gone.on_create = OnCreate::DoNotCreate;
    let script = Script::new()
        .answer(200, &member("old@b.cz", "subscribed"))
        .answer(404, &json!({"title": "Resource Not Found"}));
    let answer = push(&script, &[known, gone]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Updated);
    let ItemOutcome::Rejected(rejection) = outcome(&answer, 2) else { panic!() };
    assert_eq!(rejection.class, RejectionClass::Missing);
    assert!(script.lines().iter().all(|line| line.starts_with("PATCH /3.0/lists/a1b2/members/")));
    assert!(script.body(0).get("status").is_none());
}

#[test]
fn a_failure_before_anything_was_concluded_is_the_whole_calls() {
    let script = Script::new().failure(HttpError::Unreachable("refused".to_owned()));
    assert!(matches!(push(&script, &[write(1, "a@b.cz")]), Err(ProviderError::Unavailable(_))));
}

#[test]
fn a_failure_in_the_second_step_keeps_what_the_first_concluded() {
    let script = Script::new()
        .answer(200, &json!({"new_members": [member("new@b.cz", "subscribed")], "errors": [exists("old@b.cz")]}))
        .answer_text(429, "");
    let answer = push(&script, &[write(1, "new@b.cz"), write(2, "old@b.cz")]).unwrap();
    assert_eq!(answer.items.len(), 1);
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    assert!(matches!(answer.stopped, Some(ProviderError::RateLimited(_))));
}

#[test]
fn a_failure_among_the_single_writes_stops_before_the_bulk() {
    let mut first = write(1, "a@b.cz");
    first.on_create = OnCreate::DoNotCreate;
    let mut second = write(2, "b@b.cz");
    second.on_create = OnCreate::DoNotCreate;
    let script = Script::new().answer(200, &member("a@b.cz", "subscribed")).answer_text(401, "");
    let answer = push(&script, &[first, second, write(3, "c@b.cz")]).unwrap();
    assert_eq!(answer.items.len(), 1);
    assert!(matches!(answer.stopped, Some(ProviderError::AuthLost(_))));
}
