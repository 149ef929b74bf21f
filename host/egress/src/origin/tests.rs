use super::*;

fn declaration(template: &str, part: Option<OriginPart>) -> OriginDeclaration {
    OriginDeclaration { label: "api".to_owned(), template: template.to_owned(), part }
}

fn suffix(pattern: &str) -> Option<OriginPart> {
    Some(OriginPart {
        name: "dc".to_owned(),
        source: PartSource::CredentialSuffix { slot: "api-key".to_owned(), separator: "-".to_owned() },
        pattern: pattern.to_owned(),
    })
}

fn entered(pattern: &str) -> Option<OriginPart> {
    Some(OriginPart { name: "dc".to_owned(), source: PartSource::Operator, pattern: pattern.to_owned() })
}

fn parsed(template: &str, part: Option<OriginPart>) -> OriginTemplate {
    OriginTemplate::parse(declaration(template, part)).unwrap()
}

fn refused(template: &str, part: Option<OriginPart>) -> String {
    match OriginTemplate::parse(declaration(template, part)) {
        Ok(_) => panic!("{template} was accepted"),
        Err(error) => error.to_string(),
    }
}

const NOTHING: OriginInputs<'static> =
    OriginInputs { override_url: None, entered: None, secrets: &[], insecure: false };

const MAILCHIMP: &str = "https://{dc}.api.mailchimp.com";
const DC: &str = "[a-z]+[0-9]+";

fn with_key<T>(key: &str, check: impl FnOnce(Result<ResolvedOrigin, EgressError>) -> T) -> T {
    let secrets = [Secret::new("api-key", key.to_owned())];
    check(parsed(MAILCHIMP, suffix(DC)).resolve(&OriginInputs { secrets: &secrets, ..NOTHING }))
}

#[test]
fn a_fixed_origin_is_what_it_says() {
    for (template, base) in [
        ("https://app.smartemailing.cz/api/v3", "https://app.smartemailing.cz/api/v3"),
        ("https://app.smartemailing.cz/api/v3/", "https://app.smartemailing.cz/api/v3"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
    ] {
        let origin = parsed(template, None).resolve(&NOTHING).unwrap();
        assert_eq!(origin.base_url(), base);
        assert!(!origin.by_operator() && !origin.insecure());
    }
}

#[test]
fn bad_templates_are_refused() {
    for (template, part) in [
        ("http://api.example.com", None),
        ("ftp://api.example.com", None),
        ("api.example.com", None),
        ("https://", None),
        ("https://localhost", None),
        ("https://api.localhost", None),
        ("https://intranet", None),
        ("https://10.0.0.1", None),
        ("https://0x7f000001", None),
        ("https://[::1]", None),
        ("https://API.example.com", None),
        ("https://api.example.com:443", None),
        ("https://user@api.example.com", None),
        ("https://user:pw@api.example.com", None),
        ("https://api.example.com/?a=b", None),
        ("https://api.example.com/#x", None),
        ("https://api.example.com/a/../b", None),
        ("https://api.example.com/a//../b", None),
        ("https://api.example.com\\x", None),
        ("https://ａpi.example.com", None),
        ("https://{dc}.api.example.com", None),
        ("https://api.example.com", suffix(DC)),
        ("http://{dc}.api.example.com", suffix(DC)),
        ("https://{xx}.api.example.com", suffix(DC)),
        ("https://{dc.api.example.com", suffix(DC)),
        ("https://{dc}.{dc}.example.com", suffix(DC)),
        ("https://{dc}", suffix(DC)),
        ("{dc}", suffix(DC)),
        ("{dc}", entered(DC)),
        ("{dc}.api.example.com", suffix(DC)),
        ("https://{dc}.com", suffix(DC)),
        ("https://{dc}.com.", suffix(DC)),
        ("https://api.{dc}", suffix(DC)),
        ("https://api.example.{dc}", suffix(DC)),
        ("https://api.example.com/{dc}", suffix(DC)),
        ("https://api.example.com/{dc}.a.b", suffix(DC)),
        ("https://api.example.com:{dc}", suffix(DC)),
        ("https://api@{dc}.api.example.com", suffix(DC)),
        ("https://{dc}@api.example.com", suffix(DC)),
        ("https://{dc}:x@api.example.com", suffix(DC)),
        ("https://{dc}.api.example.com?a", suffix(DC)),
    ] {
        let message = refused(template, part);
        assert!(message.ends_with('.'), "{message}");
    }
}

#[test]
fn labels_and_names_are_short_and_plain() {
    for label in ["", "API", "a b", "a.b", &"a".repeat(33)] {
        let bad = OriginDeclaration { label: label.to_owned(), ..declaration("https://api.example.com", None) };
        assert!(OriginTemplate::parse(bad).is_err(), "{label}");
    }
}

#[test]
fn patterns_are_narrow() {
    for pattern in
        ["", ".*", "us\\d", "[^a]", "^us1$", "US1", "(?i)us", "a/b", "a.b", "us1\n", "[a-z", "us1)", &"a".repeat(65)]
    {
        refused(MAILCHIMP, suffix(pattern));
    }
    for pattern in ["us1", "[a-z]+[0-9]+", "(eu|us)-[0-9]{1,2}", "[a-z0-9-]+"] {
        parsed(MAILCHIMP, suffix(pattern));
    }
}

#[test]
fn the_data_centre_comes_from_the_key() {
    let base = with_key("0123456789abcdef-us6", |made| made.unwrap().base_url().to_owned());
    assert_eq!(base, "https://us6.api.mailchimp.com");
    // Behind the last separator.
    let base = with_key("01234567-89abcdef-eu12", |made| made.unwrap().base_url().to_owned());
    assert_eq!(base, "https://eu12.api.mailchimp.com");
}

#[test]
fn a_key_cannot_name_another_host_and_is_not_shown() {
    for key in [
        "sesame",
        "sesame-",
        "sesame-US6",
        "sesame-us",
        "sesame-evil.example/us6",
        "sesame-evil.example#us6",
        "sesame-us6.evil.example",
        "sesame-us6@evil",
        "sesame-us6\n",
        "sesame-us6 ",
        &format!("sesame-{}1", "a".repeat(63)),
    ] {
        let message = with_key(key, |made| made.unwrap_err().to_string());
        assert!(message.contains("slot `api-key`") && !message.contains("sesame"), "{message}");
        assert!(!message.contains("evil"), "{message}");
    }
    let message = parsed(MAILCHIMP, suffix(DC)).resolve(&NOTHING).unwrap_err().to_string();
    assert!(message.contains("not set"), "{message}");
}

#[test]
fn a_pattern_that_allows_it_still_gives_no_impossible_host() {
    let template = parsed("https://{dc}.api.example.com", entered("[a-z0-9-]+"));
    for value in ["a.b", "", "xn--", &"a".repeat(64)] {
        let inputs = OriginInputs { entered: Some(value), ..NOTHING };
        assert!(template.resolve(&inputs).is_err(), "{value}");
    }
    let inputs = OriginInputs { entered: Some("acme"), ..NOTHING };
    let origin = template.resolve(&inputs).unwrap();
    assert_eq!(origin.base_url(), "https://acme.api.example.com");
    assert!(!origin.by_operator());
    assert!(template.asks_operator());
}

#[test]
fn a_part_entered_by_the_operator_does_not_open_local_addresses() {
    let template = parsed("https://{dc}.api.example.com", entered("[a-z]+"));
    let inputs = OriginInputs { entered: Some("acme"), insecure: true, ..NOTHING };
    assert!(!template.resolve(&inputs).unwrap().insecure());
    let fixed = parsed("https://api.example.com", None);
    assert!(!fixed.resolve(&OriginInputs { insecure: true, ..NOTHING }).unwrap().insecure());
}

fn overridden(url: &str, insecure: bool) -> Result<ResolvedOrigin, EgressError> {
    parsed("https://api.example.com", None).resolve(&OriginInputs { override_url: Some(url), insecure, ..NOTHING })
}

#[test]
fn an_override_replaces_the_template() {
    let origin = overridden("https://proxy.example.net/mailchimp/", false).unwrap();
    assert_eq!(origin.base_url(), "https://proxy.example.net/mailchimp");
    assert!(origin.by_operator() && !origin.insecure());
}

#[test]
fn an_installations_address_is_entered_whole() {
    let template = parsed("{dc}", entered(""));
    assert!(template.asks_operator());
    let given = |text| template.resolve(&OriginInputs { entered: Some(text), ..NOTHING });
    assert_eq!(given("mail.example.com").unwrap().base_url(), "https://mail.example.com");
    assert_eq!(given(" https://mail.example.com:8443/app/ ").unwrap().base_url(), "https://mail.example.com:8443/app");
    assert!(given("mail.example.com").unwrap().by_operator());
    assert!(template.resolve(&NOTHING).unwrap_err().to_string().contains("missing"));
}

#[test]
fn local_and_plain_addresses_need_insecure_origin() {
    for url in [
        "http://api.example.com",
        "http://127.0.0.1:8080",
        "https://127.0.0.1",
        "https://127.1",
        "https://127.0.0.1.",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.1",
        "https://0177.0.0.1",
        "https://①②⑦.0.0.1",
        "https://%31%32%37.0.0.1",
        "https://[::1]",
        "https://[0:0:0:0:0:0:0:1]:8443",
        "https://[::ffff:127.0.0.1]",
        "https://[::ffff:7f00:1]",
        "https://localhost",
        "https://LOCALHOST.",
        "https://api.localhost",
        "https://10.1.2.3",
        "https://192.168.0.1",
        "https://[fd00::1]",
        "https://100.64.0.1",
    ] {
        let message = overridden(url, false).map(|made| made.base_url().to_owned()).unwrap_err().to_string();
        assert!(message.contains("--insecure-origin"), "{url}: {message}");
        assert!(overridden(url, true).unwrap().insecure(), "{url}");
    }
}

#[test]
fn some_addresses_are_refused_whatever_the_operator_says() {
    for url in [
        "http://169.254.169.254/latest",
        "https://0xa9fea9fe",
        "https://2852039166",
        "https://[::ffff:169.254.169.254]",
        "https://[fd00:ec2::254]",
        "https://[fe80::1]",
        "https://0.0.0.0",
        "https://[::]",
        "https://0",
        "https://224.0.0.1",
        "https://255.255.255.255",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://user:sesame@example.com",
        "https://sesame@example.com",
        "https://example.com/?a=b",
        "https://example.com/#a",
        "https://",
        "https://exa mple.com",
        "",
    ] {
        let message = overridden(url, true).map(|made| made.base_url().to_owned()).unwrap_err().to_string();
        assert!(message.ends_with('.') && !message.contains("sesame"), "{url}: {message}");
    }
}
