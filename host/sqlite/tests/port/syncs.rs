//! Syncs and what two of them may not both do.

use postroom_domain::decision::Newcomers;
use postroom_domain::mapping::{Mapping, PartSource, Target, TargetSource};
use postroom_store::StoreError;
use postroom_store::lists::ListStore;
use postroom_store::runs::RunStore;
use postroom_store::syncs::{SyncDraft, SyncStore};

use crate::fixture::{at, mapping, sync_draft, with_sync};

fn refusal(error: StoreError) -> String {
    match error {
        StoreError::Refused(sentence) => sentence,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a2_a_sync_keeps_what_it_was_given() {
    let (home, sync) = with_sync(&[]).await;
    let store = &home.store;
    assert_eq!(store.sync("guests").await.unwrap(), sync);
    assert_eq!(sync.mapping, mapping(&[("firstname", "FNAME")]));
    assert_eq!((sync.audience.account.as_str(), sync.audience.remote_id.as_str()), ("hotel", "a1"));
    assert_eq!((sync.last_run, sync.finished_runs), (None, 0));
    let draft = SyncDraft {
        newcomers: Newcomers::Unsubscribed,
        audience_name: "Renamed there".into(),
        ..sync_draft("visitors", "guests", "Visitors")
    };
    let edited = store.edit_sync("guests", &draft, at(9)).await.unwrap();
    assert_eq!(
        (edited.id, edited.newcomers, edited.tag.as_deref()),
        (sync.id, Newcomers::Unsubscribed, Some("Visitors"))
    );
    assert_eq!(edited.audience.name, "Renamed there");
    assert!(matches!(store.sync("guests").await, Err(StoreError::NotFound { kind: "sync", .. })));
    store.remove_sync("visitors").await.unwrap();
    assert_eq!(store.syncs().await.unwrap(), []);
    assert!(matches!(store.snapshot(sync.id, [0; 16], &[1]).await, Err(StoreError::NotFound { kind: "sync", .. })));
}

#[tokio::test]
async fn names_lists_and_accounts_are_checked() {
    let (home, _) = with_sync(&[]).await;
    let store = &home.store;
    let taken = store.add_sync(&sync_draft("guests", "guests", "Other"), at(1)).await.unwrap_err();
    assert_eq!(taken, StoreError::Taken { kind: "sync", name: "guests".into() });
    let no_list = store.add_sync(&sync_draft("x", "nobody", "Other"), at(1)).await;
    assert!(matches!(no_list, Err(StoreError::NotFound { kind: "list", .. })));
    let no_account = SyncDraft { account: "nobody".into(), ..sync_draft("x", "guests", "Other") };
    assert!(matches!(store.add_sync(&no_account, at(1)).await, Err(StoreError::NotFound { kind: "account", .. })));
}

#[tokio::test]
async fn two_syncs_into_one_audience_own_different_tags() {
    let (home, _) = with_sync(&[]).await;
    let store = &home.store;
    store.create_list("staff", at(1)).await.unwrap();
    let sentence = refusal(store.add_sync(&sync_draft("staff", "staff", "GUESTS"), at(1)).await.unwrap_err());
    assert!(sentence.contains("the sync `guests`") && sentence.contains("`Guests`"), "{sentence}");
    let elsewhere = SyncDraft { audience_remote_id: "a2".into(), ..sync_draft("elsewhere", "staff", "Guests") };
    store.add_sync(&elsewhere, at(1)).await.unwrap();
    store.add_sync(&sync_draft("staff", "staff", "Staff"), at(1)).await.unwrap();
    let edited = store.edit_sync("staff", &sync_draft("staff", "staff", "guests"), at(2)).await;
    refusal(edited.unwrap_err());
    // Its own tag is nobody else's.
    store.edit_sync("staff", &sync_draft("staff", "staff", "STAFF"), at(2)).await.unwrap();
    for name in ["untagged", "untagged too"] {
        store.add_sync(&SyncDraft { tag: None, ..sync_draft(name, "staff", "") }, at(3)).await.unwrap();
    }
}

fn parts(sources: &[(&str, Option<&str>)]) -> Mapping {
    let parts = sources.iter().map(|(part, source)| PartSource {
        part: (*part).into(),
        required: true,
        source: source.map(|path| path.parse().unwrap()),
    });
    let source = TargetSource::Parts(parts.collect());
    Mapping { targets: vec![Target { field: "ADDRESS".into(), kind: "address".into(), source }] }
}

#[tokio::test]
async fn two_syncs_into_one_audience_fill_a_field_alike() {
    let (home, _) = with_sync(&[]).await;
    let store = &home.store;
    let draft = |name: &str, mapping: Mapping| SyncDraft { mapping, ..sync_draft(name, "guests", name) };
    let other = store.add_sync(&draft("b", mapping(&[("lastname", "FNAME")])), at(1)).await;
    let sentence = refusal(other.unwrap_err());
    assert!(sentence.contains("the sync `guests`") && sentence.contains("`FNAME`"), "{sentence}");
    store.add_sync(&draft("b", mapping(&[("firstname", "FNAME"), ("lastname", "LNAME")])), at(1)).await.unwrap();
    store.add_sync(&draft("c", parts(&[("city", Some("address.city")), ("zip", None)])), at(1)).await.unwrap();
    for (differing, field) in [
        (parts(&[("city", Some("company")), ("zip", None)]), "`ADDRESS.city`"),
        (parts(&[("city", Some("address.city")), ("zip", Some("address.zip"))]), "`ADDRESS.zip`"),
        (mapping(&[("company", "ADDRESS")]), "`ADDRESS`"),
    ] {
        let sentence = refusal(store.add_sync(&draft("d", differing), at(1)).await.unwrap_err());
        assert!(sentence.contains("the sync `c`") && sentence.contains(field), "{sentence}");
    }
}

#[tokio::test]
async fn list_and_audience_of_a_sync_cannot_be_exchanged() {
    let (home, _) = with_sync(&[]).await;
    let store = &home.store;
    store.create_list("staff", at(1)).await.unwrap();
    let list = store.edit_sync("guests", &sync_draft("guests", "staff", "Guests"), at(2)).await;
    assert!(refusal(list.unwrap_err()).contains("takes the list `guests`"));
    let elsewhere = SyncDraft { audience_remote_id: "a2".into(), ..sync_draft("guests", "guests", "Guests") };
    assert!(refusal(store.edit_sync("guests", &elsewhere, at(2)).await.unwrap_err()).contains("another sync"));
}
