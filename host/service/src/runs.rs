//! Plan, run, and every number of a report down to the entry and the reason (row A3, invariant 8).

use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use postroom_domain::intent::Class;
use postroom_domain::outcome::OutcomeClass;
use postroom_store::intents::Halted;
use postroom_store::runs::{OutcomeQuery, OutcomeRow, ReportNumber, Run, TagOutcome};
use postroom_store::syncs::Sync;
use postroom_store::{Store, StoreError};
use postroom_sync::{Plan, Progress, RunOptions, RunReport, Surroundings, SyncError};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::OwnedMutexGuard;

use crate::accounts::OpenAccount;
use crate::{Result, Service, ServiceError, paging};

/// Up to so many changes a run that nobody asked for is served as one that somebody waits for.
const PROMPT_AT_MOST: u64 = 500;

/// Up to so many entries it judges beside everything else: some 20 ms of a processor.
const JUDGED_AT_ONCE: u64 = 10_000;

/// A page of the entries behind one number of a report.
#[derive(Debug, Clone, Serialize)]
pub struct OutcomePage {
    /// The run's number.
    pub run: i64,
    /// Which of its numbers was opened; none for everything that is stored.
    pub of: Option<String>,
    /// The entries, each with its reason.
    pub outcomes: Vec<OutcomeRow>,
    /// The row behind which the next page begins; none at the end.
    pub next: Option<u64>,
}

/// A number of a report, as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberName(ReportNumber);

impl NumberName {
    /// The numbers beside the ten counts.
    const OTHERS: [(&'static str, ReportNumber); 5] = [
        ("tags-added", ReportNumber::Tag(TagOutcome::Added)),
        ("tags-removed", ReportNumber::Tag(TagOutcome::Removed)),
        ("tags-refused", ReportNumber::Tag(TagOutcome::Refused)),
        ("address-omitted", ReportNumber::AddressOmitted),
        ("left-out", ReportNumber::LeftOut),
    ];

    /// Every name, in the order of a report.
    pub fn all() -> impl Iterator<Item = &'static str> {
        OutcomeClass::ALL.iter().map(|class| class.as_str()).chain(Self::OTHERS.iter().map(|(name, _)| *name))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> ReportNumber {
        self.0
    }

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self.0 {
            ReportNumber::Class(class) => class.as_str(),
            other => Self::OTHERS.iter().find(|(_, number)| *number == other).map_or("", |(name, _)| name),
        }
    }
}

impl FromStr for NumberName {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if let Ok(class) = text.parse::<OutcomeClass>() {
            return Ok(Self(ReportNumber::Class(class)));
        }
        Self::OTHERS.iter().find(|(name, _)| *name == text).map(|(_, number)| Self(*number)).ok_or_else(|| {
            format!("`{text}` is not a number of a report: use one of {}", Self::all().collect::<Vec<_>>().join(", "))
        })
    }
}

impl Service {
    /// What a run of a sync would do now. Calls no provider, and writes nothing but the members of the
    /// segment that the sync takes: a sync of a segment is planned over a store that can be written.
    ///
    /// # Errors
    ///
    /// Not found, and when the storage fails.
    pub async fn plan_sync(&self, name: &str, options: &RunOptions) -> Result<Plan> {
        let sync = self.store().sync(name).await?;
        self.planned(&sync, options).await
    }

    async fn planned(&self, sync: &Sync, options: &RunOptions) -> Result<Plan> {
        let account = self.store().account(&sync.audience.account).await?;
        // Without its plugin a sync can't run, but what a run would do can be said: by comparing everything.
        let plugin = self.shelf.digest(self.store(), &account.plugin).await?.unwrap_or_default();
        self.gather(sync).await?;
        postroom_sync::plan(self.store(), sync, options, plugin, self.now())
            .await
            .map_err(|error| run_error(error, &sync.audience.account))
    }

    /// Runs a sync if its plan has anything to send: as one that somebody waits for if that is little. Answers with
    /// nothing if there is nothing to send.
    ///
    /// # Errors
    ///
    /// As [`run_sync`](Self::run_sync).
    pub(crate) async fn run_sync_if_needed(self: &Arc<Self>, name: &str) -> Result<Option<RunReport>> {
        let turn = self.turns.next(name).await;
        let sync = self.store().sync(name).await?;
        let options = RunOptions::default();
        let plan = self.planned(&sync, &options).await?;
        if plan.needs_nothing() {
            // The next plan need not look again at what moved and was nothing to it: a bulk run beside it moves thousands.
            if let Some(picture) = plan.picture() {
                self.store().keep_picture(sync.id, picture).await?;
            }
            return Ok(None);
        }
        // What is held would be written down as not reached, all of it, at each try.
        if plan.unsubscribe == 0
            && let Some(halted) = self.halted(&sync.audience.account).await?
        {
            let why = format!("nothing leaves account `{}` but opt-outs: {}", sync.audience.account, halted.why);
            return Err(StoreError::Refused(why).into());
        }
        let open = self.open_account(&sync.audience.account).await?;
        // Who was erased here goes before anybody is sent.
        self.tell_providers(Some(&sync.audience.account)).await?;
        let (is_prompt, is_short) = (plan.sends() <= PROMPT_AT_MOST, plan.judges() <= JUDGED_AT_ONCE);
        let class = if is_prompt { Class::Interactive } else { Class::Bulk };
        let service = Arc::clone(self);
        let run = async move {
            let at_work = service.at_work(turn, &sync);
            let options = RunOptions { class, ..options };
            let report = service.carried_out(&sync, &open, Some(&plan), &options, &|_| {}).await?;
            at_work.ended();
            Ok(Some(report))
        };
        if is_prompt && is_short { run.await } else { self.background.run(run).await }
    }

    /// Runs a sync. A run that stopped on its way is an answer: its report says why. A sync runs once at a time; the
    /// next waits for its turn. `progress` is told how far it is, by another thread.
    ///
    /// # Errors
    ///
    /// Not found; [`RunNeedsApproval`](ServiceError::RunNeedsApproval); the provider's refusal when
    /// not even the run's preparation succeeds.
    pub async fn run_sync(
        self: &Arc<Self>,
        name: &str,
        options: &RunOptions,
        progress: impl Fn(Progress) + Send + std::marker::Sync + 'static,
    ) -> Result<RunReport> {
        let (service, name, options) = (Arc::clone(self), name.to_owned(), options.clone());
        self.background.run(async move { service.run_behind(&name, &options, &progress).await }).await
    }

    /// The run of a sync, where it keeps nobody from a processor.
    async fn run_behind(
        &self,
        name: &str,
        options: &RunOptions,
        progress: &(dyn Fn(Progress) + Send + std::marker::Sync),
    ) -> Result<RunReport> {
        let turn = self.turns.next(name).await;
        // As it stands now: it may have been changed while its turn was waited for.
        let sync = self.store().sync(name).await?;
        let account = &sync.audience.account;
        let open = self.open_account(account).await?;
        // Who was erased here goes before anybody is sent.
        self.tell_providers(Some(account)).await?;
        self.gather(&sync).await?;
        let at_work = self.at_work(turn, &sync);
        let report = self.carried_out(&sync, &open, None, options, progress).await?;
        at_work.ended();
        Ok(report)
    }

    /// What stops an account, if anything does.
    async fn halted(&self, account: &str) -> Result<Option<Halted>> {
        let id = self.store().account(account).await?.id;
        let halts = self.store().halts().await?;
        Ok(halts.into_iter().find(|halted| halted.halt.account().is_none_or(|account| account == id)))
    }

    /// A run that is at work as long as nobody says otherwise.
    fn at_work(&self, turn: OwnedMutexGuard<()>, sync: &Sync) -> AtWork {
        AtWork { store: Arc::clone(&self.store), sync: sync.id, at: self.now(), turn: Some(turn) }
    }

    /// Runs a sync over its open account, by a plan that was made a moment ago or by one that is made now.
    async fn carried_out(
        &self,
        sync: &Sync,
        open: &OpenAccount,
        plan: Option<&Plan>,
        options: &RunOptions,
        progress: &(dyn Fn(Progress) + Send + std::marker::Sync),
    ) -> Result<RunReport> {
        let (lane, now) = (self.lane(open.account.id).await?, || self.now());
        let stops = || self.closing.is_cancelled();
        let around = Surroundings { way: self.way(&lane, &now), progress, stops: &stops };
        let is_prompt = options.class != Class::Bulk;
        let connection = if is_prompt { open.connection.prompt() } else { open.connection.clone() };
        let report = match plan {
            Some(plan) => postroom_sync::carry_out(&connection, sync, plan, options, around).await,
            None => postroom_sync::run(&connection, sync, options, around).await,
        };
        self.keep_pauses(open).await?;
        report.map_err(|error| run_error(error, &open.account.name))
    }

    /// The latest runs first, of one sync or of all.
    ///
    /// # Errors
    ///
    /// Not found for a sync that is not there.
    pub async fn runs(&self, sync: Option<&str>, limit: u32) -> Result<Vec<Run>> {
        if let Some(name) = sync {
            self.store().sync(name).await?;
        }
        Ok(self.store().runs(sync, limit).await?)
    }

    /// One run with its report.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn run(&self, id: i64) -> Result<Run> {
        Ok(self.store().run(id).await?)
    }

    /// A page of the entries behind one number of a run's report, from behind the row `after`.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn run_outcomes(&self, run: i64, of: Option<NumberName>, after: u64, limit: u32) -> Result<OutcomePage> {
        self.store().run(run).await?;
        let query = OutcomeQuery { run, of: of.map(NumberName::number), after, limit };
        let outcomes = self.store().outcomes(&query).await?;
        let next = paging::next(&outcomes, limit, |row| row.row);
        Ok(OutcomePage { run, of: of.map(|name| name.as_str().to_owned()), outcomes, next })
    }
}

/// A run at work, with the turn of its sync. One that is dropped, since its client is gone or the storage failed, is ended
/// before anybody else has the turn: else other syncs of the audience would wait for what it had armed.
struct AtWork {
    store: Arc<dyn Store>,
    sync: i64,
    at: Timestamp,
    turn: Option<OwnedMutexGuard<()>>,
}

impl AtWork {
    fn ended(mut self) {
        self.turn = None;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let (store, sync, at) = (Arc::clone(&self.store), self.sync, self.at);
        // Without a runtime the process is ending, and the next one does it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = store.abandon_runs(sync, at).await {
                    tracing::warn!(sync, %error, "a run that was cut short could not be ended; the next one does it");
                }
                drop(turn);
            });
        }
    }
}

fn run_error(error: SyncError, account: &str) -> ServiceError {
    match error {
        SyncError::Store(error) => error.into(),
        SyncError::NeedsApproval { sync, trips } => {
            ServiceError::RunNeedsApproval { sync, reasons: trips.iter().map(ToString::to_string).collect() }
        }
        SyncError::Provider { sync, failure } => {
            ServiceError::RunNotBegun { sync, account: account.to_owned(), reason: failure.reason().clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a3_every_number_of_a_report_has_a_name() {
        let names: Vec<&str> = NumberName::all().collect();
        assert_eq!(names.len(), 15);
        for name in names {
            assert_eq!(name.parse::<NumberName>().unwrap().as_str(), name);
        }
        assert!("entries".parse::<NumberName>().unwrap_err().contains("tags-refused"));
    }
}
