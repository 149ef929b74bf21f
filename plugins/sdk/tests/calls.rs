//! What a call sends, and what its answer means.

use postroom_sdk::errors;
use postroom_sdk::http::{HttpError, segment};
use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

#[test]
fn a_call_sends_what_it_was_given() {
    let script = Script::new().answer(200, &json!({"ok": true}));
    let reply = script.job().post("api", "/lists").query("count", "10").json(&json!({"a": 1})).send().unwrap();
    assert_eq!(reply.json::<Value>().unwrap(), json!({"ok": true}));
    assert_eq!(script.lines(), ["POST /lists"]);
    assert_eq!(script.query(0, "count").as_deref(), Some("10"));
    assert_eq!(script.body(0), json!({"a": 1}));
}

#[test]
fn only_reading_is_safe_to_repeat_by_itself() {
    let script = Script::new().answer(200, &json!({})).answer(200, &json!({})).answer(200, &json!({}));
    script.job().get("api", "/").send().unwrap();
    script.job().delete("api", "/").send().unwrap();
    script.job().put("api", "/").safe_to_repeat().send().unwrap();
    let safe: Vec<Option<bool>> = (0..3).map(|number| script.safe_to_repeat(number)).collect();
    assert_eq!(safe, [Some(true), Some(false), Some(true)]);
}

#[test]
fn a_segment_holds_any_text() {
    assert_eq!(segment("a/b?c#d%e ž"), "a%2Fb%3Fc%23d%25e%20%C5%BE");
    assert_eq!(segment("A-z_0.9~"), "A-z_0.9~");
}

#[test]
fn an_answer_that_is_no_json_is_told_with_the_request() {
    let script = Script::new().answer_text(200, "<html>").answer_text(200, "<html>");
    let read = script.job().get("api", "/").send().unwrap().json::<Value>().unwrap_err();
    let written = script.job().post("api", "/").send().unwrap().json::<Value>().unwrap_err();
    let ProviderError::Other(read) = read else { panic!("{read:?}") };
    let ProviderError::Other(written) = written else { panic!("{written:?}") };
    assert!(read.retryable && !written.retryable);
    assert!(read.detail.message.contains("GET request to `api`"), "{}", read.detail.message);
}

#[test]
fn what_may_have_been_done_is_not_offered_for_repetition() {
    for error in [HttpError::Interrupted("reset".to_owned()), HttpError::TimedOut] {
        let safe = errors::of_http(error.clone(), "the request", true);
        assert!(matches!(safe, ProviderError::Unavailable(_)), "{safe:?}");
        let unsafe_ = errors::of_http(error, "the request", false);
        assert!(matches!(unsafe_, ProviderError::Other(OtherError { retryable: false, .. })), "{unsafe_:?}");
    }
}

#[test]
fn every_other_missing_answer_has_its_meaning() {
    let of = |error| errors::of_http(error, "the request", false);
    let text = || "why".to_owned();
    assert!(matches!(of(HttpError::Denied(text())), ProviderError::InvalidRequest(_)));
    assert!(matches!(of(HttpError::InvalidRequest(text())), ProviderError::InvalidRequest(_)));
    assert!(matches!(of(HttpError::Unreachable(text())), ProviderError::Unavailable(_)));
    assert!(matches!(of(HttpError::BudgetSpent(text())), ProviderError::Unavailable(_)));
    assert!(matches!(of(HttpError::ResponseTooLarge(1)), ProviderError::Other(OtherError { retryable: false, .. })));
    assert!(matches!(of(HttpError::Other(text())), ProviderError::Other(OtherError { retryable: false, .. })));
    let ProviderError::RateLimited(detail) = of(HttpError::RateLimited(Some(5))) else { panic!() };
    assert_eq!(detail.retry_after_ms, Some(5));
}

#[test]
fn a_status_has_a_meaning_by_itself() {
    let of = |status| errors::of_status(status, None, "Sentence.".to_owned());
    assert!(matches!(of(401), ProviderError::AuthLost(_)));
    assert!(matches!(of(402), ProviderError::Quota(_)));
    assert!(matches!(of(404), ProviderError::NotFound(_)));
    assert!(matches!(of(409), ProviderError::Conflict(_)));
    assert!(matches!(of(422), ProviderError::InvalidRequest(_)));
    assert!(matches!(of(429), ProviderError::RateLimited(_)));
    assert!(matches!(of(503), ProviderError::Unavailable(_)));
    assert!(matches!(of(301), ProviderError::Other(_)));
    let refused = Script::new().answer(404, &json!({}));
    let error = refused.job().get("api", "/").send().unwrap().success().unwrap_err();
    assert!(matches!(error, ProviderError::NotFound(_)));
}

#[test]
fn settings_and_time_come_from_the_job() {
    let script = Script::new().setting("language", "cs");
    assert_eq!(script.job().setting("language").as_deref(), Some("cs"));
    assert_eq!(script.job().setting("other"), None);
    assert_eq!(script.job().now(), 0);
    script.job().log(Level::Info, "started", &[("key", "1")]);
    assert_eq!(script.notes(), ["started"]);
}

#[test]
fn what_was_concluded_before_a_failure_stays() {
    let write = |key| ContactWrite {
        key,
        address: format!("m{key}@b.cz"),
        remote_id: None,
        previous_address: None,
        on_create: OnCreate::Subscribed,
        fields: Vec::new(),
        extras: Vec::new(),
    };
    let failing_at = |bad: u64| {
        BatchAnswer::of_each(vec![write(1), write(2)], |write| {
            if write.key == bad {
                return Err(errors::unavailable(None, "test", "Down."));
            }
            Ok(ItemResult::new(write.key, ItemOutcome::Written))
        })
    };
    assert!(failing_at(1).is_err());
    let answer = failing_at(2).unwrap();
    assert_eq!(answer.items.len(), 1);
    assert!(answer.stopped.is_some());
    assert!(failing_at(3).unwrap().stopped.is_none());
}
