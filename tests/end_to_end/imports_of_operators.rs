//! What the operator of an import is shown and asked: where columns go, in which order dates are read, how a
//! file is read again, and what of a list is to be mended (rows A5, A6).

use serde_json::{Value, json};

use crate::house::{House, counted};

const HOTEL: &str = "No;Kontakt;Family;Born\n1;a@example.com;Kask;04/05/1980\n2;b@example.com;Tamm;12/31/1990\n";

#[tokio::test(flavor = "multi_thread")]
async fn d1_a_file_is_read_as_the_one_before_it_by_its_profile() {
    let house = House::bare().await;
    let file = house.file("june.csv", HOTEL);
    let said = ["--key", "No", "--map", "Family=lastname", "--map", "Born=birthday", "--dates", "month-first"];
    let saved = house.postroom(&[&["import", &file, "--save-profile", "hotel", "--json"], said.as_slice()].concat());
    assert_eq!(saved.done().json()["saved_profile"], json!({"name": "hotel", "is_new": true}));

    let july = house.file("july.csv", "Born,Family,No,Kontakt,More\n01/02/1970,Saar,3,c@example.com,x\n");
    let imported = house.postroom(&["import", &july, "--profile", "hotel", "--json"]).done().json();
    assert_eq!(imported["source"]["columns"][0]["told_by"], "profile", "{imported}");
    let saar = house.postroom(&["contact", "show", "external:3", "--json"]).done().json();
    assert_eq!(
        (&saar["contact"]["fields"]["lastname"], &saar["contact"]["fields"]["birthday"]),
        (&json!("Saar"), &json!({"date": "1970-01-02"}))
    );
    // What is said beside it wins.
    let first = ["import", &july, "--profile", "hotel", "--map", "Family=firstname", "--map", "More=lastname"];
    house.postroom(&first).done();
    let saar = house.postroom(&["contact", "show", "external:3", "--json"]).done().json();
    assert_eq!(
        (&saar["contact"]["fields"]["firstname"], &saar["contact"]["fields"]["lastname"]),
        (&json!("Saar"), &json!("x"))
    );

    let lacks = house.file("august.csv", "No,Kontakt,Surname\n4,d@example.com,Oja\n");
    let refused = house.postroom(&["import", &lacks, "--profile", "hotel"]);
    refused.refused(3, &["hotel", "`Family` (lastname), `Born` (birthday)", "--map \"COLUMN=lastname\""]);
    assert_eq!(house.postroom(&["contact", "list", "--json"]).done().json()["contacts"].as_array().unwrap().len(), 3);
    house.postroom(&["import", &lacks, "--profile", "motel"]).refused(3, &["motel", "import-profile list"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_listed_shown_and_removed_and_offered_where_it_fits() {
    let house = House::bare().await;
    let file = house.file("june.csv", "Where,Who\na@example.com,Kask\n");
    house.postroom(&["import", &file]).refused(3, &["none of the columns", "--email"]);
    let said = ["--email", "Where", "--map", "Who=lastname"];
    let dry = [&["import", &file, "--dry-run", "--save-profile", "hotel"], said.as_slice()].concat();
    let page = house.postroom(&dry).done().stdout;
    assert!(page.contains("Saved the import profile hotel"), "{page}");
    assert_eq!(house.postroom(&["contact", "list", "--json"]).done().json()["contacts"], json!([]));

    // Neither the refusal nor the dry run uses it unasked; both say what to type.
    let line = format!("postroom import {file} --profile hotel");
    house.postroom(&["import", &file]).refused(3, &["none of the columns", &line]);
    let page = house.postroom(&["import", &file, "--dry-run", "--email", "Where"]).done().stdout;
    assert!(page.contains(&line) && page.contains("was not used"), "{page}");

    let listed = house.postroom(&["import-profile", "list", "--json"]).done().json();
    assert_eq!((&listed[0]["name"], listed.as_array().map(Vec::len)), (&json!("hotel"), Some(1)));
    let page = house.postroom(&["import-profile", "show", "hotel"]).done().stdout;
    assert!(page.contains("Who") && page.contains("lastname"), "{page}");
    house.postroom(&["import-profile", "remove", "hotel"]).done();
    house.postroom(&["import-profile", "show", "hotel"]).refused(3, &["hotel", "import-profile list"]);
    let left = house.postroom(&["import", &file]);
    assert!(!left.refused(3, &["none of the columns"]).stderr.contains("--profile"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_where_each_column_goes_and_why_and_what_to_type() {
    let house = House::bare().await;
    let file = house.file(
        "guests.csv",
        "E-mail,Vorname,lastnames,Nights,Notes\na@example.com,Jana,Kask,3,early\nb@example.com,Bert,Tamm,2,late\n",
    );
    let arguments = ["import", file.as_str(), "--dry-run", "--map", "Notes=-"];
    let page = house.postroom(&arguments).done().stdout;
    for words in [
        "the name is known",
        "the operator said so",
        "a@example.com, b@example.com",
        "--map lastnames=lastname",
        "postroom field add nights --type number --label Nights",
        "no contact and no list was written",
    ] {
        assert!(page.contains(words), "`{words}` is not in: {page}");
    }
    let told = house.postroom(&[arguments.as_slice(), &["--json"]].concat()).done().json();
    let of = |index: usize, key: &str| told["suggestions"][index][key].clone();
    assert_eq!(
        (of(1, "told_by"), of(1, "place"), of(1, "samples")),
        (json!("name"), json!("firstname"), json!(["Jana", "Bert"]))
    );
    assert_eq!((of(2, "told_by"), of(2, "rule")), (json!("nobody"), json!("lastnames=lastname")));
    assert_eq!(of(3, "new_field"), json!({"name": "nights", "type": "number"}));
    assert_eq!((of(4, "told_by"), of(4, "place")), (json!("operator"), Value::Null));
    // What it says to type does what it says.
    house.postroom(&["field", "add", "nights", "--type", "number", "--label", "Nights"]).done();
    let imported = house.postroom(&["import", &file, "--map", "lastnames=lastname", "--json"]).done().json();
    assert_eq!(imported["source"]["columns"][3]["target"], "nights", "{imported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_that_could_be_either_are_counted_and_never_guessed_at_in_silence() {
    let house = House::bare().await;
    let clear = house.file("clear.csv", "email,birthday\na@example.com,04/05/1980\nb@example.com,12/31/1990\n");
    let told = house.postroom(&["import", &clear, "--dry-run", "--json"]).done().json();
    assert_eq!(
        (&told["dates"]["ambiguous"], &told["dates"]["shown"], &told["dates"]["is_said"]),
        (&json!(1), &json!("month-first"), &json!(false))
    );
    let page = house.postroom(&["import", &clear]).done().stdout;
    assert!(page.contains("`birthday` has 1 date") && page.contains("--dates month-first"), "{page}");
    let birthday = || {
        let shown = house.postroom(&["contact", "show", "a@example.com", "--json"]).done().json();
        shown["contact"]["fields"]["birthday"]["date"].clone()
    };
    assert_eq!(birthday(), "1980-05-04");
    let page = house.postroom(&["import", &clear, "--dates", "month-first"]).done().stdout;
    assert!(!page.contains("--dates"), "{page}");
    assert_eq!(birthday(), "1980-04-05");

    let open = house.file("open.csv", "email,birthday\na@example.com,04/05/1980\n");
    let page = house.postroom(&["import", &open, "--dry-run"]).done().stdout;
    assert!(page.contains("--dates day-first") && page.contains("--dates month-first"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_an_invalid_entry_is_found_corrected_and_sent() {
    let house = House::open().await;
    house.import(
        "Guests",
        Some("form"),
        "email,firstname\njana@example.com,Jana\n,Nameless\nbert(at)example.com,Bert\n",
    );
    house.tie("Guests", "unsubscribed");
    assert_eq!(counted(&house.run("Guests")), "added=1 invalid=2");
    let page = house.postroom(&["list", "show", "Guests", "--only", "invalid"]).done().stdout;
    for words in [
        "Bert",
        "`bert(at)example.com` is not a valid e-mail address",
        "there is no e-mail address",
        "list correct Guests POSITION",
    ] {
        assert!(page.contains(words), "`{words}` is not in: {page}");
    }
    let invalid = house.postroom(&["list", "show", "Guests", "--only", "invalid", "--json"]).done().json();
    assert_eq!((&invalid["entries"][0]["position"], &invalid["entries"][1]["position"]), (&json!(2), &json!(3)));
    house
        .postroom(&["list", "correct", "Guests", "3", "--email", "bert(at)example.com"])
        .refused(3, &["bert(at)example.com"]);
    let correct =
        ["list", "correct", "Guests", "3", "--email", "bert@example.com", "--set", "firstname=Bert", "--json"];
    let corrected = house.postroom(&correct).done().json();
    assert_eq!(
        (&corrected["outcome"], &corrected["position"], &corrected["duplicate_of"]),
        (&json!("created"), &json!(3), &Value::Null)
    );
    house.postroom(&["list", "correct", "Guests", "3", "--email", "other@example.com"]).refused(3, &["has a contact"]);
    house.postroom(&["list", "take-off", "Guests", "--position", "2"]).done();
    assert_eq!(counted(&house.run("Guests")), "added=1 unchanged=1");
    assert_eq!(house.member("bert@example.com").await["merge_fields"]["FNAME"], "Bert");
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_duplicates_are_found_and_taken_off_until_none_is_left() {
    let house = House::open().await;
    house.import(
        "Guests",
        Some("form"),
        "email,firstname\njana@example.com,Jana\nbert@example.com,Bert\nJANA@example.com,Again\n,No\n",
    );
    house.tie("Guests", "skip");
    assert_eq!(counted(&house.run("Guests")), "added=2 duplicate=1 invalid=1");
    let page = house.postroom(&["list", "show", "Guests", "--only", "duplicate"]).done().stdout;
    assert!(page.contains("duplicate of 1") && page.contains("list take-off Guests --position"), "{page}");
    // The address of a contact that stands before makes a duplicate, and says so.
    let correct = ["list", "correct", "Guests", "4", "--email", "bert@example.com", "--json"];
    assert_eq!(house.postroom(&correct).done().json()["duplicate_of"], 2);
    let duplicates = house.postroom(&["list", "show", "Guests", "--only", "duplicate", "--json"]).done().json();
    let positions = duplicates["entries"].as_array().unwrap().iter().map(|entry| entry["position"].to_string());
    let positions: Vec<String> = positions.collect();
    assert_eq!(positions, ["3", "4"]);
    for position in &positions {
        house.postroom(&["list", "take-off", "Guests", "--position", position]).done();
    }
    assert_eq!(counted(&house.run("Guests")), "unchanged=2");
}
