use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::*;

fn secret(value: &str) -> Secret {
    Secret::new("api-key", value.to_owned())
}

fn redactor(value: &str, encoded: &[&str]) -> Redactor {
    Redactor::new(&[&secret(value)], encoded).unwrap()
}

fn scrubbed(redactor: &Redactor, body: &str) -> String {
    redactor.scrub_body(body.as_bytes()).map_or_else(|| body.to_owned(), |clean| String::from_utf8(clean).unwrap())
}

const LONG: &str = "0123456789abcdef/+\"~?-us6";

#[test]
fn every_form_of_a_long_secret_is_removed() {
    let redactor = redactor(LONG, &[]);
    let forms = [
        LONG.to_owned(),
        "0123456789abcdef%2F%2B%22%7E%3F%2Dus6".to_owned(),
        "0123456789abcdef%2F%2B%22~%3F-us6".to_owned(),
        "0123456789abcdef%2f%2b%22~%3f-us6".to_owned(),
        "0123456789abcdef/+\\\"~?-us6".to_owned(),
        "0123456789abcdef\\/+\\\"~?-us6".to_owned(),
    ];
    for form in forms {
        let clean = scrubbed(&redactor, &format!("{{\"echo\":\"{form}\",\"n\":1}}"));
        assert_eq!(clean, "{\"echo\":\"[redacted]\",\"n\":1}", "{form}");
    }
}

#[test]
fn base64_is_found_wherever_the_secret_stands_in_a_longer_text() {
    let redactor = redactor(LONG, &[]);
    for front in 0..7 {
        for back in 0..4 {
            let text = format!("{}{LONG}{}", "x".repeat(front), "y".repeat(back));
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let clean = scrubbed(&redactor, &encoded);
                assert!(clean.contains(REDACTED), "{front} {back}: {encoded}");
                // What is left of it decodes to at most the first and last characters.
                assert!(clean.len() <= front * 2 + back * 2 + REDACTED.len() + 8, "{clean}");
            }
        }
    }
}

#[test]
fn markup_is_found() {
    let redactor = redactor("<password> & \"co\"'s", &[]);
    for form in [
        "&lt;password&gt; &amp; &quot;co&quot;&#39;s",
        "&lt;password&gt; &amp; &quot;co&quot;&#x27;s",
        "&lt;password&gt; &amp; &#34;co&#34;&#39;s",
        "\\u003cpassword\\u003e \\u0026 \\\"co\\\"'s",
    ] {
        assert_eq!(scrubbed(&redactor, &format!("you sent {form}.")), "you sent [redacted].", "{form}");
    }
}

#[test]
fn base64_in_a_url_is_found() {
    // Three characters whose base64 has both characters that a URL encodes.
    let secret = "~~~>>>???~~~>>>???";
    let whole = STANDARD.encode(format!("anna:{secret}"));
    let redactor = redactor(secret, &[&whole]);
    for front in 0..3 {
        let encoded = STANDARD.encode(format!("{}{secret}", "x".repeat(front)));
        assert!(encoded.contains('+') && encoded.contains('/'), "{encoded}");
        for (plus, slash) in [("%2B", "%2F"), ("%2b", "%2f")] {
            let clean = scrubbed(&redactor, &encoded.replace('+', plus).replace('/', slash));
            assert!(clean.contains(REDACTED) && clean.len() < REDACTED.len() + 12, "{clean}");
        }
    }
    let in_url = whole.trim_end_matches('=').replace('+', "%2B").replace('/', "%2F");
    assert_eq!(scrubbed(&redactor, &format!("?auth=Basic%20{in_url}")), "?auth=Basic%20[redacted]");
}

#[test]
fn a_whole_credential_is_removed_although_its_password_is_short() {
    let whole = STANDARD.encode("anna:pass");
    let redactor = redactor("pass", &[&whole]);
    assert_eq!(scrubbed(&redactor, &format!("Basic {whole}")), "Basic [redacted]");
    assert_eq!(scrubbed(&redactor, "you shall pass"), "you shall pass");
}

#[test]
fn short_secrets_are_removed_from_texts_only() {
    let redactor = redactor("hunter22", &[]);
    assert_eq!(scrubbed(&redactor, "hunter22"), "hunter22");
    assert_eq!(redactor.scrub_text("login with hunter22 failed"), "login with [redacted] failed");
}

#[test]
fn a_clean_body_is_not_copied() {
    let redactor = redactor(LONG, &[]);
    assert_eq!(redactor.scrub_body(b"nothing to see here"), None);
}

#[test]
fn bytes_that_are_no_text_survive() {
    let redactor = redactor("0123456789abcdef", &[]);
    let mut body = vec![0xff, 0x00, 0xfe];
    body.extend_from_slice(b"0123456789abcdef");
    body.push(0x80);
    let mut wanted = vec![0xff, 0x00, 0xfe];
    wanted.extend_from_slice(b"[redacted]");
    wanted.push(0x80);
    assert_eq!(redactor.scrub_body(&body), Some(wanted));
}
