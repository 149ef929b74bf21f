//! Tags, changed on the status that the push showed (rows A7 to A9).
//!
//! A batch that is refused as a whole is halved down to the contact at fault, as pushes are.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_delivery::{Failure, Patience, convert};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::{RefusedTag, TagChange, TagState};
use postroom_domain::intent::IntentKind;
use postroom_domain::outcome::Reason;
use postroom_runtime::contract;
use postroom_store::runs::{BatchEnd, BatchIntent, TagOutcome};
use tokio::sync::OnceCell;

use crate::error::SyncError;
use crate::judge::Tagging;
use crate::post::{Ends, Post, Stop, end, left_behind};
use crate::push::Fault;

/// The tags of a run: prepared at the first need, so that a run without any makes no call for them.
#[derive(Debug)]
pub(crate) struct Tags {
    add: Vec<String>,
    remove: Vec<String>,
    prepared: OnceCell<Arc<[u8]>>,
}

/// What became of one contact's tags.
#[derive(Debug)]
pub(crate) struct Tagged {
    pub(crate) work: Tagging,
    pub(crate) outcome: Option<TagOutcome>,
    pub(crate) reason: Option<Reason>,
    pub(crate) state: TagState,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct TaggedBatch {
    pub(crate) items: Vec<Tagged>,
    pub(crate) warnings: Vec<String>,
    pub(crate) stop: Option<Stop>,
    /// The requests that were made.
    pub(crate) ends: Ends,
}

impl Tags {
    /// The tags that a run may put on and take off.
    pub(crate) fn new(add: Vec<String>, remove: Vec<String>) -> Self {
        Self { add, remove, prepared: OnceCell::new() }
    }

    /// The prepared tags: made by whoever needs them first.
    async fn prepared(&self, post: Post<'_>) -> Result<&Arc<[u8]>, Failure> {
        let prepare = async || {
            let mut patience = Patience::default();
            loop {
                match post.provider.prepare_tags(post.audience, &self.add, &self.remove).await {
                    Ok(prepared) => return Ok(Arc::from(prepared)),
                    Err(failure) => patience.wait(failure).await?,
                }
            }
        };
        self.prepared.get_or_try_init(prepare).await
    }

    /// Changes the tags of a batch. What does not succeed stays owed. Fails only when the store does.
    pub(crate) async fn apply(&self, post: Post<'_>, mut batch: Vec<Tagging>) -> Result<TaggedBatch, SyncError> {
        let mut done = TaggedBatch::default();
        if batch.is_empty() {
            return Ok(done);
        }
        let mut answers = Answers::default();
        let mut armed = HashMap::new();
        let mut stack: Vec<&[Tagging]> = vec![&batch];
        while let (Some(part), None) = (stack.pop(), &done.stop) {
            let known = answers.given.len();
            let failure = self.attempt(post, part, &mut answers, &mut armed, &mut done).await?;
            if answers.given.len() > known {
                post.offences.others_went();
            }
            match (failure, part) {
                (None, _) => {}
                (Some(Fault::Call(Failure::Request(reason))), [one]) => {
                    done.stop = post.offences.book(&reason).map(Stop::Everything);
                    answers.fail(one, &reason);
                }
                (Some(Fault::Call(Failure::Request(_))), _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    let is_open = |part: &&[Tagging]| part.iter().any(|work| answers.still_open(work).is_some());
                    stack.extend([second, first].into_iter().filter(is_open));
                }
                (Some(fault), _) => done.stop = Some(fault.stop()),
            }
        }
        let stop = done.stop.as_ref().map(|stop| stop.reason().clone());
        let unanswered = stop.unwrap_or_else(|| Reason::new("no-answer", "the plugin gave no answer for this tag"));
        for work in &mut batch {
            // From here on, each piece of work knows that its tag may be on.
            if let Some(state) = armed.remove(&work.contact) {
                work.state = state;
            }
        }
        done.items = batch.into_iter().map(|work| conclude(work, &answers, &unanswered)).collect();
        Ok(done)
    }

    /// Asks for what is open of a part until it is concluded, fails for good, or patience ends.
    async fn attempt(
        &self,
        post: Post<'_>,
        part: &[Tagging],
        answers: &mut Answers,
        armed: &mut HashMap<ContactId, TagState>,
        done: &mut TaggedBatch,
    ) -> Result<Option<Fault>, SyncError> {
        let mut patience = Patience::default();
        loop {
            let request = request(part.iter().filter(|work| answers.still_open(work).is_some()));
            let tags = request.tags.clone();
            let passed = match post.pass(request).await? {
                Ok(passed) => passed,
                Err(stop) => return Ok(Some(Fault::Halted(stop))),
            };
            let goes = |contact: &ContactId| left_behind(&passed.left, *contact).is_none();
            armed.extend(tags.into_iter().filter(|(contact, _)| goes(contact)));
            answers.left.extend(passed.left);
            let open: Vec<_> = part.iter().filter_map(|work| answers.still_open(work)).collect();
            if open.is_empty() {
                return Ok(None);
            }
            let prepared = match self.prepared(post).await {
                Ok(prepared) => prepared,
                Err(failure) => {
                    done.ends.extend(passed.intent.map(|intent| (intent, BatchEnd::NotSent)));
                    // Nothing is wrong with the contacts: the tag itself could not be made.
                    return Ok(Some(Fault::Halted(Stop::Everything(failure.reason().clone()))));
                }
            };
            let answer = post.provider.apply_tags(post.audience, prepared, open).await;
            drop(passed.turn);
            end(&mut done.ends, passed.intent, &answer);
            let failure = match answer {
                Ok(answer) => {
                    done.warnings.extend(answer.warnings);
                    answers.take(answer.items);
                    match answer.stopped {
                        Some(error) if part.iter().any(|work| answers.still_open(work).is_some()) => {
                            Failure::from(error)
                        }
                        _ => return Ok(None),
                    }
                }
                Err(failure) => failure,
            };
            if let Err(failure) = patience.wait(failure).await {
                return Ok(Some(Fault::Call(failure)));
            }
        }
    }
}

/// What is to be armed for the tags of some members. From then on, those that are put on may be on.
fn request<'a>(open: impl Iterator<Item = &'a Tagging>) -> BatchIntent {
    let mut intent = BatchIntent::new(IntentKind::Untag, u64::MAX, Vec::new());
    for work in open {
        intent.as_of = intent.as_of.min(work.as_of);
        intent.contacts.push(work.contact);
        if let Some(tag) = &work.add {
            intent.kind = IntentKind::Tag;
            intent.tags.extend(work.state.armed(tag).map(|armed| (work.contact, armed)));
        }
    }
    intent
}

impl TaggedBatch {
    /// A batch that was not carried out: everything stays owed.
    pub(crate) fn untouched(batch: Vec<Tagging>, stop: &Stop) -> Self {
        let reason = Some(stop.reason().clone());
        let untouched =
            |work: Tagging| Tagged { state: work.state.clone(), work, outcome: None, reason: reason.clone() };
        let items = batch.into_iter().map(untouched).collect();
        Self { items, stop: Some(stop.clone()), ..Self::default() }
    }
}

/// What the plugin said of each contact's tags, by contact; there are two of them at most.
#[derive(Debug, Default)]
struct Answers {
    given: HashMap<u64, Vec<contract::TagResult>>,
    /// Those for whom nothing was to leave, with the reason.
    left: HashMap<ContactId, Reason>,
}

impl Answers {
    fn take(&mut self, results: Vec<contract::TagResult>) {
        for result in results {
            self.given.entry(result.key).or_default().push(result);
        }
    }

    /// Says of a contact's open tags that the call failed on them.
    fn fail(&mut self, work: &Tagging, reason: &Reason) {
        let Some(open) = self.still_open(work) else { return };
        let failed = |tag| contract::TagResult {
            key: open.key,
            tag,
            outcome: contract::TagOutcome::Failed(reason.message.clone()),
            status: None,
        };
        let results = open.add.into_iter().chain(open.remove).map(failed).collect();
        self.take(results);
    }

    /// The last word on one tag of a contact.
    fn about(&self, contact: ContactId, tag: &str) -> Option<&contract::TagOutcome> {
        let results = self.given.get(&convert::key(contact))?;
        results.iter().rfind(|result| result.tag == tag).map(|result| &result.outcome)
    }

    /// What is still to be asked for a contact.
    fn still_open(&self, work: &Tagging) -> Option<contract::TagChange> {
        if self.left.contains_key(&work.contact) {
            return None;
        }
        let open = |tag: &Option<String>| -> Vec<String> {
            tag.iter().filter(|tag| self.about(work.contact, tag).is_none()).cloned().collect()
        };
        let (add, remove) = (open(&work.add), open(&work.remove));
        if add.is_empty() && remove.is_empty() {
            return None;
        }
        Some(contract::TagChange {
            key: convert::key(work.contact),
            address: work.address.clone(),
            remote_id: work.remote_id.clone(),
            observed: work.observed.as_ref().map(convert::to_contract_status),
            add,
            remove,
        })
    }
}

/// The new state of one contact's tag, from the answers about it.
///
/// Where one tag takes the place of another, the old one counts as owned until it is off: only then
/// does the next run not ask for it again.
fn conclude(work: Tagging, answers: &Answers, unanswered: &Reason) -> Tagged {
    let unanswered = answers.left.get(&work.contact).unwrap_or(unanswered);
    let mut tagged = Tagged { state: work.state.clone(), outcome: None, reason: None, work };
    let removed = match tagged.work.remove.clone() {
        Some(tag) => tagged.settle(TagChange::Remove, &tag, answers, unanswered),
        None => true,
    };
    if let Some(tag) = tagged.work.add.clone()
        && tagged.settle(TagChange::Add, &tag, answers, unanswered)
        && removed
    {
        tagged.state.owned = Some(tag);
    }
    tagged
}

impl Tagged {
    /// Books the answer about one tag; tells whether the tag is as it was to be.
    fn settle(&mut self, change: TagChange, tag: &str, answers: &Answers, unanswered: &Reason) -> bool {
        match answers.about(self.work.contact, tag) {
            Some(answer @ (contract::TagOutcome::Applied | contract::TagOutcome::Already)) => {
                self.state.refused = None;
                if change == TagChange::Remove {
                    self.state.owned = None;
                }
                if matches!(answer, contract::TagOutcome::Applied) {
                    self.outcome = Some(match change {
                        TagChange::Add => TagOutcome::Added,
                        TagChange::Remove => TagOutcome::Removed,
                    });
                }
                true
            }
            Some(contract::TagOutcome::Refused(why)) => {
                // The answer says that it did not come on.
                if change == TagChange::Add && self.state.is_armed() {
                    self.state.owned = None;
                }
                self.state.refused = Some(RefusedTag { change, tag: tag.to_owned(), reason: why.clone() });
                self.outcome = Some(TagOutcome::Refused);
                let verb = if change == TagChange::Add { "put on" } else { "taken off" };
                self.reason = Some(Reason::new("tag-refused", format!("the tag could not be {verb}: {why}")));
                false
            }
            Some(contract::TagOutcome::Failed(why)) => {
                self.reason = Some(Reason::new("tag-failed", why.clone()));
                false
            }
            None => {
                self.reason = Some(unanswered.clone());
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
