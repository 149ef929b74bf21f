//! Rows A2 to A7 and A9: a list becomes members of an audience.

use serde_json::{Value, json};

use crate::house::{AUDIENCE, House, counted, status_was_left_alone};

const A9: &str = "Some of the emails provided were not tagged. Check the Mailchimp marketing subscription statuses";

#[tokio::test(flavor = "multi_thread")]
async fn a2_a_mapping_is_checked_against_both_sides_before_it_is_saved() {
    let house = House::open().await;
    house.import("Guests", None, "email,firstname\njana@example.com,Jana\n");
    let add = |map: &[&str]| {
        let fixed =
            ["sync", "add", "s", "--list", "Guests", "--account", "mc", "--audience", AUDIENCE, "--newcomers", "skip"];
        let pairs: Vec<&str> = map.iter().flat_map(|pair| ["--map", pair]).collect();
        house.postroom(&[fixed.as_slice(), &pairs].concat())
    };
    add(&["firstname=NICKNAME"]).refused(3, &["NICKNAME", "FNAME"]);
    add(&["nickname=FNAME"]).refused(3, &["nickname", "firstname"]);
    add(&["firstname=FNAME", "lastname=FNAME"]).refused(3, &["FNAME", "twice"]);
    assert_eq!(house.postroom(&["sync", "list", "--json"]).done().json().as_array().map(Vec::len), Some(0));
    add(&["firstname=FNAME"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a3_every_entry_ends_in_one_count_and_every_count_opens() {
    let house = House::open().await;
    house.import(
        "Wanted",
        Some("box ticked at check-in"),
        "email\njana@example.com\nbert@example.com\nblocked@example.com\n",
    );
    let rows = "email,firstname\n\
        jana@example.com,Jana\n\
        bert@example.com,Bert\n\
        nobody@example.com,Nobody\n\
        ,Nameless\n\
        not-an-address,Odd\n\
        JANA@example.com,Jana again\n\
        blocked@example.com,Blocked\n\
        fake@yopmail.com,Fake\n";
    house.import("Guests", None, rows);
    house.import("Fakes", Some("form"), "email\nfake@yopmail.com\n");
    house.postroom(&["consent", "set", "blocked@example.com", "withdrawn"]).done();
    house.tie("Guests", "skip");
    let answer = house.run_with("Guests", &[]);
    assert_eq!(answer.code, 4, "a run with a failed contact is not a success");
    let report = answer.json();
    assert_eq!(counted(&report), "added=2 duplicate=1 invalid=2 blocked=1 skipped=1 failed=1");
    assert_eq!(report["counts"]["entries"], 8);
    for class in
        ["added", "updated", "written", "unchanged", "duplicate", "invalid", "blocked", "skipped", "pending", "failed"]
    {
        let rows = house.opened(&report, class);
        assert_eq!(json!(rows.len()), report["counts"][class], "{class}: {rows:?}");
        if !["added", "updated", "written", "unchanged"].contains(&class) {
            assert!(rows.iter().all(|row| row["reason"]["message"].is_string()), "{class}: {rows:?}");
        }
    }
    assert_eq!(house.opened(&report, "failed")[0]["reason"]["code"], "invalid-address");
    assert_eq!(house.opened(&report, "unchanged").len(), 0);
    let again = house.run("Guests");
    assert_eq!(counted(&again), "unchanged=2 duplicate=1 invalid=2 blocked=1 skipped=1 failed=1");
    assert_eq!(house.opened(&again, "unchanged").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_the_address_goes_only_when_line_1_city_state_and_zip_are_filled() {
    let house = House::open().await;
    let header = "email,firstname,address.line1,address.city,address.state,address.zip";
    let import = |rows: &str| {
        let file = house.file("import.csv", format!("{header}\n{rows}"));
        let maps = ["address.line1", "address.city", "address.state", "address.zip"];
        let maps: Vec<String> = maps.iter().map(|place| format!("{place}={place}")).collect();
        let mut arguments = vec!["import", &file, "--list", "Guests", "--mode", "replace", "--clear-empty"];
        arguments.extend(["--consent", "granted", "--evidence", "form"]);
        for map in &maps {
            arguments.extend(["--map", map]);
        }
        house.postroom(&arguments).done();
    };
    import(
        "full@example.com,Full,1 Main St,Boston,MA,02108\npart@example.com,Part,1 Main St,Boston,,02108\nnone@example.com,None,,,,\n",
    );
    house.tie("Guests", "skip");
    let report = house.run("Guests");
    assert_eq!((counted(&report).as_str(), &report["address_omitted"]), ("added=3", &json!(1)));
    assert_eq!(house.opened(&report, "address-omitted")[0]["email"], "part@example.com");
    assert_eq!(house.member("full@example.com").await["merge_fields"]["ADDRESS"]["city"], "Boston");
    let part = house.member("part@example.com").await;
    assert_eq!(part["merge_fields"]["FNAME"], "Part", "the rest of the contact goes");
    assert!(part["merge_fields"]["ADDRESS"].as_object().is_none_or(|address| address.is_empty()), "{part}");

    import("full@example.com,Fuller,,Boston,MA,02108\n");
    let report = house.run("Guests");
    assert_eq!((counted(&report).as_str(), &report["address_omitted"]), ("updated=1", &json!(1)));
    let full = house.member("full@example.com").await;
    assert_eq!(full["merge_fields"]["FNAME"], "Fuller");
    assert_eq!(full["merge_fields"]["ADDRESS"]["addr1"], "1 Main St", "the address that is there stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_an_entry_without_an_address_is_not_sent_and_is_shown_as_invalid() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email,firstname\n,Nameless\njana@example.com,Jana\n");
    house.tie("Guests", "skip");
    let report = house.run("Guests");
    assert_eq!(counted(&report), "added=1 invalid=1");
    assert_eq!(house.opened(&report, "invalid")[0]["position"], 1);
    assert_eq!(house.members().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_only_the_first_of_several_entries_with_one_address_is_sent() {
    let house = House::open().await;
    let rows = "email,firstname\nbert@example.com,Bert\nJana@Example.com,First\njana@example.com,Second\n jana@EXAMPLE.com ,Third\n";
    house.import("Guests", Some("form"), rows);
    house.tie("Guests", "skip");
    let report = house.run("Guests");
    assert_eq!(counted(&report), "added=2 duplicate=2");
    assert_eq!(house.member("jana@example.com").await["merge_fields"]["FNAME"], "First");
    let positions: Vec<Value> = house.opened(&report, "duplicate").iter().map(|row| row["position"].clone()).collect();
    assert_eq!(positions, [3, 4]);
    house.postroom(&["list", "take-off", "Guests", "--position", "3"]).done();
    assert_eq!(counted(&house.run("Guests")), "unchanged=2 duplicate=1", "the list can be edited and exported again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_the_lists_name_is_the_members_tag() {
    let house = House::open().await;
    house.seed(json!([{"email": "jana@example.com", "status": "subscribed", "tags": ["Theirs"]}])).await;
    house.import("Summer guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.import("Winter guests", Some("form"), "email\njana@example.com\n");
    house.tie("Summer guests", "skip");
    let report = house.run("Summer guests");
    assert_eq!(report["tags"], json!({"added": 2, "removed": 0, "refused": 0}));
    house
        .postroom(&[
            "sync",
            "add",
            "winter",
            "--list",
            "Winter guests",
            "--account",
            "mc",
            "--audience",
            AUDIENCE,
            "--map",
            "firstname=FNAME",
            "--newcomers",
            "skip",
            "--tag",
            "Winter",
        ])
        .done();
    house.run("winter");
    let mut tags: Vec<String> = serde_json::from_value(house.member("jana@example.com").await["tags"].clone()).unwrap();
    tags.sort();
    assert_eq!(tags, ["Summer guests", "Theirs", "Winter"], "one audience serves many lists, and tags of others stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_an_unsubscribed_member_is_updated_but_its_tag_is_left_alone() {
    let house = House::open().await;
    house.seed(json!([{"email": "gone@example.com", "status": "unsubscribed", "origin": "contact"}])).await;
    house.import("Guests", Some("form"), "email,firstname\ngone@example.com,Gone\njana@example.com,Jana\n");
    house.tie("Guests", "skip");
    let report = house.run("Guests");
    assert_eq!(counted(&report), "added=1 updated=1");
    assert_eq!(report["tags"], json!({"added": 1, "removed": 0, "refused": 1}));
    assert_eq!(report["warnings"], json!([A9]));
    assert_eq!(house.opened(&report, "tags-refused")[0]["email"], "gone@example.com");
    let gone = house.member("gone@example.com").await;
    assert_eq!(
        (&gone["status"], &gone["merge_fields"]["FNAME"], &gone["tags"]),
        (&json!("unsubscribed"), &json!("Gone"), &json!([]))
    );
    status_was_left_alone(&gone);

    let again = house.run("Guests");
    assert_eq!((&again["tags"]["refused"], &again["warnings"]), (&json!(1), &json!([A9])), "it stays owed, and said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a9_a_tag_is_not_taken_off_a_member_that_unsubscribed() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\nbert@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    house.act("unsubscribe", json!({"email": "jana@example.com"})).await;
    house.import("Guests", Some("form"), "email\n");
    let report = house.run("Guests");
    assert_eq!(report["tags"], json!({"added": 0, "removed": 1, "refused": 1}));
    assert_eq!(report["warnings"], json!([A9]));
    assert_eq!(house.member("jana@example.com").await["tags"], json!(["Guests"]));
    assert_eq!(house.member("bert@example.com").await["tags"], json!([]));
    let again = house.run("Guests");
    assert_eq!(again["tags"], json!({"added": 0, "removed": 0, "refused": 1}), "the removal stays pending");
}
