//! What all guests have in common: the contract's bindings, a sound description, answers that do
//! no harm, and a way to tell the tests what happened.
//!
//! A guest is a program of `src/bin`: it implements [`Plugin`], replacing what it attacks with, and
//! says `kit::plugin!`. That it is a program and not a library only means that one file is enough.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "postroom:provider/everything",
    pub_export_macro: true,
    export_macro_name: "export_everything",
    default_bindings_module: "kit",
    generate_all,
});

use std::marker::PhantomData;

pub use exports::postroom::provider::audiences::Audience;
pub use exports::postroom::provider::fields::RemoteField;
pub use exports::postroom::provider::provider::*;
pub use exports::postroom::provider::sent::{Finding, Sought};
pub use exports::postroom::provider::subscriptions::{Act, ActAnswer, ActOutcome, ActResult, Member};
pub use exports::postroom::provider::tags::{TagChange, TagOutcome, TagResult, TagsAnswer};
pub use exports::postroom::provider::templates::{
    SendingTerms, Template, TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend,
};
pub use postroom::provider::types::*;
// Both globs have these two.
pub use postroom::provider::types::{Extras, ProviderError};
pub use postroom::provider::{context, http, log};

use exports::postroom::provider as exported;

/// A plugin that does as it should, except where a guest replaces a function.
pub trait Plugin {
    fn describe() -> Description {
        description()
    }

    fn check() -> Result<AccountInfo, ProviderError> {
        facts(vec![])
    }

    fn prepare(_audience: String) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn push(_audience: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(created(&writes))
    }

    fn apply(_audience: String, changes: Vec<TagChange>) -> Result<TagsAnswer, ProviderError> {
        let applied = |change: TagChange| {
            let key = change.key;
            change.add.into_iter().map(move |tag| TagResult { key, tag, outcome: TagOutcome::Applied, status: None })
        };
        Ok(TagsAnswer { items: changes.into_iter().flat_map(applied).collect(), warnings: vec![], stopped: None })
    }

    fn change(_audience: String, members: Vec<Member>) -> Result<ActAnswer, ProviderError> {
        let done = |member: Member| ActResult { key: member.key, outcome: ActOutcome::Done, status: None };
        Ok(ActAnswer { items: members.into_iter().map(done).collect(), stopped: None })
    }

    fn list_audiences() -> Result<Vec<Audience>, ProviderError> {
        Ok(vec![])
    }

    fn list_fields(_audience: String) -> Result<Vec<RemoteField>, ProviderError> {
        Ok(vec![])
    }

    fn terms() -> SendingTerms {
        SendingTerms { not_processed: vec![503], key_life_s: None, extras: vec![] }
    }

    fn list_templates() -> Result<Vec<Template>, ProviderError> {
        Ok(vec![])
    }

    fn send(send: TemplateSend) -> Result<TemplateAnswer, ProviderError> {
        Ok(accepted(&send))
    }

    fn find(_sought: Sought) -> Result<Finding, ProviderError> {
        Ok(Finding::NotShown(None))
    }
}

/// The exports of a plugin.
pub struct Exports<P>(PhantomData<P>);

impl<P: Plugin> exported::provider::Guest for Exports<P> {
    fn describe() -> Description {
        P::describe()
    }

    fn check() -> Result<AccountInfo, ProviderError> {
        P::check()
    }
}

impl<P: Plugin> exported::contacts::Guest for Exports<P> {
    fn prepare(audience: String) -> Result<Vec<u8>, ProviderError> {
        P::prepare(audience)
    }

    fn push(audience: String, _: Vec<u8>, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        P::push(audience, writes)
    }
}

impl<P: Plugin> exported::tags::Guest for Exports<P> {
    fn prepare(_: String, _: Vec<String>, _: Vec<String>) -> Result<Vec<u8>, ProviderError> {
        Ok(vec![])
    }

    fn apply(audience: String, _: Vec<u8>, changes: Vec<TagChange>) -> Result<TagsAnswer, ProviderError> {
        P::apply(audience, changes)
    }
}

impl<P: Plugin> exported::subscriptions::Guest for Exports<P> {
    fn change(audience: String, _: Act, members: Vec<Member>) -> Result<ActAnswer, ProviderError> {
        P::change(audience, members)
    }
}

impl<P: Plugin> exported::audiences::Guest for Exports<P> {
    fn list_audiences() -> Result<Vec<Audience>, ProviderError> {
        P::list_audiences()
    }
}

impl<P: Plugin> exported::fields::Guest for Exports<P> {
    fn list_fields(audience: String) -> Result<Vec<RemoteField>, ProviderError> {
        P::list_fields(audience)
    }
}

impl<P: Plugin> exported::templates::Guest for Exports<P> {
    fn terms() -> SendingTerms {
        P::terms()
    }

    fn list_templates() -> Result<Vec<Template>, ProviderError> {
        P::list_templates()
    }

    fn send(send: TemplateSend) -> Result<TemplateAnswer, ProviderError> {
        P::send(send)
    }
}

impl<P: Plugin> exported::sent::Guest for Exports<P> {
    fn find(sought: Sought) -> Result<Finding, ProviderError> {
        P::find(sought)
    }
}

/// Makes the program a component with the exports of this plugin.
#[macro_export]
macro_rules! plugin {
    ($plugin:ident) => {
        type Exported = $crate::Exports<$plugin>;
        $crate::export_everything!(Exported with_types_in $crate);
        fn main() {}
    };
}

/// A description that breaks no rule: one secret for one origin.
pub fn description() -> Description {
    Description {
        id: "guest".into(),
        name: "A guest".into(),
        version: "1.2.3".into(),
        vendor: "The tests".into(),
        summary: "Does what a test needs.".into(),
        settings: vec![],
        auth_methods: vec![AuthMethod {
            name: "api-key".into(),
            label: "API key".into(),
            slots: vec![Slot {
                name: "api-key".into(),
                label: "API key".into(),
                kind: SlotKind::Header("X-Api-Key".into()),
                origin: "api".into(),
                optional: false,
            }],
        }],
        origins: vec![origin("api", "https://api.example.com")],
        limits: Limits { max_batch: 500, max_concurrency: 4, requests_per_second: None },
        consent_scope: ConsentScope::Audience,
        field_name_rule: FieldNameRule { pattern: "[A-Z]+".into(), explanation: "Capital letters.".into() },
        composite_fields: vec![],
        canonical_forms: vec![],
        emulated: vec![],
        extras: vec![],
    }
}

/// An origin without a variable part.
pub fn origin(label: &str, template: &str) -> Origin {
    Origin { label: label.into(), template: template.into(), part: None, purpose: "Everything.".into() }
}

/// A request with nothing but a path.
pub fn get(origin: &str, path: &str) -> http::Request {
    http::Request {
        origin: origin.into(),
        method: http::Method::Get,
        path: path.into(),
        query: vec![],
        headers: vec![],
        body: None,
        safe_to_repeat: true,
    }
}

/// A request that changes something.
pub fn post(origin: &str, path: &str) -> http::Request {
    http::Request { method: http::Method::Post, body: Some(b"{}".to_vec()), safe_to_repeat: false, ..get(origin, path) }
}

/// What a request came to, in one word and the host's text: `status 200`, `denied …`.
pub fn outcome(request: &http::Request) -> String {
    match http::send(request) {
        Ok(response) => format!("status {}", response.status),
        Err(error) => word(&error),
    }
}

/// An error of the host's, its kind in front.
pub fn word(error: &http::HttpError) -> String {
    match error {
        http::HttpError::Denied(text) => format!("denied {text}"),
        http::HttpError::InvalidRequest(text) => format!("invalid-request {text}"),
        http::HttpError::Unreachable(text) => format!("unreachable {text}"),
        http::HttpError::Interrupted(text) => format!("interrupted {text}"),
        http::HttpError::TimedOut => "timed-out".into(),
        http::HttpError::ResponseTooLarge(limit) => format!("response-too-large {limit}"),
        http::HttpError::RateLimited(_) => "rate-limited".into(),
        http::HttpError::BudgetSpent(text) => format!("budget-spent {text}"),
        http::HttpError::Other(text) => format!("other {text}"),
    }
}

/// Tells the tests what happened: they read the facts of the account.
pub fn facts(facts: Vec<(String, String)>) -> Result<AccountInfo, ProviderError> {
    Ok(AccountInfo { name: "Acme".into(), facts })
}

/// Bytes in hexadecimal, in which the host cannot recognise what they say.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An error of the guest's own.
pub fn failed(message: impl Into<String>) -> ProviderError {
    let detail = ErrorDetail { code: "attempt".into(), message: message.into() };
    ProviderError::Other(OtherError { detail, retryable: false })
}

/// One created member for each of these.
pub fn created(writes: &[ContactWrite]) -> BatchAnswer {
    BatchAnswer { items: writes.iter().map(|write| item(write.key)).collect(), stopped: None }
}

/// One accepted message for each of these recipients.
pub fn accepted(send: &TemplateSend) -> TemplateAnswer {
    let to = |key| TemplateResult { key, outcome: TemplateOutcome::Accepted(None) };
    TemplateAnswer { items: send.recipients.iter().map(|recipient| to(recipient.key)).collect(), stopped: None }
}

/// One created member.
pub fn item(key: u64) -> ItemResult {
    ItemResult {
        key,
        outcome: ItemOutcome::Created,
        remote_id: None,
        status: None,
        left_out: vec![],
        warnings: vec![],
        extras: vec![],
    }
}
