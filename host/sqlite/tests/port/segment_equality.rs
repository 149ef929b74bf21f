//! Segments by SQL and by the rules of the domain: the same members, for any tree and any contacts.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use postroom_domain::consent::{ConsentAct, ConsentSource, ConsentState, Will};
use postroom_domain::contact::{ContactId, FieldPatch, ImportedRow};
use postroom_domain::decision::RemoteStatus;
use postroom_domain::field::{Choice, FieldDefinition, FieldPath, FieldType, FieldValue};
use postroom_domain::narrowing::Scope;
use postroom_domain::purpose::LegalBasis;
use postroom_domain::segment::arbitrary::{Vocabulary, condition};
use postroom_domain::segment::{Activity, ActivityKind, Condition, ContactFacts, Moment, Shape, explain, holds};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::AccountStore;
use postroom_store::contacts::{ContactRef, ContactStore, ContactUpsert};
use postroom_store::lists::{ImportMode, ImportStart, ImportStore, ListStore};
use postroom_store::purposes::PurposeStore;
use postroom_store::runs::{BatchRecord, Confirmation, ConfirmedContent, RunStart, RunStore};
use postroom_store::segments::{ActivityRow, Filterable, SegmentStore};
use postroom_store::syncs::SyncStore;
use postroom_store::workspace::WorkspaceStore;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::fixture::{Home, account, at, email, event, home, purpose, start, sync_draft};

/// How many contacts the trees are asked of: enough that hardly a tree takes all or none.
const CONTACTS: usize = 60;
/// Trees in an ordinary run, which takes a few seconds, and in a long one.
const CASES: u32 = 300;
const MANY_CASES: u32 = 5_000;

fn now() -> Zoned {
    "2027-02-28T23:30:00.1234567+02:00[Europe/Tallinn]".parse().unwrap()
}

fn words() -> Vocabulary {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let path = |text: &str| text.parse::<FieldPath>().unwrap();
    Vocabulary {
        fields: vec![
            (path("company"), Shape::Text),
            (path("lastname"), Shape::Text),
            (path("address"), Shape::Address),
            (path("address.city"), Shape::Text),
            (path("address.zip"), Shape::Text),
            (path("visits"), Shape::Number),
            (path("price"), Shape::Number),
            (path("birthday"), Shape::Date),
            (path("stay"), Shape::Date),
            (path("arrival"), Shape::Moment),
            (path("vip"), Shape::Boolean),
            (path("topics"), Shape::Choices),
        ],
        texts: texts(&[
            "Inn",
            "inn",
            "Grand Inn",
            "ÕHTU",
            "õhtu",
            "a'b\"c",
            "example.com",
            "guest1",
            "%",
            "n",
            "51007",
        ]),
        choices: texts(&["spa", "GOLF", "wine"]),
        numbers: texts(&["0", "-7.5", "3", "3.1", "123456789012345", "0.00000000000001"]),
        dates: ["1980-02-29", "2000-12-31", "2027-02-28", "2027-03-01", "2026-03-29", "2027-01-15", "1999-02-28"]
            .map(|day| day.parse::<Date>().unwrap())
            .into(),
        moments: [
            "2027-02-28T21:30:00.123456Z",
            "2027-02-27T22:00:00Z",
            "2026-11-23T10:00:00.5Z",
            "2026-11-23T10:00:00Z",
            "2026-03-29T01:00:00Z",
        ]
        .map(|at| at.parse::<Timestamp>().unwrap())
        .into(),
        tags: texts(&["guest", "ÕHTU", "nobody's"]),
        lists: texts(&["vip", "guests", "empty"]),
        syncs: texts(&["first", "second"]),
        purposes: texts(&["newsletter", "offers", "never-asked"]),
        campaigns: texts(&["Spring", "spring", "Never"]),
    }
}

/// A contact as it is to be.
#[derive(Debug, Clone)]
struct Person {
    external_id: Option<String>,
    fields: Vec<(FieldPath, Option<FieldValue>)>,
    acts: Vec<ConsentAct>,
    /// What it said for purposes, and the lists that it withdrew for.
    purposes: BTreeMap<String, Vec<ConsentAct>>,
    unsubscribed: BTreeSet<String>,
    tags: BTreeSet<String>,
    /// How often it stands on each list.
    lists: BTreeMap<String, usize>,
    audiences: [bool; 2],
    activity: BTreeSet<Activity>,
    at: Timestamp,
}

fn person() -> impl Strategy<Value = Person> {
    let words = words();
    let pick = |from: &[String]| prop::sample::select(from.to_vec());
    let fields: Vec<_> = words
        .fields
        .iter()
        .filter(|(_, shape)| *shape != Shape::Address)
        .map(|(path, shape)| {
            let value = match shape {
                Shape::Number if path.field.as_str() == "visits" => {
                    prop::sample::select(vec!["0", "3", "-7", "123456789012345"])
                        .prop_map(|number| FieldValue::Number { number: number.to_owned() })
                        .boxed()
                }
                Shape::Number => pick(&words.numbers).prop_map(|number| FieldValue::Number { number }).boxed(),
                Shape::Date => {
                    prop::sample::select(words.dates.clone()).prop_map(|date| FieldValue::Date { date }).boxed()
                }
                Shape::Moment => prop::sample::select(words.moments.clone())
                    .prop_map(|datetime| FieldValue::DateTime { datetime })
                    .boxed(),
                Shape::Boolean => any::<bool>().prop_map(FieldValue::Boolean).boxed(),
                Shape::Choices => prop::sample::subsequence(words.choices.clone(), 1..=2)
                    .prop_map(|choices| FieldValue::Choices { choices })
                    .boxed(),
                Shape::Text | Shape::Address => pick(&words.texts).prop_map(FieldValue::Text).boxed(),
            };
            (Just(path.clone()), prop::option::of(value))
        })
        .collect();
    let acts = prop::sample::subsequence(
        vec![ConsentAct::Asked, ConsentAct::Granted, ConsentAct::Bounced, ConsentAct::Withdrawn],
        0..=2,
    );
    let said = prop::sample::subsequence(vec![ConsentAct::Asked, ConsentAct::Granted, ConsentAct::Withdrawn], 1..=2);
    let scopes = (
        prop::collection::btree_map(pick(&words.purposes[..2]), said, 0..=2),
        prop::collection::btree_set(pick(&words.lists[..2]), 0..=1),
    );
    let lists = prop::collection::btree_map(
        prop::sample::select(vec!["vip".to_owned(), "guests".to_owned()]),
        1_usize..=2,
        0..=2,
    );
    let activity = (
        prop::sample::select(ActivityKind::ALL.to_vec()),
        prop::sample::select(vec!["Spring".to_owned(), "spring".to_owned()]),
        prop::sample::select(words.moments.clone()),
    )
        .prop_map(|(kind, campaign, at)| Activity { kind, campaign, at });
    (
        prop::option::of(pick(&words.texts)),
        fields,
        (acts, scopes),
        prop::collection::btree_set(pick(&words.tags[..2]), 0..=2),
        lists,
        any::<[bool; 2]>(),
        prop::collection::btree_set(activity, 0..=3),
        prop::sample::select(words.moments.clone()),
    )
        .prop_map(
            |(external_id, fields, (acts, (purposes, unsubscribed)), tags, lists, audiences, activity, at)| Person {
                external_id,
                fields,
                acts,
                purposes,
                unsubscribed,
                tags,
                lists,
                audiences,
                activity,
                at,
            },
        )
}

/// A store of random contacts, and each of them as the rules see it: put together from what was asked for,
/// not from what the store says.
async fn inhabited(runner: &mut TestRunner) -> (Home, BTreeMap<ContactId, ContactFacts>) {
    let home = home();
    let store = &home.store;
    add_fields(store).await;
    store.add_account(&account("hotel", "secret"), Timestamp::UNIX_EPOCH).await.unwrap();
    for list in words().lists {
        store.create_list(&list, Timestamp::UNIX_EPOCH).await.unwrap();
    }
    for name in words().purposes {
        store.add_purpose(&purpose(&name, LegalBasis::Consent)).await.unwrap();
    }
    let mut runs = Vec::new();
    for (name, audience) in [("first", "a1"), ("second", "a2")] {
        let draft = postroom_store::syncs::SyncDraft {
            audience_remote_id: audience.to_owned(),
            ..sync_draft(name, "guests", name)
        };
        let sync = store.add_sync(&draft, Timestamp::UNIX_EPOCH).await.unwrap().id;
        let run = RunStart { sync, first: None, plugin_digest: String::new(), unchanged: 0, at: Timestamp::UNIX_EPOCH };
        runs.push(store.begin_run(&run).await.unwrap());
    }
    let mut taken = BTreeSet::new();
    let people: Vec<Person> = (0..CONTACTS)
        .map(|_| {
            let person = person().new_tree(runner).unwrap().current();
            // Keys are unique: the second to have one has none.
            Person { external_id: person.external_id.filter(|key| taken.insert(key.clone())), ..person }
        })
        .collect();
    join(store, &people).await;
    // Side by side, so that they share commits.
    let settled = people.iter().enumerate().map(|(number, person)| settle(store, number, person, &runs));
    let people = join_all(settled).await.into_iter().collect();
    (home, people)
}

async fn add_fields(store: &SqliteStore) {
    for (name, kind) in [
        ("visits", FieldType::Number),
        ("price", FieldType::Decimal),
        ("stay", FieldType::Date),
        ("arrival", FieldType::DateTime),
        ("vip", FieldType::Boolean),
        ("topics", FieldType::MultipleChoice),
    ] {
        let mut field = FieldDefinition::new(name.parse().unwrap(), kind, name.to_owned());
        if kind == FieldType::MultipleChoice {
            field.choices = words().choices.iter().map(|choice| Choice::new(choice, choice)).collect();
        }
        store.add_field(field).await.unwrap();
    }
    // Half of the fields with an index, half without.
    for name in ["company", "address", "visits", "birthday", "arrival", "vip"] {
        let change = Filterable { field: name.parse().unwrap(), is_filterable: true, may_block: false };
        store.set_filterable(&change).await.unwrap();
    }
}

async fn settle(store: &SqliteStore, number: usize, person: &Person, runs: &[i64]) -> (ContactId, ContactFacts) {
    let address = email(&address(number));
    let upsert = ContactUpsert {
        who: None,
        email: Some(address.clone()),
        external_id: person.external_id.clone(),
        patch: FieldPatch { changes: person.fields.clone() },
        at: person.at,
    };
    let (id, _) = store.upsert_contact(&upsert).await.unwrap();
    let who = ContactRef::Id(id);
    let (mut updated_at, mut consent) = (person.at, ConsentState::Unknown);
    for act in &person.acts {
        let before = consent;
        let noted = event(0, *act, ConsentSource::Operator, Some("test"));
        consent = store.record_consent(&who, &noted).await.unwrap();
        updated_at = if before == consent { updated_at } else { updated_at.max(noted.at) };
    }
    let (purposes, changed) = say(store, &who, person).await;
    updated_at = if changed { updated_at.max(at(0)) } else { updated_at };
    for tag in &person.tags {
        store.tag_contact(&who, tag, true, person.at).await.unwrap();
        updated_at = updated_at.max(person.at);
    }
    let lists = person.lists.iter().map(|(list, times)| (list.clone(), vec![person.at; *times])).collect();
    let mut syncs = BTreeSet::new();
    for (name, (run, is_member)) in ["first", "second"].iter().zip(runs.iter().zip(person.audiences)) {
        if is_member {
            syncs.insert((*name).to_owned());
            confirm(store, *run, id, &address).await;
        }
    }
    let rows = person.activity.iter().map(|activity| ActivityRow {
        contact: id,
        kind: activity.kind,
        campaign: activity.campaign.clone(),
        at: activity.at,
    });
    store.record_activity(rows.collect()).await.unwrap();
    let mut fields = BTreeMap::new();
    FieldPatch { changes: person.fields.clone() }.apply(&mut fields);
    let facts = ContactFacts {
        email: address,
        external_id: person.external_id.clone(),
        fields,
        consent,
        purposes,
        unsubscribed: person.unsubscribed.clone(),
        tags: person.tags.iter().cloned().collect(),
        lists,
        is_member: !syncs.is_empty(),
        syncs,
        activity: person.activity.iter().cloned().collect(),
        created_at: person.at,
        updated_at,
    };
    (id, facts)
}

/// Says what a person says for lists and purposes; answers with the latter, and whether anything changed.
async fn say(store: &SqliteStore, who: &ContactRef, person: &Person) -> (BTreeMap<String, Will>, bool) {
    let mut said = BTreeMap::new();
    for (purpose, acts) in &person.purposes {
        let scope = Scope::Purpose(purpose.parse().unwrap());
        let events: Vec<_> =
            acts.iter().map(|act| event(0, *act, ConsentSource::Operator, Some("test")).about(scope.clone())).collect();
        for event in &events {
            store.record_consent(who, event).await.unwrap();
        }
        said.insert(purpose.clone(), Will::fold(&events, &scope));
    }
    for list in &person.unsubscribed {
        let withdrawn = event(0, ConsentAct::Withdrawn, ConsentSource::Contact, None);
        store.record_consent(who, &withdrawn.about(Scope::List(list.clone()))).await.unwrap();
    }
    let is_changed = !said.is_empty() || !person.unsubscribed.is_empty();
    (said, is_changed)
}

/// Puts the contacts on their lists as often as wanted: one file for each list and moment.
async fn join(store: &SqliteStore, people: &[Person]) {
    let mut files: BTreeMap<(String, Timestamp), Vec<ImportedRow>> = BTreeMap::new();
    for (number, person) in people.iter().enumerate() {
        for (list, times) in &person.lists {
            let rows = files.entry((list.clone(), person.at)).or_default();
            for _ in 0..*times {
                let row = crate::fixture::row(rows.len() as u64 + 2, "", &address(number), "");
                rows.push(ImportedRow { patch: FieldPatch::default(), ..row });
            }
        }
    }
    for ((list, at), rows) in files {
        let import = store.begin_import(&ImportStart { at, ..start(&list, ImportMode::Add) }).await.unwrap().import;
        store.import_rows(import, rows).await.unwrap();
        store.finish_import(import, at).await.unwrap();
    }
}

fn address(number: usize) -> String {
    format!("Guest{number}@Example.com")
}

async fn confirm(store: &SqliteStore, run: i64, contact: ContactId, address: &postroom_domain::email::EmailAddress) {
    let content = ConfirmedContent { address: address.clone(), hash: [7; 16], base: BTreeMap::new() };
    let confirmation = Confirmation {
        contact,
        remote_id: Some("r".to_owned()),
        status: Some(RemoteStatus::Subscribed),
        content: Some(content),
    };
    let record = BatchRecord { confirmed: vec![confirmation], ..BatchRecord::default() };
    store.record_batch(run, record).await.unwrap();
}

fn assert_same(cases: u32) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // Contacts and trees are the same in every run: what fails, fails again.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config { cases, failure_persistence: None, ..Config::default() }, rng);
    let (home, people) = runtime.block_on(inhabited(&mut runner));
    let moment = Moment::new(&now());
    let some = std::cell::Cell::new(0_u32);
    let outcome = runner.run(&condition(&words()), |tree| {
        let by_rules = members_by_rules(&people, &tree, &moment);
        let by_store = runtime.block_on(members_by_store(&home.store, &tree));
        prop_assert_eq!(&by_rules, &by_store, "{}", tree);
        if !by_rules.is_empty() && by_rules.len() < people.len() {
            some.set(some.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(some.get() * 4 > cases, "hardly a tree told contacts apart: {} of {cases}", some.get());
    runtime.block_on(assert_explained(&home.store, &people, &moment));
}

fn members_by_rules(people: &BTreeMap<ContactId, ContactFacts>, tree: &Condition, moment: &Moment) -> Vec<ContactId> {
    people.iter().filter(|(_, facts)| holds(tree, facts, moment)).map(|(id, _)| *id).collect()
}

async fn members_by_store(store: &SqliteStore, tree: &Condition) -> Vec<ContactId> {
    let limit = u32::try_from(CONTACTS).unwrap();
    let preview = store.preview_segment(tree, &now(), 1).await.unwrap();
    let page = store.segment_members(tree, &now(), None, limit).await.unwrap();
    assert_eq!(preview.first.first(), page.first(), "{tree}");
    assert_eq!(preview.count, page.len() as u64, "{tree}");
    page.into_iter().map(|contact| contact.id).collect()
}

/// What the store reads of a contact to explain a verdict is what is known of it.
async fn assert_explained(store: &SqliteStore, people: &BTreeMap<ContactId, ContactFacts>, moment: &Moment) {
    let text = "on(\"vip\") and repeated() and tag(\"guest\") and member(\"first\") and opened() and company = \"inn\" and \
                updated in the last 1 day and consent(\"offers\") = granted and unsubscribed(\"guests\")";
    let tree = postroom_domain::segment::parse(text).unwrap().condition;
    for (id, facts) in people {
        let by_store = store.explain_segment(&tree, &ContactRef::Id(*id), &now()).await.unwrap();
        assert_eq!(by_store, explain(&tree, facts, moment));
    }
}

#[test]
fn d6_a_store_and_the_rules_agree_on_who_is_in_a_segment() {
    assert_same(CASES);
}

#[test]
#[ignore = "a minute of trees: `cargo test --release -p postroom-sqlite --test port -- --ignored thousands_of_segments`"]
fn a_store_and_the_rules_agree_on_thousands_of_segments() {
    assert_same(MANY_CASES);
}
