use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use postroom_delivery::{Executor, Failure, Lanes, Mark, Sent, Way};
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource};
use postroom_domain::contact::{ContactId, FieldPatch};
use postroom_domain::email::EmailAddress;
use postroom_domain::intent::{Class, Delivery};
use postroom_egress::Seen;
use postroom_runtime::Compiler;
use postroom_runtime::contract::{
    Act, ActAnswer, BatchAnswer, ContactWrite, Member, SendingTerms, TagChange, TagsAnswer, TemplateSend,
};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::{AccountDraft, PluginSource};
use postroom_store::clock::{Clock as _, ManualClock};
use postroom_store::contacts::ContactUpsert;
use postroom_store::intents::{IntentDraft, Lane, MessageWant, Planned};
use tempfile::TempDir;

use super::*;
use crate::Setup;

/// How late the provider shows what it took.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// A provider that loses every message on the wire, and shows what it is told to.
struct Silent(Mutex<Vec<Finding>>, Mutex<Vec<Sought>>);

impl Silent {
    /// Shows this at last, and this before it.
    fn shows(findings: impl IntoIterator<Item = Finding>) -> Self {
        Self(Mutex::new(findings.into_iter().collect()), Mutex::default())
    }

    fn asked(&self) -> usize {
        self.1.lock().unwrap().len()
    }
}

fn not_shown() -> Finding {
    Finding::NotShown(Some(LATE.unsigned_abs().as_secs()))
}

#[async_trait]
impl Provider for Silent {
    fn max_batch(&self) -> usize {
        1
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

    async fn prepare(&self, _: &str) -> std::result::Result<Vec<u8>, Failure> {
        panic!("messages only")
    }

    async fn push(&self, _: &str, _: &Arc<[u8]>, _: Vec<ContactWrite>) -> std::result::Result<BatchAnswer, Failure> {
        panic!("messages only")
    }

    async fn prepare_tags(&self, _: &str, _: &[String], _: &[String]) -> std::result::Result<Vec<u8>, Failure> {
        panic!("messages only")
    }

    async fn apply_tags(&self, _: &str, _: &Arc<[u8]>, _: Vec<TagChange>) -> std::result::Result<TagsAnswer, Failure> {
        panic!("messages only")
    }

    fn sending_terms(&self) -> Option<SendingTerms> {
        None
    }

    async fn send(&self, _: TemplateSend) -> Sent {
        Sent { seen: Seen::NoAnswer, outcome: Ok(None) }
    }

    fn shows_sent(&self) -> bool {
        true
    }

    async fn find_sent(&self, sought: &Sought) -> std::result::Result<Finding, Failure> {
        self.1.lock().unwrap().push(sought.clone());
        let mut findings = self.0.lock().unwrap();
        let last = findings.len() == 1;
        Ok(if last { findings[0].clone() } else { findings.remove(0) })
    }

    async fn change(&self, _: &str, _: Act, _: &[Member]) -> std::result::Result<ActAnswer, Failure> {
        panic!("messages only")
    }
}

struct Unmarked;

#[async_trait]
impl Mark for Unmarked {
    async fn renew(&self) -> postroom_store::Result<()> {
        Ok(())
    }
}

/// A service with one message in doubt.
struct House {
    service: Arc<Service>,
    clock: Arc<ManualClock>,
    tracker: TaskTracker,
    account: i64,
    contact: ContactId,
    intent: IntentId,
    _folder: TempDir,
}

impl House {
    async fn in_doubt(provider: &Silent) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000)));
        let store = SqliteStore::create(&folder.path().join("store"), "Test", clock.now()).unwrap();
        let service = Arc::new(Service::new(Setup {
            store: Arc::new(store),
            bundled: Vec::new(),
            compiler: Compiler::InProcess,
            compile_cache: None,
            clock: clock.clone(),
        }));
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
        let account = service.store().add_account(&account, clock.now()).await.unwrap().id;
        let contact = upserted(&service, None, "jana@example.cz").await;
        let yes = ConsentEvent::new(clock.now(), ConsentAct::Granted, ConsentSource::Contact).shown_by("a form");
        service.store().record_consent(&ContactRef::Id(contact), &yes).await.unwrap();
        let want = MessageWant { fields: [("name".to_owned(), "Jana".to_owned())].into() };
        let draft = IntentDraft {
            effect_key: "send:1".to_owned(),
            account,
            contact: Some(contact),
            kind: IntentKind::TemplateSend,
            delivery: Delivery::AtMostOnce,
            class: Class::Automation,
            target: "welcome".to_owned(),
            list: None,
            purpose: None,
            want: serde_json::to_string(&want).unwrap(),
            based_on: 1,
            due_at: clock.now(),
            valid_until: Some(clock.now() + SignedDuration::from_hours(100)),
        };
        let planned = service.store().plan_intents(&[draft], clock.now()).await.unwrap();
        let Some(Planned::New(intent)) = planned.first() else { panic!("{planned:?}") };
        let house =
            Self { intent: *intent, service, clock, tracker: TaskTracker::new(), account, contact, _folder: folder };
        house.work_off(provider).await;
        assert_eq!(house.state().await, IntentState::InDoubt);
        house
    }

    /// Sends what is planned, as the daemon does.
    async fn work_off(&self, provider: &Silent) {
        let lane: Lane = self.service.lane(self.account).await.unwrap();
        let (lanes, now) = (Lanes::default(), || self.clock.now());
        let way = Way { store: self.service.store(), lanes: &lanes, lane: &lane, mark: &Unmarked, now: &now };
        Executor { way, provider }.work_off(Class::Bulk).await.unwrap();
    }

    async fn ask(&self, provider: &Silent) {
        let since = self.service.intent(self.intent).await.unwrap().listed.intent.doubt_since.unwrap();
        assert!(self.service.ask_about(self.intent, since, provider).await.unwrap());
    }

    /// Looks after the doubts, as the daemon does every minute.
    async fn look(&self) -> IntentState {
        self.service.resolve_doubts(self.clock.now(), &self.tracker).await.unwrap();
        self.state().await
    }

    async fn is_to_be_asked(&self) -> bool {
        let since = self.service.intent(self.intent).await.unwrap().listed.intent.doubt_since.unwrap();
        self.service.delivery.looks.known(self.intent, since).1
    }

    /// Moves the machine's clock, which no rule goes by.
    fn pass(&self, time: SignedDuration) {
        self.service.delivery.looks.state().ahead += time.unsigned_abs();
    }

    async fn state(&self) -> IntentState {
        self.service.intent(self.intent).await.unwrap().listed.intent.state
    }
}

async fn upserted(service: &Service, who: Option<ContactId>, address: &str) -> ContactId {
    let patch = FieldPatch { changes: Default::default() };
    let who = who.map(ContactRef::Id);
    let email = Some(EmailAddress::parse(address).unwrap());
    let upsert = ContactUpsert { who, email, external_id: None, patch, at: service.now() };
    service.store().upsert_contact(&upsert).await.unwrap().0
}

#[tokio::test]
async fn what_the_provider_shows_was_sent() {
    let provider = Silent::shows([Finding::Shown(Some("m-7".to_owned()))]);
    let house = House::in_doubt(&provider).await;
    house.ask(&provider).await;
    assert_eq!(house.state().await, IntentState::Done);
    let shown = house.service.intent(house.intent).await.unwrap();
    assert_eq!(shown.listed.intent.evidence.as_deref(), Some("the provider shows it: m-7"));
    assert_eq!(provider.1.lock().unwrap()[0].address, "jana@example.cz");
}

#[tokio::test]
async fn silence_counts_only_if_it_is_still_heard_when_the_time_is_over_by_both_clocks() {
    let provider = Silent::shows([not_shown()]);
    let house = House::in_doubt(&provider).await;
    // The clock leaps: by the rules the time is over at the first ask.
    house.clock.advance(SignedDuration::from_hours(4));
    house.ask(&provider).await;
    assert_eq!(house.look().await, IntentState::InDoubt, "the request may be under way still");
    house.pass(LATE);
    assert_eq!(house.look().await, IntentState::InDoubt, "what was heard before is not believed now");
    assert!(house.is_to_be_asked().await);
    house.ask(&provider).await;
    assert!(!house.is_to_be_asked().await);
    assert_eq!(house.look().await, IntentState::Planned);
    assert_eq!(provider.asked(), 2);
    // In doubt again, it begins anew.
    house.clock.advance(SignedDuration::from_hours(1));
    house.work_off(&provider).await;
    assert_eq!(house.look().await, IntentState::InDoubt);
}

#[tokio::test]
async fn what_shows_up_late_is_not_sent_again() {
    let provider = Silent::shows([not_shown(), Finding::Shown(None)]);
    let house = House::in_doubt(&provider).await;
    house.clock.advance(SignedDuration::from_hours(4));
    house.ask(&provider).await;
    house.pass(LATE);
    house.ask(&provider).await;
    assert_eq!(house.state().await, IntentState::Done);
}

#[tokio::test]
async fn silence_about_another_address_means_nothing() {
    let provider = Silent::shows([not_shown()]);
    let house = House::in_doubt(&provider).await;
    upserted(&house.service, Some(house.contact), "jana@example.org").await;
    house.clock.advance(SignedDuration::from_hours(4));
    house.ask(&provider).await;
    house.pass(LATE);
    house.ask(&provider).await;
    assert_eq!(house.look().await, IntentState::InDoubt);
    assert_eq!(provider.1.lock().unwrap()[0].address, "jana@example.org");
}

#[test]
fn one_asks_at_a_time_and_what_is_resolved_is_forgotten() {
    let (looks, doubt) = (Looks::default(), (IntentId(1), Timestamp::UNIX_EPOCH));
    let known = || looks.known(doubt.0, doubt.1).0;
    assert_eq!(known(), ReadBack::NotYet);
    looks.impossible(doubt);
    assert_eq!(known(), ReadBack::Impossible);
    looks.not_shown(doubt, Timestamp::UNIX_EPOCH, None);
    assert!(matches!(known(), ReadBack::Absent { complete_after: None, .. }));
    assert_eq!(looks.known(doubt.0, Timestamp::MAX).0, ReadBack::NotYet, "another doubt");
    looks.keep(&HashSet::new());
    assert_eq!(known(), ReadBack::NotYet);
    assert!(looks.begin() && !looks.begin());
}
