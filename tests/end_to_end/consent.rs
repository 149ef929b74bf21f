//! Invariants 2, 3 and 5: nobody is subscribed against their will, and large plans ask.

use serde_json::{Value, json};

use crate::house::{House, counted, status_was_left_alone};

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_without_a_grant_follow_the_syncs_policy_and_are_never_subscribed() {
    for (policy, status) in
        [("unsubscribed", "unsubscribed"), ("no-marketing", "transactional"), ("double-opt-in", "pending")]
    {
        let house = House::open().await;
        house.import("Guests", None, "email\njana@example.com\n");
        house.tie("Guests", policy);
        assert_eq!(counted(&house.run("Guests")), "added=1");
        assert_eq!(house.member("jana@example.com").await["status"], status);
    }
    let house = House::open().await;
    house.import("Guests", None, "email\njana@example.com\n");
    house.tie("Guests", "skip");
    assert_eq!(counted(&house.run("Guests")), "skipped=1");
    assert_eq!(house.members().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_states_what_becomes_of_newcomers() {
    let house = House::open().await;
    house.import("Guests", None, "email\njana@example.com\n");
    let answer = house.postroom(&[
        "sync",
        "add",
        "s",
        "--list",
        "Guests",
        "--account",
        "mc",
        "--audience",
        "ab12cd34ef",
        "--map",
        "firstname=FNAME",
    ]);
    answer.refused(2, &["--newcomers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_reaches_the_provider_and_no_import_lifts_it() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.postroom(&["consent", "set", "jana@example.com", "withdrawn"]).done();
    let imported = house.import("Guests", Some("form again"), "email\njana@example.com\nbert@example.com\n");
    assert_eq!(imported["counts"]["consent_kept_withdrawn"], 1);
    let report = house.run("Guests");
    assert_eq!(counted(&report), "unchanged=1 blocked=1");
    assert_eq!(house.member("jana@example.com").await["status"], "unsubscribed");
    house.clear_book().await;
    assert_eq!(counted(&house.run("Guests")), "unchanged=1 blocked=1");
    assert_eq!(house.writes().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_travels_also_where_another_hand_had_subscribed_the_contact() {
    let house = House::open().await;
    house.seed(json!([{"email": "jana@example.com", "status": "subscribed"}])).await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    for email in ["jana@example.com", "bert@example.com"] {
        house.postroom(&["consent", "set", email, "withdrawn"]).done();
    }
    house.tie("Guests", "unsubscribed");
    assert_eq!(counted(&house.run("Guests")), "blocked=2");
    assert_eq!(house.member("jana@example.com").await["status"], "unsubscribed");
    assert_eq!(house.members().await.len(), 1, "who is no member is not made one");
    house.clear_book().await;
    house.run("Guests");
    assert_eq!(house.writes().await.len(), 0, "it travels once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_left_by_itself_is_never_subscribed_again() {
    let house = House::open().await;
    house
        .seed(json!([
            {"email": "left@example.com", "status": "unsubscribed", "origin": "contact"},
            {"email": "spam@example.com", "status": "unsubscribed", "origin": "abuse"},
            {"email": "bounced@example.com", "status": "cleaned"},
            {"email": "api@example.com", "status": "unsubscribed", "origin": "api"},
        ]))
        .await;
    house.import(
        "Guests",
        Some("form"),
        "email,firstname\nleft@example.com,A\nspam@example.com,B\nbounced@example.com,C\napi@example.com,D\n",
    );
    house.tie("Guests", "skip");
    let report = house.run("Guests");
    assert_eq!(report["counts"]["updated"], 4);
    for member in house.members().await {
        assert_ne!(member["status"], "subscribed", "{member}");
        status_was_left_alone(&member);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_another_hand_put_away_is_not_brought_back() {
    let house = House::open().await;
    house
        .seed(json!([
            {"email": "left@example.com", "status": "unsubscribed", "origin": "contact", "archived": true},
            {"email": "quiet@example.com", "status": "subscribed", "archived": true},
        ]))
        .await;
    house.import("Guests", Some("form"), "email\nleft@example.com\nquiet@example.com\njana@example.com\n");
    house.tie("Guests", "skip");
    let report = house.run("Guests");
    assert_eq!(counted(&report), "added=1 updated=2");
    assert_eq!(house.opened(&report, "tags-refused")[0]["email"], "left@example.com", "{report}");
    for email in ["left@example.com", "quiet@example.com"] {
        let member = house.member(email).await;
        assert_eq!((&member["status"], &member["status_sent"]), (&json!("archived"), &json!([])), "{member}");
    }
    assert_eq!(house.member("jana@example.com").await["status"], "subscribed");
    house.clear_book().await;
    house.run("Guests");
    assert_eq!(house.writes().await.len(), 0, "and it is not tried again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_asks_and_a_canary_sends_as_many_as_it_says() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\na@example.com\nb@example.com\nc@example.com\n");
    house.tie("Guests", "skip");
    house.postroom(&["sync", "run", "Guests"]).refused(5, &["first run", "3 members", "--yes"]);
    assert_eq!(house.writes().await.len(), 0);
    let report = house.postroom(&["sync", "run", "Guests", "--first", "1", "--json"]).done().json();
    assert_eq!(counted(&report), "added=1 pending=2");
    assert_eq!(house.members().await.len(), 1);
    assert_eq!(counted(&house.run("Guests")), "added=2 unchanged=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_whose_members_are_all_there_asks_before_its_first_run_too() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\na@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.import("Leads", Some("form"), "email\na@example.com\n");
    house.tie("Leads", "skip");
    house.postroom(&["sync", "run", "Leads"]).refused(5, &["first run", "change or tag 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_2_a_withdrawal_travels_also_where_the_member_was_last_seen_opted_out() {
    let house = House::open().await;
    house.import("Guests", None, "email\njana@example.com\nleft@example.com\n");
    house.tie("Guests", "unsubscribed");
    house.run("Guests");
    // Both sign up by the provider's own form, which nobody here has heard of.
    for email in ["jana@example.com", "left@example.com"] {
        house.act("resubscribe", json!({"email": email})).await;
        house.postroom(&["consent", "set", email, "withdrawn"]).done();
    }
    house.postroom(&["list", "take-off", "Guests", "left@example.com"]).done();
    assert_eq!(counted(&house.run("Guests")), "blocked=1");
    for email in ["jana@example.com", "left@example.com"] {
        assert_eq!(house.member(email).await["status"], "unsubscribed");
    }
    house.clear_book().await;
    house.run("Guests");
    assert_eq!(house.requests().await, [] as [Value; 0], "told once is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_does_not_untag_everyone_unasked() {
    let house = House::open().await;
    let rows: String = (0..30).map(|number| format!("guest{number}@example.com\n")).collect();
    house.import("Guests", Some("form"), &format!("email\n{rows}"));
    house.tie("Guests", "skip");
    house.run("Guests");
    let imported = house.import("Guests", Some("form"), "email\n");
    assert_eq!(imported["counts"]["left"], 30);
    assert_eq!(imported["leavers"].as_array().map(Vec::len), Some(20), "the first of them are named");
    house.clear_book().await;
    house.postroom(&["sync", "run", "Guests"]).refused(5, &["30 of 30"]);
    assert_eq!(house.writes().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_reaches_the_provider_also_after_the_contact_left_the_list() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.postroom(&["consent", "set", "jana@example.com", "withdrawn"]).done();
    house.import("Guests", Some("form"), "email\nbert@example.com\n");
    house.postroom(&["contact", "remove", "jana@example.com"]).refused(3, &["Hotel guests", "run its sync"]);
    assert_eq!(counted(&house.run("Guests")), "unchanged=1");
    assert_eq!(house.member("jana@example.com").await["status"], "unsubscribed");
    house.postroom(&["contact", "remove", "jana@example.com"]).done();
    let back = house.import("Guests", Some("form"), "email\nbert@example.com\njana@example.com\n");
    assert_eq!(back["counts"]["consent_kept_withdrawn"], 1, "deleting and importing anew lifts nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_withdrawn_contact_gave_up_is_not_granted_by_a_file() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "id,email\n1,old@example.com\n");
    house.postroom(&["consent", "set", "old@example.com", "withdrawn"]).done();
    house.import("Guests", Some("form"), "id,email\n1,new@example.com\n");
    let back = house.import("Guests", Some("form"), "id,email\n2,old@example.com\n");
    assert_eq!(back["counts"]["consent_kept_withdrawn"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn d3_every_change_keeps_when_how_and_from_where_and_can_be_proved() {
    let house = House::bare().await;
    house.import("Guests", Some("box ticked at check-in"), "email\njana@example.com\n");
    house.postroom(&["consent", "set", "jana@example.com", "withdrawn", "--origin", "letter of 3 May"]).done();
    house.postroom(&["consent", "set", "jana@example.com", "granted", "--by", "contact", "--evidence", "form"]).done();
    let opt_in = ["consent", "set", "jana@example.com", "granted", "--by", "contact", "--evidence", "form of 9 May"];
    let details = ["--wording", "news, version 2", "--ip", "192.0.2.7", "--origin", "https://hotel.example/news"];
    house.postroom(&[opt_in.as_slice(), details.as_slice()].concat()).done();
    house
        .postroom(&["consent", "set", "jana@example.com", "withdrawn", "--at", "2999-01-01T00:00:00Z"])
        .refused(3, &["2999", "has not come yet"]);

    let proof = house.postroom(&["consent", "proof", "jana@example.com", "--json"]).done().json();
    assert_eq!((&proof["email"], &proof["consent"]), (&"jana@example.com".into(), &"granted".into()));
    let history = proof["history"].as_array().unwrap();
    let acts: Vec<_> = history.iter().map(|event| (&event["act"], &event["source"])).collect();
    let expected = [("granted", "import"), ("withdrawn", "operator"), ("granted", "contact"), ("granted", "contact")];
    assert_eq!(acts.len(), expected.len());
    for (seen, (act, source)) in acts.iter().zip(expected) {
        assert_eq!((seen.0.as_str(), seen.1.as_str()), (Some(act), Some(source)));
    }
    assert_eq!(history[0]["evidence"], "box ticked at check-in");
    assert_eq!(history[0]["origin"], "import.csv, line 2", "{proof}");
    assert_eq!((&history[3]["ip"], &history[3]["wording"]), (&"192.0.2.7".into(), &"news, version 2".into()));
    let page = house.postroom(&["consent", "history", "jana@example.com"]).done().stdout;
    assert!(page.contains("letter of 3 May") && page.contains("https://hotel.example/news"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_erased_at_the_provider_and_comes_back_by_no_way() {
    let house = House::open().await;
    let file = "email,firstname\njana@example.com,Jana\nbert@example.com,Bert\n";
    house.import("Guests", Some("form"), file);
    house.tie("Guests", "skip");
    house.run("Guests");
    let asked = house.postroom(&["contact", "erase", "jana@example.com"]);
    asked.refused(5, &["nothing was erased", "postroom contact erase jana@example.com --yes"]);
    house.postroom(&["contact", "show", "jana@example.com"]).done();

    let erased = house.postroom(&["contact", "erase", "jana@example.com", "--yes", "--json"]).done().json();
    assert_eq!(erased["audiences"][0]["state"], "erased", "{erased}");
    house.postroom(&["contact", "show", "jana@example.com"]).refused(3, &[]);
    assert_eq!(house.members().await.len(), 1);

    house.postroom(&["contact", "add", "jana@example.com"]).refused(3, &["erased on request"]);
    let again = house.import("Guests", Some("form"), file);
    assert_eq!((&again["rejected"], &again["counts"]["unchanged"]), (&1.into(), &1.into()), "{again}");
    let report = house.run("Guests");
    assert_eq!(report["counts"]["unchanged"], 1, "{report}");
    assert_eq!(house.members().await.len(), 1);
    let page = house.postroom(&["contact", "erasures"]).done().stdout;
    assert!(page.contains("erased") && !page.contains("jana"), "{page}");
}
