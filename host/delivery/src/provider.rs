//! What a run needs of a plugin.

use std::sync::Arc;

use async_trait::async_trait;
use postroom_runtime::contract::{Act, ActAnswer, BatchAnswer, ContactWrite, Member, TagChange, TagsAnswer};

use crate::failure::Failure;

/// The calls of one account's plugin that a run makes.
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

    /// Changes statuses.
    async fn change(&self, audience: &str, act: Act, members: &[Member]) -> Result<ActAnswer, Failure>;
}
