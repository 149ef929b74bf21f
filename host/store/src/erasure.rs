//! Erasing a person: what is forgotten at once, what blocks its return, and what providers are still to
//! be told (rows D3 and D10, invariant 11).
//!
//! A contact is erased in one transaction. Afterwards the store knows of the person a keyed digest of each
//! address, which blocks import, sync and upsert, and, sealed, what every audience needs to erase the member
//! there; that goes as well as soon as the provider has answered.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use serde::Serialize;

use crate::Result;
use crate::contacts::ContactRef;

/// An erased contact, and what is still to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erasure {
    /// Its number.
    pub id: i64,
    /// The contact that there was.
    pub contact: ContactId,
    /// When it was erased here.
    pub at: Timestamp,
    /// The audiences that had it.
    pub audiences: Vec<ErasureAt>,
}

/// How far an erasure is at one audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasureAt {
    /// The account's name.
    pub account: String,
    /// The audience's name.
    pub audience: String,
    /// How it stands.
    pub state: ErasureState,
    /// What the provider said, where it did not erase the member.
    pub reason: Option<String>,
    /// When it answered last.
    pub answered_at: Option<Timestamp>,
}

/// How an erasure stands at one audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErasureState {
    /// The provider is still to be told, or did not do it.
    Owed,
    /// The provider erased the member.
    Erased,
    /// The provider has no such member.
    Absent,
}

/// A member that a provider is to erase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureDue {
    /// The number of this duty.
    pub id: i64,
    /// The account's name.
    pub account: String,
    /// The audience's id at the provider.
    pub audience: String,
    /// The member's address there.
    pub address: String,
    /// The member's id there.
    pub remote_id: Option<String>,
}

/// What a provider answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasureAnswer {
    /// It erased the member.
    Erased,
    /// It has no such member.
    Absent,
    /// It did not; why. The duty stays.
    Not(String),
}

/// The use cases of erasing.
#[async_trait]
pub trait ErasureStore {
    /// Erases a contact: its data, history, tags and entries are gone when this returns, also from the
    /// files, and its addresses are not taken again. Answers with what providers are to be told.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn erase_contact(&self, who: &ContactRef, at: Timestamp) -> Result<Erasure>;

    /// What providers are still to be told, of one account or of all.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn erasures_due(&self, account: Option<&str>) -> Result<Vec<ErasureDue>>;

    /// Records what a provider answered. Once it has no such member any more, the store forgets which one
    /// it was.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn answer_erasure(&self, due: i64, answer: ErasureAnswer, at: Timestamp) -> Result<()>;

    /// The erasures of this store, the latest first.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn erasures(&self, limit: u32) -> Result<Vec<Erasure>>;
}
