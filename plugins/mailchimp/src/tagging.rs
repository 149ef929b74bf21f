//! Putting tags on members and taking them off.
//!
//! Only subscribed and pending members are tagged and untagged (A9). What exactly Mailchimp does
//! with the tags of others depends on the call and the day, so it is never asked to (MC-29).

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use postroom_sdk::prelude::*;

use crate::describe::{API, MOST_MEMBERS};
use crate::errors::{Problem, without_address};
use crate::member;
use crate::tags::{self, Known};
use crate::wire::{self, SegmentAnswer, SegmentChange};

/// Mailchimp's own sentence for contacts that were not tagged, word by word (A9).
const NOT_TAGGED: &str =
    "Some of the emails provided were not tagged. Check the Mailchimp marketing subscription statuses";

/// What is read of the answer of a segment call.
const PROJECTION: &str = "members_added.email_address,members_removed.email_address,errors";

/// How many tags a member shows at most, of however many it has (MC-46).
const SHOWN_TAGS: usize = 50;

/// Puts tags on and takes tags off.
pub(crate) fn apply(
    job: &Job,
    audience: &str,
    prepared: &[u8],
    changes: &[TagChange],
) -> Result<TagsAnswer, ProviderError> {
    let known = tags::known(prepared)?;
    let mut work = Work { job, audience, known: &known, slots: Vec::new(), queues: BTreeMap::new(), halvings: 0 };
    let stopped = work.run(changes).err();
    let slots = work.slots.into_iter();
    let items: Vec<TagResult> = slots.filter_map(Slot::into_result).collect();
    let refused = |item: &TagResult| matches!(item.outcome, TagOutcome::Refused(_));
    let warnings = if items.iter().any(refused) { vec![NOT_TAGGED.to_owned()] } else { Vec::new() };
    TagsAnswer::concluded(items, warnings, stopped)
}

/// How often a batch is halved. One address at fault among 500 takes nine halvings; where more are
/// needed the segment takes nobody, as one that went away, and the rest fails for this run.
const MOST_HALVINGS: u32 = 16;

/// Which way a tag goes.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    On,
    Off,
}

/// One tag of one member, and what became of it.
struct Slot<'a> {
    key: u64,
    tag: &'a str,
    direction: Direction,
    status: Option<RemoteStatus>,
    outcome: Option<TagOutcome>,
}

impl Slot<'_> {
    fn into_result(self) -> Option<TagResult> {
        Some(TagResult { key: self.key, tag: self.tag.to_owned(), outcome: self.outcome?, status: self.status })
    }
}

/// An address in the queue of a segment, and the slot that waits for it.
struct Queued {
    address: String,
    slot: usize,
}

/// What is to go to one segment.
#[derive(Default)]
struct Queue {
    on: Vec<Queued>,
    off: Vec<Queued>,
}

/// A batch of changes under way.
struct Work<'a> {
    job: &'a Job<'a>,
    audience: &'a str,
    known: &'a Known,
    slots: Vec<Slot<'a>>,
    /// By segment id.
    queues: BTreeMap<u64, Queue>,
    halvings: u32,
}

impl<'a> Work<'a> {
    /// Decides each change, then sends what is left of them, segment by segment.
    fn run(&mut self, changes: &'a [TagChange]) -> Result<(), ProviderError> {
        for change in changes {
            self.decide(change)?;
        }
        for (id, queue) in mem::take(&mut self.queues) {
            let mut on = queue.on.chunks(MOST_MEMBERS);
            let mut off = queue.off.chunks(MOST_MEMBERS);
            loop {
                let (on, off) = (on.next(), off.next());
                if on.is_none() && off.is_none() {
                    break;
                }
                self.send(id, on.unwrap_or_default(), off.unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// Settles what needs no request, and queues the rest.
    fn decide(&mut self, change: &'a TagChange) -> Result<(), ProviderError> {
        let on = change.add.iter().map(|tag| (Direction::On, tag));
        let off = change.remove.iter().map(|tag| (Direction::Off, tag));
        let mut open = Vec::new();
        for (direction, tag) in on.chain(off) {
            let outcome = match (self.known.id(tag), direction) {
                (Some(id), _) => {
                    open.push((self.slots.len(), id));
                    None
                }
                (None, Direction::Off) => Some(TagOutcome::Already),
                (None, Direction::On) => {
                    Some(TagOutcome::Failed("The tag is not at Mailchimp; the next run makes it.".to_owned()))
                }
            };
            self.slots.push(Slot { key: change.key, tag, direction, status: change.observed.clone(), outcome });
        }
        if open.is_empty() {
            return Ok(());
        }
        let (status, address) = self.seen(change)?;
        for (index, id) in open {
            let Some(slot) = self.slots.get_mut(index) else {
                continue;
            };
            slot.status = Some(status.clone());
            slot.outcome = standing(&status, slot.direction);
            if slot.outcome.is_none() {
                let queue = self.queues.entry(id).or_default();
                let queued = Queued { address: address.clone(), slot: index };
                match slot.direction {
                    Direction::On => queue.on.push(queued),
                    Direction::Off => queue.off.push(queued),
                }
            }
        }
        Ok(())
    }

    /// The member's status and the address that it has at Mailchimp.
    fn seen(&self, change: &TagChange) -> Result<(RemoteStatus, String), ProviderError> {
        let address = change.address.trim().to_owned();
        if let Some(status) = &change.observed {
            return Ok((status.clone(), address));
        }
        let remote_id = change.remote_id.as_deref();
        let found = member::look_up(self.job, self.audience, &address, remote_id, "")?;
        Ok(match found {
            None => (RemoteStatus::Absent, address),
            Some(member) => {
                let status = member.status();
                let address = Some(member.email_address).filter(|it| !it.is_empty());
                (
                    status.unwrap_or_else(|| RemoteStatus::Other("unknown".to_owned())),
                    address.unwrap_or_else(|| change.address.trim().to_owned()),
                )
            }
        })
    }

    fn send(&mut self, id: u64, on: &[Queued], off: &[Queued]) -> Result<(), ProviderError> {
        let addresses = |part: &[Queued]| -> Vec<String> { part.iter().map(|queued| queued.address.clone()).collect() };
        let path = format!("{}/{id}", tags::segments_path(self.audience));
        let reply = self
            .job
            .post(API, &path)
            .query("fields", PROJECTION)
            .json(&SegmentChange { members_to_add: addresses(on), members_to_remove: addresses(off) })
            // A tag that is on stays on, and one that is off stays off.
            .safe_to_repeat()
            .send()?;
        if !reply.is_success() {
            let problem = Problem::of(&reply);
            if !problem.is_about_content() {
                return Err(problem.as_call());
            }
            if reply.status() != 404 && on.len() + off.len() > 1 && self.halvings < MOST_HALVINGS {
                return self.halve(id, on, off);
            }
            // The segment went away during the run (MC-30): nobody has the tag any more.
            for queued in on {
                let reason = "The tag can't be used at Mailchimp at the moment, perhaps because it was deleted; the next run makes it again.";
                self.settle(queued, TagOutcome::Failed(reason.to_owned()));
            }
            for queued in off {
                let outcome = match reply.status() {
                    404 => TagOutcome::Already,
                    _ => TagOutcome::Failed(problem.as_fault().message().to_owned()),
                };
                self.settle(queued, outcome);
            }
            return Ok(());
        }
        let answer: SegmentAnswer = reply.json()?;
        let verdicts = Verdicts::of(answer);
        for (part, changed) in [(on, &verdicts.added), (off, &verdicts.removed)] {
            for queued in part {
                let key = member::address_key(&queued.address);
                let outcome = if changed.contains(&key) {
                    TagOutcome::Applied
                } else {
                    self.look_into(id, queued, verdicts.errors.get(&key))?
                };
                self.settle(queued, outcome);
            }
        }
        Ok(())
    }

    /// Sends a change that was refused as a whole in two parts, so that one address keeps no other
    /// from its tag (MC-23).
    fn halve(&mut self, id: u64, on: &[Queued], off: &[Queued]) -> Result<(), ProviderError> {
        self.halvings += 1;
        let (first_on, second_on) = on.split_at(on.len().div_ceil(2));
        let (first_off, second_off) = off.split_at(off.len() / 2);
        self.send(id, first_on, first_off)?;
        self.send(id, second_on, second_off)
    }

    /// What is not confirmed as changed may have been so already, as after an answer that was lost,
    /// or Mailchimp may have passed it over, with an error or without one (MC-29): the member
    /// itself tells which.
    fn look_into(&mut self, id: u64, queued: &Queued, error: Option<&String>) -> Result<TagOutcome, ProviderError> {
        let direction = match self.slots.get(queued.slot) {
            Some(slot) => slot.direction,
            None => return Ok(TagOutcome::Already),
        };
        let extra = ",tags.id,tags_count";
        let found = member::look_up(self.job, self.audience, &queued.address, None, extra)?;
        let status = found.as_ref().map_or(Some(RemoteStatus::Absent), wire::Member::status);
        let found = found.unwrap_or_default();
        let decided = status.as_ref().and_then(|status| standing(status, direction));
        if let (Some(slot), Some(status)) = (self.slots.get_mut(queued.slot), status) {
            slot.status = Some(status);
        }
        if let Some(outcome) = decided {
            return Ok(outcome);
        }
        let is_on = found.tags.iter().any(|tag| tag.id == id);
        let all_shown = found.tags_count.unwrap_or(found.tags.len()) <= SHOWN_TAGS;
        Ok(match (direction, is_on) {
            (Direction::On, true) => TagOutcome::Already,
            (Direction::Off, false) if all_shown => TagOutcome::Already,
            _ => match error {
                Some(reason) => TagOutcome::Refused(without_address(reason, &queued.address)),
                None => TagOutcome::Failed("Mailchimp took the change and did not say what became of it.".to_owned()),
            },
        })
    }

    fn settle(&mut self, queued: &Queued, outcome: TagOutcome) {
        if let Some(slot) = self.slots.get_mut(queued.slot) {
            slot.outcome = Some(outcome);
        }
    }
}

/// What a status decides by itself. None: the change goes.
fn standing(status: &RemoteStatus, direction: Direction) -> Option<TagOutcome> {
    match (status, direction) {
        (RemoteStatus::Subscribed | RemoteStatus::Pending, _) => None,
        (RemoteStatus::Absent, Direction::Off) => Some(TagOutcome::Already),
        (RemoteStatus::Absent, Direction::On) => {
            Some(TagOutcome::Refused("The contact is not in the audience.".to_owned()))
        }
        (status, _) => Some(TagOutcome::Refused(format!(
            "The contact's status at Mailchimp is `{}`, so its tags stay as they are.",
            status.as_words()
        ))),
    }
}

/// What a segment call says of each address.
struct Verdicts {
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
    errors: BTreeMap<String, String>,
}

impl Verdicts {
    fn of(answer: SegmentAnswer) -> Self {
        let keys = |members: Vec<wire::Member>| -> BTreeSet<String> {
            members.iter().map(|member| member::address_key(&member.email_address)).collect()
        };
        let errors = answer.errors.into_iter().flat_map(|error| {
            let reason = error.error;
            let keys = error.email_addresses.into_iter();
            keys.map(move |address| (member::address_key(&address), reason.clone()))
        });
        Self { added: keys(answer.members_added), removed: keys(answer.members_removed), errors: errors.collect() }
    }
}

#[cfg(test)]
#[path = "tagging_tests.rs"]
mod tests;
