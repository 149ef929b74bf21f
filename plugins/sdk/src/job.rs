//! The way to the outside of a job.

use crate::bindings::base::postroom::provider::{context, http as wit_http, log as wit_log};
use crate::http::{Call, HttpError, Method, Request, Response};

pub use wit_log::Level;

/// What carries a job's requests, notes and questions: the host, or a test's script.
pub trait Transport {
    /// Sends one request and waits for its answer.
    ///
    /// # Errors
    /// Why there is none.
    fn send(&self, request: &Request) -> Result<Response, HttpError>;

    /// Writes a note for the operator.
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]);

    /// The account's settings that are not secret, as (name, value).
    fn settings(&self) -> Vec<(String, String)>;

    /// The job's time in milliseconds since 1970-01-01T00:00:00Z.
    fn now(&self) -> u64;
}

/// The host, as a component reaches it.
pub(crate) struct Host;

impl Transport for Host {
    fn send(&self, request: &Request) -> Result<Response, HttpError> {
        wit_http::send(request)
    }

    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        wit_log::log(level, message, fields);
    }

    fn settings(&self) -> Vec<(String, String)> {
        context::settings()
    }

    fn now(&self) -> u64 {
        context::now()
    }
}

/// One call of the host's into the plugin, and what the plugin may do meanwhile.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    transport: &'a dyn Transport,
}

impl<'a> Job<'a> {
    /// A job over any transport.
    pub fn new(transport: &'a dyn Transport) -> Self {
        Self { transport }
    }

    /// Begins a GET of this path at the origin of this label. It counts as safe to repeat.
    pub fn get(&self, origin: &str, path: &str) -> Call<'a> {
        Call::new(self.transport, Method::Get, origin, path)
    }

    /// Begins a POST.
    pub fn post(&self, origin: &str, path: &str) -> Call<'a> {
        Call::new(self.transport, Method::Post, origin, path)
    }

    /// Begins a PUT.
    pub fn put(&self, origin: &str, path: &str) -> Call<'a> {
        Call::new(self.transport, Method::Put, origin, path)
    }

    /// Begins a PATCH.
    pub fn patch(&self, origin: &str, path: &str) -> Call<'a> {
        Call::new(self.transport, Method::Patch, origin, path)
    }

    /// Begins a DELETE.
    pub fn delete(&self, origin: &str, path: &str) -> Call<'a> {
        Call::new(self.transport, Method::Delete, origin, path)
    }

    /// The value of a setting of the account, if it is set.
    pub fn setting(&self, name: &str) -> Option<String> {
        let settings = self.transport.settings();
        settings.into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The job's time in milliseconds since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> u64 {
        self.transport.now()
    }

    /// Writes a note for the operator. It names contacts by key, never by address.
    pub fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let owned: Vec<(String, String)> =
            fields.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.transport.log(level, message, &owned);
    }
}
