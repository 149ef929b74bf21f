//! Which of the one-byte encodings a text is in, told by its letters.
//!
//! Windows-1250, -1251, -1252, -1253, -1254, -1257, ISO-8859-2 and KOI8-U give other letters to the same bytes. A text
//! fits the one in which its letters are those of a language, in about the shares that the language
//! has, and in which its words are of one script. Names in a list of contacts come from several
//! languages, so two of them may share a text. `chardetng` knows more of how letters follow one
//! another, but weighs all encodings of the web: it settles what is nearly a draw, and what fits
//! none of ours.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Encoding, ISO_8859_2, KOI8_U, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1257,
};

/// The letters beyond ASCII of the languages of each encoding, the most frequent first. Their
/// shares are taken to fall evenly: prose and names differ more than that.
const LANGUAGES: [(&Encoding, &str); 30] = [
    // Czech, Slovak, Polish, Hungarian, Slovene and Croatian, Romanian.
    (WINDOWS_1250, "áíéčřšýžěůňúóďť"),
    (WINDOWS_1250, "áíéčúýšžťôľňäóďŕĺ"),
    (WINDOWS_1250, "łóżąęśćńź"),
    (WINDOWS_1250, "éáóöőíüúű"),
    (WINDOWS_1250, "čšžćđ"),
    (WINDOWS_1250, "ăîşţâ"),
    // German, French, Spanish, Portuguese, Italian, Swedish and Finnish, Danish and Norwegian,
    // Dutch, Icelandic, Estonian.
    (WINDOWS_1252, "üäöß"),
    (WINDOWS_1252, "éèàêçôîâùûëïœ"),
    (WINDOWS_1252, "óíáéñúü"),
    (WINDOWS_1252, "ãçáéíóêâúõôà"),
    (WINDOWS_1252, "àèìòùé"),
    (WINDOWS_1252, "äöå"),
    (WINDOWS_1252, "øåæ"),
    (WINDOWS_1252, "ëéïö"),
    (WINDOWS_1252, "óíáðöæúéþý"),
    (WINDOWS_1252, "äõüöšž"),
    // Estonian, Latvian, Lithuanian.
    (WINDOWS_1257, "äõüöšž"),
    (WINDOWS_1257, "āīšēņūļžčģķ"),
    (WINDOWS_1257, "ėšžųūįčąę"),
    // Russian, Ukrainian, Bulgarian.
    (WINDOWS_1251, "оаеинтрсвлкмдпуяыьгзбчйхжшюцщэфъё"),
    (WINDOWS_1251, "оаинівретскйлдумпяьзгбчхюжцшїєщфґ"),
    (WINDOWS_1251, "аоиентрвслкдпмъзгбучйцжщяшхюфь"),
    // Russian and Ukrainian in the encoding of the older mail systems.
    (KOI8_U, "оаеинтрсвлкмдпуяыьгзбчйхжшюцщэфъё"),
    (KOI8_U, "оаинівретскйлдумпяьзгбчхюжцшїєщфґ"),
    // Czech, Slovak, Polish, Slovene and Croatian as systems without Windows wrote them. Other letters
    // of the region have the same bytes in both.
    (ISO_8859_2, "áíéčřšýžěůňúóďť"),
    (ISO_8859_2, "áíéčúýšžťôľňäóďŕĺ"),
    (ISO_8859_2, "łóżąęśćńź"),
    (ISO_8859_2, "čšžćđ"),
    // Greek, Turkish.
    (WINDOWS_1253, "αοιετσνηυρπκμλςίάόέύήώωγδθχφβξζψϊϋ"),
    (WINDOWS_1254, "ıüşçöğİâ"),
];

/// The encodings, the likeliest first: the first of equals is taken.
const PAGES: [&Encoding; 8] =
    [WINDOWS_1252, WINDOWS_1250, WINDOWS_1251, WINDOWS_1257, WINDOWS_1253, WINDOWS_1254, KOI8_U, ISO_8859_2];

/// How the letters of a text are divided between a first and a second language.
const SHARES: [f64; 3] = [0.9, 0.7, 0.5];

/// The chance of a letter that the languages have not, of a sign where letters are, and of a byte
/// that the encoding has not.
const FOREIGN_LETTER: f64 = 2e-3;
const SIGN: f64 = 1e-4;
const NOTHING: f64 = 1e-6;

/// The chance that two letters beyond ASCII are neighbours, in Latin script, and that an ASCII
/// letter and another are, in a script that has no ASCII letters.
const LATIN_NEIGHBOURS: f64 = 0.15;
const MIXED_SCRIPTS: f64 = 1e-2;

/// Two languages explain more than one by their number alone: this is what the second must bring.
const SECOND_LANGUAGE: f64 = 3.0;

/// What is less apart than this is a draw: a rare letter in the place of a frequent one weighs more.
const DRAW: f64 = 1.0;

/// The mean per letter below which a text fits none of the encodings: about four letters of five
/// are foreign.
const UNFIT: f64 = -5.2;

/// How many bytes `chardetng` is given: it has long decided, and it is the slowest part.
const DETECTOR_BYTES: usize = 1024 * 1024;

/// The letters of a text, as neighbouring bytes.
pub(crate) struct Letters {
    /// How often a byte follows another, where one of them is beyond ASCII.
    pairs: Vec<u64>,
    last: u8,
    detector: EncodingDetector,
    detected: usize,
}

impl Letters {
    pub(crate) fn new() -> Self {
        Self {
            pairs: vec![0; 256 * 256],
            last: b'\n',
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
            detected: 0,
        }
    }

    /// Takes in the next part of the text.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if (self.last | byte) >= 0x80
                && let Some(count) = self.pairs.get_mut(usize::from(self.last) * 256 + usize::from(*byte))
            {
                *count += 1;
            }
            self.last = *byte;
        }
        let part = bytes.get(..bytes.len().min(DETECTOR_BYTES - self.detected)).unwrap_or_default();
        self.detector.feed(part, false);
        self.detected += part.len();
    }

    /// The encoding that fits, if one does.
    pub(crate) fn guess(mut self) -> Option<&'static Encoding> {
        self.detector.feed(b"", true);
        let detected = self.detector.guess(None, Utf8Detection::Deny);
        let scores = PAGES.map(|page| (page, Page::new(page).score(&self.pairs)));
        let (mut page, mut best) = (WINDOWS_1252, f64::NEG_INFINITY);
        for (candidate, score) in scores {
            if score > best {
                (page, best) = (candidate, score);
            }
        }
        let letters = self.letters();
        if best < UNFIT * letters {
            return Some(detected).filter(|detected| !PAGES.contains(detected));
        }
        let draw = scores.iter().find(|(candidate, score)| *candidate == detected && best - score < DRAW);
        Some(draw.map_or(page, |(candidate, _)| candidate))
    }

    /// How many bytes beyond ASCII tell something.
    #[allow(clippy::cast_precision_loss, reason = "a share of letters needs no 53 bits")]
    fn letters(&self) -> f64 {
        (0..=255_u8).filter(|byte| tells(*byte)).map(|byte| count(&self.pairs, byte)).sum::<u64>() as f64
    }
}

/// Whether the encodings differ in this byte. The others are the same signs in all of them.
fn tells(byte: u8) -> bool {
    byte >= 0x80
        && !matches!(
            byte,
            0x80 | 0x82 | 0x84..=0x87 | 0x89 | 0x8b | 0x91..=0x97 | 0x99 | 0x9b | 0xa0 | 0xa4 | 0xa6 | 0xa7 | 0xa9
                | 0xab..=0xae | 0xb0 | 0xb1 | 0xb5..=0xb7 | 0xbb
        )
}

/// How often a byte occurs.
fn count(pairs: &[u64], byte: u8) -> u64 {
    pairs.iter().skip(usize::from(byte)).step_by(256).sum()
}

/// One encoding: what its bytes beyond ASCII are, in small letters.
struct Page {
    encoding: &'static Encoding,
    characters: Vec<(u8, char)>,
}

impl Page {
    fn new(encoding: &'static Encoding) -> Self {
        let characters = (0x80..=0xff_u8)
            .map(|byte| {
                let bytes = [byte];
                let (text, _) = encoding.decode_without_bom_handling(&bytes);
                let character = text.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER);
                (byte, small(character))
            })
            .collect();
        Self { encoding, characters }
    }

    /// The logarithm of the chance of this text in this encoding.
    #[allow(clippy::cast_precision_loss, reason = "a share of letters needs no 53 bits")]
    fn score(&self, pairs: &[u64]) -> f64 {
        let counts: Vec<(char, f64)> = self
            .characters
            .iter()
            .filter(|(byte, _)| tells(*byte))
            .map(|(byte, character)| (*character, count(pairs, *byte) as f64))
            .filter(|(_, count)| *count > 0.0)
            .collect();
        let languages: Vec<&str> =
            LANGUAGES.iter().filter(|(page, _)| *page == self.encoding).map(|(_, letters)| *letters).collect();
        let mut best = f64::NEG_INFINITY;
        for first in &languages {
            best = best.max(fit(&counts, |character| share(first, character)));
            for second in languages.iter().filter(|second| *second != first) {
                for part in SHARES {
                    let mixed = |character| part * share(first, character) + (1.0 - part) * share(second, character);
                    best = best.max(fit(&counts, mixed) - SECOND_LANGUAGE);
                }
            }
        }
        best + self.neighbours(pairs)
    }

    /// What the neighbours of letters say about the script.
    #[allow(clippy::cast_precision_loss, reason = "a share of letters needs no 53 bits")]
    fn neighbours(&self, pairs: &[u64]) -> f64 {
        let latin = ![WINDOWS_1251, WINDOWS_1253, KOI8_U].contains(&self.encoding);
        let mut letters = [false; 256];
        for (byte, character) in &self.characters {
            if let Some(letter) = letters.get_mut(usize::from(*byte)) {
                *letter = character.is_alphabetic();
            }
        }
        let is_letter = |byte: usize| letters.get(byte).copied().unwrap_or(false);
        let is_ascii = |byte: usize| u8::try_from(byte).is_ok_and(|byte| byte.is_ascii_alphabetic());
        let mut improbable = 0;
        for (pair, count) in pairs.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (left, right) = (pair / 256, pair % 256);
            let counts = if latin {
                is_letter(left) && is_letter(right)
            } else {
                (is_ascii(left) && is_letter(right)) || (is_letter(left) && is_ascii(right))
            };
            improbable += if counts { *count } else { 0 };
        }
        improbable as f64 * if latin { LATIN_NEIGHBOURS.ln() } else { MIXED_SCRIPTS.ln() }
    }
}

/// The logarithm of the chance of these characters, given that of each.
fn fit(counts: &[(char, f64)], chance: impl Fn(char) -> f64) -> f64 {
    counts
        .iter()
        .map(|(character, count)| {
            let least = match *character {
                '\u{80}'..='\u{9f}' | char::REPLACEMENT_CHARACTER => NOTHING,
                letter if letter.is_alphabetic() => FOREIGN_LETTER,
                _ => SIGN,
            };
            count * chance(*character).max(least).ln()
        })
        .sum()
}

/// The share of a letter in a language whose letters are given by frequency.
#[allow(clippy::cast_precision_loss, reason = "an alphabet has some thirty letters")]
fn share(letters: &str, letter: char) -> f64 {
    let count = letters.chars().count() as f64;
    letters
        .chars()
        .position(|candidate| candidate == letter)
        .map_or(0.0, |rank| (count - rank as f64) / (count * (count + 1.0) / 2.0))
}

/// The small letter; the Turkish capital `İ` stays, because its small letter is ASCII.
fn small(letter: char) -> char {
    if letter == 'İ' { letter } else { letter.to_lowercase().next().unwrap_or(letter) }
}

#[cfg(test)]
mod tests;
