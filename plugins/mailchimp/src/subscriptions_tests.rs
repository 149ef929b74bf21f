use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

use super::change;
use crate::fixtures::{member, problem};
use crate::member::hash;

fn run(script: &Script, act: Act) -> ActResult {
    let members = [Member { key: 1, address: "A@b.cz".to_owned(), remote_id: None }];
    let answer = change(&script.job(), "a1b2", act, &members).unwrap();
    assert_eq!(script.unasked(), 0, "{:?}", script.lines());
    answer.items.into_iter().next().unwrap()
}

fn found(status: &str) -> Value {
    member("a@b.cz", status)
}

fn path() -> String {
    format!("/3.0/lists/a1b2/members/{}", hash("a@b.cz"))
}

#[test]
fn an_opt_out_is_written_to_a_member() {
    for status in ["subscribed", "pending", "transactional"] {
        let script = Script::new().answer(200, &found(status)).answer(200, &found("unsubscribed"));
        let result = run(&script, Act::Unsubscribe);
        assert_eq!((result.outcome, result.status), (ActOutcome::Done, Some(RemoteStatus::Unsubscribed)));
        assert_eq!(script.lines(), [format!("GET {}", path()), format!("PATCH {}", path())]);
        assert_eq!(script.body(1), json!({"status": "unsubscribed"}));
    }
}

#[test]
fn an_opt_out_leaves_opted_out_and_cleaned_members_as_they_are() {
    for status in ["unsubscribed", "cleaned", "archived"] {
        let script = Script::new().answer(200, &found(status));
        assert_eq!(run(&script, Act::Unsubscribe).outcome, ActOutcome::Already, "{status}");
    }
}

#[test]
fn an_opt_out_makes_nobody_a_member() {
    let script = Script::new().answer(404, &json!({}));
    let result = run(&script, Act::Unsubscribe);
    assert_eq!((result.outcome, result.status), (ActOutcome::Absent, Some(RemoteStatus::Absent)));
}

#[test]
fn mc_07_a_member_that_changed_its_address_there_is_opted_out_by_its_id() {
    let moved = member("moved@b.cz", "subscribed");
    let script = Script::new().answer(200, &moved).answer(200, &member("moved@b.cz", "unsubscribed"));
    let members = [Member { key: 1, address: "a@b.cz".to_owned(), remote_id: Some("c-1".to_owned()) }];
    let answer = change(&script.job(), "a1b2", Act::Unsubscribe, &members).unwrap();
    assert_eq!(answer.items[0].outcome, ActOutcome::Done);
    assert_eq!(script.lines()[0], "GET /3.0/lists/a1b2/members/c-1");
    assert_eq!(script.lines()[1], format!("PATCH /3.0/lists/a1b2/members/{}", hash("moved@b.cz")));
}

#[test]
fn mc_13_a_status_that_did_not_change_is_a_failure() {
    let script = Script::new().answer(200, &found("subscribed")).answer(200, &found("subscribed"));
    assert!(matches!(run(&script, Act::Unsubscribe).outcome, ActOutcome::Failed(_)));
}

#[test]
fn mc_16_removing_archives_and_a_second_time_changes_nothing() {
    let script = Script::new().answer_text(204, "");
    let result = run(&script, Act::Remove);
    assert_eq!((result.outcome, result.status), (ActOutcome::Done, Some(RemoteStatus::Archived)));
    assert_eq!(script.lines(), [format!("DELETE {}", path())]);
    assert_eq!(run(&Script::new().answer(405, &json!({})), Act::Remove).outcome, ActOutcome::Already);
    assert_eq!(run(&Script::new().answer(404, &json!({})), Act::Remove).outcome, ActOutcome::Absent);
}

#[test]
fn mc_14_confirming_makes_the_member_pending() {
    let script = Script::new().answer(200, &found("unsubscribed")).answer(200, &found("pending"));
    let result = run(&script, Act::Confirm);
    assert_eq!((result.outcome, result.status), (ActOutcome::Done, Some(RemoteStatus::Pending)));
    // Every repetition would be a message to the contact.
    assert_eq!(script.safe_to_repeat(1), Some(false));
}

#[test]
fn a_subscriber_is_not_asked_to_confirm_nor_is_anybody_twice() {
    for status in ["subscribed", "pending"] {
        let script = Script::new().answer(200, &found(status));
        assert_eq!(run(&script, Act::Confirm).outcome, ActOutcome::Already, "{status}");
    }
    let script = Script::new().answer(200, &found("cleaned"));
    assert!(matches!(run(&script, Act::Confirm).outcome, ActOutcome::Refused(_)));
}

#[test]
fn mc_17_forgetting_erases_for_good() {
    let script = Script::new().answer_text(204, "");
    assert_eq!(run(&script, Act::Forget).outcome, ActOutcome::Done);
    assert_eq!(script.lines(), [format!("POST {}/actions/delete-permanent", path())]);
    assert_eq!(run(&Script::new().answer(404, &json!({})), Act::Forget).outcome, ActOutcome::Absent);
}

#[test]
fn mc_12_a_refused_change_is_told_without_the_address() {
    let refused =
        problem("Member In Compliance State", "a@b.cz is in a compliance state and cannot be subscribed.", &[]);
    let script = Script::new().answer(200, &found("unsubscribed")).answer(400, &refused);
    let ActOutcome::Refused(reason) = run(&script, Act::Confirm).outcome else { panic!() };
    assert_eq!(reason, "this address is in a compliance state and cannot be subscribed.");
}

#[test]
fn what_was_concluded_before_a_failure_stays() {
    let one = |key| Member { key, address: format!("m{key}@b.cz"), remote_id: None };
    let script = Script::new().answer_text(204, "").answer_text(429, "");
    let answer = change(&script.job(), "a1b2", Act::Remove, &[one(1), one(2), one(3)]).unwrap();
    assert_eq!(answer.items.len(), 1);
    assert!(matches!(answer.stopped, Some(ProviderError::RateLimited(_))));
}
