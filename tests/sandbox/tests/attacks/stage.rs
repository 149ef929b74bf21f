//! What the attempts share: the engine, an account at a provider, jobs, and what is expected of
//! their ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, Credential, OriginInputs, Secret, SlotKind, Timeouts, Transport,
    Urgency,
};
use postroom_runtime::contract::{
    AccountInfo, Act, ActAnswer, BatchAnswer, ContactWrite, Member, OnCreate, Recipient, TagChange, TagsAnswer,
    TemplateAnswer, TemplateSend,
};
use postroom_runtime::{
    Budget, CallError, DirectoryCache, Engine, JobLimits, JobReport, JobSpec, LoadError, LogSink, Plugin,
};
use postroom_sandbox_tests::{Component, guests};
use zeroize::Zeroizing;

use crate::provider::Provider;

/// The account's secret: long enough to be taken out of bodies, and of characters that encoders
/// write in different ways, also in its base64.
pub(crate) const SECRET: &str = "s3cr3t/~~~0123~~~>>>45?6789+abc~~?def~us6";

/// What a guest gets that never gives up the processor. Production gives it ten seconds, all of
/// which the machine would only get warm in.
pub(crate) const QUICK_CPU: Duration = Duration::from_millis(500);

/// What a guest gets that waits. Production gives it five minutes.
pub(crate) const QUICK_WALL: Duration = Duration::from_millis(500);

/// How much later than it must a call may end on a machine that has too much to do.
pub(crate) const MARGIN: Duration = Duration::from_secs(20);

/// One engine for all tests: a hostile plugin shares it with healthy ones.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

pub(crate) fn bytes(guest: Component) -> Vec<u8> {
    std::fs::read(guest.path()).unwrap()
}

pub(crate) async fn load(guest: Component) -> Result<Plugin, LoadError> {
    load_bytes(&bytes(guest)).await
}

/// Loads as production does, with compiled code from a directory. Compiling is most of what the
/// suite would do otherwise; everything else is done each time.
pub(crate) async fn load_bytes(component: &[u8]) -> Result<Plugin, LoadError> {
    static COMPILED: OnceLock<DirectoryCache> = OnceLock::new();
    let folder = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let cache = COMPILED.get_or_init(|| DirectoryCache::open(folder()).unwrap());
    Plugin::load_cached(engine(), component, cache).await
}

/// A guest that loads. It is loaded once, which takes longer than most attempts.
pub(crate) async fn plugin(guest: Component) -> Plugin {
    static LOADED: Mutex<BTreeMap<&str, Plugin>> = Mutex::new(BTreeMap::new());
    let known = LOADED.lock().unwrap().get(guest.name()).cloned();
    match known {
        Some(plugin) => plugin,
        None => {
            let plugin = load(guest).await.unwrap();
            LOADED.lock().unwrap().insert(guest.name(), plugin.clone());
            plugin
        }
    }
}

/// The guest that tries nothing.
pub(crate) async fn healthy() -> Plugin {
    plugin(guests::healthy()).await
}

/// After every attempt, whatever became of it.
pub(crate) async fn a_healthy_plugin_answers() {
    let provider = Provider::start().await;
    let stage = Stage::with(healthy().await, provider, |_| {});
    let report = stage.check().await;
    assert_eq!(fact(&report, "account"), "status 200");
    assert_eq!(stage.provider.targets(), ["/account"]);
}

/// A plugin, a provider, and the account between them.
pub(crate) struct Stage {
    pub(crate) plugin: Plugin,
    pub(crate) provider: Provider,
    pub(crate) account: AccountEgress,
    pub(crate) limits: JobLimits,
}

impl Stage {
    /// An account as the operator would set it up, but for its addresses: they lead to the provider
    /// on this machine.
    pub(crate) async fn of(guest: Component) -> Self {
        Self::with(plugin(guest).await, Provider::start().await, |_| {})
    }

    pub(crate) fn with(plugin: Plugin, provider: Provider, change: impl FnOnce(&mut AccountConfig)) -> Self {
        let mut config = config(&plugin, &provider.url());
        change(&mut config);
        let account = AccountEgress::new(config).unwrap();
        Self { plugin, provider, account, limits: JobLimits::default() }
    }

    /// The same with less CPU.
    pub(crate) fn quick_cpu(mut self) -> Self {
        self.limits.cpu = QUICK_CPU;
        self
    }

    /// The same with less time.
    pub(crate) fn quick_wall(mut self) -> Self {
        self.limits.egress.time = QUICK_WALL;
        self
    }

    pub(crate) fn job(&self) -> JobSpec {
        JobSpec {
            account: self.account.clone(),
            settings: vec![("mode".to_owned(), "fast".to_owned())],
            now_ms: 1_790_000_000_000,
            urgency: Urgency::Bulk,
            limits: self.limits.clone(),
            log: LogSink::none(),
        }
    }

    pub(crate) async fn check(&self) -> JobReport<AccountInfo> {
        self.plugin.check(self.job()).await
    }

    pub(crate) async fn prepare(&self, attempt: &str) -> JobReport<Vec<u8>> {
        self.plugin.prepare(self.job(), attempt).await
    }

    pub(crate) async fn push(&self, attempt: &str) -> JobReport<BatchAnswer> {
        self.plugin.push(self.job(), attempt, b"", &writes()).await
    }

    pub(crate) async fn tags(&self, attempt: &str) -> JobReport<TagsAnswer> {
        let change = TagChange {
            key: 1,
            address: "c1@example.com".to_owned(),
            remote_id: None,
            observed: None,
            add: vec!["guests".to_owned()],
            remove: vec![],
        };
        self.plugin.tags_apply(self.job(), attempt, b"", &[change]).await
    }

    pub(crate) async fn acts(&self, attempt: &str) -> JobReport<ActAnswer> {
        let member = Member { key: 1, address: "c1@example.com".to_owned(), remote_id: None };
        self.plugin.subscriptions_change(self.job(), attempt, Act::Unsubscribe, &[member]).await
    }

    pub(crate) async fn send(&self, attempt: &str) -> JobReport<TemplateAnswer> {
        let recipient = |key| Recipient { key, address: format!("c{key}@example.com"), fields: vec![] };
        let send = TemplateSend {
            template: attempt.to_owned(),
            effect_key: "send:1".to_owned(),
            recipients: (1..=3).map(recipient).collect(),
            extras: vec![],
        };
        self.plugin.send_template(self.job(), &send).await
    }

    /// Nothing of the attempt has reached the provider.
    pub(crate) fn provider_saw_nothing(&self) {
        assert_eq!((self.provider.connections(), self.provider.targets()), (0, vec![]));
    }
}

/// The account of a plugin whose every origin leads to this URL, with the secret in the header that
/// the guests' description names.
pub(crate) fn config(plugin: &Plugin, url: &str) -> AccountConfig {
    let inputs = OriginInputs { override_url: Some(url), entered: None, secrets: &[], insecure: true };
    AccountConfig {
        account: "acme".to_owned(),
        origins: plugin.origins().iter().map(|origin| origin.resolve(&inputs).unwrap()).collect(),
        credentials: vec![credential(SlotKind::Header { name: "X-Api-Key".to_owned() })],
        limits: AccountLimits::default(),
        timeouts: Timeouts::default(),
        transport: Transport::default(),
    }
}

pub(crate) fn credential(kind: SlotKind) -> Credential {
    Credential { secret: Secret::new("api-key", Zeroizing::new(SECRET.to_owned())), kind, origin: "api".to_owned() }
}

/// Three contacts.
pub(crate) fn writes() -> Vec<ContactWrite> {
    let write = |key| ContactWrite {
        key,
        address: format!("c{key}@example.com"),
        remote_id: None,
        previous_address: None,
        on_create: OnCreate::Subscribed,
        fields: vec![],
        extras: vec![],
    };
    (1..=3).map(write).collect()
}

/// The error of a call that must have failed.
pub(crate) fn failure<T: std::fmt::Debug>(report: &JobReport<T>) -> &CallError {
    report.result.as_ref().unwrap_err()
}

/// The budget that was used up, for a call that must have used one up.
pub(crate) fn spent<T: std::fmt::Debug>(report: &JobReport<T>) -> Budget {
    match failure(report) {
        CallError::Budget { which, .. } => *which,
        other => panic!("{other:?}"),
    }
}

/// What was wrong with an answer, for one that must not have been used.
pub(crate) fn malformed<T: std::fmt::Debug>(report: &JobReport<T>) -> &str {
    match failure(report) {
        CallError::Malformed { what } => what,
        other => panic!("{other:?}"),
    }
}

/// How a call crashed, for one that must have.
pub(crate) fn crash<T: std::fmt::Debug>(report: &JobReport<T>) -> &str {
    match failure(report) {
        CallError::Trap { what } => what,
        other => panic!("{other:?}"),
    }
}

/// The call ended no later than this, machine permitting.
pub(crate) fn ended_within<T>(report: &JobReport<T>, time: Duration) {
    assert!(report.duration < time + MARGIN, "it took {:?}", report.duration);
}

/// A fact that the guest tells.
pub(crate) fn fact<'a>(report: &'a JobReport<AccountInfo>, label: &str) -> &'a str {
    let facts = facts(report);
    let found = facts.iter().find(|(name, _)| name == label);
    &found.unwrap_or_else(|| panic!("no `{label}` in {facts:?}")).1
}

/// All facts that the guest tells.
pub(crate) fn facts(report: &JobReport<AccountInfo>) -> &[(String, String)] {
    &report.result.as_ref().unwrap().facts
}

/// An examination ended with its two seconds of CPU, or, on a machine that has far too much to do,
/// with its ten seconds of time.
pub(crate) fn ran_out_of_time(reason: &str) {
    assert!(reason.contains("CPU time is used up (2000 ms)") || reason.contains("did not end within 10 s"), "{reason}");
}
