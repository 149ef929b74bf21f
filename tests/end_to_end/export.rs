//! Contacts that go out as a file come back the same.

use serde_json::Value;

use crate::house::House;

/// All that a file carries of every contact.
fn carried(house: &House) -> Vec<Value> {
    let page = house.postroom(&["contact", "list", "--all", "--json"]).done().json();
    let contacts = page["contacts"].as_array().unwrap().iter();
    contacts
        .map(|contact| {
            let detail =
                house.postroom(&["contact", "show", contact["email"].as_str().unwrap(), "--json"]).done().json();
            let contact = &detail["contact"];
            serde_json::json!([contact["email"], contact["external_id"], contact["fields"], contact["tags"]])
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_what_is_exported_and_imported_again_is_the_same() {
    let house = House::bare().await;
    let rows = "id,email,firstname,birthday,phone,street,city\n\
                1,jana@example.com,\"=HYPERLINK(\"\"http://example.com\"\")\",1980-02-29,+420600100200,\"Long St, 5\",Tartu\n\
                2,bert@example.com,\"two\nlines\",,,,\n";
    house.import("Guests", Some("form"), rows);
    house.postroom(&["contact", "tag", "jana@example.com", "Tartu, EE"]).done();
    let before = carried(&house);
    for name in ["contacts.csv", "contacts.tsv", "contacts.jsonl"] {
        let file = house.path(name);
        let file = file.to_str().unwrap();
        let written = house.postroom(&["export", file, "--json"]).done().json();
        assert_eq!(written["contacts"], 2, "{name}");
        house.postroom(&["export", file]).refused(3, &[name, "is there already"]);
        house.postroom(&["export", file, "--force"]).done();
        if name == "contacts.csv" {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(text.contains("\"'=HYPERLINK") && !text.contains(",\"=HYPERLINK"), "{text}");
        }
        let second = House::bare().await;
        second.postroom(&["import", file, "--list", "Back", "--json"]).done();
        assert_eq!(carried(&second), before, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_a_segment_and_a_condition_are_exported_and_streams_have_nothing_beside() {
    let house = House::bare().await;
    house.import("Guests", Some("form"), "email,firstname\njana@example.com,Jana\nbert@example.com,Bert\n");
    house.import("Staff", None, "email,firstname\nmari@example.com,Mari\n");
    let lines = |arguments: &[&str]| {
        let all = [&["export", "-", "--format", "jsonl"], arguments].concat();
        let text = house.postroom(&all).done().stdout;
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&[]).len(), 3);
    let staff = lines(&["--list", "Staff"]);
    assert_eq!((staff.len(), &staff[0]["e-mail"].as_str()), (1, &Some("mari@example.com")), "{staff:?}");
    assert_eq!(lines(&["--segment", "no-consent"]), staff);
    assert_eq!(lines(&["--where", "consent = granted"]).len(), 2);
    house.postroom(&["export", "-", "--list", "Nobody"]).refused(3, &["Nobody"]);
    house.postroom(&["export", "-", "--where", "lang = \"de\""]).refused(3, &["did you mean"]);
    house.postroom(&["export", "contacts.docx"]).refused(2, &["docx", "jsonl"]);
}
