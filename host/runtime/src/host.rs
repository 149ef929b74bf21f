//! What the contract's host interfaces do: `http`, `log` and `context`.
//!
//! A refusal is an answer, not a trap: the plugin may go on. What it reads of the host's own
//! failures is generic; the detail goes to the host's log.

use std::sync::atomic::Ordering;
use std::time::Duration;

use postroom_egress::{Method, Request, SendError};

use crate::bindings::base::postroom::provider::{context, http, log, types};
use crate::log::LogSource;
use crate::state::{JobState, Repeating};

impl types::Host for JobState {}

impl http::Host for JobState {
    async fn send(&mut self, request: http::Request) -> wasmtime::Result<Result<http::Response, http::HttpError>> {
        let (shared, access) = self.enter("http.send")?;
        let sending = access.account.send(to_egress(request, access.repeating), &access.budget);
        shared.sending.store(true, Ordering::Relaxed);
        let sent = shared.meter.spare(sending).await;
        shared.sending.store(false, Ordering::Relaxed);
        let answer = match sent {
            Ok(response) => {
                Ok(http::Response { status: response.status, headers: response.headers, body: response.body })
            }
            Err(error) => {
                tracing::debug!(%error, "a plugin's request has no answer");
                if let SendError::Denied(what) = &error {
                    // Only the first one counts: what follows is mostly its consequence.
                    shared.denied.get_or_init(|| what.clone());
                }
                Err(to_guest(error))
            }
        };
        Ok(answer)
    }
}

impl log::Host for JobState {
    async fn log(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let (shared, _) = self.enter("log.log")?;
        shared.log.write(level, LogSource::Log, &message, &fields);
        Ok(())
    }
}

impl context::Host for JobState {
    async fn settings(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        let (_, access) = self.enter("context.settings")?;
        Ok(access.settings.clone())
    }

    async fn now(&mut self) -> wasmtime::Result<u64> {
        let (_, access) = self.enter("context.now")?;
        Ok(access.now_ms)
    }
}

fn to_egress(request: http::Request, repeating: Repeating) -> Request {
    let method = match request.method {
        http::Method::Get => Method::Get,
        http::Method::Post => Method::Post,
        http::Method::Put => Method::Put,
        http::Method::Patch => Method::Patch,
        http::Method::Delete => Method::Delete,
    };
    Request {
        origin: request.origin,
        method,
        path: request.path,
        query: request.query,
        headers: request.headers,
        body: request.body,
        safe_to_repeat: repeating.is_safe(method, request.safe_to_repeat),
    }
}

fn to_guest(error: SendError) -> http::HttpError {
    match error {
        SendError::Denied(what) => http::HttpError::Denied(what),
        SendError::InvalidRequest(what) => http::HttpError::InvalidRequest(what),
        SendError::ConnectFailed(what) => http::HttpError::Unreachable(what),
        SendError::Interrupted(what) => http::HttpError::Interrupted(what),
        SendError::TimedOut => http::HttpError::TimedOut,
        SendError::ResponseTooLarge { limit } => http::HttpError::ResponseTooLarge(limit),
        SendError::RateLimited { retry_after } => http::HttpError::RateLimited(retry_after.map(whole_millis)),
        SendError::BudgetSpent(what) => http::HttpError::BudgetSpent(what),
        SendError::BadResponse(what) => http::HttpError::Other(what),
    }
}

/// Rounded up: a pause that is a millisecond short is refused again.
fn whole_millis(pause: Duration) -> u64 {
    u64::try_from(pause.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
