//! Bulk calls: MC-24 to MC-26.

use postroom_simulators::mailchimp::Config;
use serde_json::{Value, json};

use crate::simulated::{LIST, Simulated, sorted};

fn entry(email: &str) -> Value {
    json!({"email_address": email, "status": "subscribed"})
}

fn guests(count: usize) -> Vec<Value> {
    let emails = (0..count).map(|number| format!("guest{number:03}@example.com"));
    emails.map(|email| entry(&email)).collect()
}

#[tokio::test]
async fn mc_24_501_members_are_refused_and_500_are_taken() {
    let sim = Simulated::start().await;
    let body = json!({"members": guests(501)});
    let refused = sim.list_call("POST", "", body).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "members");
    assert_eq!(sim.list_get("/members").await.expect(200)["total_items"], 0);

    let body = json!({"members": guests(500)});
    let taken = sim.bulk("?fields=total_created,error_count", body).await;
    assert_eq!(taken, json!({"total_created": 500, "error_count": 0}));
}

#[tokio::test]
async fn mc_24_existing_members_are_errors_without_update_existing() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    let mut body = json!({"members": [entry("ana@example.com"), entry("ben@example.com"), entry("x@fake.example")]});
    let outcome = sim.bulk("", body.clone()).await;
    assert_eq!(outcome["total_created"], 1);
    assert_eq!(outcome["error_count"], 2);
    let errors = outcome["errors"].as_array().unwrap();
    let known = errors.iter().find(|e| e["email_address"] == "ana@example.com");
    let known = known.unwrap();
    assert_eq!(known["error_code"], "ERROR_CONTACT_EXISTS");
    assert_eq!(
        known["error"],
        "ana@example.com is already a list member, do you want to update? please provide update_existing:true in the request body"
    );
    let fake = errors.iter().find(|e| e["email_address"] == "x@fake.example");
    let fake = fake.unwrap();
    assert_eq!(fake["error_code"], "ERROR_GENERIC");
    assert!(fake["error"].as_str().unwrap().contains("looks fake"));

    body["update_existing"] = json!(true);
    let outcome = sim.bulk("", body).await;
    assert_eq!(outcome["total_updated"], 2);
    let members = sorted(&outcome["updated_members"], "email_address");
    assert_eq!(members, ["ana@example.com", "ben@example.com"]);
    assert!(outcome["updated_members"][0]["contact_id"].is_string());
}

#[tokio::test]
async fn mc_24_duplicates_are_refused_unless_skipped_and_then_the_first_status_wins() {
    let sim = Simulated::start().await;
    let twice = |email: &str| {
        let upper = email.to_uppercase();
        let second = json!({"email_address": upper, "status": "unsubscribed", "merge_fields": {"FNAME": "Second"}});
        json!({"members": [entry(email), second], "update_existing": true})
    };
    let outcome = sim.bulk("", twice("ana@example.com")).await;
    assert_eq!(outcome["total_created"], 1);
    assert_eq!(outcome["errors"][0]["error_code"], "ERROR_GENERIC");
    assert_eq!(sim.member("ana@example.com").await["merge_fields"], json!({}));

    let outcome = sim.bulk("?skip_duplicate_check=true", twice("ben@example.com")).await;
    assert_eq!(outcome["total_created"], 1);
    assert_eq!(outcome["total_updated"], 0);
    assert_eq!(outcome["error_count"], 0);
    let ben = sim.member("ben@example.com").await;
    assert_eq!(ben["status"], "subscribed");
    assert_eq!(ben["merge_fields"]["FNAME"], "Second");
}

#[tokio::test]
async fn an_entry_without_status_is_refused_or_subscribed_by_switch() {
    let sim = Simulated::start().await;
    let body = json!({"members": [{"email_address": "ana@example.com"}], "update_existing": true});
    let outcome = sim.bulk("", body.clone()).await;
    assert_eq!(outcome["errors"][0]["field"], "status");
    assert!(sim.member("ana@example.com").await.is_null());
    sim.switch("bulk_missing_status", "subscribe").await;
    let outcome = sim.bulk("", body.clone()).await;
    assert_eq!(outcome["new_members"][0]["status"], "subscribed");
    // For a member that exists, no status means no change.
    sim.act("unsubscribe", "ana@example.com").await;
    let outcome = sim.bulk("", body).await;
    assert_eq!(outcome["updated_members"][0]["status"], "unsubscribed");
    let ana = sim.member("ana@example.com").await;
    assert_eq!(ana["status_sent"], json!([]));
}

#[tokio::test]
async fn an_archived_member_comes_back_with_a_status_only() {
    let sim = Simulated::start().await;
    sim.seed_members(json!([{"email": "ana@example.com", "archived": true}])).await;
    let silent = json!({"members": [{"email_address": "ana@example.com"}], "update_existing": true});
    let outcome = sim.bulk("", silent).await;
    assert_eq!(outcome["updated_members"][0]["status"], "archived");
    let outcome = sim.bulk("", json!({"members": [entry("ana@example.com")]})).await;
    assert_eq!(outcome["new_members"][0]["status"], "subscribed");
}

#[tokio::test]
async fn status_if_new_and_tags_in_bulk_are_switches() {
    let sim = Simulated::start().await;
    let entry = json!({"email_address": "ana@example.com", "status_if_new": "pending", "tags": ["VIP"]});
    let body = json!({"members": [entry], "update_existing": true});
    sim.bulk("", body.clone()).await;
    assert!(sim.member("ana@example.com").await.is_null());
    sim.switch("bulk_status_if_new", true).await;
    sim.switch("bulk_tags", false).await;
    let outcome = sim.bulk("", body.clone()).await;
    assert_eq!(outcome["new_members"][0]["status"], "pending");
    assert_eq!(outcome["new_members"][0]["tags"], json!([]));
    sim.switch("bulk_tags", true).await;
    let outcome = sim.bulk("", body).await;
    assert_eq!(outcome["updated_members"][0]["tags"][0]["name"], "VIP");
}

#[tokio::test]
async fn mc_25_the_answer_is_not_in_the_order_of_the_request() {
    let order = async |seed: u64| {
        let config = Config { seed, ..Config::default() };
        let sim = Simulated::with(config).await;
        let fields = "?fields=new_members.email_address";
        let outcome = sim.bulk(fields, json!({"members": guests(50)})).await;
        let members = outcome["new_members"].as_array().unwrap().clone();
        members.iter().map(|member| member["email_address"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (first, same, other) = (order(1).await, order(1).await, order(2).await);
    let mut in_order = first.clone();
    in_order.sort();
    assert_ne!(first, in_order);
    assert_eq!(in_order.len(), 50);
    assert_eq!(first, same);
    assert_ne!(first, other);
}

#[tokio::test]
async fn mc_26_sync_tags_wipes_tags_that_are_not_named() {
    let sim = Simulated::start().await;
    sim.seed_members(json!([{"email": "ana@example.com", "tags": ["Old", "Kept"]}])).await;
    let body = |sync: bool| {
        let entry = json!({"email_address": "ana@example.com", "tags": ["kept", "New"]});
        json!({"members": [entry], "update_existing": true, "sync_tags": sync})
    };
    sim.bulk("", body(false)).await;
    let tags = sim.member("ana@example.com").await["tags"].clone();
    assert_eq!(tags, json!(["Old", "Kept", "New"]));
    sim.bulk("", body(true)).await;
    let tags = sim.member("ana@example.com").await["tags"].clone();
    assert_eq!(tags, json!(["Kept", "New"]));
}

#[tokio::test]
async fn a_thousand_contacts_in_full_answers_are_all_there() {
    let sim = Simulated::start().await;
    sim.switch("book_bodies", false).await;
    for half in 0..2 {
        let members: Vec<Value> = (0..500).map(|number| entry(&format!("guest{half}-{number}@example.com"))).collect();
        let outcome = sim.bulk("", json!({"members": members})).await;
        assert_eq!(outcome["new_members"].as_array().unwrap().len(), 500);
    }
    let path = format!("/state?audience={LIST}&members=false");
    let state = sim.control("GET", &path, None).await.expect(200);
    assert_eq!(state["audiences"][0]["counts"]["subscribed"], 1000);
    assert!(state["audiences"][0].get("members").is_none());
    assert!(sim.book("").await[0]["body"].is_null());
}
