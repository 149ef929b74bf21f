//! Whether a segment can be asked of this workspace: its fields, their types, its lists and syncs.

use crate::consent::ConsentState;
use crate::field::{AddressPart, FieldDefinition, FieldPath, FieldType, FieldValue};

use super::condition::{Condition, Literal, Operator, Subject, Test};
use super::fault::{Problem, SegmentFault, did_you_mean};
use super::limits::{MAX_CHOICES, MAX_CONDITIONS, MAX_DEPTH, MAX_DIGITS};
use super::parse::{Written, parse};
use super::shape::Shape;
use super::window::Window;

/// What a workspace has that a segment may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its fields.
    pub fields: Vec<FieldDefinition>,
    /// Its lists.
    pub lists: Vec<String>,
    /// Its syncs.
    pub syncs: Vec<String>,
    /// Its segments, the predefined ones too.
    pub segments: Vec<String>,
    /// Its purposes.
    pub purposes: Vec<String>,
}

impl Known {
    /// The shape of what a path leads to; none if there is no such field or part.
    #[must_use]
    pub fn shape(&self, path: &FieldPath) -> Option<Shape> {
        let field = self.fields.iter().find(|field| field.name == path.field)?;
        match (Shape::of(field.kind), path.part) {
            (Shape::Address, Some(_)) => Some(Shape::Text),
            (shape, None) => Some(shape),
            (_, Some(_)) => None,
        }
    }
}

impl Written {
    /// The canonical text of a tree that came without one.
    ///
    /// # Errors
    ///
    /// A fault when the tree is larger than a text may be, or has parts that no text has.
    pub fn of(condition: &Condition) -> Result<Self, SegmentFault> {
        let whole = |problem| SegmentFault { text: String::new(), span: 0..0, problem };
        // Before it is printed: printing walks down.
        if condition.depth() > MAX_DEPTH {
            return Err(whole(Problem::TooDeep));
        }
        if condition.leaves().len() > MAX_CONDITIONS {
            return Err(whole(Problem::TooManyConditions));
        }
        let written = parse(&condition.to_string())?;
        if written.condition == *condition { Ok(written) } else { Err(whole(Problem::TooFewParts)) }
    }
}

/// Reads a segment and checks it against a workspace.
///
/// # Errors
///
/// The first fault, with its place.
pub fn read(text: &str, known: &Known) -> Result<Written, SegmentFault> {
    let written = parse(text)?;
    check(&written, known)?;
    Ok(written)
}

/// Checks a segment against a workspace. A tag that nobody bears is no fault: it may come.
///
/// # Errors
///
/// The first fault, with the place of its condition.
pub fn check(written: &Written, known: &Known) -> Result<(), SegmentFault> {
    for (leaf, span) in written.condition.leaves().into_iter().zip(&written.spans) {
        check_leaf(leaf, known).map_err(|problem| SegmentFault {
            text: written.text.clone(),
            span: span.clone(),
            problem,
        })?;
    }
    Ok(())
}

fn check_leaf(leaf: &Condition, known: &Known) -> Result<(), Problem> {
    match leaf {
        Condition::Value { of, test } => check_value(of, test, known),
        Condition::Consent(states) => filled(states.len()),
        Condition::ConsentFor { purpose, states } => {
            filled(states.len())?;
            check_name("purpose", purpose, &known.purposes)?;
            if states.contains(&ConsentState::Unusable) { Err(Problem::Mailbox) } else { Ok(()) }
        }
        Condition::Tag(name) => check_text(name),
        Condition::OnList(list) | Condition::Unsubscribed(list) => check_name("list", list, &known.lists),
        Condition::InSegment(segment) => check_name("segment", segment, &known.segments),
        Condition::Joined { list, window } => {
            check_name("list", list, &known.lists)?;
            check_window(*window)
        }
        Condition::Repeated(list) => list.as_ref().map_or(Ok(()), |list| check_name("list", list, &known.lists)),
        Condition::Member(sync) => sync.as_ref().map_or(Ok(()), |sync| check_name("sync", sync, &known.syncs)),
        Condition::Activity { campaign, window, .. } => {
            campaign.as_deref().map_or(Ok(()), check_text)?;
            window.map_or(Ok(()), check_window)
        }
        Condition::Everyone | Condition::All(_) | Condition::Any(_) | Condition::Not(_) => Ok(()),
    }
}

fn check_name(kind: &'static str, name: &str, known: &[String]) -> Result<(), Problem> {
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    let hint = did_you_mean(name, known.iter().map(String::as_str));
    Err(Problem::Unknown { kind, name: name.to_owned(), hint })
}

fn check_value(of: &Subject, test: &Test, known: &Known) -> Result<(), Problem> {
    let shape = match of {
        Subject::Email | Subject::ExternalId => Shape::Text,
        Subject::Created | Subject::Updated => Shape::Moment,
        Subject::Field(path) => check_path(path, known)?,
    };
    let misfit = || {
        let kind = match of {
            Subject::Email | Subject::ExternalId => "text".to_owned(),
            Subject::Created | Subject::Updated => "date-time".to_owned(),
            Subject::Field(path) => known
                .fields
                .iter()
                .find(|field| field.name == path.field)
                .map_or_else(String::new, |field| field.kind.to_string()),
        };
        Problem::Test { name: of.to_string(), kind, mend: shape.mend() }
    };
    match test {
        Test::Set | Test::Empty => Ok(()),
        _ if shape == Shape::Address => Err(Problem::WholeAddress { name: of.to_string() }),
        Test::Compare { operator, value } => {
            let is_ordered = matches!(shape, Shape::Number | Shape::Date | Shape::Moment);
            if !fits(value, shape) || !(is_ordered || matches!(operator, Operator::Equal | Operator::NotEqual)) {
                return Err(misfit());
            }
            check_literal(of, value, known)
        }
        Test::In(values) => {
            filled(values.len())?;
            if matches!(shape, Shape::Boolean) || !values.iter().all(|value| fits(value, shape)) {
                return Err(misfit());
            }
            values.iter().try_for_each(|value| check_literal(of, value, known))
        }
        Test::Contains(text) | Test::StartsWith(text) | Test::EndsWith(text) => {
            if shape != Shape::Text {
                return Err(misfit());
            }
            check_text(text)
        }
        Test::HasAny(choices) | Test::HasAll(choices) => {
            filled(choices.len())?;
            if shape != Shape::Choices {
                return Err(misfit());
            }
            choices.iter().try_for_each(|choice| check_choice(of, choice, known))
        }
        Test::Window(window) => {
            if !matches!(shape, Shape::Date | Shape::Moment) {
                return Err(misfit());
            }
            check_window(*window)
        }
        Test::Anniversary(window) => {
            let mend = match (shape, window) {
                (Shape::Date, Window::Last(_) | Window::Next(_)) => return check_window(*window),
                (Shape::Date, Window::Before(_)) => "a day comes round `in the last` or `in the next` days",
                _ => "only a date comes round every year",
            };
            match misfit() {
                Problem::Test { name, kind, .. } => Err(Problem::Test { name, kind, mend }),
                other => Err(other),
            }
        }
    }
}

/// The shape of what a path leads to.
fn check_path(path: &FieldPath, known: &Known) -> Result<Shape, Problem> {
    if let Some(shape) = known.shape(path) {
        return Ok(shape);
    }
    let name = path.field.as_str();
    match known.fields.iter().find(|field| field.name == path.field) {
        Some(field) => Err(Problem::NoParts { name: name.to_owned(), kind: field.kind }),
        None => {
            let attributes = ["email", "external-id", "consent", "created", "updated"];
            let fields = known.fields.iter().map(|field| field.name.as_str());
            let hint = part_meant(name, known).unwrap_or_else(|| did_you_mean(name, fields.chain(attributes)));
            let mend = if hint.is_empty() && !known.fields.is_empty() {
                let names: Vec<&str> = known.fields.iter().map(|field| field.name.as_str()).collect();
                format!("the fields are {}", names.join(", "))
            } else {
                hint
            };
            Err(Problem::UnknownField { name: path.to_string(), hint: mend })
        }
    }
}

/// `did you mean …` for the name of a part without its address.
fn part_meant(name: &str, known: &Known) -> Option<String> {
    let part = AddressPart::ALL.into_iter().find(|part| part.as_str() == name)?;
    let address = known.fields.iter().find(|field| field.kind == FieldType::Address)?;
    Some(format!("did you mean `{}.{part}`?", address.name))
}

fn fits(value: &Literal, shape: Shape) -> bool {
    match value {
        Literal::Text(_) => shape == Shape::Text,
        Literal::Number(_) => shape == Shape::Number,
        Literal::Date(_) => matches!(shape, Shape::Date | Shape::Moment),
        Literal::Moment(_) => shape == Shape::Moment,
        Literal::Boolean(_) => shape == Shape::Boolean,
    }
}

fn check_literal(of: &Subject, value: &Literal, known: &Known) -> Result<(), Problem> {
    match value {
        Literal::Text(text) => {
            check_text(text)?;
            check_choice(of, text, known)?;
            check_spelling(of, text, known)
        }
        Literal::Number(number) => {
            let digits = number.bytes().filter(u8::is_ascii_digit).count();
            if digits > MAX_DIGITS { Err(Problem::Digits) } else { Ok(()) }
        }
        Literal::Moment(at) if at.subsec_nanosecond() % 1_000 != 0 => Err(Problem::Instant),
        Literal::Date(_) | Literal::Moment(_) | Literal::Boolean(_) => Ok(()),
    }
}

/// Whether a field that offers choices offers this one. Choices that were removed count: contacts keep
/// them.
fn check_choice(of: &Subject, choice: &str, known: &Known) -> Result<(), Problem> {
    check_text(choice)?;
    let Some(field) = definition(of, known).filter(|field| field.kind.has_choices()) else { return Ok(()) };
    if field.choices.iter().any(|known| known.value.eq_ignore_ascii_case(choice)) {
        return Ok(());
    }
    let is_former = |former: &String| former.eq_ignore_ascii_case(choice);
    if let Some(renamed) = field.choices.iter().find(|known| known.former.iter().any(is_former)) {
        return Err(Problem::Spelling { name: field.name.to_string(), kept: renamed.value.clone() });
    }
    let there: Vec<&str> = field.choices.iter().map(|choice| choice.value.as_str()).collect();
    let hint = format!("use {}", there.join(", "));
    Err(Problem::Choice { name: field.name.to_string(), choice: choice.to_owned(), hint })
}

/// Whether a text is spelt as the field keeps it: another spelling would find nobody.
fn check_spelling(of: &Subject, text: &str, known: &Known) -> Result<(), Problem> {
    const KEPT_IN_ONE_SPELLING: [FieldType; 5] =
        [FieldType::Phone, FieldType::Country, FieldType::Language, FieldType::TimeZone, FieldType::Url];
    let Some(field) = definition(of, known).filter(|field| KEPT_IN_ONE_SPELLING.contains(&field.kind)) else {
        return Ok(());
    };
    match field.read(text) {
        Ok(Some(FieldValue::Text(kept))) if !kept.eq_ignore_ascii_case(text) => {
            Err(Problem::Spelling { name: field.name.to_string(), kept })
        }
        Ok(_) => Ok(()),
        Err(fault) => Err(Problem::Value(fault)),
    }
}

/// The definition of a field that is named as a whole.
fn definition<'a>(of: &Subject, known: &'a Known) -> Option<&'a FieldDefinition> {
    match of {
        Subject::Field(FieldPath { field, part: None }) => known.fields.iter().find(|known| known.name == *field),
        _ => None,
    }
}

fn check_text(text: &str) -> Result<(), Problem> {
    if text.is_empty() { Err(Problem::EmptyText) } else { Ok(()) }
}

fn check_window(window: Window) -> Result<(), Problem> {
    let (Window::Last(stretch) | Window::Next(stretch) | Window::Before(stretch)) = window;
    if stretch.is_within_bounds() { Ok(()) } else { Err(Problem::Stretch) }
}

fn filled(count: usize) -> Result<(), Problem> {
    match count {
        0 => Err(Problem::TooFewParts),
        count if count > MAX_CHOICES => Err(Problem::TooManyChoices),
        _ => Ok(()),
    }
}
