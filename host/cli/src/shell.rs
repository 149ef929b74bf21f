//! Names as they are typed in a shell.

/// A word that a shell takes as one.
pub(crate) fn word(text: &str) -> String {
    // The library quotes an equals sign too, which shells take as it is behind the first word.
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./=:,@+".contains(character);
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        return text.to_owned();
    }
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
        assert_eq!(line(["--map", "firstname=FNAME", ""]), "--map firstname=FNAME ''");
        assert_eq!(shlex::split(&word("it's $HOME")).unwrap(), ["it's $HOME"]);
    }
}
