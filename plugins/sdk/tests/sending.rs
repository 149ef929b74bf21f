//! What a plugin makes of the answers to a message.

use postroom_sdk::errors;
use postroom_sdk::http::HttpError;
use postroom_sdk::prelude::*;
use postroom_sdk::testing::Script;
use serde_json::{Value, json};

fn terms() -> SendingTerms {
    SendingTerms::none().not_processed(&[503]).key_life_s(3600)
}

fn message_to(count: u64) -> TemplateSend {
    let recipients = (1..=count).map(|key| Recipient { key, address: format!("r{key}@b.cz"), fields: Vec::new() });
    TemplateSend {
        template: "welcome".to_owned(),
        effect_key: "send:1".to_owned(),
        recipients: recipients.collect(),
        extras: Vec::new(),
    }
}

fn send(job: &Job, send: &TemplateSend) -> Result<TemplateAnswer, ProviderError> {
    TemplateAnswer::of_each(send, |recipient| {
        let body = json!({"to": recipient.address, "key": send.effect_key});
        let reply = job.post("api", "/messages").json(&body).send()?;
        reply.sent(&terms(), |reply| reply.json::<Value>().ok()?.get("id")?.as_str().map(str::to_owned))
    })
}

#[test]
fn each_recipient_has_its_own_outcome_and_its_own_request() {
    let script = Script::new().answer(202, &json!({"id": "m1"})).answer(422, &json!({})).answer(503, &json!({}));
    let answer = send(&script.job(), &message_to(3)).unwrap();
    assert_eq!(script.lines(), ["POST /messages"; 3]);
    assert_eq!(script.body(0), json!({"to": "r1@b.cz", "key": "send:1"}));
    assert_eq!(script.safe_to_repeat(0), Some(false));
    let outcomes: Vec<_> = answer.items.iter().map(|item| (item.key, &item.outcome)).collect();
    let [(1, TemplateOutcome::Accepted(Some(id))), (2, TemplateOutcome::Refused(_)), (3, TemplateOutcome::NotDone(_))] =
        outcomes[..]
    else {
        panic!("{answer:?}")
    };
    assert_eq!(id, "m1");
}

#[test]
fn a_recipient_without_an_answer_is_left_to_the_host_and_nobody_follows() {
    let script = Script::new().answer(202, &json!({})).failure(HttpError::TimedOut);
    let answer = send(&script.job(), &message_to(3)).unwrap();
    assert_eq!(script.lines().len(), 2);
    assert_eq!(answer.items, [TemplateResult { key: 1, outcome: TemplateOutcome::Accepted(None) }]);
    assert!(matches!(answer.stopped, Some(ProviderError::Other(OtherError { retryable: false, .. }))));
}

#[test]
fn credentials_that_are_not_taken_are_nobodys_fault() {
    let script = Script::new().answer(401, &json!({}));
    assert!(matches!(send(&script.job(), &message_to(2)), Err(ProviderError::AuthLost(_))));
    assert_eq!(script.lines().len(), 1);
}

#[test]
fn a_status_means_what_the_terms_promise_and_is_unclear_without() {
    let of = |status| TemplateOutcome::of_status(status, &terms(), "Why.");
    assert!(matches!(of(503), TemplateOutcome::NotDone(_)));
    for refused in [400, 403, 404, 422] {
        assert!(matches!(of(refused), TemplateOutcome::Refused(_)), "{refused}");
    }
    for unclear in [302, 408, 409, 425, 429, 500, 502, 504] {
        assert!(matches!(of(unclear), TemplateOutcome::Unclear(_)), "{unclear}");
    }
    assert!(matches!(TemplateOutcome::of_status(503, &SendingTerms::none(), ""), TemplateOutcome::Unclear(_)));
}

#[test]
fn a_failure_before_the_first_conclusion_is_the_whole_calls() {
    let nothing = TemplateAnswer::concluded(Vec::new(), Some(errors::unavailable(None, "test", "Down.")));
    assert!(nothing.is_err());
}
