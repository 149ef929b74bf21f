//! Tags, changed on the status that the push showed (rows A7 to A9).
//!
//! A batch that is refused as a whole is halved down to the contact at fault, as pushes are.

use std::collections::HashMap;
use std::sync::Arc;

use postroom_domain::contact::ContactId;
use postroom_domain::decision::{RefusedTag, TagChange, TagState};
use postroom_domain::outcome::Reason;
use postroom_runtime::contract;
use postroom_store::runs::TagOutcome;
use tokio::sync::OnceCell;

use crate::convert;
use crate::error::Failure;
use crate::judge::Tagging;
use crate::offences::Offences;
use crate::patience::Patience;
use crate::provider::Provider;

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
    pub(crate) stop: Option<Reason>,
}

impl Tags {
    /// The tags that a run may put on and take off.
    pub(crate) fn new(add: Vec<String>, remove: Vec<String>) -> Self {
        Self { add, remove, prepared: OnceCell::new() }
    }

    async fn prepare(&self, provider: &dyn Provider, audience: &str) -> Result<Arc<[u8]>, Failure> {
        let mut patience = Patience::default();
        loop {
            match provider.prepare_tags(audience, &self.add, &self.remove).await {
                Ok(prepared) => return Ok(prepared.into()),
                Err(failure) => patience.wait(failure).await?,
            }
        }
    }

    /// Changes the tags of a batch. What does not succeed stays owed.
    pub(crate) async fn apply(
        &self,
        provider: &dyn Provider,
        audience: &str,
        offences: &Offences,
        batch: Vec<Tagging>,
    ) -> TaggedBatch {
        let mut done = TaggedBatch::default();
        if batch.is_empty() {
            return done;
        }
        let prepared = match self.prepared.get_or_try_init(|| self.prepare(provider, audience)).await {
            Ok(prepared) => prepared,
            Err(failure) => return TaggedBatch::untouched(batch, failure.reason()),
        };
        let mut answers = Answers::default();
        let mut stack: Vec<&[Tagging]> = vec![&batch];
        while let (Some(part), None) = (stack.pop(), &done.stop) {
            let known = answers.0.len();
            let failure = attempt(provider, audience, prepared, part, &mut answers, &mut done.warnings).await;
            if answers.0.len() > known {
                offences.others_went();
            }
            match (failure, part) {
                (None, _) => {}
                (Some(Failure::Request(reason)), [one]) => {
                    done.stop = offences.book(&reason);
                    answers.fail(one, &reason);
                }
                (Some(Failure::Request(_)), _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    let is_open = |part: &&[Tagging]| part.iter().any(|work| answers.still_open(work).is_some());
                    stack.extend([second, first].into_iter().filter(is_open));
                }
                (Some(failure), _) => done.stop = Some(failure.reason().clone()),
            }
        }
        let unanswered =
            done.stop.clone().unwrap_or_else(|| Reason::new("no-answer", "the plugin gave no answer for this tag"));
        done.items = batch.into_iter().map(|work| conclude(work, &answers, &unanswered)).collect();
        done
    }
}

impl TaggedBatch {
    /// A batch that was not carried out: everything stays owed.
    pub(crate) fn untouched(batch: Vec<Tagging>, reason: &Reason) -> Self {
        let untouched =
            |work: Tagging| Tagged { state: work.state.clone(), work, outcome: None, reason: Some(reason.clone()) };
        Self { items: batch.into_iter().map(untouched).collect(), warnings: Vec::new(), stop: Some(reason.clone()) }
    }
}

/// Asks for what is open of a part until it is concluded, fails for good, or patience ends.
async fn attempt(
    provider: &dyn Provider,
    audience: &str,
    prepared: &Arc<[u8]>,
    part: &[Tagging],
    answers: &mut Answers,
    warnings: &mut Vec<String>,
) -> Option<Failure> {
    let mut patience = Patience::default();
    loop {
        let open = part.iter().filter_map(|work| answers.still_open(work)).collect();
        let failure = match provider.apply_tags(audience, prepared, open).await {
            Ok(answer) => {
                warnings.extend(answer.warnings);
                answers.take(answer.items);
                match answer.stopped {
                    Some(error) if part.iter().any(|work| answers.still_open(work).is_some()) => Failure::from(error),
                    _ => return None,
                }
            }
            Err(failure) => failure,
        };
        if let Err(failure) = patience.wait(failure).await {
            return Some(failure);
        }
    }
}

/// What the plugin said of each contact's tags, by contact; there are two of them at most.
#[derive(Debug, Default)]
struct Answers(HashMap<u64, Vec<contract::TagResult>>);

impl Answers {
    fn take(&mut self, results: Vec<contract::TagResult>) {
        for result in results {
            self.0.entry(result.key).or_default().push(result);
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
        let results = self.0.get(&convert::key(contact))?;
        results.iter().rfind(|result| result.tag == tag).map(|result| &result.outcome)
    }

    /// What is still to be asked for a contact.
    fn still_open(&self, work: &Tagging) -> Option<contract::TagChange> {
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
