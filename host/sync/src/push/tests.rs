use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use postroom_delivery::{Gate, Passage, Passed, Provider, Sent};
use postroom_domain::consent::{ConsentState, Will};
use postroom_domain::contact::{ContactId, EntryId};
use postroom_domain::decision::{TagState, TagStep};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::Fields;
use postroom_domain::intent::IntentId;
use postroom_domain::mapping::Mapping;
use postroom_domain::projection::project;
use postroom_runtime::contract::{
    Act, ActAnswer, BatchAnswer, ErrorDetail, Finding, Member, ProviderError, RetryDetail, SendingTerms, Sought,
    TagChange, TagOutcome, TagResult, TagsAnswer, TemplateSend,
};
use postroom_store::runs::{BatchEnd, ContactSnapshot};

use super::*;
use crate::judge::Place;
use crate::offences::{OFFENDERS, Offences};

/// A provider that refuses batches with certain contacts in them, and keeps count.
#[derive(Default)]
pub(crate) struct Scripted {
    /// Contacts that make the whole request fail, each with its own sentence or all with one.
    pub(crate) poison: BTreeSet<u64>,
    pub(crate) alike: bool,
    /// Failures to answer with before anything else.
    pub(crate) first: Mutex<Vec<ProviderError>>,
    /// How many items are concluded before the plugin stops, the first time.
    pub(crate) stops_after: Mutex<Option<usize>>,
    pub(crate) calls: Mutex<Vec<Vec<u64>>>,
}

fn detail(message: &str) -> ErrorDetail {
    ErrorDetail { code: "test".into(), message: message.into() }
}

fn unavailable() -> ProviderError {
    ProviderError::Unavailable(RetryDetail { retry_after_ms: Some(0), detail: detail("busy") })
}

fn updated(key: u64) -> ItemResult {
    ItemResult {
        key,
        outcome: ItemOutcome::Updated,
        remote_id: None,
        status: None,
        left_out: Vec::new(),
        warnings: Vec::new(),
        extras: Vec::new(),
    }
}

impl Scripted {
    fn swallow(&self, keys: &[u64]) -> Result<(), Failure> {
        let Some(key) = keys.iter().find(|key| self.poison.contains(key)) else { return Ok(()) };
        let message = if self.alike { "bad schema".to_owned() } else { format!("contact {key} is poison") };
        Err(ProviderError::InvalidRequest(detail(&message)).into())
    }
}

#[async_trait]
impl Provider for Scripted {
    fn max_batch(&self) -> usize {
        500
    }

    fn max_concurrency(&self) -> usize {
        1
    }

    fn has_tags(&self) -> bool {
        false
    }

    fn has_subscriptions(&self) -> bool {
        false
    }

    fn digest(&self) -> String {
        "sha256:test".to_owned()
    }

    async fn prepare(&self, _: &str) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    async fn push(&self, _: &str, _: &Arc<[u8]>, writes: Vec<ContactWrite>) -> Result<BatchAnswer, Failure> {
        let keys: Vec<u64> = writes.iter().map(|write| write.key).collect();
        self.calls.lock().unwrap().push(keys.clone());
        if let Some(error) = self.first.lock().unwrap().pop() {
            return Err(error.into());
        }
        self.swallow(&keys)?;
        if let Some(after) = self.stops_after.lock().unwrap().take() {
            let items = keys.iter().take(after).map(|key| updated(*key)).collect();
            return Ok(BatchAnswer { items, stopped: Some(unavailable()) });
        }
        Ok(BatchAnswer { items: keys.into_iter().map(updated).collect(), stopped: None })
    }

    async fn prepare_tags(&self, _: &str, _: &[String], _: &[String]) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    async fn apply_tags(&self, _: &str, _: &Arc<[u8]>, changes: Vec<TagChange>) -> Result<TagsAnswer, Failure> {
        let keys: Vec<u64> = changes.iter().map(|change| change.key).collect();
        self.swallow(&keys)?;
        let applied = |key, tag| TagResult { key, tag, outcome: TagOutcome::Applied, status: None };
        let items =
            changes.into_iter().flat_map(|change| change.add.into_iter().map(move |tag| applied(change.key, tag)));
        Ok(TagsAnswer { items: items.collect(), warnings: Vec::new(), stopped: None })
    }

    fn sending_terms(&self) -> Option<SendingTerms> {
        None
    }

    async fn send(&self, _: TemplateSend) -> Sent {
        panic!("a run sends no messages")
    }

    fn shows_sent(&self) -> bool {
        false
    }

    async fn find_sent(&self, _: &Sought) -> Result<Finding, Failure> {
        panic!("nobody asks here what was sent")
    }

    async fn change(&self, _: &str, _: Act, _: &[Member]) -> Result<ActAnswer, Failure> {
        Ok(ActAnswer { items: Vec::new(), stopped: None })
    }
}

/// A gate that lets through whom it is not told to leave, and keeps count.
#[derive(Default)]
pub(crate) struct OpenGate {
    pub(crate) left: Vec<(ContactId, Reason)>,
    pub(crate) halted: Option<Reason>,
    pub(crate) armed: Mutex<Vec<BatchIntent>>,
}

#[async_trait]
impl Gate for OpenGate {
    async fn pass(&self, batch: BatchIntent) -> postroom_store::Result<Passage> {
        if let Some(reason) = &self.halted {
            return Ok(Passage::Halted(reason.clone()));
        }
        let mut armed = self.armed.lock().unwrap();
        armed.push(batch);
        let intent = Some(IntentId(i64::try_from(armed.len()).unwrap()));
        Ok(Passage::Open(Passed { intent, left: self.left.clone(), turn: None }))
    }
}

async fn pushed(provider: &Scripted, batch: Vec<Sending>) -> Pushed {
    pushed_with(provider, &OpenGate::default(), &Offences::default(), batch).await
}

async fn pushed_with(provider: &Scripted, gate: &OpenGate, offences: &Offences, batch: Vec<Sending>) -> Pushed {
    push(Post { provider, gate, audience: "a", prepared: &Arc::default(), offences }, batch).await.unwrap()
}

/// New contacts that are to be made as subscribed.
pub(crate) fn batch(size: i64) -> Vec<Sending> {
    (1..=size)
        .map(|number| {
            let address = EmailAddress::parse(&format!("guest{number}@example.com")).unwrap();
            let projection = project(&address, &Fields::new(), &Mapping::default(), None);
            Sending {
                place: Place { entry: EntryId(number), position: number.unsigned_abs() },
                contact: ContactSnapshot {
                    contact: ContactId(number),
                    address,
                    fields: Fields::new(),
                    consent: ConsentState::Granted,
                    list_will: Will::Unknown,
                    purpose_will: Will::Unknown,
                    confirmed: None,
                    memory: None,
                    tag: TagState::default(),
                    fingerprint: [0; 16],
                },
                projection,
                kind: PushKind::Create,
                on_create: OnCreate::Subscribed,
                tag: TagStep::Keep,
                attempt: [0; 16],
                as_of: 1,
            }
        })
        .collect()
}

fn refused(pushed: &Pushed) -> BTreeSet<u64> {
    let refused = pushed.verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Poison(_)));
    refused.map(|(sending, _)| convert::key(sending.contact.contact)).collect()
}

fn taken(pushed: &Pushed) -> usize {
    pushed.verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Taken { .. })).count()
}

#[tokio::test]
async fn one_bad_contact_is_found_and_the_others_go() {
    let provider = Scripted { poison: [7, 400].into(), ..Scripted::default() };
    let pushed = pushed(&provider, batch(500)).await;
    assert_eq!(refused(&pushed), [7, 400].into());
    assert_eq!((taken(&pushed), pushed.verdicts.len()), (498, 500));
    assert!(pushed.stop.is_none());
}

#[tokio::test]
async fn eight_contacts_that_fail_alike_blame_the_request() {
    let provider = Scripted { poison: (1..=500).collect(), alike: true, ..Scripted::default() };
    let pushed = pushed(&provider, batch(500)).await;
    assert_eq!(refused(&pushed).len(), 0, "nobody is remembered for the request's fault");
    let failed = pushed.verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Failed(_))).count();
    assert_eq!(failed, OFFENDERS);
    assert_eq!(pushed.verdicts.len(), 500, "every contact has a verdict");
    assert_eq!(pushed.stop.unwrap().reason().code, "request-refused");
    assert!(provider.calls.lock().unwrap().len() < 60);
}

#[tokio::test]
async fn contacts_of_small_batches_that_fail_alike_blame_the_request_too() {
    let provider = Scripted { poison: (1..=20).collect(), alike: true, ..Scripted::default() };
    let offences = Offences::default();
    let mut stops = Vec::new();
    for sending in batch(20) {
        stops.push(pushed_with(&provider, &OpenGate::default(), &offences, vec![sending]).await.stop.is_some());
    }
    assert_eq!(stops.iter().position(|stopped| *stopped), Some(OFFENDERS - 1));

    // One that goes in between clears the others of suspicion.
    let provider =
        Scripted { poison: (1..=20).filter(|key| key % 4 != 0).collect(), alike: true, ..Scripted::default() };
    let offences = Offences::default();
    for sending in batch(20) {
        assert!(pushed_with(&provider, &OpenGate::default(), &offences, vec![sending]).await.stop.is_none());
    }
}

#[tokio::test]
async fn nine_bad_contacts_with_faults_of_their_own_stop_nothing() {
    let provider = Scripted { poison: (1..=9).collect(), ..Scripted::default() };
    let pushed = pushed(&provider, batch(100)).await;
    assert_eq!((refused(&pushed).len(), taken(&pushed)), (9, 91));
    assert!(pushed.stop.is_none());
}

#[tokio::test]
async fn what_was_concluded_before_a_stop_is_not_sent_again() {
    let provider = Scripted { stops_after: Mutex::new(Some(3)), ..Scripted::default() };
    let pushed = pushed(&provider, batch(5)).await;
    assert_eq!(taken(&pushed), 5);
    assert_eq!(*provider.calls.lock().unwrap(), [vec![1, 2, 3, 4, 5], vec![4, 5]]);
}

#[tokio::test]
async fn lost_credentials_stop_the_run_and_leave_the_rest_open() {
    let error = ProviderError::AuthLost(detail("API Key Invalid"));
    let provider = Scripted { first: Mutex::new(vec![error]), ..Scripted::default() };
    let pushed = pushed(&provider, batch(3)).await;
    assert_eq!(pushed.stop.as_ref().unwrap().reason().code, "auth-lost");
    assert!(pushed.verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Open(_))));
}

#[tokio::test]
async fn a_provider_in_trouble_is_asked_a_few_times_and_then_left_alone() {
    let errors = vec![unavailable(), unavailable(), unavailable()];
    let patient = Scripted { first: Mutex::new(errors.clone()), ..Scripted::default() };
    assert_eq!(taken(&pushed(&patient, batch(2)).await), 2);
    let hopeless = Scripted { first: Mutex::new([errors, vec![unavailable()]].concat()), ..Scripted::default() };
    let pushed = pushed(&hopeless, batch(2)).await;
    assert_eq!(pushed.stop.unwrap().reason().code, "unavailable");
}

#[tokio::test]
async fn what_leaves_is_armed_before_each_try_and_has_an_end() {
    let provider = Scripted { first: Mutex::new(vec![unavailable()]), ..Scripted::default() };
    let gate = OpenGate::default();
    let pushed = pushed_with(&provider, &gate, &Offences::default(), batch(2)).await;
    let armed = gate.armed.lock().unwrap();
    assert_eq!(armed.len(), 2, "one for each call");
    assert!(armed.iter().all(|batch| batch.kind == IntentKind::Push && batch.contacts == [ContactId(1), ContactId(2)]));
    assert_eq!(armed[0].members.len(), 2, "both may come to be");
    assert_eq!(pushed.ends, [(IntentId(1), BatchEnd::Unanswered), (IntentId(2), BatchEnd::Answered)]);
}

#[tokio::test]
async fn who_changed_since_is_left_for_the_next_run() {
    let moved = Reason::new("moved", "it changed");
    let gate = OpenGate { left: vec![(ContactId(2), moved.clone())], ..OpenGate::default() };
    let provider = Scripted::default();
    let pushed = pushed_with(&provider, &gate, &Offences::default(), batch(3)).await;
    assert_eq!(*provider.calls.lock().unwrap(), [vec![1, 3]]);
    let left = pushed.verdicts.iter().find(|(sending, _)| sending.contact.contact == ContactId(2)).unwrap();
    assert!(matches!(&left.1, Verdict::Open(reason) if *reason == moved));
    assert!(pushed.stop.is_none());
}

#[tokio::test]
async fn nothing_leaves_a_held_account_and_opt_outs_may_go_on() {
    let gate = OpenGate { halted: Some(Reason::new("hold", "a copy")), ..OpenGate::default() };
    let provider = Scripted::default();
    let pushed = pushed_with(&provider, &gate, &Offences::default(), batch(3)).await;
    assert_eq!(*provider.calls.lock().unwrap(), Vec::<Vec<u64>>::new());
    assert!(matches!(pushed.stop, Some(Stop::AllButOptOuts(_))));
    assert_eq!(pushed.verdicts.len(), 3);
}
