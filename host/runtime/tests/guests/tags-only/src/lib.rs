//! A component that exports a capability and not what every plugin exports.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/with-tags",
    generate_all,
});

use exports::postroom::provider::tags;
use postroom::provider::types::ProviderError;

struct TagsOnly;

impl tags::Guest for TagsOnly {
    fn prepare(_: String, _: Vec<String>, _: Vec<String>) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn apply(_: String, _: Vec<u8>, _: Vec<tags::TagChange>) -> Result<tags::TagsAnswer, ProviderError> {
        Ok(tags::TagsAnswer { items: vec![], warnings: vec![], stopped: None })
    }
}

export!(TagsOnly);
