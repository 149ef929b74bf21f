//! Members that are written together.
//!
//! Two steps, always in this order. The first creates and leaves members that exist alone, which
//! Mailchimp then names; the second updates those and carries no status. So created and updated
//! are exact, and no existing member's status is touched. The order holds for members that are
//! known as well: nothing makes sure that they are still there, and what an update without a status
//! does to an absent address is not defined.

use std::collections::BTreeMap;

use postroom_sdk::prelude::*;

use crate::describe::{API, MOST_MEMBERS};
use crate::entry::Entry;
use crate::errors::{Fault, Problem};
use crate::lists;
use crate::member;
use crate::wire::{BulkAnswer, BulkError, BulkMember, BulkWrite};

/// What is read of the answer: with whole members it would reach megabytes.
const PROJECTION: &str = "new_members.id,new_members.contact_id,new_members.email_address,\
                          new_members.status,updated_members.id,updated_members.contact_id,\
                          updated_members.email_address,updated_members.status,errors";

/// After so many contacts that are refused alone with the same words, and none taken, it is the
/// request that is wrong.
const MOST_LIKE_OFFENDERS: usize = 8;

/// Which of the two steps.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Create,
    Update,
}

/// A batch under way.
pub(crate) struct Bulk<'j> {
    job: &'j Job<'j>,
    path: String,
    items: Vec<ItemResult>,
}

/// What is still to be done with contacts that were sent.
#[derive(Default)]
struct Rest<'a> {
    /// They exist: the second step is theirs.
    existing: Vec<Entry<'a>>,
    /// They go once more, with something left out.
    again: Vec<Entry<'a>>,
}

impl<'j> Bulk<'j> {
    /// A batch to this audience, which has concluded these items already.
    pub(crate) fn new(job: &'j Job<'j>, audience: &str, items: Vec<ItemResult>) -> Self {
        Self { job, path: lists::path(audience), items }
    }

    /// What was concluded.
    pub(crate) fn into_items(self) -> Vec<ItemResult> {
        self.items
    }

    /// Pushes these contacts.
    ///
    /// # Errors
    /// What stopped it. The items up to there stay concluded.
    pub(crate) fn push(&mut self, entries: Vec<Entry<'_>>) -> Result<(), ProviderError> {
        let mut entries = entries.into_iter();
        loop {
            let chunk: Vec<Entry<'_>> = entries.by_ref().take(MOST_MEMBERS).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let existing = self.step(Step::Create, chunk)?;
            self.step(Step::Update, existing)?;
        }
    }

    /// Takes one step with these contacts, and again with those that are worth another try.
    fn step<'a>(&mut self, step: Step, mut entries: Vec<Entry<'a>>) -> Result<Vec<Entry<'a>>, ProviderError> {
        let mut existing = Vec::new();
        while !entries.is_empty() {
            let (unvalidated, validated): (Vec<_>, Vec<_>) =
                entries.into_iter().partition(|entry| entry.skip_validation);
            let mut rest = Rest::default();
            for group in [validated, unvalidated] {
                if !group.is_empty() {
                    self.send_parts(step, group, &mut rest)?;
                }
            }
            existing.append(&mut rest.existing);
            entries = rest.again;
        }
        Ok(existing)
    }

    /// Sends contacts together. If Mailchimp refuses them as a whole, they are halved down to the
    /// contacts that are to blame, so that the others go (MC-23).
    fn send_parts<'a>(
        &mut self,
        step: Step,
        entries: Vec<Entry<'a>>,
        rest: &mut Rest<'a>,
    ) -> Result<(), ProviderError> {
        let mut parts = vec![entries];
        let mut offenders: Vec<(Entry<'a>, Problem)> = Vec::new();
        let mut taken = false;
        while let Some(mut part) = parts.pop() {
            match self.send(step, &part)? {
                Ok(answer) => {
                    taken = true;
                    self.sort(step, answer, part, rest);
                }
                Err(problem) => {
                    if part.len() > 1 {
                        let second = part.split_off(part.len() / 2);
                        parts.push(second);
                        parts.push(part);
                    } else if let Some(entry) = part.pop() {
                        offenders.push((entry, problem));
                    }
                    let last_word = parts.is_empty() || offenders.len() >= MOST_LIKE_OFFENDERS;
                    if !taken && last_word {
                        blame_request(&offenders)?;
                    }
                }
            }
        }
        for (entry, problem) in offenders {
            self.settle_fault(step, entry, problem.as_fault(), rest);
        }
        Ok(())
    }

    /// Sends one request: the answer, or why it was refused as a whole.
    fn send(&self, step: Step, entries: &[Entry<'_>]) -> Result<Result<BulkAnswer, Problem>, ProviderError> {
        let members = entries.iter().map(|entry| BulkMember {
            email_address: entry.address(),
            status: match step {
                Step::Create => Some(status(entry.write.on_create)),
                Step::Update => None,
            },
            merge_fields: &entry.merge_fields,
        });
        let body = BulkWrite { members: members.collect(), update_existing: step == Step::Update, sync_tags: false };
        let mut call = self
            .job
            .post(API, &self.path)
            .query("fields", PROJECTION)
            .json(&body)
            // A repeated creation finds its members there, and the second step takes them.
            .safe_to_repeat();
        if entries.first().is_some_and(|entry| entry.skip_validation) {
            call = call.query("skip_merge_validation", "true");
        }
        let reply = call.send()?;
        if reply.is_success() {
            return reply.json().map(Ok);
        }
        let problem = Problem::of(&reply);
        if problem.is_about_content() && reply.status() != 404 { Ok(Err(problem)) } else { Err(problem.as_call()) }
    }

    /// Gives each contact its part of the answer, whose order means nothing (MC-25).
    fn sort<'a>(&mut self, step: Step, answer: BulkAnswer, entries: Vec<Entry<'a>>, rest: &mut Rest<'a>) {
        let mut waiting: BTreeMap<String, Entry<'a>> = BTreeMap::new();
        for entry in entries {
            // The host sends no address twice; if it did, the second would wait for its turn.
            if let Some(double) = waiting.insert(entry.address_key.clone(), entry) {
                rest.again.push(double);
            }
        }
        let new = answer.new_members.into_iter().map(|it| (ItemOutcome::Created, it));
        let updated = answer.updated_members.into_iter().map(|it| (ItemOutcome::Updated, it));
        for (outcome, member) in new.chain(updated) {
            if let Some(entry) = waiting.remove(&member::address_key(&member.email_address)) {
                self.items.push(entry.settled(outcome, &member));
            }
        }
        let mut errors: BTreeMap<String, Vec<BulkError>> = BTreeMap::new();
        for error in answer.errors {
            let key = member::address_key(&error.email_address);
            errors.entry(key).or_default().push(error);
        }
        for (key, errors) in errors {
            if let Some(entry) = waiting.remove(&key) {
                self.settle_fault(step, entry, Fault::of_bulk(&errors), rest);
            }
        }
        self.items.extend(waiting.into_values().map(Entry::unanswered));
    }

    fn settle_fault<'a>(&mut self, step: Step, mut entry: Entry<'a>, fault: Fault, rest: &mut Rest<'a>) {
        if step == Step::Create && matches!(fault, Fault::Exists(_)) {
            rest.existing.push(entry);
        } else if entry.mend(&fault) {
            rest.again.push(entry);
        } else {
            self.items.push(entry.refused(fault));
        }
    }
}

/// Ends the call if several contacts, and no other was taken, are refused in the same words that
/// name no fault of theirs: the host would otherwise keep contacts back for what they didn't do.
fn blame_request(offenders: &[(Entry<'_>, Problem)]) -> Result<(), ProviderError> {
    let [(_, first), others @ ..] = offenders else {
        return Ok(());
    };
    let alike = others.iter().all(|(_, problem)| problem.says_the_same_as(first));
    if others.is_empty() || !alike || !matches!(first.as_fault(), Fault::Other(_)) {
        return Ok(());
    }
    Err(first.as_call())
}

/// The status of a member that the first step creates.
fn status(on_create: OnCreate) -> &'static str {
    match on_create {
        OnCreate::Subscribed => "subscribed",
        OnCreate::Pending => "pending",
        OnCreate::NoMarketing => "transactional",
        // The second goes singly; should it ever come here, nobody is subscribed by it.
        OnCreate::Unsubscribed | OnCreate::DoNotCreate => "unsubscribed",
    }
}

#[cfg(test)]
#[path = "bulk_tests.rs"]
mod tests;
