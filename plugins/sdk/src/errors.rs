//! Why a call failed as a whole, in the terms that the host acts on.
//!
//! Where the truth is not known, the mapping errs towards caution: what the provider may have
//! done already is offered for repetition only if repeating does no harm.

use crate::http::HttpError;
use crate::types::{ErrorDetail, OtherError, ProviderError, RetryDetail};

fn detail(code: &str, message: impl Into<String>) -> ErrorDetail {
    ErrorDetail { code: code.to_owned(), message: message.into() }
}

/// The credentials no longer open the account.
pub fn auth_lost(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::AuthLost(detail(code, message))
}

/// Too many calls; `retry_after_ms` if the provider said how long to wait.
pub fn rate_limited(retry_after_ms: Option<u64>, code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::RateLimited(RetryDetail { retry_after_ms, detail: detail(code, message) })
}

/// The provider can't answer at the moment.
pub fn unavailable(retry_after_ms: Option<u64>, code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::Unavailable(RetryDetail { retry_after_ms, detail: detail(code, message) })
}

/// The request itself is wrong.
pub fn invalid_request(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::InvalidRequest(detail(code, message))
}

/// The audience or other object is not there.
pub fn not_found(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::NotFound(detail(code, message))
}

/// The object is in a state that does not allow this.
pub fn conflict(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::Conflict(detail(code, message))
}

/// The template is gone.
pub fn template_missing(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::TemplateMissing(detail(code, message))
}

/// The plan or the allowance at the provider is used up.
pub fn quota(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::Quota(detail(code, message))
}

/// The plugin or the provider does not know this.
pub fn unsupported(code: &str, message: impl Into<String>) -> ProviderError {
    ProviderError::Unsupported(detail(code, message))
}

/// Anything else; `retryable` if the same call may succeed later.
pub fn other(code: &str, message: impl Into<String>, retryable: bool) -> ProviderError {
    ProviderError::Other(OtherError { detail: detail(code, message), retryable })
}

/// What a missing answer means. `target` names the request in the middle of a sentence.
///
/// After `interrupted` and `timed-out` the provider may have acted: without `safe_to_repeat` the
/// result is not retryable.
pub fn of_http(error: HttpError, target: &str, safe_to_repeat: bool) -> ProviderError {
    match error {
        HttpError::Denied(why) => invalid_request("denied", format!("The host did not send {target}: {why}")),
        HttpError::InvalidRequest(why) => {
            invalid_request("unsendable", format!("The host can't build {target}: {why}"))
        }
        HttpError::Unreachable(why) => unavailable(None, "unreachable", format!("No connection for {target}: {why}")),
        HttpError::Interrupted(why) => perhaps_done(
            "interrupted",
            format!("The connection of {target} ended before the answer was whole: {why}"),
            safe_to_repeat,
        ),
        HttpError::TimedOut => perhaps_done("timed-out", format!("No answer in time to {target}."), safe_to_repeat),
        HttpError::ResponseTooLarge(limit) => other(
            "response-too-large",
            format!("The answer to {target} passes the host's limit of {limit} bytes."),
            false,
        ),
        HttpError::RateLimited(retry_after_ms) => {
            rate_limited(retry_after_ms, "rate-limited", format!("Too many calls: {target} has to wait."))
        }
        HttpError::BudgetSpent(what) => {
            unavailable(None, "budget-spent", format!("The job's allowance is spent before {target}: {what}"))
        }
        HttpError::Other(why) => other("http", format!("No answer to {target}: {why}"), false),
    }
}

fn perhaps_done(code: &str, message: String, safe_to_repeat: bool) -> ProviderError {
    if safe_to_repeat { unavailable(None, code, message) } else { other(code, message, false) }
}

/// What an HTTP status means by itself, for providers whose error bodies say no more.
pub fn of_status(status: u16, retry_after_ms: Option<u64>, message: String) -> ProviderError {
    let code = format!("http-{status}");
    match status {
        401 | 403 => auth_lost(&code, message),
        402 => quota(&code, message),
        404 | 410 => not_found(&code, message),
        408 | 500..=599 => unavailable(retry_after_ms, &code, message),
        409 => conflict(&code, message),
        429 => rate_limited(retry_after_ms, &code, message),
        400..=499 => invalid_request(&code, message),
        _ => other(&code, message, false),
    }
}
