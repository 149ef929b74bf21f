//! The store port: what the house asks of the place where it keeps things.
//!
//! [`Store`] is the sum of small traits, one per room of the house. Every method is one use case
//! and one whole transaction: it happens entirely or not at all, and when it returns, a write is
//! on disk (invariant 1). No closure, no connection and no SQL crosses this border, so that a second
//! adapter can stand beside the first.
//!
//! * [`workspace`]: the store as a whole, and its fields.
//! * [`contacts`]: contacts, their consent and their tags.
//! * [`purposes`]: what contacts are written to for.
//! * [`erasure`]: people who are forgotten, here and at providers.
//! * [`import_profiles`]: how files of one system are read, saved.
//! * [`lists`]: lists and their entries, and the import that fills them.
//! * [`accounts`]: plugins, accounts and their sealed secrets.
//! * [`segments`]: saved filters over contacts.
//! * [`syncs`]: audiences and the syncs that tie lists to them.
//! * [`discovery`]: where a run has to look, and the picture of a list that a sync keeps.
//! * [`runs`]: what a run reads, what it records batch by batch, and its report.
//! * [`intents`]: the ledger of what is to happen at providers, and how far it got.
//! * [`instance`]: what a store knows of itself, so that copies and restored backups are told from it.
//! * [`schedules`]: when syncs run by themselves, and the ticks of their timetables.
//! * [`timers`]: things that are to happen at a time.
//! * [`events`]: the log of what happened, and those who read it.
//! * [`clock`]: where rule time comes from. The store itself asks no clock: whoever calls brings the moment.
//!
//! Behind the feature `conformance` there is a suite that tells whether an adapter keeps to the port.
//!
//! Every write that can change a plan takes the next sequence number of the workspace and leaves a
//! change row that names the contact or the list by id, or the set of contacts that a batch of a run wrote
//! of; larger changes leave one event with the range of numbers they took.

pub mod accounts;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod contacts;
pub mod discovery;
pub mod erasure;
mod error;
pub mod events;
pub mod import_profiles;
pub mod instance;
pub mod intents;
pub mod lists;
pub mod purposes;
pub mod runs;
pub mod schedules;
pub mod segments;
pub mod syncs;
pub mod timers;
pub mod workspace;

pub use error::StoreError;

/// What every use case answers with.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The whole port.
pub trait Store:
    workspace::WorkspaceStore
    + contacts::ContactStore
    + purposes::PurposeStore
    + erasure::ErasureStore
    + lists::ListStore
    + lists::ImportStore
    + import_profiles::ImportProfileStore
    + segments::SegmentStore
    + accounts::AccountStore
    + syncs::SyncStore
    + runs::RunStore
    + intents::IntentStore
    + instance::InstanceStore
    + schedules::ScheduleStore
    + timers::TimerStore
    + events::EventStore
    + Send
    + Sync
{
}

impl<T> Store for T where
    T: workspace::WorkspaceStore
        + contacts::ContactStore
        + purposes::PurposeStore
        + erasure::ErasureStore
        + lists::ListStore
        + lists::ImportStore
        + import_profiles::ImportProfileStore
        + segments::SegmentStore
        + segments::SegmentStore
        + accounts::AccountStore
        + syncs::SyncStore
        + runs::RunStore
        + intents::IntentStore
        + instance::InstanceStore
        + schedules::ScheduleStore
        + timers::TimerStore
        + events::EventStore
        + Send
        + Sync
{
}
