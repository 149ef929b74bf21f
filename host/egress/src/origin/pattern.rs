//! The narrow regular expressions that a variable part of a host must match.

use std::fmt;

use regex_lite::Regex;

/// The longest pattern: room for any region code, none for tricks.
const MAX_PATTERN: usize = 64;

/// The longest value: one DNS label.
const MAX_VALUE: usize = 63;

/// A pattern that can match nothing but a-z, 0-9 and `-`.
#[derive(Debug, Clone)]
pub(super) struct PartPattern {
    source: String,
    regex: Regex,
}

impl PartPattern {
    /// Accepts a small part of the regular-expression language: what is left out (`.`, `\`, `^`,
    /// anchors, flags, upper case) is what makes a pattern wider than it looks.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        if source.is_empty() || source.len() > MAX_PATTERN {
            return Err(format!("a pattern has 1 to {MAX_PATTERN} characters."));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-[](){}|+*?,".contains(c);
        if let Some(wrong) = source.chars().find(|c| !allowed(*c)) {
            return Err(format!(
                "the pattern `{}` contains `{}`; only a-z, 0-9, `-`, [ ], ( ), {{ }}, |, +, * and \
                 ? are allowed, such as [a-z]+[0-9]+.",
                source.escape_default(),
                wrong.escape_default()
            ));
        }
        if source.contains("(?") {
            return Err(format!("the pattern `{source}` sets flags, which is not allowed."));
        }
        let regex = Regex::new(&format!("^(?:{source})$"))
            .map_err(|error| format!("the pattern `{source}` cannot be read: {error}."))?;
        Ok(Self { source: source.to_owned(), regex })
    }

    /// Whether `value` is a piece of a host name and matches as a whole. The characters are
    /// checked here as well, so that no oddity of a pattern can let a dot or a slash through.
    pub(super) fn matches(&self, value: &str) -> bool {
        (1..=MAX_VALUE).contains(&value.len())
            && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && self.regex.is_match(value)
    }
}

impl fmt::Display for PartPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
