//! Answers for contacts that it was not given, twice for one, and not at all.

use kit::{
    ActAnswer, ActOutcome, ActResult, BatchAnswer, ContactWrite, Member, Plugin, ProviderError, TagChange, TagOutcome,
    TagResult, TagsAnswer, TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend, accepted, created, item,
};

const STRANGER: u64 = 999;

struct Guest;

impl Plugin for Guest {
    fn push(audience: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        let mut answer = created(&writes);
        match audience.as_str() {
            "unknown" => answer.items.push(item(STRANGER)),
            "twice" => answer.items.extend(writes.first().map(|write| item(write.key))),
            "missing" => drop(answer.items.pop()),
            _ => answer.items.reverse(),
        }
        Ok(answer)
    }

    fn apply(audience: String, changes: Vec<TagChange>) -> Result<TagsAnswer, ProviderError> {
        let of = |key, tag: &str| TagResult { key, tag: tag.into(), outcome: TagOutcome::Applied, status: None };
        let known = changes.first().map_or(0, |change| change.key);
        let tag = changes.first().and_then(|change| change.add.first()).cloned().unwrap_or_default();
        let items = match audience.as_str() {
            "unknown" => vec![of(STRANGER, &tag)],
            "unknown-tag" => vec![of(known, "administrators")],
            "twice" => vec![of(known, &tag), of(known, &tag)],
            _ => vec![],
        };
        Ok(TagsAnswer { items, warnings: vec![], stopped: None })
    }

    fn change(audience: String, members: Vec<Member>) -> Result<ActAnswer, ProviderError> {
        let of = |key| ActResult { key, outcome: ActOutcome::Done, status: None };
        let known = members.first().map_or(0, |member| member.key);
        let items = match audience.as_str() {
            "unknown" => vec![of(STRANGER)],
            "twice" => vec![of(known), of(known)],
            _ => vec![],
        };
        Ok(ActAnswer { items, stopped: None })
    }

    fn send(send: TemplateSend) -> Result<TemplateAnswer, ProviderError> {
        let mut answer = accepted(&send);
        let of = |key| TemplateResult { key, outcome: TemplateOutcome::Accepted(None) };
        match send.template.as_str() {
            "unknown" => answer.items.push(of(STRANGER)),
            "twice" => answer.items.extend(send.recipients.first().map(|recipient| of(recipient.key))),
            _ => drop(answer.items.pop()),
        }
        Ok(answer)
    }
}

kit::plugin!(Guest);
