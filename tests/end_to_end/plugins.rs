//! Rows P1 to P3: a provider is a component, looked at and installed without rebuilding the host.

use crate::house::House;

#[tokio::test(flavor = "multi_thread")]
async fn p1_the_bundled_plugin_shows_what_it_can_do_and_where_it_goes() {
    let house = House::bare().await;
    let seen = house.postroom(&["plugin", "inspect", "mailchimp"]).done().stdout;
    for word in ["tags", "subscriptions", "audiences", "fields", "https://{dc}.api.mailchimp.com", "sha256:"] {
        assert!(seen.contains(word), "`{word}` is not in: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p3_what_is_no_plugin_is_refused_with_a_sentence() {
    let house = House::bare().await;
    let text = house.file("plugin.wasm", "not a component");
    house.postroom(&["plugin", "install", &text]).refused(3, &["plugin.wasm"]);
    house.postroom(&["plugin", "install", "/no/such/plugin.wasm"]).refused(3, &["/no/such/plugin.wasm"]);
}
