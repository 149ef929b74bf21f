//! A plugin that reads a file.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn reader() -> p::Description {
        description("reader")
    }
}

use exports::postroom::provider::{contacts, provider};
use postroom::provider::types::{BatchAnswer, ContactWrite, ProviderError};

struct Reader;

impl provider::Guest for Reader {
    fn describe() -> provider::Description {
        description::reader()
    }

    fn check() -> Result<provider::AccountInfo, ProviderError> {
        let name = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        Ok(provider::AccountInfo { name, facts: vec![] })
    }
}

impl contacts::Guest for Reader {
    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_: String, _: Vec<u8>, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(BatchAnswer { items: vec![], stopped: None })
    }
}

export!(Reader);
