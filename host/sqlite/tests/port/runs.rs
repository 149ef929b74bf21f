//! What a run reads, records and leaves behind.

use postroom_domain::consent::{ConsentAct, ConsentSource, ConsentState};
use postroom_domain::contact::{ContactId, EntryFault};
use postroom_domain::decision::{Memory, RefusedTag, RemoteStatus, TagChange, TagState};
use postroom_domain::discovery::{Discovery, Why};
use postroom_domain::intent::IntentKind;
use postroom_domain::outcome::{Counts, OutcomeClass, Reason, TagCounts};
use postroom_domain::projection::{Base, ContentHash};
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::contacts::{ContactRef, ContactStore};
use postroom_store::discovery::Look;
use postroom_store::lists::{ImportMode, ListStore};
use postroom_store::runs::{
    BatchIntent, BatchRecord, Confirmation, ConfirmedContent, ContactSnapshot, Outcome, OutcomeQuery, ReportNumber,
    RunStart, RunState, RunStore, RunSummary, SnapshotContent, SnapshotRow, TagOutcome,
};
use postroom_store::syncs::SyncStore;

use crate::armed_batches::{NOW, arm};
use crate::fixture::{add, at, email, event, import, rows, start, upsert, who, with_sync};

pub(crate) async fn begin(store: &SqliteStore, sync: i64) -> i64 {
    let start = RunStart { sync, first: None, plugin_digest: "sha256:00".into(), unchanged: 0, at: at(20) };
    store.begin_run(&start).await.unwrap()
}

fn owned(tag: &str) -> TagState {
    TagState { owned: Some(tag.into()), refused: None }
}

pub(crate) fn written(contact: ContactId, address: &str) -> Confirmation {
    Confirmation {
        contact,
        remote_id: Some(format!("m{}", contact.0)),
        status: Some(RemoteStatus::Subscribed),
        content: Some(ConfirmedContent {
            address: email(address),
            hash: [7; 16],
            base: Base::from([("FNAME".to_owned(), "0123456789abcdef".to_owned())]),
        }),
    }
}

fn outcome(contact: Option<ContactId>, position: u64, class: OutcomeClass) -> Outcome {
    Outcome {
        entry: None,
        position,
        contact,
        class: Some(class),
        reason: None,
        tag: None,
        left_out: Vec::new(),
        address_omitted: false,
    }
}

/// The settings under which the tests decide.
pub(crate) const SETTINGS: ContentHash = [1; 16];

pub(crate) fn look(sync: i64) -> Look {
    Look { sync, settings: SETTINGS, plugin_digest: "sha256:00".into(), full: false, at: at(20) }
}

/// All entries that are to be judged.
async fn open_rows(store: &SqliteStore, sync: i64) -> Vec<SnapshotRow> {
    let open = store.open_entries(&look(sync)).await.unwrap();
    store.snapshot(sync, SETTINGS, &open.page(0, 1_000)).await.unwrap().rows
}

async fn members(store: &SqliteStore, sync: i64) -> u64 {
    store.open_entries(&look(sync)).await.unwrap().members
}

/// The first entry of a contact.
pub(crate) async fn snapshot_of(store: &SqliteStore, sync: i64, contact: ContactId) -> ContactSnapshot {
    let rows = open_rows(store, sync).await;
    rows.into_iter()
        .find_map(|row| match row.content {
            SnapshotContent::Contact(snapshot) if snapshot.contact == contact => Some(*snapshot),
            _ => None,
        })
        .unwrap()
}

pub(crate) async fn id_of(store: &SqliteStore, address: &str) -> ContactId {
    store.contact(&who(address)).await.unwrap().unwrap().contact.id
}

#[tokio::test]
async fn a5_a6_a_snapshot_tells_invalid_duplicate_and_contact_apart_in_the_lists_order() {
    let (home, sync) = with_sync(&[]).await;
    let store = &home.store;
    let file = [("a@example.cz", "Anna"), ("bad", "Nobody"), ("A@example.cz", "Again"), ("b@example.cz", "Bob")];
    import(store, &start("guests", ImportMode::Replace), rows(&file)).await;
    let (anna, bob) = (id_of(store, "a@example.cz").await, id_of(store, "b@example.cz").await);
    let run = begin(store, sync.id).await;
    let memory = Memory {
        class: OutcomeClass::Failed,
        reason: Reason::new("bad-value", "the provider refuses the field"),
        attempt: [3; 16],
    };
    let record = BatchRecord {
        confirmed: vec![written(anna, "a@example.cz")],
        memories: vec![(bob, Some(memory.clone()))],
        tags: vec![(anna, owned("Guests"))],
        ..BatchRecord::default()
    };
    store.record_batch(run, record).await.unwrap();

    let page = open_rows(store, sync.id).await;
    assert_eq!(page.iter().map(|row| row.position).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(page[1].content, SnapshotContent::Invalid(EntryFault::BadAddress("bad".into())));
    assert_eq!(page[2].content, SnapshotContent::Duplicate { contact: anna, first: 1 });
    let SnapshotContent::Contact(first) = &page[0].content else { panic!("{page:?}") };
    assert_eq!((&first.address, first.consent), (&email("a@example.cz"), ConsentState::Unknown));
    assert_eq!((first.memory.as_ref(), &first.tag), (None, &owned("Guests")));
    let confirmed = first.confirmed.as_ref().unwrap();
    assert_eq!((confirmed.remote_id.as_deref(), confirmed.hash), (Some("m1"), [7; 16]));
    assert_eq!(confirmed.base["FNAME"], "0123456789abcdef");
    let SnapshotContent::Contact(last) = &page[3].content else { panic!("{page:?}") };
    assert_eq!((last.confirmed.as_ref(), last.memory.as_ref()), (None, Some(&memory)));

    let second = store.snapshot(sync.id, SETTINGS, &[2, 3, 9]).await.unwrap().rows;
    assert_eq!(second, page[1..3]);
    let forget = BatchRecord { memories: vec![(bob, None)], ..BatchRecord::default() };
    store.record_batch(run, forget).await.unwrap();
    assert_eq!(snapshot_of(store, sync.id, bob).await.memory, None);
}

#[tokio::test]
async fn places_are_put_in_the_order_of_their_contacts_and_read_in_any_order() {
    let (home, sync) = with_sync(&["c@example.cz"]).await;
    let store = &home.store;
    let file = [("b@example.cz", "Bob"), ("bad", "Nobody"), ("a@example.cz", "Anna"), ("c@example.cz", "Cyril")];
    import(store, &start("guests", ImportMode::Replace), rows(&file)).await;
    let ordered = store.in_order_of_contacts(sync.id, &[1, 2, 3, 4, 9]).await.unwrap();
    // The row without a contact, Cyril, who was there before, and the new ones.
    assert_eq!(ordered, [2, 4, 1, 3]);
    let read = store.snapshot(sync.id, SETTINGS, &ordered).await.unwrap().rows;
    assert_eq!(read.iter().map(|row| row.position).collect::<Vec<_>>(), ordered);
    assert!(store.in_order_of_contacts(sync.id, &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_needs_nothing_is_passed_over_until_anything_about_it_changes() {
    let (home, sync) = with_sync(&[]).await;
    let store = &home.store;
    let file = [("a@example.cz", "Anna"), ("b@example.cz", "Bob"), ("bad", "Nobody"), ("a@example.cz", "Again")];
    import(store, &start("guests", ImportMode::Replace), rows(&file)).await;
    let anna = id_of(store, "a@example.cz").await;
    let run = begin(store, sync.id).await;
    let settle = async || {
        let fingerprint = snapshot_of(store, sync.id, anna).await.fingerprint;
        let record = BatchRecord { settled: vec![(anna, fingerprint)], ..BatchRecord::default() };
        store.record_batch(run, record).await.unwrap();
        let open = store.open_entries(&look(sync.id)).await.unwrap();
        assert_eq!((open.page(0, 10), open.unchanged), (vec![2, 3, 4], 1));
    };
    let reopened = async |why: &str| {
        let open = store.open_entries(&look(sync.id)).await.unwrap();
        assert_eq!((open.page(0, 10), open.unchanged), (vec![1, 2, 3, 4], 0), "{why}");
    };
    settle().await;
    let elsewhere = store.open_entries(&Look { settings: [2; 16], ..look(sync.id) }).await.unwrap();
    assert_eq!((elsewhere.page(0, 10), elsewhere.page(1, 2)), (vec![1, 2, 3, 4], vec![2, 3]), "other settings");

    store.upsert_contact(&upsert("a@example.cz", &[("firstname", "Hana")])).await.unwrap();
    reopened("a field").await;
    settle().await;
    let withdrawal = event(40, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&who("a@example.cz"), &withdrawal).await.unwrap();
    reopened("the consent").await;
    settle().await;
    let confirmed = BatchRecord { confirmed: vec![written(anna, "a@example.cz")], ..BatchRecord::default() };
    store.record_batch(run, confirmed).await.unwrap();
    reopened("what the audience confirmed").await;
    settle().await;
    let tagged = BatchRecord { tags: vec![(anna, owned("Guests"))], ..BatchRecord::default() };
    store.record_batch(run, tagged).await.unwrap();
    reopened("the tag").await;
}

#[tokio::test]
async fn a_status_that_was_seen_is_remembered_without_content() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let seen = |status| BatchRecord {
        confirmed: vec![Confirmation { contact: jana, remote_id: None, status: Some(status), content: None }],
        ..BatchRecord::default()
    };
    store.record_batch(run, seen(RemoteStatus::Absent)).await.unwrap();
    let confirmed = snapshot_of(store, sync.id, jana).await.confirmed.unwrap();
    assert_eq!((confirmed.status, confirmed.hash), (Some(RemoteStatus::Absent), [0; 16]));
    assert_eq!(confirmed.address, email("jana@example.cz"));
    assert_eq!(members(store, sync.id).await, 0);

    let write = BatchRecord { confirmed: vec![written(jana, "jana@example.cz")], ..BatchRecord::default() };
    store.record_batch(run, write).await.unwrap();
    store.record_batch(run, seen(RemoteStatus::Other("snoozed".into()))).await.unwrap();
    let confirmed = snapshot_of(store, sync.id, jana).await.confirmed.unwrap();
    assert_eq!((confirmed.status, confirmed.hash), (Some(RemoteStatus::Other("snoozed".into())), [7; 16]));
    assert_eq!((confirmed.remote_id.as_deref(), confirmed.base.len()), (Some("m1"), 1));
    assert_eq!(members(store, sync.id).await, 1);
    let members = store.contact(&who("jana@example.cz")).await.unwrap().unwrap().members;
    assert_eq!((members[0].account.as_str(), members[0].status.as_deref()), ("hotel", Some("snoozed")));
}

#[tokio::test]
async fn a8_a_renamed_contact_keeps_the_address_that_the_provider_has() {
    let (home, sync) = with_sync(&["old@example.cz"]).await;
    let store = &home.store;
    let id = id_of(store, "old@example.cz").await;
    let run = begin(store, sync.id).await;
    let record = BatchRecord { confirmed: vec![written(id, "old@example.cz")], ..BatchRecord::default() };
    store.record_batch(run, record).await.unwrap();
    let mut rename = upsert("new@example.cz", &[]);
    rename.who = Some(ContactRef::Id(id));
    store.upsert_contact(&rename).await.unwrap();
    let snapshot = snapshot_of(store, sync.id, id).await;
    assert_eq!(snapshot.address, email("new@example.cz"));
    assert_eq!(snapshot.confirmed.unwrap().address, email("old@example.cz"));
}

#[tokio::test]
async fn a8_who_left_the_list_is_known_until_the_tag_is_off_also_when_deleted() {
    let (home, sync) = with_sync(&["a@example.cz", "b@example.cz", "c@example.cz", "d@example.cz"]).await;
    let store = &home.store;
    let [a, b, c, d] = [1, 2, 3, 4].map(ContactId);
    let run = begin(store, sync.id).await;
    let record = BatchRecord {
        confirmed: [(a, "a@example.cz"), (b, "b@example.cz"), (c, "c@example.cz"), (d, "d@example.cz")]
            .map(|(id, address)| written(id, address))
            .to_vec(),
        tags: [a, b, c].map(|id| (id, owned("Guests"))).to_vec(),
        ..BatchRecord::default()
    };
    store.record_batch(run, record).await.unwrap();
    assert_eq!(store.departed(sync.id, true, ContactId(0), 10).await.unwrap().rows, []);
    store.remove_contact_entries("guests", &who("a@example.cz"), at(30)).await.unwrap();
    store.delete_contact(&who("b@example.cz"), at(30)).await.unwrap();
    store.delete_contact(&who("d@example.cz"), at(30)).await.unwrap();

    let departed = store.departed(sync.id, true, ContactId(0), 10).await.unwrap().rows;
    let known: Vec<_> =
        departed.iter().map(|row| (row.contact, row.address.as_str(), row.remote_id.as_deref())).collect();
    assert_eq!(known, [(a, "a@example.cz", Some("m1")), (b, "b@example.cz", Some("m2"))]);
    assert_eq!(store.departed(sync.id, true, a, 10).await.unwrap().rows, departed[1..]);
    let open = store.open_entries(&look(sync.id)).await.unwrap();
    assert_eq!((open.members, open.tagged_departed), (1, true));
    assert_eq!(store.departed(sync.id, false, ContactId(0), 10).await.unwrap().rows, []);

    let refused = TagState {
        owned: Some("Guests".into()),
        refused: Some(RefusedTag { change: TagChange::Remove, tag: "Guests".into(), reason: "unsubscribed".into() }),
    };
    let untagged = BatchRecord { tags: vec![(a, refused.clone()), (b, TagState::default())], ..BatchRecord::default() };
    store.record_batch(run, untagged).await.unwrap();
    let departed = store.departed(sync.id, true, ContactId(0), 10).await.unwrap().rows;
    assert_eq!(departed.len(), 1);
    assert_eq!((departed[0].contact, &departed[0].tag), (a, &refused));
    assert_eq!(members(store, sync.id).await, 1);
}

#[tokio::test]
async fn invariant_11_of_a_deleted_contact_nothing_stays_once_its_tag_is_off() {
    let (home, sync) = with_sync(&["erase-me@example.cz"]).await;
    let store = home.store;
    let id = ContactId(1);
    let run = begin(&store, sync.id).await;
    let record = BatchRecord {
        outcomes: vec![outcome(Some(id), 1, OutcomeClass::Added)],
        confirmed: vec![written(id, "erase-me@example.cz")],
        tags: vec![(id, owned("Guests"))],
        ..BatchRecord::default()
    };
    store.record_batch(run, record).await.unwrap();
    store.delete_contact(&who("erase-me@example.cz"), at(30)).await.unwrap();
    let query = OutcomeQuery { run, of: None, after: 0, limit: 10 };
    assert_eq!(store.outcomes(&query).await.unwrap()[0].email.as_deref(), Some("erase-me@example.cz"));
    let untag = BatchRecord { tags: vec![(id, TagState::default())], ..BatchRecord::default() };
    store.record_batch(run, untag).await.unwrap();
    let row = &store.outcomes(&query).await.unwrap()[0];
    assert_eq!((row.email.as_deref(), row.outcome.contact), (None, Some(id)));
    assert_eq!(members(&store, sync.id).await, 0);
}

fn summary(state: RunState) -> RunSummary {
    let mut counts = Counts::default();
    counts.book(OutcomeClass::Unchanged, 2);
    RunSummary {
        state,
        counts,
        tags: TagCounts::default(),
        address_omitted: 0,
        warnings: vec!["a sentence".into()],
        stopped: None,
        discovery: Some(Discovery::Comparison(Why::Due)),
    }
}

#[tokio::test]
async fn a_finished_run_moves_its_sync_on_and_a_stopped_one_does_not() {
    let (home, sync) = with_sync(&["a@example.cz"]).await;
    let store = &home.store;
    let run = begin(store, sync.id).await;
    assert_eq!(store.run(run).await.unwrap().summary.state, RunState::Running);
    add(store, "later@example.cz").await;
    store.finish_run(run, &summary(RunState::Finished), Some("not tagged"), at(25)).await.unwrap();
    let moved = store.sync("guests").await.unwrap();
    assert_eq!((moved.last_run, moved.finished_runs), (Some(run), 1));
    let second = begin(store, sync.id).await;
    store.finish_run(second, &summary(RunState::Stopped), None, at(26)).await.unwrap();
    let stopped = store.sync("guests").await.unwrap();
    assert_eq!((stopped.last_run, stopped.finished_runs), (Some(second), 1));
    assert_eq!(stopped.tag_warning.as_deref(), Some("not tagged"));

    let run = store.run(run).await.unwrap();
    assert_eq!((run.sync.as_str(), run.started_at, run.finished_at), ("guests", at(20), Some(at(25))));
    assert_eq!(run.summary, summary(RunState::Finished));
    let ids: Vec<_> = store.runs(Some("guests"), 10).await.unwrap().iter().map(|run| run.id).collect();
    assert_eq!(ids, [second, run.id]);
    assert_eq!(store.runs(None, 1).await.unwrap().len(), 1);
    assert_eq!(store.runs(Some("nobody"), 10).await.unwrap(), []);
    assert!(matches!(store.run(99).await, Err(StoreError::NotFound { kind: "run", .. })));
}

#[tokio::test]
async fn a_run_whose_process_died_is_counted_from_what_it_recorded() {
    let (home, sync) = with_sync(&["a@example.cz", "b@example.cz"]).await;
    let store = &home.store;
    let run = begin(store, sync.id).await;
    let tagged = Outcome {
        tag: Some(TagOutcome::Added),
        address_omitted: true,
        ..outcome(Some(ContactId(1)), 1, OutcomeClass::Added)
    };
    let left = Outcome { class: None, tag: Some(TagOutcome::Removed), ..tagged.clone() };
    let record = BatchRecord { outcomes: vec![tagged, left], unchanged: 3, ..BatchRecord::default() };
    store.record_batch(run, record).await.unwrap();
    begin(store, sync.id).await;
    let dead = store.run(run).await.unwrap();
    assert_eq!((dead.summary.state, dead.finished_at), (RunState::Interrupted, None));
    let counts = dead.summary.counts;
    assert_eq!((counts.entries, counts.added, counts.unchanged), (4, 1, 3));
    assert_eq!(dead.summary.tags, TagCounts { added: 1, removed: 1, refused: 0 });
    assert_eq!(dead.summary.address_omitted, 2);
}

#[tokio::test]
async fn invariant_8_every_number_opens_down_to_the_entry_and_the_reason() {
    let (home, sync) = with_sync(&[]).await;
    let store = &home.store;
    let file =
        [("a@example.cz", "A"), ("b@example.cz", "B"), ("", "Nobody"), ("c@example.cz", "C"), ("c@example.cz", "")];
    import(store, &start("guests", ImportMode::Replace), rows(&file)).await;
    let entries = store.entries("guests", 0, 10).await.unwrap();
    let [a, b, c] = ["a@example.cz", "b@example.cz", "c@example.cz"];
    let (a, b, c) = (id_of(store, a).await, id_of(store, b).await, id_of(store, c).await);
    let run = begin(store, sync.id).await;
    let failed = Outcome {
        entry: Some(entries[0].id),
        reason: Some(Reason::new("bad-value", "the field is too long")),
        left_out: vec![("FNAME".into(), "too long".into())],
        address_omitted: true,
        ..outcome(Some(a), 1, OutcomeClass::Failed)
    };
    let invalid = Outcome { entry: Some(entries[2].id), ..outcome(None, 3, OutcomeClass::Invalid) };
    let tagged = Outcome { tag: Some(TagOutcome::Refused), ..outcome(Some(b), 2, OutcomeClass::Unchanged) };
    let duplicate = Outcome { entry: Some(entries[4].id), ..outcome(Some(c), 5, OutcomeClass::Duplicate) };
    let record = BatchRecord {
        outcomes: vec![failed.clone(), invalid.clone(), tagged.clone(), duplicate],
        unchanged: 1,
        ..BatchRecord::default()
    };
    store.record_batch(run, record).await.unwrap();
    // Who joins after the run was not part of it.
    add(store, "later@example.cz").await;
    store.add_entry("guests", &who("later@example.cz"), at(40)).await.unwrap();

    let open =
        async |of: Option<ReportNumber>| store.outcomes(&OutcomeQuery { run, of, after: 0, limit: 10 }).await.unwrap();
    assert_eq!(open(None).await.len(), 4);
    for of in [ReportNumber::Class(OutcomeClass::Failed), ReportNumber::AddressOmitted, ReportNumber::LeftOut] {
        let rows = open(Some(of)).await;
        assert_eq!(rows.len(), 1, "{of:?}");
        assert_eq!((rows[0].email.as_deref(), &rows[0].outcome), (Some("a@example.cz"), &failed));
    }
    let rows = open(Some(ReportNumber::Class(OutcomeClass::Invalid))).await;
    assert_eq!((rows[0].email.as_deref(), &rows[0].outcome), (Some("Nobody"), &invalid));
    assert_eq!(open(Some(ReportNumber::Tag(TagOutcome::Refused))).await[0].outcome, tagged);
    assert_eq!(open(Some(ReportNumber::Tag(TagOutcome::Added))).await, []);
    let unchanged = Some(ReportNumber::Class(OutcomeClass::Unchanged));
    let query = OutcomeQuery { run, of: unchanged, after: 0, limit: 10 };
    let unknown = store.outcomes(&query).await.unwrap_err();
    assert!(unknown.to_string().contains("nobody knows which"), "a run at work may still come to them: {unknown}");
    store.finish_run(run, &summary(RunState::Finished), None, at(50)).await.unwrap();
    let unchanged = open(unchanged).await;
    let known: Vec<_> =
        unchanged.iter().map(|row| (row.email.as_deref(), row.outcome.position, row.outcome.tag)).collect();
    assert_eq!(known, [(Some("b@example.cz"), 2, Some(TagOutcome::Refused)), (Some("c@example.cz"), 4, None)]);
    let next = OutcomeQuery { run, of: None, after: 2, limit: 1 };
    assert_eq!(store.outcomes(&next).await.unwrap()[0].row, 3);
}

#[tokio::test]
async fn removing_a_sync_removes_its_runs_and_its_memory() {
    let (home, sync) = with_sync(&["a@example.cz"]).await;
    let store = &home.store;
    let run = begin(store, sync.id).await;
    let record = BatchRecord {
        outcomes: vec![outcome(Some(ContactId(1)), 1, OutcomeClass::Added)],
        confirmed: vec![written(ContactId(1), "a@example.cz")],
        tags: vec![(ContactId(1), owned("Guests"))],
        ..BatchRecord::default()
    };
    store.record_batch(run, record).await.unwrap();
    store.remove_sync("guests").await.unwrap();
    assert!(matches!(store.run(run).await, Err(StoreError::NotFound { kind: "run", .. })));
    // What the audience confirmed of contacts that are still here stays, for a sync to come.
    assert_eq!(store.contact(&who("a@example.cz")).await.unwrap().unwrap().members.len(), 1);
    let again = store.add_sync(&crate::fixture::sync_draft("guests", "guests", "Guests"), at(50)).await.unwrap();
    let snapshot = snapshot_of(store, again.id, ContactId(1)).await;
    assert_eq!((snapshot.confirmed.is_some(), snapshot.tag), (true, TagState::default()));
}

#[tokio::test]
async fn what_is_about_to_be_sent_is_known_until_its_answer_is() {
    let (home, sync) = with_sync(&["jana@example.cz", "bob@example.cz"]).await;
    let store = &home.store;
    let (jana, bob) = (id_of(store, "jana@example.cz").await, id_of(store, "bob@example.cz").await);
    let run = begin(store, sync.id).await;
    let absent = BatchRecord {
        confirmed: vec![Confirmation {
            contact: bob,
            remote_id: None,
            status: Some(RemoteStatus::Absent),
            content: None,
        }],
        ..BatchRecord::default()
    };
    store.record_batch(run, absent).await.unwrap();
    let armed = TagState::default().armed("guests").unwrap();
    let intent = BatchIntent {
        members: vec![(jana, email("jana@example.cz")), (bob, email("bob@example.cz"))],
        tags: vec![(jana, armed.clone())],
        ..BatchIntent::new(IntentKind::Push, NOW, vec![jana, bob])
    };
    arm(store, sync.id, run, 1, intent.clone()).await;
    for contact in [jana, bob] {
        let sent = snapshot_of(store, sync.id, contact).await.confirmed.unwrap();
        assert!(sent.is_only_sent(), "{sent:?}");
    }
    assert_eq!(snapshot_of(store, sync.id, jana).await.tag, armed);
    assert_eq!(members(store, sync.id).await, 0, "nothing is confirmed");

    let answered = BatchRecord {
        confirmed: vec![written(jana, "jana@example.cz")],
        tags: vec![(jana, owned("guests"))],
        not_made: vec![bob],
        ..BatchRecord::default()
    };
    store.record_batch(run, answered).await.unwrap();
    assert_eq!(snapshot_of(store, sync.id, bob).await.confirmed, None);
    // What is known of a member stays, also if it is announced again.
    arm(store, sync.id, run, 2, intent.clone()).await;
    let confirmed = snapshot_of(store, sync.id, jana).await.confirmed.unwrap();
    assert_eq!((confirmed.hash, confirmed.status), ([7; 16], Some(RemoteStatus::Subscribed)));
}

#[tokio::test]
async fn invariant_2_who_was_sent_and_not_answered_and_withdrew_is_to_be_unsubscribed() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let intent = BatchIntent {
        members: vec![(jana, email("jana@example.cz"))],
        ..BatchIntent::new(IntentKind::Push, NOW, vec![jana])
    };
    arm(store, sync.id, run, 1, intent).await;
    let no = event(30, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&ContactRef::Id(jana), &no).await.unwrap();
    assert!(matches!(store.delete_contact(&ContactRef::Id(jana), at(40)).await, Err(StoreError::Refused(_))));
    import(store, &start("guests", ImportMode::Replace), rows(&[])).await;
    let departed = store.departed(sync.id, true, ContactId(0), 10).await.unwrap().rows;
    assert!(departed[0].owes_opt_out && departed[0].address == "jana@example.cz", "{departed:?}");
}
