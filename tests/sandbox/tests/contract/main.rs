//! What loaded goes on loading, and what cannot load is refused by a sentence that says what differs
//! and how it is mended.
//!
//! The table that this holds the contract to:
//!
//! | the host's contract has, and the plugin's has not | the plugin |
//! | --- | --- |
//! | another function in an interface that the host implements | loads |
//! | another capability | loads |
//! | another function in an interface that the plugin exports | is refused |
//! | another field in what the host answers or hands over | is refused |
//! | another case of a variant | is refused |
//!
//! | the plugin's contract has, and the host's has not | the plugin |
//! | --- | --- |
//! | another function in an interface that the plugin exports, or another capability | loads |
//! | another function or interface that it calls | is refused |
//! | another field, another case | is refused |
//!
//! A patch of the version loads, another one does not (0.1 to 0.2 is a major step).
//!
//! So a capability grows by an interface beside it, and what may grow inside one has its `extras` and
//! its `other` from the first day.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers as well")]

use std::path::Path;
use std::sync::OnceLock;

use postroom_runtime::{Capability, Engine, LoadError, Plugin};
use postroom_sandbox_tests::{Component, contracts, for_each_contract};

/// One test for each change, of its name.
macro_rules! has_a_test {
    ($($change:ident)+) => {
        mod covered {
            $(#[expect(unused_imports, reason = "that it exists is all that is asked")] use super::$change as _;)+
        }
    };
}
for_each_contract!(has_a_test);

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

async fn load(component: Component) -> Result<Plugin, LoadError> {
    Plugin::load(engine(), &std::fs::read(component.path()).unwrap()).await
}

/// It loads and is the plugin that it says it is.
async fn loads(component: Component) {
    let plugin = load(component).await.unwrap();
    assert_eq!(plugin.description().id, "of-some-version");
    assert_eq!(plugin.capabilities(), []);
}

/// It is refused because of the contract; the sentence names this, and the mend.
async fn is_refused(component: Component, named: &[&str]) {
    let error = load(component).await.unwrap_err();
    assert!(matches!(error, LoadError::Mismatch { .. }), "{error:?}");
    let sentence = error.to_string();
    assert!(sentence.starts_with("The plugin was built against another version of the contract "), "{sentence}");
    assert!(sentence.contains("postroom:provider@0.1.0"), "{sentence}");
    assert!(
        sentence.ends_with(
            " Build it again with the plugin kit of this version, or use the Postroom that it was built for."
        ),
        "{sentence}"
    );
    for name in named {
        assert!(sentence.contains(name), "`{name}` is not in: {sentence}");
    }
}

#[tokio::test]
async fn unchanged() {
    loads(contracts::unchanged()).await;
}

#[tokio::test]
async fn host_offers_another_function() {
    loads(contracts::host_offers_another_function()).await;
}

#[tokio::test]
async fn host_knows_another_capability() {
    loads(contracts::host_knows_another_capability()).await;
}

#[tokio::test]
async fn host_calls_another_function() {
    is_refused(contracts::host_calls_another_function(), &["postroom:provider/contacts", "`prepare`"]).await;
}

#[tokio::test]
async fn host_answers_with_another_field() {
    is_refused(contracts::host_answers_with_another_field(), &["postroom:provider/http", "`send`", "fields"]).await;
}

#[tokio::test]
async fn host_hands_over_another_field() {
    is_refused(
        contracts::host_hands_over_another_field(),
        &["postroom:provider/contacts", "parameters", "record of 7 fields, found 6"],
    )
    .await;
}

#[tokio::test]
async fn host_knows_another_case() {
    is_refused(contracts::host_knows_another_case(), &["postroom:provider/", "variant"]).await;
}

#[tokio::test]
async fn plugin_asks_for_another_function() {
    is_refused(contracts::plugin_asks_for_another_function(), &["postroom:provider/context", "`zone`"]).await;
}

#[tokio::test]
async fn plugin_asks_for_another_interface() {
    is_refused(contracts::plugin_asks_for_another_interface(), &["postroom:provider/zone"]).await;
}

#[tokio::test]
async fn plugin_offers_another_function() {
    loads(contracts::plugin_offers_another_function()).await;
}

#[tokio::test]
async fn plugin_offers_another_capability() {
    loads(contracts::plugin_offers_another_capability()).await;
}

#[tokio::test]
async fn plugin_answers_with_another_field() {
    is_refused(
        contracts::plugin_answers_with_another_field(),
        &["postroom:provider/provider", "results", "record of 2 fields, found 3"],
    )
    .await;
}

#[tokio::test]
async fn plugin_knows_another_case() {
    is_refused(contracts::plugin_knows_another_case(), &["postroom:provider/", "variant"]).await;
}

#[tokio::test]
async fn minor_version() {
    loads(contracts::minor_version()).await;
}

#[tokio::test]
async fn major_version() {
    is_refused(contracts::major_version(), &["postroom:provider@0.2.0"]).await;
}

#[tokio::test]
async fn the_component_of_0_1_0_loads_with_all_its_capabilities() {
    // What has come since is not among them.
    let capabilities = [Capability::Tags, Capability::Subscriptions, Capability::Audiences, Capability::Fields];
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/0.1.0/mailchimp.wasm");
    let plugin = Plugin::load(engine(), &std::fs::read(file).unwrap()).await.unwrap();
    assert_eq!((plugin.description().id.as_str(), plugin.capabilities().as_slice()), ("mailchimp", &capabilities[..]));
}
