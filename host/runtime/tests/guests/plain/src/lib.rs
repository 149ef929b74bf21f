//! A plugin that has what every plugin has, and no capability.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn plain() -> p::Description {
        description("plain")
    }
}

use exports::postroom::provider::{contacts, provider};
use postroom::provider::types::{BatchAnswer, ContactWrite, ProviderError};

struct Plain;

impl provider::Guest for Plain {
    fn describe() -> provider::Description {
        description::plain()
    }

    fn check() -> Result<provider::AccountInfo, ProviderError> {
        Ok(provider::AccountInfo { name: String::new(), facts: vec![] })
    }
}

impl contacts::Guest for Plain {
    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_: String, _: Vec<u8>, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(BatchAnswer { items: vec![], stopped: None })
    }
}

export!(Plain);
