//! A plugin that wants to go out before anybody has approved it.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn eager() -> p::Description {
        description("eager")
    }
}

use exports::postroom::provider::{contacts, provider};
use postroom::provider::http;
use postroom::provider::types::{BatchAnswer, ContactWrite, ProviderError};

struct Eager;

impl provider::Guest for Eager {
    fn describe() -> provider::Description {
        let _ = http::send(&http::Request {
            origin: "api".into(),
            method: http::Method::Get,
            path: "/".into(),
            query: vec![],
            headers: vec![],
            body: None,
            safe_to_repeat: true,
        });
        description::eager()
    }

    fn check() -> Result<provider::AccountInfo, ProviderError> {
        Ok(provider::AccountInfo {
            name: String::new(),
            facts: vec![],
        })
    }
}

impl contacts::Guest for Eager {
    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_: String, _: Vec<u8>, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(BatchAnswer {
            items: vec![],
            stopped: None,
        })
    }
}

export!(Eager);
