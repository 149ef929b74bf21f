use postroom_sdk::http::HttpError;
use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::json;

use super::{known, prepare};
use crate::fixtures::problem;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a7_existing_tags_are_found_whatever_their_case_and_missing_ones_are_made() {
    let script = Script::new()
        .answer(
            200,
            &json!({"segments": [{"id": 7, "name": "autumn guests"}, {"id": 8, "name": "Other"}], "total_items": 2}),
        )
        .answer(200, &json!({"id": 9, "name": "New"}));
    let prepared = prepare(&script.job(), "a1b2", &names(&["Autumn Guests", "New"]), &[]).unwrap();
    let tags = known(&prepared).unwrap();
    assert_eq!(tags.id("AUTUMN guests"), Some(7));
    assert_eq!(tags.id("new"), Some(9));
    assert_eq!(tags.id("Other"), None);
    assert_eq!(script.query(0, "type").as_deref(), Some("static"));
    assert_eq!(script.lines()[1], "POST /3.0/lists/a1b2/segments");
    assert_eq!(script.body(1), json!({"name": "New", "static_segment": []}));
}

#[test]
fn a8_a_tag_that_is_only_to_be_taken_off_is_not_made() {
    let script = Script::new().answer(200, &json!({"segments": []}));
    let prepared = prepare(&script.job(), "a1b2", &[], &names(&["Gone"])).unwrap();
    assert_eq!(known(&prepared).unwrap().id("Gone"), None);
    assert_eq!(script.lines().len(), 1);
}

#[test]
fn mc_28_a_tag_that_somebody_else_makes_meanwhile_is_used() {
    let taken = problem("Invalid Resource", "", &[("name", "Sorry, that tag already exists.")]);
    let script = Script::new()
        .answer(200, &json!({"segments": []}))
        .answer(400, &taken)
        .answer(200, &json!({"segments": [{"id": 7, "name": "NEW"}]}));
    let prepared = prepare(&script.job(), "a1b2", &names(&["New"]), &[]).unwrap();
    assert_eq!(known(&prepared).unwrap().id("New"), Some(7));
}

#[test]
fn a_tag_whose_making_is_not_answered_is_asked_for_again() {
    let lost = HttpError::Interrupted("reset".to_owned());
    let script = Script::new().answer(200, &json!({"segments": []})).failure(lost);
    let error = prepare(&script.job(), "a1b2", &names(&["New"]), &[]).unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
}

#[test]
fn a_tag_that_mailchimp_does_not_make_is_named() {
    let refused = problem("Invalid Resource", "", &[("name", "Too long.")]);
    let script =
        Script::new().answer(200, &json!({"segments": []})).answer(400, &refused).answer(200, &json!({"segments": []}));
    let error = prepare(&script.job(), "a1b2", &names(&["New"]), &[]).unwrap_err();
    let ProviderError::InvalidRequest(detail) = error else { panic!("{error:?}") };
    assert!(detail.message.contains("`New`") && detail.message.contains("Too long"), "{}", detail.message);
}
