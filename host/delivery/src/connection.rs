//! An account, ready to be called: its plugin, its way out, its settings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use postroom_domain::outcome::Reason;
use postroom_egress::{AccountEgress, Urgency};
use postroom_runtime::contract::{
    AccountInfo, Act, ActAnswer, Audience, BatchAnswer, ContactWrite, Finding, Member, RemoteField, SendingTerms,
    Sought, TagChange, TagsAnswer, TemplateSend,
};
use postroom_runtime::{Capability, JobLimits, JobReport, JobSpec, LogSink, Plugin};
use postroom_store::clock::Clock;
use tokio_util::task::AbortOnDropHandle;

use crate::executor::Sent;
use crate::failure::Failure;
use crate::provider::Provider;

/// For how long what was prepared for an audience serves calls that somebody waits for, which come one by one: fields
/// and tags of an audience seldom change, and to ask for them each time would double the wait.
const PREPARED_KEPT: Duration = Duration::from_secs(60);

/// One account. Every call is a job of its own (invariant 7). Clones share the way out with its limits.
#[derive(Clone)]
pub struct Connection {
    plugin: Plugin,
    egress: AccountEgress,
    settings: Vec<(String, String)>,
    clock: Arc<dyn Clock>,
    urgency: Urgency,
    prepared: Arc<Mutex<HashMap<Preparation, Prepared>>>,
}

/// When something was prepared, and what came of it.
type Prepared = (Instant, Vec<u8>);

/// What was prepared: for an audience its fields, or its tags that come on and go off.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Preparation {
    Fields(String),
    Tags(String, Vec<String>, Vec<String>),
}

impl Connection {
    /// An account's connection. `settings` are those that are not secret.
    #[must_use]
    pub fn new(plugin: Plugin, egress: AccountEgress, settings: Vec<(String, String)>, clock: Arc<dyn Clock>) -> Self {
        Self { plugin, egress, settings, clock, urgency: Urgency::Bulk, prepared: Arc::default() }
    }

    /// The same for calls that somebody waits for: they may take the slot that bulk work leaves free, and use what
    /// was prepared a moment ago.
    #[must_use]
    pub fn prompt(&self) -> Self {
        Self { urgency: Urgency::Prompt, ..self.clone() }
    }

    /// The pauses that the provider asked for and that are not over, by origin.
    #[must_use]
    pub fn pauses(&self) -> Vec<(String, Duration)> {
        self.egress.pauses()
    }

    /// Takes a pause up again that an earlier process was asked for.
    pub fn pause(&self, origin: &str, left: Duration) {
        self.egress.pause(origin, left);
    }

    /// What was prepared a moment ago, if that will do.
    fn kept(&self, preparation: &Preparation) -> Option<Vec<u8>> {
        if self.urgency == Urgency::Bulk {
            return None;
        }
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.get(preparation).filter(|(at, _)| at.elapsed() < PREPARED_KEPT).map(|(_, bytes)| bytes.clone())
    }

    fn keep(&self, preparation: Preparation, bytes: &[u8]) {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.retain(|_, (at, _)| at.elapsed() < PREPARED_KEPT);
        prepared.insert(preparation, (Instant::now(), bytes.to_vec()));
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Tells whether the credentials open the account, and what it is called there.
    ///
    /// # Errors
    ///
    /// The provider's refusal, or that it cannot be reached.
    pub async fn check(&self) -> Result<AccountInfo, Failure> {
        settle("check", self.plugin.check(self.job(Urgency::Prompt)).await)
    }

    /// The audiences that the account can see.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check), and when the plugin cannot list them.
    pub async fn audiences(&self) -> Result<Vec<Audience>, Failure> {
        settle("list-audiences", self.plugin.list_audiences(self.job(Urgency::Prompt)).await)
    }

    /// The fields of an audience.
    ///
    /// # Errors
    ///
    /// As [`audiences`](Self::audiences).
    pub async fn fields(&self, audience: &str) -> Result<Vec<RemoteField>, Failure> {
        settle("list-fields", self.plugin.list_fields(self.job(Urgency::Prompt), audience).await)
    }

    fn job(&self, urgency: Urgency) -> JobSpec {
        JobSpec {
            account: self.egress.clone(),
            settings: self.settings.clone(),
            now_ms: u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0),
            urgency,
            limits: JobLimits::default(),
            log: LogSink::none(),
        }
    }
}

/// Notes what a call took, for whoever follows the trace, and hands on its answer.
fn settle<T>(call: &'static str, report: JobReport<T>) -> Result<T, Failure> {
    for line in &report.log {
        tracing::debug!(target: "postroom::plugin", call, level = ?line.level, "{}", line.message);
    }
    tracing::debug!(
        call,
        requests = report.wire.requests,
        cpu_ms = report.cpu.as_millis(),
        took_ms = report.duration.as_millis(),
        ok = report.result.is_ok(),
        "plugin call"
    );
    report.result.map_err(Failure::from)
}

/// Runs a call in a task of its own, so that the plugins of several batches are at work on several
/// processors while the run reads and records. A run that is dropped takes its calls with it.
async fn beside<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> Result<T, Failure> {
    AbortOnDropHandle::new(tokio::spawn(call))
        .await
        .map_err(|error| Failure::Account(Reason::new("host-failed", format!("the call ended in a fault: {error}"))))
}

#[async_trait]
impl Provider for Connection {
    fn max_batch(&self) -> usize {
        self.plugin.description().limits.max_batch as usize
    }

    fn max_concurrency(&self) -> usize {
        self.plugin.description().limits.max_concurrency as usize
    }

    fn has_tags(&self) -> bool {
        self.plugin.has(Capability::Tags)
    }

    fn has_subscriptions(&self) -> bool {
        self.plugin.has(Capability::Subscriptions)
    }

    fn digest(&self) -> String {
        self.plugin.digest().to_owned()
    }

    async fn prepare(&self, audience: &str) -> Result<Vec<u8>, Failure> {
        let preparation = Preparation::Fields(audience.to_owned());
        if let Some(kept) = self.kept(&preparation) {
            return Ok(kept);
        }
        let bytes = settle("prepare", self.plugin.prepare(self.job(self.urgency), audience).await)?;
        self.keep(preparation, &bytes);
        Ok(bytes)
    }

    async fn push(
        &self,
        audience: &str,
        prepared: &Arc<[u8]>,
        writes: Vec<ContactWrite>,
    ) -> Result<BatchAnswer, Failure> {
        let (plugin, job) = (self.plugin.clone(), self.job(self.urgency));
        let (audience, prepared) = (audience.to_owned(), Arc::clone(prepared));
        settle("push", beside(async move { plugin.push(job, &audience, &prepared, &writes).await }).await?)
    }

    async fn prepare_tags(&self, audience: &str, add: &[String], remove: &[String]) -> Result<Vec<u8>, Failure> {
        let preparation = Preparation::Tags(audience.to_owned(), add.to_vec(), remove.to_vec());
        if let Some(kept) = self.kept(&preparation) {
            return Ok(kept);
        }
        let prepared = self.plugin.tags_prepare(self.job(self.urgency), audience, add, remove).await;
        let bytes = settle("prepare-tags", prepared)?;
        self.keep(preparation, &bytes);
        Ok(bytes)
    }

    async fn apply_tags(
        &self,
        audience: &str,
        prepared: &Arc<[u8]>,
        changes: Vec<TagChange>,
    ) -> Result<TagsAnswer, Failure> {
        let (plugin, job) = (self.plugin.clone(), self.job(self.urgency));
        let (audience, prepared) = (audience.to_owned(), Arc::clone(prepared));
        settle("apply-tags", beside(async move { plugin.tags_apply(job, &audience, &prepared, &changes).await }).await?)
    }

    fn sending_terms(&self) -> Option<SendingTerms> {
        self.plugin.sending_terms().cloned()
    }

    async fn send(&self, send: TemplateSend) -> Sent {
        let report = self.plugin.send_template(self.job(Urgency::Prompt), &send).await;
        let seen = report.wire.seen;
        let outcome =
            settle("send", report).and_then(|answer| match (answer.items.into_iter().next(), answer.stopped) {
                (Some(item), _) => Ok(Some(item.outcome)),
                (None, Some(error)) => Err(error.into()),
                (None, None) => Ok(None),
            });
        Sent { seen, outcome }
    }

    fn shows_sent(&self) -> bool {
        self.plugin.has(Capability::Sent)
    }

    async fn find_sent(&self, sought: &Sought) -> Result<Finding, Failure> {
        settle("find-sent", self.plugin.find_sent(self.job(Urgency::Bulk), sought).await)
    }

    async fn change(&self, audience: &str, act: Act, members: &[Member]) -> Result<ActAnswer, Failure> {
        // Opt-outs may take the slot that bulk work leaves free.
        settle("change", self.plugin.subscriptions_change(self.job(Urgency::Prompt), audience, act, members).await)
    }
}
