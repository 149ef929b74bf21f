//! Row C1 and P4: an account is checked at once, and its key is never shown again.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_wrong_key_is_refused_at_once_and_nothing_is_saved() {
    let house = House::bare().await;
    let wrong = "ffffffffffffffffffffffffffffffff-us6";
    house.connect("mc", wrong).refused(8, &["credentials"]);
    house.connect("mc", "no-suffix-here!").refused(3, &[]);
    assert_eq!(house.postroom(&["account", "list", "--json"]).done().json().as_array().map(Vec::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_the_key_is_in_no_answer_and_in_no_file() {
    let house = House::open().await;
    let key = house.api_key().to_owned();
    house.import("Guests", Some("form"), "email\njana@example.com\n");
    house.tie("Guests", "skip");
    for arguments in [
        ["account", "list", "--json", "-vv"].as_slice(),
        &["account", "check", "mc", "--json", "-vv"],
        &["sync", "run", "Guests", "--yes", "--json", "-vv"],
        &["audience", "fields", "mc", "ab12cd34ef", "-vv"],
    ] {
        let answer = house.postroom(arguments).done();
        assert!(!answer.stdout.contains(&key) && !answer.stderr.contains(&key), "{arguments:?}");
    }
    for entry in std::fs::read_dir(house.store()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "{}", path.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_replaced_key_keeps_the_accounts_syncs() {
    let house = House::open().await;
    house.import("Guests", Some("form"), "email\njana@example.com\n");
    house.tie("Guests", "skip");
    house.run("Guests");
    let key = house.api_key().to_owned();
    house.postroom_with(&["account", "edit", "mc", "--secret", "api-key=-"], &key).done();
    let report = house.run("Guests");
    assert_eq!(report["counts"]["unchanged"], 1);
    house.postroom(&["account", "remove", "mc"]).refused(3, &["Guests"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a1_audiences_and_their_fields_are_listed() {
    let house = House::open().await;
    let audiences = house.postroom(&["audience", "list", "mc", "--json"]).done().json();
    assert_eq!(audiences[0]["id"], "ab12cd34ef");
    let fields = house.postroom(&["audience", "fields", "mc", "ab12cd34ef", "--json"]).done().json();
    let names: Vec<&str> =
        fields["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"ADDRESS") && names.contains(&"FNAME"), "{names:?}");
}
