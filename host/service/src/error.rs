//! Why a use case did not do what it was asked.

use std::path::PathBuf;

use postroom_domain::consent::ConsentState;
use postroom_domain::mapping::MappingFault;
use postroom_domain::narrowing::Scope;
use postroom_domain::outcome::Reason;
use postroom_domain::segment::SegmentFault;
use postroom_egress::EgressError;
use postroom_export::ExportFault;
use postroom_import::ImportFault;
use postroom_runtime::{EngineError, LoadError};
use postroom_store::StoreError;
use postroom_store::accounts::PluginSource;
use serde::Serialize;

use crate::plugins::PermissionRequest;

/// What every use case answers with.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// What kind of failure it is: what a face turns into an exit code or a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// What was asked for is wrong as it stands: mend the input.
    BadInput,
    /// There is no such thing.
    NotFound,
    /// It contradicts what is there: a taken name, a thing in use.
    Conflict,
    /// Another program holds the store.
    Held,
    /// The store can't be opened as it is.
    Unusable,
    /// It stopped and asks for a yes (invariant 5; approval of a plugin).
    NeedsApproval,
    /// The provider can't be reached, or does not let us in.
    Provider,
    /// The program or the machine failed.
    Internal,
}

/// A failure, as a full sentence for the person who must act.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file was refused as a whole (invariant 10).
    #[error(transparent)]
    Import(#[from] ImportFault),
    /// A file was refused because nobody said what its columns are, and a saved import profile knows them.
    #[error("{fault}")]
    UnmappedFile {
        /// Why it was refused.
        fault: Box<ImportFault>,
        /// The file.
        file: PathBuf,
        /// The profile's name.
        profile: String,
    },
    /// A file of contacts was not written.
    #[error(transparent)]
    Export(#[from] ExportFault),
    /// What was asked for is wrong.
    #[error("{0}")]
    BadInput(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// A mapping does not fit: every fault at once (row A2).
    #[error("the mapping of the sync `{sync}` does not fit:{}", bullets(.faults))]
    Mapping {
        /// The sync's name.
        sync: String,
        /// What is wrong with it.
        faults: Vec<MappingFault>,
    },
    /// The text of a segment is wrong: the sentence, and the line with the place marked (row D6).
    #[error(transparent)]
    Segment(Box<SegmentFault>),
    /// Several things are wrong with an account's settings or credentials.
    #[error("the account `{account}` does not fit the plugin `{plugin}`:{}", bullets(.faults))]
    Account {
        /// The account's name.
        account: String,
        /// The plugin's id.
        plugin: String,
        /// What is wrong with it.
        faults: Vec<String>,
    },
    /// A component is not a plugin that this host runs.
    #[error("{0}")]
    Plugin(#[from] LoadError),
    /// A plugin asks for rights that nobody has approved, or for a yes to go back.
    #[error("{0}")]
    PluginNeedsApproval(Box<PermissionRequest>),
    /// An account's plugin comes from elsewhere than the one that it gave its secrets to.
    #[error(
        "the account `{account}` gave its secrets to the plugin `{plugin}` from {had}, and that plugin now comes from {now}: another source is another plugin, so it got nothing"
    )]
    PluginFromElsewhere {
        /// The account's name.
        account: String,
        /// The plugin's id.
        plugin: String,
        /// Where the plugin came from that has its trust.
        had: PluginSource,
        /// Where the plugin comes from now.
        now: PluginSource,
    },
    /// A run would do more than it may do unasked.
    #[error("the run of the sync `{sync}` asks before it begins:{}", bullets(.reasons))]
    RunNeedsApproval {
        /// The sync's name.
        sync: String,
        /// Why it asks.
        reasons: Vec<String>,
    },
    /// An account's way out can't be opened.
    #[error("{0}")]
    Egress(#[from] EgressError),
    /// The provider can't be reached, or does not let the account in.
    #[error("the account `{account}` does not work: {message}")]
    Provider {
        /// The account's name.
        account: String,
        /// What happened and the mend.
        message: String,
    },
    /// The provider could not be prepared for a run; nothing was sent.
    #[error("the run of the sync `{sync}` did not begin, and nothing was sent: {}", .reason.message)]
    RunNotBegun {
        /// The sync's name.
        sync: String,
        /// The account's name.
        account: String,
        /// What happened.
        reason: Reason,
    },
    /// A grant was recorded and lifts nothing (invariant 2).
    #[error(
        "the contact {who} is {state}{} and stays so: only the contact's own later opt-in, with its evidence, changes that. The event was kept in the history",
        about(.scope)
    )]
    ConsentStands {
        /// The contact, as it was named.
        who: String,
        /// What the grant was for.
        scope: Scope,
        /// Its state there.
        state: ConsentState,
    },
    /// The store is held because it may not be the one that it was, and only who knows that lets it go on.
    #[error("it is held, and nothing went on: {0}")]
    Suspected(String),
    /// The WebAssembly engine does not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The program or the machine failed.
    #[error("{0}")]
    Internal(String),
}

impl ServiceError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => match error {
                StoreError::NotFound { .. } => ErrorKind::NotFound,
                StoreError::Taken { .. } | StoreError::InUse { .. } | StoreError::Refused(_) => ErrorKind::Conflict,
                StoreError::Held { .. } => ErrorKind::Held,
                StoreError::Unusable(_) => ErrorKind::Unusable,
                StoreError::Failed { .. } => ErrorKind::Internal,
            },
            Self::Plugin(LoadError::Host { .. }) | Self::Egress(EgressError::Transport(_)) => ErrorKind::Internal,
            Self::Import(_)
            | Self::UnmappedFile { .. }
            | Self::Export(_)
            | Self::BadInput(_)
            | Self::Mapping { .. }
            | Self::Segment(_)
            | Self::Account { .. }
            | Self::Plugin(_)
            | Self::Egress(_) => ErrorKind::BadInput,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::Conflict(_) | Self::ConsentStands { .. } => ErrorKind::Conflict,
            Self::PluginNeedsApproval(_)
            | Self::PluginFromElsewhere { .. }
            | Self::RunNeedsApproval { .. }
            | Self::Suspected(_) => ErrorKind::NeedsApproval,
            Self::Provider { .. } | Self::RunNotBegun { .. } => ErrorKind::Provider,
            Self::Engine(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }
}

/// For what a state is, where that is not everything.
fn about(scope: &Scope) -> String {
    if scope.is_whole() { String::new() } else { format!(" for {scope}") }
}

/// One line per item, below the sentence that announces them.
fn bullets<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(|item| format!("\n  - {item}")).collect()
}
