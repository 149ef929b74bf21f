use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

use super::apply;
use crate::fixtures::{member, problem};

const WARNING: &str =
    "Some of the emails provided were not tagged. Check the Mailchimp marketing subscription statuses";

/// What `prepare` found: `list` is segment 7, `old` is segment 8.
const PREPARED: &[u8] = br#"{"list":7,"old":8}"#;

fn change(key: u64, observed: Option<RemoteStatus>, add: &[&str], remove: &[&str]) -> TagChange {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    TagChange {
        key,
        address: format!("m{key}@b.cz"),
        remote_id: None,
        observed,
        add: owned(add),
        remove: owned(remove),
    }
}

fn run(script: &Script, changes: &[TagChange]) -> TagsAnswer {
    let answer = apply(&script.job(), "a1b2", PREPARED, changes).unwrap();
    assert_eq!(script.unasked(), 0, "{:?}", script.lines());
    answer
}

fn addresses(numbers: &[u64]) -> Vec<Value> {
    numbers.iter().map(|number| json!({"email_address": format!("M{number}@b.cz")})).collect()
}

fn outcomes(answer: &TagsAnswer) -> Vec<&TagOutcome> {
    answer.items.iter().map(|item| &item.outcome).collect()
}

#[test]
fn a7_and_a8_tags_go_on_and_off_by_segment() {
    let script = Script::new()
        .answer(200, &json!({"members_added": addresses(&[1, 2]), "errors": []}))
        .answer(200, &json!({"members_removed": addresses(&[2])}));
    let changes = [
        change(1, Some(RemoteStatus::Subscribed), &["List"], &[]),
        change(2, Some(RemoteStatus::Pending), &["List"], &["Old"]),
    ];
    let answer = run(&script, &changes);
    assert_eq!(outcomes(&answer), [&TagOutcome::Applied; 3]);
    assert_eq!(answer.items[2].tag, "Old");
    assert!(answer.warnings.is_empty());
    assert_eq!(script.lines(), ["POST /3.0/lists/a1b2/segments/7", "POST /3.0/lists/a1b2/segments/8"]);
    assert_eq!(script.body(0), json!({"members_to_add": ["m1@b.cz", "m2@b.cz"], "members_to_remove": []}));
}

#[test]
fn a9_an_unsubscribed_contact_keeps_its_tags_and_the_run_warns_once() {
    let script = Script::new();
    let changes = [
        change(1, Some(RemoteStatus::Unsubscribed), &["list"], &[]),
        change(2, Some(RemoteStatus::Unsubscribed), &[], &["old"]),
        change(3, Some(RemoteStatus::Cleaned), &["list"], &[]),
        change(4, Some(RemoteStatus::NoMarketing), &["list"], &[]),
        change(5, Some(RemoteStatus::Archived), &["list"], &[]),
    ];
    let answer = run(&script, &changes);
    assert!(outcomes(&answer).iter().all(|outcome| matches!(outcome, TagOutcome::Refused(_))));
    assert_eq!(answer.warnings, [WARNING]);
    assert!(script.lines().is_empty());
}

#[test]
fn a9_a_contact_that_was_not_seen_in_this_run_is_looked_at_first() {
    let script = Script::new()
        .answer(200, &member("m1@b.cz", "unsubscribed"))
        .answer(200, &member("m2@b.cz", "subscribed"))
        .answer(404, &json!({}))
        .answer(200, &json!({"members_removed": addresses(&[2])}));
    let changes = [change(1, None, &[], &["list"]), change(2, None, &[], &["list"]), change(3, None, &[], &["list"])];
    let answer = run(&script, &changes);
    assert!(matches!(answer.items[0].outcome, TagOutcome::Refused(_)));
    assert_eq!(answer.items[1].outcome, TagOutcome::Applied);
    assert_eq!(answer.items[2].outcome, TagOutcome::Already);
    assert_eq!(answer.items[2].status, Some(RemoteStatus::Absent));
    assert_eq!(answer.warnings, [WARNING]);
}

#[test]
fn a_member_that_is_gone_is_not_tagged() {
    let answer = run(&Script::new(), &[change(1, Some(RemoteStatus::Absent), &["list"], &["old"])]);
    assert!(matches!(answer.items[0].outcome, TagOutcome::Refused(_)));
    assert_eq!(answer.items[1].outcome, TagOutcome::Already);
}

#[test]
fn mc_28_a_tag_that_is_not_there_is_off_already() {
    let answer = run(&Script::new(), &[change(1, None, &["never made"], &["nosuch"])]);
    assert!(matches!(answer.items[0].outcome, TagOutcome::Failed(_)));
    assert_eq!(answer.items[1].outcome, TagOutcome::Already);
}

#[test]
fn mc_29_an_opt_out_during_the_run_is_a_refusal_with_or_without_an_error() {
    for errors in [json!([{"email_addresses": ["m1@b.cz"], "error": "Email address was not added."}]), json!([])] {
        let script = Script::new()
            .answer(200, &json!({"members_added": [], "errors": errors}))
            .answer(200, &member("m1@b.cz", "unsubscribed"));
        let answer = run(&script, &[change(1, Some(RemoteStatus::Subscribed), &["list"], &[])]);
        assert!(matches!(answer.items[0].outcome, TagOutcome::Refused(_)), "{:?}", answer.items[0]);
        assert_eq!(answer.items[0].status, Some(RemoteStatus::Unsubscribed));
        assert_eq!(answer.warnings, [WARNING]);
    }
}

#[test]
fn a_repeated_change_is_found_done() {
    let tagged = |tags: Value| {
        let mut found = member("m1@b.cz", "subscribed");
        found["tags_count"] = json!(tags.as_array().map(Vec::len));
        found["tags"] = tags;
        found
    };
    let error = json!({"errors": [{"email_addresses": ["m1@b.cz"], "error": "Email address is not in the segment."}]});
    let script = Script::new().answer(200, &error).answer(200, &tagged(json!([{"id": 8, "name": "old"}])));
    let answer = run(&script, &[change(1, Some(RemoteStatus::Subscribed), &[], &["list"])]);
    assert_eq!(answer.items[0].outcome, TagOutcome::Already);

    let script = Script::new().answer(200, &json!({})).answer(200, &tagged(json!([{"id": 7, "name": "list"}])));
    let answer = run(&script, &[change(1, Some(RemoteStatus::Subscribed), &["list"], &[])]);
    assert_eq!(answer.items[0].outcome, TagOutcome::Already);

    let script = Script::new().answer(200, &error).answer(200, &tagged(json!([{"id": 7, "name": "list"}])));
    let answer = run(&script, &[change(1, Some(RemoteStatus::Subscribed), &[], &["list"])]);
    assert!(matches!(answer.items[0].outcome, TagOutcome::Refused(_)));
}

#[test]
fn mc_24_more_than_500_go_in_several_calls() {
    let numbers: Vec<u64> = (0..501).collect();
    let script = Script::new()
        .answer(200, &json!({"members_added": addresses(&numbers[..500])}))
        .answer(200, &json!({"members_added": addresses(&numbers[500..])}));
    let changes: Vec<TagChange> =
        numbers.iter().map(|key| change(*key, Some(RemoteStatus::Subscribed), &["list"], &[])).collect();
    assert_eq!(run(&script, &changes).items.len(), 501);
}

#[test]
fn mc_30_a_tag_that_went_away_fails_for_now() {
    for status in [400, 404] {
        let gone = problem("Invalid Resource", "A Static Segment with an id of 7 does not exist for this list", &[]);
        let script = Script::new().answer(status, &gone);
        let answer = run(&script, &[change(1, Some(RemoteStatus::Subscribed), &["list"], &[])]);
        assert!(matches!(answer.items[0].outcome, TagOutcome::Failed(_)));
    }
}

#[test]
fn mc_23_one_address_that_is_refused_keeps_no_other_from_its_tag() {
    let refused = problem("Invalid Resource", "The resource submitted could not be validated.", &[]);
    let script = Script::new()
        .answer(400, &refused)
        .answer(200, &json!({"members_added": addresses(&[1, 2])}))
        .answer(400, &refused)
        .answer(400, &refused)
        .answer(200, &json!({"members_removed": addresses(&[3])}));
    let subscribed = || Some(RemoteStatus::Subscribed);
    let changes = [
        change(1, subscribed(), &["list"], &[]),
        change(2, subscribed(), &["list"], &[]),
        change(4, subscribed(), &["list"], &[]),
        change(3, subscribed(), &[], &["list"]),
    ];
    let answer = run(&script, &changes);
    let of = |key: u64| &answer.items.iter().find(|item| item.key == key).unwrap().outcome;
    assert_eq!((of(1), of(2), of(3)), (&TagOutcome::Applied, &TagOutcome::Applied, &TagOutcome::Applied));
    assert!(matches!(of(4), TagOutcome::Failed(_)));
}

#[test]
fn mc_30_a_segment_that_takes_nobody_is_not_asked_for_each_address() {
    let gone = problem("Invalid Resource", "A Static Segment with an id of 7 does not exist for this list", &[]);
    let script = (0..33).fold(Script::new(), |script, _| script.answer(400, &gone));
    let changes: Vec<_> = (0..500).map(|key| change(key, Some(RemoteStatus::Subscribed), &["list"], &[])).collect();
    let answer = run(&script, &changes);
    assert_eq!(answer.items.len(), 500);
    assert!(answer.items.iter().all(|item| matches!(item.outcome, TagOutcome::Failed(_))));
}

#[test]
fn what_was_concluded_before_a_failure_stays() {
    let script = Script::new().answer(200, &json!({"members_added": addresses(&[1])})).answer_text(503, "");
    let changes = [change(1, Some(RemoteStatus::Subscribed), &["list"], &["old"])];
    let answer = run(&script, &changes);
    assert_eq!(answer.items.len(), 1);
    assert!(matches!(answer.stopped, Some(ProviderError::Unavailable(_))));

    let script = Script::new().answer_text(503, "");
    assert!(apply(&script.job(), "a1b2", PREPARED, &changes).is_err());
}
