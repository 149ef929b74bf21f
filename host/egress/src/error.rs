//! What can go wrong: when an account is opened, and when a request is sent.

use std::time::Duration;

/// Why an account cannot be opened. Every text is a sentence for the operator and names no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// A plugin declares an origin that Postroom does not accept; the plugin has to change.
    #[error("The plugin's origin `{label}` is refused: {problem}")]
    Template {
        /// The label as declared.
        label: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// An accepted template gives no usable address with this account's values.
    #[error("Origin `{label}` of this account cannot be used: {problem}")]
    Origin {
        /// The label of the origin.
        label: String,
        /// What is wrong and how the operator mends it.
        problem: String,
    },
    /// A credential cannot be put on a request.
    #[error("The credential in slot `{slot}` cannot be used: {problem}")]
    Credential {
        /// The slot's name; never its value.
        slot: String,
        /// What is wrong and how the operator mends it.
        problem: String,
    },
    /// The HTTP client itself cannot be built.
    #[error("The connection layer cannot start: {0}")]
    Transport(String),
}

/// Why there is no response. The texts may reach the plugin: they name origin labels, headers and
/// limits, never an address, a path on the host, a secret or a backtrace.
///
/// What was on the wire is in [`crate::WireFacts`], not derived from this value; the two agree:
/// `Denied`, `InvalidRequest`, `ConnectFailed` and `BudgetSpent` mean that the provider did nothing,
/// and so does `RateLimited`, as far as a provider's 429 can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The origin, a header or the address is not allowed. Nothing was sent.
    #[error("{0}")]
    Denied(String),
    /// The request cannot be built. Nothing was sent.
    #[error("{0}")]
    InvalidRequest(String),
    /// No connection, after the retries that the budget allows. Nothing was sent.
    #[error("{0}")]
    ConnectFailed(String),
    /// The connection ended before the answer was whole: the provider may have acted.
    #[error("{0}")]
    Interrupted(String),
    /// No whole answer in time: the provider may have acted.
    #[error("The provider did not answer in time.")]
    TimedOut,
    /// The response is larger than allowed, on the wire or decoded, or than what is left of the
    /// job's allowance: the provider may have acted.
    #[error("The response is larger than the limit of {limit} bytes.")]
    ResponseTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The provider (429) or this account's own limiter asks to come back later.
    #[error("The provider or the account's limit asks to come back later.")]
    RateLimited {
        /// How long from now, if anybody said.
        retry_after: Option<Duration>,
    },
    /// The job's allowance of requests, bytes or time is spent. This request was not sent.
    #[error("{0}")]
    BudgetSpent(String),
    /// A complete answer that cannot be understood (an encoding nobody asked for, broken gzip).
    #[error("{0}")]
    BadResponse(String),
}
