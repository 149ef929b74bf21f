//! What the tests share: a store in a temporary folder, and short ways to write the port's types.

use std::collections::BTreeMap;

use jiff::Timestamp;
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource};
use postroom_domain::contact::{ContactId, EntryFault, FieldPatch, ImportedRow};
use postroom_domain::decision::Newcomers;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::FieldValue;
use postroom_domain::mapping::{Mapping, Pair, Target, TargetSource};
use postroom_domain::purpose::{LegalBasis, Purpose};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::accounts::{AccountDraft, AccountStore, PluginSource, Secret};
use postroom_store::contacts::{ContactRef, ContactStore, ContactUpsert, Written};
use postroom_store::lists::{
    Entry, ImportMode, ImportReport, ImportStart, ImportStore, ListStore, RefusedRow, StatedConsent,
};
use postroom_store::syncs::{SyncDraft, SyncStore};
use postroom_store::workspace::WorkspaceStore;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// A store and the folder that it goes with.
pub(crate) struct Home {
    pub(crate) store: SqliteStore,
    pub(crate) folder: TempDir,
}

impl Home {
    /// The same store, opened by a process that knows nothing of the one before.
    pub(crate) fn reopened(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let store = SqliteStore::open(folder.path(), Access::Write { verb: "test" }).unwrap();
        Self { store, folder }
    }
}

/// A new store.
pub(crate) fn home() -> Home {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(folder.path(), "Test", at(0)).unwrap();
    Home { store, folder }
}

/// A moment, in seconds after a fixed one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(crate) fn who(text: &str) -> ContactRef {
    ContactRef::Email(email(text))
}

pub(crate) fn patch(values: &[(&str, &str)]) -> FieldPatch {
    let changes = values.iter().map(|(path, value)| {
        let value = (!value.is_empty()).then(|| FieldValue::Text((*value).to_owned()));
        (path.parse().unwrap(), value)
    });
    FieldPatch { changes: changes.collect() }
}

pub(crate) fn upsert(address: &str, values: &[(&str, &str)]) -> ContactUpsert {
    ContactUpsert { who: None, email: Some(email(address)), external_id: None, patch: patch(values), at: at(1) }
}

/// A contact that is new.
pub(crate) async fn add(store: &SqliteStore, address: &str) -> ContactId {
    let (id, written) = store.upsert_contact(&upsert(address, &[])).await.unwrap();
    assert_eq!(written, Written::Created, "{address}");
    id
}

pub(crate) fn event(second: i64, act: ConsentAct, source: ConsentSource, evidence: Option<&str>) -> ConsentEvent {
    ConsentEvent { evidence: evidence.map(str::to_owned), ..ConsentEvent::new(at(second), act, source) }
}

/// A purpose with a text.
pub(crate) fn purpose(name: &str, basis: LegalBasis) -> Purpose {
    Purpose::new(name.parse().unwrap(), &format!("For {name}"), basis, Some("v1")).unwrap()
}

/// A row as an import reads it: key, address and first name; an empty key is none.
pub(crate) fn row(line: u64, key: &str, address: &str, name: &str) -> ImportedRow {
    ImportedRow {
        line,
        raw: vec![key.to_owned(), address.to_owned(), name.to_owned()],
        address: EmailAddress::parse(address).map_err(EntryFault::from),
        external_id: (!key.is_empty()).then(|| key.to_owned()),
        patch: patch(&[("firstname", name)]),
        left_out: Vec::new(),
        claim: None,
        tags: Vec::new(),
    }
}

/// Rows from address and first name.
pub(crate) fn rows(people: &[(&str, &str)]) -> Vec<ImportedRow> {
    (2..).zip(people).map(|(line, (address, name))| row(line, "", address, name)).collect()
}

pub(crate) fn start(list: &str, mode: ImportMode) -> ImportStart {
    ImportStart {
        list: Some(list.to_owned()),
        mode,
        file: "guests.csv".to_owned(),
        digest: "00".to_owned(),
        reading: "as ever".to_owned(),
        consent: None,
        believes_file: false,
        at: at(10),
    }
}

pub(crate) fn with_consent(start: ImportStart) -> ImportStart {
    ImportStart { consent: Some(StatedConsent { evidence: "form of May".to_owned(), purposes: Vec::new() }), ..start }
}

/// A whole import in one chunk.
pub(crate) async fn import(
    store: &SqliteStore,
    start: &ImportStart,
    rows: Vec<ImportedRow>,
) -> (ImportReport, Vec<RefusedRow>) {
    let import = store.begin_import(start).await.unwrap().import;
    let refused = store.import_rows(import, rows).await.unwrap();
    let preview = store.preview_import(import).await.unwrap();
    let report = store.finish_import(import, at(11)).await.unwrap();
    assert_eq!(preview, report, "a preview says what finishing does");
    (report, refused)
}

/// All entries of a list.
pub(crate) async fn entries(store: &SqliteStore, list: &str) -> Vec<Entry> {
    store.entries(list, 0, 1_000).await.unwrap()
}

/// The addresses of a list in its order; raw rows where there is none.
pub(crate) async fn addresses(store: &SqliteStore, list: &str) -> Vec<String> {
    entries(store, list).await.into_iter().map(|entry| entry.email.unwrap_or_else(|| entry.raw.join("|"))).collect()
}

/// The last sequence number.
pub(crate) async fn sequence(store: &SqliteStore) -> u64 {
    store.workspace().await.unwrap().sequence
}

pub(crate) fn account(name: &str, key: &str) -> AccountDraft {
    AccountDraft {
        name: name.to_owned(),
        plugin: "mailchimp".to_owned(),
        plugin_source: PluginSource::Bundled,
        auth_method: "api-key".to_owned(),
        settings: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
        origins: BTreeMap::new(),
        insecure_origin: false,
        remote_name: Some("Hotel".to_owned()),
        secrets: BTreeMap::from([("api-key".to_owned(), Secret(Zeroizing::new(key.to_owned())))]),
    }
}

/// A mapping from local to remote fields.
pub(crate) fn mapping(pairs: &[(&str, &str)]) -> Mapping {
    let targets = pairs.iter().map(|(local, remote)| Target {
        field: (*remote).to_owned(),
        kind: "text".to_owned(),
        source: TargetSource::Value(local.parse().unwrap()),
    });
    Mapping { targets: targets.collect() }
}

pub(crate) fn sync_draft(name: &str, list: &str, tag: &str) -> SyncDraft {
    SyncDraft {
        name: name.to_owned(),
        list: list.to_owned(),
        account: "hotel".to_owned(),
        audience_remote_id: "a1".to_owned(),
        audience_name: "Guests there".to_owned(),
        pairs: vec!["firstname=FNAME".parse::<Pair>().unwrap()],
        mapping: mapping(&[("firstname", "FNAME")]),
        newcomers: Newcomers::Skip,
        tag: Some(tag.to_owned()),
        tag_is_own: false,
        purpose: None,
        breaker_percent: 10,
    }
}

/// A store with an account, the list `guests` of these people, and the sync `guests` for it.
pub(crate) async fn with_sync(people: &[&str]) -> (Home, postroom_store::syncs::Sync) {
    let home = home();
    home.store.add_account(&account("hotel", "secret"), at(0)).await.unwrap();
    home.store.create_list("guests", at(0)).await.unwrap();
    for address in people {
        add(&home.store, address).await;
        assert!(home.store.add_entry("guests", &who(address), at(2)).await.unwrap());
    }
    let sync = home.store.add_sync(&sync_draft("guests", "guests", "Guests"), at(3)).await.unwrap();
    (home, sync)
}
