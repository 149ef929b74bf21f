//! How long the large things take: `cargo bench -p postroom-sqlite -- 1000000`.
//!
//! A file of so many rows is imported as new, again unchanged in both modes, and once with its last
//! row changed; then a run's reading side goes over the list, first with nothing confirmed, then
//! with everything. Wall time per step, and the size of the database. One run is one sample: compare
//! the best of several on an idle machine.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends at the first failure")]

use std::time::Instant;

use jiff::Timestamp;
use postroom_domain::contact::{ContactId, FieldPatch, ImportedRow};
use postroom_domain::decision::{Newcomers, RemoteStatus, TagState};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::FieldValue;
use postroom_domain::mapping::Mapping;
use postroom_domain::projection::{Base, ContentHash};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::{AccountDraft, AccountStore, PluginSource};
use postroom_store::lists::{ImportMode, ImportStart, ImportStore, StatedConsent};
use postroom_store::runs::{BatchRecord, Confirmation, ConfirmedContent, RunStart, RunStore, SnapshotContent};
use postroom_store::syncs::{SyncDraft, SyncStore};

/// Rows per chunk, as an import hands them over.
const CHUNK: u64 = 1_000;
/// Entries per page, as a run reads them.
const PAGE: usize = 2_000;
/// The settings that the entries are compared under.
const SETTINGS: ContentHash = [1; 16];

#[tokio::main]
async fn main() {
    let rows = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(folder.path(), "Bench", Timestamp::UNIX_EPOCH).unwrap();
    println!("{rows} rows");
    for (what, mode, last) in [
        ("import, new", ImportMode::Replace, "Last"),
        ("import, unchanged, replace", ImportMode::Replace, "Last"),
        ("import, unchanged, add", ImportMode::Add, "Last"),
        ("import, last row changed, replace", ImportMode::Replace, "Changed"),
    ] {
        let began = Instant::now();
        import(&store, rows, mode, last).await;
        println!("{what}: {:.2?}", began.elapsed());
    }
    let size = std::fs::metadata(folder.path().join("postroom.db")).unwrap().len();
    println!("database: {} MB", size / 1_000_000);

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
    let open = store.open_entries(sync, SETTINGS).await.unwrap();
    println!("comparison, all settled ({}): {:.2?}", open.unchanged, began.elapsed());
    let began = Instant::now();
    store.departed(sync, open.tagged_departed, ContactId(0), 2_000).await.unwrap();
    println!("departed: {:.2?}", began.elapsed());
}

async fn import(store: &SqliteStore, rows: u64, mode: ImportMode, last: &str) {
    let start = ImportStart {
        list: Some("bench".to_owned()),
        mode,
        file: "bench.csv".to_owned(),
        digest: "00".to_owned(),
        consent: Some(StatedConsent { evidence: "form".to_owned() }),
        at: Timestamp::UNIX_EPOCH,
    };
    let import = store.begin_import(&start).await.unwrap();
    for first in (0..rows).step_by(usize::try_from(CHUNK).unwrap()) {
        let chunk = (first..rows.min(first + CHUNK)).map(|number| row(number, number + 1 == rows, last)).collect();
        store.import_rows(import, chunk).await.unwrap();
    }
    store.finish_import(import, Timestamp::UNIX_EPOCH).await.unwrap();
}

/// A row whose address lies anywhere in the order of addresses.
fn row(number: u64, is_last: bool, last: &str) -> ImportedRow {
    let address = format!("guest{:016x}@example.com", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let name = if is_last { last.to_owned() } else { format!("Name{number}") };
    let value = |path: &str, value: &str| (path.parse().unwrap(), Some(FieldValue::Text(value.to_owned())));
    ImportedRow {
        line: number + 2,
        address: Ok(EmailAddress::parse(&address).unwrap()),
        external_id: None,
        patch: FieldPatch {
            changes: vec![value("firstname", &name), value("lastname", "Guest"), value("language", "cs")],
        },
        raw: vec![address, name, "Guest".to_owned(), "cs".to_owned()],
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
        breaker_percent: 10,
    };
    store.add_sync(&draft, Timestamp::UNIX_EPOCH).await.unwrap().id
}

async fn read_all(store: &SqliteStore, sync: i64) -> Vec<(ContactId, ContentHash, EmailAddress)> {
    let mut contacts = Vec::new();
    let open = store.open_entries(sync, SETTINGS).await.unwrap();
    let mut places = open.page(0, PAGE);
    while let Some(last) = places.last().copied() {
        let page = store.snapshot(sync, SETTINGS, &places).await.unwrap();
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
    let start = RunStart { sync, first: None, plugin_digest: String::new(), at: Timestamp::UNIX_EPOCH };
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
