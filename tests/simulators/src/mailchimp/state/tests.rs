//! The rules about members, without HTTP.

use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-01-01T00:00:00Z";

fn now() -> Moment {
    Moment::parse(NOW).unwrap()
}

/// An account with one audience that holds the given members.
fn account(members: &Value) -> (State, String) {
    let mut state = State::new(Rules::default(), 1);
    let seed = json!({"audiences": [{"name": "Guests", "members": members}]});
    let ids = state.plant(serde_json::from_value(seed).unwrap(), now());
    (state, ids.unwrap().remove(0))
}

fn write(state: &mut State, list: &str, via: Via, body: Value) -> Result<Written, Refusal> {
    let write = MemberWrite::parse(body, At::Body, Shape { tags: true }).unwrap();
    let (audience, rules, mint) = state.audience_mut(list).unwrap();
    let email = write.email.as_deref().unwrap();
    let existing = audience.find_email(email);
    audience.write(rules, mint, existing, write, How::via(via, now())).map_err(|(refusal, _)| refusal)
}

fn member<'a>(state: &'a State, list: &str, email: &str) -> &'a Member {
    let audience = state.audience(list).unwrap();
    audience.member(audience.find_email(email).unwrap()).unwrap()
}

#[test]
fn every_way_to_subscribe_somebody_is_decided_by_origin() {
    for (status, origin, refused) in [
        ("unsubscribed", "contact", true),
        ("unsubscribed", "abuse", true),
        ("cleaned", "bounce", true),
        ("unsubscribed", "api", false),
        ("unsubscribed", "admin", false),
    ] {
        for via in [Via::Put, Via::Patch, Via::Bulk] {
            let seed = json!([{"email": "ana@example.com", "status": status, "origin": origin}]);
            let (mut state, list) = account(&seed);
            let body = json!({"email_address": "ana@example.com", "status": "subscribed"});
            let result = write(&mut state, &list, via, body);
            assert_eq!(result == Err(Refusal::Compliance), refused, "{origin} {via:?}");
            let subscribed = member(&state, &list, "ana@example.com").status == Status::Subscribed;
            assert_eq!(subscribed, !refused);
        }
    }
}

#[test]
fn what_the_api_cleaned_the_api_cannot_subscribe() {
    let (mut state, list) = account(&json!([{"email": "ana@example.com"}]));
    let body = |status: &str| json!({"email_address": "ana@example.com", "status": status});
    write(&mut state, &list, Via::Patch, body("cleaned")).unwrap();
    let back = write(&mut state, &list, Via::Patch, body("subscribed"));
    assert_eq!(back, Err(Refusal::Compliance));
    write(&mut state, &list, Via::Patch, body("pending")).unwrap();
    let back = write(&mut state, &list, Via::Patch, body("subscribed"));
    assert_eq!(back, Err(Refusal::Compliance));
}

#[test]
fn a_refused_write_changes_nothing_but_the_record_of_statuses() {
    let seed = json!([{"email": "ana@example.com", "merge_fields": {"FNAME": "Ana"}}]);
    let (mut state, list) = account(&seed);
    let body = json!({
        "email_address": "ana@example.com", "status": "unsubscribed", "vip": true, "tags": ["New"],
        "merge_fields": {"FNAME": "Eve", "BIRTHDAY": "never"},
    });
    let refused = write(&mut state, &list, Via::Put, body).unwrap_err();
    assert!(matches!(refused, Refusal::MergeFields(errors) if errors.len() == 1));
    let ana = member(&state, &list, "ana@example.com");
    assert_eq!(ana.merge_value(1), Some(&json!("Ana")));
    assert_eq!((ana.status, ana.vip, ana.tags.len()), (Status::Subscribed, false, 0));
    assert_eq!(ana.status_sent[0].outcome, SentOutcome::Refused);
    assert_eq!(state.audience(&list).unwrap().tag_named("New"), None);
}

#[test]
fn a_forgotten_member_leaves_no_trace_in_segments() {
    let seed = json!([{"email": "ana@example.com", "tags": ["VIP"]}, {"email": "ben@example.com", "tags": ["VIP"]}]);
    let (mut state, list) = account(&seed);
    let (audience, ..) = state.audience_mut(&list).unwrap();
    let index = audience.find_email("ana@example.com").unwrap();
    audience.forget(index);
    assert!(audience.is_forgotten("ANA@example.com"));
    assert_eq!(audience.find_email("ana@example.com"), None);
    let tag = audience.tag_named("vip").unwrap();
    assert_eq!(audience.segment(tag).unwrap().members().count(), 1);
    let body = json!({"email_address": "ana@example.com", "status": "subscribed"});
    let refused = write(&mut state, &list, Via::Post, body);
    assert_eq!(refused, Err(Refusal::Forgotten));
}

#[test]
fn an_address_can_be_taken_over_only_when_it_is_free() {
    let seed = json!([{"email": "ana@example.com"}, {"email": "ben@example.com", "archived": true}]);
    let (mut state, list) = account(&seed);
    let (audience, rules, mint) = state.audience_mut(&list).unwrap();
    let ana = audience.find_email("ana@example.com");
    let rename = |email: &str| MemberWrite { email: Some(email.to_owned()), ..MemberWrite::default() };
    let how = How::via(Via::Patch, now());
    let onto_ben = audience.write(rules, mint, ana, rename("ben@example.com"), how);
    assert_eq!(onto_ben.unwrap_err().0, Refusal::Exists);
    audience.write(rules, mint, ana, rename("Eva@example.com"), how).unwrap();
    assert_eq!(audience.find_email("eva@example.com"), ana);
    assert_eq!(audience.find_email("ana@example.com"), None);
}

#[test]
fn every_bulk_entry_is_counted_once() {
    let seed = json!([{"email": "old@example.com"}, {"email": "left@example.com", "status": "unsubscribed"}]);
    let (mut state, list) = account(&seed);
    let entry = |email: &str| json!({"email_address": email, "status": "subscribed"});
    let body = json!({"update_existing": true, "members": [
        entry("old@example.com"), entry("left@example.com"), entry("new@example.com"),
        entry("NEW@example.com"), entry("not an address"), {"status": "subscribed"},
    ]});
    let request = BulkRequest::parse(body).unwrap();
    let (audience, rules, mint) = state.audience_mut(&list).unwrap();
    let outcome = audience.bulk(rules, mint, request, now());
    let counts = (outcome.created.len(), outcome.updated.len(), outcome.errors.len());
    assert_eq!(counts, (1, 1, 4));
}
