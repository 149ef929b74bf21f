//! Segments and tags. A tag is a static segment: same id, same members.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{Audience, ErrorOrIgnore, Member, Mint, Moment, OnUnsubscribed, Problem, Rules, Status};

/// The provider's limit on addresses in one array of a batch.
pub const BATCH_LIMIT: usize = 500;

/// How members come into a segment.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    /// By being put there: a tag.
    Static,
    /// By conditions, which the simulator keeps but does not evaluate: it has no members.
    Saved,
}

impl SegmentKind {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Saved => "saved",
        }
    }
}

/// One segment.
#[derive(Debug)]
pub struct Segment {
    /// A whole number.
    pub id: u32,
    /// Compared without regard to case (MC-28).
    pub name: String,
    /// Static or saved.
    pub kind: SegmentKind,
    /// The conditions of a saved segment.
    pub options: Option<Value>,
    /// When it was created.
    pub created: Moment,
    /// When its name or members changed last.
    pub updated: Moment,
    pub(super) members: BTreeSet<usize>,
}

impl Segment {
    /// Indexes of its members, archived and unsubscribed ones included.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        self.members.iter().copied()
    }
}

/// A change of a static segment's members, by address.
#[derive(Debug, Default)]
pub struct SegmentBatch {
    /// Addresses to add, at most [`BATCH_LIMIT`].
    pub add: Vec<String>,
    /// Addresses to remove, at most [`BATCH_LIMIT`].
    pub remove: Vec<String>,
}

/// What a batch did.
#[derive(Debug, Default)]
pub struct SegmentOutcome {
    /// Members that are in the segment now, whether or not they were before.
    pub added: Vec<usize>,
    /// Members that are not in the segment any more.
    pub removed: Vec<usize>,
    /// Sentences with the addresses they are about.
    pub errors: Vec<(&'static str, Vec<String>)>,
}

const NOT_A_MEMBER: &str = "Email address is not a member of this list.";
const NOT_ADDED: &str = "Email address was not added: it is unsubscribed from or cleaned in this list.";
const NOT_REMOVED: &str = "Email address was not removed: it is unsubscribed from or cleaned in this list.";

/// Compares without regard to case and without a copy: bulk calls ask for every tag of every member.
fn is_same_name(one: &str, other: &str) -> bool {
    one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}

impl SegmentOutcome {
    fn fail(&mut self, sentence: &'static str, email: String) {
        match self.errors.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, emails)) => emails.push(email),
            None => self.errors.push((sentence, vec![email])),
        }
    }
}

impl Audience {
    /// The segment with this id.
    ///
    /// # Errors
    /// [`Problem`] 404.
    pub fn segment(&self, id: u32) -> Result<&Segment, Problem> {
        self.segments.iter().find(|segment| segment.id == id).ok_or_else(Problem::not_found)
    }

    /// The segment with this id, to change what does not concern members.
    ///
    /// # Errors
    /// [`Problem`] 404.
    pub fn segment_mut(&mut self, id: u32) -> Result<&mut Segment, Problem> {
        self.segments.iter_mut().find(|segment| segment.id == id).ok_or_else(Problem::not_found)
    }

    /// Refuses an id that is not that of a static segment (MC-30).
    ///
    /// # Errors
    /// [`Problem`] 404 for no segment, 400 for a saved one.
    pub fn require_static(&self, id: u32) -> Result<(), Problem> {
        match self.segment(id)?.kind {
            SegmentKind::Static => Ok(()),
            SegmentKind::Saved => Err(Problem::invalid_detail(format!(
                "A Static Segment with an id of {id} does not exist for this list"
            ))),
        }
    }

    /// The tag with this name, in any case (MC-28).
    #[must_use]
    pub fn tag_named(&self, name: &str) -> Option<u32> {
        let name = name.trim();
        self.segments
            .iter()
            .find(|segment| segment.kind == SegmentKind::Static && is_same_name(&segment.name, name))
            .map(|segment| segment.id)
    }

    /// Creates a segment and returns its id.
    ///
    /// # Errors
    /// [`Problem`] 400 when the name is empty or taken.
    pub fn create_segment(
        &mut self,
        name: &str,
        kind: SegmentKind,
        options: Option<Value>,
        mint: &mut Mint,
        now: Moment,
    ) -> Result<u32, Problem> {
        let name = name.trim();
        if name.is_empty() {
            return Err(Problem::invalid_field("name", "This value should not be blank."));
        }
        if kind == SegmentKind::Static && self.tag_named(name).is_some() {
            return Err(Problem::invalid_field("name", "Sorry, that tag already exists."));
        }
        let id = mint.number();
        self.segments.push(Segment {
            id,
            name: name.to_owned(),
            kind,
            options,
            created: now,
            updated: now,
            members: BTreeSet::new(),
        });
        Ok(id)
    }

    /// Deletes a segment; a tag disappears from every member. False when there is none.
    pub fn delete_segment(&mut self, id: u32) -> bool {
        let Some(position) = self.segments.iter().position(|segment| segment.id == id) else {
            return false;
        };
        let segment = self.segments.remove(position);
        for index in segment.members {
            if let Some(member) = self.member_mut(index) {
                member.tags.retain(|(held, _)| *held != id);
            }
        }
        true
    }

    /// Adds and removes members by address. Unsubscribed and cleaned ones are reported rather than
    /// changed (MC-29, with switches).
    pub fn batch_segment(&mut self, id: u32, batch: SegmentBatch, rules: &Rules, now: Moment) -> SegmentOutcome {
        let mut outcome = SegmentOutcome::default();
        let switches = &rules.switches;
        for email in batch.add {
            let policy = switches.segment_add_on_unsubscribed;
            if let Some(index) = self.batch_member(email, NOT_ADDED, policy, rules, &mut outcome) {
                self.tag(index, id, rules, now);
                outcome.added.push(index);
            }
        }
        for email in batch.remove {
            let policy = switches.segment_remove_on_unsubscribed;
            if let Some(index) = self.batch_member(email, NOT_REMOVED, policy, rules, &mut outcome)
                && self.untag(index, id)
            {
                outcome.removed.push(index);
            }
        }
        if let Ok(segment) = self.segment_mut(id) {
            segment.updated = now;
        }
        outcome
    }

    fn batch_member(
        &self,
        email: String,
        sentence: &'static str,
        policy: OnUnsubscribed,
        rules: &Rules,
        outcome: &mut SegmentOutcome,
    ) -> Option<usize> {
        let index = self.find_email(&email);
        let found = index.and_then(|index| Some((index, self.member(index)?)));
        let Some((index, member)) = found.filter(|(_, member)| !member.archived) else {
            if rules.switches.segment_unknown_email == ErrorOrIgnore::Error {
                outcome.fail(NOT_A_MEMBER, email);
            }
            return None;
        };
        if !member.status.is_untaggable() || policy == OnUnsubscribed::Allow {
            return Some(index);
        }
        if policy == OnUnsubscribed::Error {
            outcome.fail(sentence, email);
        }
        None
    }

    /// Makes the static segment hold exactly these addresses, as far as they are members (MC-30).
    pub fn set_segment(&mut self, id: u32, emails: &[String], rules: &Rules, now: Moment) {
        let wanted: BTreeSet<usize> = emails
            .iter()
            .filter_map(|email| self.find_email(email))
            .filter(|index| {
                self.member(*index).is_some_and(|member| !member.archived && !member.status.is_untaggable())
            })
            .collect();
        let held: Vec<usize> = match self.segment(id) {
            Ok(segment) => segment.members.difference(&wanted).copied().collect(),
            Err(_) => return,
        };
        for index in held {
            self.untag(index, id);
        }
        for index in wanted {
            self.tag(index, id, rules, now);
        }
        if let Ok(segment) = self.segment_mut(id) {
            segment.updated = now;
        }
    }

    /// Tags a member by names, creating tags that do not exist (MC-28). An unsubscribed or cleaned
    /// member is passed over unless the switch allows it.
    pub fn tag_by_names(&mut self, index: usize, names: &[String], rules: &Rules, mint: &mut Mint, now: Moment) {
        if !self.may_tag(index, rules) {
            return;
        }
        for name in names {
            let id = match self.tag_named(name) {
                Some(id) => Ok(id),
                None => self.create_segment(name, SegmentKind::Static, None, mint, now),
            };
            // An empty name is no tag: the provider passes it over.
            if let Ok(id) = id {
                self.tag(index, id, rules, now);
            }
        }
    }

    /// Whether the tags endpoint of this member does anything (MC-29).
    #[must_use]
    pub fn may_tag(&self, index: usize, rules: &Rules) -> bool {
        rules.switches.member_tags_on_unsubscribed == OnUnsubscribed::Allow
            || self.member(index).is_some_and(|member| !member.status.is_untaggable())
    }

    /// Puts a member into a static segment.
    pub fn tag(&mut self, index: usize, id: u32, rules: &Rules, now: Moment) {
        let Ok(segment) = self.segment_mut(id) else {
            return;
        };
        if !segment.members.insert(index) {
            return;
        }
        if let Some(member) = self.member_mut(index) {
            member.tags.push((id, now));
            if rules.switches.tagging_moves_last_changed {
                member.last_changed = now;
            }
        }
    }

    /// Takes a member out of a static segment; false when it was not in it.
    pub fn untag(&mut self, index: usize, id: u32) -> bool {
        let held = self.segment_mut(id).is_ok_and(|segment| segment.members.remove(&index));
        if held && let Some(member) = self.member_mut(index) {
            member.tags.retain(|(tag, _)| *tag != id);
        }
        held
    }

    /// Takes every tag but the named ones off a member (MC-26).
    pub fn untag_all_but(&mut self, index: usize, names: &[String]) {
        let keep: Vec<u32> = names.iter().filter_map(|name| self.tag_named(name)).collect();
        let held: Vec<u32> =
            self.member(index).map(|member| member.tags.iter().map(|(id, _)| *id).collect()).unwrap_or_default();
        for id in held {
            if !keep.contains(&id) {
                self.untag(index, id);
            }
        }
    }
}

/// Which members of a segment are shown beside the active ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Include {
    /// `include_cleaned`.
    pub cleaned: bool,
    /// `include_transactional`.
    pub transactional: bool,
    /// `include_unsubscribed`.
    pub unsubscribed: bool,
}

impl Include {
    /// Whether `member` is shown.
    #[must_use]
    pub fn shows(self, member: &Member) -> bool {
        !member.archived
            && match member.status {
                Status::Subscribed | Status::Pending => true,
                Status::Cleaned => self.cleaned,
                Status::Transactional => self.transactional,
                Status::Unsubscribed => self.unsubscribed,
            }
    }
}
