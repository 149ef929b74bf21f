//! What a plugin asks for, and the request it becomes.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::error::SendError;
use crate::headers::{MAX_HEADER_BYTES, MAX_HEADERS, is_forbidden, text_value};
use crate::path;

/// The longest URL; common servers refuse request lines over 8 KiB.
const MAX_URL: usize = 8 * 1024;

/// Everything but RFC 3986's unreserved characters. A space becomes `%20`, which form decoders
/// read as well as strict ones; `+` would be read by form decoders only.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The methods a plugin may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl Method {
    pub(crate) fn http(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Post => http::Method::POST,
            Self::Put => http::Method::PUT,
            Self::Patch => http::Method::PATCH,
            Self::Delete => http::Method::DELETE,
        }
    }
}

/// A request as a plugin describes it. There is no place in it for an address or a credential.
#[derive(Debug, Clone)]
pub struct Request {
    /// The label of one of the account's origins.
    pub origin: String,
    /// The method.
    pub method: Method,
    /// The path, beginning with `/`, percent-encoded, without a query.
    pub path: String,
    /// The query as (name, value), not encoded.
    pub query: Vec<(String, String)>,
    /// Headers, at most one of each name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// Whether the plugin says that repeating does no harm. Egress repeats what was answered with 429
    /// only then, and what has no answer not even then; and only what is not safe counts for
    /// [`crate::WireFacts::seen`] and for `unanswered_unsafe`.
    pub safe_to_repeat: bool,
}

/// A request whose every byte is decided but the credentials. Cheap to clone for another attempt.
pub(crate) struct Prepared {
    pub(crate) method: http::Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    /// Request line, headers and body, as they count against a job's allowance.
    pub(crate) bytes_up: u64,
}

impl Prepared {
    /// Whether servers expect the method to come with a body, be it an empty one.
    pub(crate) fn expects_body(&self) -> bool {
        matches!(self.method, http::Method::POST | http::Method::PUT | http::Method::PATCH)
    }
}

/// Checks a request and builds its URL behind `base`.
///
/// `slots` are the headers in which this origin's credentials travel: a plugin may not set them.
pub(crate) fn prepare(
    request: Request,
    base: &Url,
    slots: &[HeaderName],
    max_body: u64,
) -> Result<Prepared, SendError> {
    let url = build_url(&request, base)?;
    let (headers, header_bytes) = build_headers(&request.headers, slots)?;
    let body = request.body.map(Bytes::from);
    let body_bytes = body.as_ref().map_or(0, |body| body.len() as u64);
    if body_bytes > max_body {
        return Err(SendError::InvalidRequest(format!(
            "The body has {body_bytes} bytes; at most {max_body} are sent in one request. Send \
             smaller batches."
        )));
    }
    let bytes_up = body_bytes + url.as_str().len() as u64 + header_bytes as u64;
    Ok(Prepared { method: request.method.http(), url, headers, body, bytes_up })
}

fn build_url(request: &Request, base: &Url) -> Result<Url, SendError> {
    path::check(&request.path).map_err(SendError::InvalidRequest)?;
    let mut full = String::with_capacity(base.path().len() + request.path.len());
    full.push_str(base.path().trim_end_matches('/'));
    full.push_str(&request.path);
    let mut url = base.clone();
    url.set_path(&full);
    // The path rules leave nothing for the URL parser to rewrite; should it rewrite something all
    // the same, the request is not the one that was checked.
    if url.path() != full || url.host() != base.host() || url.port() != base.port() {
        return Err(SendError::InvalidRequest(
            "The path is read differently by different programs. Percent-encode it.".to_owned(),
        ));
    }
    if !request.query.is_empty() {
        let mut query = String::new();
        for (name, value) in &request.query {
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(utf8_percent_encode(name, QUERY));
            query.push('=');
            query.extend(utf8_percent_encode(value, QUERY));
        }
        url.set_query(Some(&query));
    }
    if url.as_str().len() > MAX_URL {
        return Err(SendError::InvalidRequest(format!(
            "Address and query together have more than {MAX_URL} bytes. Put long values into the \
             body."
        )));
    }
    Ok(url)
}

fn build_headers(given: &[(String, String)], slots: &[HeaderName]) -> Result<(HeaderMap, usize), SendError> {
    if given.len() > MAX_HEADERS {
        return Err(SendError::InvalidRequest(format!("The request has more than {MAX_HEADERS} headers.")));
    }
    let mut headers = HeaderMap::with_capacity(given.len() + slots.len() + 2);
    let mut size = 0;
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
            SendError::InvalidRequest(format!(
                "`{}` is no header name.",
                name.chars().take(64).flat_map(char::escape_default).collect::<String>()
            ))
        })?;
        if is_forbidden(&parsed) || slots.contains(&parsed) {
            return Err(SendError::Denied(format!(
                "The header `{parsed}` is set by the host; a plugin may not set it."
            )));
        }
        let value = text_value(value).ok_or_else(|| {
            SendError::InvalidRequest(format!(
                "The value of header `{parsed}` contains a line break, a control character or \
                 something that is not ASCII."
            ))
        })?;
        size += parsed.as_str().len() + value.len();
        if headers.insert(parsed.clone(), value).is_some() {
            return Err(SendError::InvalidRequest(format!("The header `{parsed}` is given twice.")));
        }
    }
    if size > MAX_HEADER_BYTES {
        return Err(SendError::InvalidRequest(format!("The headers have more than {MAX_HEADER_BYTES} bytes.")));
    }
    Ok((headers, size))
}

#[cfg(test)]
mod tests;
