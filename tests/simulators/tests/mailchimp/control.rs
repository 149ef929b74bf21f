//! The control port: book, state, seed, acts, switches.

use serde_json::{Value, json};

use crate::simulated::{LIST, Simulated};

#[tokio::test]
async fn the_book_keeps_every_accepted_request_in_order() {
    let sim = Simulated::start().await;
    sim.get("/lists?count=3").await.expect(200);
    sim.subscribe("ana@example.com").await;
    let again = json!({"email_address": "ana@example.com", "status": "subscribed"});
    sim.list_call("POST", "/members", again.clone()).await.expect(400);
    let book = sim.book("").await;
    let seen: Vec<(&Value, &Value, &Value)> =
        book.iter().map(|entry| (&entry["seq"], &entry["kind"], &entry["status"])).collect();
    assert_eq!(
        seen,
        [
            (&json!(1), &json!("read"), &json!(200)),
            (&json!(2), &json!("write"), &json!(200)),
            (&json!(3), &json!("write"), &json!(400)),
        ]
    );
    assert_eq!(book[0]["path"], "/3.0/lists");
    assert_eq!(book[0]["query"], "count=3");
    assert!(book[0]["body"].is_null());
    assert_eq!(book[2]["body"], again);
    assert!(book[0]["at_ms"].as_u64().unwrap() > 0);
    assert_eq!(sim.book("?writes=true&after=2").await.len(), 1);

    sim.control("DELETE", "/book", None).await.expect(200);
    assert!(sim.book("").await.is_empty());
    sim.get("/ping").await.expect(200);
    assert_eq!(sim.book("").await[0]["seq"], 4);
    assert_eq!(sim.member("ana@example.com").await["status"], "subscribed");
}

#[tokio::test]
async fn the_token_is_needed_and_unknown_input_is_refused() {
    let sim = Simulated::start().await;
    let wrong = sim.running.control_url.replace(&sim.running.control_token, "guess");
    let refused = sim.send("GET", format!("{wrong}/state"), None, None).await;
    assert_eq!(refused.unwrap().status, 401);
    let unknown = Some(json!({"no_such_switch": true}));
    let refused = sim.control("PUT", "/switches", unknown).await.expect(400);
    assert!(refused["error"].as_str().unwrap().contains("no_such_switch"));
    for (path, body) in [
        ("/act", json!({"act": "dance"})),
        ("/seed", json!({"audiences": [{"id": "short"}]})),
        ("/seed", json!({"lists": []})),
    ] {
        let refused = sim.control("POST", path, Some(body)).await;
        assert_eq!(refused.status, 400);
        assert!(refused.body["error"].is_string());
    }
    assert_eq!(sim.control("GET", "/nothing", None).await.status, 404);
    let settings = sim.control("GET", "/switches", None).await.expect(200);
    assert_eq!(settings["bulk_missing_status"], "refuse");
}

#[tokio::test]
async fn a_seed_creates_audiences_with_fields_and_members() {
    let sim = Simulated::start().await;
    let seed = json!({"audiences": [{
        "name": "Winter", "merge_fields": [{"tag": "SKI", "name": "Ski", "type": "text", "required": true}],
        "members": [{"email": "ana@example.com", "merge_fields": {"SKI": "red"}, "tags": ["Snow"]}],
    }]});
    let made = sim.control("POST", "/seed", Some(seed)).await.expect(200);
    let id = made["audiences"][0].as_str().unwrap();
    assert_eq!(id.len(), 10);
    let path = format!("/lists/{id}/members/ana@example.com");
    let member = sim.get(&path).await.expect(200);
    assert_eq!(member["merge_fields"], json!({"SKI": "red"}));
    assert_eq!(member["tags"][0]["name"], "Snow");
    assert_eq!(member["list_id"], id);
}

#[tokio::test]
async fn operators_rename_and_delete_fields_tags_and_audiences() {
    let sim = Simulated::start().await;
    let members =
        json!([{"email": "ana@example.com", "merge_fields": {"FNAME": "Ana", "LANG": "cs"}, "tags": ["VIP"]}]);
    sim.seed_members(members).await;
    let act = async |body: Value| sim.control("POST", "/act", Some(body)).await;
    let rename = json!({"act": "rename_merge_field", "audience": LIST, "tag": "FNAME", "new_tag": "GIVEN"});
    act(rename).await.expect(200);
    act(json!({"act": "delete_merge_field", "audience": LIST, "tag": "LANG"})).await.expect(200);
    act(json!({"act": "delete_tag", "audience": LIST, "name": "vip"})).await.expect(200);
    let member = sim.list_get("/members/ana@example.com").await.expect(200);
    assert_eq!(member["merge_fields"]["GIVEN"], "Ana");
    assert!(member["merge_fields"].get("LANG").is_none());
    assert_eq!(member["tags"], json!([]));

    let moved = json!({"act": "change_address", "audience": LIST, "email": "ana@example.com", "new_email": "ana.new@example.com"});
    act(moved).await.expect(200);
    sim.list_get("/members/ana.new@example.com").await.expect(200);
    let nobody = json!({"act": "unsubscribe", "audience": LIST, "email": "ana@example.com"});
    let refused = act(nobody).await.expect(409);
    assert!(refused["error"].as_str().unwrap().contains("is not on the audience"));

    act(json!({"act": "delete_list", "audience": LIST})).await.expect(200);
    sim.list_get("").await.problem(404, "Resource Not Found");
}
