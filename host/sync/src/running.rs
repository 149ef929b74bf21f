//! The run: the list walked in pages, several batches under way, each recorded as it ends.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::future::join;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use postroom_delivery::{Failure, LaneGate, Patience, Provider, Way};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::{self, Departure, Policy, TagState, settings_hash};
use postroom_domain::discovery::Discovery;
use postroom_domain::intent::Class;
use postroom_domain::outcome::{Counts, OutcomeClass, Reason, TagCounts};
use postroom_store::runs::{BatchRecord, RunStart, RunState, RunSummary, SnapshotPage};
use postroom_store::syncs::Sync;
use serde::Serialize;

use crate::batches::{Batch, Desk, Recorded};
use crate::error::SyncError;
use crate::judge::{OptOut, Sending, Tagging, Work, judge, outcome, outcome_of, owed};
use crate::ledger::{Ledger, Sums};
use crate::offences::Offences;
use crate::planning::{DEPARTED, Plan, plan, policy};
use crate::post::{Post, Stop};
use crate::tagging::Tags;
use crate::walk::Walk;

/// Up to this number of contacts a run with a bound needs no further yes: enough to see how the
/// provider takes them, few enough to mend by hand.
pub const CANARY: u64 = 100;

/// How a run is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOptions {
    /// Send at most this many contacts, and change no tag of those that left: a canary.
    pub first: Option<u64>,
    /// Try remembered refusals again.
    pub retry_rejected: bool,
    /// Compare every entry, also when what moved is known.
    pub full: bool,
    /// Somebody said yes to whatever the breaker asks.
    pub approved: bool,
    /// How soon its requests are served.
    pub class: Class,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { first: None, retry_rejected: false, full: false, approved: false, class: Class::Bulk }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Entries that have been counted.
    pub entries: u64,
    /// All entries of the list.
    pub of: u64,
}

/// The report of a run (row A3): `entries` is the sum of the other ten counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// The run's number: `run show` opens it.
    pub run: i64,
    /// The sync's name.
    pub sync: String,
    /// Where the entries ended.
    pub counts: Counts,
    /// What became of the tags.
    pub tags: TagCounts,
    /// How many contacts were sent without their address, because it is incomplete (row A4).
    pub address_omitted: u64,
    /// How the entries to be judged were found.
    #[serde(flatten)]
    pub discovery: Discovery,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
    /// Why the run stopped before its end, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Reason>,
}

/// What goes on around a run.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The way out of the sync's account.
    pub way: Way<'a>,
    /// Told how far the run is.
    pub progress: &'a (dyn Fn(Progress) + Send + std::marker::Sync),
    /// Whether the run is to stop: what is under way ends and is recorded, and nothing more is begun.
    pub stops: &'a (dyn Fn() -> bool + Send + std::marker::Sync),
}

/// Runs a sync.
///
/// # Errors
///
/// When the store fails, when the provider cannot even be prepared, or when somebody must say yes
/// first. A run that stops on its way is no error: its report says why.
pub async fn run(
    provider: &dyn Provider,
    sync: &Sync,
    options: &RunOptions,
    around: Surroundings<'_>,
) -> Result<RunReport, SyncError> {
    let Way { store, now, .. } = around.way;
    let plan = plan(store, sync, options, provider.digest(), now()).await?;
    carry_out(provider, sync, &plan, options, around).await
}

/// Runs a sync whose plan was made a moment ago, with the same options and by the same plugin.
///
/// # Errors
///
/// As [`run`].
pub async fn carry_out(
    provider: &dyn Provider,
    sync: &Sync,
    plan: &Plan,
    options: &RunOptions,
    around: Surroundings<'_>,
) -> Result<RunReport, SyncError> {
    let Surroundings { way, progress, stops } = around;
    let Way { store, now, .. } = way;
    // A small canary names its own bound, which is the yes that a run asks for.
    let is_canary = options.first.is_some_and(|first| first <= CANARY);
    if !options.approved && !is_canary && !plan.trips.is_empty() {
        return Err(SyncError::NeedsApproval { sync: sync.name.clone(), trips: plan.trips.clone() });
    }
    let audience = sync.audience.remote_id.as_str();
    let prepared = if plan.create + plan.update + plan.rename > 0 {
        prepare(provider, audience).await.map_err(|failure| SyncError::Provider { sync: sync.name.clone(), failure })?
    } else {
        Arc::default()
    };
    let start = RunStart {
        sync: sync.id,
        first: options.first,
        plugin_digest: provider.digest(),
        unchanged: plan.open.unchanged,
        at: now(),
    };
    let keep_picture = async {
        match &plan.open.picture {
            Some(picture) => store.keep_picture(sync.id, picture).await,
            None => Ok(()),
        }
    };
    // Asked for together, so that one commit serves both.
    let (run, kept) = join(store.begin_run(&start), keep_picture).await;
    kept?;
    let run = run?;
    let most = provider.max_concurrency().max(1);
    let gate = LaneGate::new(way, run, options.class, most);
    let mut office = Office {
        desk: Desk {
            store,
            post: Post { provider, gate: &gate, audience, prepared: &prepared, offences: &Offences::default() },
            tags: &Tags::new(plan.tags.0.clone(), plan.tags.1.clone()),
            run,
            stops: Arc::default(),
        },
        policy: policy(sync, options),
        sync,
        room: options.first.unwrap_or(u64::MAX),
        canary: options.first.is_some(),
        ledger: Ledger::default(),
        plan,
        progress,
        stops,
    };
    office.work().await?;
    office.close(now()).await
}

async fn prepare(provider: &dyn Provider, audience: &str) -> Result<Arc<[u8]>, Failure> {
    let mut patience = Patience::default();
    loop {
        match provider.prepare(audience).await {
            Ok(prepared) => return Ok(prepared.into()),
            Err(failure) => patience.wait(failure).await?,
        }
    }
}

/// A run at work.
struct Office<'a> {
    desk: Desk<'a>,
    policy: Policy,
    sync: &'a Sync,
    /// How many more contacts may be sent.
    room: u64,
    canary: bool,
    ledger: Ledger,
    plan: &'a Plan,
    progress: &'a (dyn Fn(Progress) + Send + std::marker::Sync),
    stops: &'a (dyn Fn() -> bool + Send + std::marker::Sync),
}

/// Work on its way.
#[derive(Default)]
struct Queues<'a> {
    under_way: FuturesUnordered<Batch<'a>>,
    /// Batches that wait for a free place.
    waiting: VecDeque<Batch<'a>>,
    /// Contacts that wait for a full batch.
    sends: Vec<Sending>,
    /// The same of tags.
    taggings: Vec<Tagging>,
}

impl<'a> Office<'a> {
    async fn work(&mut self) -> Result<(), SyncError> {
        let mut queues = Queues::default();
        let (store, sync) = (self.desk.store, self.sync);
        let settings = settings_hash(&sync.mapping, &self.policy);
        // Those that are known to be unchanged stand with the run already.
        self.count(Sums::of(&BatchRecord { unchanged: self.plan.open.unchanged, ..BatchRecord::default() }));
        let open = &self.plan.open;
        // A canary sends those that come first on the list.
        let mut walk =
            if self.canary { Walk::by_place(store, sync.id, open) } else { Walk::by_contact(store, sync.id, open) };
        let mut page = walk.next(settings).await?;
        while let Some(current) = page {
            // The next page is read while this one is worked on.
            let (next, taken) = join(walk.next(settings), self.take(current, &mut queues)).await;
            taken?;
            page = next?;
        }
        let Queues { mut under_way, mut waiting, sends, taggings } = queues;
        if !sends.is_empty() {
            waiting.push_back(self.desk.push_batch(sends));
        }
        if !taggings.is_empty() {
            waiting.push_back(self.desk.tag_batch(taggings));
        }
        self.drain(&mut under_way, &mut waiting, 0).await?;
        self.finish(&mut under_way).await?;
        if !self.canary {
            self.untag_departed(&mut under_way).await?;
        }
        Ok(())
    }

    /// Judges a page of entries, and starts the batches that are full.
    async fn take(&mut self, page: SnapshotPage, queues: &mut Queues<'a>) -> Result<(), SyncError> {
        self.heed();
        let batch = self.desk.post.provider.max_batch().max(1);
        let Queues { under_way, waiting, sends, taggings } = queues;
        let mut settled = BatchRecord::default();
        let mut opt_outs: Vec<OptOut> = Vec::new();
        for row in page.rows {
            match self.admit(judge(row, page.as_of, &self.sync.mapping, &self.policy)) {
                Work::Unchanged(needs_nothing) => {
                    settled.unchanged += 1;
                    settled.settled.extend(needs_nothing);
                }
                Work::Settled(outcome) => settled.outcomes.push(outcome),
                Work::OptOut(item) => opt_outs.push(*item),
                Work::Tag(item) => taggings.push(item),
                Work::Send(item) => sends.push(*item),
            }
        }
        self.record(settled).await?;
        for chunk in chunks(opt_outs, batch) {
            waiting.push_front(self.desk.opt_out_batch(chunk));
        }
        while sends.len() >= batch {
            let rest = sends.split_off(batch);
            waiting.push_back(self.desk.push_batch(std::mem::replace(sends, rest)));
        }
        while taggings.len() >= batch {
            let rest = taggings.split_off(batch);
            waiting.push_back(self.desk.tag_batch(std::mem::replace(taggings, rest)));
        }
        self.drain(under_way, waiting, 0).await
    }

    /// Takes up that the run is to stop, so that the rest of it is pending.
    fn heed(&self) {
        if (self.stops)() {
            let stopped = Reason::new("stopped", "the program was asked to stop; the next run goes on from here");
            self.desk.stops.add(Stop::Everything(stopped));
        }
    }

    /// Lets work through while there is room; what is not reached is pending.
    fn admit(&mut self, work: Work) -> Work {
        let pending =
            |place, contact, reason| Work::Settled(outcome(place, Some(contact), OutcomeClass::Pending, Some(reason)));
        let stop = match work {
            Work::OptOut(_) => self.desk.stops.of_opt_outs().cloned(),
            _ => self.desk.stops.of_sending().map(|stop| stop.reason().clone()),
        };
        let reason = match (stop, self.room) {
            (Some(stop), _) => Some(stop),
            (None, 0) => Some(Reason::new("canary", "beyond the number of contacts that this run was to send")),
            (None, _) => None,
        };
        match (work, reason) {
            (Work::Send(item), Some(reason)) => pending(item.place, item.contact.contact, reason),
            (Work::OptOut(item), Some(reason)) => {
                Work::Settled(outcome_of(item.place, item.contact, OutcomeClass::Pending, Some(reason)))
            }
            // Its data is as it should be; the tag is done by the next run.
            (Work::Tag(_), Some(_)) => Work::Unchanged(None),
            (work @ (Work::Send(_) | Work::OptOut(_) | Work::Tag(_)), None) => {
                self.room = self.room.saturating_sub(1);
                work
            }
            (work @ (Work::Settled(_) | Work::Unchanged(_)), _) => work,
        }
    }

    /// Starts waiting batches and counts finished ones until at most `left` wait.
    async fn drain(
        &mut self,
        under_way: &mut FuturesUnordered<Batch<'a>>,
        waiting: &mut VecDeque<Batch<'a>>,
        left: usize,
    ) -> Result<(), SyncError> {
        let most = self.desk.post.provider.max_concurrency().max(1);
        loop {
            while under_way.len() < most {
                let Some(batch) = waiting.pop_front() else { break };
                under_way.push(batch);
            }
            if waiting.len() <= left && under_way.len() < most {
                return Ok(());
            }
            let Some(done) = under_way.next().await else { return Ok(()) };
            self.settle(done?);
        }
    }

    async fn finish(&mut self, under_way: &mut FuturesUnordered<Batch<'a>>) -> Result<(), SyncError> {
        while let Some(done) = under_way.next().await {
            self.settle(done?);
        }
        Ok(())
    }

    /// Records what needed no batch.
    async fn record(&mut self, record: BatchRecord) -> Result<(), SyncError> {
        let sums = self.desk.record(record).await?;
        self.count(sums);
        Ok(())
    }

    /// Takes up what a batch came to.
    fn settle(&mut self, batch: Recorded) {
        for sentence in &batch.warnings {
            self.ledger.warn(sentence);
        }
        for sentence in &batch.tag_warnings {
            self.ledger.warn_of_tags(sentence);
        }
        if let Some(stop) = batch.stop {
            self.desk.stops.add(stop);
        }
        self.heed();
        self.count(batch.sums);
    }

    fn count(&mut self, sums: Sums) {
        self.ledger.book(sums);
        (self.progress)(Progress { entries: self.ledger.sums.counts.entries, of: self.plan.entries });
    }

    /// Takes the tag off those that left the list (row A8) or withdrew for it or the purpose, and tells the provider of those among them
    /// that withdrew.
    async fn untag_departed(&mut self, under_way: &mut FuturesUnordered<Batch<'a>>) -> Result<(), SyncError> {
        let batch = self.desk.post.provider.max_batch().max(1);
        let mut behind = ContactId(0);
        loop {
            self.heed();
            let tagged = self.plan.open.tagged_departed;
            let page = self.desk.store.departed(self.sync.id, tagged, behind, DEPARTED).await?;
            let Some(last) = page.rows.last() else { break };
            behind = last.contact;
            let mut settled = BatchRecord::default();
            let mut work = Vec::new();
            let mut opt_outs = Vec::new();
            let as_of = page.as_of;
            for row in page.rows {
                if row.owes_opt_out {
                    opt_outs.push(OptOut {
                        place: None,
                        contact: row.contact,
                        address: row.address,
                        remote_id: row.remote_id,
                        attempt: [0; 16],
                        as_of,
                    });
                    continue;
                }
                if row.is_taken_over {
                    // The tag on the member is the other contact's now.
                    settled.tags.push((row.contact, TagState::default()));
                    continue;
                }
                match decision::depart(&row.tag, self.policy.retry_rejected) {
                    Departure::Nothing => {}
                    Departure::Owed(refused) => settled.outcomes.push(owed(None, row.contact, &refused)),
                    Departure::Untag(_) if self.desk.stops.of_sending().is_some() => {}
                    Departure::Untag(tag) => work.push(Tagging {
                        place: None,
                        contact: row.contact,
                        address: row.address,
                        remote_id: row.remote_id,
                        observed: None,
                        add: None,
                        remove: Some(tag),
                        state: row.tag,
                        as_of,
                    }),
                }
            }
            self.record(settled).await?;
            let mut waiting: VecDeque<_> =
                chunks(opt_outs, batch).map(|chunk| self.desk.opt_out_batch(chunk)).collect();
            waiting.extend(chunks(work, batch).map(|chunk| self.desk.tag_batch(chunk)));
            self.drain(under_way, &mut waiting, 0).await?;
        }
        self.finish(under_way).await
    }

    async fn close(mut self, at: Timestamp) -> Result<RunReport, SyncError> {
        for notice in &self.plan.notices {
            self.ledger.warn(notice);
        }
        let stopped = self.desk.stops.of_sending().map(|stop| stop.reason().clone());
        if let Some(reason) = &stopped {
            self.ledger.warn(&format!("the run stopped before its end: {}", reason.message));
        }
        let state = if stopped.is_some() { RunState::Stopped } else { RunState::Finished };
        let Sums { counts, tags, address_omitted } = self.ledger.sums;
        let summary = RunSummary {
            state,
            counts,
            tags,
            address_omitted,
            warnings: self.ledger.warnings(self.sync.tag_warning.as_deref()),
            stopped,
            discovery: Some(self.plan.discovery),
        };
        self.desk.store.finish_run(self.desk.run, &summary, self.ledger.tag_warning().as_deref(), at).await?;
        Ok(RunReport {
            run: self.desk.run,
            sync: self.sync.name.clone(),
            counts: summary.counts,
            tags: summary.tags,
            address_omitted: summary.address_omitted,
            discovery: self.plan.discovery,
            warnings: summary.warnings,
            stopped: summary.stopped,
        })
    }
}

/// A list in pieces of at most `size`.
fn chunks<T>(items: Vec<T>, size: usize) -> impl Iterator<Item = Vec<T>> {
    let mut rest = items.into_iter();
    std::iter::from_fn(move || {
        let piece: Vec<T> = rest.by_ref().take(size).collect();
        if piece.is_empty() { None } else { Some(piece) }
    })
}
