//! Tags and segments: MC-28 to MC-30, MC-46.

use serde_json::{Value, json};

use crate::simulated::{Simulated, sorted};

const ANA: &str = "/members/ana@example.com";

async fn tag_id(sim: &Simulated, name: &str) -> Value {
    let found = sim.list_get(&format!("/tag-search?name={name}")).await.expect(200);
    found["tags"][0]["id"].clone()
}

#[tokio::test]
async fn mc_28_member_tags_are_objects_and_compare_without_case() {
    let sim = Simulated::start().await;
    sim.subscribe("ana@example.com").await;
    let path = format!("{ANA}/tags");
    let refused = sim.list_call("POST", &path, json!({"tags": ["VIP"]})).await;
    refused.problem(400, "Invalid Resource");

    let tags = json!({"tags": [
        {"name": "VIP", "status": "active"},
        {"name": "vip", "status": "active"},
        {"name": "Never there", "status": "inactive"},
    ]});
    let done = sim.list_call("POST", &path, tags).await;
    assert_eq!((done.status, done.body), (204, json!("")));
    let shown = sim.list_get(&path).await.expect(200);
    assert_eq!(shown["total_items"], 1);
    assert_eq!(shown["tags"][0]["name"], "VIP");
    assert!(shown["tags"][0]["date_added"].is_string());

    let off = json!({"tags": [{"name": "Vip", "status": "inactive"}]});
    assert_eq!(sim.list_call("POST", &path, off).await.status, 204);
    assert_eq!(sim.list_get(&path).await.expect(200)["total_items"], 0);
    // The tag itself stays, and is found by a prefix in any case.
    let found = sim.list_get("/tag-search?name=vi").await.expect(200);
    assert_eq!(found["tags"][0]["name"], "VIP");
    let strings = json!({"email_address": "ben@example.com", "status": "subscribed",
        "tags": [{"name": "VIP", "status": "active"}]});
    let refused = sim.list_call("POST", "/members", strings).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "tags.item:0");
}

#[tokio::test]
async fn mc_29_a_segment_batch_reports_whom_it_did_not_touch() {
    let sim = Simulated::start().await;
    sim.seed_members(json!([
        {"email": "in@example.com"},
        {"email": "left@example.com", "status": "unsubscribed"},
        {"email": "dead@example.com", "status": "cleaned"},
        {"email": "waiting@example.com", "status": "pending"},
        {"email": "tagged.left@example.com", "status": "unsubscribed", "tags": ["Newsletter"]},
        {"email": "tagged.in@example.com", "tags": ["Newsletter"]},
    ]))
    .await;
    let id = tag_id(&sim, "Newsletter").await;
    let path = format!("/segments/{id}");
    let body = json!({
        "members_to_add": ["in@example.com", "left@example.com", "dead@example.com", "WAITING@example.com", "nobody@example.com"],
        "members_to_remove": ["tagged.left@example.com", "tagged.in@example.com"],
    });
    let outcome = sim.list_call("POST", &path, body.clone()).await.expect(200);
    assert_eq!(outcome["total_added"], 2);
    assert_eq!(sorted(&outcome["members_added"], "email_address"), ["in@example.com", "waiting@example.com"]);
    assert_eq!(sorted(&outcome["members_removed"], "email_address"), ["tagged.in@example.com"]);
    let errors = outcome["errors"].as_array().unwrap();
    let emails: Vec<&Value> = errors.iter().map(|error| &error["email_addresses"]).collect();
    assert_eq!(
        emails,
        [
            &json!(["left@example.com", "dead@example.com"]),
            &json!(["nobody@example.com"]),
            &json!(["tagged.left@example.com"]),
        ]
    );
    assert_eq!(outcome["error_count"], 3);
    let left = sim.member("tagged.left@example.com").await;
    assert_eq!(left["tags"], json!(["Newsletter"]));
}

#[tokio::test]
async fn mc_29_what_happens_to_unsubscribed_members_is_a_switch() {
    let sim = Simulated::start().await;
    sim.seed_members(json!([
        {"email": "ana@example.com", "status": "unsubscribed", "tags": ["A"]},
    ]))
    .await;
    let id = tag_id(&sim, "A").await;
    let segment = format!("/segments/{id}");
    let remove = json!({"members_to_remove": ["ana@example.com"]});
    let add = json!({"members_to_add": ["ana@example.com", "nobody@example.com"]});
    sim.switch("segment_remove_on_unsubscribed", "allow").await;
    let outcome = sim.list_call("POST", &segment, remove).await.expect(200);
    assert_eq!(outcome["total_removed"], 1);
    sim.switch("segment_add_on_unsubscribed", "silent").await;
    sim.switch("segment_unknown_email", "ignore").await;
    let outcome = sim.list_call("POST", &segment, add).await.expect(200);
    assert_eq!((&outcome["total_added"], &outcome["error_count"]), (&json!(0), &json!(0)));

    let tags = json!({"tags": [{"name": "B", "status": "active"}]});
    let path = format!("{ANA}/tags");
    let post = async || sim.list_call("POST", &path, tags.clone()).await;
    assert_eq!(post().await.status, 204);
    assert_eq!(sim.member("ana@example.com").await["tags"], json!([]));
    sim.switch("member_tags_on_unsubscribed", "error").await;
    post().await.problem(400, "Invalid Resource");
    sim.switch("member_tags_on_unsubscribed", "allow").await;
    assert_eq!(post().await.status, 204);
    assert_eq!(sim.member("ana@example.com").await["tags"], json!(["B"]));
}

#[tokio::test]
async fn mc_30_a_saved_segment_is_not_a_static_one_and_an_empty_set_empties() {
    let sim = Simulated::start().await;
    sim.seed_members(json!([{"email": "ana@example.com"}, {"email": "ben@example.com"}])).await;
    let saved = json!({"name": "Frequent", "options": {"match": "any", "conditions": []}});
    let saved = sim.list_call("POST", "/segments", saved).await.expect(200);
    assert_eq!(saved["type"], "saved");
    let id = &saved["id"];
    let path = format!("/segments/{id}");
    let refused = sim.list_call("POST", &path, json!({"members_to_add": ["ana@example.com"]})).await;
    assert_eq!(
        refused.problem(400, "Invalid Resource")["detail"],
        format!("A Static Segment with an id of {id} does not exist for this list")
    );

    let tag = json!({"name": "Guests", "static_segment": ["ana@example.com", "ben@example.com", "nobody@example.com"]});
    let tag = sim.list_call("POST", "/segments", tag.clone()).await.expect(200);
    assert_eq!((&tag["type"], &tag["member_count"]), (&json!("static"), &json!(2)));
    let again = json!({"name": "GUESTS", "static_segment": []});
    let refused = sim.list_call("POST", "/segments", again).await;
    refused.problem(400, "Invalid Resource");
    let path = format!("/segments/{}", tag["id"]);
    let renamed = json!({"name": "Visitors", "static_segment": ["ben@example.com"]});
    let renamed = sim.list_call("PATCH", &path, renamed).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["member_count"]), (&json!("Visitors"), &json!(1)));
    assert_eq!(sim.member("ben@example.com").await["tags"], json!(["Visitors"]));
    let emptied = json!({"static_segment": []});
    let emptied = sim.list_call("PATCH", &path, emptied).await.expect(200);
    assert_eq!(emptied["member_count"], 0);
    let gone = sim.list_call("DELETE", &path, json!({})).await;
    assert_eq!(gone.status, 204);
    sim.list_get(&path).await.problem(404, "Resource Not Found");
}

#[tokio::test]
async fn segments_are_filtered_paged_and_show_whom_they_are_asked_for() {
    let sim = Simulated::start().await;
    let members = json!([
        {"email": "in@example.com", "tags": ["T"]},
        {"email": "left@example.com", "status": "unsubscribed", "tags": ["T"]},
    ]);
    let audience = json!({"id": "ab12cd34ef", "tags": ["A", "B"], "saved_segments": ["S"], "members": members});
    let seed = json!({"audiences": [audience]});
    sim.control("POST", "/seed", Some(seed)).await.expect(200);
    let page = sim.list_get("/segments?type=static&count=2&offset=1").await.expect(200);
    assert_eq!(page["total_items"], 3);
    assert_eq!(sorted(&page["segments"], "name"), ["B", "T"]);
    let saved = sim.list_get("/segments?type=saved").await.expect(200);
    assert_eq!(sorted(&saved["segments"], "name"), ["S"]);

    let id = tag_id(&sim, "T").await;
    let path = format!("/segments/{id}/members");
    let shown = sim.list_get(&path).await.expect(200);
    assert_eq!(sorted(&shown["members"], "email_address"), ["in@example.com"]);
    let all = sim.list_get(&format!("{path}?include_unsubscribed=true")).await;
    assert_eq!(all.expect(200)["total_items"], 2);
    let too_many = vec!["x@example.com"; 501];
    let body = json!({"members_to_add": too_many});
    let refused = sim.list_call("POST", &format!("/segments/{id}"), body).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "members_to_add");
}

#[tokio::test]
async fn one_member_at_a_time_follows_the_rules_of_the_batch() {
    let sim = Simulated::start().await;
    let left = json!({"email": "left@example.com", "status": "unsubscribed", "tags": ["T"]});
    sim.seed_members(json!([{"email": "ana@example.com"}, left])).await;
    let id = tag_id(&sim, "T").await;
    let path = format!("/segments/{id}/members");
    let add = async |email: &str| sim.list_call("POST", &path, json!({"email_address": email})).await;
    let added = add("ana@example.com").await.expect(200);
    assert_eq!(added["tags"][0]["name"], "T");
    add("left@example.com").await.problem(400, "Invalid Resource");
    add("nobody@example.com").await.problem(400, "Invalid Resource");
    let gone = sim.list_call("DELETE", &format!("{path}/ana@example.com"), json!({})).await;
    assert_eq!(gone.status, 204);
    assert_eq!(sim.member("ana@example.com").await["tags"], json!([]));
    let kept = sim.list_call("DELETE", &format!("{path}/left@example.com"), json!({})).await;
    kept.problem(400, "Invalid Resource");
    assert_eq!(sim.member("left@example.com").await["tags"], json!(["T"]));
}

#[tokio::test]
async fn mc_46_a_member_shows_fifty_tags_and_counts_all() {
    let sim = Simulated::start().await;
    let tags: Vec<String> = (0..60).map(|number| format!("tag {number}")).collect();
    let body = json!({"email_address": "ana@example.com", "status": "subscribed", "tags": tags});
    let member = sim.list_call("POST", "/members", body).await.expect(200);
    assert_eq!(member["tags"].as_array().unwrap().len(), 50);
    assert_eq!(member["tags_count"], 60);
    let all = sim.list_get(&format!("{ANA}/tags?count=100")).await.expect(200);
    assert_eq!(all["tags"].as_array().unwrap().len(), 60);
}
