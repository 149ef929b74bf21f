//! One batch of work: carried out, booked, and recorded.
//!
//! Each request passes a gate, where it is armed: what it may make at the provider is written down before it
//! leaves, the members that may come to be and the tags that may come on. A run that dies, or a provider that does not answer,
//! leaves these notes, and later runs know whom to ask about: a contact that has left the list since
//! loses a tag that nobody confirmed, and one with another address does not become a second member.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use futures_util::future::BoxFuture;
use postroom_delivery::convert::MISSING;
use postroom_domain::contact::ContactId;
use postroom_domain::decision::{Confirmed, Memory, OnCreate, PushKind, RemoteStatus, TagStep};
use postroom_domain::outcome::{OutcomeClass, Reason};
use postroom_store::Store;
use postroom_store::runs::{BatchRecord, Confirmation, ConfirmedContent, Outcome};

use crate::error::SyncError;
use crate::judge::{OptOut, Sending, Tagging, outcome, outcome_of};
use crate::ledger::Sums;
use crate::opt_out::opt_out;
use crate::post::{Post, Stop};
use crate::push::{Verdict, push};
use crate::tagging::{Tagged, TaggedBatch, Tags};

/// What every batch of a run needs.
pub(crate) struct Desk<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) post: Post<'a>,
    pub(crate) tags: &'a Tags,
    pub(crate) run: i64,
    /// Why nothing more is sent, or nothing but opt-outs, once that is so. Batches that wait for their turn look at
    /// it.
    pub(crate) stops: Arc<Stops>,
}

/// What stops a run. The first reason of each kind is the one that is told.
#[derive(Debug, Default)]
pub(crate) struct Stops {
    everything: OnceLock<Reason>,
    all_but_opt_outs: OnceLock<Reason>,
}

impl Stops {
    pub(crate) fn add(&self, stop: Stop) {
        match stop {
            Stop::Everything(reason) => self.everything.get_or_init(|| reason),
            Stop::AllButOptOuts(reason) => self.all_but_opt_outs.get_or_init(|| reason),
        };
    }

    /// Why no data and no tags are sent.
    pub(crate) fn of_sending(&self) -> Option<Stop> {
        let held = || self.all_but_opt_outs.get().cloned().map(Stop::AllButOptOuts);
        self.of_opt_outs().cloned().map(Stop::Everything).or_else(held)
    }

    /// Why not even opt-outs are sent.
    pub(crate) fn of_opt_outs(&self) -> Option<&Reason> {
        self.everything.get()
    }
}

/// A batch that was carried out.
struct Done {
    record: BatchRecord,
    warnings: Vec<String>,
    tag_warnings: Vec<String>,
    stop: Option<Stop>,
}

/// A batch that was recorded: what the run is told of it.
pub(crate) struct Recorded {
    pub(crate) sums: Sums,
    pub(crate) warnings: Vec<String>,
    pub(crate) tag_warnings: Vec<String>,
    pub(crate) stop: Option<Stop>,
}

/// A batch under way. It fails only when the store does.
pub(crate) type Batch<'a> = BoxFuture<'a, Result<Recorded, SyncError>>;

impl<'a> Desk<'a> {
    /// Records what needed no batch.
    pub(crate) async fn record(&self, record: BatchRecord) -> Result<Sums, SyncError> {
        let sums = Sums::of(&record);
        self::record(self.store, self.run, record).await?;
        Ok(sums)
    }

    /// A batch that is recorded as soon as it is carried out, beside the others.
    fn recorded(&self, work: impl Future<Output = Result<Done, SyncError>> + Send + 'a) -> Batch<'a> {
        let (store, run) = (self.store, self.run);
        Box::pin(async move {
            let Done { record, warnings, tag_warnings, stop } = work.await?;
            let sums = Sums::of(&record);
            self::record(store, run, record).await?;
            Ok(Recorded { sums, warnings, tag_warnings, stop })
        })
    }

    /// Pushes contacts, and changes the tags of those that the provider took.
    pub(crate) fn push_batch(&self, batch: Vec<Sending>) -> Batch<'a> {
        let Self { store, post, tags, run, .. } = *self;
        let stops = Arc::clone(&self.stops);
        self.recorded(async move {
            let mut done = Done::settled(BatchRecord::default());
            if let Some(stop) = stops.of_sending() {
                done.leave(batch, stop);
                return Ok(done);
            }
            let batch = match find(store, post, run, batch).await? {
                Found::All(batch) => batch,
                Found::Stopped(batch, stop) => {
                    done.leave(batch, stop);
                    return Ok(done);
                }
            };
            let pushed = push(post, batch).await?;
            done.stop = pushed.stop;
            done.record.ends = pushed.ends;
            let mut work = Vec::new();
            for (sending, verdict) in pushed.verdicts {
                if let Some(tagging) = done.take(sending, verdict).filter(|_| post.provider.has_tags()) {
                    work.push(tagging);
                }
            }
            // Tags that a stopped push leaves open stay owed.
            if done.stop.is_none() {
                done.tag(tags.apply(post, work).await?);
            }
            Ok(done)
        })
    }

    /// Changes the tags of contacts whose data is as it should be.
    pub(crate) fn tag_batch(&self, batch: Vec<Tagging>) -> Batch<'a> {
        let Self { post, tags, .. } = *self;
        let stops = Arc::clone(&self.stops);
        self.recorded(async move {
            let mut done = Done::settled(BatchRecord::default());
            done.tag(match stops.of_sending() {
                Some(stop) => TaggedBatch::untouched(batch, &stop),
                None => tags.apply(post, batch).await?,
            });
            Ok(done)
        })
    }

    /// Unsubscribes members.
    pub(crate) fn opt_out_batch(&self, batch: Vec<OptOut>) -> Batch<'a> {
        let post = self.post;
        let stops = Arc::clone(&self.stops);
        self.recorded(async move {
            if let Some(reason) = stops.of_opt_outs() {
                let pending =
                    |item: OptOut| outcome_of(item.place, item.contact, OutcomeClass::Pending, Some(reason.clone()));
                let outcomes = batch.into_iter().map(pending).collect();
                return Ok(Done::settled(BatchRecord { outcomes, ..BatchRecord::default() }));
            }
            let done = opt_out(post, batch).await?;
            Ok(Done { stop: done.stop, ..Done::settled(done.record) })
        })
    }
}

/// A batch of which nobody is in doubt, or why that could not be found out.
enum Found {
    All(Vec<Sending>),
    Stopped(Vec<Sending>, Stop),
}

/// Finds out about contacts that were sent under another address and not answered: those that are there
/// are known by their id before they are moved, so that a move that is not answered either loses nobody;
/// the others are yet to be made. What is found out is recorded before anything else is sent.
async fn find(store: &dyn Store, post: Post<'_>, run: i64, batch: Vec<Sending>) -> Result<Found, SyncError> {
    if !batch.iter().any(Sending::is_in_doubt) {
        return Ok(Found::All(batch));
    }
    let asked = batch.iter().filter(|sending| sending.is_in_doubt()).map(under_the_address_of_the_note).collect();
    let pushed = push(post, asked).await?;
    let mut record = BatchRecord { ends: pushed.ends, ..BatchRecord::default() };
    let mut members = HashMap::new();
    for (asked, verdict) in pushed.verdicts {
        let contact = asked.contact.contact;
        match verdict {
            Verdict::Taken { remote_id, status, .. } => {
                let (id, seen) = (remote_id.clone(), status.clone());
                record.confirmed.push(Confirmation { contact, remote_id: id, status: seen, content: None });
                members.insert(contact, Some((remote_id, status)));
            }
            Verdict::Refused { reason, .. } if reason.code == MISSING => {
                record.not_made.push(contact);
                members.insert(contact, None);
            }
            // Nothing is known yet; the move says what is wrong with the contact.
            Verdict::Refused { .. } | Verdict::Poison(_) | Verdict::Failed(_) | Verdict::Open(_) => {}
        }
    }
    self::record(store, run, record).await?;
    if let Some(stop) = pushed.stop {
        return Ok(Found::Stopped(batch, stop));
    }
    let known = batch.into_iter().map(|mut sending| {
        match members.remove(&sending.contact.contact) {
            Some(Some((remote_id, status))) => {
                // Who does not get mail is not made anew where the member is gone.
                if !matches!(status, None | Some(RemoteStatus::Subscribed | RemoteStatus::Pending)) {
                    sending.on_create = OnCreate::DoNotCreate;
                }
                if let Some(confirmed) = &mut sending.contact.confirmed {
                    (confirmed.remote_id, confirmed.status) = (remote_id, status);
                }
            }
            Some(None) => {
                sending.kind = PushKind::Create;
                sending.contact.confirmed = None;
            }
            None => {}
        }
        sending
    });
    Ok(Found::All(known.collect()))
}

/// The same contact as the member that the note tells of, if it is one: it is updated, not made.
fn under_the_address_of_the_note(sending: &Sending) -> Sending {
    let mut contact = sending.contact.clone();
    if let Some(sent) = &contact.confirmed {
        contact.address = sent.address.clone();
    }
    Sending {
        place: sending.place,
        contact,
        projection: sending.projection.clone(),
        kind: PushKind::Update,
        on_create: OnCreate::DoNotCreate,
        tag: TagStep::Keep,
        attempt: sending.attempt,
        as_of: sending.as_of,
    }
}

/// Records what a batch came to, if to anything.
async fn record(store: &dyn Store, run: i64, record: BatchRecord) -> Result<(), SyncError> {
    if record != BatchRecord::default() {
        store.record_batch(run, record).await?;
    }
    Ok(())
}

impl Done {
    fn settled(record: BatchRecord) -> Self {
        Self { record, warnings: Vec::new(), tag_warnings: Vec::new(), stop: None }
    }

    /// Books that nothing was sent to anybody of a batch.
    fn leave(&mut self, batch: Vec<Sending>, stop: Stop) {
        for sending in batch {
            self.take(sending, Verdict::Open(stop.reason().clone()));
        }
        self.stop = Some(stop);
    }

    /// Books what became of one contact, and says what its tag needs.
    fn take(&mut self, sending: Sending, verdict: Verdict) -> Option<Tagging> {
        let Sending { place, contact, projection, kind, tag, attempt, as_of, .. } = sending;
        let id = contact.contact;
        let (remote_id, status, booked) = match verdict {
            Verdict::Open(reason) => {
                self.record.outcomes.push(outcome(place, Some(id), OutcomeClass::Pending, Some(reason)));
                return None;
            }
            Verdict::Failed(reason) => {
                self.record.outcomes.push(outcome(place, Some(id), OutcomeClass::Failed, Some(reason)));
                return None;
            }
            // The note stays: the contact may have been made before the call failed.
            Verdict::Poison(reason) => {
                let class = OutcomeClass::Failed;
                self.record.memories.push((id, Some(Memory { class, reason: reason.clone(), attempt })));
                self.record.outcomes.push(outcome(place, Some(id), class, Some(reason)));
                return None;
            }
            Verdict::Refused { class, reason } => {
                self.record.memories.push((id, Some(Memory { class, reason: reason.clone(), attempt })));
                // A note of an earlier batch stays: that one may have made it.
                let was_noted = contact.confirmed.as_ref().is_some_and(Confirmed::is_only_sent);
                if kind == PushKind::Create && !was_noted {
                    self.record.not_made.push(id);
                }
                self.record.outcomes.push(outcome(place, Some(id), class, Some(reason)));
                return None;
            }
            Verdict::Taken { class, remote_id, status, left_out, warnings } => {
                self.warnings.extend(warnings);
                let address_omitted = !projection.omitted.is_empty();
                let booked = Outcome { left_out, address_omitted, ..outcome(place, Some(id), class, None) };
                (remote_id, status, booked)
            }
        };
        if contact.memory.is_some() {
            self.record.memories.push((id, None));
        }
        let tagging = match tag {
            TagStep::Change { add, remove } => Some(Tagging {
                place: Some(place),
                contact: id,
                address: contact.address.as_str().to_owned(),
                remote_id: remote_id.clone(),
                observed: status.clone(),
                add,
                remove,
                state: contact.tag,
                as_of,
            }),
            TagStep::Keep | TagStep::Owed(_) => None,
        };
        // The hash is of what was sent, so that the same is not sent again; the base is of what the
        // provider took.
        let mut base = projection.base;
        base.retain(|field, _| !booked.left_out.iter().any(|(left_out, _)| left_out == field));
        let content = ConfirmedContent { address: contact.address, hash: projection.hash, base };
        self.record.confirmed.push(Confirmation { contact: id, remote_id, status, content: Some(content) });
        self.record.outcomes.push(booked);
        tagging
    }

    /// Books what became of tags: with the outcome of the same contact where there is one.
    fn tag(&mut self, batch: TaggedBatch) {
        self.tag_warnings.extend(batch.warnings);
        self.stop = self.stop.take().or(batch.stop);
        self.record.ends.extend(batch.ends);
        let known: HashMap<Option<ContactId>, usize> =
            self.record.outcomes.iter().enumerate().map(|(at, outcome)| (outcome.contact, at)).collect();
        for Tagged { work, outcome: tag, reason, state } in batch.items {
            if state != work.state {
                self.record.tags.push((work.contact, state));
            }
            match known.get(&Some(work.contact)).and_then(|at| self.record.outcomes.get_mut(*at)) {
                Some(booked) => {
                    booked.tag = tag;
                    booked.reason = booked.reason.take().or(reason);
                }
                None => self
                    .record
                    .outcomes
                    .push(Outcome { tag, ..outcome_of(work.place, work.contact, OutcomeClass::Unchanged, reason) }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
