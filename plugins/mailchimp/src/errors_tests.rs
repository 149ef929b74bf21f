use postroom_sdk::prelude::*;

use super::{Fault, Problem, merge_tag, without_address};
use crate::wire::BulkError;

fn problem(status: u16, body: &str) -> Problem {
    Problem::read(status, body.as_bytes(), None)
}

fn titled(status: u16, title: &str, detail: &str) -> Problem {
    problem(status, &serde_json::json!({"title": title, "detail": detail}).to_string())
}

#[test]
fn mc_01_a_key_that_opens_nothing_stops_the_account() {
    for title in ["API Key Missing", "APIKeyInvalid"] {
        let error = titled(401, title, "Your API key may be invalid.").as_call();
        assert!(matches!(error, ProviderError::AuthLost(_)), "{error:?}");
    }
    for title in ["Forbidden", "User Disabled", "WrongDatacenter"] {
        let error = titled(403, title, "").as_call();
        assert!(matches!(error, ProviderError::AuthLost(_)), "{error:?}");
    }
}

#[test]
fn mc_33_refusals_without_a_word_are_the_proxys_and_pass() {
    for (status, body) in [(403, ""), (403, "<html>Access Denied</html>"), (503, "<html>akamai_503</html>"), (500, "")]
    {
        let error = problem(status, body).as_call();
        assert!(matches!(error, ProviderError::Unavailable(_)), "{status}: {error:?}");
    }
}

#[test]
fn mc_32_too_many_connections_ask_to_come_back() {
    for body in ["", r#"{"title": "TooManyRequests"}"#, r#"{"title": "Too Many Requests"}"#] {
        assert!(matches!(problem(429, body).as_call(), ProviderError::RateLimited(_)));
    }
    let waiting = Problem::read(429, b"", Some(3000)).as_call();
    assert!(matches!(waiting, ProviderError::RateLimited(RetryDetail { retry_after_ms: Some(3000), .. })));
}

#[test]
fn a_suspended_account_is_lost_and_not_merely_unavailable() {
    for title in ["Compliance Related", "ComplianceRelated", "compliance related"] {
        let error = titled(503, title, "This method has been disabled.").as_call();
        assert!(matches!(error, ProviderError::AuthLost(_)), "{error:?}");
    }
}

#[test]
fn the_other_statuses_are_told_apart() {
    let ProviderError::NotFound(gone) = titled(404, "Resource Not Found", "").as_call() else { panic!() };
    assert!(gone.message.contains("audience is still there"), "{}", gone.message);
    assert!(matches!(titled(405, "Method Not Allowed", "").as_call(), ProviderError::InvalidRequest(_)));
    assert!(matches!(titled(422, "Requested Fields Invalid", "").as_call(), ProviderError::InvalidRequest(_)));
    assert!(matches!(titled(426, "Upgrade Required", "").as_call(), ProviderError::InvalidRequest(_)));
    assert!(matches!(titled(400, "Invalid Action", "").as_call(), ProviderError::Conflict(_)));
    assert!(matches!(titled(400, "Bad Request", "").as_call(), ProviderError::InvalidRequest(_)));
    assert!(matches!(titled(302, "", "").as_call(), ProviderError::Other(OtherError { retryable: false, .. })));
    assert!(!titled(400, "JSON Parse Error", "").is_about_content());
    assert!(titled(400, "Invalid Resource", "").is_about_content());
}

#[test]
fn mc_12_compliance_is_known_without_a_type_by_title_or_by_detail() {
    let detail =
        "a@b.cz is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed.";
    for problem in [titled(400, "Member In Compliance State", detail), titled(400, "Invalid Resource", detail)] {
        assert!(matches!(problem.as_fault(), Fault::Blocked(ConsentBlockUntil::ContactActs, _)));
    }
}

#[test]
fn mc_17_a_forgotten_address_is_blocked_for_ever() {
    let detail = "a@b.cz was permanently deleted and cannot be re-imported. The contact must re-subscribe to get back on the list.";
    for problem in [titled(400, "Forgotten Email Not Subscribed", detail), titled(400, "", detail)] {
        assert!(matches!(problem.as_fault(), Fault::Blocked(ConsentBlockUntil::Forever, _)));
    }
}

#[test]
fn mc_08_member_exists() {
    let detail = "a@b.cz is already a list member. Use PUT to insert or update list members.";
    assert!(matches!(titled(400, "Member Exists", detail).as_fault(), Fault::Exists(_)));
}

#[test]
fn mc_19_refused_addresses() {
    for text in [
        "a@b.cz looks fake or invalid, please enter a real email address.",
        "Please provide a valid email address.",
        "This value should be a valid email.",
    ] {
        assert!(matches!(titled(400, "Invalid Resource", text).as_fault(), Fault::Address(_)), "{text}");
    }
    let named =
        problem(400, r#"{"title": "Invalid Resource", "errors": [{"field": "email_address", "message": "Schema"}]}"#);
    assert!(matches!(named.as_fault(), Fault::Address(_)));
}

#[test]
fn too_many_sign_ups_are_throttled() {
    for text in [
        "a@b.cz has signed up to a lot of lists very recently; we're not allowing more signups for now",
        "Recipient \"a@b.cz\" has too many recent signup requests",
    ] {
        assert!(matches!(titled(400, "Invalid Resource", text).as_fault(), Fault::Throttled(_)), "{text}");
    }
}

#[test]
fn mc_22_all_named_fields_of_a_problem_are_at_fault() {
    let body = r#"{"title": "Invalid Resource", "detail": "Your merge fields were invalid.", "errors": [
        {"field": "BIRTHDAY", "message": "Please enter a month (01-12) and a day (01-31)"},
        {"field": "NIGHTS", "message": "Please enter a number"}]}"#;
    let Fault::Fields(names, message) = problem(400, body).as_fault() else { panic!() };
    assert_eq!(names, ["BIRTHDAY", "NIGHTS"]);
    assert_eq!(message, "Please enter a month (01-12) and a day (01-31)");
}

#[test]
fn mc_20_a_schema_error_names_the_field_in_its_path() {
    assert_eq!(merge_tag("ADDRESS"), Some("ADDRESS"));
    assert_eq!(merge_tag("merge_fields.ADDRESS"), Some("ADDRESS"));
    assert_eq!(merge_tag("members.item:0.merge_fields.ADDRESS.addr1"), Some("ADDRESS"));
    assert_eq!(merge_tag("merge_fields"), None);
    assert_eq!(merge_tag("members.item:0"), None);
    assert_eq!(merge_tag(""), None);
}

#[test]
fn mc_24_several_errors_of_one_contact_are_one_fault() {
    let error = |error: &str, field: &str| BulkError {
        error: error.to_owned(),
        error_code: "ERROR_GENERIC".to_owned(),
        field: field.to_owned(),
        ..BulkError::default()
    };
    let fields = Fault::of_bulk(&[error("bad", "FNAME"), error("bad", "LNAME")]);
    assert_eq!(fields, Fault::Fields(vec!["FNAME".to_owned(), "LNAME".to_owned()], "bad".to_owned()));
    let blocked = Fault::of_bulk(&[error("bad", "FNAME"), error("x is in a compliance state", "")]);
    assert!(matches!(blocked, Fault::Blocked(..)), "{blocked:?}");
    assert!(matches!(Fault::of_bulk(&[]), Fault::Other(_)));
}

#[test]
fn messages_do_not_show_the_contacts_address() {
    let text = "Jana@Example.cz looks fake; jana@example.cz is refused.";
    assert_eq!(without_address(text, " jana@example.cz "), "this address looks fake; this address is refused.");
    assert_eq!(without_address("nothing", "jana@example.cz"), "nothing");
    assert_eq!(without_address("nothing", ""), "nothing");
}
