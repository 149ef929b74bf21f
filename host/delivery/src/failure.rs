//! Why a call of a provider has no answer.

use std::time::Duration;

use postroom_domain::outcome::Reason;
use postroom_runtime::CallError;
use postroom_runtime::contract::ProviderError;

/// Why a call has no answer, in the terms that a run acts on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It passes: try again after a while.
    Later {
        /// What the provider asked for.
        wait: Option<Duration>,
        /// What it said.
        reason: Reason,
    },
    /// Nothing goes in this account until somebody acts.
    Account(Reason),
    /// Something in this very request is wrong: a smaller one finds out what.
    Request(Reason),
}

impl Failure {
    /// What happened.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Later { reason, .. } | Self::Account(reason) | Self::Request(reason) => reason,
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let message = error.to_string();
        match error {
            CallError::Provider(error) => error.into(),
            // A crash, a spent budget and an answer that makes no sense may all come from one
            // contact's data: the rest of the batch is tried without it.
            CallError::Trap { .. } => Self::Request(Reason::new("plugin-crashed", message)),
            CallError::Budget { .. } => Self::Request(Reason::new("plugin-budget", message)),
            CallError::Malformed { .. } => Self::Request(Reason::new("plugin-answer", message)),
            CallError::Denied { .. } => Self::Account(Reason::new("denied", message)),
            CallError::Unsupported { .. } => Self::Account(Reason::new("unsupported", message)),
            CallError::Host { .. } => Self::Account(Reason::new("host-failed", message)),
        }
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        let message = error.sentence();
        let wait = error.retry_after_ms().map(Duration::from_millis);
        let later = |code| Self::Later { wait, reason: Reason::new(code, message.clone()) };
        match &error {
            ProviderError::RateLimited(_) => later("rate-limited"),
            ProviderError::Unavailable(_) => later("unavailable"),
            ProviderError::Other(other) if other.retryable => later("provider-error"),
            ProviderError::InvalidRequest(_) => Self::Request(Reason::new("invalid-request", message)),
            ProviderError::Conflict(_) => Self::Request(Reason::new("conflict", message)),
            ProviderError::Other(_) => Self::Request(Reason::new("provider-error", message)),
            ProviderError::AuthLost(_) => Self::Account(Reason::new("auth-lost", message)),
            ProviderError::NotFound(_) => Self::Account(Reason::new("not-found", message)),
            ProviderError::TemplateMissing(_) => Self::Account(Reason::new("template-missing", message)),
            ProviderError::Quota(_) => Self::Account(Reason::new("quota", message)),
            ProviderError::Unsupported(_) => Self::Account(Reason::new("unsupported", message)),
        }
    }
}
