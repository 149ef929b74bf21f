//! How long segments take: `cargo bench -p postroom-sqlite --bench segments -- 1000000 5`.
//!
//! So many contacts, each with a language (one of ten), a city (one of a hundred), a company, a birthday and
//! a number of visits. Language, city, birthday and visits are filterable; a tag and a list have one contact
//! in a hundred. Each segment is previewed (the count and the first 20), as often as asked, and the best time
//! stands. Then the largest one is gathered for a sync: anew, unchanged, and with one in a hundred leaving.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends at the first failure")]

use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use postroom_domain::contact::{FieldPatch, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldDefinition, FieldType, FieldValue};
use postroom_domain::segment::parse;
use postroom_sqlite::SqliteStore;
use postroom_store::contacts::{ContactRef, ContactStore};
use postroom_store::lists::{ImportMode, ImportStart, ImportStore};
use postroom_store::segments::{Filterable, SegmentStore};
use postroom_store::workspace::WorkspaceStore;

/// Rows per chunk, as an import hands them over.
const CHUNK: u64 = 1_000;
/// Contacts that a preview shows.
const SHOWN: u32 = 20;
/// One contact in so many has the tag and is on the list.
const ONE_IN: u64 = 100;

#[tokio::main]
async fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let contacts = numbers.first().copied().unwrap_or(100_000);
    let rounds = numbers.get(1).copied().unwrap_or(5);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(folder.path(), "Bench", Timestamp::UNIX_EPOCH).unwrap();
    let field = FieldDefinition::new("visits".parse().unwrap(), FieldType::Number, "Visits".to_owned());
    store.add_field(field).await.unwrap();
    let began = Instant::now();
    import(&store, "all", 0..contacts, 1).await;
    import(&store, "vip", 0..contacts, ONE_IN).await;
    for number in (0..contacts).step_by(usize::try_from(ONE_IN).unwrap()) {
        let who = ContactRef::Email(EmailAddress::parse(&address(number)).unwrap());
        store.tag_contact(&who, "guest", true, Timestamp::UNIX_EPOCH).await.unwrap();
    }
    println!("{contacts} contacts, written in {:.1?}", began.elapsed());
    for field in ["language", "address", "birthday", "visits"] {
        let began = Instant::now();
        let change = Filterable { field: field.parse().unwrap(), is_filterable: true, may_block: true };
        store.set_filterable(&change).await.unwrap();
        println!("index of {field}: {:.2?}", began.elapsed());
    }
    for text in [
        "address.city = \"City 7\" and visits >= 10",
        "address.city = \"City 7\" and tag(\"guest\")",
        "language = \"cs\" and visits = 7",
        "language = \"cs\" and tag(\"guest\") and not on(\"vip\")",
        "language = \"cs\" and on(\"all\")",
        "anniversary(birthday) in the next 3 days",
        "tag(\"guest\") and on(\"vip\")",
        "company contains \"inn 99\" and lastname is set",
        "company = \"Inn 9999\" or lastname = \"nobody\"",
        "created in the last 30 days and consent = unknown",
        "not member() and not sent()",
        "repeated()",
        "on(\"all\") and not on(\"vip\")",
    ] {
        preview(&store, text, rounds).await;
    }
    gather(&store).await;
}

fn now() -> Zoned {
    "2026-11-23T10:00:00+02:00[Europe/Tallinn]".parse().unwrap()
}

async fn preview(store: &SqliteStore, text: &str, rounds: u64) {
    let condition = parse(text).unwrap().condition;
    let (mut best, mut count) = (Duration::MAX, 0);
    for _ in 0..rounds {
        let began = Instant::now();
        count = store.preview_segment(&condition, &now(), SHOWN).await.unwrap().count;
        best = best.min(began.elapsed());
    }
    println!("{:>9.1?} ms  {count:>8} contacts  {text}", best.as_secs_f64() * 1_000.0);
}

async fn gather(store: &SqliteStore) {
    for (what, text) in [
        ("all of them, anew", "everyone"),
        ("unchanged", "everyone"),
        ("one in a hundred leaves", "not tag(\"guest\")"),
        ("one in a hundred enters", "everyone"),
    ] {
        let condition = parse(text).unwrap().condition;
        store.save_segment("gathered", &condition, Timestamp::UNIX_EPOCH).await.unwrap();
        let began = Instant::now();
        let sums = store.refresh_segment("gathered", &now()).await.unwrap();
        println!(
            "gathering, {what}: {:.2?} ({} in, {} entered, {} left)",
            began.elapsed(),
            sums.members,
            sums.entered,
            sums.left
        );
    }
}

fn address(number: u64) -> String {
    format!("guest{:016x}@example.com", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

async fn import(store: &SqliteStore, list: &str, numbers: std::ops::Range<u64>, one_in: u64) {
    let start = ImportStart {
        list: Some(list.to_owned()),
        mode: ImportMode::Add,
        file: "bench.csv".to_owned(),
        digest: "00".to_owned(),
        consent: None,
        at: now().timestamp(),
    };
    let import = store.begin_import(&start).await.unwrap();
    let numbers: Vec<u64> = numbers.step_by(usize::try_from(one_in).unwrap()).collect();
    for chunk in numbers.chunks(usize::try_from(CHUNK).unwrap()) {
        store.import_rows(import, chunk.iter().map(|number| row(*number)).collect()).await.unwrap();
    }
    store.finish_import(import, now().timestamp()).await.unwrap();
}

/// A contact whose values do not depend on one another.
fn row(number: u64) -> ImportedRow {
    let anywhere = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let text = |path: &str, value: String| (path.parse().unwrap(), Some(FieldValue::Text(value)));
    let languages = ["cs", "de", "en", "et", "fi", "fr", "it", "lv", "pl", "sk"];
    let language = languages.iter().cycle().nth(usize::try_from(anywhere % 10).unwrap()).unwrap();
    let birthday = jiff::civil::date(
        i16::try_from(1940 + anywhere / 10 % 70).unwrap(),
        i8::try_from(1 + anywhere / 700 % 12).unwrap(),
        i8::try_from(1 + anywhere / 8_400 % 28).unwrap(),
    );
    let visits = FieldValue::Number { number: (anywhere / 1_000 % 20).to_string() };
    ImportedRow {
        line: number + 2,
        address: Ok(EmailAddress::parse(&address(number)).unwrap()),
        external_id: None,
        patch: FieldPatch {
            changes: vec![
                text("firstname", format!("Name{number}")),
                text("lastname", "Guest".to_owned()),
                text("company", format!("Inn {}", anywhere / 7 % 10_000)),
                text("language", (*language).to_owned()),
                text("address.city", format!("City {}", anywhere / 13 % 100)),
                ("birthday".parse().unwrap(), Some(FieldValue::Date { date: birthday })),
                ("visits".parse().unwrap(), Some(visits)),
            ],
        },
        raw: vec![address(number), format!("Name{number}")],
        left_out: Vec::new(),
    }
}
