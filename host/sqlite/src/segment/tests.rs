//! What SQLite does with a compiled segment: which index it takes. The statements stand beside the plans, so
//! that a condition that no longer asks for what is indexed shows as a scan.

use jiff::Timestamp;
use postroom_domain::field::{FieldDefinition, FieldType, standard_fields};
use postroom_domain::segment::{Moment, parse};
use postroom_store::segments::Filterable;
use rusqlite::{Connection, params_from_iter};

use super::compile::compile;
use super::{filterable, members};
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

#[test]
fn every_indexed_condition_finds_its_index() {
    let connection = connection();
    let moment = Moment::new(&"2026-11-23T10:00:00+02:00[Europe/Tallinn]".parse().unwrap());
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
        "language = \"de\" and visits = 7",
        "language = \"de\" or tag(\"guest\")",
        "repeated()",
        "not member() and not sent()",
        "company contains \"inn\"",
        "topics has \"spa\"",
    ] {
        let compiled = compile(&connection, &parse(text).unwrap().condition, &moment).unwrap();
        let statement = members::everybody(&compiled);
        plans.push_str(&format!("{text}\n  {}\n", compiled.sql));
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let mut rows = explain.query(params_from_iter(&compiled.values)).unwrap();
        while let Some(row) = rows.next().unwrap() {
            plans.push_str(&format!("    {}\n", row.get::<_, String>(3).unwrap()));
        }
    }
    insta::assert_snapshot!(plans);
}

#[test]
fn no_value_of_a_segment_stands_in_the_statement() {
    let connection = connection();
    let moment = Moment::new(&"2026-11-23T10:00:00+02:00[Europe/Tallinn]".parse().unwrap());
    let text = "company = \"x' OR 1=1 --\" and tag(\"x' OR\") and email contains \"x' OR\" and topics has \"spa\"";
    let compiled = compile(&connection, &parse(text).unwrap().condition, &moment).unwrap();
    assert!(!compiled.sql.contains("OR") && !compiled.sql.contains("spa"), "{}", compiled.sql);
    assert_eq!(compiled.values.len(), 3);
}
