//! Audiences, and the syncs that tie lists to them (row A2).

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::decision::Newcomers;
use postroom_domain::mapping::{Mapping, Pair};
use postroom_domain::purpose::{PurposeName, PurposeTerms};
use serde::Serialize;

use crate::Result;

/// A list that lives at a provider, as far as a sync needs to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audience {
    /// Its number here.
    pub id: i64,
    /// The account's name.
    pub account: String,
    /// Its id at the provider.
    pub remote_id: String,
    /// Its name at the provider.
    pub name: String,
}

/// A sync as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sync {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The list it takes.
    pub list: String,
    /// The list's number.
    pub list_id: i64,
    /// Whether the list holds the members of the segment of that name: then
    /// [`refresh_segment`](crate::segments::SegmentStore::refresh_segment) comes before every plan.
    pub is_segment: bool,
    /// The audience it fills.
    pub audience: Audience,
    /// The mapping as it was written.
    pub pairs: Vec<Pair>,
    /// The mapping as it was resolved when it was saved.
    pub mapping: Mapping,
    /// What becomes of newcomers without a grant.
    pub newcomers: Newcomers,
    /// The tag that it puts on members: the list's name at the time it was saved, unless another was
    /// given. None where the provider has no tags.
    pub tag: Option<String>,
    /// Whether the tag was given rather than taken from the list's name.
    pub tag_is_own: bool,
    /// What its contacts are written to for, where that is stated.
    pub purpose: Option<PurposeTerms>,
    /// The share, in percent, past which a plan asks.
    pub breaker_percent: u8,
    /// The provider's sentence about tags it refused, from the last run that had one.
    pub tag_warning: Option<String>,
    /// The last run.
    pub last_run: Option<i64>,
    /// How many runs have finished.
    pub finished_runs: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A sync to be made or changed, checked against both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncDraft {
    /// Its name.
    pub name: String,
    /// The name of the list, or of the segment.
    pub list: String,
    /// The account's name.
    pub account: String,
    /// The audience's id at the provider.
    pub audience_remote_id: String,
    /// The audience's name at the provider.
    pub audience_name: String,
    /// The mapping as it was written.
    pub pairs: Vec<Pair>,
    /// The mapping as it was resolved.
    pub mapping: Mapping,
    /// What becomes of newcomers without a grant.
    pub newcomers: Newcomers,
    /// The tag.
    pub tag: Option<String>,
    /// Whether the tag was given.
    pub tag_is_own: bool,
    /// What its contacts are written to for.
    pub purpose: Option<PurposeName>,
    /// The share, in percent, past which a plan asks.
    pub breaker_percent: u8,
}

/// The use cases of syncs.
#[async_trait]
pub trait SyncStore {
    /// All syncs, by name.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn syncs(&self) -> Result<Vec<Sync>>;

    /// One sync.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn sync(&self, name: &str) -> Result<Sync>;

    /// Makes a sync.
    ///
    /// # Errors
    ///
    /// [`Taken`](crate::StoreError::Taken); [`Refused`](crate::StoreError::Refused) when another sync
    /// into the same audience owns the same tag (without regard to case) or maps one of the remote
    /// fields from another local field; [`NotFound`](crate::StoreError::NotFound) for its list or its purpose.
    async fn add_sync(&self, draft: &SyncDraft, at: Timestamp) -> Result<Sync>;

    /// Changes a sync. A sync keeps its list's and its audience's members: neither can be exchanged.
    ///
    /// # Errors
    ///
    /// As [`add_sync`](Self::add_sync), and [`NotFound`](crate::StoreError::NotFound).
    async fn edit_sync(&self, name: &str, draft: &SyncDraft, at: Timestamp) -> Result<Sync>;

    /// Removes a sync with its memory and its runs. What it put at the provider stays there.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`InUse`](crate::StoreError::InUse) with the segments that
    /// name it.
    async fn remove_sync(&self, name: &str) -> Result<()>;
}
