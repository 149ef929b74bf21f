//! The calls of a plugin: one store per job, made for the call and gone with it.

use std::time::Duration;

use postroom_egress::{AccountEgress, JobBudget, Urgency, WireFacts};

use crate::answers::Reader;
use crate::contract::{
    AccountInfo, Act, ActAnswer, Audience, BatchAnswer, ContactWrite, Finding, Member, RemoteField, Sought, TagChange,
    TagsAnswer, Template, TemplateAnswer, TemplateSend,
};
use crate::error::CallError;
use crate::limits::JobLimits;
use crate::log::{LogLine, LogSink};
use crate::plugin::{Capability, Plugin};
use crate::run::Run;

/// What a call works with. It is used up by the call.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The account's way out. It also keeps the account's secrets out of the log and the answer.
    pub account: AccountEgress,
    /// The account's settings that are not secret, as (name, value). The plugin reads them.
    pub settings: Vec<(String, String)>,
    /// The job's time in milliseconds since 1970-01-01T00:00:00Z. It stands still for the plugin.
    pub now_ms: u64,
    /// Whether the job may take the account's last slot.
    pub urgency: Urgency,
    /// What the job may use.
    pub limits: JobLimits,
    /// Where lines of the log go while the job runs.
    pub log: LogSink,
}

/// What became of a call, and what it took.
#[derive(Debug, Clone)]
pub struct JobReport<T> {
    /// The plugin's answer, checked, or why there is none.
    pub result: Result<T, CallError>,
    /// The lines that the plugin wrote, without control characters and secrets.
    pub log: Vec<LogLine>,
    /// How many lines were dropped because the log was full.
    pub log_dropped: u64,
    /// What the host saw on the wire. A plugin's answer is moved by it only towards caution. `seen` is
    /// [`Seen::Killed`](postroom_egress::Seen::Killed) of every job that was ended after a request that
    /// is not safe to repeat was written, also of one that had its answer: nobody has read it.
    pub wire: WireFacts,
    /// CPU time of the guest.
    pub cpu: Duration,
    /// Wall time from before the store was made until after it was gone.
    pub duration: Duration,
    /// The most linear memory that was in use, in bytes.
    pub peak_memory: usize,
    /// Calls of the contract's host functions.
    pub host_calls: u32,
}

/// Instantiates a world in a job's store and makes the one call the store is for.
macro_rules! call {
    ($world:expr, $store:ident, $interface:ident.$function:ident($($argument:expr),*)) => {
        async move {
            let mut store = $store;
            let plugin = $world.instantiate_async(&mut store).await?;
            store.data().started();
            plugin.$interface().$function(&mut store, $($argument),*).await
        }
    };
}

impl Plugin {
    /// Asks whether the account's credentials open it, and what it is called there.
    pub async fn check(&self, job: JobSpec) -> JobReport<AccountInfo> {
        let (run, store) = Run::begin(self, job, "provider.check");
        let call = call!(self.inner.worlds.base, store, postroom_provider_provider.call_check());
        run.finish(call, Reader::account_info).await
    }

    /// Reads once per run what every batch of it needs. The bytes are for [`Plugin::push`] only.
    pub async fn prepare(&self, job: JobSpec, audience: &str) -> JobReport<Vec<u8>> {
        let (run, store) = Run::begin(self, job, "contacts.prepare");
        let call = call!(self.inner.worlds.base, store, postroom_provider_contacts.call_prepare(audience));
        run.finish(call, Reader::prepared).await
    }

    /// Creates or updates members. Each key stands once in `writes`, and there are no more than the
    /// description's `max-batch`.
    ///
    /// Keys of the answer are among those given, each at most once; whatever is missing was not
    /// concluded.
    pub async fn push(
        &self,
        job: JobSpec,
        audience: &str,
        prepared: &[u8],
        writes: &[ContactWrite],
    ) -> JobReport<BatchAnswer> {
        let (run, store) = Run::begin(self, job, "contacts.push");
        let call =
            call!(self.inner.worlds.base, store, postroom_provider_contacts.call_push(audience, prepared, writes));
        run.finish(call, |reader, answer| reader.batch(writes, answer)).await
    }

    /// Finds the tags that a run will touch and makes the missing ones of `add`. The bytes are for
    /// [`Plugin::tags_apply`] only.
    pub async fn tags_prepare(
        &self,
        job: JobSpec,
        audience: &str,
        add: &[String],
        remove: &[String],
    ) -> JobReport<Vec<u8>> {
        let Some(world) = &self.inner.worlds.tags else {
            return JobReport::unsupported(&job, Capability::Tags);
        };
        let (run, store) = Run::begin(self, job, "tags.prepare");
        let call = call!(world, store, postroom_provider_tags.call_prepare(audience, add, remove));
        run.finish(call, Reader::prepared).await
    }

    /// Puts tags on members and takes them off.
    ///
    /// Each pair of key and tag in the answer is among those given, at most once; whatever is
    /// missing was not concluded.
    pub async fn tags_apply(
        &self,
        job: JobSpec,
        audience: &str,
        prepared: &[u8],
        changes: &[TagChange],
    ) -> JobReport<TagsAnswer> {
        let Some(world) = &self.inner.worlds.tags else {
            return JobReport::unsupported(&job, Capability::Tags);
        };
        let (run, store) = Run::begin(self, job, "tags.apply");
        let call = call!(world, store, postroom_provider_tags.call_apply(audience, prepared, changes));
        run.finish(call, |reader, answer| reader.tags(changes, answer)).await
    }

    /// Does one act to members: the only way to change the status of one that exists.
    ///
    /// Keys of the answer are among those given, each at most once; whatever is missing was not
    /// concluded.
    pub async fn subscriptions_change(
        &self,
        job: JobSpec,
        audience: &str,
        act: Act,
        members: &[Member],
    ) -> JobReport<ActAnswer> {
        let Some(world) = &self.inner.worlds.subscriptions else {
            return JobReport::unsupported(&job, Capability::Subscriptions);
        };
        let (run, store) = Run::begin(self, job, "subscriptions.change");
        let call = call!(world, store, postroom_provider_subscriptions.call_change(audience, act, members));
        run.finish(call, |reader, answer| reader.acts(members, answer)).await
    }

    /// Lists the audiences that the account can see. Ids are unique.
    pub async fn list_audiences(&self, job: JobSpec) -> JobReport<Vec<Audience>> {
        let Some(world) = &self.inner.worlds.audiences else {
            return JobReport::unsupported(&job, Capability::Audiences);
        };
        let (run, store) = Run::begin(self, job, "audiences.list-audiences");
        let call = call!(world, store, postroom_provider_audiences.call_list_audiences());
        run.finish(call, Reader::audiences).await
    }

    /// Lists the fields of an audience. Names are unique.
    pub async fn list_fields(&self, job: JobSpec, audience: &str) -> JobReport<Vec<RemoteField>> {
        let Some(world) = &self.inner.worlds.fields else {
            return JobReport::unsupported(&job, Capability::Fields);
        };
        let (run, store) = Run::begin(self, job, "fields.list-fields");
        let call = call!(world, store, postroom_provider_fields.call_list_fields(audience));
        run.finish(call, Reader::fields).await
    }

    /// Lists the templates that the account can see. Ids are unique.
    pub async fn list_templates(&self, job: JobSpec) -> JobReport<Vec<Template>> {
        let Some(world) = &self.inner.worlds.templates else {
            return JobReport::unsupported(&job, Capability::Templates);
        };
        let (run, store) = Run::begin(self, job, "templates.list-templates");
        let call = call!(world, store, postroom_provider_templates.call_list_templates());
        run.finish(call, Reader::templates).await
    }

    /// Sends one message from a template. Each key and each address stands once among the recipients.
    ///
    /// Keys of the answer are among those given, each at most once; whoever is missing may or may not
    /// have been written to. What the plugin says is half of it: the other half is `wire.seen`, which
    /// also stands when there is no answer. No request that may send is made twice by the host, and
    /// what the plugin says about repeating is believed only of methods that HTTP lets repeat.
    pub async fn send_template(&self, job: JobSpec, send: &TemplateSend) -> JobReport<TemplateAnswer> {
        let Some(world) = &self.inner.worlds.templates else {
            return JobReport::unsupported(&job, Capability::Templates);
        };
        let (run, store) = Run::begin_sending(self, job, "templates.send");
        let call = call!(world, store, postroom_provider_templates.call_send(send));
        run.finish(call, |reader, answer| reader.sent(send, answer)).await
    }

    /// Looks for a message that may have been sent.
    pub async fn find_sent(&self, job: JobSpec, sought: &Sought) -> JobReport<Finding> {
        let Some(world) = &self.inner.worlds.sent else {
            return JobReport::unsupported(&job, Capability::Sent);
        };
        let (run, store) = Run::begin(self, job, "sent.find");
        let call = call!(world, store, postroom_provider_sent.call_find(sought));
        run.finish(call, Reader::finding).await
    }
}

impl<T> JobReport<T> {
    /// The report of a call that did not happen.
    fn unsupported(job: &JobSpec, capability: Capability) -> Self {
        Self {
            result: Err(CallError::Unsupported { capability }),
            log: Vec::new(),
            log_dropped: 0,
            wire: JobBudget::new(job.limits.egress, job.urgency).facts(),
            cpu: Duration::ZERO,
            duration: Duration::ZERO,
            peak_memory: 0,
            host_calls: 0,
        }
    }
}
