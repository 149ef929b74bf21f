//! Names as they are typed in a shell.

/// A word that a shell takes as one.
pub(crate) fn word(text: &str) -> String {
    // Only a zero byte cannot be quoted, and no name has one.
    shlex::try_quote(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// A command line, word by word.
pub(crate) fn line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_gets_them() {
        assert_eq!(line(["postroom", "list", "show", "Hotel guests"]), "postroom list show 'Hotel guests'");
    }
}
