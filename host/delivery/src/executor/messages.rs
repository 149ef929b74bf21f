//! Messages from templates: sent once, and never again on a guess (invariant 4).

use jiff::{SignedDuration, Timestamp};
use postroom_domain::intent::IntentId;
use postroom_domain::intent::wire::{Meaning, Observation, Opinion};
use postroom_domain::outcome::Reason;
use postroom_domain::projection::ContentHash;
use postroom_egress::Seen;
use postroom_runtime::contract::{Recipient, SendingTerms, TemplateOutcome, TemplateSend};
use postroom_store::Result;
use postroom_store::contacts::ContactRef;
use postroom_store::intents::{Answer, Arming, ClaimedIntent, Intent, MessageWant, ProviderKey};

use super::{Executor, answer, key};
use crate::failure::Failure;
use crate::fault_points;

/// When an account is tried again that the provider does not let in: nothing is wrong with its messages.
const LOCKED_OUT: SignedDuration = SignedDuration::from_mins(1);

/// A message that was handed to a plugin: what the host saw on the wire, and what the plugin made of it.
#[derive(Debug, Clone)]
pub struct Sent {
    /// What became of the request.
    pub seen: Seen,
    /// What the plugin says of the recipient; none where it says nothing.
    pub outcome: std::result::Result<Option<TemplateOutcome>, Failure>,
}

impl Executor<'_> {
    /// Sends one message; answers whether the provider took it.
    pub(super) async fn send(&self, intent: ClaimedIntent, want: MessageWant) -> Result<bool> {
        let contact = match intent.contact {
            Some(contact) => self.way.store.contact(&ContactRef::Id(contact)).await?,
            None => None,
        };
        // Who has gone has no address; arming says so.
        let address = contact.map(|detail| detail.contact.email.as_str().to_owned()).unwrap_or_default();
        let send = message((intent.id, &intent.target, &intent.effect_key), address, want);
        let terms = self.provider.sending_terms();
        let turn = self.way.turn(intent.class, self.provider.max_concurrency()).await?;
        let arming = Arming { id: intent.id, key: provider_key(&intent, terms.as_ref()), request: Some(hash(&send)) };
        let armed = self.way.store.arm_intents(self.way.lane, &[arming], (self.way.now)()).await?;
        if let Some(Err(refusal)) = armed.first() {
            tracing::info!(intent = intent.id.0, refusal = refusal.as_str(), "not armed");
            return Ok(false);
        }
        fault_points::reached("armed");
        let sent = self.provider.send(send).await;
        fault_points::reached("answered");
        drop(turn);
        let now = (self.way.now)();
        let answer = judged(intent.id, &sent, terms.as_ref(), now);
        let is_taken = answer.meaning == Meaning::Accepted;
        self.way.store.record_answers(self.way.lane, &[answer], now).await?;
        fault_points::reached("recorded");
        Ok(is_taken)
    }
}

/// Whether a message to this address would be the very request that its intent was last armed for.
#[must_use]
pub fn is_as_armed(intent: &Intent, address: &str) -> bool {
    let want = intent.want.as_deref().and_then(|want| serde_json::from_str(want).ok());
    let of = (intent.id, intent.target.as_str(), intent.effect_key.as_str());
    want.is_some_and(|want| intent.request == Some(hash(&message(of, address.to_owned(), want))))
}

/// The message of an intent, by its number, its template and its effect key.
fn message((id, template, effect_key): (IntentId, &str, &str), address: String, want: MessageWant) -> TemplateSend {
    TemplateSend {
        template: template.to_owned(),
        effect_key: effect_key.to_owned(),
        recipients: vec![Recipient { key: key(id), address, fields: want.fields.into_iter().collect() }],
        extras: Vec::new(),
    }
}

/// The key by which the provider will know the request; one that it may know already stays the same.
fn provider_key(intent: &ClaimedIntent, terms: Option<&SendingTerms>) -> Option<ProviderKey> {
    let life = i64::try_from(terms?.key_life_s?).ok()?;
    let key = intent.provider_key.clone().unwrap_or_else(|| intent.effect_key.clone());
    Some(ProviderKey { key, life: SignedDuration::from_secs(life) })
}

/// A hash of a message, to tell whether a repetition is the very same.
fn hash(send: &TemplateSend) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&text.len().to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(&send.template);
    part(&send.effect_key);
    for recipient in &send.recipients {
        part(&recipient.address);
        for (name, value) in &recipient.fields {
            part(name);
            part(value);
        }
    }
    let mut hash = ContentHash::default();
    hasher.finalize_xof().fill(&mut hash);
    hash
}

/// What became of a message: what was seen, moved towards caution only by what the plugin says.
fn judged(id: IntentId, sent: &Sent, terms: Option<&SendingTerms>, now: Timestamp) -> Answer {
    let observation = match sent.seen {
        Seen::NoRequest | Seen::NeverWritten => Observation::NeverWritten,
        Seen::Answered(status) => Observation::Answered(status),
        Seen::NoAnswer => Observation::NoAnswer,
        Seen::Killed => Observation::Killed,
    };
    let is_declared = |status| terms.is_some_and(|terms| terms.is_not_processed(status));
    let seen = observation.meaning(matches!(observation, Observation::Answered(status) if is_declared(status)));
    let said = |code: &str, why: &str| Some(Reason::new(code, why));
    let (meaning, reason, evidence) = match &sent.outcome {
        Ok(Some(TemplateOutcome::Accepted(message))) => (seen.moved_by(Opinion::Accepted), None, message.clone()),
        Ok(Some(TemplateOutcome::Refused(why))) => (seen.moved_by(Opinion::Refused), said("refused", why), None),
        Ok(Some(TemplateOutcome::NotDone(why))) => (seen.moved_by(Opinion::NotDone), said("not-done", why), None),
        Ok(Some(TemplateOutcome::Unclear(why))) => (seen.moved_by(Opinion::Unclear), said("unclear", why), None),
        Ok(None) => {
            let why = "the plugin gave no answer for this message";
            (seen.moved_by(Opinion::Unclear), said("no-answer", why), None)
        }
        // It knows of nobody: what was seen stands alone.
        Err(failure) => (seen, Some(failure.reason().clone()), None),
    };
    let wait = match &sent.outcome {
        Err(Failure::Later { wait: Some(wait), .. }) => SignedDuration::try_from(*wait).ok(),
        Err(Failure::Account(_)) => Some(LOCKED_OUT),
        Ok(_) | Err(_) => None,
    };
    let not_before = wait.and_then(|wait| now.checked_add(wait).ok());
    let reason = reason.filter(|_| meaning != Meaning::Accepted);
    Answer { reason, evidence, not_before, ..answer(id, meaning) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn terms() -> SendingTerms {
        SendingTerms { not_processed: vec![429, 503], key_life_s: None, extras: Vec::new() }
    }

    fn meaning(seen: Seen, outcome: std::result::Result<Option<TemplateOutcome>, Failure>) -> Meaning {
        judged(IntentId(1), &Sent { seen, outcome }, Some(&terms()), NOW).meaning
    }

    fn accepted() -> std::result::Result<Option<TemplateOutcome>, Failure> {
        Ok(Some(TemplateOutcome::Accepted(None)))
    }

    fn failed(failure: fn(Reason) -> Failure) -> std::result::Result<Option<TemplateOutcome>, Failure> {
        Err(failure(Reason::new("any", "any")))
    }

    #[test]
    fn a_plugin_moves_what_was_seen_towards_caution_only() {
        let refused = || Ok(Some(TemplateOutcome::Refused("no".to_owned())));
        let not_done = || Ok(Some(TemplateOutcome::NotDone("later".to_owned())));
        assert_eq!(meaning(Seen::Answered(200), accepted()), Meaning::Accepted);
        assert_eq!(meaning(Seen::Answered(200), not_done()), Meaning::Unclear { counts: true }, "one of them is wrong");
        assert_eq!(meaning(Seen::NoAnswer, accepted()), Meaning::Unclear { counts: true });
        assert_eq!(meaning(Seen::NoAnswer, not_done()), Meaning::Unclear { counts: true });
        assert_eq!(meaning(Seen::Killed, failed(Failure::Request)), Meaning::Unclear { counts: true });
        assert_eq!(meaning(Seen::NoRequest, refused()), Meaning::Refused, "it did not even ask");
        assert_eq!(meaning(Seen::NeverWritten, failed(Failure::Request)), Meaning::NotDone { counts: true });
        assert_eq!(meaning(Seen::Answered(200), Ok(None)), Meaning::Unclear { counts: true });
    }

    #[test]
    fn only_a_declared_status_says_that_nothing_was_done() {
        assert_eq!(meaning(Seen::Answered(503), failed(Failure::Request)), Meaning::NotDone { counts: true });
        assert_eq!(meaning(Seen::Answered(500), failed(Failure::Request)), Meaning::Unclear { counts: true });
        assert_eq!(meaning(Seen::Answered(429), failed(Failure::Request)), Meaning::NotDone { counts: false });
        assert_eq!(meaning(Seen::Answered(400), failed(Failure::Request)), Meaning::Refused);
    }

    #[test]
    fn a_provider_that_asks_to_wait_is_left_alone_so_long() {
        let failure = Failure::Later { wait: Some(Duration::from_secs(90)), reason: Reason::new("any", "any") };
        let sent = Sent { seen: Seen::Answered(429), outcome: Err(failure) };
        let answer = judged(IntentId(1), &sent, Some(&terms()), NOW);
        assert_eq!(answer.not_before, Some(Timestamp::from_second(90).unwrap()));
    }

    #[test]
    fn what_the_provider_took_bears_its_number() {
        let sent =
            Sent { seen: Seen::Answered(202), outcome: Ok(Some(TemplateOutcome::Accepted(Some("m7".to_owned())))) };
        let answer = judged(IntentId(1), &sent, Some(&terms()), NOW);
        assert_eq!((answer.meaning, answer.evidence.as_deref()), (Meaning::Accepted, Some("m7")));
    }

    #[test]
    fn the_hash_tells_every_part_of_a_message() {
        let send = |template: &str, address: &str, value: &str| TemplateSend {
            template: template.to_owned(),
            effect_key: "send:1".to_owned(),
            recipients: vec![Recipient {
                key: 1,
                address: address.to_owned(),
                fields: vec![("name".to_owned(), value.to_owned())],
            }],
            extras: Vec::new(),
        };
        let one = hash(&send("a", "b", "c"));
        assert_eq!(one, hash(&send("a", "b", "c")));
        for other in [send("x", "b", "c"), send("a", "x", "c"), send("a", "b", "x"), send("a", "bc", "")] {
            assert_ne!(one, hash(&other));
        }
    }

    #[test]
    fn what_can_not_be_told_is_never_sent_again_by_itself() {
        use postroom_domain::intent::{Class, Delivery, IntentEvent, IntentKind};
        for seen in [Seen::NoAnswer, Seen::Killed, Seen::Answered(500), Seen::Answered(302)] {
            let event = meaning(seen, failed(Failure::Request)).event(
                IntentKind::TemplateSend,
                Class::Automation,
                Delivery::AtMostOnce,
                1,
            );
            assert_eq!(event, IntentEvent::Unclear, "{seen:?}");
        }
    }
}
