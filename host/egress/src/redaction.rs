//! Keeps an account's secrets out of what a plugin and a log get to see.
//!
//! An allowed provider may echo a request (an error page that prints its headers is enough). One
//! pass over the bytes with an Aho-Corasick automaton finds a secret in every form that a server
//! commonly gives it: raw, percent-encoded, inside a JSON string or markup, and base64 at each of the three
//! positions it can have inside a longer base64 text, that one percent-encoded as well.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::credential::Secret;
use crate::error::EgressError;

/// Secrets from this length on are removed from bodies. A shorter one may be an ordinary word of
/// the contacts' data, and removing it would damage them.
const MIN_IN_BODIES: usize = 12;

/// A whole encoded credential (`user:password` in base64) from this length on is removed from
/// bodies even when its password is short: it never occurs by chance.
const MIN_ENCODED: usize = 8;

/// Secrets from this length on are removed from texts for logs and errors. Fewer characters would
/// blot out the text and protect nothing.
const MIN_IN_TEXTS: usize = 4;

/// Encoders differ in whether they encode these four, and in the case of the digits.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How quotation marks, double and single, are written in HTML and XML: encoders differ.
const QUOTES_IN_MARKUP: [(&str, &str); 3] = [("&quot;", "&#39;"), ("&quot;", "&#x27;"), ("&#34;", "&#39;")];

/// What stands in the place of a secret. Valid inside a JSON string.
pub(crate) const REDACTED: &str = "[redacted]";

/// The redaction of one account.
pub(crate) struct Redactor {
    bodies: Option<AhoCorasick>,
    texts: Option<AhoCorasick>,
}

impl Redactor {
    /// `encoded` are whole credentials as they stand on the wire.
    pub(crate) fn new(secrets: &[&Secret], encoded: &[&str]) -> Result<Self, EgressError> {
        let mut bodies = Vec::new();
        let mut texts = Vec::new();
        for secret in secrets {
            let length = secret.expose().len();
            if length >= MIN_IN_BODIES {
                bodies.extend(forms(secret.expose()));
            }
            if length >= MIN_IN_TEXTS {
                texts.extend(forms(secret.expose()));
            }
        }
        for whole in encoded.iter().filter(|whole| whole.len() >= MIN_ENCODED) {
            // Padding is left off: servers that re-encode leave it off as well.
            for form in base64_forms(whole.trim_end_matches('=')) {
                texts.push(Zeroizing::new(form.clone()));
                bodies.push(Zeroizing::new(form));
            }
        }
        Ok(Self { bodies: automaton(&bodies)?, texts: automaton(&texts)? })
    }

    /// A response's bytes without the secrets; none if there are none in it, so that the usual body
    /// is read once and copied never.
    pub(crate) fn scrub_body(&self, body: &[u8]) -> Option<Vec<u8>> {
        let automaton = self.bodies.as_ref()?;
        if !automaton.is_match(body) {
            return None;
        }
        let mut clean = Vec::with_capacity(body.len());
        automaton.replace_all_with_bytes(body, &mut clean, |_, _, out| {
            out.extend_from_slice(REDACTED.as_bytes());
            true
        });
        Some(clean)
    }

    /// Removes secrets from a response header's value.
    pub(crate) fn scrub_header(&self, value: &str) -> String {
        replaced(self.bodies.as_ref(), value)
    }

    /// Removes secrets, short ones included, from a text for a log or an error.
    pub(crate) fn scrub_text(&self, text: &str) -> String {
        replaced(self.texts.as_ref(), text)
    }
}

fn replaced(automaton: Option<&AhoCorasick>, text: &str) -> String {
    let Some(automaton) = automaton else { return text.to_owned() };
    let mut clean = String::with_capacity(text.len());
    automaton.replace_all_with(text, &mut clean, |_, _, out| {
        out.push_str(REDACTED);
        true
    });
    clean
}

fn automaton(patterns: &[Zeroizing<String>]) -> Result<Option<AhoCorasick>, EgressError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(patterns.iter().map(|pattern| pattern.as_bytes()))
        .map(Some)
        .map_err(|error| EgressError::Transport(format!("redaction cannot be prepared: {error}.")))
}

/// Every form in which a secret is looked for.
fn forms(secret: &str) -> Vec<Zeroizing<String>> {
    let mut found: Vec<Zeroizing<String>> = Vec::new();
    let mut add = |form: String| {
        let form = Zeroizing::new(form);
        if !form.is_empty() && !found.contains(&form) {
            found.push(form);
        }
    };
    add(secret.to_owned());
    add(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
    let percent = utf8_percent_encode(secret, RESERVED).to_string();
    add(lowercase_escapes(&percent));
    add(percent);
    let json = json_escaped(secret);
    add(json.replace('/', "\\/"));
    add(json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"));
    add(json);
    for (double, single) in QUOTES_IN_MARKUP {
        let markup = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        add(markup.replace('"', double).replace('\'', single));
    }
    for skipped in 0..3 {
        for form in base64_forms(&base64_inside(&STANDARD_NO_PAD, secret, skipped)) {
            add(form);
        }
        add(base64_inside(&URL_SAFE_NO_PAD, secret, skipped));
    }
    found
}

/// Text in base64 as it stands in a header, and as it stands in a URL or a form, where its `+` and
/// `/` are percent-encoded.
fn base64_forms(text: &str) -> [String; 3] {
    let percent = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    [text.to_owned(), lowercase_escapes(&percent), percent]
}

fn lowercase_escapes(percent: &str) -> String {
    let mut in_escape = 0_u8;
    percent
        .chars()
        .map(|c| {
            if c == '%' {
                in_escape = 2;
                return c;
            }
            if in_escape == 0 {
                return c;
            }
            in_escape -= 1;
            c.to_ascii_lowercase()
        })
        .collect()
}

fn json_escaped(secret: &str) -> String {
    let mut escaped = String::with_capacity(secret.len());
    for c in secret.chars() {
        if matches!(c, '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The characters of `secret`'s base64 that do not depend on what stands around it, when it begins
/// `skipped` bytes into a group of three.
fn base64_inside(engine: &impl base64::Engine, secret: &str, skipped: usize) -> String {
    let mut padded = Zeroizing::new(vec![0_u8; skipped]);
    padded.extend_from_slice(secret.as_bytes());
    let encoded = Zeroizing::new(engine.encode(padded.as_slice()));
    // A character holds six bits: the first ones hold bits of the neighbour in front, the last one
    // holds bits of the neighbour behind unless the bits come out even.
    let front = (skipped * 8).div_ceil(6);
    let whole = padded.len() * 8 / 6;
    encoded.get(front..whole).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
