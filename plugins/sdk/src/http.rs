//! Requests and what comes back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::errors;
use crate::job::Transport;
use crate::types::ProviderError;

pub use crate::bindings::base::postroom::provider::http::{HttpError, Method, Request, Response};

/// What a path segment holds as it is: the unreserved characters of RFC 3986.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes a text so that it is one segment of a path, whatever it holds.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A request in the making.
#[must_use = "nothing goes out before `send`"]
pub struct Call<'a> {
    transport: &'a dyn Transport,
    request: Request,
    /// A body that could not be written as JSON, told when the call is sent.
    fault: Option<ProviderError>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(transport: &'a dyn Transport, method: Method, origin: &str, path: &str) -> Self {
        Self {
            transport,
            request: Request {
                origin: origin.to_owned(),
                method,
                path: path.to_owned(),
                query: Vec::new(),
                headers: Vec::new(),
                body: None,
                safe_to_repeat: method == Method::Get,
            },
            fault: None,
        }
    }

    /// Adds a pair to the query; the host encodes it.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.request.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header. The host refuses the ones it owns, such as `authorization`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body, with its media type.
    pub fn body(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.request.body = Some(body);
        self.header("content-type", media_type)
    }

    /// Sets the body as JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body("application/json", body),
            Err(error) => {
                self.fault = Some(errors::invalid_request(
                    "unwritable-body",
                    format!("The body of {} can't be written as JSON: {error}.", self.target()),
                ));
                self
            }
        }
    }

    /// Says that repeating this request does no harm.
    pub fn safe_to_repeat(mut self) -> Self {
        self.request.safe_to_repeat = true;
        self
    }

    /// Sends the request. Whatever the provider answers is a reply, errors too.
    ///
    /// # Errors
    /// When there is no answer, as [`errors::of_http`] judges it.
    pub fn send(self) -> Result<Reply, ProviderError> {
        let target = self.target();
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let safe_to_repeat = self.request.safe_to_repeat;
        match self.transport.send(&self.request) {
            Ok(response) => Ok(Reply { response, target, safe_to_repeat }),
            Err(error) => Err(errors::of_http(error, &target, safe_to_repeat)),
        }
    }

    /// What an error calls this request. The path may hold an address, so only the method and the
    /// origin are named.
    fn target(&self) -> String {
        let method = match self.request.method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        };
        format!("the {method} request to `{}`", self.request.origin)
    }
}

/// The answer to a request.
#[derive(Debug)]
pub struct Reply {
    response: Response,
    target: String,
    safe_to_repeat: bool,
}

impl Reply {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status
    }

    /// Whether the status is one of 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.response.status)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.response.body
    }

    /// The first header of this name, which is given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers.iter().find_map(|(known, value)| (known == name).then_some(value.as_str()))
    }

    /// How long the provider asks to wait, in milliseconds: a `Retry-After` in seconds. Its form
    /// as a date is read by the host.
    pub fn retry_after_ms(&self) -> Option<u64> {
        let seconds: u64 = self.header("retry-after")?.trim().parse().ok()?;
        seconds.checked_mul(1000)
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is something else. The request had its effect all the same, so the error asks for
    /// a repetition only where that does no harm.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ProviderError> {
        serde_json::from_slice(&self.response.body).map_err(|error| {
            errors::other(
                "unreadable-answer",
                format!(
                    "The answer to {} (HTTP {}) can't be read as what the provider documents: {error}.",
                    self.target, self.response.status
                ),
                self.safe_to_repeat,
            )
        })
    }

    /// The reply, if its status is a success.
    ///
    /// # Errors
    /// For every other status, judged by its number alone ([`errors::of_status`]): for providers
    /// whose error bodies say no more.
    pub fn success(self) -> Result<Self, ProviderError> {
        if self.is_success() {
            return Ok(self);
        }
        Err(errors::of_status(
            self.status(),
            self.retry_after_ms(),
            format!("The provider answered {} with HTTP {}.", self.target, self.status()),
        ))
    }
}
