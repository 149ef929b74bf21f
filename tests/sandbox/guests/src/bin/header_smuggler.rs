//! Sets headers that are the host's, and smuggles second ones into names and values.

use kit::{AccountInfo, Plugin, ProviderError, facts, get, http, outcome};

const HEADERS: &[(&str, &str)] = &[
    ("Host", "evil.example"),
    ("Connection", "X-Api-Key"),
    ("Keep-Alive", "timeout=1"),
    ("Content-Length", "0"),
    ("Transfer-Encoding", "chunked"),
    ("TE", "trailers"),
    ("Trailer", "X-Api-Key"),
    ("Upgrade", "websocket"),
    ("HTTP2-Settings", "AAMAAABk"),
    ("Expect", "100-continue"),
    ("Proxy-Authorization", "Basic eDp5"),
    ("Proxy-Connection", "keep-alive"),
    ("Cookie", "session=1"),
    ("Cookie2", "session=1"),
    ("Authorization", "Bearer mine"),
    ("authorization", "Bearer mine"),
    ("X-Api-Key", "mine"),
    ("x-api-KEY", "mine"),
    ("X-Forwarded-Host", "evil.example"),
    ("Forwarded", "host=evil.example"),
    ("Via", "1.1 evil.example"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Accept-Encoding", "br"),
    ("X-A", "1\r\nX-Api-Key: mine"),
    ("X-A", "1\nX-Api-Key: mine"),
    ("X-A", "1\rX-Api-Key: mine"),
    ("X-A", "1\0"),
    ("X-A", "é"),
    ("X-A\r\nX-Api-Key", "mine"),
    ("X-A: 1\r\nX-B", "mine"),
    ("X A", "1"),
    ("X-Api-Key ", "mine"),
    (" X-Api-Key", "mine"),
    ("X-Api-Key:", "mine"),
    (":authority", "evil.example"),
    (":path", "/evil"),
    ("", "1"),
    ("é", "1"),
];

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        let with = |headers: Vec<(String, String)>| outcome(&http::Request { headers, ..get("api", "/account") });
        let mut found: Vec<_> = HEADERS
            .iter()
            .map(|(name, value)| (format!("{name:?}: {value:?}"), with(vec![((*name).into(), (*value).into())])))
            .collect();
        found.push(("twice".into(), with(vec![("X-A".into(), "1".into()), ("x-a".into(), "2".into())])));
        found.push(("large".into(), with(vec![("X-A".into(), "1".repeat(20_000))])));
        found.push(("many".into(), with((0..100).map(|n| (format!("X-{n}"), "1".into())).collect())));
        facts(found)
    }
}

kit::plugin!(Guest);
