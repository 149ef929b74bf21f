//! What earlier versions left behind still opens and still runs (row P6).

use std::path::{Path, PathBuf};

use crate::house::{House, counted};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_0_1_0_opens_with_all_that_it_holds() {
    let house = House::bare().await;
    for file in ["postroom.db", "secret.key"] {
        std::fs::copy(fixture("0.1.0/store").join(file), house.store().join(file)).unwrap();
    }
    let report = house.postroom(&["run", "show", "1", "--json"]).done().json();
    assert_eq!(counted(&report["summary"]), "added=3 duplicate=1 invalid=1 blocked=1 failed=1");
    let plan = house.postroom(&["sync", "plan", "guests", "--json"]).done().json();
    assert_eq!((&plan["create"], &plan["update"], &plan["settled"]["unchanged"]), (&0.into(), &0.into(), &3.into()));
    let jana = house.postroom(&["contact", "show", "jana.novakova@example.com", "--json"]).done().json();
    assert_eq!(jana["contact"]["fields"]["lastname"], "Nováková");
    let account = house.postroom(&["account", "list", "--json"]).done().json();
    assert_eq!(account[0]["slots"][0], "api-key");
    house.postroom(&["contact", "add", "new@example.com", "--list", "Guests"]).done();
}

#[tokio::test(flavor = "multi_thread")]
async fn p2_a_component_is_dropped_in_and_serves_an_account_without_rebuilding_the_host() {
    let house = House::open().await;
    let file = fixture("0.1.0/mailchimp.wasm");
    let file = file.to_str().unwrap();
    let seen = house.postroom(&["plugin", "inspect", file, "--json"]).done().json();
    let digest = seen["digest"].as_str().unwrap();
    house.postroom(&["plugin", "install", file]).refused(5, &[digest]);
    house.postroom(&["plugin", "install", file, "--approve", digest]).done();
    // It comes from elsewhere than the one that the account knows.
    house.postroom(&["account", "edit", "mc", "--plugin-source", "mailchimp.wasm"]).done();
    house.import("Guests", Some("form"), "email,firstname\njana@example.com,Jana\n");
    house.tie("Guests", "skip");
    assert_eq!(counted(&house.run("Guests")), "added=1");
    assert_eq!(house.postroom(&["run", "show", "1", "--json"]).done().json()["plugin_digest"], digest);
}
