//! A failure as this face shows it: the service's sentence, and what to type next.

use postroom_service::plugins::{BUNDLED, PermissionRequest};
use postroom_service::{ErrorKind, ServiceError};
use postroom_store::StoreError;
use postroom_store::accounts::PluginSource;
use serde::Serialize;

use crate::exit::Exit;
use crate::shell;

/// Why a verb did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// What `--json` shows.
    pub(crate) shown: Shown,
}

/// A failure in words: the value of `error` in `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// A short word that stands for the kind.
    kind: &'static str,
    /// A full sentence.
    pub(crate) message: String,
    /// What to type next, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
    /// What a yes would mean, where a plugin asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    asks: Option<Box<PermissionRequest>>,
}

/// What every verb answers with.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The command line is wrong in a way that the parser cannot see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// What was asked for is wrong.
    pub(crate) fn bad_input(message: impl Into<String>) -> Self {
        Self::new(Exit::BadInput, word(ErrorKind::BadInput), message)
    }

    /// The machine failed while the program was `doing` something.
    pub(crate) fn io(doing: &str, error: &std::io::Error) -> Self {
        Self::new(Exit::Internal, word(ErrorKind::Internal), format!("could not {doing}: {error}"))
    }

    /// Something that does not happen did.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(Exit::Internal, word(ErrorKind::Internal), message)
    }

    /// Somebody else has the store, and does not do it either.
    pub(crate) fn held(message: impl Into<String>) -> Self {
        Self::new(Exit::Held, word(ErrorKind::Held), message)
    }

    /// It stops and asks for a yes.
    pub(crate) fn needs_yes(message: impl Into<String>) -> Self {
        Self::new(Exit::NeedsApproval, word(ErrorKind::NeedsApproval), message)
    }

    /// The same with what to type next.
    pub(crate) fn with_mend(mut self, mend: impl Into<String>) -> Self {
        self.shown.mend = Some(mend.into());
        self
    }

    fn new(exit: Exit, kind: &'static str, message: impl Into<String>) -> Self {
        Self { exit, shown: Shown { kind, message: message.into(), mend: None, asks: None } }
    }
}

/// The kind as it stands in JSON.
fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BadInput => "bad-input",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Held => "held",
        ErrorKind::Unusable => "unusable",
        ErrorKind::NeedsApproval => "needs-approval",
        ErrorKind::Provider => "provider",
        ErrorKind::Internal => "internal",
    }
}

/// What to type next.
fn mend(error: &ServiceError) -> Option<String> {
    match error {
        ServiceError::RunNeedsApproval { sync, .. } => {
            let sync = shell::word(sync);
            Some(format!(
                "look at it with `postroom sync plan {sync}`; then `postroom sync run {sync} --yes`, or \
                 `--first 10` to try ten contacts"
            ))
        }
        ServiceError::PluginNeedsApproval(_) => {
            Some("install it again from its file: `postroom plugin install FILE` shows all that it asks for".to_owned())
        }
        ServiceError::PluginFromElsewhere { account, plugin, now, had } => {
            let source = match now {
                PluginSource::Bundled => BUNDLED,
                PluginSource::Installed(source) => source,
            };
            let trust = shell::line(["postroom", "account", "edit", account, "--plugin-source", source]);
            let look = shell::line(["postroom", "plugin", "inspect", plugin]);
            let back = match had {
                PluginSource::Bundled => shell::line(["postroom", "plugin", "remove", plugin]),
                PluginSource::Installed(_) => shell::line(["postroom", "plugin", "rollback", plugin]),
            };
            Some(format!(
                "`{look}` shows what it is. If you trust it with the secrets of this account: `{trust}`. If not: \
                 `{back}` brings the other one back"
            ))
        }
        ServiceError::Provider { account, .. } => {
            let account = shell::word(account);
            Some(format!(
                "`postroom account check {account}` asks again; `postroom account edit {account} --secret SLOT` takes \
                 a new secret"
            ))
        }
        ServiceError::RunNotBegun { account, reason, .. } => {
            let account = shell::word(account);
            Some(match reason.code.as_str() {
                "auth-lost" => format!("`postroom account edit {account} --secret SLOT` takes a new secret"),
                "not-found" => format!("`postroom audience list {account}` shows the audiences that there are"),
                _ => format!("`postroom account check {account}` tells whether the provider answers"),
            })
        }
        ServiceError::UnmappedFile { file, profile, .. } => {
            let file = file.display().to_string();
            let line = shell::line(["postroom", "import", file.as_str(), "--profile", profile]);
            Some(format!("the saved import profile {} fits it: `{line}`", shell::word(profile)))
        }
        ServiceError::Suspected(_) => {
            Some("`postroom resume --after-restore` shows what would go out, and asks".to_owned())
        }
        ServiceError::Segment(_) => Some("`postroom segment --help` shows how segments are written".to_owned()),
        ServiceError::Store(StoreError::NotFound { kind, .. }) => {
            let verb = match *kind {
                "contact" | "list" | "segment" | "account" | "sync" | "run" | "plugin" | "field" | "purpose"
                | "intent" => *kind,
                "import profile" => "import-profile",
                _ => return None,
            };
            Some(format!("`postroom {verb} list` shows what there is"))
        }
        _ => None,
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let kind = error.kind();
        let mut failure = Self::new(kind.into(), word(kind), error.to_string());
        failure.shown.mend = mend(&error);
        if let ServiceError::PluginNeedsApproval(request) = error {
            failure.shown.asks = Some(request);
        }
        failure
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        ServiceError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_ours_is_the_word_of_the_service() {
        for kind in [
            ErrorKind::BadInput,
            ErrorKind::NotFound,
            ErrorKind::Conflict,
            ErrorKind::Held,
            ErrorKind::Unusable,
            ErrorKind::NeedsApproval,
            ErrorKind::Provider,
            ErrorKind::Internal,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), word(kind));
        }
    }

    #[test]
    fn a_question_names_the_answer() {
        let error = ServiceError::RunNeedsApproval { sync: "my guests".into(), reasons: vec!["it is large".into()] };
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::NeedsApproval);
        assert!(failure.shown.mend.unwrap().contains("sync run 'my guests' --yes"));
        assert!(failure.shown.message.contains("it is large"));
    }
}
