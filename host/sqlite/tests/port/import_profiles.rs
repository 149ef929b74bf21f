//! Import profiles: saved under a name, replaced, and deleted.

use postroom_store::StoreError;
use postroom_store::import_profiles::ImportProfileStore;

use crate::fixture::{at, home, sequence};

#[tokio::test]
async fn a_profile_is_saved_replaced_and_deleted_and_moves_nobody() {
    let home = home();
    let store = &home.store;
    let before = sequence(store).await;
    assert!(store.save_import_profile("hotel", "{\"key\":\"No\"}", at(1)).await.unwrap());
    assert!(store.save_import_profile("bar", "{}", at(2)).await.unwrap());
    assert!(!store.save_import_profile("hotel", "{\"key\":\"ID\"}", at(3)).await.unwrap());
    let hotel = store.import_profile("hotel").await.unwrap();
    assert_eq!((hotel.profile.as_str(), hotel.created_at, hotel.updated_at), ("{\"key\":\"ID\"}", at(1), at(3)));
    let names = store.import_profiles().await.unwrap().into_iter().map(|saved| saved.name);
    assert_eq!(names.collect::<Vec<_>>(), ["bar", "hotel"]);
    store.delete_import_profile("hotel").await.unwrap();
    for missing in
        [store.delete_import_profile("hotel").await.unwrap_err(), store.import_profile("hotel").await.unwrap_err()]
    {
        assert!(matches!(missing, StoreError::NotFound { kind: "import profile", .. }), "{missing}");
    }
    assert_eq!(sequence(store).await, before);
}
