//! Rows B7 and D3: consent is narrowed by the subscription of a list and by purposes, and never widened.

use serde_json::{Value, json};

use crate::house::{AUDIENCE, House, counted, status_was_left_alone};

const JANA: &str = "jana@example.com";
const BERT: &str = "bert@example.com";

/// Two lists of the same two guests, each with a sync of its name into one audience, both run.
fn two_lists(house: &House) {
    for list in ["Guests", "Spa"] {
        house.import(list, Some("form"), "email\njana@example.com\nbert@example.com\n");
        house.tie(list, "skip");
        house.run(list);
    }
}

/// A sync of a list for a purpose.
fn tie_for(house: &House, list: &str, purpose: &str, newcomers: &str) {
    let whereto = ["--list", list, "--account", "mc", "--audience", AUDIENCE, "--map", "firstname=FNAME"];
    let how = ["--newcomers", newcomers, "--purpose", purpose];
    house.postroom(&[&["sync", "add", list], whereto.as_slice(), &how].concat()).done();
}

fn add_newsletter(house: &House) {
    let what = ["--label", "The newsletter", "--basis", "consent", "--wording", "v2 of May"];
    house.postroom(&[&["purpose", "add", "newsletter"], what.as_slice()].concat()).done();
}

fn set(house: &House, who: &str, act: &str, about: &[&str]) -> Value {
    let by = ["--by", "contact", "--evidence", "form of 2 May", "--json"];
    house.postroom(&[&["consent", "set", who, act], about, &by].concat()).done().json()
}

async fn tags(house: &House, who: &str) -> Value {
    house.member(who).await["tags"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_who_withdraws_for_one_list_loses_its_tag_keeps_the_others_and_stays_subscribed() {
    let house = House::open().await;
    two_lists(&house);
    house.clear_book().await;
    let said = set(&house, JANA, "withdrawn", &["--list", "Spa"]);
    assert_eq!((&said["scope"], &said["consent"]), (&json!({"list": "Spa"}), &json!("withdrawn")));

    let plan = house.postroom(&["sync", "plan", "Spa", "--json"]).done().json();
    assert_eq!((&plan["untag"], &plan["unsubscribe"], &plan["settled"]["blocked"]), (&json!(1), &json!(0), &json!(1)));
    let report = house.run("Spa");
    assert_eq!((counted(&report).as_str(), &report["tags"]["removed"]), ("unchanged=1 blocked=1", &json!(1)));
    let blocked = house.opened(&report, "blocked");
    let reason = &blocked[0]["reason"];
    assert_eq!(reason["code"], "withdrawn-for-list", "{blocked:?}");
    assert!(reason["message"].as_str().unwrap().contains("the list `Spa`"), "{blocked:?}");
    assert_eq!(counted(&house.run("Guests")), "unchanged=2", "the other list is as it was");
    let jana = house.member(JANA).await;
    assert_eq!((&jana["status"], &jana["tags"]), (&json!("subscribed"), &json!(["Guests"])));
    status_was_left_alone(&jana);
    assert_eq!(tags(&house, BERT).await, json!(["Guests", "Spa"]));
    house.clear_book().await;
    assert_eq!(counted(&house.run("Spa")), "unchanged=1 blocked=1");
    assert_eq!(house.writes().await.len(), 0, "once is enough");

    // Nothing but the contact's own opt-in for the list brings it back, the whole's neither.
    let answer = house.postroom(&["consent", "set", JANA, "granted", "--list", "Spa", "--evidence", "she called"]);
    answer.refused(3, &["withdrawn for the list `Spa`", "own later opt-in"]);
    set(&house, JANA, "granted", &[]);
    house.import("Spa", Some("form again"), "email\njana@example.com\nbert@example.com\n");
    assert_eq!(counted(&house.run("Spa")), "unchanged=1 blocked=1");
    set(&house, JANA, "granted", &["--list", "Spa"]);
    let report = house.run("Spa");
    assert_eq!((counted(&report).as_str(), &report["tags"]["added"]), ("unchanged=2", &json!(1)));
    assert_eq!(tags(&house, JANA).await, json!(["Guests", "Spa"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_whoever_said_no_for_the_list_before_is_never_made_a_member_by_it() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    set(&house, JANA, "withdrawn", &["--list", "Guests"]);
    house.tie("Guests", "skip");
    assert_eq!(counted(&house.run("Guests")), "added=1 blocked=1");
    assert_eq!(house.members().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_sync_for_a_purpose_makes_nobody_a_member_without_the_purposes_grant() {
    let house = House::open().await;
    add_newsletter(&house);
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\nmari@example.com\n");
    set(&house, JANA, "granted", &["--purpose", "newsletter"]);
    tie_for(&house, "Guests", "newsletter", "skip");
    let sync = house.postroom(&["sync", "show", "Guests", "--json"]).done().json();
    assert_eq!(sync["purpose"], json!({"name": "newsletter", "basis": "consent"}));
    assert!(house.postroom(&["sync", "show", "Guests"]).done().stdout.contains("newsletter (consent)"));
    let report = house.run("Guests");
    assert_eq!(counted(&report), "added=1 skipped=2");
    let skipped = house.opened(&report, "skipped");
    assert!(skipped[0]["reason"]["message"].as_str().unwrap().contains("the purpose `newsletter`"), "{skipped:?}");
    assert_eq!(house.members().await.len(), 1);

    // A file may state the grant for the purpose too.
    let file = house.file("readers.csv", "email\nmari@example.com\n");
    let stated = ["--consent", "granted", "--evidence", "box ticked", "--purpose", "newsletter", "--json"];
    let imported = house.postroom(&[&["import", &file], stated.as_slice()].concat()).done().json();
    assert_eq!(imported["counts"]["purposes_recorded"], 1);
    assert_eq!(counted(&house.run("Guests")), "added=1 unchanged=1 skipped=1");
    assert_eq!(house.member("mari@example.com").await["status"], "subscribed");

    // Who objects to the purpose stays a member, without the tag.
    set(&house, JANA, "withdrawn", &["--purpose", "newsletter"]);
    let report = house.run("Guests");
    assert_eq!((counted(&report).as_str(), &report["tags"]["removed"]), ("unchanged=1 blocked=1 skipped=1", &json!(1)));
    let jana = house.member(JANA).await;
    assert_eq!((&jana["status"], &jana["tags"]), (&json!("subscribed"), &json!([])));
    let segment = ["segment", "preview", "--json", "--where", "consent(\"newsletter\") = withdrawn"];
    assert_eq!(house.postroom(&segment).done().json()["count"], 1);

    // On another basis it holds until the contact objects.
    house.postroom(&["purpose", "edit", "newsletter", "--basis", "legitimate-interest"]).done();
    assert_eq!(counted(&house.run("Guests")), "added=1 unchanged=1 blocked=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_a_whole_withdrawal_wins_over_what_was_granted_for_a_purpose() {
    let house = House::open().await;
    add_newsletter(&house);
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    for who in [JANA, BERT] {
        set(&house, who, "granted", &["--purpose", "newsletter"]);
    }
    tie_for(&house, "Guests", "newsletter", "skip");
    house.run("Guests");
    set(&house, JANA, "withdrawn", &[]);
    set(&house, JANA, "granted", &["--purpose", "newsletter"]);
    assert_eq!(counted(&house.run("Guests")), "unchanged=1 blocked=1");
    assert_eq!(house.member(JANA).await["status"], "unsubscribed");
    let shown = house.postroom(&["contact", "show", JANA, "--json"]).done().json();
    assert_eq!(shown["contact"]["consent"], "withdrawn");
    assert_eq!(
        (&shown["purposes"][0]["will"], &shown["purposes"][0]["consent"]),
        (&json!("granted"), &json!("withdrawn"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_history_and_proof_tell_what_each_event_was_about() {
    let house = House::bare().await;
    add_newsletter(&house);
    house.import("Guests", Some("form"), "email\njana@example.com\n");
    set(&house, JANA, "granted", &["--purpose", "newsletter"]);
    set(&house, JANA, "withdrawn", &["--list", "Guests"]);
    let proof = house.postroom(&["consent", "proof", JANA, "--json"]).done().json();
    assert_eq!((&proof["consent"], &proof["unsubscribed"]), (&json!("granted"), &json!(["Guests"])));
    assert_eq!(proof["history"][0].get("scope"), None, "an event about everything looks as it always did");
    assert_eq!(proof["history"][1]["scope"], json!({"purpose": "newsletter"}));
    assert_eq!(proof["history"][1]["wording"], "v2 of May", "the text that belongs to the purpose");
    for verb in [["consent", "history", JANA], ["consent", "proof", JANA], ["contact", "show", JANA]] {
        let page = house.postroom(&verb).done().stdout;
        assert!(page.contains("the purpose `newsletter`") && page.contains("the list `Guests`"), "{page}");
    }
    house.postroom(&["list", "rename", "Guests", "Visitors"]).done();
    house.postroom(&["list", "remove", "Visitors"]).done();
    let history = house.postroom(&["consent", "history", JANA, "--json"]).done().json();
    assert_eq!(history[2]["scope"], json!({"former-list": "Visitors"}), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_said_of_a_purpose_is_refused_with_the_mend() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\n");
    let say = |about: &[&str]| house.postroom(&[&["consent", "set", JANA, "withdrawn"], about].concat());
    say(&["--purpose", "newsletter"]).refused(3, &["no purpose `newsletter`", "postroom purpose list"]);
    say(&["--list", "Nobody"]).refused(3, &["no list `Nobody`"]);
    add_newsletter(&house);
    house
        .postroom(&["consent", "set", JANA, "bounced", "--purpose", "newsletter"])
        .refused(3, &["without a list and without a purpose"]);
    house
        .postroom(&["purpose", "add", "newsletter", "--label", "Again", "--basis", "consent"])
        .refused(3, &["already a purpose `newsletter`"]);
    tie_for(&house, "Guests", "newsletter", "skip");
    house.postroom(&["purpose", "remove", "newsletter"]).refused(3, &["used by the sync Guests"]);
    house.postroom(&["sync", "edit", "Guests", "--no-purpose"]).done();
    house.postroom(&["purpose", "remove", "newsletter"]).done();
    assert_eq!(house.postroom(&["purpose", "list", "--json"]).done().json(), json!([]));
}
