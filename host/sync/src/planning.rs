//! The dry run: what a run would do, counted in one walk over what may need something.

use std::collections::BTreeMap;

use futures_util::future::join;
use jiff::Timestamp;
use postroom_domain::breaker::{self, Trip, Volume};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::{self, Departure, OnCreate, Policy, PushKind, TagStep, settings_hash};
use postroom_domain::discovery::Discovery;
use postroom_domain::outcome::{Counts, OutcomeClass};
use postroom_store::Store;
use postroom_store::discovery::{Look, OpenEntries, Picture};
use postroom_store::syncs::Sync;
use serde::Serialize;

use crate::error::SyncError;
use crate::judge::{Work, judge};
use crate::push::may_subscribe;
use crate::running::RunOptions;

/// How many entries one read brings: large enough that the query's own cost disappears, small enough
/// that a page of the fullest contacts stays below 10 MB.
pub(crate) const PAGE: usize = 2_000;
/// The same of contacts that left, of which less is read.
pub(crate) const DEPARTED: u32 = 2_000;
/// How many entries of each kind a plan names: enough to recognise a mistake.
const SAMPLES: usize = 5;

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The sync's name.
    pub sync: String,
    /// How many entries the list has.
    pub entries: u64,
    /// Contacts that the audience is not known to have.
    pub create: u64,
    /// Of those, how many as subscribed.
    pub subscribe: u64,
    /// Members with other values.
    pub update: u64,
    /// Members with another address.
    pub rename: u64,
    /// Members to be unsubscribed, because they withdrew here.
    pub unsubscribe: u64,
    /// Tags to be put on.
    pub tag: u64,
    /// Tags to be taken off.
    pub untag: u64,
    /// Tags that stay owed, because the member's status did not allow them.
    pub tags_owed: u64,
    /// Contacts that would go without their address, because it is incomplete.
    pub address_omitted: u64,
    /// Entries that nothing is sent for, by count: unchanged, duplicate, invalid, blocked, skipped,
    /// and failed for those that were refused before and have not changed.
    pub settled: Counts,
    /// Why the run would ask first; empty if it would not.
    pub trips: Vec<Trip>,
    /// Remarks for the operator.
    pub notices: Vec<String>,
    /// The first few entries of each kind.
    pub samples: BTreeMap<&'static str, Vec<Planned>>,
    /// The tags that would be put on and taken off.
    #[serde(skip)]
    pub(crate) tags: (Vec<String>, Vec<String>),
    /// How the entries to be judged were found.
    #[serde(flatten)]
    pub discovery: Discovery,
    /// Where the run has to look.
    #[serde(skip)]
    pub(crate) open: OpenEntries,
}

/// An entry that a plan names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Its place in the list; 0 for a contact that left it.
    pub position: u64,
    /// The contact.
    pub contact: ContactId,
    /// Its address.
    pub email: String,
}

impl Plan {
    /// Whether a run would send nothing.
    #[must_use]
    pub fn needs_nothing(&self) -> bool {
        self.sends() == 0
    }

    /// What was seen of the list: true as of its sequence number, for whoever keeps it.
    #[must_use]
    pub fn picture(&self) -> Option<&Picture> {
        self.open.picture.as_ref()
    }

    /// How many entries a run would judge.
    #[must_use]
    pub fn judges(&self) -> u64 {
        self.open.positions.len()
    }

    /// How many changes a run would send, those of tags counted apart.
    #[must_use]
    pub fn sends(&self) -> u64 {
        self.create + self.update + self.rename + self.unsubscribe + self.tag + self.untag
    }
}

/// The parts of a sync that decide.
pub(crate) fn policy(sync: &Sync, options: &RunOptions) -> Policy {
    Policy {
        newcomers: sync.newcomers,
        tag: sync.tag.clone(),
        retry_rejected: options.retry_rejected,
        list: (!sync.is_segment).then(|| sync.list.clone()),
        purpose: sync.purpose.clone(),
    }
}

/// Finds the entries of a sync's list that may need something and counts what a run with a plugin of this
/// digest would do at this moment. Calls no provider and writes nothing.
///
/// # Errors
///
/// When the store fails.
pub async fn plan(
    store: &dyn Store,
    sync: &Sync,
    options: &RunOptions,
    plugin_digest: String,
    at: Timestamp,
) -> Result<Plan, SyncError> {
    let policy = policy(sync, options);
    let settings = settings_hash(&sync.mapping, &policy);
    let look = Look { sync: sync.id, settings, plugin_digest, full: options.full, at };
    let mut plan = Plan::begun(sync, store.open_entries(&look).await?);
    let mut places = plan.open.page(0, PAGE);
    let mut page = store.snapshot(sync.id, settings, &places).await?;
    while let Some(last) = places.last().copied() {
        places = plan.open.page(last, PAGE);
        let judging = async {
            for row in page.rows {
                plan.add(judge(row, page.as_of, &sync.mapping, &policy));
            }
        };
        // The next page is read while this one is judged.
        let (next, ()) = join(store.snapshot(sync.id, settings, &places), judging).await;
        page = next?;
    }
    let mut members = plan.open.members;
    let mut behind = ContactId(0);
    loop {
        let page = store.departed(sync.id, plan.open.tagged_departed, behind, DEPARTED).await?;
        let Some(last) = page.rows.last() else { break };
        behind = last.contact;
        for row in page.rows {
            // Who is on the list still has been counted with it.
            members += u64::from(row.tag.owned.is_some() && !row.withdrew_here);
            if row.owes_opt_out {
                plan.unsubscribe += 1;
                plan.sample("unsubscribe", Planned { position: 0, contact: row.contact, email: row.address });
                continue;
            }
            match decision::depart(&row.tag, policy.retry_rejected) {
                _ if row.is_taken_over => {}
                Departure::Nothing => {}
                Departure::Owed(_) => plan.tags_owed += 1,
                Departure::Untag(tag) => {
                    plan.untag += 1;
                    plan.sample("untag", Planned { position: 0, contact: row.contact, email: row.address });
                    plan.will_remove(&tag);
                }
            }
        }
    }
    let volume = Volume {
        members,
        untag: plan.untag,
        unsubscribe: plan.unsubscribe,
        subscribe: plan.subscribe,
        create: plan.create,
        change: plan.update + plan.rename + plan.tag,
    };
    plan.trips = breaker::trips(&volume, sync.breaker_percent, sync.finished_runs == 0);
    plan.notice_renamed_list(sync);
    Ok(plan)
}

impl Plan {
    /// A plan that has counted what needs no look.
    fn begun(sync: &Sync, open: OpenEntries) -> Self {
        let mut settled = Counts::default();
        settled.book(OutcomeClass::Unchanged, open.unchanged);
        Self {
            sync: sync.name.clone(),
            entries: open.unchanged + open.positions.len(),
            create: 0,
            subscribe: 0,
            update: 0,
            rename: 0,
            unsubscribe: 0,
            tag: 0,
            untag: 0,
            tags_owed: 0,
            address_omitted: 0,
            settled,
            trips: Vec::new(),
            notices: Vec::new(),
            samples: BTreeMap::new(),
            tags: (Vec::new(), Vec::new()),
            discovery: open.discovery,
            open,
        }
    }

    fn add(&mut self, work: Work) {
        match work {
            Work::Unchanged(_) => self.settled.book(OutcomeClass::Unchanged, 1),
            Work::Settled(outcome) => {
                if let Some(class) = outcome.class {
                    self.settled.book(class, 1);
                }
                self.tags_owed += u64::from(outcome.tag.is_some());
            }
            Work::OptOut(item) => {
                self.unsubscribe += 1;
                self.sample(
                    "unsubscribe",
                    Planned {
                        position: item.place.map_or(0, |place| place.position),
                        contact: item.contact,
                        email: item.address,
                    },
                );
            }
            Work::Tag(item) => {
                self.settled.book(OutcomeClass::Unchanged, 1);
                self.count_tags(item.add.as_deref(), item.remove.as_deref());
                let position = item.place.map_or(0, |place| place.position);
                self.sample("tag", Planned { position, contact: item.contact, email: item.address });
            }
            Work::Send(item) => {
                self.subscribe += u64::from(may_subscribe(&item));
                self.address_omitted += u64::from(!item.projection.omitted.is_empty());
                let kind = match item.kind {
                    PushKind::Create => {
                        self.create += 1;
                        match item.on_create {
                            OnCreate::Subscribed => "create-subscribed",
                            _ => "create-not-subscribed",
                        }
                    }
                    PushKind::Update => {
                        self.update += 1;
                        "update"
                    }
                    PushKind::Rename => {
                        self.rename += 1;
                        "rename"
                    }
                };
                if let TagStep::Change { add, remove } = &item.tag {
                    self.count_tags(add.as_deref(), remove.as_deref());
                }
                let email = item.contact.address.as_str().to_owned();
                self.sample(kind, Planned { position: item.place.position, contact: item.contact.contact, email });
            }
        }
    }

    fn count_tags(&mut self, add: Option<&str>, remove: Option<&str>) {
        if let Some(tag) = add {
            self.tag += 1;
            if !self.tags.0.iter().any(|known| known == tag) {
                self.tags.0.push(tag.to_owned());
            }
        }
        if let Some(tag) = remove {
            self.untag += 1;
            self.will_remove(tag);
        }
    }

    fn will_remove(&mut self, tag: &str) {
        if !self.tags.1.iter().any(|known| known == tag) {
            self.tags.1.push(tag.to_owned());
        }
    }

    fn sample(&mut self, kind: &'static str, planned: Planned) {
        let samples = self.samples.entry(kind).or_default();
        if samples.len() < SAMPLES {
            samples.push(planned);
        }
    }

    /// A list or a segment that was renamed keeps its tag until somebody says otherwise (row A8).
    fn notice_renamed_list(&mut self, sync: &Sync) {
        if let Some(tag) = &sync.tag
            && !sync.tag_is_own
            && *tag != sync.list
        {
            let kind = if sync.is_segment { "segment" } else { "list" };
            self.notices.push(format!(
                "the {kind} is now called `{}` and its tag is still `{tag}`: `postroom sync edit {} --tag {}` renames the tag with the next run",
                sync.list,
                shown(&sync.name),
                shown(&sync.list)
            ));
        }
    }

    /// How many contacts the run would send, unsubscribe or tag.
    #[must_use]
    pub fn calls_for(&self) -> u64 {
        self.create + self.update + self.rename + self.unsubscribe + self.tag.max(self.untag)
    }
}

/// A name as it is typed in a shell.
fn shown(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if plain && !name.is_empty() { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}
