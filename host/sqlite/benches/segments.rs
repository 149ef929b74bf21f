//! How long segments take: `cargo bench -p postroom-sqlite --bench segments -- 1000000 5`.
//!
//! So many contacts, each with a language (one of ten), a city (one of a hundred), a company, a birthday and
//! a number of visits. Language, city, birthday and visits are filterable; a tag and a list have one contact
//! in a hundred. Each segment is previewed (the count and the first 20), as often as asked, and the best times
//! stand: on the clock, and of all processors, which says more on a busy machine. Then the largest one is
//! gathered for a sync: anew, unchanged, and with one in a hundred leaving and entering.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends at the first failure")]

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use postroom_domain::field::{FieldDefinition, FieldType};
use postroom_domain::segment::parse;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::lists::ListStore;
use postroom_store::segments::{Filterable, SegmentStore};
use postroom_store::workspace::WorkspaceStore;

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
    let began = Instant::now();
    let store = SqliteStore::create(folder.path(), "Bench", Timestamp::UNIX_EPOCH).unwrap();
    let field = FieldDefinition::new("visits".parse().unwrap(), FieldType::Number, "Visits".to_owned());
    store.add_field(field).await.unwrap();
    store.create_list("all", Timestamp::UNIX_EPOCH).await.unwrap();
    store.create_list("vip", Timestamp::UNIX_EPOCH).await.unwrap();
    drop(store);
    fill(&folder.path().join("postroom.db"), contacts);
    let store = SqliteStore::open(folder.path(), Access::Write { verb: "bench" }).unwrap();
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
        "language in (\"cs\", \"de\") and visits >= 10",
        "address.city = \"City 7\" and visits >= 10 and company contains \"inn 9\"",
        "language = \"cs\" and tag(\"guest\") and not on(\"vip\")",
        "language = \"cs\" and on(\"all\")",
        "anniversary(birthday) in the next 3 days",
        "tag(\"guest\") or on(\"vip\")",
        "company contains \"inn 99\" and lastname is set",
        "company = \"Inn 9999\" or lastname = \"nobody\"",
        "created in the last 30 days and consent = unknown",
        "not member() and not sent()",
        "repeated()",
        "on(\"all\") and not on(\"vip\")",
    ] {
        preview(&store, text, rounds).await;
    }
    println!("peak memory so far: {} MiB", peak_mebibytes());
    gather(&store).await;
    println!("peak memory: {} MiB", peak_mebibytes());
}

fn now() -> Zoned {
    "2026-11-23T10:00:00+02:00[Europe/Tallinn]".parse().unwrap()
}

async fn preview(store: &SqliteStore, text: &str, rounds: u64) {
    let condition = parse(text).unwrap().condition;
    let (mut best, mut least, mut count) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..rounds {
        let (began, spent) = (Instant::now(), processor_time());
        count = store.preview_segment(&condition, &now(), SHOWN).await.unwrap().count;
        best = best.min(began.elapsed());
        least = least.min(processor_time() - spent);
    }
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    println!("{:>9.1} ms  {:>9.1} ms of processors  {count:>8} contacts  {text}", millis(best), millis(least));
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
        let (began, spent) = (Instant::now(), processor_time());
        let sums = store.refresh_segment("gathered", &now()).await.unwrap();
        println!(
            "gathering, {what}: {:.2?}, {:.2?} of processors ({} in, {} entered, {} left)",
            began.elapsed(),
            processor_time() - spent,
            sums.members,
            sums.entered,
            sums.left
        );
    }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The most memory that this process has held so far.
fn peak_mebibytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_024
}

/// Writes the contacts straight into the tables: how long that takes is another benchmark's question. No
/// value depends on another one, and addresses lie anywhere in their order.
fn fill(database: &Path, contacts: u64) {
    let connection = rusqlite::Connection::open(database).unwrap();
    connection.pragma_update(None, "synchronous", "OFF").unwrap();
    let statements = format!(
        "BEGIN;
         CREATE TEMP TABLE people AS
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {contacts})
         SELECT i, (i * 2654435761) % 4294967296 AS h FROM n;
         INSERT INTO contacts (public_hash, email, email_key, fields, will, deliverability, shown, seq, created_at,
                               updated_at)
         SELECT CAST(printf('%016d', i) AS BLOB), printf('guest%08x@example.com', h),
                printf('guest%08x@example.com', h),
                json_object('firstname', 'Name' || i, 'lastname', 'Guest', 'company', 'Inn ' || (h / 7 % 10000),
                            'language', substr('csdeenetfifritlvplsk', 1 + h / 11 % 10 * 2, 2),
                            'address', json_object('address', json_object('city', 'City ' || (h / 1300 % 100))),
                            'birthday', json_object('date', printf('%04d-%02d-%02d', 1940 + h / 170 % 70,
                                                                   1 + h / 12000 % 12, 1 + h / 144001 % 28)),
                            'visits', json_object('number', CAST(h / 190000 % 20 AS TEXT))),
                'unknown', 'usable', 'unknown', i, 1795000000000000, 1795000000000000
         FROM people ORDER BY i;
         INSERT INTO entries (list_id, generation, position, contact_id, entry_key, raw, joined_at)
         SELECT l.id, 1, i, i, CAST(printf('%016d', i) AS BLOB), '[]', 1795000000000000
         FROM lists l CROSS JOIN people WHERE l.name = 'all' OR i % {ONE_IN} = 0;
         INSERT INTO tags (name, name_key) VALUES ('guest', 'guest');
         INSERT INTO contact_tags (contact_id, tag_id)
         SELECT i, (SELECT id FROM tags) FROM people WHERE i % {ONE_IN} = 50;
         DROP TABLE people;
         COMMIT;"
    );
    connection.execute_batch(&statements).unwrap();
}
