//! Who unsubscribed whom: MC-11 to MC-14.

use serde_json::{Value, json};

use crate::simulated::Simulated;

const ANA: &str = "/members/ana@example.com";

#[tokio::test]
async fn mc_11_the_origin_of_an_unsubscription_is_kept() {
    let sim = Simulated::start().await;
    for (act, origin, status) in [
        ("unsubscribe", "contact", "unsubscribed"),
        ("abuse", "abuse", "unsubscribed"),
        ("bounce", "bounce", "cleaned"),
        ("operator_unsubscribe", "admin", "unsubscribed"),
    ] {
        let email = format!("{act}@example.com");
        sim.subscribe(&email).await;
        sim.act(act, &email).await;
        let member = sim.member(&email).await;
        assert_eq!(member["status_origin"], origin);
        assert_eq!(member["status"], status);
    }
    sim.subscribe("ana@example.com").await;
    let leave = json!({"status": "unsubscribed"});
    sim.list_call("PATCH", ANA, leave).await.expect(200);
    assert_eq!(sim.member("ana@example.com").await["status_origin"], "api");
    // An API call does not overwrite what the contact did.
    let path = "/members/unsubscribe@example.com";
    let leave = json!({"status": "unsubscribed"});
    sim.list_call("PATCH", path, leave).await.expect(200);
    let member = sim.member("unsubscribe@example.com").await;
    assert_eq!(member["status_origin"], "contact");
}

#[tokio::test]
async fn mc_12_subscribing_a_compliance_member_is_refused_whole() {
    let sim = Simulated::start().await;
    for act in ["unsubscribe", "abuse", "bounce"] {
        let email = format!("{act}@example.com");
        sim.subscribe(&email).await;
        sim.act(act, &email).await;
        let body = json!({"status": "subscribed", "merge_fields": {"FNAME": "X"}});
        for method in ["PUT", "PATCH"] {
            let path = format!("/members/{email}");
            let refused = sim.list_call(method, &path, body.clone()).await;
            let problem = refused.problem(400, "Member In Compliance State");
            assert!(problem.get("type").is_none());
            assert_eq!(
                problem["detail"],
                format!(
                    "{email} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
                )
            );
        }
        let member = sim.member(&email).await;
        assert_eq!(member["merge_fields"], json!({}));
        assert_eq!(member["status_sent"][0]["outcome"], "refused");
        let entry = json!({"email_address": email, "status": "subscribed"});
        let bulk = json!({"members": [entry], "update_existing": true});
        let outcome = sim.bulk("", bulk).await;
        assert_eq!(outcome["errors"][0]["error_code"], "ERROR_GENERIC");
        let error = outcome["errors"][0]["error"].as_str().unwrap();
        assert!(error.contains("is in a compliance state"));
    }
}

#[tokio::test]
async fn mc_13_the_api_may_lift_its_own_unsubscription() {
    let sim = Simulated::start().await;
    let left = |email: &str, origin: &str| json!({"email": email, "status": "unsubscribed", "origin": origin});
    sim.seed_members(json!([
        left("ana@example.com", "api"),
        left("ben@example.com", "api"),
        left("eva@example.com", "admin"),
    ]))
    .await;
    let body = json!({"status": "subscribed"});
    let back = sim.list_call("PUT", ANA, body).await.expect(200);
    assert_eq!(back["status"], "subscribed");

    let entry =
        |email: &str| json!({"members": [{"email_address": email, "status": "subscribed"}], "update_existing": true});
    sim.switch("bulk_resubscribe_api_unsubscribed", "ignore").await;
    let outcome = sim.bulk("", entry("ben@example.com")).await;
    assert_eq!(outcome["updated_members"][0]["status"], "unsubscribed");
    assert_eq!(outcome["error_count"], 0);
    sim.switch("bulk_resubscribe_api_unsubscribed", "accept").await;
    let outcome = sim.bulk("", entry("ben@example.com")).await;
    assert_eq!(outcome["updated_members"][0]["status"], "subscribed");
    let outcomes: Vec<Value> = sim.member("ben@example.com").await["status_sent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sent| sent["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["ignored", "applied"]);
}

#[tokio::test]
async fn mc_14_pending_asks_the_contact_and_the_click_subscribes() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    sim.act("unsubscribe", "ana@example.com").await;
    let ask = json!({"status": "pending"});
    let asked = sim.list_call("PATCH", ANA, ask).await.expect(200);
    assert_eq!(asked["status"], "pending");
    assert_eq!(sim.member("ana@example.com").await["confirmations"], 1);
    // Asking is not an answer: the API still cannot subscribe.
    let push = json!({"status": "subscribed"});
    let refused = sim.list_call("PATCH", ANA, push.clone()).await;
    refused.problem(400, "Member In Compliance State");

    sim.act("confirm", "ana@example.com").await;
    let member = sim.list_get(ANA).await.expect(200);
    assert_eq!(member["status"], "subscribed");
    sim.list_call("PATCH", ANA, push).await.expect(200);
    let again = json!({"act": "confirm", "audience": "ab12cd34ef", "email": "ana@example.com"});
    let refused = sim.control("POST", "/act", Some(again)).await.expect(409);
    assert!(refused["error"].as_str().unwrap().contains("not pending"));
}

#[tokio::test]
async fn a_buyer_is_created_as_such_and_a_member_does_not_become_one() {
    let sim = Simulated::start().await;
    let body = json!({"email_address": "ana@example.com", "status": "transactional"});
    let created = sim.list_call("POST", "/members", body).await.expect(200);
    assert_eq!(created["status"], "transactional");
    let refused = sim.list_call("PATCH", ANA, json!({"status": "transactional"})).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "status");
}
