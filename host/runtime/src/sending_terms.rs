//! The rules that a plugin's terms of sending keep. What stands in them lets the host send a message a
//! second time, so nothing that is not plain is taken.

use std::collections::HashSet;

use crate::contract::SendingTerms;
use crate::description::{optional_text, some_entries, text};
use crate::limits::{MAX_KEY_LIFE_S, NOT_PROCESSED};

/// Checks terms of sending.
///
/// # Errors
///
/// The first rule that is broken, as a sentence.
pub(crate) fn check(terms: &SendingTerms) -> Result<(), String> {
    some_entries("The list of statuses that say that nothing was done", &terms.not_processed)?;
    let mut seen = HashSet::new();
    for status in &terms.not_processed {
        if !NOT_PROCESSED.contains(status) {
            return Err(format!(
                "The status {status} cannot say that nothing was done; one of {} to {} can.",
                NOT_PROCESSED.start(),
                NOT_PROCESSED.end()
            ));
        }
        if !seen.insert(status) {
            return Err(format!("The status {status} is declared twice."));
        }
    }
    if let Some(seconds) = terms.key_life_s
        && !(1..=MAX_KEY_LIFE_S).contains(&seconds)
    {
        return Err(format!("Keys are known for {seconds} s; it is 1 to {MAX_KEY_LIFE_S}, or none."));
    }
    some_entries("The list of extras", &terms.extras)?;
    for (key, value) in &terms.extras {
        text("The name of an extra", key)?;
        optional_text("The value of an extra", value)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(not_processed: &[u16], key_life_s: Option<u64>) -> SendingTerms {
        SendingTerms { not_processed: not_processed.to_vec(), key_life_s, extras: vec![] }
    }

    #[test]
    fn plain_terms_are_taken() {
        for fine in [terms(&[], None), terms(&[429, 503, 400, 599], Some(86_400)), terms(&[], Some(MAX_KEY_LIFE_S))] {
            assert_eq!(check(&fine), Ok(()));
        }
        assert!(terms(&[429], None).is_not_processed(429));
        assert!(!terms(&[429], None).is_not_processed(503));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = [
            (terms(&[200], None), "The status 200 cannot say"),
            (terms(&[302], None), "The status 302 cannot say"),
            (terms(&[0], None), "The status 0 cannot say"),
            (terms(&[600], None), "one of 400 to 599 can."),
            (terms(&[429, 429], None), "The status 429 is declared twice."),
            (terms(&[429; 101], None), "has 101 entries"),
            (terms(&[], Some(0)), "Keys are known for 0 s"),
            (terms(&[], Some(MAX_KEY_LIFE_S + 1)), "or none."),
            (SendingTerms { extras: vec![("a\nb".into(), String::new())], ..terms(&[], None) }, "a line break"),
        ];
        for (wrong, words) in refused {
            let sentence = check(&wrong).unwrap_err();
            assert!(sentence.contains(words) && sentence.ends_with('.'), "{sentence}");
        }
    }
}
