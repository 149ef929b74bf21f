//! Members one by one: MC-07 to MC-10, MC-15 to MC-19, MC-27.

use serde_json::json;

use crate::simulated::Simulated;

const ANA: &str = "/members/ana@example.com";

#[tokio::test]
async fn mc_07_a_member_is_found_by_hash_address_and_contact_id() {
    let sim = Simulated::start().await;
    let body = json!({"email_address": " Ana@Example.com ", "status": "subscribed"});
    let created = sim.list_call("POST", "/members", body).await.expect(200);
    assert_eq!(created["email_address"], "Ana@Example.com");
    // MD5 of ana@example.com.
    assert_eq!(created["id"], "cdb9d6a1dddc375a09cc83e3001598dc");
    let contact_id = created["contact_id"].as_str().unwrap();
    for who in [
        "cdb9d6a1dddc375a09cc83e3001598dc",
        "CDB9D6A1DDDC375A09CC83E3001598DC",
        "ANA@example.com",
        "ana%40example.com",
        contact_id,
    ] {
        let found = sim.list_get(&format!("/members/{who}")).await.expect(200);
        assert_eq!(found["contact_id"], contact_id);
    }
    let nobody = sim.list_get("/members/00000000000000000000000000000000").await;
    nobody.problem(404, "Resource Not Found");
}

#[tokio::test]
async fn mc_08_post_refuses_a_member_and_put_takes_it() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    let body = json!({"email_address": "ana@example.com", "status": "subscribed", "status_if_new": "subscribed"});
    let refused = sim.list_call("POST", "/members", body.clone()).await;
    let problem = refused.problem(400, "Member Exists");
    assert_eq!(
        problem["detail"],
        "ana@example.com is already a list member. Use PUT to insert or update list members."
    );
    sim.list_call("PUT", ANA, body).await.expect(200);
}

#[tokio::test]
async fn mc_09_put_needs_status_if_new_for_a_new_address() {
    let sim = Simulated::start().await;
    let body = json!({"email_address": "ana@example.com", "status": "subscribed"});
    let refused = sim.list_call("PUT", ANA, body).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "status_if_new");
    assert!(sim.member("ana@example.com").await.is_null());
    let body = json!({"status_if_new": "pending"});
    let created = sim.list_call("PUT", ANA, body).await.expect(200);
    assert_eq!(created["status"], "pending");
    let without = sim.list_call("POST", "/members", json!({"email_address": "ben@example.com"})).await;
    let problem = without.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "status");
}

#[tokio::test]
async fn mc_10_status_if_new_changes_neither_existing_nor_archived_members() {
    let sim = Simulated::start().await;
    let archived = json!({"email": "ben@example.com", "archived": true});
    let left = json!({"email": "ana@example.com", "status": "unsubscribed", "origin": "api"});
    sim.seed_members(json!([left, archived])).await;
    let body = json!({"status_if_new": "subscribed", "merge_fields": {"FNAME": "X"}});
    for (email, status) in [("ana@example.com", "unsubscribed"), ("ben@example.com", "archived")] {
        let path = format!("/members/{email}");
        let member = sim.list_call("PUT", &path, body.clone()).await.expect(200);
        assert_eq!(member["status"], status);
        assert_eq!(member["merge_fields"]["FNAME"], "X");
        // The control port still shows that the value was sent.
        let sent = &sim.member(email).await["status_sent"][0];
        assert_eq!(sent["key"], "status_if_new");
        assert_eq!(sent["outcome"], "ignored");
    }
}

#[tokio::test]
async fn mc_15_put_without_status_updates_an_unsubscribed_member() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    sim.act("unsubscribe", "ana@example.com").await;
    let body = json!({"status_if_new": "subscribed", "merge_fields": {"FNAME": "Ana"}});
    let updated = sim.list_call("PUT", ANA, body).await.expect(200);
    assert_eq!(updated["status"], "unsubscribed");
    assert_eq!(updated["merge_fields"]["FNAME"], "Ana");
}

#[tokio::test]
async fn mc_16_delete_archives_and_a_status_revives() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    let deleted = sim.list_call("DELETE", ANA, json!({})).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(sim.list_get(ANA).await.expect(200)["status"], "archived");
    assert_eq!(sim.list_get("/members").await.expect(200)["total_items"], 0);
    let archived = sim.list_get("/members?status=archived").await.expect(200);
    assert_eq!(archived["total_items"], 1);

    let again = sim.list_call("DELETE", ANA, json!({})).await;
    again.problem(404, "Resource Not Found");
    sim.switch("archived_twice", "method_not_allowed").await;
    let again = sim.list_call("DELETE", ANA, json!({})).await;
    again.problem(405, "Method Not Allowed");

    sim.subscribe("ana@example.com").await;
    assert_eq!(sim.list_get(ANA).await.expect(200)["status"], "subscribed");
}

#[tokio::test]
async fn mc_17_a_permanently_deleted_address_comes_back_only_by_the_form() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    let path = format!("{ANA}/actions/delete-permanent");
    let deleted = sim.list_call("POST", &path, json!({})).await;
    assert_eq!(deleted.status, 204);
    sim.list_get(ANA).await.problem(404, "Resource Not Found");

    let body = json!({"email_address": "ana@example.com", "status": "pending", "status_if_new": "pending"});
    for (method, path) in [("POST", "/members"), ("PUT", ANA)] {
        let refused = sim.list_call(method, path, body.clone()).await;
        let problem = refused.problem(400, "Forgotten Email Not Subscribed");
        assert!(problem.get("type").is_none());
        assert!(problem["detail"].as_str().unwrap().contains("cannot be re-imported"));
    }
    let bulk = json!({"members": [body], "update_existing": true});
    let outcome = sim.bulk("", bulk).await;
    assert_eq!(outcome["errors"][0]["error_code"], "ERROR_GENERIC");

    sim.act("resubscribe", "ana@example.com").await;
    let back = sim.list_get(ANA).await.expect(200);
    assert_eq!(back["status"], "subscribed");
}

#[tokio::test]
async fn mc_18_a_change_of_address_moves_the_hash_and_keeps_the_rest() {
    let sim = Simulated::start().await;
    let body = json!({"email_address": "ana@example.com", "status": "subscribed", "tags": ["VIP"]});
    let before = sim.list_call("POST", "/members", body).await.expect(200);
    sim.subscribe("ben@example.com").await;
    let onto = json!({"email_address": "ben@example.com"});
    let refused = sim.list_call("PATCH", ANA, onto).await;
    refused.problem(400, "Member Exists");

    let change = json!({"email_address": "ana.new@example.com"});
    let after = sim.list_call("PATCH", ANA, change).await.expect(200);
    assert_ne!(after["id"], before["id"]);
    assert_eq!(after["contact_id"], before["contact_id"]);
    assert_eq!(after["unique_email_id"], before["unique_email_id"]);
    assert_eq!(after["tags"][0]["name"], "VIP");
    sim.list_get(ANA).await.problem(404, "Resource Not Found");
    let nobody = sim.list_call("PATCH", ANA, json!({"merge_fields": {}})).await;
    nobody.problem(404, "Resource Not Found");
}

#[tokio::test]
async fn mc_19_fake_addresses_are_refused_unless_allowed() {
    let sim = Simulated::start().await;
    let add = async |email: &str| {
        let body = json!({"email_address": email, "status": "subscribed"});
        sim.list_call("POST", "/members", body).await
    };
    for (email, detail) in [
        ("ana@fake.example", "ana@fake.example looks fake or invalid, please enter a real email address."),
        ("ana@yopmail.com", "ana@yopmail.com looks fake or invalid, please enter a real email address."),
        ("ana at home", "Please provide a valid email address."),
    ] {
        let problem = add(email).await.problem(400, "Invalid Resource");
        assert_eq!(problem["detail"], detail);
    }
    add("ana@example.com").await.expect(200);
    add("ana@guests.test").await.expect(200);
    sim.switch("allowed_domains_honoured", false).await;
    add("ben@example.com").await.problem(400, "Invalid Resource");
}

#[tokio::test]
async fn mc_27_unknown_properties_and_tags_on_put_are_ignored() {
    let sim = Simulated::start().await;
    let body = json!({"status_if_new": "subscribed", "tags": ["VIP"], "shoe_size": 42,
        "merge_fields": {"NOSUCH": "x", "MERGE1": "Ana", "EMAIL": "x"}});
    let member = sim.list_call("PUT", ANA, body).await.expect(200);
    assert_eq!(member["tags_count"], 0);
    assert_eq!(member["merge_fields"]["FNAME"], "Ana");
    assert!(member["merge_fields"].get("NOSUCH").is_none());
}
