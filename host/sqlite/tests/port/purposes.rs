//! Consent for one list or one purpose: recorded beside the whole, kept as long as what it is about, and seen by
//! what a run reads (rows B7 and D3).

use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, ConsentState, Will};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::TagState;
use postroom_domain::narrowing::{Scope, narrowed};
use postroom_domain::purpose::{LegalBasis, PurposeChange};
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::contacts::{ContactDetail, ContactRef, ContactStore, ContactUpsert};
use postroom_store::discovery::Look;
use postroom_store::erasure::ErasureStore;
use postroom_store::lists::{ImportMode, ListStore, StatedConsent};
use postroom_store::purposes::PurposeStore;
use postroom_store::runs::{BatchRecord, DepartedRow, RunStart, RunStore, SnapshotContent};
use postroom_store::segments::SegmentStore;
use postroom_store::syncs::{SyncDraft, SyncStore};

use crate::fixture::{
    Home, add, at, event, home, import, purpose, row, start, sync_draft, upsert, who, with_consent, with_sync,
};

const JANA: &str = "jana@example.cz";

fn list(name: &str) -> Scope {
    Scope::List(name.to_owned())
}

fn newsletter() -> Scope {
    Scope::Purpose("newsletter".parse().unwrap())
}

fn withdrawn(second: i64, scope: Scope) -> ConsentEvent {
    event(second, ConsentAct::Withdrawn, ConsentSource::Contact, None).about(scope)
}

fn own_opt_in(second: i64, scope: Scope) -> ConsentEvent {
    event(second, ConsentAct::Granted, ConsentSource::Contact, Some("form of 2 May")).about(scope)
}

async fn detail(store: &SqliteStore, address: &str) -> ContactDetail {
    store.contact(&who(address)).await.unwrap().unwrap()
}

/// What a contact said for the newsletter.
async fn said(store: &SqliteStore, address: &str) -> Will {
    let detail = detail(store, address).await;
    detail.purposes.iter().find(|standing| standing.purpose.name.as_str() == "newsletter").unwrap().will
}

/// A store with Jana, the list guests and the purpose newsletter.
async fn with_jana() -> Home {
    let home = home();
    home.store.create_list("guests", at(0)).await.unwrap();
    home.store.add_purpose(&purpose("newsletter", LegalBasis::Consent)).await.unwrap();
    add(&home.store, JANA).await;
    home
}

#[tokio::test]
async fn d3_what_is_said_for_a_list_or_a_purpose_stands_beside_the_whole() {
    let home = with_jana().await;
    let store = &home.store;
    let granted = event(2, ConsentAct::Granted, ConsentSource::Operator, Some("form"));
    assert_eq!(store.record_consent(&who(JANA), &granted).await.unwrap(), ConsentState::Granted);
    for scope in [list("guests"), newsletter()] {
        let state = store.record_consent(&who(JANA), &withdrawn(3, scope.clone())).await.unwrap();
        assert_eq!(state, ConsentState::Withdrawn);
        let again = event(4, ConsentAct::Granted, ConsentSource::Operator, Some("says so")).about(scope.clone());
        assert_eq!(store.record_consent(&who(JANA), &again).await.unwrap(), ConsentState::Withdrawn);
    }
    let jana = detail(store, JANA).await;
    assert_eq!(jana.contact.consent, ConsentState::Granted);
    assert_eq!(jana.unsubscribed, ["guests"]);
    assert_eq!((jana.purposes[0].will, jana.purposes[0].consent), (Will::Withdrawn, ConsentState::Withdrawn));
    let scopes: Vec<Scope> = jana.consent_history.iter().map(|event| event.scope.clone()).collect();
    assert_eq!(scopes, [Scope::Whole, list("guests"), newsletter(), list("guests"), newsletter()]);

    for scope in [list("guests"), newsletter()] {
        let state = store.record_consent(&who(JANA), &own_opt_in(5, scope)).await.unwrap();
        assert_eq!(state, ConsentState::Granted);
    }
    let jana = detail(store, JANA).await;
    assert_eq!((jana.unsubscribed.len(), jana.purposes[0].consent), (0, ConsentState::Granted));
}

#[tokio::test]
async fn news_that_come_late_are_put_where_they_belong_and_unknown_scopes_are_named() {
    let home = with_jana().await;
    let store = &home.store;
    store.record_consent(&who(JANA), &own_opt_in(9, newsletter())).await.unwrap();
    let late = store.record_consent(&who(JANA), &withdrawn(4, newsletter())).await.unwrap();
    assert_eq!(late, ConsentState::Granted);
    let nowhere = store.record_consent(&who(JANA), &withdrawn(4, list("nobody"))).await.unwrap_err();
    assert!(matches!(nowhere, StoreError::NotFound { kind: "list", .. }), "{nowhere}");
    let nothing = store.record_consent(&who(JANA), &withdrawn(4, Scope::Purpose("no-such".parse().unwrap()))).await;
    assert!(matches!(nothing, Err(StoreError::NotFound { kind: "purpose", .. })), "{nothing:?}");
    let bounced = event(4, ConsentAct::Bounced, ConsentSource::Provider, None).about(newsletter());
    let refused = store.record_consent(&who(JANA), &bounced).await.unwrap_err();
    assert!(refused.to_string().contains("without a list and without a purpose"), "{refused}");
}

#[tokio::test]
async fn b7_a_renamed_list_keeps_its_subscriptions_and_a_deleted_one_only_its_name_in_histories() {
    let home = with_jana().await;
    let store = &home.store;
    store.record_consent(&who(JANA), &withdrawn(2, list("guests"))).await.unwrap();
    store.rename_list("guests", "visitors", at(3)).await.unwrap();
    let jana = detail(store, JANA).await;
    assert_eq!((jana.unsubscribed, &jana.consent_history[0].scope), (vec!["visitors".to_owned()], &list("visitors")));
    store.delete_list("visitors", at(4)).await.unwrap();
    store.create_list("visitors", at(5)).await.unwrap();
    let jana = detail(store, JANA).await;
    assert_eq!(jana.unsubscribed, Vec::<String>::new(), "another list of the name is another list");
    assert_eq!(jana.consent_history[0].scope, Scope::FormerList("visitors".to_owned()));
    let former = withdrawn(6, Scope::FormerList("visitors".to_owned()));
    assert!(matches!(store.record_consent(&who(JANA), &former).await, Err(StoreError::NotFound { kind: "list", .. })));
}

#[tokio::test]
async fn d3_a_purpose_keeps_its_name_and_is_not_removed_while_a_sync_or_a_segment_names_it() {
    let (home, _) = with_sync(&[JANA]).await;
    let store = &home.store;
    let newsletter = purpose("newsletter", LegalBasis::Consent);
    store.add_purpose(&newsletter).await.unwrap();
    assert!(matches!(store.add_purpose(&newsletter).await, Err(StoreError::Taken { kind: "purpose", .. })));
    let change = PurposeChange { basis: Some(LegalBasis::Contract), ..PurposeChange::default() };
    let changed = store.change_purpose(&newsletter.name, &change).await.unwrap();
    assert_eq!((changed.basis, &changed.label), (LegalBasis::Contract, &newsletter.label));
    assert_eq!(store.purposes().await.unwrap(), std::slice::from_ref(&changed));
    let no_label = PurposeChange { label: Some(" ".to_owned()), ..PurposeChange::default() };
    assert!(matches!(store.change_purpose(&newsletter.name, &no_label).await, Err(StoreError::Refused(_))));

    let draft = SyncDraft { purpose: Some(newsletter.name.clone()), ..sync_draft("guests", "guests", "Guests") };
    let sync = store.edit_sync("guests", &draft, at(5)).await.unwrap();
    assert_eq!(sync.purpose, Some(changed.terms()));
    let refused = store.remove_purpose(&newsletter.name).await.unwrap_err().to_string();
    assert_eq!(refused, "the purpose `newsletter` is used by the sync guests: remove it first");
    store.edit_sync("guests", &sync_draft("guests", "guests", "Guests"), at(6)).await.unwrap();

    let condition = postroom_domain::segment::parse("consent(\"newsletter\") = granted").unwrap().condition;
    store.save_segment("readers", &condition, at(7)).await.unwrap();
    let refused = store.remove_purpose(&newsletter.name).await.unwrap_err().to_string();
    assert_eq!(refused, "the purpose `newsletter` is used by the segment readers: remove it first");
    store.delete_segment("readers").await.unwrap();
    store.remove_purpose(&newsletter.name).await.unwrap();
    assert_eq!(store.purposes().await.unwrap(), []);
    assert!(matches!(store.remove_purpose(&newsletter.name).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_purpose_that_is_removed_and_added_again_lifts_no_withdrawal() {
    let home = with_jana().await;
    let store = &home.store;
    store.record_consent(&who(JANA), &withdrawn(2, newsletter())).await.unwrap();
    let before = purpose("newsletter", LegalBasis::Consent);
    store.remove_purpose(&before.name).await.unwrap();
    assert_eq!(detail(store, JANA).await.consent_history[0].scope, newsletter(), "the history tells of it");
    store.add_purpose(&purpose("newsletter", LegalBasis::LegitimateInterest)).await.unwrap();
    assert_eq!(said(store, JANA).await, Will::Withdrawn);
}

#[tokio::test]
async fn a_merge_joins_what_both_said_and_both_addresses_keep_it() {
    let home = with_jana().await;
    let store = &home.store;
    let other = "jana@example.com";
    add(store, other).await;
    store.record_consent(&who(JANA), &own_opt_in(2, newsletter())).await.unwrap();
    store.record_consent(&who(other), &withdrawn(3, newsletter())).await.unwrap();
    store.record_consent(&who(other), &withdrawn(3, list("guests"))).await.unwrap();
    store.merge_contacts(&who(JANA), &who(other), at(4)).await.unwrap();
    assert_eq!(said(store, JANA).await, Will::Withdrawn);
    assert_eq!(detail(store, JANA).await.unsubscribed, ["guests"]);
    assert_eq!(said(store, other).await, Will::Withdrawn, "it finds the one that stayed");
    store.delete_contact(&who(JANA), at(5)).await.unwrap();
    add(store, other).await;
    assert_eq!((said(store, other).await, detail(store, other).await.unsubscribed.len()), (Will::Withdrawn, 1));
}

#[tokio::test]
async fn who_is_deleted_or_moves_leaves_withdrawals_with_the_address_and_who_is_erased_leaves_nothing() {
    let home = with_jana().await;
    let store = &home.store;
    for scope in [list("guests"), newsletter()] {
        store.record_consent(&who(JANA), &withdrawn(2, scope)).await.unwrap();
    }
    let moved = "jana.nova@example.cz";
    store.upsert_contact(&ContactUpsert { who: Some(who(JANA)), ..upsert(moved, &[]) }).await.unwrap();
    assert_eq!(said(store, moved).await, Will::Withdrawn, "the person takes it along");
    // A file that states a grant makes the next contact of the address.
    let consent = StatedConsent { evidence: "form".to_owned(), purposes: vec!["newsletter".parse().unwrap()] };
    let file = postroom_store::lists::ImportStart { consent: Some(consent), ..start("guests", ImportMode::Add) };
    let (report, _) = import(store, &file, vec![row(2, "", JANA, "Jana")]).await;
    assert_eq!((report.counts.purposes_recorded, report.counts.purposes_kept_withdrawn), (0, 1));
    let back = detail(store, JANA).await;
    assert_eq!((back.contact.consent, said(store, JANA).await), (ConsentState::Granted, Will::Withdrawn));
    assert_eq!(back.unsubscribed, ["guests"]);

    store.delete_contact(&who(moved), at(6)).await.unwrap();
    add(store, moved).await;
    assert_eq!(said(store, moved).await, Will::Withdrawn);
    store.delete_contact(&who(moved), at(7)).await.unwrap();
    let id = detail(store, JANA).await.contact.id;
    store.erase_contact(&who(JANA), at(8)).await.unwrap();
    drop(home.store);
    let database = rusqlite::Connection::open(home.folder.path().join("postroom.db")).unwrap();
    for table in ["list_withdrawals", "purpose_wills", "consent_events"] {
        let rows: i64 = database
            .query_row(&format!("SELECT count(*) FROM {table} WHERE contact_id = ?"), [id.0], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0, "{table}");
    }
    let kept: i64 = database.query_row("SELECT count(*) FROM scope_suppressions", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 2, "only of the address that was deleted and not erased");
}

#[tokio::test]
async fn an_import_states_its_grant_for_purposes_once_and_lifts_nothing() {
    let home = with_jana().await;
    let store = &home.store;
    for address in ["objects@example.cz", "left@example.cz"] {
        add(store, address).await;
    }
    store.record_consent(&who("objects@example.cz"), &withdrawn(2, newsletter())).await.unwrap();
    store.record_consent(&who("left@example.cz"), &withdrawn(2, Scope::Whole)).await.unwrap();
    let mut file = with_consent(start("guests", ImportMode::Add));
    let consent = StatedConsent { evidence: "form".to_owned(), purposes: vec!["newsletter".parse().unwrap()] };
    file.consent = Some(consent);
    let people = ["new@example.cz", JANA, "objects@example.cz", "left@example.cz"];
    let rows = || (2..).zip(people).map(|(line, address)| row(line, "", address, "N")).collect();
    let counts = import(store, &file, rows()).await.0.counts;
    assert_eq!((counts.purposes_recorded, counts.purposes_kept_withdrawn), (2, 1));
    for (address, expected) in people.into_iter().zip([Will::Granted, Will::Granted, Will::Withdrawn, Will::Unknown]) {
        assert_eq!(said(store, address).await, expected, "{address}");
    }
    let events = detail(store, JANA).await.consent_history.len();
    let counts = import(store, &file, rows()).await.0.counts;
    assert_eq!((counts.purposes_recorded, counts.purposes_kept_withdrawn), (0, 1));
    assert_eq!(detail(store, JANA).await.consent_history.len(), events, "nothing is granted twice");
    let consent = StatedConsent { evidence: "form".to_owned(), purposes: vec!["no-such".parse().unwrap()] };
    file.consent = Some(consent);
    assert!(matches!(
        postroom_store::lists::ImportStore::begin_import(store, &file).await,
        Err(StoreError::NotFound { kind: "purpose", .. })
    ));
}

/// Puts contacts on the list, with the tag on, that said everything that can be said, each in another way.
async fn say_everything(store: &SqliteStore, sync: i64) {
    use ConsentAct::{Asked, Bounced, Granted, Withdrawn};
    let start = RunStart { sync, first: None, plugin_digest: String::new(), unchanged: 0, at: at(20) };
    let run = store.begin_run(&start).await.unwrap();
    let mut number = 0;
    for whole in [None, Some(Asked), Some(Granted), Some(Withdrawn), Some(Bounced)] {
        for for_list in [None, Some(Granted), Some(Withdrawn)] {
            for for_purpose in [None, Some(Asked), Some(Granted), Some(Withdrawn)] {
                number += 1;
                let address = format!("guest{number}@example.cz");
                let id = add(store, &address).await;
                store.add_entry("guests", &ContactRef::Id(id), at(2)).await.unwrap();
                let acts = [(whole, Scope::Whole), (for_list, list("guests")), (for_purpose, newsletter())];
                for (act, scope) in acts.into_iter().filter_map(|(act, scope)| Some((act?, scope))) {
                    let event = event(3, act, ConsentSource::Operator, Some("form")).about(scope);
                    store.record_consent(&ContactRef::Id(id), &event).await.unwrap();
                }
                let owned = TagState { owned: Some("Guests".to_owned()), refused: None };
                let record = BatchRecord { tags: vec![(id, owned)], ..BatchRecord::default() };
                store.record_batch(run, record).await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn the_store_and_the_rule_agree_on_who_withdrew_here() {
    let (home, sync) = with_sync(&[]).await;
    let store = &home.store;
    store.add_purpose(&purpose("newsletter", LegalBasis::Consent)).await.unwrap();
    for terms in [None, Some(purpose("newsletter", LegalBasis::Consent).terms())] {
        let name = terms.as_ref().map(|terms| terms.name.clone());
        let draft = SyncDraft { purpose: name, ..sync_draft("guests", "guests", "Guests") };
        store.edit_sync("guests", &draft, at(5)).await.unwrap();
        if terms.is_none() {
            say_everything(store, sync.id).await;
        }
        let look = Look { sync: sync.id, settings: [1; 16], plugin_digest: String::new(), full: true, at: at(30) };
        let open = store.open_entries(&look).await.unwrap();
        assert!(open.tagged_departed);
        let rows = store.snapshot(sync.id, [1; 16], &open.page(0, usize::MAX)).await.unwrap().rows;
        let mut by_rule = Vec::new();
        for row in rows {
            let SnapshotContent::Contact(contact) = row.content else { panic!("a contact") };
            let purpose = terms.as_ref().map(|terms| (terms, contact.purpose_will));
            let here = narrowed(contact.consent, Some(("guests", contact.list_will)), purpose);
            if here.withdrawn_here().is_some() {
                by_rule.push(contact.contact);
            }
        }
        let departed: Vec<DepartedRow> = store.departed(sync.id, true, ContactId(0), 1_000).await.unwrap().rows;
        assert!(departed.iter().all(|row| row.withdrew_here && !row.owes_opt_out));
        let by_store: Vec<ContactId> = departed.iter().map(|row| row.contact).collect();
        assert_eq!(by_rule, by_store);
        assert!(!by_store.is_empty());
    }
}

#[tokio::test]
async fn what_is_said_for_another_list_narrows_nothing_here() {
    let (home, sync) = with_sync(&[JANA, "petr@example.cz"]).await;
    let store = &home.store;
    store.create_list("spa", at(0)).await.unwrap();
    let rows = || async { store.snapshot(sync.id, [1; 16], &[1, 2]).await.unwrap().rows };
    let before = rows().await;
    store.record_consent(&who(JANA), &withdrawn(2, list("spa"))).await.unwrap();
    assert_eq!(rows().await, before);
    // That somebody else is narrowed here changes nothing about a contact either.
    store.record_consent(&who("petr@example.cz"), &withdrawn(2, list("guests"))).await.unwrap();
    let after = rows().await;
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1], before[1]);
}
