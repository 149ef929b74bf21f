//! Asks for another host in every spelling that has ever worked somewhere.

use kit::{AccountInfo, Plugin, ProviderError, facts, get, outcome};

const PATHS: &[&str] = &[
    "",
    "evil.example",
    "@evil.example",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example\\",
    "https://evil.example/",
    "https:evil.example",
    "http://169.254.169.254/latest/meta-data/",
    "https://api.example.com@evil.example/",
    "https://[::1]/",
    "/[::ffff:169.254.169.254]/",
    "/../evil",
    "/a/../../evil",
    "/%2e%2e/evil",
    "/%252e%252e/evil",
    "/a/..%2fevil",
    "/a/..%5cevil",
    "/a/..;/evil",
    "/a\r\nHost: evil.example",
    "/a%0d%0aHost:%20evil.example",
    "/a\nb",
    "/a\0b",
    "/a%00b",
    "/a\tb",
    "/a b",
    "/a?to=evil",
    "/a#evil",
    "/ａ",
    "file:///etc/passwd",
];

const LABELS: &[&str] =
    &["", "API", "api ", "elsewhere", "https://evil.example", "api/../elsewhere", "api\0", "localhost", "127.0.0.1"];

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        let paths = PATHS.iter().map(|path| (format!("path {path:?}"), outcome(&get("api", path))));
        let labels = LABELS.iter().map(|label| (format!("label {label:?}"), outcome(&get(label, "/"))));
        facts(paths.chain(labels).collect())
    }
}

kit::plugin!(Guest);
