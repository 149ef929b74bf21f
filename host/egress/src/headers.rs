//! Which headers a plugin may set, and which it gets to see.

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers that the host or the protocol owns. Method overrides stand here because they would make
/// a request do something else than what the log and the approval say.
const FORBIDDEN: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
];

/// Whole families of the same kind.
const FORBIDDEN_PREFIXES: &[&str] = &["proxy-", "x-forwarded-"];

/// What a plugin needs to read an answer, and nothing that tells about cookies, proxies or the
/// connection.
const VISIBLE: &[&str] = &["content-type", "date", "etag", "link", "location", "retry-after", "x-request-id"];

/// `X-RateLimit-Limit`, `-Remaining`, `-Reset`.
const VISIBLE_PREFIX: &str = "x-ratelimit-";

/// A response header that is longer is not passed on: links and request ids are far shorter.
const MAX_VISIBLE_VALUE: usize = 8 * 1024;

/// The most headers of a request. Providers' APIs need five.
pub(crate) const MAX_HEADERS: usize = 64;

/// The most bytes of all headers of a request; common servers refuse more than 8 to 16 KiB.
pub(crate) const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Whether only the host may set this header.
pub(crate) fn is_forbidden(name: &HeaderName) -> bool {
    FORBIDDEN.contains(&name.as_str()) || FORBIDDEN_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
}

/// A header value out of ASCII text; none when it holds a line break, a control character or a byte
/// that receivers read in different ways.
pub(crate) fn text_value(text: &str) -> Option<HeaderValue> {
    if text.is_ascii() { HeaderValue::from_str(text).ok() } else { None }
}

/// The headers of an answer that a plugin gets, in the order they came. Values that are no text
/// are left out.
pub(crate) fn visible(headers: &HeaderMap<HeaderValue>) -> impl Iterator<Item = (&str, &str)> {
    headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        if !VISIBLE.contains(&name) && !name.starts_with(VISIBLE_PREFIX) {
            return None;
        }
        let value = value.to_str().ok()?;
        (value.len() <= MAX_VISIBLE_VALUE).then_some((name, value))
    })
}
