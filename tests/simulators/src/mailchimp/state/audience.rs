//! An audience: its merge fields, its members and how they are found.

use std::collections::{HashMap, HashSet};

use super::{
    FieldError, Id128, Member, MergeField, MergeFieldChange, Mint, Moment, NewMergeField, Segment, Status, member_hash,
};

/// One audience. A member's position is its index: it stays until the member is permanently deleted.
#[derive(Debug)]
pub struct Audience {
    /// 10 hexadecimal digits.
    pub id: String,
    /// A whole number, for links into the provider's pages.
    pub web_id: u32,
    /// The name.
    pub name: String,
    /// When it was created.
    pub created: Moment,
    /// Informative for writers of the API.
    pub double_optin: bool,
    /// The columns, by merge id.
    pub merge_fields: Vec<MergeField>,
    /// Static segments (tags) and saved ones, in the order of their creation.
    pub segments: Vec<Segment>,
    /// Ids of the interests that exist.
    pub interests: Vec<String>,
    pub(super) members: Vec<Option<Member>>,
    pub(super) by_hash: HashMap<Id128, usize>,
    pub(super) by_contact: HashMap<Id128, usize>,
    pub(super) forgotten: HashSet<Id128>,
    last_merge_id: u32,
}

impl Audience {
    /// An empty audience without merge fields.
    pub fn new(id: String, name: String, now: Moment, mint: &mut Mint) -> Self {
        Self {
            id,
            web_id: mint.number(),
            name,
            created: now,
            double_optin: false,
            merge_fields: Vec::new(),
            segments: Vec::new(),
            interests: Vec::new(),
            members: Vec::new(),
            by_hash: HashMap::new(),
            by_contact: HashMap::new(),
            forgotten: HashSet::new(),
            // 0 is the implicit EMAIL.
            last_merge_id: 0,
        }
    }

    /// The member at `index`.
    #[must_use]
    pub fn member(&self, index: usize) -> Option<&Member> {
        self.members.get(index)?.as_ref()
    }

    pub(super) fn member_mut(&mut self, index: usize) -> Option<&mut Member> {
        self.members.get_mut(index)?.as_mut()
    }

    /// Every member with its index, archived ones included, oldest first.
    pub fn members(&self) -> impl Iterator<Item = (usize, &Member)> {
        self.members.iter().enumerate().filter_map(|(index, slot)| slot.as_ref().map(|member| (index, member)))
    }

    /// Number of permanently deleted addresses.
    #[must_use]
    pub fn forgotten_count(&self) -> usize {
        self.forgotten.len()
    }

    /// Whether the address was permanently deleted (MC-17).
    #[must_use]
    pub fn is_forgotten(&self, email: &str) -> bool {
        self.forgotten.contains(&member_hash(email))
    }

    /// The member with this address.
    #[must_use]
    pub fn find_email(&self, email: &str) -> Option<usize> {
        self.by_hash.get(&member_hash(email)).copied()
    }

    /// The member a path names: by hash, by address in any case, or by contact id (MC-07).
    #[must_use]
    pub fn find(&self, who: &str) -> Option<usize> {
        if who.contains('@') {
            return self.find_email(who);
        }
        let id: Id128 = who.parse().ok()?;
        self.by_hash.get(&id).or_else(|| self.by_contact.get(&id)).copied()
    }

    /// How many members have this status, archived ones not counted.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.members().filter(|(_, member)| !member.archived && member.status == status).count()
    }

    /// How many members are there, archived ones not counted.
    #[must_use]
    pub fn count_contacts(&self) -> usize {
        self.members().filter(|(_, member)| !member.archived).count()
    }

    /// Adds a merge field.
    ///
    /// # Errors
    /// A tag that is too long, reserved or taken.
    pub fn add_merge_field(&mut self, field: NewMergeField) -> Result<&MergeField, FieldError> {
        let field = field.build(self.last_merge_id.saturating_add(1), &self.merge_fields)?;
        self.last_merge_id = field.merge_id;
        let position = self.merge_fields.len();
        self.merge_fields.push(field);
        self.merge_fields
            .get(position)
            .ok_or_else(|| FieldError::new("tag", "The merge field was not kept; this is a fault of the simulator."))
    }

    /// Changes a merge field, found by its merge id.
    ///
    /// # Errors
    /// A new tag that is too long, reserved or taken. Then nothing is changed.
    pub fn change_merge_field(&mut self, merge_id: u32, change: MergeFieldChange) -> Result<(), FieldError> {
        let others: Vec<MergeField> =
            self.merge_fields.iter().filter(|field| field.merge_id != merge_id).cloned().collect();
        match self.merge_fields.iter_mut().find(|field| field.merge_id == merge_id) {
            Some(field) => change.apply(field, &others),
            None => Err(FieldError::new("merge_id", format!("There is no merge field {merge_id}."))),
        }
    }

    /// Removes a merge field and every value in it. False when there is none with this tag.
    pub fn remove_merge_field(&mut self, tag: &str) -> bool {
        let Some(position) = self.merge_fields.iter().position(|field| field.tag == tag) else {
            return false;
        };
        let field = self.merge_fields.remove(position);
        for member in self.members.iter_mut().flatten() {
            member.merge_values.retain(|(merge_id, _)| *merge_id != field.merge_id);
        }
        true
    }

    /// The merge field that a key in `merge_fields` names, by tag or by `MERGE<n>`.
    #[must_use]
    pub fn merge_field(&self, key: &str) -> Option<&MergeField> {
        self.merge_fields.iter().find(|field| field.answers_to(key))
    }

    pub(super) fn insert(&mut self, member: Member) -> usize {
        let index = self.members.len();
        self.by_hash.insert(member.hash, index);
        self.by_contact.insert(member.contact_id, index);
        self.members.push(Some(member));
        index
    }

    /// Moves a member to another address: the hash changes, the contact id stays (MC-18).
    pub(super) fn rename(&mut self, index: usize, email: String) {
        let hash = member_hash(&email);
        let Some(member) = self.members.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        self.by_hash.remove(&member.hash);
        self.by_hash.insert(hash, index);
        member.hash = hash;
        member.email = email;
    }

    /// Deletes a member for good and remembers its address (MC-17).
    pub fn forget(&mut self, index: usize) {
        let Some(member) = self.members.get_mut(index).and_then(Option::take) else {
            return;
        };
        self.by_hash.remove(&member.hash);
        self.by_contact.remove(&member.contact_id);
        self.forgotten.insert(member.hash);
        for segment in &mut self.segments {
            segment.members.remove(&index);
        }
    }

    /// Hides a member, keeping its data (MC-16). False when it was hidden already.
    pub fn archive(&mut self, index: usize, now: Moment) -> bool {
        match self.member_mut(index) {
            Some(member) if !member.archived => {
                member.archived = true;
                member.last_changed = now;
                true
            }
            _ => false,
        }
    }
}
