//! What everything needs that leaves for a provider.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::intent::Class;
use postroom_store::intents::Lane;
use postroom_store::{Result, Store};

use crate::lanes::{Lanes, Turn};

/// The way out of one account.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// Where intents stand.
    pub store: &'a dyn Store,
    /// Who may call next.
    pub lanes: &'a Lanes,
    /// The right to work on the account's intents.
    pub lane: &'a Lane,
    /// What tells the store from its copies.
    pub mark: &'a dyn Mark,
    /// The rule time.
    pub now: &'a (dyn Fn() -> Timestamp + Send + Sync),
}

/// What tells a store from its copies and its backups. It is renewed before anything is armed, so that a backup that is
/// put back later is seen to be older than what left.
#[async_trait]
pub trait Mark: Send + Sync {
    /// Renews it, if it is old enough for that.
    ///
    /// # Errors
    ///
    /// When it can't be renewed; then nothing may be armed.
    async fn renew(&self) -> Result<()>;
}

impl Way<'_> {
    /// Waits for a turn in the account's lane, which makes at most `most` calls at one time. What is armed next is armed
    /// under a fresh mark.
    ///
    /// # Errors
    ///
    /// When the mark can't be renewed; then nothing may be armed.
    pub async fn turn(&self, class: Class, most: usize) -> Result<Turn> {
        let turn = self.lanes.turn(self.lane.account, class, most.max(1)).await;
        self.mark.renew().await?;
        Ok(turn)
    }
}
