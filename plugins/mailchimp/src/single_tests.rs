use postroom_sdk::http::HttpError;
use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

use crate::fixtures::{item, member, outcome, problem, push, write};
use crate::member::hash;

fn renamed(remote_id: Option<&str>) -> ContactWrite {
    let mut contact = write(1, "new@b.cz");
    contact.previous_address = Some("old@b.cz".to_owned());
    contact.remote_id = remote_id.map(str::to_owned);
    contact
}

fn not_found() -> Value {
    problem("Resource Not Found", "The requested resource could not be found.", &[])
}

fn members(id: &str) -> String {
    format!("/3.0/lists/a1b2/members/{id}")
}

#[test]
fn mc_07_members_are_known_by_the_hash_of_their_address() {
    assert_eq!(hash("Urist.McVankab@freddiesjokes.com"), "62eeb292278cc15f5817cb78f7790b08");
    assert_eq!(hash(" jana.novakova@example.cz "), "afe06c9ac3057b15d524fcef0229024b");
}

#[test]
fn mc_18_a_change_of_address_renames_the_member_and_carries_no_status() {
    let script = Script::new().answer(200, &member("new@b.cz", "unsubscribed"));
    let answer = push(&script, &[renamed(None)]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Updated);
    assert_eq!(item(&answer, 1).status, Some(RemoteStatus::Unsubscribed));
    assert_eq!(script.lines(), [format!("PATCH {}", members(&hash("old@b.cz")))]);
    assert_eq!(script.body(0), json!({"email_address": "new@b.cz", "merge_fields": {"FNAME": "Jana"}}));
    assert_eq!(script.safe_to_repeat(0), Some(false));
}

#[test]
fn mc_18_a_member_under_the_new_address_is_a_conflict() {
    let exists = problem("Member Exists", "new@b.cz is already a list member.", &[]);
    let script = Script::new().answer(400, &exists);
    let answer = push(&script, &[renamed(None)]).unwrap();
    let ItemOutcome::Rejected(rejection) = outcome(&answer, 1) else { panic!() };
    assert_eq!(rejection.class, RejectionClass::Conflict);
    assert!(!rejection.message.contains('@'), "{}", rejection.message);
}

#[test]
fn mc_18_a_conflict_in_unknown_words_is_looked_at() {
    let odd = problem("Invalid Resource", "No.", &[("email_address", "Taken.")]);
    let script = Script::new().answer(400, &odd).answer(200, &member("new@b.cz", "subscribed"));
    let answer = push(&script, &[renamed(None)]).unwrap();
    let ItemOutcome::Rejected(rejection) = outcome(&answer, 1) else { panic!() };
    assert_eq!(rejection.class, RejectionClass::Conflict);

    let script = Script::new().answer(400, &odd).answer(404, &not_found());
    let answer = push(&script, &[renamed(None)]).unwrap();
    let ItemOutcome::Rejected(rejection) = outcome(&answer, 1) else { panic!() };
    assert_eq!(rejection.class, RejectionClass::InvalidAddress);
}

#[test]
fn a8_a_rename_whose_answer_was_lost_is_found_under_the_members_id() {
    let script = Script::new().answer(200, &member("new@b.cz", "subscribed"));
    let answer = push(&script, &[renamed(Some("c-1"))]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Updated);
    assert_eq!(script.lines(), [format!("PATCH {}", members("c-1"))]);
}

#[test]
fn a8_a_member_that_was_made_anew_is_found_under_its_old_address() {
    let script = Script::new().answer(404, &not_found()).answer(200, &member("new@b.cz", "subscribed"));
    push(&script, &[renamed(Some("c-1"))]).unwrap();
    assert_eq!(script.lines()[1], format!("PATCH {}", members(&hash("old@b.cz"))));
}

#[test]
fn a8_a_rename_that_is_not_answered_is_no_fault_of_its_contact() {
    for lost in [HttpError::Interrupted("reset".to_owned()), HttpError::TimedOut] {
        let script = Script::new().failure(lost);
        let error = push(&script, &[renamed(Some("c-1"))]).unwrap_err();
        assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
    }
}

#[test]
fn a_rename_whose_member_is_gone_is_an_ordinary_push() {
    let script = Script::new()
        .answer(404, &not_found())
        .answer(200, &json!({"new_members": [member("new@b.cz", "subscribed")]}));
    let answer = push(&script, &[renamed(None)]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    assert_eq!(script.lines()[1], "POST /3.0/lists/a1b2");
    assert_eq!(script.body(1)["update_existing"], false);
}

#[test]
fn a_rename_whose_member_is_gone_creates_nobody_who_must_not_be_created() {
    let mut contact = renamed(None);
    contact.on_create = OnCreate::DoNotCreate;
    let script = Script::new().answer(404, &not_found()).answer(404, &not_found());
    let answer = push(&script, &[contact]).unwrap();
    let ItemOutcome::Rejected(rejection) = outcome(&answer, 1) else { panic!() };
    assert_eq!(rejection.class, RejectionClass::Missing);
    assert_eq!(script.lines()[1], format!("PATCH {}", members(&hash("new@b.cz"))));
}

#[test]
fn another_case_of_the_same_address_is_no_rename() {
    let mut contact = write(1, "New@b.cz");
    contact.previous_address = Some("new@B.cz".to_owned());
    let script = Script::new().answer(200, &json!({"new_members": [member("new@b.cz", "subscribed")]}));
    push(&script, &[contact]).unwrap();
    assert_eq!(script.lines(), ["POST /3.0/lists/a1b2"]);
}

#[test]
fn mc_22_a_single_write_leaves_refused_fields_out_too() {
    let mut contact = write(1, "a@b.cz");
    contact.on_create = OnCreate::DoNotCreate;
    let bad = problem("Invalid Resource", "Your merge fields were invalid.", &[("FNAME", "Too odd")]);
    let script = Script::new().answer(400, &bad).answer(200, &member("a@b.cz", "subscribed"));
    let answer = push(&script, &[contact]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Updated);
    assert_eq!(item(&answer, 1).left_out, [LeftOutField::new("FNAME", "Too odd")]);
    assert_eq!(script.body(1), json!({"merge_fields": {}}));
}
