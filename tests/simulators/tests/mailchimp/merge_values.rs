//! Values of merge fields and interests: MC-20 to MC-23, MC-31.

use serde_json::{Value, json};

use crate::simulated::{LIST, Simulated};

const ANA: &str = "/members/ana@example.com";

fn address(zip: &str) -> Value {
    json!({"addr1": "Long Street 1", "city": "Brno", "state": "JM", "zip": zip})
}

async fn put(sim: &Simulated, query: &str, merge_fields: Value) -> crate::simulated::Reply {
    let body = json!({"status_if_new": "subscribed", "merge_fields": merge_fields});
    sim.list_call("PUT", &format!("{ANA}{query}"), body).await
}

#[tokio::test]
async fn mc_20_an_address_of_three_parts_refuses_the_whole_write() {
    let sim = Simulated::start().await;
    put(&sim, "", json!({"ADDRESS": address("60200")})).await.expect(200);
    let refused = put(&sim, "", json!({"FNAME": "Ana", "ADDRESS": address("")})).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["detail"], "Your merge fields were invalid.");
    assert_eq!(problem["errors"], json!([{"field": "ADDRESS", "message": "Please enter a complete address"}]));
    let member = sim.member("ana@example.com").await;
    assert_eq!(member["merge_fields"], json!({"ADDRESS": address("60200")}));

    let cleared = put(&sim, "", json!({"ADDRESS": ""})).await.expect(200);
    assert_eq!(cleared["merge_fields"]["ADDRESS"], "");
    let entry = json!({"email_address": "ana@example.com", "merge_fields": {"ADDRESS": address("")}});
    let outcome = sim.bulk("", json!({"members": [entry], "update_existing": true})).await;
    let error = &outcome["errors"][0];
    assert_eq!(error["field"], "ADDRESS");
    assert_eq!(error["field_message"], "Please enter a complete address");
}

#[tokio::test]
async fn mc_21_a_stale_incomplete_address_can_block_other_fields() {
    let sim = Simulated::start().await;
    sim.seed_members(json!([{"email": "ana@example.com", "merge_fields": {"ADDRESS": address("")}}])).await;
    put(&sim, "", json!({"FNAME": "A"})).await.expect(200);
    sim.switch("stale_address_blocks", true).await;
    let refused = put(&sim, "", json!({"FNAME": "B"})).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "ADDRESS");
    put(&sim, "?skip_merge_validation=true", json!({"FNAME": "B"})).await.expect(200);
    put(&sim, "", json!({"FNAME": "C", "ADDRESS": ""})).await.expect(200);
}

#[tokio::test]
async fn mc_22_wrong_values_are_named_and_only_required_can_be_skipped() {
    let sim = Simulated::start().await;
    for field in [
        json!({"name": "Nights", "type": "number", "tag": "NIGHTS"}),
        json!({"name": "Room", "type": "dropdown", "tag": "ROOM", "options": {"choices": ["Single", "Double"]}}),
        json!({"name": "Country", "type": "text", "tag": "COUNTRY", "required": true}),
    ] {
        sim.list_call("POST", "/merge-fields", field).await.expect(200);
    }
    let wrong = json!({"BIRTHDAY": "2001-05-01", "NIGHTS": "three", "ROOM": "Suite"});
    for query in ["", "?skip_merge_validation=true"] {
        let refused = put(&sim, query, wrong.clone()).await;
        let problem = refused.problem(400, "Invalid Resource");
        let errors = problem["errors"].as_array().unwrap();
        let fields: Vec<&str> = errors.iter().filter_map(|e| e["field"].as_str()).collect();
        let mut expected = vec!["BIRTHDAY", "NIGHTS", "ROOM"];
        if query.is_empty() {
            expected.push("COUNTRY");
        }
        assert_eq!(fields, expected);
        assert_eq!(errors[0]["message"], "Please enter a month (01-12) and a day (01-31)");
    }
    let right = json!({"BIRTHDAY": "05/01", "NIGHTS": "3", "ROOM": "Single"});
    put(&sim, "", right.clone()).await.problem(400, "Invalid Resource");
    let taken = put(&sim, "?skip_merge_validation=true", right).await.expect(200);
    assert_eq!(taken["merge_fields"]["NIGHTS"], 3);
    assert_eq!(taken["merge_fields"]["ROOM"], "Single");
}

#[tokio::test]
async fn a_null_and_an_overlong_text_are_switches() {
    let sim = Simulated::start().await;
    let long = "x".repeat(300);
    put(&sim, "", json!({"FNAME": null})).await.expect(200);
    put(&sim, "", json!({"FNAME": long})).await.problem(400, "Invalid Resource");
    sim.switch("null_merge_value", "refuse").await;
    sim.switch("long_text", "cut").await;
    put(&sim, "", json!({"FNAME": null})).await.problem(400, "Invalid Resource");
    let cut = put(&sim, "", json!({"FNAME": long})).await.expect(200);
    assert_eq!(cut["merge_fields"]["FNAME"].as_str().unwrap().len(), 255);
}

#[tokio::test]
async fn mc_23_an_array_for_an_object_is_refused() {
    let sim = Simulated::start().await;
    for key in ["merge_fields", "interests"] {
        let body = json!({"email_address": "ana@example.com", "status": "subscribed", key: []});
        let refused = sim.list_call("POST", "/members", body.clone()).await;
        let problem = refused.problem(400, "Invalid Resource");
        assert_eq!(
            problem["errors"],
            json!([{"field": key, "message": "Schema describes object, array found instead"}])
        );
        // In a bulk call one such entry fails all of them.
        let good = json!({"email_address": "ben@example.com", "status": "subscribed"});
        let bulk = json!({"members": [good, body]});
        let refused = sim.list_call("POST", "", bulk).await;
        let problem = refused.problem(400, "Invalid Resource");
        assert_eq!(problem["errors"][0]["field"], format!("members.item:1.{key}"));
        assert!(sim.member("ben@example.com").await.is_null());
    }
}

#[tokio::test]
async fn mc_31_interests_merge_and_unknown_ones_are_refused() {
    let sim = Simulated::start().await;
    let seed = json!({"audiences": [{"id": LIST, "interests": ["aaaaaaaaaa", "bbbbbbbbbb"]}]});
    sim.control("POST", "/seed", Some(seed)).await.expect(200);
    let body = |interests: Value| json!({"status_if_new": "subscribed", "interests": interests});
    let first = body(json!({"aaaaaaaaaa": true}));
    sim.list_call("PUT", ANA, first).await.expect(200);
    let second = body(json!({"bbbbbbbbbb": true}));
    let both = sim.list_call("PUT", ANA, second).await.expect(200);
    assert_eq!(both["interests"], json!({"aaaaaaaaaa": true, "bbbbbbbbbb": true}));
    let unknown = body(json!({"aaaaaaaaaa": false, "cccccccccc": true}));
    let refused = sim.list_call("PUT", ANA, unknown).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["detail"], "Invalid interest ID: 'cccccccccc'.");
    let member = sim.member("ana@example.com").await;
    assert_eq!(member["interests"].as_array().unwrap().len(), 2);
}
