//! Puts terminal escapes, markup, marks that turn the direction of writing, and far too much of it
//! into every text of every answer.

use kit::{
    AccountInfo, ActAnswer, ActOutcome, ActResult, Audience, BatchAnswer, ConsentBlock, ConsentBlockUntil,
    ContactWrite, ErrorDetail, ItemOutcome, ItemResult, LeftOutField, Member, Plugin, ProviderError, Rejection,
    RejectionClass, RemoteField, RemoteStatus, RetryDetail, TagChange, TagOutcome, TagResult, TagsAnswer, Template,
    TemplateAnswer, TemplateOutcome, TemplateResult, TemplateSend, item, log,
};

/// What a browser, a terminal, a bidirectional reader, a spreadsheet and a careless reader fall for.
const LOUD: &str = "<script>alert(1)</script>\x1b[2J\x1b]0;t\x07\r\n=cmd|' /C calc'!A0\u{202e}\u{2066}\u{200f}\
                    \u{feff}\u{2028}\u{85}\u{200b}\u{2060}\u{e0041}";

fn loud() -> String {
    LOUD.repeat(400)
}

fn detail() -> ErrorDetail {
    ErrorDetail { code: loud(), message: loud() }
}

fn stopped() -> Option<ProviderError> {
    Some(ProviderError::RateLimited(RetryDetail { retry_after_ms: Some(1), detail: detail() }))
}

fn extras() -> Vec<(String, String)> {
    vec![(loud(), loud())]
}

fn status() -> Option<RemoteStatus> {
    Some(RemoteStatus::Other(loud()))
}

fn outcome(key: u64) -> ItemOutcome {
    match key {
        1 => ItemOutcome::Skipped(loud()),
        2 => ItemOutcome::Rejected(Rejection {
            class: RejectionClass::Other(loud()),
            field: Some(loud()),
            message: loud(),
        }),
        3 => ItemOutcome::ConsentBlocked(ConsentBlock { until: ConsentBlockUntil::Forever, message: loud() }),
        _ => ItemOutcome::Other(loud()),
    }
}

/// One item that is loud in every place, as far as one answer's allowance of bytes reaches.
fn loud_item(key: u64) -> ItemResult {
    ItemResult {
        outcome: outcome(key),
        status: status(),
        left_out: vec![LeftOutField { field: loud(), reason: loud() }],
        warnings: vec![loud()],
        extras: extras(),
        ..item(key)
    }
}

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        log::log(log::Level::Warn, &loud(), &extras());
        Ok(AccountInfo { name: loud(), facts: extras() })
    }

    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {
        Err(ProviderError::AuthLost(detail()))
    }

    fn push(audience: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        if audience == "id" || audience == "token" {
            let outcome = |key| match audience.as_str() {
                "id" => item(key).outcome,
                _ => ItemOutcome::Accepted("to\nken".into()),
            };
            let id = |_| (audience == "id").then(|| "m\u{202e}1".to_string());
            let of = |key| ItemResult { outcome: outcome(key), remote_id: id(key), ..item(key) };
            return Ok(BatchAnswer { items: writes.iter().map(|write| of(write.key)).collect(), stopped: None });
        }
        Ok(BatchAnswer { items: writes.iter().map(|write| loud_item(write.key)).collect(), stopped: stopped() })
    }

    fn apply(_: String, changes: Vec<TagChange>) -> Result<TagsAnswer, ProviderError> {
        let of = |change: &TagChange| TagResult {
            key: change.key,
            tag: change.add.first().cloned().unwrap_or_default(),
            outcome: TagOutcome::Refused(loud()),
            status: status(),
        };
        Ok(TagsAnswer { items: changes.iter().map(of).collect(), warnings: vec![loud()], stopped: stopped() })
    }

    fn change(_: String, members: Vec<Member>) -> Result<ActAnswer, ProviderError> {
        let of = |member: &Member| ActResult { key: member.key, outcome: ActOutcome::Failed(loud()), status: status() };
        Ok(ActAnswer { items: members.iter().map(of).collect(), stopped: stopped() })
    }

    fn list_audiences() -> Result<Vec<Audience>, ProviderError> {
        Ok(vec![Audience { id: "a1".into(), name: loud(), members: None, extras: extras() }])
    }

    fn list_templates() -> Result<Vec<Template>, ProviderError> {
        Ok(vec![Template { id: "t1".into(), name: loud(), extras: extras() }])
    }

    fn send(send: TemplateSend) -> Result<TemplateAnswer, ProviderError> {
        let outcome = |key| match (send.template.as_str(), key) {
            ("id", _) => TemplateOutcome::Accepted(Some("m\x1b[2J".into())),
            (_, 1) => TemplateOutcome::Refused(loud()),
            (_, 2) => TemplateOutcome::NotDone(loud()),
            _ => TemplateOutcome::Unclear(loud()),
        };
        let of = |key| TemplateResult { key, outcome: outcome(key) };
        let items = send.recipients.iter().map(|recipient| of(recipient.key)).collect();
        Ok(TemplateAnswer { items, stopped: stopped() })
    }

    fn list_fields(audience: String) -> Result<Vec<RemoteField>, ProviderError> {
        let field = RemoteField {
            name: "F".into(),
            label: loud(),
            kind: "choice".into(),
            required: false,
            choices: vec!["plain".into()],
            extras: extras(),
        };
        Ok(vec![match audience.as_str() {
            "name" => RemoteField { name: "F\x1b[2J".into(), ..field },
            "choice" => RemoteField { choices: vec!["one\x1b[2J\u{202e}".into()], ..field },
            _ => field,
        }])
    }
}

kit::plugin!(Guest);
