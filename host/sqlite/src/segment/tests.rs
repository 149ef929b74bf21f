//! What SQLite does with a compiled segment: which index it takes. The statements stand beside the plans, so
//! that a condition that no longer asks for what is indexed shows as a scan.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::field::{FieldDefinition, FieldType, standard_fields};
use postroom_domain::segment::{Moment, parse};
use postroom_store::segments::Filterable;
use rusqlite::Connection;

use super::compile::{Compiled, Compiler};
use super::{filterable, members, walk};
use crate::{field_rows, lists, schema};

fn connection() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    schema::migrate(&mut connection).unwrap();
    let mut fields = standard_fields();
    for (name, kind) in [
        ("visits", FieldType::Number),
        ("vip", FieldType::Boolean),
        ("arrival", FieldType::DateTime),
        ("topics", FieldType::MultipleChoice),
    ] {
        fields.push(FieldDefinition::new(name.parse().unwrap(), kind, name.to_owned()));
    }
    for field in &mut fields {
        if field.kind == FieldType::MultipleChoice {
            field.choices = vec![postroom_domain::field::Choice::new("spa", "Spa")];
        }
        field_rows::insert(&connection, field).unwrap();
    }
    for field in ["language", "visits", "vip", "birthday", "arrival", "address"] {
        let change = Filterable { field: field.parse().unwrap(), is_filterable: true, may_block: false };
        filterable::set(&connection, &change).unwrap();
    }
    lists::insert(&connection, "vip", true, Timestamp::UNIX_EPOCH).unwrap();
    connection.execute("INSERT INTO tags (name, name_key) VALUES ('Guest', 'guest')", []).unwrap();
    connection
}

fn moment() -> Moment {
    Moment::new(&"2026-11-23T10:00:00+02:00[Europe/Tallinn]".parse().unwrap())
}

fn compile(connection: &Connection, text: &str) -> Compiled {
    let condition = parse(text).unwrap().condition;
    let moment = moment();
    let (mut compiler, whole) = Compiler::of(connection, &condition, &moment).unwrap();
    compiler.compile(&whole).unwrap()
}

/// What SQLite would do, whatever the values are.
fn plan(connection: &Connection, statement: &str) -> String {
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
    explain
        .raw_query()
        .mapped(|row| Ok(format!("    {}\n", row.get::<_, String>("detail")?)))
        .map(Result::unwrap)
        .collect()
}

#[test]
fn every_indexed_condition_finds_its_index() {
    let connection = connection();
    let mut plans = String::new();
    for text in [
        "language = \"de\"",
        "language in (\"de\", \"cs\")",
        "language is empty",
        "visits >= 3",
        "visits in (1, 2)",
        "vip = yes",
        "birthday < 2000-01-01",
        "birthday before 18 years ago",
        "anniversary(birthday) in the next 2 days",
        "arrival in the last 7 days",
        "arrival = 2026-11-23",
        "address.city = \"Tartu\"",
        "email = \"jana@example.cz\"",
        "external-id = \"K-7\"",
        "consent = pending",
        "consent = withdrawn",
        "consent = unusable",
        "tag(\"guest\")",
        "on(\"vip\")",
        "joined(\"vip\") in the last 7 days",
        "opened() in the last 7 days",
        "opened(\"Spring\")",
        "language = \"de\" and tag(\"guest\") and not on(\"vip\")",
        "language = \"de\" or tag(\"guest\")",
        "repeated()",
        "not member() and not sent()",
        "company contains \"inn\"",
        "topics has \"spa\"",
    ] {
        let compiled = compile(&connection, text);
        let statement = members::everybody(&compiled);
        plans.push_str(&format!("{text}\n  {}\n{}", compiled.sql, plan(&connection, &statement)));
    }
    insta::assert_snapshot!(plans);
}

/// Contacts 1 to 20,000: each fiftieth speaks Czech, all but each tenth came often, a third has a company.
fn inhabited() -> Connection {
    let connection = connection();
    connection
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO contacts (public_hash, email, email_key, fields, will, deliverability, shown, seq, created_at,
                                   updated_at)
             SELECT CAST(printf('%016d', i) AS BLOB), 'guest' || i || '@example.com', 'guest' || i || '@example.com',
                    json_object('language', iif(i % 50 = 0, 'cs', 'de'),
                                'visits', json_object('number', iif(i % 10 = 0, '1', '7')),
                                'company', iif(i % 3 = 0, 'Inn', 'Hotel')),
                    'unknown', 'usable', 'unknown', i, 0, 0
             FROM n;",
        )
        .unwrap();
    connection
}

#[test]
fn an_index_that_names_many_is_not_walked_to_its_end_beside_one_that_names_few() {
    let connection = inhabited();
    let few = compile(&connection, "language = \"cs\"");
    let many = compile(&connection, "visits > 0");
    let none = compile(&connection, "language = \"fr\"");
    for conditions in [[&many, &few], [&few, &many]] {
        let met = walk::side_by_side(&connection, conditions).unwrap();
        assert_eq!(met.numbers, (1..=400).map(|number| number * 50).collect());
        assert!(!met.is_all);
    }
    let met = walk::side_by_side(&connection, [&many, &compile(&connection, "language = \"de\"")]).unwrap();
    assert!(met.is_all && met.numbers.len() == 19_600, "{}", met.numbers.len());
    let met = walk::side_by_side(&connection, [&none, &many]).unwrap();
    assert!(!met.is_all && met.numbers.is_empty());
}

#[test]
fn indexes_and_what_else_is_asked_find_those_for_whom_everything_holds() {
    let connection = inhabited();
    let inns = |number: &i64| number % 3 == 0;
    for (text, expected) in [
        ("language = \"cs\" and visits > 1", Vec::new()),
        ("language = \"cs\" and visits > 0", (1..=400).map(|number| number * 50).collect()),
        (
            "visits > 0 and company = \"inn\" and language = \"cs\"",
            (1..=400).map(|number| number * 50).filter(inns).collect(),
        ),
        ("visits > 1 and language = \"de\"", (1..=20_000).filter(|number| number % 10 != 0).collect::<Vec<_>>()),
    ] {
        let condition = parse(text).unwrap().condition;
        let page = |after, limit| members::page(&connection, &condition, &moment(), ContactId(after), limit).unwrap();
        assert_eq!(page(0, 20_000), expected, "{text}");
        assert_eq!(
            page(7_500, 2),
            expected.iter().copied().filter(|id| *id > 7_500).take(2).collect::<Vec<_>>(),
            "{text}"
        );
    }
}

#[test]
fn those_whom_indexes_led_to_are_looked_up_by_their_numbers() {
    let connection = connection();
    let statement = members::among(&compile(&connection, "visits >= 3 and tag(\"guest\")"));
    insta::assert_snapshot!(plan(&connection, &statement), @"
    SCAN those VIRTUAL TABLE INDEX 1:
    SEARCH c USING INTEGER PRIMARY KEY (rowid=?)
    LIST SUBQUERY 1
    SEARCH contact_tags USING COVERING INDEX contact_tags_by_tag (tag_id=?)
    CREATE BLOOM FILTER
    ");
}

#[test]
fn a_range_of_contacts_can_be_asked_for_states_of_consent_that_have_indexes() {
    let connection = connection();
    let compiled = compile(&connection, "consent = granted and consent in (pending, unusable)");
    let plan = plan(&connection, &members::within(&compiled));
    assert_eq!(plan.trim(), "SEARCH c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
}

#[test]
fn no_value_of_a_segment_stands_in_the_statement() {
    let connection = connection();
    let text = "company = \"x' OR 1=1 --\" and tag(\"x' OR\") and email contains \"x' OR\" and topics has \"spa\"";
    let compiled = compile(&connection, text);
    assert!(!compiled.sql.contains("OR") && !compiled.sql.contains("spa"), "{}", compiled.sql);
    assert_eq!(compiled.values.len(), 3);
}

#[test]
fn an_index_that_was_written_otherwise_is_made_anew() {
    let connection = connection();
    let now = indexes(&connection);
    let name = "contacts_field_language";
    connection
        .execute_batch(&format!(
            "DROP INDEX {name}; DROP INDEX contacts_field_birthday_day;
             CREATE INDEX {name} ON contacts (json_extract(fields, '$.language') COLLATE NOCASE)"
        ))
        .unwrap();
    assert_ne!(indexes(&connection), now);
    filterable::catch_up(&connection).unwrap();
    assert_eq!(indexes(&connection), now);

    let version = |connection: &Connection| -> i64 {
        connection.query_row("PRAGMA schema_version", [], |row| row.get(0)).unwrap()
    };
    let before = version(&connection);
    filterable::catch_up(&connection).unwrap();
    assert_eq!(version(&connection), before, "what is as it should be stays");
}

/// The indexes of fields as SQLite keeps them.
fn indexes(connection: &Connection) -> Vec<String> {
    connection
        .prepare("SELECT sql FROM sqlite_schema WHERE name LIKE 'contacts_field_%' ORDER BY name")
        .unwrap()
        .raw_query()
        .mapped(|row| row.get(0))
        .map(Result::unwrap)
        .collect()
}
