use super::*;

fn request(path: &str) -> Request {
    Request {
        origin: "api".to_owned(),
        method: Method::Post,
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        safe_to_repeat: false,
    }
}

fn made(request: Request, base: &str) -> Result<Prepared, SendError> {
    prepare(request, &Url::parse(base).unwrap(), &[HeaderName::from_static("x-api-key")], 10)
}

fn with_headers(headers: &[(&str, &str)]) -> Result<Prepared, SendError> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    made(Request { headers, ..request("/x") }, "https://api.example.com")
}

#[test]
fn the_path_goes_behind_the_base() {
    for (base, path, url) in [
        ("https://api.example.com", "/", "https://api.example.com/"),
        ("https://api.example.com", "/3.0/ping", "https://api.example.com/3.0/ping"),
        ("https://api.example.com/v3", "/ping", "https://api.example.com/v3/ping"),
        ("https://api.example.com/v3/", "/ping", "https://api.example.com/v3/ping"),
        ("https://[2606:4700::1]:8443/", "/a@b:c", "https://[2606:4700::1]:8443/a@b:c"),
        ("https://api.example.com", "/a%2Fb%20c'(*)", "https://api.example.com/a%2Fb%20c'(*)"),
    ] {
        assert_eq!(made(request(path), base).unwrap().url.as_str(), url);
    }
}

#[test]
fn a_path_cannot_leave_its_host() {
    for path in ["//evil.example", "@evil.example", "https://evil.example", "/..//evil", "/\\evil", "/a\tb", ""] {
        assert!(matches!(made(request(path), "https://api.example.com"), Err(SendError::InvalidRequest(_))), "{path}");
    }
}

#[test]
fn the_query_is_encoded_for_every_decoder() {
    let query = [("q", "a b+c&d=e#f/é"), ("tag name", ""), ("e", "x@y.z")];
    let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let url = made(Request { query, ..request("/x") }, "https://api.example.com").unwrap().url;
    assert_eq!(url.query(), Some("q=a%20b%2Bc%26d%3De%23f%2F%C3%A9&tag%20name=&e=x%40y.z"));
    assert_eq!(url.path(), "/x");
}

#[test]
fn headers_of_the_host_are_refused() {
    for name in [
        "Host",
        "connection",
        "Transfer-Encoding",
        "CONTENT-LENGTH",
        "te",
        "Trailer",
        "upgrade",
        "Proxy-Authorization",
        "proxy-connection",
        "Cookie",
        "Authorization",
        "Keep-Alive",
        "Forwarded",
        "X-Forwarded-For",
        "x-forwarded-host",
        "X-Real-Ip",
        "Via",
        "Expect",
        "Accept-Encoding",
        "X-HTTP-Method-Override",
        "X-Api-Key",
    ] {
        assert!(matches!(with_headers(&[(name, "1")]), Err(SendError::Denied(_))), "{name}");
    }
}

#[test]
fn headers_that_smuggle_are_refused() {
    for (name, value) in [
        ("x-a", "1\r\nHost: evil"),
        ("x-a", "1\n"),
        ("x-a", "1\0"),
        ("x-a", "é"),
        ("x-a\r\nhost", "1"),
        ("x a", "1"),
        ("", "1"),
        (":path", "/"),
        ("host ", "1"),
    ] {
        assert!(matches!(with_headers(&[(name, value)]), Err(SendError::InvalidRequest(_))), "{name:?} {value:?}");
    }
    assert!(with_headers(&[("x-a", "1"), ("X-A", "2")]).is_err());
}

#[test]
fn ordinary_headers_pass() {
    let made = with_headers(&[("Content-Type", "application/json"), ("If-None-Match", "\"x\"")]).unwrap();
    assert_eq!(made.headers.len(), 2);
    assert_eq!(made.headers["content-type"], "application/json");
}

#[test]
fn sizes_are_capped() {
    let body = |length| made(Request { body: Some(vec![0; length]), ..request("/x") }, "https://api.example.com");
    assert_eq!(body(10).unwrap().body.unwrap().len(), 10);
    assert!(body(11).is_err());
    assert!(made(request(&format!("/{}", "a".repeat(MAX_URL))), "https://api.example.com").is_err());
    assert!(with_headers(&[("x-a", &"a".repeat(MAX_HEADER_BYTES))]).is_err());
    let many: Vec<String> = (0..=MAX_HEADERS).map(|n| format!("x-{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "1")).collect();
    assert!(with_headers(&many).is_err());
}

#[test]
fn the_body_is_not_copied() {
    let body = vec![7; 8];
    let address = body.as_ptr();
    let made = made(Request { body: Some(body), ..request("/x") }, "https://api.example.com").unwrap();
    assert_eq!(made.body.unwrap().as_ptr(), address);
    assert_eq!(made.bytes_up, 8 + "https://api.example.com/x".len() as u64);
}
