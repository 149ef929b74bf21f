//! A plugin that knows the contract, the whole contract, and nothing but the contract: built against
//! copies of it in which a few words differ (see `build/contract.rs`).

wit_bindgen::generate!({
    path: "../../../wit",
    world: "postroom:provider/base",
    generate_all,
});

use exports::postroom::provider::provider::*;
use exports::postroom::provider::{contacts, provider};
use postroom::provider::types::{BatchAnswer, ContactWrite, ItemOutcome, ItemResult};
use postroom::provider::{context, http, log};

struct Plugin;

impl provider::Guest for Plugin {
    fn describe() -> Description {
        Description {
            id: "of-some-version".into(),
            name: "Of some version".into(),
            version: "1.2.3".into(),
            vendor: "The tests".into(),
            summary: "Was built against some version of the contract.".into(),
            settings: vec![],
            auth_methods: vec![],
            origins: vec![Origin {
                label: "api".into(),
                template: "https://api.example.com".into(),
                part: None,
                purpose: "Everything.".into(),
            }],
            limits: Limits { max_batch: 500, max_concurrency: 4, requests_per_second: None },
            consent_scope: ConsentScope::Audience,
            field_name_rule: FieldNameRule { pattern: "[A-Z]+".into(), explanation: "Capital letters.".into() },
            composite_fields: vec![],
            canonical_forms: vec![],
            emulated: vec![],
            extras: vec![],
        }
    }

    fn check() -> Result<AccountInfo, ProviderError> {
        let request = http::Request {
            origin: "api".into(),
            method: http::Method::Get,
            path: "/account".into(),
            query: vec![],
            headers: vec![],
            body: None,
            safe_to_repeat: true,
        };
        let status = http::send(&request).map_or(0, |response| response.status);
        log::log(log::Level::Info, "checked", &[]);
        Ok(AccountInfo { name: status.to_string(), facts: context::settings() })
    }
}

impl contacts::Guest for Plugin {
    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_: String, _: Vec<u8>, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        let created = |write: ContactWrite| ItemResult {
            key: write.key,
            outcome: ItemOutcome::Created,
            remote_id: None,
            status: None,
            left_out: vec![],
            warnings: vec![],
            extras: vec![],
        };
        Ok(BatchAnswer { items: writes.into_iter().map(created).collect(), stopped: None })
    }
}

export!(Plugin);

fn main() {}
