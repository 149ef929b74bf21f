//! Turns the HTTP client's errors into what a plugin may read, and what a log should say.

use std::error::Error;
use std::io;

use crate::resolver::AddressDenied;

/// How far a request came before the HTTP client gave up on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The address is not allowed; nothing was sent.
    Denied(String),
    /// No connection; nothing was sent.
    NotConnected(String),
    /// Sent, at least in part.
    Lost(String),
}

/// Classifies an error of `Client::execute`. The texts name the origin's label only.
pub(crate) fn classify(error: &reqwest::Error, origin: &str) -> Failure {
    if AddressDenied::caused(error) {
        return Failure::Denied(format!("Origin `{origin}` leads to an address that is not allowed for this account."));
    }
    if !error.is_connect() {
        return Failure::Lost(format!("The connection to origin `{origin}` ended before the answer was whole."));
    }
    let why = if error.is_dns() {
        "its host name was not found"
    } else if error.is_timeout() {
        "it did not accept a connection in time"
    } else if chain(error).any(is_tls) {
        "it offers no trusted encryption (TLS)"
    } else if chain(error).any(|cause| io_kind(cause) == Some(io::ErrorKind::ConnectionRefused)) {
        "it refused the connection"
    } else {
        "no connection came about"
    };
    Failure::NotConnected(format!("Origin `{origin}` cannot be reached: {why}."))
}

/// All there is to know about an error, for the log: without the URL, whose path and query may hold
/// personal data.
pub(crate) fn detail(error: reqwest::Error) -> String {
    let error = error.without_url();
    let causes: Vec<String> = chain(&error).map(ToString::to_string).collect();
    causes.join(": ")
}

/// The error and all its causes.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    error.downcast_ref::<io::Error>().map(io::Error::kind)
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // An `io::Error` hides its content from the chain and shows only what lies behind it; the
    // connector wraps one in another.
    error.is::<rustls::Error>()
        || error.downcast_ref::<io::Error>().and_then(io::Error::get_ref).is_some_and(|inner| is_tls(inner))
}
