//! A plugin that sends, at a provider that counts: what the host saw of each message, next to what
//! became of it.

use std::time::Duration;

use postroom_egress::{AccountConfig, AccountEgress, AccountLimits, Credential, OriginInputs, Seen, Timeouts};
use postroom_egress::{Secret, SlotKind, Transport};
use postroom_runtime::contract::{
    Act, ActOutcome, ContactWrite, FieldChange, FieldValue, FieldWrite, Finding, ItemOutcome, Member, ProviderError,
    Recipient, Sought, TemplateAnswer, TemplateOutcome, TemplateSend,
};
use postroom_runtime::{Budget, CallError, JobReport, JobSpec, Plugin};
use postroom_simulators::messages::{self, Act as Applied, Asked, Config, Running, Turn};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::stage::{engine, guest, job, write};

const KEY: &str = "send:journey:7:contact:3:0";
const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";

async fn sender() -> &'static Plugin {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    PLUGIN.get_or_init(|| async { Plugin::load(engine(), &guest("sender")).await.unwrap() }).await
}

/// A plugin, a provider, and the account between them.
struct Desk {
    plugin: &'static Plugin,
    provider: Running,
    account: AccountEgress,
}

impl Desk {
    async fn open() -> Self {
        let (plugin, provider) = (sender().await, messages::start(Config::default()).await.unwrap());
        let account = account(plugin, &provider.base_url, &provider.api_key);
        Self { plugin, provider, account }
    }

    fn job(&self) -> JobSpec {
        job(self.account.clone())
    }

    async fn send(&self, addresses: &[&str]) -> JobReport<TemplateAnswer> {
        self.plugin.send_template(self.job(), &message(addresses)).await
    }

    /// What became of the one message that meets this turn, what was seen of it, and how often it was
    /// sent.
    async fn after(&self, turn: Turn) -> (Option<TemplateOutcome>, Seen, u64) {
        self.provider.next(Asked::Message, [turn]);
        let before = self.times(ANA);
        let report = self.send(&[ANA]).await;
        assert_eq!((report.wire.requests, self.provider.turns_left()), (1, 0), "{turn:?}");
        let outcome = report.result.ok().map(|answer| answer.items.first().unwrap().outcome.clone());
        (outcome, report.wire.seen, self.times(ANA) - before)
    }

    fn times(&self, address: &str) -> u64 {
        self.provider.book(|book| book.times(KEY, address))
    }
}

fn account(plugin: &Plugin, url: &str, key: &str) -> AccountEgress {
    let inputs = OriginInputs { override_url: Some(url), entered: None, secrets: &[], insecure: true };
    AccountEgress::new(AccountConfig {
        account: "messages".to_owned(),
        origins: plugin.origins().iter().map(|origin| origin.resolve(&inputs).unwrap()).collect(),
        credentials: vec![Credential {
            secret: Secret::new("api-key", Zeroizing::new(key.to_owned())),
            kind: SlotKind::Bearer,
            origin: "api".to_owned(),
        }],
        limits: AccountLimits::default(),
        timeouts: Timeouts::default(),
        transport: Transport::default(),
    })
    .unwrap()
}

fn message(addresses: &[&str]) -> TemplateSend {
    let recipient = |(key, address): (u64, &&str)| Recipient {
        key,
        address: (*address).to_owned(),
        fields: vec![("name".to_owned(), "Ana".to_owned())],
    };
    TemplateSend {
        template: "welcome".to_owned(),
        effect_key: KEY.to_owned(),
        recipients: (1..).zip(addresses).map(recipient).collect(),
        extras: vec![],
    }
}

#[tokio::test]
async fn a_message_goes_out_with_its_key_and_comes_back_with_its_id() {
    let desk = Desk::open().await;
    let templates = desk.plugin.list_templates(desk.job()).await.result.unwrap();
    assert_eq!(templates.iter().map(|template| template.id.as_str()).collect::<Vec<_>>(), ["welcome"]);
    let report = desk.send(&[ANA, BEN]).await;
    let outcomes: Vec<_> = report.result.unwrap().items.into_iter().map(|item| (item.key, item.outcome)).collect();
    let accepted = |id: &str| TemplateOutcome::Accepted(Some(id.to_owned()));
    assert_eq!(outcomes, [(1, accepted("m-1")), (2, accepted("m-2"))]);
    assert_eq!((report.wire.seen, report.wire.requests), (Seen::Answered(202), 2));
    assert_eq!((desk.times(ANA), desk.times(BEN)), (1, 1));
    desk.provider.book(|book| {
        let first = book.messages().next().unwrap();
        assert_eq!((first.template.as_str(), &first.fields["name"]), ("welcome", &"Ana".into()));
    });
}

#[tokio::test]
async fn an_answer_is_seen_as_it_is_whatever_was_done() {
    let desk = Desk::open().await;
    let wrong = |status| Turn::ErrorAfterApplying { status, retry_after_s: None };
    let refused = |status| Turn::ErrorWithoutApplying { status, retry_after_s: None };
    let (outcome, seen, times) = desk.after(refused(422)).await;
    assert!(matches!(outcome, Some(TemplateOutcome::Refused(_))), "{outcome:?}");
    assert_eq!((seen, times), (Seen::Answered(422), 0));
    // The provider promises that of this status alone, and a wire can't tell that it does not keep it.
    for (turn, done) in [(refused(503), 0), (wrong(503), 1)] {
        let (outcome, seen, times) = desk.after(turn).await;
        assert!(matches!(outcome, Some(TemplateOutcome::NotDone(_))), "{outcome:?}");
        assert_eq!((seen, times), (Seen::Answered(503), done));
    }
    for (turn, done) in [(refused(500), 0), (wrong(500), 1)] {
        let (outcome, seen, times) = desk.after(turn).await;
        assert!(matches!(outcome, Some(TemplateOutcome::Unclear(_))), "{outcome:?}");
        assert_eq!((seen, times), (Seen::Answered(500), done));
    }
}

#[tokio::test]
async fn a_429_comes_back_and_is_not_repeated() {
    let desk = Desk::open().await;
    for (turn, done) in [
        (Turn::ErrorAfterApplying { status: 429, retry_after_s: Some(0) }, 1),
        (Turn::ErrorWithoutApplying { status: 429, retry_after_s: Some(0) }, 0),
    ] {
        assert_eq!(desk.after(turn).await, (None, Seen::Answered(429), done));
    }
    desk.provider.next(Asked::Message, [Turn::ErrorWithoutApplying { status: 429, retry_after_s: None }]);
    let error = desk.send(&[ANA]).await.result.unwrap_err();
    assert!(matches!(error, CallError::Provider(ProviderError::RateLimited(_))), "{error:?}");
}

#[tokio::test]
async fn a_reset_leaves_no_answer_whether_or_not_it_was_sent() {
    let desk = Desk::open().await;
    for (turn, done) in [(Turn::ResetBeforeReading, 0), (Turn::ResetAfterReading, 0), (Turn::ResetAfterApplying, 1)] {
        assert_eq!(desk.after(turn).await, (None, Seen::NoAnswer, done), "{turn:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_asked_shows_what_it_took_and_nothing_else() {
    let desk = Desk::open().await;
    let find = async |address: &str| {
        let (effect_key, template) = (KEY.to_owned(), "welcome".to_owned());
        let sought = Sought { effect_key, template, address: address.to_owned(), extras: vec![] };
        desk.plugin.find_sent(desk.job(), &sought).await.result.unwrap()
    };
    assert_eq!(find(ANA).await, Finding::NotShown(None));
    desk.after(Turn::ResetAfterApplying).await;
    assert_eq!(find(ANA).await, Finding::Shown(Some("m-1".to_owned())));
    desk.provider.next(Asked::Message, [Turn::ResetAfterReading]);
    desk.send(&[BEN]).await.result.unwrap_err();
    assert_eq!(find(BEN).await, Finding::NotShown(None));
}

#[tokio::test]
async fn of_several_messages_the_lost_one_counts_and_the_rest_waits() {
    let desk = Desk::open().await;
    desk.provider.next(Asked::Message, [Turn::Answer, Turn::ResetAfterApplying]);
    let report = desk.send(&[ANA, BEN, "cyd@example.com"]).await;
    let answer = report.result.unwrap();
    assert_eq!(answer.items.iter().map(|item| item.key).collect::<Vec<_>>(), [1]);
    assert!(answer.stopped.is_some());
    assert_eq!(report.wire.seen, Seen::NoAnswer);
    assert_eq!((desk.times(ANA), desk.times(BEN), desk.times("cyd@example.com")), (1, 1, 0));
}

#[tokio::test]
async fn a_provider_that_is_not_there_was_never_written_to() {
    let plugin = sender().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let report = plugin.send_template(job(account(plugin, &url, "a-key-that-nobody-asks-for")), &message(&[ANA])).await;
    let error = report.result.unwrap_err();
    assert!(matches!(error, CallError::Provider(ProviderError::Unavailable(_))), "{error:?}");
    assert_eq!(report.wire.seen, Seen::NeverWritten);
}

#[tokio::test]
async fn a_job_whose_time_ends_while_it_waits_was_killed() {
    let desk = Desk::open().await;
    desk.provider.next(Asked::Message, [Turn::Delay(Duration::from_secs(600))]);
    let mut spec = desk.job();
    // Long enough for a machine that has too much to do to get the request out.
    spec.limits.egress.time = Duration::from_secs(2);
    let report = desk.plugin.send_template(spec, &message(&[ANA])).await;
    assert!(report.result.is_err());
    assert_eq!((report.wire.seen, desk.times(ANA)), (Seen::Killed, 1));
}

#[tokio::test]
async fn a_job_that_is_ended_before_it_asks_has_sent_nothing() {
    let desk = Desk::open().await;
    let mut spec = desk.job();
    spec.limits.host_calls = 0;
    let report = desk.plugin.send_template(spec, &message(&[ANA])).await;
    let error = report.result.unwrap_err();
    assert!(matches!(error, CallError::Budget { which: Budget::HostCalls, .. }), "{error:?}");
    assert_eq!((report.wire.seen, desk.times(ANA)), (Seen::NoRequest, 0));
}

#[tokio::test]
async fn a_key_that_is_not_taken_sends_nothing() {
    let desk = Desk::open().await;
    let account = account(desk.plugin, &desk.provider.base_url, "another-key-0123456789");
    let report = desk.plugin.send_template(job(account.clone()), &message(&[ANA])).await;
    let error = report.result.unwrap_err();
    assert!(matches!(error, CallError::Provider(ProviderError::AuthLost(_))), "{error:?}");
    assert_eq!((report.wire.seen, desk.times(ANA)), (Seen::Answered(401), 0));
    assert!(desk.plugin.check(job(account)).await.result.is_err());
    assert_eq!(desk.plugin.check(desk.job()).await.result.unwrap().name, "Messages");
}

#[tokio::test]
async fn contacts_and_opt_outs_reach_the_book_too() {
    let desk = Desk::open().await;
    let name = FieldWrite { field: "name".to_owned(), change: FieldChange::Set(FieldValue::Text("Ana".to_owned())) };
    let writes = [ContactWrite { address: ANA.to_owned(), fields: vec![name], ..write(1) }];
    let pushed = desk.plugin.push(desk.job(), "everyone", b"", &writes).await;
    assert_eq!(pushed.result.unwrap().items.first().unwrap().outcome, ItemOutcome::Written);
    // A contact is written again without harm, so nothing is to be seen of it here.
    assert_eq!(pushed.wire.seen, Seen::NoRequest);
    let member = [Member { key: 1, address: ANA.to_owned(), remote_id: None }];
    let out = desk.plugin.subscriptions_change(desk.job(), "everyone", Act::Unsubscribe, &member).await;
    assert_eq!(out.result.unwrap().items.first().unwrap().outcome, ActOutcome::Done);
    desk.send(&[ANA]).await.result.unwrap();
    desk.provider.book(|book| {
        assert!(matches!(&book.lines()[0].act, Applied::Contact { fields, .. } if fields["name"] == "Ana"));
        assert_eq!((book.opted_out(ANA), book.after_opt_out()), (Some(2), [3].as_slice()));
    });
}
