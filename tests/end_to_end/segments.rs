//! Rows D6 and D7: filters over contacts are saved, previewed, explained, and taken by syncs.

use serde_json::{Value, json};

use crate::house::{House, counted};

const GERMANS: &str = r#"language = "de" and on("Guests")"#;

/// A list of three, two of whom speak German.
fn guests(house: &House) {
    let file =
        "email,firstname,language\njana@example.com,Jana,de\nbert@example.com,Bert,en\nmari@example.com,Mari,de\n";
    house.import("Guests", Some("form"), file);
}

fn emails(contacts: &Value) -> Vec<&str> {
    contacts.as_array().unwrap().iter().map(|contact| contact["email"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_segment_is_saved_previewed_explained_renamed_and_removed() {
    let house = House::bare().await;
    guests(&house);
    let ask = |arguments: &[&str]| house.postroom(&[&["segment"], arguments, &["--json"]].concat()).done().json();

    let saved = ask(&["save", "Germans", r#" language = "de"  AND (on("Guests"))"#]);
    assert_eq!((&saved["text"], &saved["is_predefined"]), (&json!(GERMANS), &json!(false)));
    let preview = ask(&["preview", "Germans", "--limit", "1"]);
    assert_eq!((&preview["segment"], &preview["count"]), (&json!("Germans"), &json!(2)));
    assert_eq!(emails(&preview["first"]), ["jana@example.com"]);
    assert_eq!(ask(&["preview", "--where", r#"not language = "de""#])["count"], 1, "what is not saved is asked too");

    let page = ask(&["members", "Germans", "--limit", "1"]);
    assert_eq!(emails(&page["contacts"]), ["jana@example.com"]);
    let rest = ask(&["members", "Germans", "--after", &page["next"].to_string()]);
    assert_eq!((emails(&rest["contacts"]), &rest["next"]), (vec!["mari@example.com"], &Value::Null));
    assert_eq!(emails(&ask(&["members", "Germans", "--all"])["contacts"]).len(), 2);

    let explained = ask(&["explain", "bert@example.com", "Germans"]);
    assert_eq!(explained["explanation"]["holds"], false);
    assert_eq!(explained["explanation"]["parts"][0]["saw"], "en", "{explained}");
    assert_eq!(explained["explanation"]["parts"][1]["holds"], true, "{explained}");
    let words = house.postroom(&["segment", "explain", "bert@example.com", "Germans"]).done().stdout;
    assert!(words.contains("is not in Germans") && words.contains(r#"no     language = "de"  (en)"#), "{words}");

    ask(&["save", "Germans", r#"language = "de""#]);
    ask(&["rename", "Germans", "Speakers"]);
    assert_eq!(ask(&["show", "Speakers"])["text"], r#"language = "de""#);
    house.postroom(&["segment", "show", "Germans"]).refused(3, &["Germans", "postroom segment list"]);
    ask(&["remove", "Speakers"]);
    assert!(ask(&["list"]).as_array().unwrap().iter().all(|segment| segment["is_predefined"] == true));
    assert_eq!(house.postroom(&["contact", "list", "--json"]).done().json()["contacts"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_fault_points_at_its_place_and_nothing_is_saved() {
    let house = House::bare().await;
    guests(&house);
    let misspelt = "on(\"Guests\")\n  and lang = \"de\"";
    let pointed =
        ["there is no field `lang`: did you mean `language`?", "    and lang = \"de\"\n        ^^^^^^^^^^^ line 2"];
    for verb in [["save", "Germans", misspelt], ["preview", "--where", misspelt], ["members", "--where", misspelt]] {
        house.postroom(&[&["segment"], verb.as_slice()].concat()).refused(3, &pointed);
    }
    house
        .postroom(&["segment", "explain", "jana@example.com", "--where", "on(\"Gests\")"])
        .refused(3, &["there is no list `Gests`: did you mean `Guests`?", "postroom segment --help"]);
    house.postroom(&["segment", "show", "Germans"]).refused(3, &["Germans"]);
    house
        .postroom(&["segment", "preview", "--where", "everyone", "--time-zone", "Europe/Atlantis"])
        .refused(3, &["Europe/Atlantis", "Europe/Prague"]);
    house.postroom(&["segment", "explain", "nobody@example.com", "--where", "everyone"]).refused(3, &["nobody@"]);
    house.postroom(&["segment", "save", "Guests", "everyone"]).refused(3, &["list", "Guests"]);
    house.postroom(&["segment", "save", "bounced", "everyone"]).refused(3, &["predefined"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_days_are_those_of_the_time_zone_that_is_named() {
    // Their days differ at any moment.
    const ZONES: [&str; 2] = ["Pacific/Kiritimati", "Pacific/Pago_Pago"];
    let house = House::bare().await;
    let ask = |zone: &str| {
        let ask = ["segment", "preview", "--where", "birthday in the last 0 days", "--time-zone", zone, "--json"];
        let answer = house.postroom(&ask).done().json();
        let at: jiff::Timestamp = answer["at"].as_str().unwrap().parse().unwrap();
        (at.in_tz(zone).unwrap().date(), answer)
    };
    for born in ZONES {
        let (day, _) = ask(born);
        house.postroom(&["contact", "add", "jana@example.com", "--set", &format!("birthday={day}")]).done();
        for zone in ZONES {
            let (today, answer) = ask(zone);
            assert_eq!(answer["time_zone"], zone);
            assert_eq!(answer["count"], u64::from(today == day), "{day} in {zone}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_who_falls_out_of_a_segment_loses_the_tag_and_who_enters_is_pushed() {
    let house = House::open().await;
    guests(&house);
    house.postroom(&["segment", "save", "Germans", GERMANS]).done();
    house.tie_segment("Germans", "skip");
    let plan = || house.postroom(&["sync", "plan", "Germans", "--json"]).done().json();
    assert_eq!((&plan()["entries"], &plan()["create"]), (&json!(2), &json!(2)));
    assert_eq!(counted(&house.run("Germans")), "added=2");
    assert_eq!(counted(&house.run("Germans")), "unchanged=2");
    let shown = house.postroom(&["segment", "show", "Germans", "--json"]).done().json();
    assert_eq!(shown["syncs"], json!(["Germans"]));
    assert!(shown["refreshed_at"].is_string(), "{shown}");

    house.postroom(&["contact", "edit", "jana@example.com", "--set", "language=en"]).done();
    house.postroom(&["contact", "edit", "bert@example.com", "--set", "language=de"]).done();
    let planned = plan();
    assert_eq!((&planned["create"], &planned["untag"]), (&json!(1), &json!(1)), "{planned}");
    let report = house.run("Germans");
    assert_eq!(counted(&report), "added=1 unchanged=1");
    assert_eq!(report["tags"], json!({"added": 1, "removed": 1, "refused": 0}));
    assert_eq!(house.opened(&report, "tags-removed")[0]["email"], "jana@example.com");
    assert_eq!(house.members().await.len(), 3, "never deleted at the provider");
    for (email, tags) in [("jana", json!([])), ("bert", json!(["Germans"])), ("mari", json!(["Germans"]))] {
        let member = house.member(&format!("{email}@example.com")).await;
        assert_eq!((&member["tags"], &member["status"]), (&tags, &json!("subscribed")), "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_what_is_in_use_stays_and_its_users_are_named() {
    let house = House::open().await;
    guests(&house);
    house.postroom(&["segment", "save", "Germans", GERMANS]).done();
    house.tie_segment("Germans", "skip");
    house.postroom(&["list", "remove", "Guests"]).refused(3, &["Guests", "segment", "Germans"]);
    house.postroom(&["segment", "remove", "Germans"]).refused(3, &["Germans", "sync"]);
    house.postroom(&["list", "rename", "Guests", "Visitors"]).done();
    let shown = house.postroom(&["segment", "show", "Germans", "--json"]).done().json();
    assert_eq!(shown["text"], r#"language = "de" and on("Visitors")"#, "a list's new name is its name in segments too");

    let renamed = house.postroom(&["segment", "rename", "Germans", "Speakers", "--json"]).done().json();
    assert_eq!(renamed["old_tags"], json!([{"sync": "Germans", "tag": "Germans"}]));
    house.postroom(&["sync", "remove", "Germans"]).done();
    house.postroom(&["segment", "remove", "Speakers"]).done();
    house.postroom(&["list", "remove", "Visitors"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_sync_names_its_source_for_what_it_is() {
    let house = House::open().await;
    guests(&house);
    house.postroom(&["segment", "save", "Germans", GERMANS]).done();
    let add = |source: &[&str]| {
        let rest = ["--account", "mc", "--audience", crate::house::AUDIENCE, "--newcomers", "skip"];
        house.postroom(&[&["sync", "add", "s"], source, &rest].concat())
    };
    add(&["--list", "Germans"]).refused(3, &["`Germans` is a segment"]);
    add(&["--segment", "Guests"]).refused(3, &["`Guests` is a list"]);
    add(&["--segment", "Italians"]).refused(3, &["Italians", "postroom segment list"]);
    add(&["--list", "Italians"]).refused(3, &["Italians", "postroom list list"]);
    add(&[]).refused(2, &["--list", "--segment"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_a_predefined_segment_is_a_source_at_once() {
    let house = House::open().await;
    guests(&house);
    let listed = house.postroom(&["segment", "list", "--json"]).done().json();
    let newest = listed.as_array().unwrap().iter().find(|segment| segment["name"] == "new-7-days").unwrap();
    assert_eq!(newest["description"], "Created in the last 7 days");
    assert_eq!((&newest["is_predefined"], &newest["syncs"]), (&json!(true), &json!([])));

    house.tie_segment("new-7-days", "skip");
    assert_eq!(counted(&house.run("new-7-days")), "added=3");
    assert_eq!(house.member("jana@example.com").await["tags"], json!(["new-7-days"]));
    house.postroom(&["contact", "add", "kai@example.com"]).done();
    let plan = house.postroom(&["sync", "plan", "new-7-days", "--json"]).done().json();
    assert_eq!(plan["entries"], 4, "who is new enters by itself: {plan}");
    let shown = house.postroom(&["segment", "show", "new-7-days", "--json"]).done().json();
    assert_eq!(shown["syncs"], json!(["new-7-days"]));
    let lists = house.postroom(&["list", "list", "--json"]).done().json();
    assert_eq!(lists.as_array().unwrap().len(), 1, "what syncs read of a segment is no list of people's: {lists}");
    house.postroom(&["segment", "remove", "new-7-days"]).refused(3, &["predefined"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_field_is_made_quick_to_ask_for_and_answers_alike() {
    let house = House::bare().await;
    guests(&house);
    let count = || {
        let ask = ["segment", "preview", "--where", r#"language = "de""#, "--json"];
        house.postroom(&ask).done().json()["count"].clone()
    };
    let is_filterable = || {
        let fields = house.postroom(&["field", "list", "--json"]).done().json();
        let language = fields.as_array().unwrap().iter().find(|field| field["name"] == "language").unwrap().clone();
        language["is_filterable"].clone()
    };
    for (switch, wanted) in [("--on", true), ("--off", false)] {
        house.postroom(&["field", "filter", "language", switch]).done();
        assert_eq!((is_filterable(), count()), (json!(wanted), json!(2)));
    }
    house.postroom(&["field", "add", "topics", "--type", "multiple-choice", "--choice", "spa"]).done();
    house.postroom(&["field", "filter", "topics", "--on"]).refused(3, &["topics", "no order"]);
    house.postroom(&["field", "filter", "nothing", "--on"]).refused(3, &["nothing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_a_segment_that_another_one_names_stays_and_says_so() {
    let house = House::bare().await;
    guests(&house);
    house.postroom(&["segment", "save", "Germans", GERMANS]).done();
    house.postroom(&["segment", "save", "Some", r#"in_segment("Germans") and firstname = "Mari""#]).done();
    let preview = house.postroom(&["segment", "preview", "Some", "--json"]).done().json();
    assert_eq!((&preview["count"], emails(&preview["first"])), (&json!(1), vec!["mari@example.com"]));
    house.postroom(&["segment", "remove", "Germans"]).refused(3, &["`Germans` is used by the segment Some"]);
    house
        .postroom(&["segment", "save", "Germans", r#"in_segment("Some")"#])
        .refused(3, &["`Germans` → `Some` → `Germans`"]);
    house
        .postroom(&["segment", "preview", "--where", r#"in_segment("Germanz")"#])
        .refused(3, &["there is no segment `Germanz`: did you mean `Germans`?"]);
    house.postroom(&["segment", "rename", "Germans", "Speakers"]).done();
    let shown = house.postroom(&["segment", "show", "Some", "--json"]).done().json();
    assert_eq!(shown["text"], r#"in_segment("Speakers") and firstname = "Mari""#);
}
