//! How long a large list takes before anything is sent: `cargo bench -p postroom --bench plan -- 1000000 5`.
//!
//! So many contacts are imported as new and again unchanged, pushed, run twice with nothing changed
//! (the first such run judges and remembers everything, the next one compares and keeps what it saw), and
//! then planned, as often as is said: by comparing everything, by what moved since, and by that again after
//! a thousand contacts changed. Figures are the whole process's, from start to end, and for plans also what
//! finding the open entries and the whole plan take inside a process that has just opened the store.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and ends at the first failure"
)]

#[path = "stage.rs"]
mod stage;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use postroom_domain::contact::FieldPatch;
use postroom_domain::decision::{Policy, settings_hash};
use postroom_domain::discovery::Discovery;
use postroom_domain::field::FieldValue;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::contacts::{ContactQuery, ContactRef, ContactStore, ContactUpsert};
use postroom_store::discovery::Look;
use postroom_store::runs::RunStore;
use postroom_store::syncs::SyncStore;
use postroom_sync::{RunOptions, plan};
use stage::{House, LIST, Provider, argument, own_cpu};

fn main() {
    let (contacts, rounds) = (argument(0, 1_000_000), argument(1, 5));
    let provider = Provider::start();
    let house = House::open();
    println!("{contacts} contacts");
    println!("import, new:       {}", house.import(contacts).line());
    println!("import, unchanged: {}", house.import(contacts).line());
    println!("file {:.0} MB, database {:.0} MB", house.file_size(), house.database_size());
    house.tie(&provider);
    let pushed = house.run();
    assert_eq!(pushed.answer["counts"]["added"], contacts, "{}", pushed.answer);
    println!("push, all new:     {}, provider {:.2} s cpu", pushed.line(), provider.cpu());
    for words in ["run, first unchanged: ", "run, next unchanged:  "] {
        let again = house.run();
        assert_eq!(again.answer["counts"]["unchanged"], contacts, "{}", again.answer);
        println!("{words}{}", again.line());
    }
    for (words, arguments) in [
        ("plan, by comparison", ["sync", "plan", LIST, "--full"].as_slice()),
        ("plan, by cursor    ", ["sync", "plan", LIST].as_slice()),
    ] {
        let way = if arguments.contains(&"--full") { "comparison" } else { "cursor" };
        let mut best = f64::MAX;
        for round in 1..=rounds {
            let planned = house.postroom(arguments);
            assert_eq!(planned.answer["settled"]["unchanged"], contacts, "{}", planned.answer);
            assert_eq!(planned.answer["discovery"], way, "{}", planned.answer);
            best = best.min(planned.wall.as_secs_f64());
            println!("{words} {round}: {}", planned.line());
        }
        println!("{words} best: {best:.3} s");
        inside(&house, way == "comparison", rounds);
    }
    change(&house, MOVED);
    let planned = house.postroom(&["sync", "plan", LIST]);
    assert_eq!((&planned.answer["update"], &planned.answer["discovery"]), (&MOVED.into(), &"cursor".into()));
    println!("plan, {MOVED} moved:  {}", planned.line());
    inside(&house, false, rounds);
}

/// How many contacts change before the last plans.
const MOVED: u64 = 1_000;

/// Plans in this process, each time with a store that was opened anew.
#[tokio::main]
async fn inside(house: &House, full: bool, rounds: u64) {
    let (mut found, mut planned) = (Duration::MAX, Duration::MAX);
    let before = own_cpu();
    for _ in 0..rounds {
        let store = SqliteStore::open(&house.store(), Access::Read).unwrap();
        let sync = store.sync(LIST).await.unwrap();
        let plugin_digest = store.run(sync.last_run.unwrap()).await.unwrap().plugin_digest;
        let options = RunOptions { full, ..RunOptions::default() };
        let policy = Policy {
            newcomers: sync.newcomers,
            tag: sync.tag.clone(),
            retry_rejected: false,
            list: (!sync.is_segment).then(|| sync.list.clone()),
            purpose: sync.purpose.clone(),
        };
        let settings = settings_hash(&sync.mapping, &policy);
        let look = Look { sync: sync.id, settings, plugin_digest: plugin_digest.clone(), full, at: Timestamp::now() };
        let began = Instant::now();
        let open = store.open_entries(&look).await.unwrap();
        found = found.min(began.elapsed());
        assert_eq!(open.discovery == Discovery::Cursor, !full);
        let began = Instant::now();
        plan(&store, &sync, &options, plugin_digest, Timestamp::now()).await.unwrap();
        planned = planned.min(began.elapsed());
    }
    // Two looks a round: one by itself and the plan's own.
    let cpu = (own_cpu() - before) / (2 * rounds) as f64;
    println!("  inside, best: finding {found:.2?}, whole plan {planned:.2?}; {cpu:.3} s cpu on average");
}

/// Gives so many contacts another name, at a time when the program is not at work.
#[tokio::main]
async fn change(house: &House, contacts: u64) {
    let store = SqliteStore::open(&house.store(), Access::Write { verb: "bench" }).unwrap();
    let query = ContactQuery { limit: u32::try_from(contacts).unwrap(), ..ContactQuery::default() };
    for contact in store.contacts(&query).await.unwrap() {
        let name = Some(FieldValue::Text("Changed".to_owned()));
        let upsert = ContactUpsert {
            who: Some(ContactRef::Id(contact.id)),
            email: None,
            external_id: None,
            patch: FieldPatch { changes: vec![("firstname".parse().unwrap(), name)].into_iter().collect() },
            at: Timestamp::now(),
        };
        store.upsert_contact(&upsert).await.unwrap();
    }
}
