//! What a run reads, what it records batch by batch, and its report (row A3, invariant 8).

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::consent::{ConsentState, Will};
use postroom_domain::contact::{ContactId, EntryFault, EntryId};
use postroom_domain::decision::{Confirmed, Memory, RemoteStatus, TagState};
use postroom_domain::discovery::Discovery;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::Fields;
use postroom_domain::intent::arming::Stop;
use postroom_domain::intent::{Class, IntentId, IntentKind};
use postroom_domain::outcome::{Counts, OutcomeClass, Reason, TagCounts};
use postroom_domain::projection::{Base, ContentHash};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::discovery::{Look, OpenEntries, Picture};
use crate::intents::Lane;

/// One entry of a sync's list with all that its decision needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// The entry.
    pub entry: EntryId,
    /// Its place in the list, counting from 1.
    pub position: u64,
    /// What stands in it.
    pub content: SnapshotContent,
}

/// What stands in an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotContent {
    /// No contact (row A5).
    Invalid(EntryFault),
    /// A contact that an earlier entry has (row A6).
    Duplicate {
        /// The contact.
        contact: ContactId,
        /// The place of its first entry.
        first: u64,
    },
    /// A contact, for the first time.
    Contact(Box<ContactSnapshot>),
}

/// A contact as a run sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactSnapshot {
    /// The contact.
    pub contact: ContactId,
    /// Its address.
    pub address: EmailAddress,
    /// Its fields.
    pub fields: Fields,
    /// Its consent as a whole.
    pub consent: ConsentState,
    /// What it said for the sync's list: withdrawn, or unknown for anything else.
    pub list_will: Will,
    /// What it said for the sync's purpose; unknown where the sync has none.
    pub purpose_will: Will,
    /// What the audience confirmed of it.
    pub confirmed: Option<Confirmed>,
    /// What the sync remembers of it.
    pub memory: Option<Memory>,
    /// Its tag.
    pub tag: TagState,
    /// What all of this and the sync's settings come to: with the same fingerprint the same is
    /// decided.
    pub fingerprint: ContentHash,
}

/// A contact that is not on a sync's list and for which the sync still has something to do at the
/// audience: it bears the sync's tag (row A8, also when it was deleted here), or it withdrew and may
/// still be mailed there (invariant 2). Or one that is on the list, bears the tag, and withdrew for the list or
/// for the sync's purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DepartedRow {
    /// The contact.
    pub contact: ContactId,
    /// The address that the provider has.
    pub address: String,
    /// The member's id there.
    pub remote_id: Option<String>,
    /// Its tag.
    pub tag: TagState,
    /// Whether it withdrew its consent and the audience is to be told.
    pub owes_opt_out: bool,
    /// Whether it is on the list still, and withdrew for it or for the purpose.
    pub withdrew_here: bool,
    /// Whether another contact of the list has this address now, and bears the tag under it: the
    /// member is that one's.
    pub is_taken_over: bool,
}

/// A page of the contacts that are not on a sync's list and that it still has something to do for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DepartedPage {
    /// The sequence number as of which all of it holds.
    pub as_of: u64,
    /// The contacts, by number.
    pub rows: Vec<DepartedRow>,
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunStart {
    /// The sync's number.
    pub sync: i64,
    /// At most so many contacts are sent; none for no bound.
    pub first: Option<u64>,
    /// The digest of the plugin that it uses.
    pub plugin_digest: String,
    /// How many entries are known to be unchanged: counted, not stored.
    pub unchanged: u64,
    /// When it begins.
    pub at: Timestamp,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// At work.
    Running,
    /// It came to its end.
    Finished,
    /// It stopped before the end, and said why.
    Stopped,
    /// Its process ended; what it had recorded is true.
    Interrupted,
}

/// What became of one entry, or of one contact that left the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The entry; none for a contact that left.
    pub entry: Option<EntryId>,
    /// Its place in the list; 0 for a contact that left.
    pub position: u64,
    /// The contact.
    pub contact: Option<ContactId>,
    /// Where it was counted; none for a contact that left, which is no entry.
    pub class: Option<OutcomeClass>,
    /// Why.
    pub reason: Option<Reason>,
    /// What became of the tag: `added`, `removed`, `refused`, or none.
    pub tag: Option<TagOutcome>,
    /// Remote fields that were left out, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// Whether the address was left out because it is incomplete (row A4).
    pub address_omitted: bool,
}

/// What became of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TagOutcome {
    /// Put on.
    Added,
    /// Taken off.
    Removed,
    /// Neither (row A9).
    Refused,
}

/// A page of a sync's entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotPage {
    /// The sequence number as of which all of it holds.
    pub as_of: u64,
    /// The entries, in the order of the places that were asked for.
    pub rows: Vec<SnapshotRow>,
}

/// Who arms a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchArming<'a> {
    /// The right to work on the account's intents.
    pub lane: &'a Lane,
    /// The run.
    pub run: i64,
    /// The how-many-eth batch of the run it is: armed twice, it leaves once.
    pub number: u64,
    /// How soon it is served.
    pub class: Class,
    /// The rule time.
    pub at: Timestamp,
}

/// One request of a run, armed before its first byte leaves. Whatever its answer is, and whether there is one,
/// `members` may have become members and may bear `tags`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchIntent {
    /// What is done.
    pub kind: IntentKind,
    /// The sequence number as of which it was decided.
    pub as_of: u64,
    /// Everybody whom it is about.
    pub contacts: Vec<ContactId>,
    /// Contacts that may become members, under these addresses.
    pub members: Vec<(ContactId, EmailAddress)>,
    /// Tags that may come on: states in which a tag is borne and not yet confirmed.
    pub tags: Vec<(ContactId, TagState)>,
}

impl BatchIntent {
    /// A request that makes no members and puts on no tags.
    #[must_use]
    pub fn new(kind: IntentKind, as_of: u64, contacts: Vec<ContactId>) -> Self {
        Self { kind, as_of, contacts, members: Vec::new(), tags: Vec::new() }
    }
}

/// What arming a batch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArmedBatch {
    /// The request may leave, but for some.
    Armed {
        /// Its intent; none when nobody is left.
        intent: Option<IntentId>,
        /// For whom nothing may leave now.
        left: Vec<(ContactId, Left)>,
    },
    /// Nothing leaves but opt-outs.
    Halted {
        /// What stops the account.
        stop: Stop,
        /// Why, in a sentence.
        why: String,
    },
}

/// Why nothing leaves for a contact now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It changed after it was decided: its data, its tags, or its consent.
    Moved,
    /// It is not there any more, and data of it was to be sent.
    Gone,
    /// Another run has armed a request about it in the same audience, and nobody knows yet what becomes of that.
    UnderWay,
}

/// How the request of an armed batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEnd {
    /// There is an answer; what it says of each contact stands in the record.
    Answered,
    /// Nothing of it left.
    NotSent,
    /// There is none. What was to be done is decided anew by the next run.
    Unanswered,
}

/// Everything that one batch settled; recorded in one transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchRecord {
    /// What became of entries and of contacts that left.
    pub outcomes: Vec<Outcome>,
    /// What the provider confirmed.
    pub confirmed: Vec<Confirmation>,
    /// What the sync remembers from now on, or forgets.
    pub memories: Vec<(ContactId, Option<Memory>)>,
    /// The tags' new states. An empty state forgets the contact.
    pub tags: Vec<(ContactId, TagState)>,
    /// Contacts that did not become members, because the provider refused them: the note that they
    /// may have is dropped.
    pub not_made: Vec<ContactId>,
    /// How many entries were unchanged: counted, not stored.
    pub unchanged: u64,
    /// Contacts that needed nothing, each with the fingerprint of what that was decided from.
    pub settled: Vec<(ContactId, ContentHash)>,
    /// The requests that were armed for it, each with its end.
    pub ends: Vec<(IntentId, BatchEnd)>,
}

/// What the provider confirmed of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The contact.
    pub contact: ContactId,
    /// The member's id.
    pub remote_id: Option<String>,
    /// Its status; none leaves what is known.
    pub status: Option<RemoteStatus>,
    /// What it holds now; none leaves what is known (a status was seen, nothing was written).
    pub content: Option<ConfirmedContent>,
}

/// What a member holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedContent {
    /// Its address there.
    pub address: EmailAddress,
    /// The hash of all of it.
    pub hash: ContentHash,
    /// The hashes of its fields.
    pub base: Base,
}

/// The sums of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSummary {
    /// How it ended.
    pub state: RunState,
    /// Where the entries ended.
    pub counts: Counts,
    /// What became of the tags.
    pub tags: TagCounts,
    /// How many contacts went without their address (row A4).
    pub address_omitted: u64,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
    /// Why it stopped, if it did.
    pub stopped: Option<Reason>,
    /// How it found the entries to be judged; none if it did not come to its end, or was one of an
    /// earlier version.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Discovery>,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub id: i64,
    /// The sync's name.
    pub sync: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The digest of the plugin that it used.
    pub plugin_digest: String,
    /// Its sums; those of a run at work are empty.
    pub summary: RunSummary,
    /// Requests that it armed and whose end nobody knows: under way, or in doubt.
    pub open_requests: u64,
}

/// Which outcomes a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutcomeQuery {
    /// The run.
    pub run: i64,
    /// Which of its numbers to open; none for all that is stored.
    pub of: Option<ReportNumber>,
    /// Continue behind this row.
    pub after: u64,
    /// At most this many.
    pub limit: u32,
}

/// A number of a report that opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportNumber {
    /// One of the ten counts.
    Class(OutcomeClass),
    /// One of the tags' three.
    Tag(TagOutcome),
    /// Contacts that went without their address.
    AddressOmitted,
    /// Contacts that went without one or more fields.
    LeftOut,
}

/// An outcome with what a person needs to find the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutcomeRow {
    /// The row's number, for the next page.
    pub row: u64,
    /// The contact's address today, or the raw row's, where there is one.
    pub email: Option<String>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The use cases of a run.
#[async_trait]
pub trait RunStore {
    /// Finds the entries of a sync that are to be judged: those that moved since the sync's picture was
    /// made, if it may be followed, or else by comparing every entry with what the sync remembers. Both
    /// ways find the same. Writes nothing.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn open_entries(&self, look: &Look) -> Result<OpenEntries>;

    /// Keeps what a sync has seen of its list, in the place of what it knew before. It is true as of its
    /// sequence number, whatever has moved since.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn keep_picture(&self, sync: i64, picture: &Picture) -> Result<()>;

    /// The places of a sync's list in the order of their contacts, those of entries without one first. Places without an
    /// entry are left out.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn in_order_of_contacts(&self, sync: i64, positions: &[u64]) -> Result<Vec<u64>>;

    /// The entries of a sync at these places, in this order. Places without an entry are passed over.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn snapshot(&self, sync: i64, settings: ContentHash, positions: &[u64]) -> Result<SnapshotPage>;

    /// A page of the contacts that are not on the sync's list, and whose opt-out or, if `tagged`, whose
    /// tag the audience is still to be told of, with a number above `after`.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn departed(&self, sync: i64, tagged: bool, after: ContactId, limit: u32) -> Result<DepartedPage>;

    /// Begins a run. Runs of the sync that a dead process left at work become interrupted, counted
    /// from what they had recorded; what they had armed and nobody answered is decided anew by this one, and is in doubt
    /// no more.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn begin_run(&self, start: &RunStart) -> Result<i64>;

    /// Arms one request of a run, in one transaction that is on disk when this returns. Who has moved since
    /// the request was decided, or is in another run's hands, is left out: so an opt-out that was recorded before wins. What is
    /// known of a member stays; a contact that was seen to be none may be one from now on.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::StoreError::Refused) when somebody else has the lane; when the storage fails. Then nothing
    /// may be sent.
    async fn arm_batch(&self, arming: &BatchArming<'_>, batch: BatchIntent) -> Result<ArmedBatch>;

    /// Records what one batch settled, in one transaction.
    ///
    /// # Errors
    ///
    /// When the storage fails; then nothing of it is recorded.
    async fn record_batch(&self, run: i64, record: BatchRecord) -> Result<()>;

    /// Ends the runs of a sync that nobody works on any more, as [`begin_run`](Self::begin_run) would: whoever dropped
    /// one asks for it, so that nobody waits for what it had armed.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn abandon_runs(&self, sync: i64, at: Timestamp) -> Result<()>;

    /// Ends a run.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn finish_run(&self, run: i64, summary: &RunSummary, tag_warning: Option<&str>, at: Timestamp) -> Result<()>;

    /// The latest runs first, of one sync or of all.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn runs(&self, sync: Option<&str>, limit: u32) -> Result<Vec<Run>>;

    /// One run.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::StoreError::NotFound).
    async fn run(&self, id: i64) -> Result<Run>;

    /// A page of a run's outcomes. *Unchanged* is not stored: its entries are those of the list that
    /// have no other outcome in the run.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn outcomes(&self, query: &OutcomeQuery) -> Result<Vec<OutcomeRow>>;
}
