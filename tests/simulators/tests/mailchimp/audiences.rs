//! Audiences, merge fields, pages and projections: MC-05, MC-06, MC-39.

use serde_json::{Value, json};

use crate::simulated::{LIST, Simulated, sorted};

async fn with_members(count: usize) -> Simulated {
    let sim = Simulated::start().await;
    let members: Vec<Value> = (0..count).map(|number| json!({"email": format!("guest{number}@example.com")})).collect();
    sim.seed_members(json!(members)).await;
    sim
}

#[tokio::test]
async fn mc_05_pages_are_of_ten_at_most_of_a_thousand_and_end_empty() {
    let sim = with_members(1001).await;
    let count = |page: &Value| page["members"].as_array().unwrap().len();
    for (query, expected) in
        [("", 10), ("?count=7&offset=998", 3), ("?count=5000", 1000), ("?count=0", 0), ("?offset=5000", 0)]
    {
        let page = sim.list_get(&format!("/members{query}")).await.expect(200);
        assert_eq!(count(&page), expected, "{query}");
        assert_eq!(page["total_items"], 1001);
    }
    let refused = sim.list_get("/members?count=many").await;
    refused.problem(400, "Invalid Resource");
}

#[tokio::test]
async fn mc_05_merge_fields_beyond_the_tenth_need_a_count() {
    let sim = Simulated::start().await;
    for number in 0..6 {
        let body = json!({"name": format!("Extra {number}"), "type": "text"});
        let field = sim.list_call("POST", "/merge-fields", body).await.expect(200);
        assert_eq!(field["tag"], format!("EXTRA{number}"));
    }
    let page = sim.list_get("/merge-fields").await.expect(200);
    assert_eq!(page["merge_fields"].as_array().unwrap().len(), 10);
    assert_eq!(page["total_items"], 12);
    let all = sim.list_get("/merge-fields?count=100").await.expect(200);
    let tags = sorted(&all["merge_fields"], "tag");
    assert_eq!(tags[..2], ["ADDRESS", "BIRTHDAY"]);
    assert_eq!(tags.len(), 12);
    let phones = sim.list_get("/merge-fields?type=phone").await.expect(200);
    assert_eq!(phones["total_items"], 1);
    for (body, field) in [
        (json!({"name": "A", "type": "text", "tag": "ELEVENCHARS"}), "tag"),
        (json!({"name": "A", "type": "text", "tag": "fname"}), "tag"),
        (json!({"name": "A"}), "type"),
    ] {
        let refused = sim.list_call("POST", "/merge-fields", body).await;
        let problem = refused.problem(400, "Invalid Resource");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn mc_06_projections_leave_out_what_is_not_named() {
    let sim = with_members(2).await;
    let page =
        sim.list_get("/members?fields=members.email_address,members.merge_fields.FNAME&count=1").await.expect(200);
    assert_eq!(page, json!({"members": [{"email_address": "guest0@example.com", "merge_fields": {"FNAME": ""}}]}));
    let one = sim.list_get("/members/guest0@example.com?exclude_fields=_links,merge_fields").await.expect(200);
    assert_eq!(one["status"], "subscribed");
    assert!(one.get("_links").is_none() && one.get("merge_fields").is_none());

    let lists = sim.get("/lists?fields=total_items").await.expect(200);
    assert_eq!(lists, json!({"total_items": 1}));
    sim.switch("projection_drops_arrays", false).await;
    let lists = sim.get("/lists?fields=total_items").await.expect(200);
    assert_eq!(lists, json!({"lists": [], "total_items": 1}));
}

#[tokio::test]
async fn audiences_are_listed_with_their_numbers() {
    let sim = with_members(3).await;
    sim.act("unsubscribe", "guest0@example.com").await;
    sim.act("bounce", "guest1@example.com").await;
    let lists = sim.get("/lists").await.expect(200);
    let list = &lists["lists"][0];
    assert_eq!(list["id"], LIST);
    assert_eq!(list["name"], "Hotel guests");
    assert_eq!(list["stats"]["member_count"], 1);
    assert_eq!(list["stats"]["unsubscribe_count"], 1);
    assert_eq!(list["stats"]["cleaned_count"], 1);
    assert_eq!(list["stats"]["merge_field_count"], 6);
    assert_eq!(lists["constraints"]["may_create"], true);
    let of_nobody = sim.get("/lists?email=nobody@example.com").await.expect(200);
    assert_eq!(of_nobody["total_items"], 0);
    let of_guest = sim.get("/lists?email=GUEST2@example.com").await.expect(200);
    assert_eq!(of_guest["total_items"], 1);
    sim.get("/lists/0000000000").await.problem(404, "Resource Not Found");
    sim.get("/lists/0000000000/members").await.problem(404, "Resource Not Found");
}

#[tokio::test]
async fn mc_39_last_changed_moves_with_own_writes_and_since_includes_its_second() {
    let sim = Simulated::start().await;
    sim.clock("2026-01-01T00:00:00Z").await;
    sim.subscribe("ana@example.com").await;
    sim.subscribe("ben@example.com").await;
    sim.clock("2026-01-01T00:00:05Z").await;
    let change = json!({"merge_fields": {"FNAME": "Ana"}});
    let ana = sim.list_call("PATCH", "/members/ana@example.com", change).await;
    assert_eq!(ana.expect(200)["last_changed"], "2026-01-01T00:00:05+00:00");

    let since = |second: &str| format!("/members?since_last_changed=2026-01-01T00:00:{second}%2B00:00");
    let total = async |path: String| sim.list_get(&path).await.expect(200)["total_items"].clone();
    assert_eq!(total(since("00")).await, 2);
    assert_eq!(total(since("01")).await, 1);
    assert_eq!(total(since("05")).await, 1);
    assert_eq!(total(since("06")).await, 0);
    // A plus sign that was not encoded arrives as a blank and is still an offset.
    assert_eq!(total(since("05").replace("%2B", "+")).await, 1);
    sim.switch("since_last_changed_inclusive", false).await;
    assert_eq!(total(since("05")).await, 0);

    let sorted =
        sim.list_get("/members?sort_field=last_changed&sort_dir=DESC&fields=members.email_address").await.expect(200);
    assert_eq!(sorted["members"][0]["email_address"], "ana@example.com");
}

#[tokio::test]
async fn merge_fields_change_all_but_their_type_and_can_be_deleted() {
    let sim = with_members(1).await;
    let value = json!({"merge_fields": {"FNAME": "Ana"}});
    sim.list_call("PATCH", "/members/guest0@example.com", value).await.expect(200);
    let change = json!({"tag": "given", "name": "Given name", "type": "number", "required": true});
    let changed = sim.list_call("PATCH", "/merge-fields/1", change).await.expect(200);
    assert_eq!(
        (&changed["tag"], &changed["type"], &changed["required"]),
        (&json!("GIVEN"), &json!("text"), &json!(true))
    );
    let taken = sim.list_call("PATCH", "/merge-fields/1", json!({"tag": "LNAME"})).await;
    assert_eq!(taken.problem(400, "Invalid Resource")["errors"][0]["field"], "tag");
    assert_eq!(sim.member("guest0@example.com").await["merge_fields"], json!({"GIVEN": "Ana"}));
    let deleted = sim.list_call("DELETE", "/merge-fields/1", json!({})).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(sim.member("guest0@example.com").await["merge_fields"], json!({}));
    sim.list_get("/merge-fields/1").await.problem(404, "Resource Not Found");
}

#[tokio::test]
async fn mc_45_an_audience_is_created_if_the_plan_allows_it() {
    let sim = Simulated::start().await;
    let body = json!({
        "name": "Winter", "permission_reminder": "You asked for it.", "email_type_option": false,
        "contact": {"company": "Hotel", "address1": "Long Street 1", "city": "Brno", "country": "CZ"},
        "campaign_defaults": {"from_name": "Hotel", "from_email": "owner@example.com", "subject": "", "language": "en"},
    });
    let created = sim.call("POST", "/lists", body.clone()).await.expect(200);
    let id = created["id"].as_str().unwrap();
    let fields = sim.get(&format!("/lists/{id}/merge-fields")).await.expect(200);
    assert_eq!(fields["total_items"], 5);
    let refused = sim.call("POST", "/lists", json!({"name": "Winter"})).await;
    let problem = refused.problem(400, "Invalid Resource");
    assert_eq!(problem["errors"][0]["field"], "contact.company");
    sim.switch("may_create_audiences", false).await;
    sim.call("POST", "/lists", body).await.problem(403, "Forbidden");
    assert_eq!(sim.get("/lists").await.expect(200)["constraints"]["may_create"], false);
}
