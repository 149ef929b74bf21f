//! How long the large things take: `cargo bench -p postroom-sqlite -- 1000000`.
//!
//! A file of so many rows is imported as new, again unchanged in both modes, and once with its last
//! row changed, each with a stated consent and with an index on one field, as a filterable one has;
//! then once more as new and once unchanged while single writes come in all the time, each of which is
//! timed. Then a run's reading side goes over the list, first with nothing confirmed, then with
//! everything. Wall and processor time per step, and the size of the database. One run is one sample:
//! compare the best of several on an idle machine. `-- 1000000 import` leaves the run out.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends at the first failure")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource};
use postroom_domain::contact::{ContactId, FieldPatch, ImportedRow};
use postroom_domain::decision::{Newcomers, RemoteStatus, TagState};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::FieldValue;
use postroom_domain::mapping::Mapping;
use postroom_domain::projection::{Base, ContentHash};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::{AccountDraft, AccountStore, PluginSource};
use postroom_store::contacts::{ContactRef, ContactStore, ContactUpsert};
use postroom_store::discovery::Look;
use postroom_store::lists::{IMPORT_BATCH_ROWS, ImportMode, ImportStart, ImportStore, StatedConsent};
use postroom_store::runs::{BatchRecord, Confirmation, ConfirmedContent, RunStart, RunStore, SnapshotContent};
use postroom_store::syncs::{SyncDraft, SyncStore};

/// Values of the filterable field.
const COMPANIES: u64 = 5_000;
/// How long a caller waits between two single writes.
const BETWEEN_WRITES: Duration = Duration::from_millis(5);
/// Entries per page, as a run reads them.
const PAGE: usize = 2_000;
/// The settings that the entries are compared under.
const SETTINGS: ContentHash = [1; 16];

#[tokio::main]
async fn main() {
    let rows = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(folder.path(), "Bench", Timestamp::UNIX_EPOCH).unwrap();
    add_filterable_field(folder.path());
    let busy = tempfile::tempdir().unwrap();
    let busy_store = Arc::new(SqliteStore::create(busy.path(), "Busy", Timestamp::UNIX_EPOCH).unwrap());
    add_filterable_field(busy.path());
    println!("{rows} rows");
    for (what, mode, last) in [
        ("import, new", ImportMode::Replace, "Last"),
        ("import, unchanged, replace", ImportMode::Replace, "Last"),
        ("import, unchanged, add", ImportMode::Add, "Last"),
        ("import, last row changed, replace", ImportMode::Replace, "Changed"),
    ] {
        let clock = Clock::start();
        import(&store, "bench", rows, mode, last).await;
        println!("{what}: {clock}");
    }
    let size = std::fs::metadata(folder.path().join("postroom.db")).unwrap().len();
    println!("database: {} MB", size / 1_000_000);
    for (what, last) in [("new", "Last"), ("unchanged", "Last")] {
        let writes = import_beside_writes(&busy_store, rows, last).await;
        println!("single writes beside an import, {what}: {writes}");
    }
    if std::env::args().any(|argument| argument == "import") {
        return;
    }

    let sync = add_sync(&store).await;
    let began = Instant::now();
    let contacts = read_all(&store, sync).await;
    println!("snapshot, nothing confirmed: {:.2?}", began.elapsed());
    let began = Instant::now();
    let run = confirm_all(&store, sync, &contacts).await;
    println!("record, {PAGE} contacts a batch: {:.2?}", began.elapsed());
    let began = Instant::now();
    let contacts = read_all(&store, sync).await;
    println!("snapshot, all confirmed: {:.2?}", began.elapsed());
    let began = Instant::now();
    settle_all(&store, run, &contacts).await;
    println!("settle: {:.2?}", began.elapsed());
    let began = Instant::now();
    let open = store.open_entries(&look(sync)).await.unwrap();
    println!("comparison, all settled ({}): {:.2?}", open.unchanged, began.elapsed());
    store.keep_picture(sync, &open.picture.unwrap()).await.unwrap();
    let began = Instant::now();
    let followed = store.open_entries(&look(sync)).await.unwrap();
    println!("cursor, all settled ({}): {:.2?}", followed.unchanged, began.elapsed());
    let began = Instant::now();
    store.departed(sync, open.tagged_departed, ContactId(0), 2_000).await.unwrap();
    println!("departed: {:.2?}", began.elapsed());
}

/// Wall and processor time since it was started.
struct Clock {
    wall: Instant,
    processor: Duration,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Instant::now(), processor: processor_time() }
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2?}, {:.2?} of processor time", self.wall.elapsed(), processor_time() - self.processor)
    }
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// The index that a filterable field has. The next connection that opens the store finds it.
fn add_filterable_field(folder: &Path) {
    let connection = rusqlite::Connection::open(folder.join("postroom.db")).unwrap();
    connection
        .execute_batch("CREATE INDEX contacts_by_company ON contacts (json_extract(fields, '$.company'))")
        .unwrap();
}

/// How long single writes took.
struct Latencies(Vec<Duration>);

impl std::fmt::Display for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |share: usize| sorted.get(sorted.len().saturating_sub(1) * share / 1_000).copied().unwrap_or_default();
        let over = sorted.iter().filter(|time| **time > Duration::from_millis(100)).count();
        write!(
            f,
            "{} writes, p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?}, max {:.1?}, {over} over 100 ms",
            sorted.len(),
            at(500),
            at(990),
            at(999),
            at(1_000)
        )
    }
}

/// Imports while withdrawals and changes of contacts come in, one after the other.
async fn import_beside_writes(store: &Arc<SqliteStore>, rows: u64, last: &'static str) -> Latencies {
    // On a task of its own: making the rows of a batch takes longer than a write may.
    let own = Arc::clone(store);
    let importing = tokio::spawn(async move { import(&own, "busy", rows, ImportMode::Replace, last).await });
    let mut latencies = Vec::new();
    let mut number = 0_u64;
    while !importing.is_finished() {
        number += 1;
        let address = EmailAddress::parse(&format!("single{}@example.com", number / 2)).unwrap();
        let began = Instant::now();
        if number.is_multiple_of(2) {
            let upsert = ContactUpsert {
                who: None,
                email: Some(address),
                external_id: None,
                patch: FieldPatch::default(),
                at: Timestamp::UNIX_EPOCH,
            };
            store.upsert_contact(&upsert).await.unwrap();
        } else if number > 1 {
            let event = ConsentEvent::new(Timestamp::UNIX_EPOCH, ConsentAct::Withdrawn, ConsentSource::Contact);
            store.record_consent(&ContactRef::Email(address), &event).await.unwrap();
        }
        latencies.push(began.elapsed());
        tokio::time::sleep(BETWEEN_WRITES).await;
    }
    importing.await.unwrap();
    Latencies(latencies)
}

async fn import(store: &SqliteStore, list: &str, rows: u64, mode: ImportMode, last: &str) {
    let start = ImportStart {
        list: Some(list.to_owned()),
        mode,
        file: "bench.csv".to_owned(),
        digest: "00".to_owned(),
        reading: String::new(),
        consent: Some(StatedConsent { evidence: "form".to_owned(), purposes: Vec::new() }),
        believes_file: false,
        at: Timestamp::UNIX_EPOCH,
    };
    let import = store.begin_import(&start).await.unwrap().import;
    // One batch is got ready while another is written, as the program does it.
    let batches = (0..rows).step_by(IMPORT_BATCH_ROWS).map(|first| {
        let batch = first..rows.min(first + IMPORT_BATCH_ROWS as u64);
        store.import_rows(import, batch.map(|number| row(number, number + 1 == rows, last)).collect())
    });
    let mut refused = stream::iter(batches).buffered(2);
    while let Some(refused) = refused.next().await {
        assert!(refused.unwrap().is_empty());
    }
    store.finish_import(import, Timestamp::UNIX_EPOCH).await.unwrap();
}

/// A row whose address lies anywhere in the order of addresses.
fn row(number: u64, is_last: bool, last: &str) -> ImportedRow {
    let address = format!("guest{:016x}@example.com", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let name = if is_last { last.to_owned() } else { format!("Name{number}") };
    let company = format!("Company {}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % COMPANIES);
    let value = |path: &str, value: &str| (path.parse().unwrap(), Some(FieldValue::Text(value.to_owned())));
    ImportedRow {
        line: number + 2,
        address: Ok(EmailAddress::parse(&address).unwrap()),
        external_id: None,
        patch: FieldPatch {
            changes: vec![
                value("firstname", &name),
                value("lastname", "Guest"),
                value("language", "cs"),
                value("company", &company),
            ],
        },
        raw: vec![address, name, "Guest".to_owned(), "cs".to_owned(), company],
        left_out: Vec::new(),
        claim: None,
        tags: Vec::new(),
    }
}

async fn add_sync(store: &SqliteStore) -> i64 {
    let account = AccountDraft {
        name: "bench".to_owned(),
        plugin: "bench".to_owned(),
        plugin_source: PluginSource::Bundled,
        auth_method: "none".to_owned(),
        settings: Default::default(),
        origins: Default::default(),
        insecure_origin: false,
        remote_name: None,
        secrets: Default::default(),
    };
    store.add_account(&account, Timestamp::UNIX_EPOCH).await.unwrap();
    let draft = SyncDraft {
        name: "bench".to_owned(),
        list: "bench".to_owned(),
        account: "bench".to_owned(),
        audience_remote_id: "a".to_owned(),
        audience_name: "a".to_owned(),
        pairs: Vec::new(),
        mapping: Mapping::default(),
        newcomers: Newcomers::Skip,
        tag: Some("bench".to_owned()),
        tag_is_own: true,
        purpose: None,
        breaker_percent: 10,
    };
    store.add_sync(&draft, Timestamp::UNIX_EPOCH).await.unwrap().id
}

fn look(sync: i64) -> Look {
    Look { sync, settings: SETTINGS, plugin_digest: String::new(), full: false, at: Timestamp::UNIX_EPOCH }
}

async fn read_all(store: &SqliteStore, sync: i64) -> Vec<(ContactId, ContentHash, EmailAddress)> {
    let mut contacts = Vec::new();
    let open = store.open_entries(&look(sync)).await.unwrap();
    let mut places = open.page(0, PAGE);
    while let Some(last) = places.last().copied() {
        let page = store.snapshot(sync, SETTINGS, &places).await.unwrap().rows;
        contacts.extend(page.into_iter().filter_map(|row| match row.content {
            SnapshotContent::Contact(snapshot) => Some((snapshot.contact, snapshot.fingerprint, snapshot.address)),
            SnapshotContent::Invalid(_) | SnapshotContent::Duplicate { .. } => None,
        }));
        places = open.page(last, PAGE);
    }
    contacts
}

async fn settle_all(store: &SqliteStore, run: i64, contacts: &[(ContactId, ContentHash, EmailAddress)]) {
    for batch in contacts.chunks(PAGE) {
        let settled = batch.iter().map(|(contact, fingerprint, _)| (*contact, *fingerprint)).collect();
        store.record_batch(run, BatchRecord { settled, ..BatchRecord::default() }).await.unwrap();
    }
}

async fn confirm_all(store: &SqliteStore, sync: i64, contacts: &[(ContactId, ContentHash, EmailAddress)]) -> i64 {
    let start = RunStart { sync, first: None, plugin_digest: String::new(), unchanged: 0, at: Timestamp::UNIX_EPOCH };
    let run = store.begin_run(&start).await.unwrap();
    let base: Base = ["FNAME", "LNAME", "LANG"].map(|field| (field.to_owned(), "0123456789abcdef".to_owned())).into();
    for batch in contacts.chunks(PAGE) {
        let confirmed = batch.iter().map(|(contact, _, address)| Confirmation {
            contact: *contact,
            remote_id: Some(format!("{:032x}", contact.0)),
            status: Some(RemoteStatus::Subscribed),
            content: Some(ConfirmedContent { address: address.clone(), hash: [7; 16], base: base.clone() }),
        });
        let tag = TagState { owned: Some("bench".to_owned()), refused: None };
        let record = BatchRecord {
            confirmed: confirmed.collect(),
            tags: batch.iter().map(|(contact, ..)| (*contact, tag.clone())).collect(),
            ..BatchRecord::default()
        };
        store.record_batch(run, record).await.unwrap();
    }
    run
}
