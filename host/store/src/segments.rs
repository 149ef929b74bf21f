//! Segments: saved filters over contacts, who is in them, and the lists that syncs take them from
//! (rows D6 and D7).

use async_trait::async_trait;
use jiff::{Timestamp, Zoned};
use postroom_domain::contact::ContactId;
use postroom_domain::field::FieldName;
use postroom_domain::segment::{ActivityKind, Condition, Explanation, Known};
use serde::Serialize;

use crate::Result;
use crate::contacts::{Contact, ContactRef};

/// A segment as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Segment {
    /// Its name. Segments and lists share their names' space, so that a sync's source is told by its
    /// name alone.
    pub name: String,
    /// The condition as text, in its canonical form.
    pub text: String,
    /// The condition.
    pub condition: Condition,
    /// Whether it is there from the start (row D7), with a reserved name.
    pub is_predefined: bool,
    /// The syncs that take it.
    pub syncs: Vec<String>,
    /// When its members were last gathered for a sync.
    pub refreshed_at: Option<Timestamp>,
}

/// Who is in a segment, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentPreview {
    /// How many contacts.
    pub count: u64,
    /// The first of them, in the order of their numbers.
    pub first: Vec<Contact>,
}

/// What gathering a segment's members changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SegmentRefresh {
    /// How many contacts are in the segment.
    pub members: u64,
    /// How many are in it that were not when its members were last gathered.
    pub entered: u64,
    /// How many are not in it any more.
    pub left: u64,
}

/// Something that happened between a campaign and a contact, as a provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    /// The contact.
    pub contact: ContactId,
    /// What happened.
    pub kind: ActivityKind,
    /// The campaign's name at the provider.
    pub campaign: String,
    /// When.
    pub at: Timestamp,
}

/// A field that is to be quick to ask for, or not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filterable {
    /// The field.
    pub field: FieldName,
    /// Whether it is to be indexed.
    pub is_filterable: bool,
    /// Whether all other writes may wait until the index is built: over a million contacts that takes
    /// seconds.
    pub may_block: bool,
}

/// How many fields may be indexed: each index costs every write of a contact.
pub const MAX_FILTERABLE: usize = 16;

/// How many rows of activity one call records at most: a unit that leaves room for other writes.
pub const MAX_ACTIVITY_ROWS: usize = 1_000;

/// The use cases of segments. A condition comes as a tree and is checked against the workspace by each
/// of them; `now` is the moment that relative dates are seen from (invariant 9).
#[async_trait]
pub trait SegmentStore {
    /// What a segment of this workspace may name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn segment_vocabulary(&self) -> Result<Known>;

    /// The segments that were saved, by name. The predefined ones are in
    /// [`PREDEFINED`](postroom_domain::segment::PREDEFINED).
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn segments(&self) -> Result<Vec<Segment>>;

    /// One segment, saved or predefined.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn segment(&self, name: &str) -> Result<Segment>;

    /// Saves a segment: it is made, or the one of that name gets this condition.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) with the place of the fault when the condition does not
    /// fit the workspace, and when the name is reserved; [`Taken`](crate::StoreError::Taken) when a list
    /// has the name.
    async fn save_segment(&self, name: &str, condition: &Condition, at: Timestamp) -> Result<Segment>;

    /// Gives a segment another name.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Taken`](crate::StoreError::Taken);
    /// [`Refused`](crate::StoreError::Refused) for a predefined one and for a reserved name.
    async fn rename_segment(&self, name: &str, to: &str) -> Result<()>;

    /// Deletes a segment; its contacts stay.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::StoreError::InUse) with the names of the syncs that take it and of the segments that
    /// name it, [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) for a
    /// predefined one.
    async fn delete_segment(&self, name: &str) -> Result<()>;

    /// How many contacts are in a segment, saved or not, and the first `limit` of them (row D6).
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) with the place of the fault.
    async fn preview_segment(&self, condition: &Condition, now: &Zoned, limit: u32) -> Result<SegmentPreview>;

    /// A page of a segment's contacts in the order of their numbers, above `after`.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) with the place of the fault.
    async fn segment_members(
        &self,
        condition: &Condition,
        now: &Zoned,
        after: Option<ContactId>,
        limit: u32,
    ) -> Result<Vec<Contact>>;

    /// Why a contact is in a segment, or is not.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for the contact,
    /// [`Refused`](crate::StoreError::Refused) with the place of the fault.
    async fn explain_segment(&self, condition: &Condition, who: &ContactRef, now: &Zoned) -> Result<Explanation>;

    /// Gathers a segment's members, in the order of their numbers, into the list that its syncs read. The
    /// list shows them at one stroke, however many they are; who is in it already stays as it is. To be
    /// called before a sync of the segment is planned.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) when the
    /// condition does not fit the workspace any more.
    async fn refresh_segment(&self, name: &str, now: &Zoned) -> Result<SegmentRefresh>;

    /// Records what happened between campaigns and contacts, up to [`MAX_ACTIVITY_ROWS`] rows; what is
    /// known already and rows of contacts that are gone are passed over. Answers with how many were new.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) for more rows.
    async fn record_activity(&self, rows: Vec<ActivityRow>) -> Result<u64>;

    /// The fields that are quick to ask for, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn filterable_fields(&self) -> Result<Vec<FieldName>>;

    /// Makes a field quick to ask for, or ordinary again. Segments answer alike either way.
    ///
    /// An index is built in one go, and nothing else is written meanwhile. Where that takes longer than a
    /// write may, it is done only if the caller says that it may.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) past
    /// [`MAX_FILTERABLE`] fields, for types that have no order, and for an index that takes too long
    /// unless `may_block` is set.
    async fn set_filterable(&self, change: &Filterable) -> Result<()>;
}
