//! Plugins, accounts and their sealed secrets.

use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::accounts::{AccountStore, InstalledPlugin};
use postroom_store::syncs::SyncStore;

use crate::fixture::{account, at, home, with_sync};

const SECRET: &str = "9f1c2d7e-plain-as-day-us21";

#[tokio::test]
async fn c1_a_key_is_replaced_and_its_account_stays() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let edited = store.edit_account("hotel", &account("castle", "another"), at(9)).await.unwrap();
    assert_eq!((edited.name.as_str(), edited.updated_at, edited.slots), ("castle", at(9), vec!["api-key".to_owned()]));
    assert_eq!(store.account_secrets("castle").await.unwrap()["api-key"].0.as_str(), "another");
    assert_eq!(store.sync("guests").await.unwrap().id, sync.id);
    let mut settings_only = account("castle", "");
    settings_only.secrets.clear();
    store.edit_account("castle", &settings_only, at(10)).await.unwrap();
    assert_eq!(store.account_secrets("castle").await.unwrap()["api-key"].0.as_str(), "another");
}

#[tokio::test]
async fn accounts_have_names_of_their_own_and_stay_while_a_sync_uses_them() {
    let (home, _) = with_sync(&[]).await;
    let store = &home.store;
    let added = store.add_account(&account("spa", "x"), at(1)).await.unwrap();
    assert_eq!(store.account("spa").await.unwrap(), added);
    assert_eq!(added.settings["region"], "eu");
    let taken = StoreError::Taken { kind: "account", name: "hotel".into() };
    assert_eq!(store.add_account(&account("hotel", "x"), at(1)).await.unwrap_err(), taken);
    assert_eq!(store.edit_account("spa", &account("hotel", "x"), at(1)).await.unwrap_err(), taken);
    let used = store.remove_account("hotel").await.unwrap_err().to_string();
    assert_eq!(used, "the account `hotel` is used by the sync guests: remove it first");
    store.remove_account("spa").await.unwrap();
    assert!(matches!(store.account("spa").await, Err(StoreError::NotFound { kind: "account", .. })));
    assert_eq!(store.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn c1_a_secret_stands_in_no_file_in_the_clear() {
    let home = home();
    home.store.add_account(&account("hotel", SECRET), at(0)).await.unwrap();
    let has_secret = |folder: &std::path::Path| {
        std::fs::read_dir(folder).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
        })
    };
    assert!(!has_secret(home.folder.path()), "with the log still there");
    let store = home.store;
    assert!(!format!("{:?}", store.account_secrets("hotel").await.unwrap()).contains(SECRET));
    drop(store);
    assert!(!has_secret(home.folder.path()), "with everything in the database");
    let store = SqliteStore::open(home.folder.path(), Access::Read).unwrap();
    assert_eq!(store.account_secrets("hotel").await.unwrap()["api-key"].0.as_str(), SECRET);
}

fn plugin(digest: &str) -> InstalledPlugin {
    InstalledPlugin {
        id: "mailchimp".into(),
        version: "0.1.0".into(),
        digest: digest.into(),
        source: "mailchimp.wasm".into(),
        approved: "{}".into(),
        installed_at: at(1),
    }
}

/// The SHA-256 digests of `one` and `two`.
const ONE: &str = "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
const TWO: &str = "sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3";

#[tokio::test]
async fn p2_a_plugin_is_kept_by_its_digest_and_checked_when_it_is_read() {
    let home = home();
    let store = &home.store;
    store.install_plugin(&plugin(ONE), b"one").await.unwrap();
    assert_eq!(store.plugin_component("mailchimp").await.unwrap(), b"one");
    store.install_plugin(&plugin(TWO), b"two").await.unwrap();
    assert_eq!(store.plugins().await.unwrap(), [plugin(TWO)]);
    let files: Vec<_> = std::fs::read_dir(home.folder.path().join("plugins")).unwrap().map(|f| f.unwrap()).collect();
    assert_eq!(files.len(), 1, "the component that was replaced is gone");
    assert!(matches!(store.install_plugin(&plugin(ONE), b"two").await, Err(StoreError::Refused(_))));
    std::fs::write(files[0].path(), "tampered").unwrap();
    let error = store.plugin_component("mailchimp").await.unwrap_err();
    assert!(matches!(&error, StoreError::Unusable(text) if text.contains("install the plugin again")), "{error}");
}

#[tokio::test]
async fn a_plugin_stays_while_accounts_use_it() {
    let home = home();
    let store = &home.store;
    store.install_plugin(&plugin(ONE), b"one").await.unwrap();
    store.add_account(&account("hotel", "x"), at(0)).await.unwrap();
    store.add_account(&account("spa", "x"), at(0)).await.unwrap();
    let used = store.remove_plugin("mailchimp").await.unwrap_err().to_string();
    assert_eq!(used, "the plugin `mailchimp` is used by the accounts hotel, spa: remove them first");
    store.remove_account("hotel").await.unwrap();
    store.remove_account("spa").await.unwrap();
    store.remove_plugin("mailchimp").await.unwrap();
    assert!(matches!(store.plugin_component("mailchimp").await, Err(StoreError::NotFound { kind: "plugin", .. })));
}
