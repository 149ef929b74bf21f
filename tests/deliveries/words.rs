//! What a test and its child say to each other: one line of JSON each.

use std::path::PathBuf;

use jiff::Timestamp;
use postroom_domain::consent::ConsentState;
use postroom_domain::intent::Settlement;
use serde::{Deserialize, Serialize};

/// The variable that tells a child where it works.
pub(crate) const BEGINNING: &str = "POSTROOM_DELIVERIES_CHILD";
/// The account, the list and the sync of every house.
pub(crate) const ACCOUNT: &str = "desk";
pub(crate) const LIST: &str = "Guests";
pub(crate) const SYNC: &str = "guests";
/// The template of every message.
pub(crate) const TEMPLATE: &str = "welcome";

/// Where a child works, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Beginning {
    pub(crate) store: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) compiled: PathBuf,
    pub(crate) now: Timestamp,
}

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Command {
    /// Plan a message.
    Plan { key: String, to: String, due_at: Timestamp, valid_until: Timestamp },
    /// Make a contact on the list, or change it.
    Save { email: String, name: String },
    /// Record that a contact says no.
    OptOut { email: String },
    /// Record that a contact says yes, by its own act.
    OptIn { email: String },
    /// Set the clock of the rules.
    Clock { now: Timestamp },
    /// Lift the hold: somebody has looked at what goes out.
    Resume,
    /// Resolve a doubt.
    Resolve { key: String, settlement: Settlement },
    /// Let no file grow further than so many bytes beyond the present size of the database's log.
    Full { room: u64 },
    /// Let files grow again.
    Room,
    /// End in good order.
    Stop,
}

/// What a child says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Word {
    /// It is at work; `held` says why nothing but opt-outs leaves.
    Ready { held: Option<String> },
    /// It did what it was told, and that is on disk.
    Done(Done),
    /// It did not, and says why.
    Refused { why: String },
}

/// What stood when something was done.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    /// What the contact's consent came to, where it was about that.
    pub(crate) consent: Option<ConsentState>,
    /// The effect keys of what was armed right afterwards: it may be on its way to the provider.
    pub(crate) armed: Vec<String>,
    /// The effect keys of what was claimed right afterwards: whoever has it may have read the clock already, and be
    /// about to arm it.
    pub(crate) claimed: Vec<String>,
    /// How many requests of runs were armed.
    pub(crate) batches: usize,
}
