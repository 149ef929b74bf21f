//! What is delivered outside of runs: the lanes of all accounts, who works on them, and who looks after what is in
//! doubt, late or stuck.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use postroom_delivery::{CutShort, Executor, Lanes, Mark, Standing, Way};
use postroom_domain::intent::{Class, IntentId};
use postroom_store::StoreError;
use postroom_store::intents::{Lane, MAX_INTENTS_AT_ONCE};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::doubts::Looks;
use crate::schedules::gathered;
use crate::{Result, Service, ServiceError};

/// How often somebody looks after what is in doubt, late or stuck; a minute is the first moment at which a doubt may
/// be looked into.
const LOOKED_AFTER_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// How long the ledger is not looked at, at most, whatever the clock shows.
const LOOKED_AT_LEAST_EVERY: Duration = Duration::from_secs(60);
/// When an account is tried again that could not be opened: its plugin is gone, or its key is not taken.
const OPENED_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How long an opt-out may be on its way before somebody is told: longer than any provider that is merely busy.
const OPT_OUT_ALARM: SignedDuration = SignedDuration::from_mins(15);
/// How long a call may wait for its turn before somebody is told: every call ends before that, by the timeouts.
const TURN_ALARM: Duration = Duration::from_secs(5 * 60);
/// How long intents that have ended are kept, for whoever asks what became of them.
const ENDED_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often those are cleared away, and providers reminded of what they are still to erase.
const CLEARED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The lanes of this process.
pub(crate) struct Delivery {
    pub(crate) lanes: Lanes,
    /// What tells this process from all others that ever had a lane.
    owner: String,
    /// The lanes that were taken over, by account.
    taken: Mutex<HashMap<i64, Lane>>,
    /// Told when somebody has ended working on an account.
    ended: Notify,
    /// What providers were asked about doubts.
    pub(crate) looks: Looks,
    /// What was taken up and cut short, and could not be given up yet, by account.
    cut_short: std::sync::Mutex<HashMap<i64, Vec<IntentId>>>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            lanes: Lanes::default(),
            owner: Uuid::now_v7().to_string(),
            taken: Mutex::default(),
            ended: Notify::new(),
            looks: Looks::default(),
            cut_short: std::sync::Mutex::default(),
        }
    }
}

impl Delivery {
    /// What tells this process from all others.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    fn cut_short(&self) -> MutexGuard<'_, HashMap<i64, Vec<IntentId>>> {
        self.cut_short.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The accounts that somebody works on.
#[derive(Clone, Default)]
struct Busy(Arc<std::sync::Mutex<Accounts>>);

#[derive(Default)]
struct Accounts {
    at_work: HashSet<i64>,
    /// Those that could not be opened, and when they are tried again.
    resting: HashMap<i64, Instant>,
}

impl Busy {
    /// Marks an account as worked on until what this answers is dropped, if it is neither already nor at rest.
    fn begin(&self, account: i64) -> Option<AtWork> {
        let mut accounts = self.accounts();
        let is_first = !accounts.resting.contains_key(&account) && accounts.at_work.insert(account);
        is_first.then(|| AtWork { busy: self.clone(), account })
    }

    /// Lets those go whose rest is over, and answers when the next one's is. By the machine's clock: one that was set back
    /// makes nobody rest for longer.
    fn wake(&self) -> Option<Instant> {
        let mut accounts = self.accounts();
        let now = Instant::now();
        accounts.resting.retain(|_, until| *until > now);
        accounts.resting.values().min().copied()
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An account that is worked on.
struct AtWork {
    busy: Busy,
    account: i64,
}

impl AtWork {
    fn rests(&self) {
        self.busy.accounts().resting.insert(self.account, Instant::now() + OPENED_AGAIN_AFTER);
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.busy.accounts().at_work.remove(&self.account);
    }
}

impl Service {
    /// Carries planned intents out as they become due, and looks after the ledger, until the service is closing. Calls go
    /// on in `at_work`.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn keep_lanes(self: &Arc<Self>, at_work: &TaskTracker) -> Result<()> {
        for account in self.store().accounts().await? {
            match self.lane(account.id).await {
                // It was removed a moment ago.
                Ok(_) | Err(ServiceError::Store(StoreError::NotFound { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let busy = Busy::default();
        let (mut looked_after, mut cleared) = (None, None);
        let mut written = self.store().written();
        loop {
            written.mark_unchanged();
            let now = self.now();
            if is_over(looked_after, LOOKED_AFTER_EVERY, now) {
                self.look_after(now, at_work).await?;
                looked_after = Some(now);
            }
            if is_over(cleared, CLEARED_EVERY, now) {
                self.clear_up(now, at_work).await?;
                cleared = Some(now);
            }
            let wakes = busy.wake();
            let due = self.store().due_lanes(now).await?;
            for account in due.accounts {
                if let Some(mark) = busy.begin(account) {
                    let service = Arc::clone(self);
                    at_work.spawn(async move { service.work_on(account, mark).await });
                }
            }
            let look_again = looked_after.and_then(|at| at.checked_add(LOOKED_AFTER_EVERY).ok());
            let next = due.next.into_iter().chain(look_again).min();
            tokio::select! {
                () = self.closing.cancelled() => return Ok(()),
                () = gathered(&mut written) => {}
                () = self.delivery.ended.notified() => {}
                () = self.until(next) => {}
                // A clock that was set back does not come to the moment that is waited for.
                () = tokio::time::sleep_until(wakes.unwrap_or_else(|| Instant::now() + LOOKED_AT_LEAST_EVERY)) => {}
            }
        }
    }

    /// The way out of an account.
    pub(crate) fn way<'a>(&'a self, lane: &'a Lane, now: &'a (dyn Fn() -> Timestamp + Send + Sync)) -> Way<'a> {
        Way { store: self.store(), lanes: &self.delivery.lanes, lane, mark: self, now }
    }

    /// How the lanes stand: who is at work, and who waits for how long.
    #[must_use]
    pub fn lanes(&self) -> Vec<Standing> {
        self.delivery.lanes.standings()
    }

    /// Carries out what is due for one account.
    async fn work_on(&self, account: i64, mark: AtWork) {
        if let Err(error) = self.work_off(account).await {
            tracing::warn!(account, %error, "nothing can be carried out for this account now");
            mark.rests();
        }
        drop(mark);
        // What was planned meanwhile waits for the end of this.
        self.delivery.ended.notify_one();
    }

    /// Carries out what is due for an account.
    async fn work_off(&self, account: i64) -> Result<()> {
        let accounts = self.store().accounts().await?;
        let Some(name) = accounts.into_iter().find(|of| of.id == account).map(|of| of.name) else { return Ok(()) };
        let open = self.open_account(&name).await?;
        let (lane, provider, now) = (self.lane(account).await?, open.connection.prompt(), || self.now());
        let executor = Executor { way: self.way(&lane, &now), provider: &provider };
        let worked = match executor.work_off(Class::Bulk).await {
            Ok(worked) => worked,
            Err(CutShort { error, taken }) => {
                self.delivery.cut_short().entry(account).or_default().extend(taken);
                self.give_up(account).await;
                return Err(error.into());
            }
        };
        self.keep_pauses(&open).await?;
        if worked.claimed > 0 {
            tracing::info!(account = name, intents = worked.claimed, answered = worked.answered, "worked off");
        }
        Ok(())
    }

    /// Gives up what was cut short for an account. Where the storage does not take that either, it is tried again in a
    /// minute.
    async fn give_up(&self, account: i64) {
        let taken = self.delivery.cut_short().remove(&account).unwrap_or_default();
        for some in taken.chunks(MAX_INTENTS_AT_ONCE) {
            let given_up = async {
                let lane = self.lane(account).await?;
                Ok::<_, ServiceError>(self.store().give_up_intents(&lane, some, self.now()).await?)
            };
            if let Err(error) = given_up.await {
                tracing::warn!(account, %error, "what was cut short could not be given up yet");
                self.delivery.cut_short().entry(account).or_default().extend_from_slice(some);
            }
        }
    }

    /// Ends what is too late, resolves the doubts that need nobody to decide, and tells of what is stuck.
    async fn look_after(self: &Arc<Self>, now: Timestamp, at_work: &TaskTracker) -> Result<()> {
        let cut_short: Vec<i64> = self.delivery.cut_short().keys().copied().collect();
        for account in cut_short {
            self.give_up(account).await;
        }
        self.store().expire_intents(now).await?;
        self.resolve_doubts(now, at_work).await?;
        let figures = self.store().intent_figures(None).await?;
        if let Some(since) = figures.oldest_opt_out.filter(|since| now.duration_since(*since) > OPT_OUT_ALARM) {
            tracing::error!(%since, "an opt-out has not reached its provider yet: look at `postroom intent list`");
        }
        for lane in self.lanes().into_iter().filter(|lane| lane.waited > TURN_ALARM) {
            tracing::error!(
                account = lane.account,
                waiting = lane.waiting,
                waited_s = lane.waited.as_secs(),
                "a lane makes no progress"
            );
        }
        Ok(())
    }

    /// Clears away what ended long ago, and reminds providers of whom they are still to erase.
    async fn clear_up(self: &Arc<Self>, now: Timestamp, at_work: &TaskTracker) -> Result<()> {
        if let Ok(before) = now.checked_sub(ENDED_KEPT) {
            self.store().clear_intents(before).await?;
        }
        let service = Arc::clone(self);
        at_work.spawn(async move {
            match service.tell_providers(None).await {
                Ok(told) => {
                    for reason in told.reasons {
                        tracing::warn!(reason, "a provider is still to erase somebody");
                    }
                }
                Err(error) => tracing::warn!(%error, "providers could not be told whom to erase"),
            }
        });
        Ok(())
    }

    /// The right to work on an account's intents. The first time it is taken over from whoever had it: a store has one
    /// writer, so that one is dead, and what it had armed is in doubt from now on.
    pub(crate) async fn lane(&self, account: i64) -> Result<Lane> {
        let mut taken = self.delivery.taken.lock().await;
        if let Some(lane) = taken.get(&account) {
            return Ok(lane.clone());
        }
        let takeover = self.store().take_over_lane(account, &self.delivery.owner, self.now()).await?;
        if takeover.in_doubt > 0 {
            tracing::warn!(account, intents = takeover.in_doubt, "a program ended before it knew what became of these");
        }
        taken.insert(account, takeover.lane.clone());
        Ok(takeover.lane)
    }
}

#[async_trait]
impl Mark for Service {
    async fn renew(&self) -> postroom_store::Result<()> {
        self.renew_mark().await.map_err(|error| match error {
            ServiceError::Store(error) => error,
            error => StoreError::Failed { doing: "renew its mark", cause: error.to_string() },
        })
    }
}

/// Whether a time has passed since something was done last.
fn is_over(last: Option<Timestamp>, every: SignedDuration, now: Timestamp) -> bool {
    // A clock that was set back shows a moment before the last one: then it is done as well.
    last.is_none_or(|last| now.duration_since(last) >= every || now < last)
}
