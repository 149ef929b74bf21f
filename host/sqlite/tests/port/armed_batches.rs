//! The requests of runs in the ledger: who is left behind when one is armed, and what becomes of one that nobody ends.

use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::arming::Stop;
use postroom_domain::intent::{Class, IntentId, IntentKind, IntentState};
use postroom_sqlite::SqliteStore;
use postroom_store::accounts::AccountStore;
use postroom_store::contacts::{ContactRef, ContactStore};
use postroom_store::erasure::{ErasureAnswer, ErasureStore};
use postroom_store::intents::{Halt, Halted, IntentQuery, IntentStore, OptOutWant};
use postroom_store::runs::{ArmedBatch, BatchArming, BatchEnd, BatchIntent, BatchRecord, Left, RunState, RunStore};
use postroom_store::syncs::SyncStore;

use crate::fixture::{add, at, email, event, sync_draft, with_sync};
use crate::runs::{SETTINGS, begin, id_of, snapshot_of, written};

/// Decided as of whatever has happened.
pub(crate) const NOW: u64 = i64::MAX.unsigned_abs();

/// Arms a request of a run.
pub(crate) async fn arm(store: &SqliteStore, sync: i64, run: i64, number: u64, intent: BatchIntent) -> ArmedBatch {
    let syncs = store.syncs().await.unwrap();
    let account = &syncs.iter().find(|of| of.id == sync).unwrap().audience.account;
    let account = store.account(account).await.unwrap().id;
    let lane = store.take_over_lane(account, "tests", at(20)).await.unwrap().lane;
    let arming = BatchArming { lane: &lane, run, number, class: Class::Bulk, at: at(20) };
    store.arm_batch(&arming, intent).await.unwrap()
}

/// The contacts that were left behind, each with the reason.
fn left(armed: ArmedBatch) -> Vec<(ContactId, Left)> {
    match armed {
        ArmedBatch::Armed { left, .. } => left,
        ArmedBatch::Halted { why, .. } => panic!("halted: {why}"),
    }
}

fn intent(armed: &ArmedBatch) -> Option<IntentId> {
    match armed {
        ArmedBatch::Armed { intent, .. } => *intent,
        ArmedBatch::Halted { why, .. } => panic!("halted: {why}"),
    }
}

#[tokio::test]
async fn invariant_2_nothing_leaves_for_somebody_who_said_no_after_it_was_decided() {
    let (home, sync) = with_sync(&["jana@example.cz", "bob@example.cz"]).await;
    let store = &home.store;
    let (jana, bob) = (id_of(store, "jana@example.cz").await, id_of(store, "bob@example.cz").await);
    let run = begin(store, sync.id).await;
    let decided = store.snapshot(sync.id, SETTINGS, &[1, 2]).await.unwrap().as_of;
    let no = event(30, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&ContactRef::Id(jana), &no).await.unwrap();

    let batch = BatchIntent {
        members: vec![(jana, email("jana@example.cz")), (bob, email("bob@example.cz"))],
        ..BatchIntent::new(IntentKind::Push, decided, vec![jana, bob])
    };
    assert_eq!(left(arm(store, sync.id, run, 1, batch).await), [(jana, Left::Moved)]);
    assert!(snapshot_of(store, sync.id, bob).await.confirmed.unwrap().is_only_sent());
    assert_eq!(snapshot_of(store, sync.id, jana).await.confirmed, None, "nothing of her is about to come to be");

    let alone = BatchIntent::new(IntentKind::Push, decided, vec![jana]);
    assert_eq!(intent(&arm(store, sync.id, run, 2, alone).await), None, "nobody is left, and nothing is armed");
}

#[tokio::test]
async fn invariant_2_a_no_reaches_every_audience_that_may_mail_the_contact_once() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let confirmed = BatchRecord { confirmed: vec![written(jana, "jana@example.cz")], ..BatchRecord::default() };
    store.record_batch(run, confirmed).await.unwrap();
    let no = event(30, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    for _ in 0..2 {
        store.record_consent(&ContactRef::Id(jana), &no).await.unwrap();
    }
    let planned = IntentQuery { state: Some(IntentState::Planned), limit: 10, ..IntentQuery::default() };
    let told = store.intents(&planned).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].kind, told[0].class, told[0].contact), (IntentKind::Unsubscribe, Class::OptOut, Some(jana)));
    let want: OptOutWant = serde_json::from_str(told[0].want.as_deref().unwrap()).unwrap();
    assert_eq!((want.audience.as_str(), want.address.as_str()), ("a1", "jana@example.cz"));

    // Her own opt-in lifts it before anybody was told.
    let yes = event(40, ConsentAct::Granted, ConsentSource::Contact, Some("a form"));
    store.record_consent(&ContactRef::Id(jana), &yes).await.unwrap();
    assert_eq!(store.intents(&planned).await.unwrap(), []);
    assert_eq!(store.due_lanes(at(50)).await.unwrap().accounts, Vec::<i64>::new());
}

#[tokio::test]
async fn invariant_2_a_no_that_comes_while_the_contact_is_on_its_way_is_told_once_it_has_arrived() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let armed = arm(store, sync.id, run, 1, BatchIntent::new(IntentKind::Push, NOW, vec![jana])).await;
    let no = event(30, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&ContactRef::Id(jana), &no).await.unwrap();
    let record = BatchRecord {
        confirmed: vec![written(jana, "jana@example.cz")],
        ends: vec![(intent(&armed).unwrap(), BatchEnd::Answered)],
        ..BatchRecord::default()
    };
    store.record_batch(run, record).await.unwrap();
    let planned = IntentQuery { state: Some(IntentState::Planned), limit: 10, ..IntentQuery::default() };
    assert_eq!(store.intents(&planned).await.unwrap().len(), 1);
    assert_eq!(store.intent(intent(&armed).unwrap()).await.unwrap().intent.state, IntentState::Done);
}

#[tokio::test]
async fn two_runs_into_one_audience_do_not_send_a_contact_at_one_time() {
    let (home, guests) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let staff = sync_draft("staff", &guests.list, "Staff");
    let staff = store.add_sync(&staff, at(3)).await.unwrap();
    let (first, second) = (begin(store, guests.id).await, begin(store, staff.id).await);
    let account = store.account(&guests.audience.account).await.unwrap().id;
    let lane = store.take_over_lane(account, "tests", at(20)).await.unwrap().lane;
    let arm = async |run, number| {
        let arming = BatchArming { lane: &lane, run, number, class: Class::Bulk, at: at(20) };
        store.arm_batch(&arming, BatchIntent::new(IntentKind::Push, NOW, vec![jana])).await.unwrap()
    };
    let sent = intent(&arm(first, 1).await).unwrap();
    assert_eq!(left(arm(second, 1).await), [(jana, Left::UnderWay)]);
    assert_eq!(left(arm(first, 2).await), [], "a run asks again for what was not answered");
    for (run, ends) in [(first, sent), (first, IntentId(sent.0 + 1))] {
        let record = BatchRecord { ends: vec![(ends, BatchEnd::Unanswered)], ..BatchRecord::default() };
        store.record_batch(run, record).await.unwrap();
    }
    assert_eq!(left(arm(second, 2).await), []);
}

#[tokio::test]
async fn nothing_leaves_a_held_ledger_but_opt_outs() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    store.halt_intents(&Halted { halt: Halt::Hold, why: "it is a copy".to_owned(), at: at(21) }).await.unwrap();
    let push = BatchIntent::new(IntentKind::Push, NOW, vec![jana]);
    let halted = ArmedBatch::Halted { stop: Stop::Hold, why: "it is a copy".to_owned() };
    assert_eq!(arm(store, sync.id, run, 1, push).await, halted);
    let account = store.account(&sync.audience.account).await.unwrap().id;
    let lane = store.take_over_lane(account, "tests", at(20)).await.unwrap().lane;
    let arming = BatchArming { lane: &lane, run, number: 2, class: Class::OptOut, at: at(20) };
    let opt_out = BatchIntent::new(IntentKind::Unsubscribe, NOW, vec![jana]);
    assert!(intent(&store.arm_batch(&arming, opt_out).await.unwrap()).is_some());
}

#[tokio::test]
async fn what_a_dead_run_had_armed_is_in_doubt_until_the_next_run_decides_anew() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let sent = intent(&arm(store, sync.id, run, 1, BatchIntent::new(IntentKind::Push, NOW, vec![jana])).await).unwrap();
    let account = store.account(&sync.audience.account).await.unwrap().id;
    assert_eq!(store.take_over_lane(account, "the next process", at(30)).await.unwrap().in_doubt, 1);
    assert_eq!(store.run(run).await.unwrap().open_requests, 1);
    let doubt = store.intent(sent).await.unwrap().intent;
    assert_eq!((doubt.state, doubt.run, doubt.contacts), (IntentState::InDoubt, Some(run), Some(1)));
    begin(store, sync.id).await;
    assert_eq!(store.run(run).await.unwrap().open_requests, 0);
    let ended = store.intent(sent).await.unwrap();
    assert_eq!(ended.intent.state, IntentState::Cancelled);
    assert_eq!(ended.intent.reason.unwrap().code, "decided-anew");
    assert_eq!(ended.history.len(), 2, "{:?}", ended.history);
}

#[tokio::test]
async fn a_run_that_is_dropped_keeps_nobody_waiting() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let sent = intent(&arm(store, sync.id, run, 1, BatchIntent::new(IntentKind::Push, NOW, vec![jana])).await).unwrap();
    store.abandon_runs(sync.id, at(30)).await.unwrap();
    assert_eq!(store.run(run).await.unwrap().summary.state, RunState::Interrupted);
    assert_eq!(store.intent(sent).await.unwrap().intent.state, IntentState::Cancelled);
}

#[tokio::test]
async fn a_request_of_which_nothing_left_is_no_doubt() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let armed = intent(&arm(store, sync.id, run, 1, BatchIntent::new(IntentKind::Tag, NOW, vec![jana])).await).unwrap();
    let record = BatchRecord { ends: vec![(armed, BatchEnd::NotSent)], ..BatchRecord::default() };
    store.record_batch(run, record).await.unwrap();
    let ended = store.intent(armed).await.unwrap().intent;
    assert_eq!((ended.state, ended.reason.unwrap().code.as_str()), (IntentState::Cancelled, "not-sent"));
}

#[tokio::test]
async fn invariant_2_a_merge_that_makes_a_contact_withdrawn_tells_its_audiences() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let confirmed = BatchRecord { confirmed: vec![written(jana, "jana@example.cz")], ..BatchRecord::default() };
    store.record_batch(run, confirmed).await.unwrap();
    let other = add(store, "jana.novak@example.cz").await;
    let no = event(30, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    store.record_consent(&ContactRef::Id(other), &no).await.unwrap();
    store.merge_contacts(&ContactRef::Id(jana), &ContactRef::Id(other), at(40)).await.unwrap();
    let of_jana = IntentQuery { contact: Some(jana), limit: 10, ..IntentQuery::default() };
    let told = store.intents(&of_jana).await.unwrap();
    assert_eq!(
        told.iter().map(|it| (it.kind, it.state)).collect::<Vec<_>>(),
        [(IntentKind::Unsubscribe, IntentState::Planned)]
    );
}

#[tokio::test]
async fn an_erasure_that_overtakes_a_push_stays_owed_until_that_has_ended() {
    let (home, sync) = with_sync(&["jana@example.cz"]).await;
    let store = &home.store;
    let jana = id_of(store, "jana@example.cz").await;
    let run = begin(store, sync.id).await;
    let push = BatchIntent {
        members: vec![(jana, email("jana@example.cz"))],
        ..BatchIntent::new(IntentKind::Push, NOW, vec![jana])
    };
    let sent = intent(&arm(store, sync.id, run, 1, push).await).unwrap();
    store.erase_contact(&ContactRef::Id(jana), at(30)).await.unwrap();
    let due = store.erasures_due(None).await.unwrap();
    assert_eq!(due.len(), 1);
    store.answer_erasure(due[0].id, ErasureAnswer::Absent, at(31)).await.unwrap();
    assert_eq!(store.erasures_due(None).await.unwrap().len(), 1, "it may still be made");

    let record = BatchRecord { ends: vec![(sent, BatchEnd::Answered)], ..BatchRecord::default() };
    store.record_batch(run, record).await.unwrap();
    store.answer_erasure(due[0].id, ErasureAnswer::Absent, at(32)).await.unwrap();
    assert_eq!(store.erasures_due(None).await.unwrap().len(), 0);
}
