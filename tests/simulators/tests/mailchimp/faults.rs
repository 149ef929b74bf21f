//! Faults on demand: MC-33.

use std::time::Duration;

use serde_json::{Value, json};

use crate::simulated::{LIST, Simulated};

fn writes(fault: &str) -> Value {
    json!([{"match": {"method": "POST", "path_contains": "/lists/"}, "times": 1, "fault": fault}])
}

fn ana() -> Value {
    json!({"members": [{"email_address": "ana@example.com", "status": "subscribed"}]})
}

#[tokio::test]
async fn mc_33_answers_instead_of_the_request_apply_nothing() {
    let sim = Simulated::start().await;
    for (fault, status) in [("bare_403", 403), ("bare_503", 503), ("problem_500", 500), ("rate_429", 429)] {
        sim.fault(writes(fault)).await;
        let reply = sim.list_call("POST", "", ana()).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.body.is_object(), matches!(status, 429 | 500), "{fault}");
        assert!(reply.headers.get("retry-after").is_none());
        assert!(sim.member("ana@example.com").await.is_null());
    }
    assert!(sim.book("?writes=true").await.is_empty());
    let all = sim.book("?all=true").await;
    assert_eq!(all.len(), 4);
    assert_eq!((&all[0]["fault"], &all[0]["accepted"]), (&json!("bare_403"), &json!(false)));
    sim.list_call("POST", "", ana()).await.expect(200);
}

#[tokio::test]
async fn mc_33_a_reset_before_reading_applies_nothing() {
    let sim = Simulated::start().await;
    sim.fault(writes("reset_before_reading")).await;
    let path = format!("/lists/{LIST}");
    sim.try_call("POST", &path, Some(ana())).await.unwrap_err();
    assert!(sim.member("ana@example.com").await.is_null());
    assert!(sim.book("").await.is_empty());
}

#[tokio::test]
async fn mc_33_a_reset_after_applying_leaves_the_write_in_the_book() {
    let sim = Simulated::start().await;
    sim.fault(writes("reset_after_applying")).await;
    let path = format!("/lists/{LIST}");
    sim.try_call("POST", &path, Some(ana())).await.unwrap_err();
    assert_eq!(sim.member("ana@example.com").await["status"], "subscribed");
    let book = sim.book("?writes=true").await;
    assert_eq!(book.len(), 1);
    assert_eq!(book[0]["status"], 200);
    assert_eq!(book[0]["body"], ana());
    assert_eq!(book[0]["fault"], "reset_after_applying");
}

#[tokio::test]
async fn mc_33_an_error_or_half_an_answer_after_applying() {
    let sim = Simulated::start().await;
    sim.fault(writes("error_after_applying")).await;
    let reply = sim.list_call("POST", "", ana()).await;
    reply.problem(500, "Internal Server Error");
    assert_eq!(sim.member("ana@example.com").await["status"], "subscribed");

    sim.fault(writes("truncate_body")).await;
    let path = format!("/lists/{LIST}");
    let ben = json!({"members": [{"email_address": "ben@example.com", "status": "subscribed"}]});
    let cut = sim.try_call("POST", &path, Some(ben)).await.unwrap_err();
    // The head arrived: what failed is reading the body.
    assert!(cut.is_body() || cut.is_decode(), "{cut:?}");
    assert_eq!(sim.member("ben@example.com").await["status"], "subscribed");
}

#[tokio::test]
async fn mc_33_a_stall_outlasts_the_client_and_the_write_stands() {
    let sim = Simulated::start().await;
    sim.fault(json!([{"fault": "stall_ms", "ms": 120_000}])).await;
    let request = sim
        .client
        .post(sim.url(&format!("/lists/{LIST}")))
        .header("authorization", sim.bearer())
        .timeout(Duration::from_millis(200))
        .body(ana().to_string());
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(sim.member("ana@example.com").await["status"], "subscribed");
    // A simulator that is told to end does not wait for its own stalls.
    let shutdown = tokio::time::timeout(Duration::from_secs(30), sim.running.shutdown());
    shutdown.await.unwrap().unwrap();
}

#[tokio::test]
async fn mc_33_rules_pause_count_and_are_checked() {
    let sim = Simulated::start().await;
    sim.fault(json!([{"match": {"kind": "read"}, "after": 1, "times": 1, "fault": "bare_403"}])).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(sim.get("/ping").await.status);
    }
    assert_eq!(statuses, [200, 403, 200]);
    let rules = sim.control("GET", "/faults", None).await.expect(200);
    assert_eq!((&rules["rules"][0]["seen"], &rules["rules"][0]["fired"]), (&json!(3), &json!(1)));
    for wrong in [json!([{"fault": "stall_ms"}]), json!([{"fault": "earthquake"}])] {
        let refused = sim.control("PUT", "/faults", Some(wrong)).await;
        assert!((400..500).contains(&refused.status));
        assert!(refused.body["error"].is_string());
    }
}

#[tokio::test]
async fn mc_33_a_429_names_the_pause_that_its_rule_gives() {
    let sim = Simulated::start().await;
    sim.fault(json!([{"times": 1, "fault": "rate_429", "retry_after": 7}])).await;
    let reply = sim.get("/ping").await;
    assert_eq!((reply.status, &reply.headers["retry-after"]), (429, &"7".parse().unwrap()));
    sim.get("/ping").await.expect(200);
}

#[tokio::test]
async fn mc_33_a_bulk_call_that_dies_in_the_middle_has_done_its_first_half() {
    let sim = Simulated::start().await;
    sim.fault(writes("partly_applied")).await;
    let members: Vec<Value> = ["ana", "ben", "cyd"]
        .map(|name| json!({"email_address": format!("{name}@example.com"), "status": "subscribed"}))
        .to_vec();
    let reply = sim.list_call("POST", "", json!({"members": members})).await;
    reply.problem(500, "Internal Server Error");
    assert_eq!(sim.member("ben@example.com").await["status"], "subscribed");
    assert!(sim.member("cyd@example.com").await.is_null());
    let book = sim.book("?writes=true").await;
    assert_eq!((&book[0]["accepted"], &book[0]["body"]["members"]), (&json!(true), &json!(members)));
}

#[tokio::test]
async fn mc_33_a_held_request_is_applied_late_or_never() {
    let sim = Simulated::start().await;
    sim.fault(json!([{"match": {"method": "POST"}, "fault": "hold_ms", "ms": 50}])).await;
    sim.list_call("POST", "", ana()).await.expect(200);

    sim.fault(json!([{"match": {"method": "POST"}, "fault": "hold_ms", "ms": 120_000}])).await;
    let ben = json!({"members": [{"email_address": "ben@example.com", "status": "subscribed"}]});
    let request = sim
        .client
        .post(sim.url(&format!("/lists/{LIST}")))
        .header("authorization", sim.bearer())
        .timeout(Duration::from_millis(200))
        .body(ben.to_string());
    assert!(request.send().await.unwrap_err().is_timeout());
    assert!(sim.member("ben@example.com").await.is_null());
    assert_eq!(sim.book("?writes=true").await.len(), 1);
}

#[tokio::test]
async fn mc_04_a_key_is_revoked_between_two_requests() {
    let sim = Simulated::start().await;
    sim.fault(json!([{"after": 1, "times": 1, "fault": "revoke_key"}])).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(sim.get("/ping").await.status);
    }
    assert_eq!(statuses, [200, 401, 401]);
    sim.control("POST", "/act", Some(json!({"act": "restore_key"}))).await.expect(200);
    sim.get("/ping").await.expect(200);
}

#[tokio::test]
async fn an_operator_deletes_a_field_or_the_audience_between_two_requests() {
    let sim = Simulated::start().await;
    let fields = async || sim.list_get("/merge-fields?count=100").await.expect(200)["total_items"].as_u64().unwrap();
    let before = fields().await;
    sim.fault(json!([{"times": 1, "fault": "delete_merge_field", "name": "PHONE"}])).await;
    assert_eq!(fields().await, before - 1);
    sim.fault(json!([{"after": 1, "times": 1, "fault": "delete_audience"}])).await;
    sim.list_call("POST", "", ana()).await.expect(200);
    for _ in 0..2 {
        sim.list_call("POST", "", ana()).await.problem(404, "Resource Not Found");
    }
    sim.get("/lists").await.expect(200);
}
