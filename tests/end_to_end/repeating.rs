//! Nothing is sent twice, nothing is lost: repeated runs, refusals, faults on the way.

use serde_json::json;

use crate::house::{House, counted, status_was_left_alone};

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_with_nothing_changed_makes_no_write_request_at_all() {
    let house = House::open().await;
    house.seed(json!([{"email": "gone@example.com", "status": "unsubscribed", "origin": "contact"}])).await;
    house.forget("forgotten@example.com").await;
    let rows = "email,firstname\n\
        jana@example.com,Jana\ngone@example.com,Gone\nfake@yopmail.com,Fake\nforgotten@example.com,F\n,Nameless\njana@example.com,J\n";
    house.import("Guests", Some("form"), rows);
    house.tie("Guests", "skip");
    let first = house.run("Guests");
    assert_eq!(counted(&first), "added=1 updated=1 duplicate=1 invalid=1 blocked=1 failed=1");
    assert_eq!(first["tags"]["refused"], 1);
    house.clear_book().await;
    let second = house.run("Guests");
    assert_eq!(counted(&second), "unchanged=2 duplicate=1 invalid=1 blocked=1 failed=1");
    assert_eq!(second["tags"]["refused"], 1);
    assert_eq!(house.writes().await, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_looks_at_what_moved_and_compares_everything_when_it_must() {
    let house = House::open().await;
    let rows = "email,firstname\njana@example.com,Jana\nbert@example.com,Bert\n,Nameless\n";
    house.import("Guests", Some("form"), rows);
    house.tie("Guests", "skip");
    let plan = |words: &[&str]| house.postroom(&[&["sync", "plan", "Guests", "--json"], words].concat()).done().json();
    let way = |answer: &serde_json::Value| (answer["discovery"].clone(), answer["discovery_reason"].clone());
    let compared = |why: &str| (json!("comparison"), json!(why));
    let followed = (json!("cursor"), json!(null));

    let first = house.run("Guests");
    assert_eq!(way(&first), compared("never-compared"));
    let shown = house.postroom(&["run", "show", "1", "--json"]).done().json();
    assert_eq!(way(&shown["summary"]), compared("never-compared"));
    assert_eq!(way(&plan(&[])), followed);
    let again = house.run("Guests");
    assert_eq!((way(&again), counted(&again)), (followed.clone(), "unchanged=2 invalid=1".into()));

    let changed =
        "email,firstname\njana@example.com,Jana\nbert@example.com,Robert\ncyril@example.com,Cyril\n,Nameless\n";
    house.import("Guests", Some("form"), changed);
    let cursor = plan(&[]);
    assert_eq!(
        (way(&cursor), cursor["create"].clone(), cursor["update"].clone()),
        (followed.clone(), json!(1), json!(1))
    );
    let mut full = plan(&["--full"]);
    assert_eq!(way(&full), compared("asked"));
    let same = full.as_object_mut().unwrap();
    same.remove("discovery_reason");
    same.insert("discovery".into(), json!("cursor"));
    assert_eq!(full, cursor, "both ways plan the same");
    let report = house.run("Guests");
    assert_eq!((way(&report), counted(&report)), (followed, "added=1 updated=1 unchanged=1 invalid=1".into()));
    let full = house.run_with("Guests", &["--full"]).json();
    assert_eq!((way(&full), counted(&full)), (compared("asked"), "unchanged=3 invalid=1".into()));

    house.postroom(&["sync", "edit", "Guests", "--newcomers", "unsubscribed"]).done();
    assert_eq!(way(&plan(&[])), compared("other-settings"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_contact_is_sent_again_after_a_change_or_when_asked() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,fake@yopmail.com\n");
    house.tie("Guests", "skip");
    assert_eq!(counted(&house.run("Guests")), "failed=1");
    house.clear_book().await;
    assert_eq!(counted(&house.run_with("Guests", &["--retry-rejected"]).json()), "failed=1");
    assert!(!house.writes().await.is_empty());
    house.import("Guests", Some("form"), "id,email\n1,real@example.com\n");
    assert_eq!(counted(&house.run("Guests")), "added=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_field_that_the_provider_does_not_take_is_left_out_and_named() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email,firstname,phone\njana@example.com,Jana,+420 777 123 456\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.act("delete_merge_field", json!({"tag": "LNAME"})).await;
    house.import(
        "Guests",
        Some("form"),
        "email,firstname,lastname\njana@example.com,Jana,Nováková\nbert@example.com,Bert,Smith\n",
    );
    let report = house.run("Guests");
    assert_eq!(counted(&report), "added=1 updated=1");
    assert_eq!(house.member("bert@example.com").await["merge_fields"]["FNAME"], "Bert");
    let left_out = house.opened(&report, "left-out");
    assert_eq!(left_out.len(), 2);
    assert_eq!(left_out[0]["left_out"][0][0], "LNAME");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_applied_before_the_line_broke_is_found_out_and_not_done_twice() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.faults(json!([{"match": {"method": "POST"}, "times": 1, "fault": "reset_after_applying"}])).await;
    let report = house.run("Guests");
    assert_eq!(report["counts"]["entries"], 2);
    house.faults(json!([])).await;
    house.run("Guests");
    let members = house.members().await;
    assert_eq!(members.len(), 2);
    for member in members {
        assert_eq!((&member["status"], &member["tags"]), (&json!("subscribed"), &json!(["Guests"])));
        status_was_left_alone(&member);
    }
    assert_eq!(counted(&house.run("Guests")), "unchanged=2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_the_run_before_anything_is_sent() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.act_on_account("revoke_key").await;
    house.run_with("Guests", &[]).refused(8, &["credentials"]);
    assert_eq!(house.members().await.len(), 0);
    house.act_on_account("restore_key").await;
    assert_eq!(counted(&house.run("Guests")), "added=2");
}

/// Every request of these is applied, and none is answered, until the faults are lifted.
async fn unanswered(house: &House, path: &str) {
    house.faults(json!([{"match": {"method": "POST", "path_contains": path}, "fault": "error_after_applying"}])).await;
    let answer = house.run_with("Guests", &[]);
    assert_eq!(answer.code, 9, "{}", answer.stderr);
    house.faults(json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_tag_that_nobody_confirmed_comes_off_who_left_meanwhile() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    unanswered(&house, "/segments/").await;
    assert_eq!(house.member("jana@example.com").await["tags"], json!(["Guests"]));
    house.import("Guests", Some("form"), "email\nbert@example.com\n");
    let tags = json!({"added": 1, "removed": 1, "refused": 0});
    assert_eq!(house.run("Guests")["tags"], tags, "Bert's is asked for again, and confirmed now");
    assert_eq!(house.member("jana@example.com").await["tags"], json!([]));
    assert_eq!(house.member("bert@example.com").await["tags"], json!(["Guests"]));
    house.clear_book().await;
    house.run("Guests");
    assert_eq!(house.writes().await, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_member_that_nobody_confirmed_keeps_its_place_under_another_address() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n");
    house.tie("Guests", "skip");
    unanswered(&house, "/lists/").await;
    house.import("Guests", Some("form"), "id,email\n1,moved@example.com\n");
    assert_eq!(counted(&house.run("Guests")), "updated=1");
    assert_eq!(house.members().await.len(), 1, "an e-mail change never makes a second member");
    assert_eq!(house.member("moved@example.com").await["tags"], json!(["Guests"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_member_that_moves_again_before_anybody_confirmed_it_is_still_one() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n2,bert@example.com\n");
    house.tie("Guests", "skip");
    unanswered(&house, "/lists/").await;
    house.import("Guests", Some("form"), "id,email\n1,moved@example.com\n2,bert@example.net\n");
    // The look at who is there is answered; the changes of address are carried out and not answered.
    let rule = json!([{"match": {"method": "PATCH"}, "after": 2, "fault": "error_after_applying"}]);
    house.faults(rule).await;
    assert_eq!(house.run_with("Guests", &[]).code, 9);
    house.faults(json!([])).await;
    house.import("Guests", Some("form"), "id,email\n1,again@example.com\n2,bert@example.com\n");
    house.run("Guests");
    let emails: Vec<_> = house.members().await.into_iter().map(|member| member["email"].clone()).collect();
    assert_eq!(emails, ["again@example.com", "bert@example.com"], "an e-mail change never makes a second member");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_withdrawal_reaches_a_member_that_nobody_confirmed_and_that_left() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    unanswered(&house, "/lists/").await;
    assert_eq!(house.member("jana@example.com").await["status"], "subscribed");
    house.import("Guests", Some("form"), "email\nbert@example.com\n");
    house.postroom(&["consent", "set", "jana@example.com", "withdrawn"]).done();
    house.postroom(&["contact", "remove", "jana@example.com"]).refused(3, &["run its sync, or add one"]);
    house.run("Guests");
    assert_eq!(house.member("jana@example.com").await["status"], "unsubscribed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a8_a_change_of_address_that_is_never_answered_is_not_held_against_its_contact() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,jana@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.import("Guests", Some("form"), "id,email\n1,moved@example.com\n");
    house.faults(json!([{"match": {"method": "PATCH"}, "fault": "reset_before_reading"}])).await;
    let answer = house.run_with("Guests", &[]);
    assert_eq!((answer.code, counted(&answer.json()).as_str()), (9, "pending=1"));
    house.faults(json!([])).await;
    assert_eq!(counted(&house.run("Guests")), "updated=1", "the next run tries again");
}
