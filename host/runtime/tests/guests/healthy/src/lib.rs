//! A plugin that does everything as it should, over HTTP where the audience is not `echo`.

wit_bindgen::generate!({
    path: "../../../../../wit",
    world: "postroom:provider/everything",
    generate_all,
});

mod description {
    include!("../../description.rs");

    pub fn healthy() -> p::Description {
        description("healthy")
    }
}

use exports::postroom::provider::{audiences, contacts, fields, provider, sent, subscriptions, tags, templates};
use postroom::provider::types::{
    BatchAnswer, ContactWrite, ErrorDetail, ItemOutcome, ItemResult, OtherError, ProviderError, RemoteStatus,
};
use postroom::provider::{context, http, log};

struct Healthy;

fn call(method: http::Method, path: &str, body: Option<Vec<u8>>) -> Result<http::Response, ProviderError> {
    http::send(&http::Request {
        origin: "api".into(),
        method,
        path: path.into(),
        query: vec![],
        headers: vec![],
        body,
        safe_to_repeat: true,
    })
    .map_err(|error| {
        ProviderError::Other(OtherError {
            detail: ErrorDetail { code: "http".into(), message: format!("{error:?}") },
            retryable: false,
        })
    })
}

impl provider::Guest for Healthy {
    fn describe() -> provider::Description {
        description::healthy()
    }

    fn check() -> Result<provider::AccountInfo, ProviderError> {
        let response = call(http::Method::Get, "/account", None)?;
        let mut facts = context::settings();
        facts.push(("now".into(), context::now().to_string()));
        facts.push(("status".into(), response.status.to_string()));
        Ok(provider::AccountInfo { name: String::from_utf8_lossy(&response.body).into_owned(), facts })
    }
}

impl contacts::Guest for Healthy {
    fn prepare(audience: String) -> Result<Vec<u8>, ProviderError> {
        Ok(audience.into_bytes())
    }

    fn push(audience: String, prepared: Vec<u8>, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        if audience != "echo" {
            log::log(log::Level::Info, "pushing", &[("contacts".into(), writes.len().to_string())]);
            call(http::Method::Post, "/members", Some(prepared))?;
        }
        let items = writes
            .into_iter()
            .map(|write| ItemResult {
                key: write.key,
                outcome: ItemOutcome::Created,
                remote_id: Some(format!("m{}", write.key)),
                status: Some(RemoteStatus::Subscribed),
                left_out: vec![],
                warnings: vec![],
                extras: vec![],
            })
            .collect();
        Ok(BatchAnswer { items, stopped: None })
    }
}

impl tags::Guest for Healthy {
    fn prepare(_: String, add: Vec<String>, _: Vec<String>) -> Result<Vec<u8>, ProviderError> {
        Ok(add.join(",").into_bytes())
    }

    fn apply(_: String, _: Vec<u8>, changes: Vec<tags::TagChange>) -> Result<tags::TagsAnswer, ProviderError> {
        let items = changes
            .into_iter()
            .flat_map(|change| {
                let key = change.key;
                let applied = change.add.into_iter().map(move |tag| (tag, tags::TagOutcome::Applied));
                let already = change.remove.into_iter().map(move |tag| (tag, tags::TagOutcome::Already));
                applied.chain(already).map(move |(tag, outcome)| tags::TagResult { key, tag, outcome, status: None })
            })
            .collect();
        Ok(tags::TagsAnswer { items, warnings: vec![], stopped: None })
    }
}

impl subscriptions::Guest for Healthy {
    fn change(
        _: String,
        _: subscriptions::Act,
        members: Vec<subscriptions::Member>,
    ) -> Result<subscriptions::ActAnswer, ProviderError> {
        let items = members
            .into_iter()
            .map(|member| subscriptions::ActResult {
                key: member.key,
                outcome: subscriptions::ActOutcome::Done,
                status: Some(RemoteStatus::Unsubscribed),
            })
            .collect();
        Ok(subscriptions::ActAnswer { items, stopped: None })
    }
}

impl audiences::Guest for Healthy {
    fn list_audiences() -> Result<Vec<audiences::Audience>, ProviderError> {
        Ok(vec![audiences::Audience { id: "a1".into(), name: "News".into(), members: Some(3), extras: vec![] }])
    }
}

impl fields::Guest for Healthy {
    fn list_fields(_: String) -> Result<Vec<fields::RemoteField>, ProviderError> {
        Ok(vec![fields::RemoteField {
            name: "FNAME".into(),
            label: "First name".into(),
            kind: "text".into(),
            required: false,
            choices: vec![],
            extras: vec![],
        }])
    }
}

impl templates::Guest for Healthy {
    fn terms() -> templates::SendingTerms {
        templates::SendingTerms { not_processed: vec![503], key_life_s: Some(3600), extras: vec![] }
    }

    fn list_templates() -> Result<Vec<templates::Template>, ProviderError> {
        Ok(vec![templates::Template { id: "t1".into(), name: "Welcome".into(), extras: vec![] }])
    }

    fn send(send: templates::TemplateSend) -> Result<templates::TemplateAnswer, ProviderError> {
        let items = send
            .recipients
            .into_iter()
            .map(|recipient| templates::TemplateResult {
                key: recipient.key,
                outcome: templates::TemplateOutcome::Accepted(Some(format!("{}-{}", send.effect_key, recipient.key))),
            })
            .collect();
        Ok(templates::TemplateAnswer { items, stopped: None })
    }
}

impl sent::Guest for Healthy {
    fn find(_: sent::Sought) -> Result<sent::Finding, ProviderError> {
        Ok(sent::Finding::NotShown(Some(3600)))
    }
}

export!(Healthy);
