use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::json;

use crate::fixtures::{address_parts, exists, item, member, outcome, problem, push, refusal, set, write};

fn rejection(answer: &BatchAnswer, key: u64) -> &Rejection {
    match outcome(answer, key) {
        ItemOutcome::Rejected(rejection) => rejection,
        other => panic!("{other:?}"),
    }
}

fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

#[test]
fn mc_25_answers_are_joined_by_address_in_any_order_and_case() {
    let script = Script::new().answer(
        200,
        &json!({
            "new_members": [member("C@B.CZ", "subscribed"), member("a@b.cz", "subscribed")],
            "errors": [refusal("B@b.cz", "B@b.cz looks fake or invalid, please enter a real email address.", "", "")],
        }),
    );
    let answer = push(&script, &[write(1, "A@b.cz"), write(2, "b@b.cz"), write(3, "c@b.cz")]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    assert_eq!(outcome(&answer, 3), &ItemOutcome::Created);
    // MC-19
    assert_eq!(rejection(&answer, 2).class, RejectionClass::InvalidAddress);
    assert_eq!(rejection(&answer, 2).message, "this address looks fake or invalid, please enter a real email address.");
}

#[test]
fn mc_24_more_than_500_go_in_several_calls() {
    let writes: Vec<ContactWrite> = (0..501).map(|key| write(key, &format!("m{key}@b.cz"))).collect();
    let created = |from: u64, to: u64| -> Vec<_> {
        (from..to).map(|key| member(&format!("m{key}@b.cz"), "subscribed")).collect()
    };
    let script = Script::new()
        .answer(200, &json!({"new_members": created(0, 500)}))
        .answer(200, &json!({"new_members": created(500, 501)}));
    let answer = push(&script, &writes).unwrap();
    assert_eq!(answer.items.len(), 501);
    assert_eq!(script.body(0)["members"].as_array().unwrap().len(), 500);
}

#[test]
fn mc_12_and_mc_17_consent_blocks() {
    let script = Script::new().answer(
        200,
        &json!({"errors": [
            refusal("left@b.cz", "left@b.cz is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.", "", ""),
            refusal("gone@b.cz", "gone@b.cz was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list.", "", ""),
            refusal("busy@b.cz", "busy@b.cz has signed up to a lot of lists very recently; we're not allowing more signups for now", "", ""),
        ]}),
    );
    let answer = push(&script, &[write(1, "left@b.cz"), write(2, "gone@b.cz"), write(3, "busy@b.cz")]).unwrap();
    let until = |key| match outcome(&answer, key) {
        ItemOutcome::ConsentBlocked(block) => block.until,
        other => panic!("{other:?}"),
    };
    assert_eq!(until(1), ConsentBlockUntil::ContactActs);
    assert_eq!(until(2), ConsentBlockUntil::Forever);
    assert_eq!(rejection(&answer, 3).class, RejectionClass::Throttled);
}

#[test]
fn mc_22_a_refused_field_is_left_out_and_the_contact_goes() {
    let mut contact = write(1, "a@b.cz");
    contact.fields.push(set("PHONE", text("12")));
    let script = Script::new()
        .answer(
            200,
            &json!({"errors": [refusal("a@b.cz", "Your merge fields were invalid.", "PHONE", "Please enter a valid US phone number")]}),
        )
        .answer(200, &json!({"new_members": [member("a@b.cz", "subscribed")]}));
    let answer = push(&script, &[contact]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    let left_out = LeftOutField::new("PHONE", "Please enter a valid US phone number");
    assert_eq!(item(&answer, 1).left_out, [left_out]);
    assert_eq!(script.body(1)["members"][0]["merge_fields"], json!({"FNAME": "Jana"}));
    assert_eq!(script.body(1)["members"][0]["status"], "subscribed");
}

#[test]
fn mc_22_a_field_that_can_not_be_left_out_refuses_the_contact() {
    let missing =
        || json!({"errors": [refusal("a@b.cz", "Your merge fields were invalid.", "LNAME", "Please enter a value")]});
    let script = Script::new().answer(200, &missing());
    let answer = push(&script, &[write(1, "a@b.cz")]).unwrap();
    assert_eq!(rejection(&answer, 1).class, RejectionClass::InvalidField);
    assert_eq!(rejection(&answer, 1).field.as_deref(), Some("LNAME"));

    // A required field whose value is refused: without it the contact is refused too.
    let mut contact = write(1, "a@b.cz");
    contact.fields.push(set("LNAME", text("Nováková")));
    let bad = json!({"errors": [refusal("a@b.cz", "Your merge fields were invalid.", "LNAME", "Too odd")]});
    let script = Script::new().answer(200, &bad).answer(200, &missing());
    let answer = push(&script, &[contact]).unwrap();
    assert_eq!(rejection(&answer, 1).class, RejectionClass::InvalidField);
    assert_eq!(item(&answer, 1).left_out.len(), 1);
}

#[test]
fn mc_21_an_incomplete_address_at_mailchimp_does_not_block_the_contact() {
    let stale = json!({"errors": [refusal("a@b.cz", "Your merge fields were invalid.", "ADDRESS", "Please enter a complete address")]});
    let script = Script::new()
        .answer(200, &json!({"errors": [exists("a@b.cz")]}))
        .answer(200, &stale)
        .answer(200, &json!({"updated_members": [member("a@b.cz", "subscribed")]}));
    let answer = push(&script, &[write(1, "a@b.cz")]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Updated);
    assert_eq!(script.query(1, "skip_merge_validation"), None);
    assert_eq!(script.query(2, "skip_merge_validation").as_deref(), Some("true"));
    // The address that stands at Mailchimp stays (A4).
    assert!(script.body(2)["members"][0]["merge_fields"].get("ADDRESS").is_none());
}

#[test]
fn a4_an_address_that_the_audience_requires_does_not_keep_the_rest_back() {
    let mut contact = write(1, "a@b.cz");
    let mut parts = address_parts();
    parts.retain(|(part, _)| part != "zip");
    contact.fields.push(set("ADDRESS", FieldValue::Parts(parts)));
    let missing =
        json!({"errors": [refusal("a@b.cz", "Your merge fields were invalid.", "ADDRESS", "Please enter a value")]});
    let script =
        Script::new().answer(200, &missing).answer(200, &json!({"new_members": [member("a@b.cz", "subscribed")]}));
    let answer = push(&script, &[contact]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    assert_eq!(item(&answer, 1).left_out[0].field, "ADDRESS");
    assert_eq!(script.query(1, "skip_merge_validation").as_deref(), Some("true"));
}

#[test]
fn a_contact_is_not_sent_again_without_end() {
    let bad = json!({"errors": [refusal("a@b.cz", "Your merge fields were invalid.", "FNAME", "Too odd")]});
    // FNAME goes out at the first refusal; named again, there is nothing left to take out.
    let script = Script::new().answer(200, &bad).answer(200, &bad);
    let answer = push(&script, &[write(1, "a@b.cz")]).unwrap();
    assert_eq!(rejection(&answer, 1).class, RejectionClass::InvalidField);
    assert_eq!(script.lines().len(), 2);
}

#[test]
fn mc_23_a_refused_call_is_halved_down_to_the_offender() {
    let schema = problem("Invalid Resource", "Schema describes object, array found instead", &[]);
    let created = |address: &str| json!({"new_members": [member(address, "subscribed")]});
    let script = Script::new()
        .answer(400, &schema) // 1 2 3 4
        .answer(400, &schema) // 1 2
        .answer(200, &created("m1@b.cz"))
        .answer(400, &schema) // 2
        .answer(200, &json!({"new_members": [member("m3@b.cz", "subscribed"), member("m4@b.cz", "subscribed")]}));
    let writes: Vec<ContactWrite> = (1..=4).map(|key| write(key, &format!("m{key}@b.cz"))).collect();
    let answer = push(&script, &writes).unwrap();
    for key in [1, 3, 4] {
        assert_eq!(outcome(&answer, key), &ItemOutcome::Created, "{key}");
    }
    assert_eq!(rejection(&answer, 2).class, RejectionClass::Other("refused".to_owned()));
    assert!(answer.stopped.is_none());
}

#[test]
fn mc_20_a_refused_call_whose_offender_is_a_field_loses_only_the_field() {
    let schema = problem(
        "Invalid Resource",
        "The resource submitted could not be validated. For field-specific details, see the 'errors' array.",
        &[("members.item:0.merge_fields.FNAME", "Data did not match any of the schemas described in anyOf.")],
    );
    let script =
        Script::new().answer(400, &schema).answer(200, &json!({"new_members": [member("a@b.cz", "subscribed")]}));
    let answer = push(&script, &[write(1, "a@b.cz")]).unwrap();
    assert_eq!(outcome(&answer, 1), &ItemOutcome::Created);
    assert_eq!(item(&answer, 1).left_out[0].field, "FNAME");
}

#[test]
fn a_request_that_no_contact_is_to_blame_for_ends_the_call() {
    let wrong = problem("Bad Request", "This list can't be written.", &[]);
    let script = Script::new().answer(400, &wrong).answer(400, &wrong).answer(400, &wrong);
    let error = push(&script, &[write(1, "a@b.cz"), write(2, "b@b.cz")]).unwrap_err();
    assert!(matches!(error, ProviderError::InvalidRequest(_)), "{error:?}");

    // Of 64, eight are asked alone: six halvings lead to the first, and eleven more calls to the others.
    let script = (0..18).fold(Script::new(), |script, _| script.answer(400, &wrong));
    let writes: Vec<ContactWrite> = (0..64).map(|key| write(key, &format!("m{key}@b.cz"))).collect();
    let error = push(&script, &writes).unwrap_err();
    assert!(matches!(error, ProviderError::InvalidRequest(_)), "{error:?}");
}

#[test]
fn a_contact_that_the_answer_forgets_is_counted_as_failed() {
    let script = Script::new().answer(200, &json!({}));
    let answer = push(&script, &[write(1, "a@b.cz")]).unwrap();
    assert!(matches!(outcome(&answer, 1), ItemOutcome::Other(_)));
}

#[test]
fn mc_33_a_creation_whose_answer_was_lost_may_be_repeated() {
    let script = Script::new().failure(postroom_sdk::http::HttpError::Interrupted("reset".to_owned()));
    let error = push(&script, &[write(1, "a@b.cz")]).unwrap_err();
    assert!(matches!(error, ProviderError::Unavailable(_)), "{error:?}");
    assert_eq!(script.safe_to_repeat(0), Some(true));
}
