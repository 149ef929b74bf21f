//! Row A8: who leaves a list loses its tag, and nothing else; a changed address is the same member.

use serde_json::json;

use crate::house::{House, counted};

#[tokio::test(flavor = "multi_thread")]
async fn a8_who_is_taken_off_the_list_loses_the_tag_and_stays_a_member() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\nmari@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.import("Guests", Some("form"), "email\nbert@example.com\nmari@example.com\n");
    house.postroom(&["list", "take-off", "Guests", "mari@example.com"]).done();
    let report = house.run("Guests");
    assert_eq!(report["tags"], json!({"added": 0, "removed": 2, "refused": 0}));
    assert_eq!(house.opened(&report, "tags-removed").len(), 2);
    assert_eq!(house.members().await.len(), 3, "never deleted at the provider");
    for (email, tags) in [("jana", json!([])), ("mari", json!([])), ("bert", json!(["Guests"]))] {
        let member = house.member(&format!("{email}@example.com")).await;
        assert_eq!((&member["tags"], &member["status"]), (&tags, &json!("subscribed")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_contact_that_was_deleted_here_loses_the_tag_too() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.postroom(&["contact", "remove", "jana@example.com"]).done();
    let report = house.run("Guests");
    assert_eq!((counted(&report).as_str(), &report["tags"]["removed"]), ("unchanged=1", &json!(1)));
    assert_eq!(house.member("jana@example.com").await["tags"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_contact_that_was_deleted_and_came_back_keeps_the_tag() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.postroom(&["contact", "remove", "jana@example.com"]).done();
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    for _ in 0..2 {
        assert_eq!(house.run("Guests")["tags"]["removed"], 0);
        assert_eq!(house.member("jana@example.com").await["tags"], json!(["Guests"]));
    }
    house.import("Guests", Some("form"), "email\nbert@example.com\n");
    assert_eq!(house.run("Guests")["tags"]["removed"], 1, "and loses it when it leaves");
    assert_eq!(house.member("jana@example.com").await["tags"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_changed_address_keeps_its_member_its_tag_and_its_status() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email,firstname\n1,old@example.com,Jana\n2,left@example.com,Bert\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    let before = house.member("old@example.com").await;
    house.act("unsubscribe", json!({"email": "left@example.com"})).await;

    house.import("Guests", Some("form"), "id,email,firstname\n1,new@example.com,Jana\n2,moved@example.com,Bert\n");
    let report = house.run("Guests");
    assert_eq!(counted(&report), "updated=2");
    assert_eq!(house.members().await.len(), 2, "an e-mail change never makes a second member");
    let after = house.member("new@example.com").await;
    assert_eq!((&after["contact_id"], &after["tags"]), (&before["contact_id"], &json!(["Guests"])));
    let moved = house.member("moved@example.com").await;
    assert_eq!(moved["status"], "unsubscribed", "an e-mail change never re-subscribes");
    assert_eq!(counted(&house.run("Guests")), "unchanged=2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_an_address_that_is_a_member_already_is_a_conflict_that_is_reported() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,old@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.seed(json!([{"email": "taken@example.com", "status": "subscribed"}])).await;
    house.import("Guests", Some("form"), "id,email\n1,taken@example.com\n");
    let report = house.run("Guests");
    assert_eq!(counted(&report), "failed=1");
    assert_eq!(house.opened(&report, "failed")[0]["reason"]["code"], "conflict");
    assert_eq!(house.members().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_renaming_the_list_offers_to_rename_the_tag() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.postroom(&["list", "rename", "Guests", "Visitors"]).done();
    let plan = house.postroom(&["sync", "plan", "Guests", "--json"]).done().json();
    assert!(plan["notices"][0].as_str().unwrap().contains("--tag Visitors"), "{plan}");
    house.run("Guests");
    assert_eq!(house.member("jana@example.com").await["tags"], json!(["Guests"]), "only offered");
    house.postroom(&["sync", "edit", "Guests", "--tag", "Visitors"]).done();
    let report = house.run("Guests");
    assert_eq!(report["counts"]["unchanged"], 1);
    assert_eq!(house.member("jana@example.com").await["tags"], json!(["Visitors"]));
}
