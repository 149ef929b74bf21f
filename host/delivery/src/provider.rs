//! What is needed of a plugin.

use std::sync::Arc;

use async_trait::async_trait;
use postroom_runtime::contract::{
    Act, ActAnswer, BatchAnswer, ContactWrite, Finding, Member, SendingTerms, Sought, TagChange, TagsAnswer,
    TemplateSend,
};

use crate::executor::Sent;
use crate::failure::Failure;

/// The calls of one account's plugin that are made here.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The most contacts of one push.
    fn max_batch(&self) -> usize;

    /// The most calls at one time.
    fn max_concurrency(&self) -> usize;

    /// Whether it can tag.
    fn has_tags(&self) -> bool;

    /// Whether it can change statuses.
    fn has_subscriptions(&self) -> bool;

    /// The digest of the component.
    fn digest(&self) -> String;

    /// Reads what every batch of the run needs; it is handed to each [`push`](Self::push).
    async fn prepare(&self, audience: &str) -> Result<Vec<u8>, Failure>;

    /// Creates or updates members.
    async fn push(
        &self,
        audience: &str,
        prepared: &Arc<[u8]>,
        writes: Vec<ContactWrite>,
    ) -> Result<BatchAnswer, Failure>;

    /// Finds the tags of the run and makes the missing ones.
    async fn prepare_tags(&self, audience: &str, add: &[String], remove: &[String]) -> Result<Vec<u8>, Failure>;

    /// Puts tags on and takes them off.
    async fn apply_tags(
        &self,
        audience: &str,
        prepared: &Arc<[u8]>,
        changes: Vec<TagChange>,
    ) -> Result<TagsAnswer, Failure>;

    /// What the provider promises about messages that it did not send; none when it sends none.
    fn sending_terms(&self) -> Option<SendingTerms>;

    /// Sends one message to one recipient, once. There is always an answer: what was seen.
    async fn send(&self, send: TemplateSend) -> Sent;

    /// Whether it can be asked for what was sent.
    fn shows_sent(&self) -> bool;

    /// Looks for one message that may have been sent.
    async fn find_sent(&self, sought: &Sought) -> Result<Finding, Failure>;

    /// Changes statuses.
    async fn change(&self, audience: &str, act: Act, members: &[Member]) -> Result<ActAnswer, Failure>;
}
