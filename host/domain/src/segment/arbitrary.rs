//! Random segments, for tests: of this crate, and of every store that compiles them.

use jiff::Timestamp;
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use crate::consent::ConsentState;
use crate::field::FieldPath;

use super::condition::{ActivityKind, Condition, Literal, Operator, Subject, Test};
use super::shape::Shape;
use super::window::{Stretch, Unit, Window};

/// What random segments ask for. Every vector has one item at least.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// Fields and parts of addresses.
    pub fields: Vec<(FieldPath, Shape)>,
    /// Texts, for fields, addresses and external keys.
    pub texts: Vec<String>,
    /// Choices of fields that have several.
    pub choices: Vec<String>,
    /// Numbers in canonical digits.
    pub numbers: Vec<String>,
    /// Days.
    pub dates: Vec<Date>,
    /// Moments.
    pub moments: Vec<Timestamp>,
    /// Tags.
    pub tags: Vec<String>,
    /// Lists.
    pub lists: Vec<String>,
    /// Syncs.
    pub syncs: Vec<String>,
    /// Purposes.
    pub purposes: Vec<String>,
    /// Campaigns.
    pub campaigns: Vec<String>,
}

/// How deep random trees go, and how many parts they have at most in all and in one place.
const DEPTH: u32 = 5;
const PARTS: u32 = 24;
const WIDTH: u32 = 4;
/// The longest random stretch: past the oldest date of any vocabulary in the largest unit.
const STRETCH: u32 = 60;

/// A random segment that passes the check for its vocabulary.
pub fn condition(words: &Vocabulary) -> impl Strategy<Value = Condition> + use<> {
    leaf(words).prop_recursive(DEPTH, PARTS, WIDTH, |inner| {
        let parts = || vec(inner.clone(), 2..WIDTH as usize);
        prop_oneof![
            parts().prop_map(Condition::All),
            parts().prop_map(Condition::Any),
            inner.clone().prop_map(Condition::negate),
        ]
    })
}

fn leaf(words: &Vocabulary) -> impl Strategy<Value = Condition> + use<> {
    let consent = proptest::sample::subsequence(ConsentState::ALL.to_vec(), 1..=2).prop_map(Condition::Consent);
    let said: Vec<_> = ConsentState::ALL.into_iter().filter(|state| *state != ConsentState::Unusable).collect();
    let said = proptest::sample::subsequence(said, 1..=4);
    let consent_for =
        (select(words.purposes.clone()), said).prop_map(|(purpose, states)| Condition::ConsentFor { purpose, states });
    let list = || select(words.lists.clone());
    let campaign = prop::option::of(select(words.campaigns.clone()));
    let activity = (select(ActivityKind::ALL.to_vec()), campaign, prop::option::of(window()))
        .prop_map(|(kind, campaign, window)| Condition::Activity { kind, campaign, window });
    prop_oneof![
        12 => value(words),
        1 => Just(Condition::Everyone),
        2 => consent,
        2 => consent_for,
        1 => list().prop_map(Condition::Unsubscribed),
        2 => select(words.tags.clone()).prop_map(Condition::Tag),
        2 => list().prop_map(Condition::OnList),
        1 => (list(), window()).prop_map(|(list, window)| Condition::Joined { list, window }),
        1 => prop::option::of(list()).prop_map(Condition::Repeated),
        1 => prop::option::of(select(words.syncs.clone())).prop_map(Condition::Member),
        2 => activity,
    ]
}

fn value(words: &Vocabulary) -> impl Strategy<Value = Condition> + use<> {
    let mut subjects = vec![
        (Subject::Email, Shape::Text),
        (Subject::ExternalId, Shape::Text),
        (Subject::Created, Shape::Moment),
        (Subject::Updated, Shape::Moment),
    ];
    subjects.extend(words.fields.iter().map(|(path, shape)| (Subject::Field(path.clone()), *shape)));
    let each = subjects
        .into_iter()
        .map(|(of, shape)| test(words, shape).prop_map(move |test| Condition::Value { of: of.clone(), test }).boxed());
    Union::new(each.collect::<Vec<_>>())
}

fn test(words: &Vocabulary, shape: Shape) -> BoxedStrategy<Test> {
    let set = prop_oneof![Just(Test::Set), Just(Test::Empty)];
    let text = || select(words.texts.clone());
    let all = select(Operator::ALL.to_vec());
    let equal = select(vec![Operator::Equal, Operator::NotEqual]);
    match shape {
        Shape::Address => set.boxed(),
        Shape::Text => prop_oneof![
            1 => set,
            3 => compare(equal, text().prop_map(Literal::Text)),
            1 => text().prop_map(Test::Contains),
            1 => text().prop_map(Test::StartsWith),
            1 => text().prop_map(Test::EndsWith),
            1 => vec(text().prop_map(Literal::Text), 1..4).prop_map(Test::In),
        ]
        .boxed(),
        Shape::Number => {
            let number = select(words.numbers.clone()).prop_map(Literal::Number);
            prop_oneof![1 => set, 3 => compare(all, number.clone()), 1 => vec(number, 1..4).prop_map(Test::In)].boxed()
        }
        Shape::Date => {
            let date = select(words.dates.clone()).prop_map(Literal::Date);
            prop_oneof![
                1 => set,
                2 => compare(all, date.clone()),
                1 => vec(date, 1..4).prop_map(Test::In),
                2 => window().prop_map(Test::Window),
                2 => round().prop_map(Test::Anniversary),
            ]
            .boxed()
        }
        Shape::Moment => {
            let date = select(words.dates.clone()).prop_map(Literal::Date);
            let moment = select(words.moments.clone()).prop_map(Literal::Moment);
            let either = prop_oneof![date, moment];
            prop_oneof![
                1 => set,
                3 => compare(all, either.clone()),
                1 => vec(either, 1..4).prop_map(Test::In),
                2 => window().prop_map(Test::Window),
            ]
            .boxed()
        }
        Shape::Boolean => prop_oneof![1 => set, 3 => compare(equal, any::<bool>().prop_map(Literal::Boolean))].boxed(),
        Shape::Choices => {
            let choices = vec(select(words.choices.clone()), 1..3);
            prop_oneof![
                1 => set,
                2 => choices.clone().prop_map(Test::HasAny),
                1 => choices.prop_map(Test::HasAll),
            ]
            .boxed()
        }
    }
}

fn compare(
    operators: impl Strategy<Value = Operator>,
    values: impl Strategy<Value = Literal>,
) -> impl Strategy<Value = Test> {
    (operators, values).prop_map(|(operator, value)| Test::Compare { operator, value })
}

fn stretch() -> impl Strategy<Value = Stretch> {
    (0..=STRETCH, select(Unit::ALL.to_vec())).prop_map(|(count, unit)| Stretch { count, unit })
}

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![stretch().prop_map(Window::Last), stretch().prop_map(Window::Next), stretch().prop_map(Window::Before)]
}

/// A window that a day can come round in.
fn round() -> impl Strategy<Value = Window> {
    prop_oneof![stretch().prop_map(Window::Last), stretch().prop_map(Window::Next)]
}
