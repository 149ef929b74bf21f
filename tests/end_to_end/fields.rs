//! Row D4: the fields of a workspace.

use crate::house::{AUDIENCE, House, counted};

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

#[tokio::test(flavor = "multi_thread")]
async fn d4_a_choice_gets_another_value_and_contacts_segments_and_syncs_follow() {
    let house = House::open().await;
    let file = "email,firstname,kind\njana@example.com,Jana,lead\nbert@example.com,Bert,contact\n";
    house.import("Guests", Some("form"), file);
    house.postroom(&["segment", "save", "Leads", r#"kind = "lead""#]).done();
    house
        .postroom(&[
            "sync",
            "add",
            "Guests",
            "--list",
            "Guests",
            "--account",
            "mc",
            "--audience",
            AUDIENCE,
            "--newcomers",
            "skip",
            "--map",
            "kind=FNAME",
        ])
        .done();
    assert_eq!(counted(&house.run("Guests")), "added=2");

    let renamed = house.postroom(&["field", "choice", "rename", "kind", "lead", "prospect", "--json"]).done().json();
    assert_eq!((&renamed["contacts"], &renamed["segments"]), (&1.into(), &serde_json::json!(["Leads"])), "{renamed}");
    assert_eq!(renamed["field"]["choices"][1]["former"], serde_json::json!(["lead"]), "{renamed}");
    assert_eq!(counted(&house.run("Guests")), "updated=1 unchanged=1");
    assert_eq!(house.member("jana@example.com").await["merge_fields"]["FNAME"], "prospect");
    let preview = house.postroom(&["segment", "preview", "Leads", "--json"]).done().json();
    assert_eq!(preview["count"], 1);

    let again = house.import("Guests", None, file);
    assert_eq!(
        (&again["counts"]["unchanged"], &again["left_out"]),
        (&2.into(), &0.into()),
        "the old value means it too"
    );
    house
        .postroom(&["field", "choice", "rename", "kind", "prospect", "Contact"])
        .refused(3, &["has the choice `contact` already"]);
    house.postroom(&["field", "choice", "rename", "kind", "king", "queen"]).refused(3, &["king", "prospect"]);
}
