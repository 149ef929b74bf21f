//! One trait per interface of the contract.

use crate::Job;
use crate::audiences::Audience;
use crate::fields::RemoteField;
use crate::provider::{AccountInfo, Description};
use crate::sent::{Finding, Sought};
use crate::subscriptions::{Act, ActAnswer, Member};
use crate::tags::{TagChange, TagsAnswer};
use crate::templates::{SendingTerms, Template, TemplateAnswer, TemplateSend};
use crate::types::{BatchAnswer, ContactWrite, ProviderError};

/// Who the plugin is, and whether an account works. Every plugin implements it.
pub trait Provider {
    /// Tells what the plugin is: without a job, since it depends on no account. Two calls that
    /// answer differently refuse the plugin.
    fn describe() -> Description;

    /// Tells whether the account's credentials open it, and what it is called there.
    ///
    /// # Errors
    /// `auth-lost` when they don't, and whatever else keeps the provider from answering.
    fn check(job: &Job) -> Result<AccountInfo, ProviderError>;
}

/// Pushing contacts into an audience. Every plugin implements it.
pub trait Contacts {
    /// Reads once per run what every batch needs; the bytes are handed to each `push`.
    ///
    /// # Errors
    /// What kept the plugin from reading; the run then does not start.
    fn prepare(job: &Job, audience: &str) -> Result<Vec<u8>, ProviderError> {
        let _ = (job, audience);
        Ok(Vec::new())
    }

    /// Creates or updates these members. No key stands twice, nor does an address.
    ///
    /// # Errors
    /// Only if nothing is known of the whole batch: a contact's fault is an item's outcome, and
    /// what was concluded before a failure goes into the answer, with `stopped`.
    fn push(
        job: &Job,
        audience: &str,
        prepared: &[u8],
        writes: Vec<ContactWrite>,
    ) -> Result<BatchAnswer, ProviderError>;
}

/// Tags on the members of an audience.
pub trait Tags {
    /// Finds the tags that a run will touch, and makes those of `add` that are missing.
    ///
    /// # Errors
    /// What kept the plugin from it; the run then tags nobody.
    fn prepare(job: &Job, audience: &str, add: &[String], remove: &[String]) -> Result<Vec<u8>, ProviderError>;

    /// Puts tags on and takes tags off.
    ///
    /// # Errors
    /// Only if nothing is known of the whole batch.
    fn apply(job: &Job, audience: &str, prepared: &[u8], changes: Vec<TagChange>) -> Result<TagsAnswer, ProviderError>;
}

/// The only way to change the status of a member that exists.
pub trait Subscriptions {
    /// Does one act to these members.
    ///
    /// # Errors
    /// Only if nothing is known of the whole batch.
    fn change(job: &Job, audience: &str, act: Act, members: Vec<Member>) -> Result<ActAnswer, ProviderError>;
}

/// The audiences of an account.
pub trait Audiences {
    /// All audiences that the account can see.
    ///
    /// # Errors
    /// What kept the provider from telling.
    fn list_audiences(job: &Job) -> Result<Vec<Audience>, ProviderError>;
}

/// The fields that members of an audience have.
pub trait Fields {
    /// The fields of an audience, without the e-mail address.
    ///
    /// # Errors
    /// What kept the provider from telling.
    fn list_fields(job: &Job, audience: &str) -> Result<Vec<RemoteField>, ProviderError>;
}

/// Messages from templates that lie at the provider.
///
/// A message can't be taken back. [`TemplateAnswer::of_each`] makes one request per recipient, stops at
/// the first that gets no answer, and leaves it to the host to find out what became of that one.
pub trait Templates {
    /// Tells what the provider promises about requests that it did not carry out: without a job, since
    /// it depends on no account. Two calls that answer differently refuse the plugin.
    fn terms() -> SendingTerms;

    /// All templates that the account can see.
    ///
    /// # Errors
    /// What kept the provider from telling.
    fn list_templates(job: &Job) -> Result<Vec<Template>, ProviderError>;

    /// Sends one message, and tries once: no request is repeated, whatever is answered. A request
    /// that sends is a POST that does not say that it is safe to repeat.
    ///
    /// # Errors
    /// Only if nothing is known of any recipient; the host then goes by what it saw on the wire.
    fn send(job: &Job, send: TemplateSend) -> Result<TemplateAnswer, ProviderError>;
}

/// What the provider shows of messages that it was asked to send.
pub trait Sent {
    /// Looks for one message that may have been sent. [`Finding::Shown`] is for what bears its effect key; that
    /// something is not shown means that it was not sent only after as many seconds as the provider's documentation
    /// says.
    ///
    /// # Errors
    /// What kept the provider from telling.
    fn find(job: &Job, sought: &Sought) -> Result<Finding, ProviderError>;
}
