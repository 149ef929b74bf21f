//! The language as a whole: what is written is read, checked, printed and judged.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::arbitrary::{Vocabulary, condition};
use super::limits::{MAX_CONDITIONS, MAX_DEPTH, MAX_TEXT_BYTES};
use super::*;
use crate::consent::{ConsentState, Will};
use crate::email::EmailAddress;
use crate::field::{Address, AddressPart, Choice, FieldDefinition, FieldType, FieldValue, standard_fields};

fn known() -> Known {
    let mut fields = standard_fields();
    fields.push(field("visits", FieldType::Decimal));
    fields.push(field("vip", FieldType::Boolean));
    fields.push(field("tag", FieldType::Text));
    fields.push(field("arrival", FieldType::DateTime));
    let mut topics = field("topics", FieldType::MultipleChoice);
    topics.choices = vec![Choice::new("spa", "Spa"), Choice::new("golf", "Golf"), Choice::new("wine", "Wine")];
    fields.push(topics);
    Known {
        fields,
        lists: vec!["guests".into(), "vip".into()],
        syncs: vec!["newsletter".into()],
        segments: vec!["regulars".into()],
        purposes: vec!["news".into(), "offers".into()],
    }
}

fn field(name: &str, kind: FieldType) -> FieldDefinition {
    FieldDefinition::new(name.parse().unwrap(), kind, name.to_owned())
}

fn moment() -> Moment {
    Moment::new(&"2026-11-23T10:00:00+02:00[Europe/Tallinn]".parse().unwrap())
}

fn jana() -> ContactFacts {
    let at = |text: &str| text.parse().unwrap();
    let address = Address(BTreeMap::from([(AddressPart::City, "Tartu".to_owned())]));
    ContactFacts {
        email: EmailAddress::parse("Jana@Example.com").unwrap(),
        external_id: None,
        fields: BTreeMap::from([
            ("language".parse().unwrap(), FieldValue::Text("de".into())),
            ("birthday".parse().unwrap(), FieldValue::Date { date: at_day("2000-02-29") }),
            ("visits".parse().unwrap(), FieldValue::Number { number: "12.5".into() }),
            ("vip".parse().unwrap(), FieldValue::Boolean(true)),
            ("address".parse().unwrap(), FieldValue::Address { address }),
            ("arrival".parse().unwrap(), FieldValue::DateTime { datetime: at("2026-11-23T22:30:00.5Z") }),
            ("topics".parse().unwrap(), FieldValue::Choices { choices: vec!["spa".into(), "golf".into()] }),
        ]),
        consent: ConsentState::Granted,
        purposes: BTreeMap::from([("offers".to_owned(), Will::Pending)]),
        unsubscribed: BTreeSet::from(["vip".to_owned()]),
        tags: vec!["Guest".into()],
        lists: BTreeMap::from([("guests".into(), vec![at("2026-11-20T10:00:00Z"), at("2026-01-01T00:00:00Z")])]),
        is_member: true,
        syncs: BTreeSet::from(["newsletter".to_owned()]),
        activity: vec![Activity {
            kind: ActivityKind::Opened,
            campaign: "Spring".into(),
            at: at("2026-11-01T00:00:00Z"),
        }],
        created_at: at("2026-11-22T22:30:00Z"),
        updated_at: at("2026-11-23T07:00:00Z"),
    }
}

fn at_day(text: &str) -> jiff::civil::Date {
    text.parse().unwrap()
}

#[test]
fn d6_every_condition_is_judged_as_it_is_written() {
    for (text, expected) in [
        ("language = \"de\" and tag(\"guest\") and not on(\"vip\")", true),
        ("language = \"DE\"", true),
        ("language != \"de\" or language in (\"cs\", \"de\")", true),
        ("language starts with \"D\" and language ends with \"e\" and not language contains \"x\"", true),
        ("lastname != \"Kask\"", false),
        ("not lastname = \"Kask\"", true),
        ("lastname is empty and language is set and lastname is not set", true),
        ("visits = 12.50 and visits > 12 and visits <= 12.5 and visits in (1, 12.5)", true),
        ("vip = yes and vip != no and not vip = false", true),
        ("birthday < 2000-03-01 and birthday before 26 years ago", true),
        ("birthday before 27 years ago", false),
        ("anniversary(birthday) in the next 98 days", true),
        ("anniversary(birthday) in the next 96 days", false),
        ("address is set and address.city = \"tartu\" and address.zip is empty", true),
        // Late on the 23rd in Greenwich is the 24th in Tallinn.
        ("arrival = 2026-11-24 and arrival > 2026-11-23T22:30:00Z and arrival in the next 1 day", true),
        ("topics has \"SPA\" and topics has any (\"wine\", \"golf\") and topics is set", true),
        ("topics has all (\"spa\", \"wine\")", false),
        ("email = \"JANA@example.com\" and email ends with \"@example.com\"", true),
        ("external-id is set", false),
        ("consent = granted and consent != pending and consent in (granted, unknown)", true),
        ("consent(\"offers\") = pending and consent(\"offers\") in (granted, pending)", true),
        ("consent(\"news\") = unknown and consent(\"news\") != granted", true),
        ("consent(\"news\") = granted or consent(\"offers\") = unknown", false),
        ("unsubscribed(\"vip\") and not on(\"vip\") and not unsubscribed(\"guests\")", true),
        ("on(\"guests\") and joined(\"guests\") in the last 3 days", true),
        ("joined(\"guests\") in the last 2 days", false),
        ("repeated(\"guests\") and repeated() and not repeated(\"vip\")", true),
        ("member() and member(\"newsletter\")", true),
        ("opened(\"Spring\") in the last 30 days and not opened(\"spring\") and not clicked()", true),
        ("opened() before 30 days ago", false),
        ("sent()", false),
        // 22:30 in Greenwich is the next day in Tallinn.
        ("created = 2026-11-23 and created >= 2026-11-23 and not created < 2026-11-23", true),
        ("created = 2026-11-22T22:30:00Z", true),
        ("updated in the last 1 day and created in the last 0 days", false),
        ("everyone and not (not everyone)", true),
    ] {
        let written = read(text, &known()).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(holds(&written.condition, &jana(), &moment()), expected, "{text}");
    }
}

#[test]
fn whatever_binds_tighter_is_read_first() {
    let tree = |text: &str| parse(text).unwrap().condition.to_string();
    assert_eq!(tree("NOT tag(\"a\") AND tag(\"b\") OR tag(\"c\")"), "(not tag(\"a\") and tag(\"b\")) or tag(\"c\")");
    assert_eq!(tree("((tag(\"a\")))"), "tag(\"a\")");
    assert_eq!(tree("field.tag = \"x\""), "field.tag = \"x\"");
    assert_eq!(tree("field.language=\"x\""), "language = \"x\"");
    assert_eq!(tree("consent != granted"), "not consent = granted");
}

#[test]
fn a_fault_says_where_and_what_would_be_right() {
    let mut faults = String::new();
    for text in [
        "lang = \"de\" and tag(\"guest\")",
        "language = de",
        "language = \"de",
        "language = “de”",
        "language contians \"de\"",
        "language \"de\"",
        "language is missing",
        "tag(guest)",
        "tag = \"x\"",
        "language > \"de\"",
        "visits = \"3\"",
        "topics = \"spa\"",
        "topics has \"sauna\"",
        "kind = \"client\"",
        "phone = \"+372 555 12345\"",
        "language = \"German\"",
        "phone = \"5551\"",
        "visits = 1234567890123456",
        "visits >= 3 und vip = yes",
        "vip = maybe",
        "birthday = 2026-02-30",
        "birthday in the last month",
        "birthday in the last 2 hours",
        "birthday in the last 101 years",
        "created > 2026-11-23T10:00:00.0000001Z",
        "anniversary(birthday) before 3 days ago",
        "anniversary(visits) in the next 3 days",
        "address = \"Tartu\"",
        "language.city = \"Tartu\"",
        "address.town = \"Tartu\"",
        "on(\"guest\")",
        "member(\"newsletters\")",
        "consent = grated",
        "consent is set",
        "consent(\"offer\") = granted",
        "consent(\"offers\") = unusable",
        "unsubscribed(\"gests\")",
        "(vip = yes",
        "vip = yes)",
        "vip = yes and",
        "and vip = yes",
        "",
        "language = \"\"",
        "language not in (\"de\")",
        "vip = yes\nand lastnme is set",
    ] {
        let fault = read(text, &known()).unwrap_err();
        assert!(text.get(fault.span.clone()).is_some(), "{text}: {:?}", fault.span);
        faults.push_str(&format!("{fault}\n\n"));
    }
    insta::assert_snapshot!(faults);
    let part = read("zip = \"50002\"", &known()).unwrap_err().to_string();
    assert!(part.contains("did you mean `address.zip`?"), "a part is meant, and not itself: {part}");
}

#[test]
fn the_bounds_are_kept_and_the_stack_with_them() {
    let problem = |text: String| parse(&text).unwrap_err().problem;
    assert_eq!(problem("x".repeat(MAX_TEXT_BYTES + 1)), Problem::TooLong);
    for deep in ["(", "not "] {
        let inner = format!("{}everyone", deep.repeat((MAX_TEXT_BYTES - "everyone".len()) / deep.len()));
        assert_eq!(problem(inner), Problem::TooDeep);
    }
    assert_eq!(problem(format!("everyone{}", " or everyone".repeat(MAX_CONDITIONS))), Problem::TooManyConditions);
    let deepest = format!("{}everyone", "not ".repeat(MAX_DEPTH - 1));
    assert_eq!(parse(&deepest).unwrap().condition.depth(), MAX_DEPTH);
    let tree = (0..MAX_DEPTH * 100).fold(Condition::Everyone, |tree, _| Condition::negate(tree));
    assert_eq!(Written::of(&tree).unwrap_err().problem, Problem::TooDeep);
    let alone = Condition::All(vec![Condition::Everyone]);
    assert_eq!(Written::of(&alone).unwrap_err().problem, Problem::TooFewParts);
}

#[test]
fn d7_every_predefined_segment_passes_the_check_of_a_new_workspace() {
    let new = Known { fields: standard_fields(), ..Known::default() };
    let mut names = BTreeSet::new();
    for segment in PREDEFINED {
        let written = read(segment.text, &new).unwrap_or_else(|fault| panic!("{}: {fault}", segment.name));
        assert_eq!(written.condition.to_string(), segment.text, "{}", segment.name);
        assert!(names.insert(segment.name), "{} stands there twice", segment.name);
        assert_eq!(predefined(segment.name), Some(segment));
    }
}

#[test]
fn an_explanation_shows_every_verdict_and_what_it_saw() {
    let text = "language = \"de\" and (tag(\"vip\") or not on(\"guests\")) and visits > 3 and lastname is set and \
                created in the last 30 days and opened()";
    let written = read(text, &known()).unwrap();
    insta::assert_snapshot!(explain(&written.condition, &jana(), &moment()));
}

#[test]
fn renaming_a_list_or_sync_reaches_every_place() {
    let condition = parse(
        "on(\"a\") or not (joined(\"a\") in the last 1 day and repeated(\"a\")) or \
                           member(\"a\") or unsubscribed(\"a\") or consent(\"a\") = granted",
    );
    let condition = condition.unwrap().condition;
    let renamed = condition.with_list_renamed("a", "b").with_sync_renamed("a", "c");
    assert_eq!((renamed.lists(), renamed.syncs(), renamed.purposes()), (vec!["b"], vec!["c"], vec!["a"]));
    assert!(renamed.to_string().contains("unsubscribed(\"b\")"));
}

/// Words as odd as they may be, since they only have to survive.
fn odd_words() -> Vocabulary {
    let text = |text: &str| text.to_owned();
    Vocabulary {
        fields: vec![
            ("language".parse().unwrap(), Shape::Text),
            ("member".parse().unwrap(), Shape::Text),
            ("field".parse().unwrap(), Shape::Number),
            ("address".parse().unwrap(), Shape::Address),
            ("address.city".parse().unwrap(), Shape::Text),
            ("birthday".parse().unwrap(), Shape::Date),
            ("arrival".parse().unwrap(), Shape::Moment),
            ("vip".parse().unwrap(), Shape::Boolean),
            ("topics".parse().unwrap(), Shape::Choices),
        ],
        texts: vec![text("de"), text("\""), text("\\\"\\"), text(" Tõnu’s \t 🏨 "), text(") and (")],
        choices: vec![text("spa"), text("a, b"), text("\"")],
        numbers: vec![text("0"), text("-7.5"), text("123456789012345")],
        dates: vec![at_day("0001-01-01"), at_day("9999-12-31"), at_day("2024-02-29")],
        moments: vec!["2026-11-23T10:00:00.000001Z".parse().unwrap(), "0001-01-01T00:00:00Z".parse().unwrap()],
        tags: vec![text("guest"), text("in (\"x\")")],
        lists: vec![text("vip"), text("Gäste 2026")],
        syncs: vec![text("newsletter")],
        purposes: vec![text("news"), text("partner-offers")],
        campaigns: vec![text("Spring"), text("\\")],
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_as_the_same_tree(condition in condition(&odd_words())) {
        let printed = condition.to_string();
        let written = parse(&printed).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        prop_assert_eq!(&written.condition, &condition);
        prop_assert_eq!(written.spans.len(), condition.leaves().len());
        for (leaf, span) in condition.leaves().iter().zip(&written.spans) {
            prop_assert_eq!(&printed[span.clone()], leaf.to_string());
        }
        prop_assert_eq!(Written::of(&condition).unwrap(), written);
        let json = serde_json::to_string(&condition).unwrap();
        prop_assert_eq!(serde_json::from_str::<Condition>(&json).unwrap(), condition);
    }

    #[test]
    fn an_explanation_says_what_holds(condition in condition(&odd_words())) {
        let explanation = explain(&condition, &jana(), &moment());
        prop_assert_eq!(explanation.holds, holds(&condition, &jana(), &moment()));
        prop_assert_eq!(explanation.parts.len(), condition.parts().len());
    }

    #[test]
    fn no_text_is_a_trap(text in "\\PC{0,80}") {
        assert_fault_is_within(&text);
    }

    #[test]
    fn no_row_of_words_is_a_trap(words in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..30)) {
        assert_fault_is_within(&words.join(" "));
        assert_fault_is_within(&words.concat());
    }
}

/// Pieces that get further into the parser than random characters do.
const PIECES: [&str; 39] = [
    "(",
    ")",
    ",",
    "and",
    "or",
    "not",
    "language",
    "address.city",
    "=",
    "!=",
    "<",
    ">=",
    "\"de\"",
    "\"",
    "\\",
    "12.5",
    "-",
    "2026-11-23",
    "2026-11-23T10:00:00Z",
    "in",
    "the",
    "last",
    "next",
    "30",
    "days",
    "before",
    "ago",
    "is",
    "set",
    "tag",
    "on",
    "opened",
    "consent",
    "unsubscribed",
    "granted",
    "has any",
    "anniversary",
    "\n",
    "\u{301}ü",
];

/// What a fuzzer asks too: no text ends in a panic, and a fault lies within the text.
fn assert_fault_is_within(text: &str) {
    match read(text, &known()) {
        Ok(written) => assert_eq!(parse(&written.condition.to_string()).unwrap().condition, written.condition),
        Err(fault) => {
            assert!(fault.text.get(fault.span.clone()).is_some(), "{fault:?}");
            assert!(!fault.to_string().is_empty());
        }
    }
}
