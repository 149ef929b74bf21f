//! Contacts, their consent and their tags (rows D1 to D3).

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::consent::{ConsentEvent, ConsentState, Will};
use postroom_domain::contact::{ContactId, FieldPatch};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::Fields;
use postroom_domain::history::ContactEvent;
use postroom_domain::purpose::PurposeTerms;
use serde::Serialize;

use crate::Result;

/// How a caller names a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContactRef {
    /// By its number.
    Id(ContactId),
    /// By its e-mail address.
    Email(EmailAddress),
    /// By the hash that its creation returned: 32 hexadecimal digits.
    Hash(String),
    /// By the key of the system that it comes from.
    ExternalId(String),
}

/// A contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Its number.
    pub id: ContactId,
    /// Its public hash: 32 hexadecimal digits.
    pub hash: String,
    /// Its e-mail address.
    pub email: EmailAddress,
    /// The key of the system that it comes from.
    pub external_id: Option<String>,
    /// Its fields.
    pub fields: Fields,
    /// Its consent as one state.
    pub consent: ConsentState,
    /// Its tags, in alphabetical order.
    pub tags: Vec<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One contact with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactDetail {
    /// The contact.
    pub contact: Contact,
    /// The history of its consent, oldest first, for lists and purposes too.
    pub consent_history: Vec<ConsentEvent>,
    /// The lists that it withdrew for, by name, whether it is on them or not.
    pub unsubscribed: Vec<String>,
    /// What it said for each purpose there is, by name.
    pub purposes: Vec<PurposeStanding>,
    /// The lists that it is on.
    pub lists: Vec<String>,
    /// The audiences that confirmed it.
    pub members: Vec<MemberOf>,
    /// The addresses of contacts that were merged into it, in alphabetical order: they find it, too.
    pub aliases: Vec<EmailAddress>,
}

/// What a contact said for a purpose, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurposeStanding {
    /// The purpose and its basis.
    #[serde(flatten)]
    pub purpose: PurposeTerms,
    /// What it said; unknown where nothing is recorded.
    pub will: Will,
    /// Its consent for this purpose, under its consent as a whole.
    pub consent: ConsentState,
}

/// A contact's place in an audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberOf {
    /// The account's name.
    pub account: String,
    /// The audience's name.
    pub audience: String,
    /// The member's id there.
    pub remote_id: Option<String>,
    /// The status it was last seen with.
    pub status: Option<String>,
    /// When that was.
    pub confirmed_at: Timestamp,
}

/// Which contacts a page holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactQuery {
    /// Part of an address; empty for all.
    pub search: String,
    /// Only contacts with a number above this.
    pub after: Option<ContactId>,
    /// At most this many.
    pub limit: u32,
}

/// A contact to be written: it is created, or the one of that address is updated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactUpsert {
    /// Whom to update, where that is not the contact of `email`: then `email` is its new address.
    pub who: Option<ContactRef>,
    /// Its address; none leaves the address as it is.
    pub email: Option<EmailAddress>,
    /// Its external key; none leaves it as it is.
    pub external_id: Option<String>,
    /// Its fields.
    pub patch: FieldPatch,
    /// When this happens.
    pub at: Timestamp,
}

/// What became of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Written {
    /// It is new.
    Created,
    /// It changed.
    Updated,
    /// It was so already.
    Unchanged,
}

/// The use cases of contacts.
#[async_trait]
pub trait ContactStore {
    /// Finds one contact with its history.
    ///
    /// # Errors
    ///
    /// When the storage fails; a contact that is not there is none.
    async fn contact(&self, who: &ContactRef) -> Result<Option<ContactDetail>>;

    /// The story of a contact, oldest first: that it was made, what changed about it, which tags and lists it
    /// got and lost, what happened to its consent, and who was merged into it; each with when and by whom.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn contact_history(&self, who: &ContactRef) -> Result<Vec<ContactEvent>>;

    /// A page of contacts in the order of their numbers.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn contacts(&self, query: &ContactQuery) -> Result<Vec<Contact>>;

    /// The names of the lists that each of these contacts is on, in their order.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn list_names(&self, contacts: &[ContactId]) -> Result<Vec<Vec<String>>>;

    /// Creates or updates one contact (row D1). Addresses, external keys and hashes stay unique. An address that
    /// a contact had before it was merged into another means the one that stayed, which keeps its own.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) when the new address or key belongs to another
    /// contact, [`NotFound`](crate::StoreError::NotFound) when `who` names none.
    async fn upsert_contact(&self, upsert: &ContactUpsert) -> Result<(ContactId, Written)>;

    /// Joins two contacts that are one person: `kept` stays, `other` goes. What only the other had comes over:
    /// fields, tags, places on lists, the history of what it wants. Its address and its hash go on finding the one
    /// that stays; at audiences its own members lose their tags, as after a deletion. Answers with the one that
    /// stays.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) when both are one, when
    /// they have different external keys, or while one of them withdrew and an audience of the other has not been
    /// told.
    async fn merge_contacts(&self, kept: &ContactRef, other: &ContactRef, at: Timestamp) -> Result<ContactId>;

    /// Deletes a contact and its entries. What audiences hold of it stays known until their syncs
    /// have taken their tags off (row A8).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) while it withdrew
    /// its consent and an audience has not been told yet.
    async fn delete_contact(&self, who: &ContactRef, at: Timestamp) -> Result<ContactId>;

    /// Adds an event to a contact's consent history and answers with the state that its scope comes to: of a list
    /// or a purpose, what the contact said for that alone. An event that changes nothing is kept all the same: it
    /// is evidence.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), also of the list or the purpose;
    /// [`Refused`](crate::StoreError::Refused) for news of a mailbox about one of these.
    async fn record_consent(&self, who: &ContactRef, event: &ConsentEvent) -> Result<ConsentState>;

    /// Puts a tag on a contact, or takes it off; answers whether that changed anything.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn tag_contact(&self, who: &ContactRef, tag: &str, present: bool, at: Timestamp) -> Result<bool>;
}
