//! A plugin that answers every contact at once and calls nobody: what is left is the way there and
//! back.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn echo() -> p::Description {
        description("echo")
    }
}

use exports::postroom::provider::{contacts, provider};
use postroom::provider::types::{BatchAnswer, ContactWrite, ItemOutcome, ItemResult, ProviderError, RemoteStatus};

struct Echo;

impl provider::Guest for Echo {
    fn describe() -> provider::Description {
        description::echo()
    }

    fn check() -> Result<provider::AccountInfo, ProviderError> {
        Ok(provider::AccountInfo { name: String::new(), facts: vec![] })
    }
}

impl contacts::Guest for Echo {
    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_: String, _: Vec<u8>, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        let items = writes.into_iter().map(|write| ItemResult {
            key: write.key,
            outcome: ItemOutcome::Created,
            remote_id: Some(write.address),
            status: Some(RemoteStatus::Subscribed),
            left_out: vec![],
            warnings: vec![],
            extras: vec![],
        });
        Ok(BatchAnswer { items: items.collect(), stopped: None })
    }
}

export!(Echo);
