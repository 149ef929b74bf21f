//! Lists, their entries, and the import that fills them (rows D2, D5, A5, A6).

use std::ops::RangeInclusive;

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::contact::{ContactId, EntryFault, EntryId, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::meeting::Acquaintance;
use postroom_domain::order::Place;
use postroom_domain::purpose::PurposeName;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::contacts::{ContactRef, ContactUpsert, Written};

/// A list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// How many entries it has.
    pub entries: u64,
    /// How many contacts they are.
    pub contacts: u64,
    /// The syncs that use it.
    pub syncs: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// Its place in the list, counting from 1.
    pub position: u64,
    /// Its contact.
    pub contact: Option<ContactId>,
    /// The contact's address.
    pub email: Option<String>,
    /// Why it has no contact.
    pub fault: Option<EntryFault>,
    /// The place of the first entry of the same contact, where this is a later one.
    pub duplicate_of: Option<u64>,
    /// The row it was imported from, cell by cell.
    pub raw: Vec<String>,
    /// When it joined the list.
    pub joined_at: Timestamp,
}

/// What can be wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryTrouble {
    /// It has no usable address, and so no contact (row A5).
    Invalid,
    /// An earlier entry has its contact (row A6).
    Duplicate,
}

/// The use cases of lists.
#[async_trait]
pub trait ListStore {
    /// All lists, in the order that was set; a new one comes last.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn lists(&self) -> Result<Vec<List>>;

    /// Gives a list another place among the lists.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for either list.
    async fn move_list(&self, name: &str, to: &Place<String>) -> Result<()>;

    /// One list.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn list(&self, name: &str) -> Result<List>;

    /// Makes an empty list.
    ///
    /// # Errors
    ///
    /// [`Taken`](crate::StoreError::Taken).
    async fn create_list(&self, name: &str, at: Timestamp) -> Result<List>;

    /// Gives a list another name. Who withdrew for it has withdrawn for it still.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound), [`Taken`](crate::StoreError::Taken).
    async fn rename_list(&self, name: &str, to: &str, at: Timestamp) -> Result<()>;

    /// Deletes a list and its entries, and what contacts said for it; its contacts stay, and their histories
    /// still tell what they said.
    ///
    /// # Errors
    ///
    /// [`InUse`](crate::StoreError::InUse) with the names of all syncs that use it and of all segments
    /// that name it (row D5).
    async fn delete_list(&self, name: &str, at: Timestamp) -> Result<()>;

    /// A page of a list's entries in its order, with a position above `after`.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn entries(&self, list: &str, after: u64, limit: u32) -> Result<Vec<Entry>>;

    /// Puts a contact at the end of a list; answers false when it is on it already.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn add_entry(&self, list: &str, who: &ContactRef, at: Timestamp) -> Result<bool>;

    /// Takes every entry of a contact off a list; answers with how many there were.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn remove_contact_entries(&self, list: &str, who: &ContactRef, at: Timestamp) -> Result<u64>;

    /// Takes one entry off a list, by its position.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn remove_entry(&self, list: &str, position: u64, at: Timestamp) -> Result<()>;

    /// A page of the entries with which this is wrong, as [`ListStore::entries`].
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn entries_in_trouble(&self, list: &str, trouble: EntryTrouble, after: u64, limit: u32)
    -> Result<Vec<Entry>>;

    /// Gives an entry without a contact one: the contact of the address, which is made if it is not there,
    /// and changed as the upsert says. The entry keeps its place and its row. Answers with the contact and
    /// what became of it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound); [`Refused`](crate::StoreError::Refused) for an entry that
    /// has a contact, and as for [`upsert_contact`](crate::contacts::ContactStore::upsert_contact).
    async fn correct_entry(&self, list: &str, position: u64, upsert: &ContactUpsert) -> Result<(ContactId, Written)>;
}

/// How a file meets the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportMode {
    /// Its rows join the list.
    Add,
    /// It is the list: who is not in it leaves.
    Replace,
}

/// A consent that the operator states for every contact of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedConsent {
    /// What shows it; kept with the file's name and each row's line.
    pub evidence: String,
    /// The purposes for which it is stated too.
    pub purposes: Vec<PurposeName>,
}

/// An import that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportStart {
    /// The list that it fills; made if it is not there. None updates contacts only.
    pub list: Option<String>,
    /// How it meets the list.
    pub mode: ImportMode,
    /// The name of the file, without its folder.
    pub file: String,
    /// The hash of its bytes, in hexadecimal.
    pub digest: String,
    /// What tells this way of reading the file from another: of its columns, their places, its
    /// encoding. Any text that is the same for the same.
    pub reading: String,
    /// The consent that is stated for it (invariant 2: it never lifts a withdrawal).
    pub consent: Option<StatedConsent>,
    /// Whether grants that its rows claim are recorded; withdrawals and bounces are in any case
    /// ([`postroom_domain::claim`]).
    pub believes_file: bool,
    /// When it begins.
    pub at: Timestamp,
}

/// Names an import that has begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImportId(pub i64);

/// An import that has begun, or that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImportBegun {
    /// Its name.
    pub import: ImportId,
    /// So many rows, from the first on, were handed over before it was cut short: the caller goes on
    /// behind them. 0 for a new one.
    pub done: u64,
}

/// A row that the store could not take, and why: an external key and an address that belong to two
/// contacts, say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// The line in the file.
    pub line: u64,
    /// Why.
    pub reason: String,
    /// Its cells; none where the person was erased, of whom nothing is kept.
    pub raw: Vec<String>,
}

/// The sums of an import, so far or in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportCounts {
    /// Rows that were taken.
    pub rows: u64,
    /// Contacts that are new.
    pub created: u64,
    /// Contacts that changed.
    pub updated: u64,
    /// Contacts that were so already.
    pub unchanged: u64,
    /// Contacts whose address changed, found by their external key; they are among the updated.
    pub renamed: u64,
    /// Later rows of the same contact: they hold their raw row and write nothing (row A6).
    pub duplicate: u64,
    /// Rows without a usable address (row A5).
    pub invalid: u64,
    /// Grants that were recorded.
    pub consent_recorded: u64,
    /// Contacts that had withdrawn and stay so.
    pub consent_kept_withdrawn: u64,
    /// Contacts that got no stated grant, because their rows do not say that they agreed.
    pub consent_not_granted: u64,
    /// Contacts that are granted and stay so, though their rows do not say that they agreed: that is no withdrawal.
    pub consent_kept_granted: u64,
    /// Contacts that got no grant, because nobody said that the file is to be believed: their rows say that they agreed.
    pub consent_not_believed: u64,
    /// Grants for purposes that were recorded.
    pub purposes_recorded: u64,
    /// Purposes that contacts had withdrawn for, and that stay so.
    pub purposes_kept_withdrawn: u64,
    /// Withdrawals and bounces that rows claim, and that were recorded.
    pub opt_outs_recorded: u64,
    /// Contacts that got a tag that they did not have.
    pub tagged: u64,
    /// Entries that joined the list.
    pub joined: u64,
    /// Entries that left it.
    pub left: u64,
}

/// The names of a row: what it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowNames {
    /// Its address.
    pub email: EmailAddress,
    /// Its key in the system that it comes from.
    pub external_id: Option<String>,
}

/// What a finished import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// The sums.
    pub counts: ImportCounts,
    /// Contacts that left the list, by address, the first [`LEAVERS_SHOWN`] of them.
    pub leavers: Vec<String>,
}

/// How many leavers a report names: enough to recognise a mistake, few enough to read.
pub const LEAVERS_SHOWN: usize = 20;

/// How many rows a caller best hands over at a time: enough that the contacts among them can be written
/// in an order that suits the store, few enough for memory.
pub const IMPORT_BATCH_ROWS: usize = 50_000;

/// The use cases of an import. Contacts are written chunk by chunk; the list shows the file as a
/// whole when the import finishes, or not at all.
#[async_trait]
pub trait ImportStore {
    /// Begins an import, or takes up the one that an earlier process left unfinished, if that was the
    /// same in everything but its moment ([`ImportStart::at`]). Anything else that was left unfinished on
    /// the same list is cleared away, also an import that this process has begun itself.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound) for a purpose that there is not.
    async fn begin_import(&self, start: &ImportStart) -> Result<ImportBegun>;

    /// Writes the contacts of some rows, and their entries out of sight. Answers with the rows that
    /// could not be taken.
    ///
    /// Rows come in the file's order, one call after the other. A call may be made before the one before it
    /// has answered: its rows are got ready meanwhile, and written in the order of the calls. A contact that an
    /// earlier row of the same import wrote is a duplicate. Many rows are written in several units, so that
    /// other writes get in between.
    ///
    /// # Errors
    ///
    /// When the storage fails; then rows from some row on are not written, also not those of later calls.
    async fn import_rows(&self, import: ImportId, rows: Vec<ImportedRow>) -> Result<Vec<RefusedRow>>;

    /// The rows on some lines that an open import could not take, also before it was cut short, by line.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn refused_rows(&self, import: ImportId, lines: RangeInclusive<u64>) -> Result<Vec<RefusedRow>>;

    /// What finishing would do to the list, without doing it.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn preview_import(&self, import: ImportId) -> Result<ImportReport>;

    /// Makes the entries of the import the list's, at one stroke. The same file twice changes nothing.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn finish_import(&self, import: ImportId, at: Timestamp) -> Result<ImportReport>;

    /// Whom the store knows under the names of some rows, in their order: for telling what an import would
    /// do, without one that was begun.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn acquaintances(&self, rows: Vec<RowNames>) -> Result<Vec<Acquaintance>>;

    /// Clears an import away; the list stays as it was.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn abandon_import(&self, import: ImportId) -> Result<()>;
}
