//! Whether a contact is in a segment, judged from plain data; and why.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::consent::{ConsentState, Will};
use crate::email::EmailAddress;
use crate::field::{Address, FieldPath, FieldValue, Fields};

use super::condition::{ActivityKind, Condition, Literal, Operator, Subject, Test};
use super::window::{Moment, month_and_day};

/// Everything of a contact that a segment may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactFacts {
    /// Its address.
    pub email: EmailAddress,
    /// The key of the system that it comes from.
    pub external_id: Option<String>,
    /// Its fields.
    pub fields: Fields,
    /// Its consent as one state.
    pub consent: ConsentState,
    /// What it said for purposes, where anything is recorded.
    pub purposes: BTreeMap<String, Will>,
    /// The lists that it withdrew for.
    pub unsubscribed: BTreeSet<String>,
    /// Its tags, in any spelling.
    pub tags: Vec<String>,
    /// The lists that it is on, and when each of its entries there joined.
    pub lists: BTreeMap<String, Vec<Timestamp>>,
    /// Whether an audience confirmed what we wrote of it.
    pub is_member: bool,
    /// The syncs whose audience did.
    pub syncs: BTreeSet<String>,
    /// What happened between campaigns and it.
    pub activity: Vec<Activity>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Something that happened between a campaign and a contact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Activity {
    /// What.
    pub kind: ActivityKind,
    /// The campaign, by its name at the provider.
    pub campaign: String,
    /// When.
    pub at: Timestamp,
}

/// Why a contact is in a segment, or is not: the tree with every verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The condition as text; `and`, `or` or `not` where it joins others.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// The value that it looked at, as words; none where the contact has none, and where the condition
    /// joins others.
    pub saw: Option<String>,
    /// What it joins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Explanation>,
}

/// Whether a contact is in a segment.
///
/// A test that does not fit its value, which [`check`](super::check()) refuses, does not hold.
#[must_use]
pub fn holds(condition: &Condition, facts: &ContactFacts, moment: &Moment) -> bool {
    match condition {
        Condition::Everyone => true,
        Condition::All(parts) => parts.iter().all(|part| holds(part, facts, moment)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, facts, moment)),
        Condition::Not(part) => !holds(part, facts, moment),
        Condition::Value { of, test } => {
            value_of(of, facts).map_or(*test == Test::Empty, |value| passes(of, &value, test, moment))
        }
        Condition::Consent(states) => states.contains(&facts.consent),
        Condition::ConsentFor { purpose, states } => states.contains(&said_for(purpose, facts)),
        Condition::Unsubscribed(list) => facts.unsubscribed.contains(list),
        Condition::Tag(name) => {
            let key = name.to_lowercase();
            facts.tags.iter().any(|tag| tag.to_lowercase() == key)
        }
        Condition::OnList(list) => facts.lists.contains_key(list),
        // A name that nothing was put in the place of is nobody's.
        Condition::InSegment(_) => false,
        Condition::Joined { list, window } => {
            let bounds = moment.moments(*window);
            facts.lists.get(list).is_some_and(|joined| joined.iter().any(|at| bounds.hold(at)))
        }
        Condition::Repeated(None) => facts.lists.values().any(|entries| entries.len() > 1),
        Condition::Repeated(Some(list)) => facts.lists.get(list).is_some_and(|entries| entries.len() > 1),
        Condition::Member(None) => facts.is_member,
        Condition::Member(Some(sync)) => facts.syncs.contains(sync),
        Condition::Activity { kind, campaign, window } => {
            let bounds = window.map(|window| moment.moments(window));
            facts.activity.iter().any(|activity| {
                activity.kind == *kind
                    && campaign.as_ref().is_none_or(|campaign| *campaign == activity.campaign)
                    && bounds.is_none_or(|bounds| bounds.hold(&activity.at))
            })
        }
    }
}

/// What a contact said for a purpose; unknown where nothing is recorded.
fn said_for(purpose: &str, facts: &ContactFacts) -> ConsentState {
    facts.purposes.get(purpose).copied().unwrap_or_default().into()
}

/// Why a contact is in a segment, or is not.
#[must_use]
pub fn explain(condition: &Condition, facts: &ContactFacts, moment: &Moment) -> Explanation {
    let joining = |word: &str| Explanation {
        condition: word.to_owned(),
        holds: holds(condition, facts, moment),
        saw: None,
        parts: condition.parts().iter().map(|part| explain(part, facts, moment)).collect(),
    };
    match condition {
        Condition::All(_) => joining("and"),
        Condition::Any(_) => joining("or"),
        Condition::Not(_) => joining("not"),
        leaf => Explanation { saw: saw(leaf, facts, moment), ..joining(&leaf.to_string()) },
    }
}

/// A value of a contact's, with the kind that says how it is compared.
enum Value<'a> {
    Text(&'a str),
    Number(&'a str),
    Date(Date),
    Moment(Timestamp),
    Boolean(bool),
    Choices(&'a [String]),
    Address(&'a Address),
}

fn value_of<'a>(of: &Subject, facts: &'a ContactFacts) -> Option<Value<'a>> {
    match of {
        Subject::Email => Some(Value::Text(facts.email.key())),
        Subject::ExternalId => facts.external_id.as_deref().map(Value::Text),
        Subject::Created => Some(Value::Moment(facts.created_at)),
        Subject::Updated => Some(Value::Moment(facts.updated_at)),
        Subject::Field(FieldPath { field, part }) => match (facts.fields.get(field)?, part) {
            (FieldValue::Address { address }, Some(part)) => address.0.get(part).map(|text| Value::Text(text)),
            (_, Some(_)) => None,
            (FieldValue::Text(text), None) => Some(Value::Text(text)),
            (FieldValue::Boolean(value), None) => Some(Value::Boolean(*value)),
            (FieldValue::Number { number }, None) => Some(Value::Number(number)),
            (FieldValue::Date { date }, None) => Some(Value::Date(*date)),
            (FieldValue::DateTime { datetime }, None) => Some(Value::Moment(*datetime)),
            (FieldValue::Choices { choices }, None) => Some(Value::Choices(choices)),
            (FieldValue::Address { address }, None) => Some(Value::Address(address)),
        },
    }
}

fn passes(of: &Subject, value: &Value<'_>, test: &Test, moment: &Moment) -> bool {
    let text = || match value {
        Value::Text(text) => Some(of.fold(text)),
        _ => None,
    };
    match test {
        Test::Set => true,
        Test::Empty => false,
        Test::Compare { operator, value: literal } => compares(of, value, *operator, literal, moment),
        Test::In(literals) => literals.iter().any(|literal| compares(of, value, Operator::Equal, literal, moment)),
        Test::Contains(part) => text().is_some_and(|text| text.contains(&of.fold(part))),
        Test::StartsWith(part) => text().is_some_and(|text| text.starts_with(&of.fold(part))),
        Test::EndsWith(part) => text().is_some_and(|text| text.ends_with(&of.fold(part))),
        Test::HasAny(wanted) => wanted.iter().any(|choice| has(value, choice)),
        Test::HasAll(wanted) => wanted.iter().all(|choice| has(value, choice)),
        Test::Window(window) => match value {
            Value::Date(date) => moment.days(*window).hold(date),
            Value::Moment(at) => moment.moments(*window).hold(at),
            _ => false,
        },
        Test::Anniversary(window) => match value {
            Value::Date(date) => moment.anniversaries(*window).contains(&month_and_day(*date)),
            _ => false,
        },
    }
}

fn compares(of: &Subject, value: &Value<'_>, operator: Operator, literal: &Literal, moment: &Moment) -> bool {
    let order = match (value, literal) {
        (Value::Text(value), Literal::Text(literal)) => of.fold(value).cmp(&of.fold(literal)),
        (Value::Number(value), Literal::Number(literal)) => match number(value).partial_cmp(&number(literal)) {
            Some(order) => order,
            None => return false,
        },
        (Value::Date(value), Literal::Date(literal)) => value.cmp(literal),
        // A moment against a day: by the day that it is in.
        (Value::Moment(value), Literal::Date(literal)) => moment.day_of(*value).cmp(literal),
        (Value::Moment(value), Literal::Moment(literal)) => value.cmp(literal),
        (Value::Boolean(value), Literal::Boolean(literal)) if value == literal => Ordering::Equal,
        (Value::Boolean(_), Literal::Boolean(_)) => Ordering::Less,
        _ => return false,
    };
    let is_ordered = !matches!(value, Value::Text(_) | Value::Boolean(_));
    (is_ordered || matches!(operator, Operator::Equal | Operator::NotEqual)) && operator.holds(order)
}

fn has(value: &Value<'_>, wanted: &str) -> bool {
    match value {
        Value::Choices(choices) => choices.iter().any(|choice| choice.eq_ignore_ascii_case(wanted)),
        _ => false,
    }
}

/// A stored number as indexes hold it: the nearest binary number, exact up to
/// [`MAX_DIGITS`](super::limits::MAX_DIGITS) digits.
#[must_use]
pub fn number(digits: &str) -> f64 {
    digits.parse().unwrap_or(f64::NAN)
}

/// What a condition looked at, as words.
fn saw(leaf: &Condition, facts: &ContactFacts, moment: &Moment) -> Option<String> {
    let listed = |items: Vec<String>| if items.is_empty() { None } else { Some(items.join(", ")) };
    let local = |at: Timestamp| at.to_zoned(moment.zone().clone()).strftime("%Y-%m-%d %H:%M %Z").to_string();
    match leaf {
        Condition::Everyone | Condition::All(_) | Condition::Any(_) | Condition::Not(_) | Condition::InSegment(_) => {
            None
        }
        Condition::Value { of, .. } => value_of(of, facts).map(|value| match value {
            Value::Text(text) | Value::Number(text) => text.to_owned(),
            Value::Date(date) => date.to_string(),
            Value::Moment(at) => local(at),
            Value::Boolean(value) => Literal::Boolean(value).to_string(),
            Value::Choices(choices) => choices.join(", "),
            Value::Address(address) => address.to_string(),
        }),
        Condition::Consent(_) => Some(facts.consent.to_string()),
        Condition::ConsentFor { purpose, .. } => Some(said_for(purpose, facts).to_string()),
        Condition::Unsubscribed(_) => listed(facts.unsubscribed.iter().cloned().collect()),
        Condition::Tag(_) => listed(facts.tags.clone()),
        Condition::OnList(_) | Condition::Repeated(None) => listed(
            facts
                .lists
                .iter()
                .map(|(list, entries)| match entries.len() {
                    0 | 1 => list.clone(),
                    more => format!("{list} ({more} entries)"),
                })
                .collect(),
        ),
        Condition::Repeated(Some(list)) => facts.lists.get(list).map(|entries| format!("{} entries", entries.len())),
        Condition::Joined { list, .. } => {
            listed(facts.lists.get(list).into_iter().flatten().map(|at| local(*at)).collect())
        }
        Condition::Member(None) if facts.is_member => Some("confirmed".to_owned()),
        Condition::Member(_) => listed(facts.syncs.iter().cloned().collect()),
        Condition::Activity { kind, campaign, .. } => facts
            .activity
            .iter()
            .filter(|seen| seen.kind == *kind && campaign.as_ref().is_none_or(|name| *name == seen.campaign))
            .max_by_key(|seen| seen.at)
            .map(|last| format!("`{}` at {}", last.campaign, local(last.at))),
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Explanation {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let verdict = if self.holds { "yes" } else { "no " };
        write!(f, "{verdict}  {}{}", "  ".repeat(depth), self.condition)?;
        if self.parts.is_empty() {
            write!(f, "  ({})", self.saw.as_deref().unwrap_or("nothing there"))?;
        }
        writeln!(f)?;
        self.parts.iter().try_for_each(|part| part.write(f, depth + 1))
    }
}
