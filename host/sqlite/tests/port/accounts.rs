//! Plugins, accounts and their sealed secrets.

use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::accounts::{
    AccountDraft, AccountStore, InstalledPlugin, KEPT_EARLIER_VERSIONS, OriginPause, PluginSource, Successor,
};
use postroom_store::syncs::SyncStore;

use crate::fixture::{Home, account, at, home, with_sync};

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

/// A version whose component is this text.
fn version(text: &str) -> InstalledPlugin {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let digits: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    InstalledPlugin { version: text.into(), approved: format!("\"{text}\""), ..plugin(&format!("sha256:{digits}")) }
}

fn components(home: &Home) -> usize {
    std::fs::read_dir(home.folder.path().join("plugins")).unwrap().count()
}

#[tokio::test]
async fn p2_a_plugin_is_kept_by_its_digest_and_checked_when_it_is_read() {
    let home = home();
    let store = &home.store;
    store.install_plugin(&plugin(ONE), b"one").await.unwrap();
    assert_eq!(store.plugin_component(&plugin(ONE)).await.unwrap(), b"one");
    store.install_plugin(&plugin(TWO), b"two").await.unwrap();
    assert_eq!(store.plugins().await.unwrap(), [plugin(TWO)]);
    assert_eq!(store.plugin_component(&plugin(TWO)).await.unwrap(), b"two");
    assert!(matches!(store.install_plugin(&plugin(ONE), b"two").await, Err(StoreError::Refused(_))));
    let file = home.folder.path().join("plugins").join(format!("{}.wasm", TWO.strip_prefix("sha256:").unwrap()));
    std::fs::write(file, "tampered").unwrap();
    let error = store.plugin_component(&plugin(TWO)).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unusable(text) if text.contains("install the plugin again")), "{error}");
}

#[tokio::test]
async fn p3_earlier_versions_are_kept_with_their_approvals_and_come_back_one_by_one() {
    let home = home();
    let store = &home.store;
    let all: Vec<InstalledPlugin> = (0..KEPT_EARLIER_VERSIONS + 2).map(|number| version(&number.to_string())).collect();
    for version in &all {
        store.install_plugin(version, version.version.as_bytes()).await.unwrap();
        // The same once more is no other version.
        store.install_plugin(version, version.version.as_bytes()).await.unwrap();
    }
    let latest_first: Vec<InstalledPlugin> = all.iter().rev().cloned().collect();
    assert_eq!(store.earlier_plugins("mailchimp").await.unwrap(), latest_first[1..=KEPT_EARLIER_VERSIONS]);
    assert_eq!(components(&home), KEPT_EARLIER_VERSIONS + 1, "what is beyond is gone");

    let refused = store.roll_back_plugin("mailchimp", &latest_first[2].digest).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "only what was shown comes back: {refused}");
    for (present, back) in latest_first.iter().zip(&latest_first[1..=KEPT_EARLIER_VERSIONS]) {
        store.roll_back_plugin("mailchimp", &back.digest).await.unwrap();
        assert_eq!(store.plugins().await.unwrap(), std::slice::from_ref(back));
        assert_eq!(store.plugin_component(back).await.unwrap(), back.version.as_bytes());
        assert!(store.plugin_component(present).await.is_err(), "the version that was left is gone");
    }
    assert_eq!(store.earlier_plugins("mailchimp").await.unwrap(), []);
    let last = &store.plugins().await.unwrap()[0];
    assert!(matches!(store.roll_back_plugin("mailchimp", &last.digest).await, Err(StoreError::Refused(_))));
    let nobody = store.roll_back_plugin("nobody", &last.digest).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { kind: "plugin", .. })));
}

#[tokio::test]
async fn a_component_that_two_versions_share_stays_while_one_of_them_is_there() {
    let home = home();
    let store = &home.store;
    let elsewhere = InstalledPlugin { source: "elsewhere".into(), ..plugin(ONE) };
    store.install_plugin(&plugin(ONE), b"one").await.unwrap();
    store.install_plugin(&elsewhere, b"one").await.unwrap();
    assert_eq!(store.earlier_plugins("mailchimp").await.unwrap(), [plugin(ONE)], "another source is another version");
    store.roll_back_plugin("mailchimp", ONE).await.unwrap();
    assert_eq!(store.plugin_component(&plugin(ONE)).await.unwrap(), b"one");
    store.install_plugin(&version("next"), b"next").await.unwrap();
    store.remove_plugin("mailchimp", Successor::None).await.unwrap();
    assert_eq!(components(&home), 0);
}

#[tokio::test]
async fn p4_an_account_remembers_where_the_plugin_came_from_that_has_its_secrets() {
    let home = home();
    let store = &home.store;
    let made = store.add_account(&account("hotel", "x"), at(0)).await.unwrap();
    assert_eq!(made.plugin_source, PluginSource::Bundled);
    let moved = PluginSource::Installed("vendor".into());
    let draft = AccountDraft { plugin_source: moved.clone(), ..account("hotel", "x") };
    assert_eq!(store.edit_account("hotel", &draft, at(1)).await.unwrap().plugin_source, moved);
    assert_eq!(store.account("hotel").await.unwrap().plugin_source, moved);
}

#[tokio::test]
async fn a_plugin_stays_while_accounts_use_it() {
    let home = home();
    let store = &home.store;
    store.install_plugin(&plugin(ONE), b"one").await.unwrap();
    store.add_account(&account("hotel", "x"), at(0)).await.unwrap();
    store.add_account(&account("spa", "x"), at(0)).await.unwrap();
    let used = store.remove_plugin("mailchimp", Successor::None).await.unwrap_err().to_string();
    assert_eq!(used, "the plugin `mailchimp` is used by the accounts hotel, spa: remove them first");
    store.remove_plugin("mailchimp", Successor::Bundled).await.unwrap();
    assert_eq!(store.plugins().await.unwrap(), []);
    assert!(matches!(
        store.remove_plugin("mailchimp", Successor::None).await,
        Err(StoreError::NotFound { kind: "plugin", .. })
    ));
}

#[tokio::test]
async fn what_a_provider_asked_for_is_kept_with_the_account_and_goes_with_it() {
    let home = home();
    let store = &home.store;
    let hotel = store.add_account(&account("hotel", "x"), at(0)).await.unwrap().id;
    let pause = |second| OriginPause { origin: "api".to_owned(), until: at(second) };
    store.keep_pauses(hotel, &[pause(60)]).await.unwrap();
    store.keep_pauses(hotel, &[pause(90)]).await.unwrap();
    assert_eq!(store.pauses(hotel).await.unwrap(), [pause(90)]);
    store.keep_pauses(hotel, &[]).await.unwrap();
    assert_eq!(store.pauses(hotel).await.unwrap(), []);
    store.keep_pauses(hotel, &[pause(60)]).await.unwrap();
    store.remove_account("hotel").await.unwrap();
    assert!(matches!(store.keep_pauses(hotel, &[pause(60)]).await, Err(StoreError::NotFound { kind: "account", .. })));
}
