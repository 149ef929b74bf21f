//! What a store knows of itself, and the note of it that lies outside: together they tell a copy and an older state
//! from the store that works. The rules are those of [`postroom_domain::instance`].

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::instance::{Inside, Mark, Original, Outside, Place, Suspicion};
use serde::Serialize;

use crate::Result;
use crate::intents::Halted;

/// What a store knows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceNote {
    /// Its name among all stores.
    pub instance: String,
    /// Its mark, and what has happened in it.
    pub inside: Inside,
    /// Where its note lay when it was last marked, in the witness's words.
    pub kept_in: Option<String>,
    /// Why it is suspected, until somebody lets it go on.
    pub suspicion: Option<Suspicion>,
}

/// A new mark, with all that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The mark.
    pub mark: Mark,
    /// The word of the mark that the note outside has until it gets this one.
    pub before: Option<String>,
    /// Where the store is.
    pub place: Place,
    /// Where its note lies, in the witness's words.
    pub kept_in: String,
}

/// A yes to a store that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// Its new name, for a copy that is to be a store of its own.
    pub instance: Option<String>,
    /// Its new mark; none where no note is kept.
    pub renewal: Option<Renewal>,
}

/// What a suspicion did to the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Suspected {
    /// Intents that were claimed and are planned again.
    pub released: u64,
    /// Intents that were armed and are in doubt now.
    pub in_doubt: u64,
}

/// The use cases of what a store knows of itself.
#[async_trait]
pub trait InstanceStore {
    /// What the store knows of itself.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn instance_note(&self) -> Result<InstanceNote>;

    /// Gives the store a new mark, which is on disk when this returns.
    ///
    /// # Errors
    ///
    /// When the storage fails; then the old mark stands.
    async fn renew_mark(&self, renewal: &Renewal) -> Result<()>;

    /// Holds every intent because the store may not be the one that it was, and takes every lane over: what was
    /// claimed is planned again, what was armed is in doubt. All in one transaction.
    ///
    /// # Errors
    ///
    /// When the storage fails; then nothing is held, and nothing may leave.
    async fn suspect_instance(&self, suspicion: Suspicion, why: &str, at: Timestamp) -> Result<Suspected>;

    /// Lifts the hold, forgets the suspicion, and gives the store its new name and mark, all in one transaction.
    /// Answers with the hold that was lifted.
    ///
    /// # Errors
    ///
    /// When the storage fails; then the hold stands.
    async fn accept_instance(&self, acceptance: &Acceptance) -> Result<Option<Halted>>;
}

/// Where the note of a store lies, outside of it: an older database that is put back must not take it along.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Where the store is now.
    ///
    /// # Errors
    ///
    /// When its folder can't be looked at.
    async fn here(&self) -> Result<Place>;

    /// The note of a store, and where it lies or is to lie. It is looked for where it lay first, so that whoever runs
    /// the program next finds it too.
    ///
    /// # Errors
    ///
    /// [`Unusable`](crate::StoreError::Unusable) when it is there and can't be read.
    async fn note(&self, instance: &str, kept_in: Option<&str>) -> Result<(String, Option<Outside>)>;

    /// Writes the note, and answers when it is on disk.
    ///
    /// # Errors
    ///
    /// When that fails; then the note before stands.
    async fn keep(&self, instance: &str, kept_in: &str, note: &Outside) -> Result<()>;

    /// What is in the folder that a note names.
    ///
    /// # Errors
    ///
    /// When it can't be found out whether anything is; what can't be read counts as standing.
    async fn original(&self, instance: &str, folder: &str) -> Result<Original>;
}
