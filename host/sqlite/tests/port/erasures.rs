//! Erasing a person: gone from every file, kept out, and known to the providers that had it.

use std::path::Path;

use postroom_domain::consent::{ConsentAct, ConsentSource, ConsentState};
use postroom_domain::contact::ContactId;
use postroom_domain::decision::RemoteStatus;
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentKind, IntentState, Settlement};
use postroom_domain::outcome::Reason;
use postroom_domain::projection::Base;
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::accounts::AccountStore;
use postroom_store::contacts::{ContactRef, ContactStore, ContactUpsert};
use postroom_store::erasure::{ErasureAnswer, ErasureState, ErasureStore};
use postroom_store::intents::{Answer, Claim, Decision, IntentDraft, IntentQuery, IntentStore};
use postroom_store::lists::{ImportMode, ImportStore, ListStore};
use postroom_store::runs::{BatchRecord, Confirmation, ConfirmedContent, RunStart, RunStore};
use postroom_store::syncs::SyncStore;
use postroom_store::workspace::WorkspaceStore;

use crate::fixture::{account, add, at, email, event, home, import, row, start, sync_draft, upsert, who};
use crate::intents;

/// What nobody may find any more.
const TRACES: [&str; 5] = ["jana.novakova", "Zizkov-Nova", "form-of-jana", "member-of-jana", "intent-of-jana"];

/// The traces that stand in any file of a folder, as the bytes lie there.
fn traces_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for trace in TRACES {
            if bytes.windows(trace.len()).any(|window| window.eq_ignore_ascii_case(trace.as_bytes())) {
                found.push(format!("{trace} in {}", path.display()));
            }
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// A sync of the list `guests` whose provider has confirmed a contact.
async fn confirmed(store: &SqliteStore, contact: ContactId, address: &str) {
    store.add_account(&account("hotel", "secret"), at(3)).await.unwrap();
    let sync = store.add_sync(&sync_draft("guests", "guests", "Guests"), at(3)).await.unwrap().id;
    let start = RunStart { sync, first: None, plugin_digest: "sha256:00".into(), unchanged: 0, at: at(4) };
    let run = store.begin_run(&start).await.unwrap();
    let content = ConfirmedContent { address: email(address), hash: [7; 16], base: Base::new() };
    let confirmation = Confirmation {
        contact,
        remote_id: Some("member-of-jana".to_owned()),
        status: Some(RemoteStatus::Subscribed),
        content: Some(content),
    };
    store.record_batch(run, BatchRecord { confirmed: vec![confirmation], ..BatchRecord::default() }).await.unwrap();
}

/// Intents of a contact that hold its data: planned, claimed, armed, in doubt, and ended with what a provider said.
async fn intended(store: &SqliteStore, contact: ContactId, address: &str) {
    let account = store.account("hotel").await.unwrap().id;
    let lane = store.take_over_lane(account, "one", at(6)).await.unwrap().lane;
    let want = format!("{{\"to\":\"{address}\",\"lastname\":\"Zizkov-Nova\"}} intent-of-jana");
    let said = |id, meaning| Answer {
        reason: Some(Reason::new("said", format!("intent-of-jana: {address} is full"))),
        evidence: Some("intent-of-jana".to_owned()),
        ..intents::answer(id, meaning)
    };
    for (number, meaning) in [
        (1, Some(Meaning::Accepted)),
        (2, Some(Meaning::Refused)),
        (3, Some(Meaning::NotDone { counts: true })),
        (4, Some(Meaning::Unclear { counts: true })),
        (5, None),
    ] {
        let draft = intents::draft(&lane, contact, IntentKind::TemplateSend, &format!("send:{number}"));
        let id = intents::plan(store, &IntentDraft { want: want.clone(), ..draft }).await;
        intents::claim(store, &lane, 7).await;
        assert_eq!(intents::arm(store, &lane, id, 7).await, Ok(()));
        if let Some(meaning) = meaning {
            store.record_answers(&lane, &[said(id, meaning)], at(8)).await.unwrap();
        }
    }
    for key in ["claimed", "planned"] {
        let draft = intents::draft(&lane, contact, IntentKind::TemplateSend, key);
        intents::plan(store, &IntentDraft { want: want.clone(), ..draft }).await;
        let limit = u32::from(key == "claimed");
        store.claim_intents(&lane, Claim { up_to: Class::Bulk, limit }, at(8)).await.unwrap();
    }
    let doubtful = IntentQuery { state: Some(IntentState::InDoubt), limit: 1, ..IntentQuery::default() };
    let doubtful = store.intents(&doubtful).await.unwrap()[0].id;
    let decision = Decision {
        settlement: Settlement::SendAgain,
        by: "eva".to_owned(),
        evidence: format!("{address} says that nothing came: intent-of-jana"),
    };
    store.resolve_doubt(doubtful, &decision, at(8)).await.unwrap();
}

#[tokio::test]
async fn an_erased_person_is_in_no_file_any_more_and_does_not_come_back() {
    let home = home();
    let store = &home.store;
    // Enough others before and after that the pages have split and merged around the one.
    for number in 0..300 {
        add(store, &format!("guest{number}@example.cz")).await;
    }
    let jana = "jana.novakova@example.cz";
    store.upsert_contact(&upsert("JANA.NOVAKOVA@example.com", &[("lastname", "Zizkov-Nova")])).await.unwrap();
    let rename = ContactUpsert { who: Some(who("jana.novakova@example.com")), ..upsert(jana, &[]) };
    store.upsert_contact(&rename).await.unwrap();
    let grant = event(5, ConsentAct::Granted, ConsentSource::Contact, Some("form-of-jana"));
    store.record_consent(&who(jana), &grant).await.unwrap();
    store.tag_contact(&who(jana), "VIP", true, at(5)).await.unwrap();
    for round in [7, 7] {
        let rows = (0..300).map(|number| row(number + 2, "", &format!("guest{number}@example.cz"), "N"));
        // The second can't be read, and is about her all the same.
        let hers = [
            row(400, &round.to_string(), jana, "Zizkov-Nova"),
            row(401, "", "Jana.Novakova@example.cz, or so", "Zizkov-Nova"),
        ];
        let rows = rows.chain(hers);
        import(store, &start("guests", ImportMode::Replace), rows.collect()).await;
    }
    // Somebody of another address turned out to be the same.
    let second = "jana.novakova@second.example";
    store.upsert_contact(&upsert(second, &[("firstname", "Zizkov-Nova")])).await.unwrap();
    store.merge_contacts(&who(jana), &who(second), at(9)).await.unwrap();
    let id = store.contact(&who(jana)).await.unwrap().unwrap().contact.id;
    confirmed(store, id, jana).await;
    let before = traces_in(home.folder.path()).len();
    intended(store, id, jana).await;
    assert!(traces_in(home.folder.path()).len() > before, "the search finds what is there");

    let erased = store.erase_contact(&who(jana), at(10)).await.unwrap();
    assert_eq!(erased.contact, id);
    assert_eq!(traces_in(home.folder.path()), Vec::<String>::new());
    let backup = tempfile::tempdir().unwrap();
    copy(home.folder.path(), backup.path());
    assert_eq!(traces_in(backup.path()), Vec::<String>::new());

    assert!(store.contact(&ContactRef::Id(id)).await.unwrap().is_none());
    let list = store.list("guests").await.unwrap();
    assert_eq!((list.contacts, list.entries), (300, 300));
    for address in [jana, "JANA.novakova@Example.CZ", "jana.novakova@example.com", second] {
        let refused = store.upsert_contact(&upsert(address, &[])).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Refused(why) if why.contains("erased on request")), "{refused}");
        assert!(!refused.to_string().contains("jana"), "{refused}");
    }
    let onto = ContactUpsert { who: Some(who("guest1@example.cz")), ..upsert(jana, &[]) };
    assert!(store.upsert_contact(&onto).await.unwrap_err().to_string().contains("erased on request"));
    let begun = store.begin_import(&start("guests", ImportMode::Add)).await.unwrap().import;
    let refused =
        store.import_rows(begun, vec![row(2, "", jana, "Jana"), row(3, "", "new@example.cz", "New")]).await.unwrap();
    assert_eq!(refused.iter().map(|row| row.line).collect::<Vec<_>>(), [2]);
    assert!(refused[0].reason.contains("erased on request") && refused[0].raw.is_empty());
    assert_eq!(traces_in(home.folder.path()), Vec::<String>::new(), "not even while the import is open");
    store.finish_import(begun, at(11)).await.unwrap();
    assert_eq!(store.list("guests").await.unwrap().contacts, 301);
}

#[tokio::test]
async fn what_providers_are_to_be_told_is_kept_sealed_until_they_have_answered() {
    let home = home();
    let store = &home.store;
    let jana = "jana.novakova@example.cz";
    let id = add(store, jana).await;
    store.create_list("guests", at(1)).await.unwrap();
    confirmed(store, id, jana).await;
    let erased = store.erase_contact(&who(jana), at(10)).await.unwrap();
    let states: Vec<_> = erased.audiences.iter().map(|at| (at.account.as_str(), at.state)).collect();
    assert_eq!(states, [("hotel", ErasureState::Owed)]);
    let due = store.erasures_due(Some("hotel")).await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!((due[0].address.as_str(), due[0].remote_id.as_deref()), (jana, Some("member-of-jana")));
    assert_eq!(store.erasures_due(Some("other")).await.unwrap(), []);

    store.answer_erasure(due[0].id, ErasureAnswer::Not("busy".to_owned()), at(11)).await.unwrap();
    assert_eq!(store.erasures_due(None).await.unwrap(), due, "it is still to be told");
    store.answer_erasure(due[0].id, ErasureAnswer::Erased, at(12)).await.unwrap();
    assert_eq!(store.erasures_due(None).await.unwrap(), []);
    let known = store.erasures(10).await.unwrap();
    let at_main = &known[0].audiences[0];
    assert_eq!(
        (at_main.state, at_main.answered_at, at_main.reason.as_deref()),
        (ErasureState::Erased, Some(at(12)), None)
    );
    let again = store.erase_contact(&who(jana), at(13)).await;
    assert!(matches!(again, Err(StoreError::NotFound { kind: "contact", .. })));
}

#[tokio::test]
async fn an_older_database_that_is_restored_catches_up_with_its_erasures() {
    let home = home();
    let folder = home.folder.path().to_owned();
    let jana = "jana.novakova@example.cz";
    let id = add(&home.store, jana).await;
    home.store.upsert_contact(&upsert(jana, &[("lastname", "Zizkov-Nova")])).await.unwrap();
    add(&home.store, "petr@example.cz").await;
    drop(home.store);
    let backup = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("postroom.db"), backup.path().join("postroom.db")).unwrap();

    let store = SqliteStore::open(&folder, Access::Write { verb: "test" }).unwrap();
    store.erase_contact(&who(jana), at(10)).await.unwrap();
    drop(store);
    std::fs::copy(backup.path().join("postroom.db"), folder.join("postroom.db")).unwrap();
    for _ in 0..2 {
        let store = SqliteStore::open(&folder, Access::Write { verb: "test" }).unwrap();
        assert!(store.contact(&ContactRef::Id(id)).await.unwrap().is_none());
        assert!(store.upsert_contact(&upsert(jana, &[])).await.unwrap_err().to_string().contains("erased on request"));
        assert_eq!(store.workspace().await.unwrap().contacts, 1);
        let petr = store.contact(&who("petr@example.cz")).await.unwrap().unwrap();
        assert_eq!(petr.contact.consent, ConsentState::Unknown);
    }
    assert_eq!(traces_in(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn a_former_address_is_kept_out_and_whoever_has_it_in_an_older_database_stays() {
    let home = home();
    let folder = home.folder.path().to_owned();
    let rename = async |store: &SqliteStore, from: &str, to: &str| {
        let upsert = ContactUpsert { who: Some(who(from)), ..upsert(to, &[]) };
        store.upsert_contact(&upsert).await.unwrap();
    };
    add(&home.store, "first@example.cz").await;
    rename(&home.store, "first@example.cz", "office@example.cz").await;
    rename(&home.store, "office@example.cz", "jana@example.cz").await;
    let petr = add(&home.store, "office@example.cz").await;
    drop(home.store);
    let backup = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("postroom.db"), backup.path().join("postroom.db")).unwrap();

    let store = SqliteStore::open(&folder, Access::Write { verb: "test" }).unwrap();
    rename(&store, "office@example.cz", "petr@example.cz").await;
    store.erase_contact(&who("jana@example.cz"), at(10)).await.unwrap();
    for address in ["first@example.cz", "office@example.cz", "jana@example.cz"] {
        let refused = store.upsert_contact(&upsert(address, &[])).await.unwrap_err();
        assert!(refused.to_string().contains("erased on request"), "{refused}");
    }
    // Nor is a row of hers kept that can't be read as a whole.
    let rows = vec![row(2, "", "first@example.cz, or so", "Jana"), row(3, "", "nobody", "Nobody")];
    let (report, refused) = import(&store, &start("guests", ImportMode::Add), rows).await;
    assert_eq!((report.counts.invalid, refused.len(), refused[0].line), (1, 1, 2));
    drop(store);

    std::fs::copy(backup.path().join("postroom.db"), folder.join("postroom.db")).unwrap();
    let store = SqliteStore::open(&folder, Access::Write { verb: "test" }).unwrap();
    let there = store.contact(&who("office@example.cz")).await.unwrap().unwrap();
    assert_eq!(there.contact.id, petr, "it is his there");
    store.upsert_contact(&upsert("office@example.cz", &[("firstname", "Petr")])).await.unwrap();
    for address in ["first@example.cz", "jana@example.cz"] {
        assert!(
            store.upsert_contact(&upsert(address, &[])).await.unwrap_err().to_string().contains("erased on request")
        );
    }
}
