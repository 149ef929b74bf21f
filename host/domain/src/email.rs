//! What an e-mail address is, and when two of them are the same person's (row D1).

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Deserialize, Serialize};

/// The longest address that mail systems carry: 254 bytes (RFC 5321, path less its brackets).
pub const MAX_ADDRESS_BYTES: usize = 254;

/// A valid e-mail address: as it was given, for sending, and its key, for telling people apart.
///
/// The key is the trimmed address with the domain in its ASCII (IDNA) form, everything in lower case, and
/// letters composed with their accents (NFC). Dots and plus signs in the local part are kept: folding them would join two people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    original: String,
    key: String,
}

/// Why a text is no e-mail address. Each is a sentence for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmailFault {
    /// Nothing but spaces.
    #[error("there is no e-mail address")]
    Empty,
    /// Over [`MAX_ADDRESS_BYTES`].
    #[error("the e-mail address is longer than {MAX_ADDRESS_BYTES} bytes")]
    TooLong,
    /// Not of the form that RFC 5322 gives, or without a dotted domain.
    #[error("`{0}` is not a valid e-mail address")]
    Malformed(String),
}

impl EmailAddress {
    /// Reads an address, with or without a `mailto:` prefix and surrounding spaces.
    ///
    /// # Errors
    ///
    /// An [`EmailFault`] when the text is empty, too long or not an address.
    pub fn parse(text: &str) -> Result<Self, EmailFault> {
        let original = text
            .trim_matches(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c))
            .trim_start_matches("mailto:");
        if original.is_empty() {
            return Err(EmailFault::Empty);
        }
        if original.len() > MAX_ADDRESS_BYTES {
            return Err(EmailFault::TooLong);
        }
        let malformed = || EmailFault::Malformed(original.to_owned());
        let options =
            email_address::Options::default().with_required_tld().without_domain_literal().without_display_text();
        let composed = composed(original);
        email_address::EmailAddress::parse_with_options(&composed, options).map_err(|_| malformed())?;
        let (local, domain) = composed.rsplit_once('@').ok_or_else(malformed)?;
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| malformed())?;
        Ok(Self { key: format!("{}@{domain}", local.to_lowercase()), original: original.to_owned() })
    }

    /// An address that was read before and kept as its two halves. Reading it again would cost more
    /// than everything else that a run does with a contact that did not change.
    #[must_use]
    pub fn kept(original: String, key: String) -> Self {
        Self { original, key }
    }

    /// The address as it was given, trimmed: what mail is sent to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.original
    }

    /// What makes two addresses the same person's.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A text in which a letter and its accent have one spelling.
fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { ComposingNormalizerBorrowed::new_nfc().normalize(text) }
}

/// Characters that spreadsheets and web pages leave at the ends of a cell.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.original)
    }
}

impl FromStr for EmailAddress {
    type Err = EmailFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailFault;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.original
    }
}

/// What stands between an address and what is written around it.
const AROUND: &str = "<>()[]{},;:\"|=/";
/// What may cling to an address that is not part of it, or is.
const CLINGING: [char; 8] = ['.', '-', '_', '\'', '*', '!', '?', '`'];

/// The addresses that stand in a text, some of them twice: also in one that is none as a whole.
pub fn addresses_in(text: &str) -> impl Iterator<Item = EmailAddress> {
    text.split(|letter: char| letter.is_whitespace() || AROUND.contains(letter))
        .filter(|word| word.contains('@'))
        .flat_map(|word| [word, word.trim_matches(CLINGING)])
        .filter_map(|word| EmailAddress::parse(word).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d1_one_person_in_many_spellings_has_one_key() {
        let key = |text: &str| EmailAddress::parse(text).unwrap().key().to_owned();
        assert_eq!(key(" Jana.Novakova@Example.CZ "), "jana.novakova@example.cz");
        assert_eq!(key("mailto:jana.novakova@example.cz"), "jana.novakova@example.cz");
        assert_eq!(key("\u{feff}jana.novakova@example.cz\u{200b}"), "jana.novakova@example.cz");
        assert_eq!(key("info@Bücher.example"), "info@xn--bcher-kva.example");
        assert_eq!(key("Jose\u{301}@example.cz"), key("jos\u{e9}@example.cz"));
        assert_ne!(key("jana+hotel@example.cz"), key("jana@example.cz"));
    }

    #[test]
    fn the_spelling_that_was_given_is_kept_for_sending() {
        assert_eq!(EmailAddress::parse(" Jana@Example.CZ ").unwrap().as_str(), "Jana@Example.CZ");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert_eq!(EmailAddress::parse("  "), Err(EmailFault::Empty));
        for text in [
            "jana",
            "jana@",
            "@example.cz",
            "jana@example",
            "a b@example.cz",
            "jana@exa mple.cz",
            "Jana <jana@example.cz>",
            "jana@@example.cz",
        ] {
            assert!(matches!(EmailAddress::parse(text), Err(EmailFault::Malformed(_))), "{text}");
        }
        assert_eq!(EmailAddress::parse(&format!("{}@example.cz", "a".repeat(300))), Err(EmailFault::TooLong));
    }

    #[test]
    fn an_address_is_found_in_a_text_and_not_in_a_longer_one() {
        let is_in = |text: &str, key: &str| addresses_in(text).any(|address| address.key() == key);
        for text in [
            "a@b.cz",
            "A@B.cz, or so",
            "Anna <a@b.cz>.",
            "mailto:a@b.cz.",
            "Anna\na@b.cz",
            "'a@b.cz'",
            "_a@b.cz_",
            "a@b.cz- neplatny",
        ] {
            assert!(is_in(text, "a@b.cz"), "{text}");
        }
        for text in ["anna@b.cz", "x.a@b.cz", "a@b.cz.example", "a@b.czech", "a@b", "@", ""] {
            assert!(!is_in(text, "a@b.cz"), "{text}");
        }
        assert!(is_in("Jana jana@Bücher.example", "jana@xn--bcher-kva.example"));
    }
}
