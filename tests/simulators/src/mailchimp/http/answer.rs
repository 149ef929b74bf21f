//! Answers: what they are made of and how they leave.

use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde::Serialize;

use super::Reply;
use crate::faults::{Fault, Struck};
use crate::gate::Slot;
use crate::mailchimp::state::Problem;

const JSON: &str = "application/json; charset=utf-8";
const PROBLEM: &str = "application/problem+json; charset=utf-8";
const HTML: &str = "text/html";

/// A page as a front proxy sends it: no JSON anywhere (MC-33).
const PROXY_PAGE: &str = "<html><head><title>Service Unavailable</title></head><body>akamai_503</body></html>";

/// A decided answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    content_type: &'static str,
    body: Vec<u8>,
    allow: Option<&'static str>,
    /// In seconds.
    retry_after: Option<u64>,
}

/// How much of an answer leaves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Delivery {
    /// All of it.
    Whole,
    /// Half of its body, then the connection is cut.
    Half,
}

impl Answer {
    /// 200 with `value`.
    pub(super) fn json<T: Serialize>(value: &T) -> Result<Self, Problem> {
        let body = serde_json::to_vec(value).map_err(|_| Problem::internal())?;
        Ok(Self { status: 200, content_type: JSON, body, allow: None, retry_after: None })
    }

    /// 204.
    pub(super) fn nothing() -> Self {
        Self::bare(204, JSON, "")
    }

    /// A problem document.
    pub(super) fn problem(problem: &Problem) -> Self {
        Self {
            status: problem.status,
            content_type: PROBLEM,
            // A problem is made of strings: it always serialises.
            body: serde_json::to_vec(problem).unwrap_or_default(),
            allow: problem.allow,
            retry_after: None,
        }
    }

    /// What a fault sends instead of carrying the request out; `None` when the fault lets it be.
    pub(super) fn instead(struck: &Struck, limit: usize) -> Option<Self> {
        match struck.fault {
            Fault::Bare403 => Some(Self::bare(403, HTML, "")),
            Fault::Bare503 => Some(Self::bare(503, HTML, PROXY_PAGE)),
            Fault::Problem500 => Some(Self::problem(&Problem::internal())),
            Fault::Rate429 => {
                Some(Self { retry_after: struck.retry_after, ..Self::problem(&Problem::too_many_requests(limit)) })
            }
            // The connection is reset before any of it leaves.
            Fault::ResetBeforeReading => Some(Self::bare(500, HTML, "")),
            Fault::RevokeKey => Some(Self::problem(&Problem::key_invalid())),
            Fault::HoldMs
            | Fault::ResetAfterApplying
            | Fault::ErrorAfterApplying
            | Fault::PartlyApplied
            | Fault::StallMs
            | Fault::TruncateBody
            | Fault::DeleteAudience
            | Fault::DeleteMergeField => None,
        }
    }

    fn bare(status: u16, content_type: &'static str, body: &str) -> Self {
        Self { status, content_type, body: body.as_bytes().to_vec(), allow: None, retry_after: None }
    }

    /// The response. `slot` is given back when its last byte was handed to the connection (MC-32).
    pub(super) fn deliver(self, slot: Option<Slot>, delivery: Delivery) -> Reply {
        let length = self.body.len();
        let bytes = Bytes::from(self.body);
        let body = match delivery {
            Delivery::Whole if bytes.is_empty() => {
                if let Some(slot) = slot {
                    slot.finish();
                }
                Body::empty()
            }
            Delivery::Whole => {
                let mut slot = slot;
                Body::from_stream(stream::once(async move {
                    if let Some(slot) = slot.take() {
                        slot.finish();
                    }
                    Ok::<_, io::Error>(bytes)
                }))
            }
            Delivery::Half => {
                let half = bytes.slice(..length / 2);
                let cut = async {
                    // The server flushes what it has while the body is not ready: without this the
                    // connection would end before the first half has left.
                    tokio::task::yield_now().await;
                    Err(io::Error::from(io::ErrorKind::ConnectionAborted))
                };
                let pieces = stream::once(async { Ok(half) }).chain(stream::once(cut));
                Body::from_stream(pieces.map(move |piece| {
                    // Kept until the body is dropped: the answer never completes.
                    let _held = &slot;
                    piece
                }))
            }
        };
        let mut response = Reply::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if self.status != 204 {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
