//! Row D4: the fields of a workspace.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn d4_every_type_takes_what_it_means_and_refuses_the_rest_with_the_mend() {
    let house = House::bare().await;
    for (name, kind, taken, kept, refused, mend) in [
        ("stars", "number", "005", "5", "+372 5555", "phone field"),
        ("rate", "decimal", "12.50", "12.5", "1,5", "decimal point"),
        ("seen", "date-time", "2026-02-28T23:30:00-01:00", "2026-03-01T00:30:00Z", "noon", "2026-11-22 14:30"),
        ("mobile", "phone", "00372 555 12345", "+37255512345", "555 12345", "+372"),
        ("home", "country", "Estonia", "EE", "Elbonia", "two-letter code"),
        ("speaks", "language", "pt_br", "pt-BR", "xx", "pt-BR"),
        ("zone", "time-zone", "europe/tallinn", "Europe/Tallinn", "Tallinn", "IANA"),
        ("site", "url", "https://example.com/", "https://example.com/", "example.com", "https://"),
    ] {
        house.postroom(&["field", "add", name, "--type", kind]).done();
        let set =
            |value: &str| house.postroom(&["contact", "add", "jana@example.com", "--set", &format!("{name}={value}")]);
        set(refused).refused(3, &[refused, name, mend]);
        set(taken).done();
        let shown = house.postroom(&["contact", "show", "jana@example.com"]).done().stdout;
        assert!(shown.contains(kept), "{name}: {kept} is not in {shown}");
    }
    house.postroom(&["field", "add", "shoe2"]).refused(3, &["a-z"]);
    house.postroom(&["field", "add", "shoe", "--type", "size"]).refused(3, &["multiple-choice"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn d4_choices_are_edited_and_whoever_has_one_keeps_it() {
    let house = House::bare().await;
    house
        .postroom(&["field", "add", "room", "--type", "multiple-choice", "--choice", "single", "--choice", "suite"])
        .done();
    house.postroom(&["field", "choice", "label", "room", "single", "Einzelzimmer", "--language", "de"]).done();
    let file = "email,room\njana@example.com,suite;Einzelzimmer\nbert@example.com,igloo\n";
    let imported = house.import("Guests", None, file);
    assert_eq!(imported["left_out"], 1, "{imported}");
    assert!(imported["left_out_cells"][0]["reason"].as_str().unwrap().contains("use single, suite"), "{imported}");
    let jana = || house.postroom(&["contact", "show", "jana@example.com", "--json"]).done().json();
    assert_eq!(jana()["contact"]["fields"]["room"]["choices"], serde_json::json!(["single", "suite"]));

    house.postroom(&["field", "choice", "remove", "room", "suite"]).done();
    house.postroom(&["contact", "edit", "bert@example.com", "--set", "room=suite"]).refused(3, &["suite", "removed"]);
    house.import("Guests", None, file);
    assert_eq!(jana()["contact"]["fields"]["room"]["choices"], serde_json::json!(["single", "suite"]));
    house.postroom(&["field", "choice", "add", "phone", "x"]).refused(3, &["phone", "has no choices"]);
}
