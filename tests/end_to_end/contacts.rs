//! Rows D1, D2 and D5: one person is one contact, its story is told, and what is in use stays.

use serde_json::{Value, json};

use crate::house::House;

/// The story of a contact in short: what happened, by whom.
fn story(house: &House, of: &str) -> Vec<String> {
    let events = house.postroom(&["contact", "history", of, "--json"]).done().json();
    let told = |event: &Value| {
        let by = event["by"]["file"].as_str().or(event["by"]["source"].as_str()).unwrap();
        let about = ["tag", "list", "email"].into_iter().find_map(|name| event[name].as_str());
        let about = about.or_else(|| event["event"]["act"].as_str()).unwrap_or_default();
        let places: Vec<&str> =
            event["values"].as_array().into_iter().flatten().map(|value| value["place"].as_str().unwrap()).collect();
        format!("{by}: {} {about}{}", event["kind"].as_str().unwrap(), places.join(" ")).trim_end().to_owned()
    };
    events.as_array().unwrap().iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_the_story_of_a_contact_tells_what_happened_and_who_did_it() {
    let house = House::bare().await;
    house.import("Guests", Some("form"), "email,firstname\njana@example.com,Jana\nbert@example.com,Bert\n");
    house.postroom(&["contact", "edit", "jana@example.com", "--set", "firstname=Johana"]).done();
    house.postroom(&["contact", "tag", "jana@example.com", "VIP"]).done();
    house.postroom(&["contact", "untag", "jana@example.com", "vip"]).done();
    house.postroom(&["list", "take-off", "Guests", "jana@example.com"]).done();
    house.postroom(&["consent", "set", "jana@example.com", "withdrawn", "--by", "contact"]).done();
    let expected = [
        "import.csv: created",
        "import.csv: joined Guests",
        "import.csv: consent granted",
        "operator: changed fields.firstname",
        "operator: tagged VIP",
        "operator: untagged VIP",
        "operator: left Guests",
        "contact: consent withdrawn",
    ];
    assert_eq!(story(&house, "jana@example.com"), expected);
    let page = house.postroom(&["contact", "history", "jana@example.com"]).done().stdout;
    for words in ["import of import.csv", "fields.firstname", "Johana", "VIP", "Guests", "withdrawn"] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    house.import("Guests", None, "email,firstname\njana@example.com,Johana\n");
    let bert = story(&house, "bert@example.com");
    assert_eq!(bert.last().map(String::as_str), Some("import.csv: left Guests"), "{bert:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_file_that_still_has_the_address_of_before_a_merge_means_the_one_that_stayed() {
    let house = House::bare().await;
    let file = "email,firstname\njana@old.example,Jana\nbert@example.com,Bert\n";
    house.import("Guests", None, file);
    house.postroom(&["contact", "add", "jana@new.example"]).done();
    house.postroom(&["contact", "merge", "jana@new.example", "jana@old.example"]).done();
    let again = house.import("Guests", None, file);
    let counts = &again["counts"];
    assert_eq!(
        (&counts["unchanged"], &counts["created"], &counts["left"]),
        (&json!(2), &json!(0), &json!(0)),
        "{again}"
    );
    let jana = house.postroom(&["contact", "show", "jana@old.example", "--json"]).done().json();
    assert_eq!(
        (&jana["contact"]["email"], &jana["aliases"]),
        (&json!("jana@new.example"), &json!(["jana@old.example"]))
    );
    house
        .postroom(&["contact", "edit", "bert@example.com", "--email", "jana@old.example"])
        .refused(3, &["jana@new.example", "merge"]);
    let shown = house.postroom(&["contact", "show", "jana@new.example"]).done().stdout;
    assert!(shown.contains("also found by") && shown.contains("jana@old.example"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_a_list_in_use_stays_and_all_that_uses_it_is_named() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\n");
    for (segment, text) in [("Regulars", r#"on("Guests")"#), ("Newest", r#"joined("Guests") in the last 7 days"#)] {
        house.postroom(&["segment", "save", segment, text]).done();
    }
    house.tie("Guests", "skip");
    let used = "is used by the sync Guests and the segments Newest, Regulars: remove them first";
    house.postroom(&["list", "remove", "Guests"]).refused(3, &["the list `Guests`", used]);
    house.postroom(&["sync", "remove", "Guests"]).done();
    house.postroom(&["segment", "remove", "Newest"]).done();
    house.postroom(&["list", "remove", "Guests"]).refused(3, &["used by the segment Regulars: remove it first"]);
    house.postroom(&["segment", "remove", "Regulars"]).done();
    house.postroom(&["list", "remove", "Guests"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn d5_lists_stand_in_the_order_that_the_operator_set() {
    let house = House::bare().await;
    let names = |answer: &Value| -> Vec<String> {
        answer.as_array().unwrap().iter().map(|list| list["name"].as_str().unwrap().to_owned()).collect()
    };
    for name in ["Winter", "Guests", "Staff"] {
        house.postroom(&["list", "create", name]).done();
    }
    let moved = house.postroom(&["list", "move", "Staff", "--before", "Guests", "--json"]).done().json();
    assert_eq!(names(&moved), ["Winter", "Staff", "Guests"]);
    house.postroom(&["list", "move", "Winter", "--last"]).done();
    house.postroom(&["list", "move", "Guests", "--first"]).done();
    house.import("Leads", None, "email\njana@example.com\n");
    let listed = house.postroom(&["list", "list", "--json"]).done().json();
    assert_eq!(names(&listed), ["Guests", "Staff", "Winter", "Leads"], "a new one comes last");
    house.postroom(&["list", "move", "Staff", "--before", "Nobody"]).refused(3, &["Nobody", "postroom list list"]);
    house.postroom(&["list", "move", "Staff"]).refused(2, &["--before"]);
}
