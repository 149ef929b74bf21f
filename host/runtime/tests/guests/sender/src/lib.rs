//! A plugin that sends messages: the one that talks to the simulator `messages`, in plain JSON.
//!
//! Its provider has one audience, writes contacts singly, and promises of the status 503 alone that
//! nothing was done. It knows no effect keys again, and shows every message that it took.

use postroom_sdk::http::{Call, Reply};
use postroom_sdk::prelude::*;
use postroom_sdk::{Sent, Templates, errors};
use serde_json::{Map, Value, json};

/// The label of its only origin.
const API: &str = "api";

struct Sender;

impl Provider for Sender {
    fn describe() -> Description {
        Description::new("sender", "Sender", "1.0.0")
            .vendor("The tests")
            .summary("Sends messages and keeps contacts.")
            .auth_method(AuthMethod::new("api-key", "API key", [Slot::bearer("api-key", "API key", API)]))
            .origin(Origin::fixed(API, "https://api.example.com", "Messages are sent there, and contacts kept."))
            .limits(Limits { max_batch: 100, max_concurrency: 4, requests_per_second: None })
    }

    fn check(job: &Job) -> Result<AccountInfo, ProviderError> {
        let account: Value = job.get(API, "/account").send()?.success()?.json()?;
        Ok(AccountInfo::new(account["name"].as_str().unwrap_or_default()))
    }
}

impl Contacts for Sender {
    fn push(job: &Job, _: &str, _: &[u8], writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        BatchAnswer::of_each(writes, |write| {
            let fields = write.fields.into_iter().map(|write| match write.change {
                FieldChange::Set(value) => (write.field, plain(value)),
                FieldChange::Clear => (write.field, Value::Null),
            });
            let body = json!({"address": write.address, "fields": fields.collect::<Map<String, Value>>()});
            job.put(API, "/contacts").json(&body).safe_to_repeat().send()?.success()?;
            Ok(ItemResult::new(write.key, ItemOutcome::Written).remote_id(Some(write.address)))
        })
    }
}

fn plain(value: FieldValue) -> Value {
    match value {
        FieldValue::Text(text) | FieldValue::Number(text) | FieldValue::Date(text) => text.into(),
        FieldValue::Boolean(yes) => yes.into(),
        FieldValue::Choices(chosen) => chosen.into(),
        FieldValue::Parts(parts) => {
            parts.into_iter().map(|(part, text)| (part, text.into())).collect::<Map<String, Value>>().into()
        }
    }
}

impl Audiences for Sender {
    fn list_audiences(_: &Job) -> Result<Vec<Audience>, ProviderError> {
        Ok(vec![Audience::new("everyone", "Everyone")])
    }
}

impl Fields for Sender {
    fn list_fields(_: &Job, _: &str) -> Result<Vec<RemoteField>, ProviderError> {
        Ok(vec![RemoteField::new("name", "Name", "text")])
    }
}

impl Subscriptions for Sender {
    fn change(job: &Job, _: &str, act: Act, members: Vec<Member>) -> Result<ActAnswer, ProviderError> {
        let mut items = Vec::new();
        for member in members {
            let outcome = if act == Act::Unsubscribe {
                let call = job.post(API, "/unsubscribes").json(&json!({"to": member.address}));
                match call.safe_to_repeat().send().and_then(Reply::success) {
                    Ok(_) => ActOutcome::Done,
                    Err(error) => return ActAnswer::concluded(items, Some(error)),
                }
            } else {
                ActOutcome::Refused("The provider knows opt-outs and nothing else.".into())
            };
            let status = (outcome == ActOutcome::Done).then_some(RemoteStatus::Unsubscribed);
            items.push(ActResult { key: member.key, outcome, status });
        }
        ActAnswer::concluded(items, None)
    }
}

impl Templates for Sender {
    fn terms() -> SendingTerms {
        SendingTerms::none().not_processed(&[503])
    }

    fn list_templates(job: &Job) -> Result<Vec<Template>, ProviderError> {
        let known: Value = job.get(API, "/templates").send()?.success()?.json()?;
        let known = known.as_array().ok_or_else(|| errors::other("templates", "That is no list.", false))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(known.iter().map(|template| Template::new(text(&template["id"]), text(&template["name"]))).collect())
    }

    fn send(job: &Job, send: TemplateSend) -> Result<TemplateAnswer, ProviderError> {
        TemplateAnswer::of_each(&send, |recipient| {
            let reply = message(job, &send, recipient).send()?;
            reply.sent(&Self::terms(), |reply| {
                let answer: Value = reply.json().ok()?;
                answer["id"].as_str().map(str::to_owned)
            })
        })
    }
}

fn message<'a>(job: &Job<'a>, send: &TemplateSend, recipient: &Recipient) -> Call<'a> {
    let fields: Map<String, Value> =
        recipient.fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    job.post(API, "/messages").json(&json!({
        "effect_key": send.effect_key,
        "template": send.template,
        "to": recipient.address,
        "fields": fields,
    }))
}

impl Sent for Sender {
    fn find(job: &Job, sought: &Sought) -> Result<Finding, ProviderError> {
        let taken: Value = job
            .get(API, "/messages")
            .query("effect_key", &sought.effect_key)
            .query("to", &sought.address)
            .send()?
            .success()?
            .json()?;
        let id = taken[0]["id"].as_str().map(str::to_owned);
        Ok(if id.is_some() { Finding::Shown(id) } else { Finding::NotShown(None) })
    }
}

export_provider!(Sender: subscriptions, audiences, fields, templates, sent);
