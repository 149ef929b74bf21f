//! How a store is made and opened, and what is refused.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::accounts::{AccountStore, PluginSource};
use postroom_store::contacts::ContactStore;
use postroom_store::workspace::WorkspaceStore;

use crate::fixture::{account, add, at, home, upsert, who};

fn unusable(folder: &Path, access: Access<'_>) -> String {
    match SqliteStore::open(folder, access) {
        Err(StoreError::Unusable(sentence)) => sentence,
        other => panic!("{other:?}"),
    }
}

fn has_all(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "`{word}` is missing: {sentence}");
    }
}

#[tokio::test]
async fn a_new_store_has_its_name_and_the_standard_fields_and_is_its_owners() {
    let home = home();
    let workspace = home.store.workspace().await.unwrap();
    assert_eq!((workspace.name.as_str(), workspace.contacts, workspace.sequence), ("Test", 0, 0));
    assert_eq!(workspace.created_at, at(0));
    assert_eq!(home.store.fields().await.unwrap(), postroom_domain::field::standard_fields());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(home.folder.path()), 0o700);
    add(&home.store, "jana@example.cz").await;
    for file in std::fs::read_dir(home.folder.path()).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_store_in_the_same_folder_is_refused() {
    let home = home();
    let folder = home.folder.path();
    assert!(matches!(SqliteStore::create(folder, "Again", at(1)), Err(StoreError::Held { .. })));
    drop(home.store);
    let error = SqliteStore::create(folder, "Again", at(1)).unwrap_err();
    assert!(matches!(&error, StoreError::Refused(sentence) if sentence.contains("already")), "{error}");
}

#[test]
fn a_creation_that_was_cut_short_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("postroom.db.new"), "half").unwrap();
    std::fs::write(folder.path().join("secret.key"), [7; 32]).unwrap();
    SqliteStore::create(folder.path(), "Test", at(0)).unwrap();
}

#[test]
fn a_key_without_its_database_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret.key"), [7; 32]).unwrap();
    let error = SqliteStore::create(folder.path(), "Test", at(0)).unwrap_err().to_string();
    has_all(&error, &["secret.key", "restore postroom.db"]);
}

#[tokio::test]
async fn a_held_lock_names_pid_and_verb_and_readers_come_in_all_the_same() {
    let home = home();
    let folder = home.folder.path();
    drop(home.store);
    let writer = SqliteStore::open(folder, Access::Write { verb: "sync run" }).unwrap();
    let held = SqliteStore::open(folder, Access::Write { verb: "import" }).unwrap_err();
    let expected =
        StoreError::Held { path: folder.display().to_string(), pid: std::process::id(), verb: "sync run".to_owned() };
    assert_eq!(held, expected);

    let reader = SqliteStore::open(folder, Access::Read).unwrap();
    add(&writer, "jana@example.cz").await;
    assert!(reader.contact(&who("jana@example.cz")).await.unwrap().is_some());
    let refused = reader.upsert_contact(&upsert("petr@example.cz", &[])).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))));
    drop(writer);
    SqliteStore::open(folder, Access::Write { verb: "import" }).unwrap();
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_the_process_ended() {
    let home = home();
    add(&home.store, "jana@example.cz").await;
    // The files as a process that was killed leaves them: database and log, nothing closed.
    let copy = tempfile::tempdir().unwrap();
    for file in ["postroom.db", "postroom.db-wal", "secret.key"] {
        std::fs::copy(home.folder.path().join(file), copy.path().join(file)).unwrap();
    }
    let store = SqliteStore::open(copy.path(), Access::Write { verb: "test" }).unwrap();
    assert!(store.contact(&who("jana@example.cz")).await.unwrap().is_some());
}

#[tokio::test]
async fn writes_that_come_together_are_kept_or_refused_one_by_one() {
    let home = home();
    let addresses: Vec<String> = (0..50).map(|number| format!("c{}@example.cz", number / 2)).collect();
    let store = &home.store;
    let key = |number: usize| Some(format!("key {}", number / 10));
    let writes: Vec<_> = addresses
        .iter()
        .enumerate()
        .map(|(number, address)| {
            let upsert = postroom_store::contacts::ContactUpsert { external_id: key(number), ..upsert(address, &[]) };
            async move { store.upsert_contact(&upsert).await }
        })
        .collect();
    let done = futures_util::future::join_all(writes).await;
    // Five keys, each taken by the first contact that asked for it; its repetition is unchanged.
    assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 10);
    assert_eq!(store.workspace().await.unwrap().contacts, 5);
}

#[test]
fn a_folder_without_a_store_is_named() {
    let folder = tempfile::tempdir().unwrap();
    has_all(&unusable(folder.path(), Access::Read), &["there is no store", &folder.path().display().to_string()]);
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let home = home();
    let folder = home.folder.path();
    drop(home.store);
    set_header(folder, 60, 99);
    for access in [Access::Read, Access::Write { verb: "test" }] {
        has_all(&unusable(folder, access), &["schema 99", "schemas up to ", "newer Postroom"]);
    }
}

#[tokio::test]
async fn p6_a_store_of_an_older_schema_is_brought_up_to_date_also_by_who_only_reads() {
    let folder = tempfile::tempdir().unwrap();
    let left_behind = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/0.1.0/store");
    for file in ["postroom.db", "secret.key"] {
        std::fs::copy(left_behind.join(file), folder.path().join(file)).unwrap();
    }
    let sources = |store: SqliteStore| async move {
        store.accounts().await.unwrap().into_iter().map(|account| account.plugin_source).collect::<Vec<_>>()
    };
    let another = tempfile::tempdir().unwrap();
    for file in ["postroom.db", "secret.key"] {
        std::fs::copy(folder.path().join(file), another.path().join(file)).unwrap();
    }
    let connection = rusqlite::Connection::open(another.path().join("postroom.db")).unwrap();
    connection
        .execute("INSERT INTO plugins VALUES ('mailchimp', '1', 'sha256:0', 'vendor.wasm', '{}', 0)", [])
        .unwrap();
    drop(connection);
    let store = SqliteStore::open(another.path(), Access::Read).unwrap();
    assert_eq!(sources(store).await, [PluginSource::Installed("vendor.wasm".to_owned())]);

    let store = SqliteStore::open(folder.path(), Access::Read).unwrap();
    assert_eq!(sources(store).await, [PluginSource::Bundled]);
    let store = SqliteStore::open(folder.path(), Access::Read).unwrap();
    assert_eq!(store.earlier_plugins("mailchimp").await.unwrap(), []);
    // Who reads has let go of the lock that it took for this.
    SqliteStore::open(folder.path(), Access::Write { verb: "test" }).unwrap();
}

#[test]
fn another_programs_database_is_refused() {
    let home = home();
    let folder = home.folder.path();
    drop(home.store);
    set_header(folder, 68, 1);
    has_all(&unusable(folder, Access::Write { verb: "test" }), &["postroom.db", "is not a Postroom store"]);
}

/// Writes a number into the header of the database file: 60 is the schema's version, 68 the
/// application.
fn set_header(folder: &Path, offset: usize, value: u32) {
    let file = folder.join("postroom.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[offset..offset + 4].copy_from_slice(&value.to_be_bytes());
    std::fs::write(&file, bytes).unwrap();
}

#[tokio::test]
async fn a_lost_key_names_the_file_and_the_accounts_that_need_it() {
    let home = home();
    let folder = home.folder.path();
    home.store.add_account(&account("hotel", "secret"), at(0)).await.unwrap();
    home.store.add_account(&account("spa", "secret"), at(0)).await.unwrap();
    drop(home.store);
    std::fs::remove_file(folder.join("secret.key")).unwrap();
    let sentence = unusable(folder, Access::Write { verb: "test" });
    has_all(&sentence, &["secret.key", "restore it from the backup", "hotel, spa"]);
    assert!(!folder.join("secret.key").exists(), "a second key is never made silently");
}

#[tokio::test]
async fn another_stores_key_is_refused() {
    let home = home();
    let folder = home.folder.path();
    drop(home.store);
    std::fs::write(folder.join("secret.key"), [7; 32]).unwrap();
    has_all(&unusable(folder, Access::Read), &["secret.key", "another store"]);
    std::fs::write(folder.join("secret.key"), [7; 3]).unwrap();
    has_all(&unusable(folder, Access::Read), &["3 bytes instead of 32"]);
}
