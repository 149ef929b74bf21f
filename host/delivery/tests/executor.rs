//! The executor over a real store: what is planned is armed, told and recorded, and nothing in any other order.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; the house around them fails the same way"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use postroom_delivery::{Executor, Failure, Lanes, Mark, Provider, Sent, Way, Worked};
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource};
use postroom_domain::contact::{ContactId, FieldPatch};
use postroom_domain::decision::{Newcomers, RemoteStatus};
use postroom_domain::email::EmailAddress;
use postroom_domain::intent::{Class, Delivery, IntentId, IntentKind, IntentState};
use postroom_domain::mapping::Mapping;
use postroom_domain::outcome::Reason;
use postroom_domain::projection::Base;
use postroom_egress::Seen;
use postroom_runtime::contract::{
    Act, ActAnswer, ActOutcome, ActResult, BatchAnswer, ContactWrite, Finding, Member, SendingTerms, Sought, TagChange,
    TagsAnswer, TemplateOutcome, TemplateSend,
};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::{AccountDraft, AccountStore as _, PluginSource};
use postroom_store::contacts::{ContactRef, ContactStore as _, ContactUpsert};
use postroom_store::intents::{
    Arming, Claim, Halt, Halted, Intent, IntentDraft, IntentQuery, IntentStore as _, Lane, MessageWant, Planned,
};
use postroom_store::lists::ListStore as _;
use postroom_store::runs::{BatchRecord, Confirmation, ConfirmedContent, RunStart, RunStore as _};
use postroom_store::syncs::{SyncDraft, SyncStore as _};
use tempfile::TempDir;

/// The moment at which everything begins.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// A provider that answers as it is told, and keeps what it was asked.
#[derive(Default)]
struct Scripted {
    /// What becomes of each act; done where nothing is said.
    outcome: Mutex<Option<ActOutcome>>,
    /// A failure of the next call.
    failure: Mutex<Option<Failure>>,
    told: Mutex<Vec<(String, Vec<String>)>>,
    /// What is seen of the next messages, and what the plugin says; taken where nothing is said.
    sends: Mutex<Vec<Sent>>,
    sent: Mutex<Vec<TemplateSend>>,
}

#[async_trait]
impl Provider for Scripted {
    fn max_batch(&self) -> usize {
        500
    }

    fn max_concurrency(&self) -> usize {
        2
    }

    fn has_tags(&self) -> bool {
        false
    }

    fn has_subscriptions(&self) -> bool {
        true
    }

    fn digest(&self) -> String {
        "sha256:test".to_owned()
    }

    async fn prepare(&self, _: &str) -> Result<Vec<u8>, Failure> {
        panic!("the executor pushes nothing")
    }

    async fn push(&self, _: &str, _: &Arc<[u8]>, _: Vec<ContactWrite>) -> Result<BatchAnswer, Failure> {
        panic!("the executor pushes nothing")
    }

    async fn prepare_tags(&self, _: &str, _: &[String], _: &[String]) -> Result<Vec<u8>, Failure> {
        panic!("the executor tags nothing")
    }

    async fn apply_tags(&self, _: &str, _: &Arc<[u8]>, _: Vec<TagChange>) -> Result<TagsAnswer, Failure> {
        panic!("the executor tags nothing")
    }

    fn sending_terms(&self) -> Option<SendingTerms> {
        Some(SendingTerms { not_processed: vec![503], key_life_s: None, extras: Vec::new() })
    }

    async fn send(&self, send: TemplateSend) -> Sent {
        self.sent.lock().unwrap().push(send);
        let taken =
            Sent { seen: Seen::Answered(202), outcome: Ok(Some(TemplateOutcome::Accepted(Some("m1".to_owned())))) };
        self.sends.lock().unwrap().pop().unwrap_or(taken)
    }

    fn shows_sent(&self) -> bool {
        false
    }

    async fn find_sent(&self, _: &Sought) -> Result<Finding, Failure> {
        panic!("nobody asks here what was sent")
    }

    async fn change(&self, audience: &str, act: Act, members: &[Member]) -> Result<ActAnswer, Failure> {
        assert_eq!(act, Act::Unsubscribe);
        let addresses = members.iter().map(|member| member.address.clone()).collect();
        self.told.lock().unwrap().push((audience.to_owned(), addresses));
        if let Some(failure) = self.failure.lock().unwrap().take() {
            return Err(failure);
        }
        let outcome = self.outcome.lock().unwrap().clone().unwrap_or(ActOutcome::Done);
        let answered = |member: &Member| ActResult { key: member.key, outcome: outcome.clone(), status: None };
        Ok(ActAnswer { items: members.iter().map(answered).collect(), stopped: None })
    }
}

/// A store that nobody copies.
struct Unmarked;

#[async_trait]
impl Mark for Unmarked {
    async fn renew(&self) -> postroom_store::Result<()> {
        Ok(())
    }
}

/// A store whose mark can't be renewed.
struct Unwritable;

#[async_trait]
impl Mark for Unwritable {
    async fn renew(&self) -> postroom_store::Result<()> {
        Err(postroom_store::StoreError::Failed { doing: "renew its mark", cause: "the disk is full".to_owned() })
    }
}

struct House {
    store: SqliteStore,
    account: i64,
    sync: i64,
    run: i64,
    _folder: TempDir,
}

impl House {
    /// A store with an account, an audience and a run that confirms members.
    async fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let store = SqliteStore::create(&folder.path().join("store"), "Test", at(0)).unwrap();
        let account = AccountDraft {
            name: "hotel".to_owned(),
            plugin: "any".to_owned(),
            plugin_source: PluginSource::Bundled,
            auth_method: "api-key".to_owned(),
            settings: BTreeMap::new(),
            origins: BTreeMap::new(),
            insecure_origin: false,
            remote_name: None,
            secrets: BTreeMap::new(),
        };
        let account = store.add_account(&account, at(0)).await.unwrap().id;
        store.create_list("Guests", at(0)).await.unwrap();
        let sync = SyncDraft {
            name: "guests".to_owned(),
            list: "Guests".to_owned(),
            account: "hotel".to_owned(),
            audience_remote_id: "a1".to_owned(),
            audience_name: "Guests there".to_owned(),
            pairs: Vec::new(),
            mapping: Mapping { targets: Vec::new() },
            newcomers: Newcomers::Skip,
            tag: None,
            tag_is_own: false,
            purpose: None,
            breaker_percent: 10,
        };
        let sync = store.add_sync(&sync, at(0)).await.unwrap().id;
        let start = RunStart { sync, first: None, plugin_digest: "sha256:test".to_owned(), unchanged: 0, at: at(1) };
        let run = store.begin_run(&start).await.unwrap();
        Self { store, account, sync, run, _folder: folder }
    }

    /// A contact that is subscribed at the provider.
    async fn member(&self, address: &str) -> ContactId {
        let address = EmailAddress::parse(address).unwrap();
        let (who, patch) = (None, FieldPatch { changes: Default::default() });
        let upsert = ContactUpsert { who, email: Some(address.clone()), external_id: None, patch, at: at(2) };
        let (contact, _) = self.store.upsert_contact(&upsert).await.unwrap();
        let confirmed = Confirmation {
            contact,
            remote_id: Some(format!("m{}", contact.0)),
            status: Some(RemoteStatus::Subscribed),
            content: Some(ConfirmedContent { address, hash: [7; 16], base: Base::new() }),
        };
        let record = BatchRecord { confirmed: vec![confirmed], ..BatchRecord::default() };
        self.store.record_batch(self.run, record).await.unwrap();
        contact
    }

    async fn says(&self, contact: ContactId, act: ConsentAct, second: i64) {
        let event = ConsentEvent::new(at(second), act, ConsentSource::Contact).shown_by("a form");
        self.store.record_consent(&ContactRef::Id(contact), &event).await.unwrap();
    }

    async fn lane(&self, owner: &str) -> Lane {
        self.store.take_over_lane(self.account, owner, at(5)).await.unwrap().lane
    }

    async fn work_off(&self, provider: &Scripted, lane: &Lane, second: i64) -> Worked {
        let (lanes, now) = (Lanes::default(), move || at(second));
        let way = Way { store: &self.store, lanes: &lanes, lane, mark: &Unmarked, now: &now };
        let executor = Executor { way, provider };
        executor.work_off(Class::Bulk).await.unwrap()
    }

    async fn intents(&self) -> Vec<Intent> {
        self.store.intents(&IntentQuery { limit: 100, ..IntentQuery::default() }).await.unwrap()
    }

    /// Plans a message.
    async fn plans(&self, key: &str, contact: ContactId) -> IntentId {
        let draft = IntentDraft {
            effect_key: key.to_owned(),
            account: self.account,
            contact: Some(contact),
            kind: IntentKind::TemplateSend,
            delivery: Delivery::AtMostOnce,
            class: Class::Automation,
            target: "welcome".to_owned(),
            list: None,
            purpose: None,
            want: serde_json::to_string(&MessageWant { fields: [("name".to_owned(), "Jana".to_owned())].into() })
                .unwrap(),
            based_on: 1,
            due_at: at(3),
            valid_until: Some(at(100_000)),
        };
        match self.store.plan_intents(&[draft], at(3)).await.unwrap()[0] {
            Planned::New(id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn state(&self, intent: IntentId) -> IntentState {
        self.store.intent(intent).await.unwrap().intent.state
    }

    /// The contacts that the audience is still to be told of.
    async fn departed(&self) -> usize {
        self.store.departed(self.sync, true, ContactId(0), 100).await.unwrap().rows.len()
    }
}

#[tokio::test]
async fn a_no_is_told_to_the_provider_and_confirmed() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Withdrawn, 10).await;
    assert_eq!(house.departed().await, 1, "a run would tell it too");
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    assert_eq!(house.work_off(&provider, &lane, 11).await, Worked { claimed: 1, answered: 1 });
    assert_eq!(*provider.told.lock().unwrap(), [("a1".to_owned(), vec!["jana@example.cz".to_owned()])]);
    let told = house.intents().await;
    assert_eq!((told.len(), told[0].state, told[0].want.clone()), (1, IntentState::Done, None));
    assert_eq!(house.work_off(&provider, &lane, 12).await, Worked::default(), "nothing is left to do");
}

#[tokio::test]
async fn an_opt_out_that_the_provider_refuses_is_told_again_and_shows_why() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Withdrawn, 10).await;
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    *provider.outcome.lock().unwrap() = Some(ActOutcome::Refused("not in this state".to_owned()));
    assert_eq!(house.work_off(&provider, &lane, 11).await.answered, 0);
    let waits = house.intents().await.remove(0);
    assert_eq!((waits.state, waits.attempts), (IntentState::Planned, 1));
    assert!(waits.reason.unwrap().message.contains("not in this state"));
    assert!(waits.due_at > at(11), "not at once");

    *provider.outcome.lock().unwrap() = None;
    let later = at(11).duration_until(waits.due_at).as_secs() + 12;
    assert_eq!(house.work_off(&provider, &lane, later).await.answered, 1);
    assert_eq!(house.intents().await[0].state, IntentState::Done);
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_is_not_called_before() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Withdrawn, 10).await;
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    let wait = Some(std::time::Duration::from_secs(3_600));
    *provider.failure.lock().unwrap() = Some(Failure::Later { wait, reason: Reason::new("rate-limited", "slow down") });
    house.work_off(&provider, &lane, 11).await;
    let waits = house.intents().await.remove(0);
    assert_eq!((waits.state, waits.due_at), (IntentState::Planned, at(11) + SignedDuration::from_hours(1)));
    let due = house.store.due_lanes(at(12)).await.unwrap();
    assert_eq!((due.accounts, due.next), (Vec::new(), Some(waits.due_at)));
}

#[tokio::test]
async fn an_opt_out_goes_out_of_a_ledger_that_is_held() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    let held = Halted { halt: Halt::Hold, why: "it is a copy".to_owned(), at: at(3) };
    house.store.halt_intents(&held).await.unwrap();
    house.says(jana, ConsentAct::Withdrawn, 10).await;
    assert_eq!(house.store.due_lanes(at(11)).await.unwrap().accounts, [house.account]);
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    assert_eq!(house.work_off(&provider, &lane, 11).await.answered, 1);
}

#[tokio::test]
async fn a_lane_that_was_taken_over_carries_nothing_out_any_more() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Withdrawn, 10).await;
    let provider = Scripted::default();
    let outdated = house.lane("one").await;
    let current = house.lane("two").await;
    let (lanes, now) = (Lanes::default(), || at(11));
    let way = Way { store: &house.store, lanes: &lanes, lane: &outdated, mark: &Unmarked, now: &now };
    let executor = Executor { way, provider: &provider };
    assert!(executor.work_off(Class::Bulk).await.unwrap_err().to_string().contains("taken over"));
    assert_eq!(provider.told.lock().unwrap().len(), 0);
    assert_eq!(house.work_off(&provider, &current, 11).await.answered, 1);
}

#[tokio::test]
async fn a_message_goes_once_to_the_address_of_now() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Granted, 3).await;
    let planned = house.plans("send:welcome:1", jana).await;
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    assert_eq!(house.work_off(&provider, &lane, 11).await, Worked { claimed: 1, answered: 1 });
    let sent = provider.sent.lock().unwrap().clone();
    assert_eq!((sent.len(), sent[0].template.as_str(), sent[0].effect_key.as_str()), (1, "welcome", "send:welcome:1"));
    assert_eq!(sent[0].recipients[0].address, "jana@example.cz");
    let done = house.store.intent(planned).await.unwrap().intent;
    assert_eq!((done.state, done.evidence.as_deref()), (IntentState::Done, Some("m1")));
}

#[tokio::test]
async fn invariant_4_a_message_without_an_answer_is_in_doubt_and_not_sent_again() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Granted, 3).await;
    let planned = house.plans("send:welcome:1", jana).await;
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    let retryable = Failure::Later { wait: None, reason: Reason::new("unavailable", "try again") };
    provider.sends.lock().unwrap().push(Sent { seen: Seen::NoAnswer, outcome: Err(retryable) });
    house.work_off(&provider, &lane, 11).await;
    assert_eq!(house.state(planned).await, IntentState::InDoubt, "whatever the plugin says about repeating");
    house.work_off(&provider, &lane, 90_000).await;
    assert_eq!(provider.sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_that_provably_was_not_sent_is_sent_later() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Granted, 3).await;
    let planned = house.plans("send:welcome:1", jana).await;
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    let failure = || Failure::Request(Reason::new("provider-error", "any"));
    provider.sends.lock().unwrap().extend([
        Sent { seen: Seen::Answered(503), outcome: Err(failure()) },
        Sent { seen: Seen::NeverWritten, outcome: Err(failure()) },
    ]);
    for second in [11, 20_000, 40_000] {
        house.work_off(&provider, &lane, second).await;
    }
    assert_eq!(house.state(planned).await, IntentState::Done);
    assert_eq!(provider.sent.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn invariant_2_who_says_no_before_the_arming_gets_no_message() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Granted, 3).await;
    let planned = house.plans("send:welcome:1", jana).await;
    house.says(jana, ConsentAct::Withdrawn, 4).await;
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    house.work_off(&provider, &lane, 11).await;
    assert_eq!(house.state(planned).await, IntentState::Cancelled);
    assert_eq!(provider.sent.lock().unwrap().len(), 0);
    assert_eq!(provider.told.lock().unwrap().len(), 1, "but the provider hears of the no");
}

#[tokio::test]
async fn invariant_4_what_was_armed_when_the_program_ended_is_in_doubt() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Granted, 3).await;
    let planned = house.plans("send:welcome:1", jana).await;
    let lane = house.lane("one").await;
    let claim = Claim { up_to: Class::Bulk, limit: 10 };
    house.store.claim_intents(&lane, claim, at(11)).await.unwrap();
    let arming = Arming { id: planned, key: None, request: None };
    house.store.arm_intents(&lane, &[arming], at(11)).await.unwrap()[0].unwrap();

    // The next process.
    let lane = house.lane("two").await;
    assert_eq!(house.state(planned).await, IntentState::InDoubt);
    let provider = Scripted::default();
    house.work_off(&provider, &lane, 12).await;
    assert_eq!(provider.sent.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn work_that_is_cut_short_says_what_it_had_taken_and_that_is_given_up() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Withdrawn, 10).await;
    let (provider, lane, lanes, now) = (Scripted::default(), house.lane("one").await, Lanes::default(), || at(11));
    let way = Way { store: &house.store, lanes: &lanes, lane: &lane, mark: &Unwritable, now: &now };
    let cut_short = Executor { way, provider: &provider }.work_off(Class::Bulk).await.unwrap_err();
    assert_eq!(provider.told.lock().unwrap().len(), 0, "nothing leaves without a mark");
    assert_eq!((cut_short.taken.len(), house.intents().await[0].state), (1, IntentState::Claimed));

    assert_eq!(house.store.give_up_intents(&lane, &cut_short.taken, at(12)).await.unwrap(), 1);
    assert_eq!(house.work_off(&provider, &lane, 13).await.answered, 1, "the lane is the same, and the opt-out is told");
    assert_eq!(house.store.give_up_intents(&lane, &cut_short.taken, at(14)).await.unwrap(), 0, "it has ended");
}

#[tokio::test]
async fn what_is_given_up_after_it_was_armed_is_in_doubt() {
    let house = House::open().await;
    let jana = house.member("jana@example.cz").await;
    house.says(jana, ConsentAct::Granted, 3).await;
    let planned = house.plans("send:welcome:1", jana).await;
    let lane = house.lane("one").await;
    house.store.claim_intents(&lane, Claim { up_to: Class::Bulk, limit: 10 }, at(11)).await.unwrap();
    house.store.arm_intents(&lane, &[Arming { id: planned, key: None, request: None }], at(11)).await.unwrap();
    house.store.give_up_intents(&lane, &[planned], at(12)).await.unwrap();
    assert_eq!(house.state(planned).await, IntentState::InDoubt);
}

#[tokio::test]
async fn an_opt_out_that_failed_twice_is_told_alone() {
    let house = House::open().await;
    for address in ["jana@example.cz", "petr@example.cz"] {
        let contact = house.member(address).await;
        house.says(contact, ConsentAct::Withdrawn, 10).await;
    }
    let (provider, lane) = (Scripted::default(), house.lane("one").await);
    for second in [11, 50_000] {
        *provider.failure.lock().unwrap() = Some(Failure::Request(Reason::new("provider-error", "one of them")));
        house.work_off(&provider, &lane, second).await;
    }
    house.work_off(&provider, &lane, 90_000).await;
    let calls: Vec<usize> = provider.told.lock().unwrap().iter().map(|(_, members)| members.len()).collect();
    assert_eq!(calls, [2, 2, 1, 1]);
}
