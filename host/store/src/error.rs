//! What a store answers when it cannot do what it was asked.

/// A refusal or a failure, as a sentence for the person who must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("there is no {kind} `{name}`{}", hint(.mend))]
    NotFound {
        /// Its kind: contact, list, account, sync, run, plugin, field.
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// What to do; empty if there is nothing to say.
        mend: String,
    },
    /// The name is taken.
    #[error("there is already a {kind} `{name}`: choose another name")]
    Taken {
        /// Its kind.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// It is in use and stays.
    #[error("the {kind} `{name}` is used by {users}: remove {them} first")]
    InUse {
        /// Its kind.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What uses it, as words.
        users: String,
        /// `it` or `them`.
        them: &'static str,
    },
    /// A rule of the house forbids it.
    #[error("{0}")]
    Refused(String),
    /// Another program holds the store.
    #[error(
        "the store at {path} is held by process {pid}, which runs `postroom {verb}`: wait until it has ended, or stop it"
    )]
    Held {
        /// The store's folder.
        path: String,
        /// The holder's process id.
        pid: u32,
        /// What it runs.
        verb: String,
    },
    /// The store cannot be opened as it is.
    #[error("{0}")]
    Unusable(String),
    /// The storage itself failed.
    #[error("the store could not {doing}: {cause}. Check the disk's space and the folder's permissions")]
    Failed {
        /// What it was doing, as in `record a batch`.
        doing: &'static str,
        /// What the storage said.
        cause: String,
    },
}

fn hint(mend: &str) -> String {
    if mend.is_empty() { String::new() } else { format!(": {mend}") }
}
