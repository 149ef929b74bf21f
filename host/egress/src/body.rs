//! Reads a response body without trusting it: every byte counted as it arrives, a limit on the
//! wire and after decompression, and a limit on silence.

use std::io;
use std::pin::pin;
use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use http::header::CONTENT_ENCODING;
use reqwest::Response;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::budget::JobBudget;

/// No more than this is reserved on the word of a `Content-Length`.
const MAX_RESERVED: u64 = 1024 * 1024;

/// What a body is read under.
#[derive(Clone, Copy)]
pub(crate) struct BodyRules<'a> {
    /// The largest body in bytes, on the wire and decoded.
    pub(crate) max: u64,
    /// The longest silence.
    pub(crate) between_bytes: Duration,
    /// Where received bytes are counted.
    pub(crate) budget: &'a JobBudget,
}

/// Why there is no body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the body is larger than {0} bytes")]
    TooLarge(u64),
    #[error("the body stopped coming")]
    Silent,
    #[error("the connection ended inside the body")]
    Broken(#[source] reqwest::Error),
    #[error("the body ends inside its compressed form")]
    CutOff,
    #[error("the compressed body cannot be decoded")]
    Garbled(#[source] io::Error),
    #[error("the body has an encoding that was not asked for")]
    Encoding,
}

/// The whole decoded body.
pub(crate) async fn read(response: Response, rules: BodyRules<'_>) -> Result<Vec<u8>, BodyFault> {
    let announced = response.content_length().unwrap_or(0);
    if announced > rules.max {
        return Err(BodyFault::TooLarge(rules.max));
    }
    if is_gzip(&response)? { read_gzip(response, rules).await } else { read_plain(response, announced, rules).await }
}

/// Whether the body is compressed. Only gzip is asked for, so anything else is a fault.
fn is_gzip(response: &Response) -> Result<bool, BodyFault> {
    let mut values = response.headers().get_all(CONTENT_ENCODING).iter();
    let (first, second) = (values.next(), values.next());
    match (first.map(|value| value.as_bytes().trim_ascii()), second) {
        (None, _) => Ok(false),
        (Some(value), None) if value.eq_ignore_ascii_case(b"identity") || value.is_empty() => Ok(false),
        (Some(value), None) if value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip") => Ok(true),
        (Some(_), _) => Err(BodyFault::Encoding),
    }
}

async fn read_plain(mut response: Response, announced: u64, rules: BodyRules<'_>) -> Result<Vec<u8>, BodyFault> {
    let reserved = usize::try_from(announced.min(MAX_RESERVED)).unwrap_or(0);
    let mut body = Vec::with_capacity(reserved);
    while let Some(chunk) = next_chunk(&mut response, body.len() as u64, rules).await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn read_gzip(mut response: Response, rules: BodyRules<'_>) -> Result<Vec<u8>, BodyFault> {
    // Answers without content (204, 304) may name an encoding all the same.
    let Some(first) = next_chunk(&mut response, 0, rules).await? else { return Ok(Vec::new()) };
    let compressed = pin!(wire(response, first, rules).map_err(io::Error::other));
    let mut decoder = GzipDecoder::new(StreamReader::new(compressed));
    decoder.multiple_members(true);
    let mut body = Vec::new();
    // One byte more than allowed tells a bomb from a body that just fits.
    let mut limited = decoder.take(rules.max.saturating_add(1));
    limited.read_to_end(&mut body).await.map_err(gzip_fault)?;
    if body.len() as u64 > rules.max {
        return Err(BodyFault::TooLarge(rules.max));
    }
    Ok(body)
}

fn wire(response: Response, first: Bytes, rules: BodyRules<'_>) -> impl Stream<Item = Result<Bytes, BodyFault>> {
    let received = first.len() as u64;
    let rest = stream::try_unfold((response, received), move |(mut response, received)| async move {
        let chunk = next_chunk(&mut response, received, rules).await?;
        Ok(chunk.map(|chunk| {
            let received = received + chunk.len() as u64;
            (chunk, (response, received))
        }))
    });
    stream::once(async move { Ok(first) }).chain(rest)
}

fn gzip_fault(error: io::Error) -> BodyFault {
    let kind = error.kind();
    match error.downcast::<BodyFault>() {
        Ok(fault) => fault,
        Err(_) if kind == io::ErrorKind::UnexpectedEof => BodyFault::CutOff,
        Err(error) => BodyFault::Garbled(error),
    }
}

/// The next piece, counted and within all limits; none at the body's end.
async fn next_chunk(response: &mut Response, received: u64, rules: BodyRules<'_>) -> Result<Option<Bytes>, BodyFault> {
    let chunk = timeout(rules.between_bytes, response.chunk())
        .await
        .map_err(|_| BodyFault::Silent)?
        .map_err(BodyFault::Broken)?;
    if let Some(chunk) = &chunk {
        if !rules.budget.add_down(chunk.len()) {
            return Err(BodyFault::TooLarge(rules.budget.down_limit()));
        }
        if received + chunk.len() as u64 > rules.max {
            return Err(BodyFault::TooLarge(rules.max));
        }
    }
    Ok(chunk)
}
