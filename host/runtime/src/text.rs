//! How text from a plugin becomes safe to store and to show.

/// Writes text for one line of a log: what controls a terminal or a reader's eye is spelled out,
/// and what is longer than `max` bytes is cut at a character with an ellipsis.
pub(crate) fn escaped(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let before = line.len();
        if is_invisible(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        if line.len() > max {
            line.truncate(before);
            line.push('…');
            break;
        }
    }
    line
}

/// Makes a text of an answer fit to be stored and shown: white space becomes a space, other
/// characters that control a terminal or a reader's eye go, and what is longer than `max` bytes is
/// cut at a character with an ellipsis.
pub(crate) fn clean(text: &mut String, max: usize) {
    if text.chars().any(is_invisible) {
        *text = text
            .chars()
            .filter_map(|c| match c {
                '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
                c if is_invisible(c) => None,
                c => Some(c),
            })
            .collect();
    }
    if text.len() > max {
        let mut end = max;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
}

/// Whether a character would change how the text around it is shown, or is there without being
/// shown: control characters, line and paragraph separators, the marks that turn the direction of
/// writing, and those of no width by which two texts look alike that are not, or a text holds
/// another one. Joiners are not among them: scripts and emoji need them.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || is_direction_mark(c)
        || matches!(c,
            '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}'
            | '\u{200b}' | '\u{180e}' | '\u{feff}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Whether a character is a mark by which right-to-left writing keeps its punctuation in place. It
/// has no effect beyond its neighbours.
pub(crate) fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_spells_out_what_would_move_the_cursor() {
        assert_eq!(escaped("a\x1b[2Jb\nc", 100), "a\\u{1b}[2Jb\\nc");
        assert_eq!(escaped("a\u{202e}b", 100), "a\\u{202e}b");
        assert_eq!(escaped("Žluťoučký", 100), "Žluťoučký");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(escaped("ééé", 3), "é…");
        let mut text = "ééé".to_owned();
        clean(&mut text, 3);
        assert_eq!(text, "é…");
    }

    #[test]
    fn an_answer_loses_its_control_characters() {
        let mut text = "one\ntwo\x1b[31m\u{2066}".to_owned();
        clean(&mut text, 100);
        assert_eq!(text, "one two[31m");
    }

    #[test]
    fn what_cannot_be_seen_goes_and_what_scripts_need_stays() {
        let mut text = "pay\u{200b}pal\u{2060}\u{e0041}\u{fff9}".to_owned();
        clean(&mut text, 100);
        assert_eq!(text, "paypal");
        let mut text = "می\u{200c}خواهم 👨\u{200d}👩\u{200d}👧".to_owned();
        let before = text.clone();
        clean(&mut text, 100);
        assert_eq!(text, before);
    }
}
