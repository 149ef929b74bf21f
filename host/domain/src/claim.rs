//! What an imported row says about its contact's consent: a claim, and not yet an event.
//!
//! A file is somebody's word about the contact, never the contact's own act. Whoever takes a claim up
//! keeps to this rule:
//!
//! * A claim of a **withdrawal** or of a **bounce** is recorded always: to ignore one would mail a
//!   person who said no, and to heed a wrong one costs a message that can be asked for again.
//! * A claim of a **grant** is recorded, with its evidence, only when the operator says that the file
//!   is to be believed (`--consent from-file`). Otherwise it is kept with the raw row and nothing else.
//! * A row that does not say that its contact agreed, in a file with a column for that (it is waited for, was not given,
//!   stands in words that nobody here knows, or the cell is empty as an unticked box is), gets **no grant**, also where the
//!   operator states one for the whole file.
//! * No claim lifts a withdrawal ([`consent`](crate::consent), row D3). A claimed grant is of the
//!   source `import`, however well it is shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::consent::ConsentAct;

/// What a row says that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimedAct {
    /// The contact agreed.
    Granted,
    /// The contact took its consent back.
    Withdrawn,
    /// The address was found not to take mail.
    Bounced,
    /// Nothing happened that could be recorded, and the contact is not known to have agreed.
    NotGranted,
}

impl ClaimedAct {
    /// The event that it is recorded as; none where nothing happened.
    #[must_use]
    pub fn event(self) -> Option<ConsentAct> {
        match self {
            Self::Granted => Some(ConsentAct::Granted),
            Self::Withdrawn => Some(ConsentAct::Withdrawn),
            Self::Bounced => Some(ConsentAct::Bounced),
            Self::NotGranted => None,
        }
    }
}

/// A row's word about consent (row D3: when, how and from where).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentClaim {
    /// What it says that happened.
    pub act: ClaimedAct,
    /// When, where the row tells it in a way that can be read.
    pub at: Option<Timestamp>,
    /// The cells that say so, under their columns' names, with the file and the line.
    pub evidence: String,
    /// The network address from which the contact acted, where the row has one.
    pub ip: Option<String>,
}
