//! The words and signs of a segment's text.

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;
use winnow::combinator::{alt, preceded, repeat, terminated};
use winnow::error::{ErrMode, ParserError};
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{any, one_of, take_while};
use winnow::{ModalResult, Parser};

use crate::field;

use super::condition::Operator;
use super::fault::Problem;

/// A place in the text, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misplaced {
    pub(super) span: Range<usize>,
    pub(super) problem: Problem,
}

impl Misplaced {
    /// Ends the reading.
    pub(super) fn stop<T>(span: Range<usize>, problem: Problem) -> ModalResult<T, Self> {
        Err(ErrMode::Cut(Self { span, problem }))
    }
}

/// A parser that only tried leaves this behind; whatever reaches a person is made by
/// [`Misplaced::stop`].
impl<I: Stream> ParserError<I> for Misplaced {
    type Inner = Self;

    fn from_input(_: &I) -> Self {
        Self { span: 0..0, problem: Problem::TooFewParts }
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// A word or a sign, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
}

/// What can stand in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A word of the language or the name of a field, as it is written.
    Word(String),
    /// A text in quotes, without them.
    Text(String),
    /// A number in canonical digits.
    Number(String),
    /// A day.
    Date(Date),
    /// A moment.
    Moment(Timestamp),
    /// A comparison.
    Operator(Operator),
    /// An opening parenthesis.
    Open,
    /// A closing one.
    Close,
    /// A comma.
    Comma,
}

type Input<'t> = LocatingSlice<&'t str>;

/// Takes a text apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Misplaced> {
    let space = || take_while(0.., char::is_whitespace);
    let mut all = terminated(repeat(0.., preceded(space(), token)), space());
    let mut input = LocatingSlice::new(text);
    all.parse_next(&mut input).map_err(|error: ErrMode<Misplaced>| match error {
        ErrMode::Cut(fault) | ErrMode::Backtrack(fault) => fault,
        // Texts are read whole.
        ErrMode::Incomplete(_) => Misplaced { span: text.len()..text.len(), problem: Problem::UnclosedText },
    })
}

fn token(input: &mut Input<'_>) -> ModalResult<Token, Misplaced> {
    let (kind, span) = alt((sign, text, number, word, stranger)).with_span().parse_next(input)?;
    Ok(Token { kind, span })
}

fn sign(input: &mut Input<'_>) -> ModalResult<TokenKind, Misplaced> {
    let operators = Operator::ALL;
    for operator in operators {
        if input.starts_with(operator.as_str()) {
            input.next_slice(operator.as_str().len());
            return Ok(TokenKind::Operator(operator));
        }
    }
    alt(('('.value(TokenKind::Open), ')'.value(TokenKind::Close), ','.value(TokenKind::Comma))).parse_next(input)
}

fn text(input: &mut Input<'_>) -> ModalResult<TokenKind, Misplaced> {
    let start = input.current_token_start();
    '"'.parse_next(input)?;
    let mut text = String::new();
    loop {
        let here = input.current_token_start();
        match input.next_token() {
            Some('"') => return Ok(TokenKind::Text(text)),
            Some('\\') => match input.next_token() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                Some(_) => return Misplaced::stop(here..input.current_token_start(), Problem::Escape),
                None => return Misplaced::stop(start..input.current_token_start(), Problem::UnclosedText),
            },
            // A text that is not closed would swallow all lines below.
            Some('\0' | '\n' | '\r') | None => {
                return Misplaced::stop(start..here, Problem::UnclosedText);
            }
            Some(other) => text.push(other),
        }
    }
}

fn number(input: &mut Input<'_>) -> ModalResult<TokenKind, Misplaced> {
    let start = input.current_token_start();
    let first = one_of(|c: char| c.is_ascii_digit() || c == '-');
    let rest = take_while(0.., |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '+'));
    let written = (first, rest).take().parse_next(input)?;
    if let Some(number) = field::canonical_number(written) {
        return Ok(TokenKind::Number(number));
    }
    let moment = written.contains('T').then(|| written.parse().ok()).flatten().map(TokenKind::Moment);
    let date = || written.parse().ok().filter(|_| !written.contains('T')).map(TokenKind::Date);
    match moment.or_else(date) {
        Some(kind) => Ok(kind),
        None => Misplaced::stop(start..input.current_token_start(), Problem::Number(written.to_owned())),
    }
}

fn word(input: &mut Input<'_>) -> ModalResult<TokenKind, Misplaced> {
    let rest = take_while(0.., |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
    (one_of(char::is_alphabetic), rest).take().map(|word: &str| TokenKind::Word(word.to_owned())).parse_next(input)
}

/// Whatever no word and no sign begins with.
fn stranger(input: &mut Input<'_>) -> ModalResult<TokenKind, Misplaced> {
    let start = input.current_token_start();
    let stranger = any.parse_next(input)?;
    Misplaced::stop(start..input.current_token_start(), Problem::Character(stranger))
}

impl Token {
    /// The word, in lower case: people may shout.
    pub(super) fn word(&self) -> Option<String> {
        match &self.kind {
            TokenKind::Word(word) => Some(word.to_lowercase()),
            _ => None,
        }
    }

    /// Whether it is this word.
    pub(super) fn is(&self, word: &str) -> bool {
        self.word().is_some_and(|own| own == word)
    }
}
