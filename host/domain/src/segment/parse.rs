//! From text to tree.
//!
//! The text is taken apart into words and signs, and these are read from left to right without ever
//! going back: whatever can't go on says so at the place where it stands.

use std::ops::Range;

use winnow::combinator::{repeat, separated};
use winnow::error::ErrMode;
use winnow::stream::{Stateful, Stream, TokenSlice};
use winnow::token::any;
use winnow::{ModalParser, ModalResult, Parser};

use crate::consent::ConsentState;

use super::condition::{ActivityKind, Condition, FIELD_PREFIX, Literal, Operator, RESERVED, Subject, Test};
use super::fault::{Problem, SegmentFault, did_you_mean};
use super::limits::{MAX_CHOICES, MAX_CONDITIONS, MAX_DEPTH, MAX_TEXT_BYTES};
use super::token::{Misplaced, Token, TokenKind, tokens};
use super::window::{Stretch, Unit, Window};

/// A condition with the text that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The text.
    pub text: String,
    /// What it says.
    pub condition: Condition,
    /// Where each condition without parts stands, in the order of [`Condition::leaves`].
    pub spans: Vec<Range<usize>>,
}

/// What the reading keeps beside its place.
#[derive(Debug, Clone)]
struct Progress {
    /// The end of the text.
    end: usize,
    depth: usize,
    spans: Vec<Range<usize>>,
}

type Input<'t> = Stateful<TokenSlice<'t, Token>, Progress>;
type Reading<T> = ModalResult<T, Misplaced>;

/// Reads a segment.
///
/// # Errors
///
/// A [`SegmentFault`] with the place. Whether the fields and lists exist is another question: see
/// [`check`](super::check()).
pub fn parse(text: &str) -> Result<Written, SegmentFault> {
    let fault = |fault: Misplaced| SegmentFault { text: text.to_owned(), span: fault.span, problem: fault.problem };
    if text.len() > MAX_TEXT_BYTES {
        return Err(fault(Misplaced { span: 0..0, problem: Problem::TooLong }));
    }
    let tokens = tokens(text).map_err(fault)?;
    let progress = Progress { end: text.trim_end().len(), depth: 0, spans: Vec::new() };
    let mut input = Stateful { input: TokenSlice::new(&tokens), state: progress };
    let condition = whole(&mut input).map_err(|error| match error {
        ErrMode::Cut(misplaced) | ErrMode::Backtrack(misplaced) => fault(misplaced),
        ErrMode::Incomplete(_) => fault(Misplaced { span: text.len()..text.len(), problem: Problem::TooFewParts }),
    })?;
    if condition.depth() > MAX_DEPTH {
        return Err(fault(Misplaced { span: 0..text.len(), problem: Problem::TooDeep }));
    }
    Ok(Written { text: text.to_owned(), condition, spans: input.state.spans })
}

fn whole(input: &mut Input<'_>) -> Reading<Condition> {
    let condition = alternatives(input)?;
    match input.peek_token() {
        None => Ok(condition),
        Some(_) => expected(input, "`and`, `or` or the end", ""),
    }
}

fn alternatives(input: &mut Input<'_>) -> Reading<Condition> {
    separated(1.., conjunction, word("or")).map(Condition::any).parse_next(input)
}

fn conjunction(input: &mut Input<'_>) -> Reading<Condition> {
    separated(1.., negation, word("and")).map(Condition::all).parse_next(input)
}

fn negation(input: &mut Input<'_>) -> Reading<Condition> {
    let before = place(input);
    let negations: usize = repeat(0.., word("not")).fold(|| 0, |count, ()| count + 1).parse_next(input)?;
    input.state.depth += negations;
    if input.state.depth >= MAX_DEPTH {
        return Misplaced::stop(before, Problem::TooDeep);
    }
    let inner = match input.peek_token() {
        Some(Token { kind: TokenKind::Open, .. }) => group(input)?,
        _ => leaf(input)?,
    };
    input.state.depth -= negations;
    Ok((0..negations).fold(inner, |inner, _| Condition::negate(inner)))
}

fn group(input: &mut Input<'_>) -> Reading<Condition> {
    let before = place(input);
    input.next_token();
    // The group itself, and the conditions that it joins.
    input.state.depth += 1;
    if input.state.depth >= MAX_DEPTH {
        return Misplaced::stop(before, Problem::TooDeep);
    }
    let inner = alternatives(input)?;
    input.state.depth -= 1;
    match input.peek_token() {
        Some(Token { kind: TokenKind::Close, .. }) => {
            input.next_token();
            Ok(inner)
        }
        None => Misplaced::stop(before, Problem::UnclosedParenthesis),
        Some(_) => expected(input, "`and`, `or` or `)`", ""),
    }
}

fn leaf(input: &mut Input<'_>) -> Reading<Condition> {
    let start = place(input).start;
    let condition = predicate(input)?;
    let end = input.input.previous_tokens().next().map_or(start, |token| token.span.end);
    if input.state.spans.len() == MAX_CONDITIONS {
        return Misplaced::stop(start..end, Problem::TooManyConditions);
    }
    input.state.spans.push(start..end);
    Ok(condition)
}

fn predicate(input: &mut Input<'_>) -> Reading<Condition> {
    const CONDITION: &str = "a condition";
    let Some(first) = input.peek_token().and_then(Token::word) else {
        return expected(input, CONDITION, "begin with a field, as in language = \"de\", or with tag(\"…\")");
    };
    let span = place(input);
    let activity = ActivityKind::ALL.into_iter().find(|kind| kind.as_str() == first);
    if let Some(kind) = activity {
        input.next_token();
        let campaign = optional_name(input, &first)?;
        return Ok(Condition::Activity { kind, campaign, window: optional_window(input)? });
    }
    match first.as_str() {
        "everyone" => {
            input.next_token();
            Ok(Condition::Everyone)
        }
        "tag" => {
            input.next_token();
            Ok(Condition::Tag(name(input, &first)?))
        }
        "on" => {
            input.next_token();
            Ok(Condition::OnList(name(input, &first)?))
        }
        "in_segment" => {
            input.next_token();
            Ok(Condition::InSegment(name(input, &first)?))
        }
        "joined" => {
            input.next_token();
            let list = name(input, &first)?;
            Ok(Condition::Joined { list, window: required_window(input)? })
        }
        "repeated" => {
            input.next_token();
            Ok(Condition::Repeated(optional_name(input, &first)?))
        }
        "member" => {
            input.next_token();
            Ok(Condition::Member(optional_name(input, &first)?))
        }
        "unsubscribed" => {
            input.next_token();
            Ok(Condition::Unsubscribed(name(input, &first)?))
        }
        "consent" => {
            input.next_token();
            consent(input)
        }
        "anniversary" => {
            input.next_token();
            anniversary(input)
        }
        "email" | "external-id" | "created" | "updated" => value(input),
        reserved if RESERVED.contains(&reserved) => {
            let hint = format!("a field of that name is written {FIELD_PREFIX}{reserved}");
            Misplaced::stop(span, Problem::Expected { found: found(input), expected: CONDITION.to_owned(), hint })
        }
        _ => value(input),
    }
}

fn value(input: &mut Input<'_>) -> Reading<Condition> {
    let of = subject(input)?;
    Ok(Condition::Value { of, test: test(input)? })
}

fn subject(input: &mut Input<'_>) -> Reading<Subject> {
    let span = place(input);
    let Some(Token { kind: TokenKind::Word(written), .. }) = input.peek_token() else {
        return expected(input, "a field", "");
    };
    input.next_token();
    written.parse().or_else(|_| {
        let lower = written.to_lowercase();
        let hint = match lower.parse::<Subject>() {
            Ok(_) if lower != *written => format!("did you mean `{lower}`?"),
            _ => "names of fields have the letters a-z only, and parts of addresses stand after a point".to_owned(),
        };
        Misplaced::stop(span.clone(), Problem::UnknownField { name: written.clone(), hint })
    })
}

/// What is asked of a value, once it is named.
fn test(input: &mut Input<'_>) -> Reading<Test> {
    const TEST: &str = "a comparison";
    const WORDS: [&str; 7] = ["contains", "starts", "ends", "is", "in", "has", "before"];
    if let Some(operator) = operator(input) {
        return Ok(Test::Compare { operator, value: literal(input)? });
    }
    let first = input.peek_token().and_then(Token::word).unwrap_or_default();
    match first.as_str() {
        "contains" => {
            input.next_token();
            Ok(Test::Contains(text(input)?))
        }
        "starts" => {
            input.next_token();
            require(input, "with")?;
            Ok(Test::StartsWith(text(input)?))
        }
        "ends" => {
            input.next_token();
            require(input, "with")?;
            Ok(Test::EndsWith(text(input)?))
        }
        "is" => {
            input.next_token();
            set_or_empty(input)
        }
        "has" => {
            input.next_token();
            has(input)
        }
        "before" => Ok(Test::Window(required_window(input)?)),
        "in" if follows_parenthesis(input) => {
            input.next_token();
            Ok(Test::In(enumeration(input, literal)?))
        }
        "in" => Ok(Test::Window(required_window(input)?)),
        "not" => expected(input, TEST, "put `not` in front of the whole condition"),
        word => {
            let hint = match did_you_mean(word, WORDS) {
                hint if hint.is_empty() || word.is_empty() => {
                    "use = != < <= > >=, contains, starts with, ends with, is set, is empty, in (…), has, or a window \
                     as in the last 30 days"
                        .to_owned()
                }
                hint => hint,
            };
            expected(input, TEST, &hint)
        }
    }
}

fn set_or_empty(input: &mut Input<'_>) -> Reading<Test> {
    let is_negated = accept(input, "not");
    let test = match (accept(input, "set"), accept(input, "empty")) {
        (true, false) => Test::Set,
        (false, true) => Test::Empty,
        _ => return expected(input, "`set` or `empty`", "write = to compare with a value"),
    };
    Ok(match (test, is_negated) {
        (Test::Set, true) => Test::Empty,
        (Test::Empty, true) => Test::Set,
        (test, _) => test,
    })
}

fn has(input: &mut Input<'_>) -> Reading<Test> {
    if accept(input, "any") {
        return Ok(Test::HasAny(enumeration(input, text)?));
    }
    if accept(input, "all") {
        return Ok(Test::HasAll(enumeration(input, text)?));
    }
    Ok(Test::HasAny(vec![text(input)?]))
}

fn consent(input: &mut Input<'_>) -> Reading<Condition> {
    let purpose = match input.peek_token() {
        Some(Token { kind: TokenKind::Open, .. }) => Some(name(input, "consent")?),
        _ => None,
    };
    let of = |states| match purpose {
        Some(purpose) => Condition::ConsentFor { purpose, states },
        None => Condition::Consent(states),
    };
    match operator(input) {
        Some(Operator::Equal) => Ok(of(vec![state(input)?])),
        Some(Operator::NotEqual) => Ok(Condition::negate(of(vec![state(input)?]))),
        _ if accept(input, "in") => Ok(of(enumeration(input, state)?)),
        _ => expected(input, "`=`, `!=` or `in (…)`", "every contact has one consent, as in consent = granted"),
    }
}

fn state(input: &mut Input<'_>) -> Reading<ConsentState> {
    let word = input.peek_token().and_then(Token::word).unwrap_or_default();
    let known = ConsentState::ALL.into_iter().find(|state| state.as_str() == word);
    match known {
        Some(state) => {
            input.next_token();
            Ok(state)
        }
        None => {
            let hint = did_you_mean(&word, ConsentState::ALL.map(ConsentState::as_str));
            expected(input, "`unknown`, `pending`, `granted`, `withdrawn` or `unusable`", &hint)
        }
    }
}

fn anniversary(input: &mut Input<'_>) -> Reading<Condition> {
    let hint = "write it as anniversary(birthday) in the next 7 days";
    open(input, hint)?;
    let of = subject(input)?;
    close(input)?;
    Ok(Condition::Value { of, test: Test::Anniversary(required_window(input)?) })
}

fn optional_window(input: &mut Input<'_>) -> Reading<Option<Window>> {
    let begins = input.peek_token().is_some_and(|token| token.is("in") || token.is("before"));
    if begins { required_window(input).map(Some) } else { Ok(None) }
}

fn required_window(input: &mut Input<'_>) -> Reading<Window> {
    if accept(input, "before") {
        let stretch = stretch(input)?;
        require(input, "ago")?;
        return Ok(Window::Before(stretch));
    }
    if !accept(input, "in") {
        return expected(input, "a time", "write `in the last 30 days`, `in the next 7 days` or `before 1 year ago`");
    }
    require(input, "the")?;
    match (accept(input, "last"), accept(input, "next")) {
        (true, _) => Ok(Window::Last(stretch(input)?)),
        (_, true) => Ok(Window::Next(stretch(input)?)),
        _ => expected(input, "`last` or `next`", ""),
    }
}

fn stretch(input: &mut Input<'_>) -> Reading<Stretch> {
    let count = match input.peek_token() {
        Some(Token { kind: TokenKind::Number(number), .. }) => match number.parse() {
            Ok(count) => count,
            Err(_) => return expected(input, "a whole number", "write how many days, as in 30 days"),
        },
        _ => return expected(input, "a number", "write how many days, as in 30 days"),
    };
    input.next_token();
    for unit in Unit::ALL {
        if accept(input, unit.as_str()) || accept(input, &format!("{}s", unit.as_str())) {
            return Ok(Stretch { count, unit });
        }
    }
    expected(input, "`days`, `weeks`, `months` or `years`", "")
}

/// A name in parentheses and quotes.
fn name(input: &mut Input<'_>, before: &str) -> Reading<String> {
    let hint = format!("write it as {before}(\"…\"); a field of that name is written {FIELD_PREFIX}{before}");
    open(input, &hint)?;
    let name = text(input)?;
    close(input)?;
    Ok(name)
}

/// A name in parentheses and quotes, or the parentheses alone.
fn optional_name(input: &mut Input<'_>, before: &str) -> Reading<Option<String>> {
    let hint =
        format!("write it as {before}() or {before}(\"…\"); a field of that name is written {FIELD_PREFIX}{before}");
    open(input, &hint)?;
    let name = match input.peek_token() {
        Some(Token { kind: TokenKind::Close, .. }) => None,
        _ => Some(text(input)?),
    };
    close(input)?;
    Ok(name)
}

fn enumeration<'t, T>(input: &mut Input<'t>, mut item: impl FnMut(&mut Input<'t>) -> Reading<T>) -> Reading<Vec<T>> {
    let before = place(input);
    open(input, "write it as in (\"a\", \"b\")")?;
    let mut items = vec![item(input)?];
    while let Some(Token { kind: TokenKind::Comma, .. }) = input.peek_token() {
        input.next_token();
        if items.len() == MAX_CHOICES {
            return Misplaced::stop(before, Problem::TooManyChoices);
        }
        items.push(item(input)?);
    }
    close(input)?;
    Ok(items)
}

fn literal(input: &mut Input<'_>) -> Reading<Literal> {
    let literal = match input.peek_token().map(|token| &token.kind) {
        Some(TokenKind::Text(text)) => Literal::Text(text.clone()),
        Some(TokenKind::Number(number)) => Literal::Number(number.clone()),
        Some(TokenKind::Date(date)) => Literal::Date(*date),
        Some(TokenKind::Moment(moment)) => Literal::Moment(*moment),
        Some(TokenKind::Word(word)) => match word.to_lowercase().as_str() {
            "yes" | "true" => Literal::Boolean(true),
            "no" | "false" => Literal::Boolean(false),
            _ => return expected(input, "a value", &format!("a text stands in quotes: \"{word}\"")),
        },
        _ => return expected(input, "a value", "a text stands in quotes, as in \"Tartu\""),
    };
    input.next_token();
    Ok(literal)
}

fn text(input: &mut Input<'_>) -> Reading<String> {
    match input.peek_token().map(|token| &token.kind) {
        Some(TokenKind::Text(text)) => {
            input.next_token();
            Ok(text.clone())
        }
        Some(TokenKind::Word(word)) => {
            expected(input, "a text in quotes", &format!("a text stands in quotes: \"{word}\""))
        }
        _ => expected(input, "a text in quotes", ""),
    }
}

fn operator(input: &mut Input<'_>) -> Option<Operator> {
    let Some(Token { kind: TokenKind::Operator(operator), .. }) = input.peek_token() else { return None };
    input.next_token();
    Some(*operator)
}

fn follows_parenthesis(input: &Input<'_>) -> bool {
    input.input.iter_offsets().nth(1).is_some_and(|(_, token)| token.kind == TokenKind::Open)
}

fn open(input: &mut Input<'_>, hint: &str) -> Reading<()> {
    match input.peek_token() {
        Some(Token { kind: TokenKind::Open, .. }) => {
            input.next_token();
            Ok(())
        }
        _ => expected(input, "`(`", hint),
    }
}

fn close(input: &mut Input<'_>) -> Reading<()> {
    match input.peek_token() {
        Some(Token { kind: TokenKind::Close, .. }) => {
            input.next_token();
            Ok(())
        }
        _ => expected(input, "`)`", ""),
    }
}

/// Takes the word, if it stands there.
fn accept(input: &mut Input<'_>, wanted: &str) -> bool {
    let stands = input.peek_token().is_some_and(|token| token.is(wanted));
    if stands {
        input.next_token();
    }
    stands
}

/// Takes the word, which must stand there.
fn require(input: &mut Input<'_>, wanted: &'static str) -> Reading<()> {
    if accept(input, wanted) { Ok(()) } else { expected(input, &format!("`{wanted}`"), "") }
}

/// The word, for the combinators.
fn word<'t>(wanted: &'static str) -> impl ModalParser<Input<'t>, (), Misplaced> {
    any.verify(move |token: &Token| token.is(wanted)).void()
}

/// Where the next token stands; the end of the text after the last.
fn place(input: &Input<'_>) -> Range<usize> {
    input.peek_token().map_or(input.state.end..input.state.end, |token| token.span.clone())
}

/// Says what should stand here.
fn expected<T>(input: &Input<'_>, expected: &str, hint: &str) -> Reading<T> {
    let problem = Problem::Expected { found: found(input), expected: expected.to_owned(), hint: hint.to_owned() };
    Misplaced::stop(place(input), problem)
}

/// What stands at the next place, as words.
fn found(input: &Input<'_>) -> String {
    match input.peek_token().map(|token| &token.kind) {
        None => "the end".to_owned(),
        Some(TokenKind::Word(word)) => format!("`{word}`"),
        Some(TokenKind::Text(_)) => "a text in quotes".to_owned(),
        Some(TokenKind::Number(number)) => format!("the number {number}"),
        Some(TokenKind::Date(date)) => format!("the date {date}"),
        Some(TokenKind::Moment(moment)) => format!("the moment {moment}"),
        Some(TokenKind::Operator(operator)) => format!("`{}`", operator.as_str()),
        Some(TokenKind::Open) => "`(`".to_owned(),
        Some(TokenKind::Close) => "`)`".to_owned(),
        Some(TokenKind::Comma) => "`,`".to_owned(),
    }
}
