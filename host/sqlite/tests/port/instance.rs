//! What a store knows of itself: its mark, its suspicion, and what that does to the ledger.

use postroom_domain::instance::{History, Mark, Place, Suspicion};
use postroom_domain::intent::{IntentKind, IntentState};
use postroom_store::instance::{Acceptance, InstanceStore, Renewal};
use postroom_store::intents::{Halt, IntentStore, WaitingIntents};

use crate::fixture::at;
use crate::intents::{Ledger, arm, claim, draft, granted, ledger, plan, state};

fn renewal(number: u64) -> Renewal {
    Renewal {
        mark: Mark { number, nonce: format!("word {number}") },
        before: number.checked_sub(1).map(|before| format!("word {before}")),
        place: Place { machine: None, folder: "/store".to_owned() },
        kept_in: "/state".to_owned(),
    }
}

#[tokio::test]
async fn a_store_knows_its_mark_and_what_has_happened_in_it() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let new = store.instance_note().await.unwrap();
    assert_eq!((new.inside.mark, new.inside.history, new.suspicion), (None, History::None, None));
    for number in [1, 2] {
        store.renew_mark(&renewal(number)).await.unwrap();
    }
    let jana = granted(store, "jana@example.cz").await;
    let id = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "one")).await;
    let note = store.instance_note().await.unwrap();
    assert_eq!((note.inside.mark, note.inside.before), (Some(renewal(2).mark), Some("word 1".to_owned())));
    assert_eq!((note.inside.place, note.kept_in.as_deref()), (Some(renewal(2).place), Some("/state")));
    assert_eq!(note.inside.history, History::Worked);
    claim(store, &lane, 2).await;
    arm(store, &lane, id, 3).await.unwrap();
    assert_eq!(store.instance_note().await.unwrap().inside.history, History::Armed);
}

#[tokio::test]
async fn a_suspicion_holds_everything_and_leaves_what_was_armed_in_doubt() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let armed = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "armed")).await;
    let claimed = plan(store, &draft(&lane, jana, IntentKind::Push, "claimed")).await;
    claim(store, &lane, 2).await;
    arm(store, &lane, armed, 3).await.unwrap();
    let waiting = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "waiting")).await;
    plan(store, &draft(&lane, jana, IntentKind::Unsubscribe, "opt-out")).await;

    let done = store.suspect_instance(Suspicion::Restored, "it is old", at(5)).await.unwrap();
    assert_eq!((done.released, done.in_doubt), (1, 1));
    assert_eq!(state(store, armed).await.0, IntentState::InDoubt);
    assert_eq!(state(store, claimed).await.0, IntentState::Planned);
    assert_eq!(store.instance_note().await.unwrap().suspicion, Some(Suspicion::Restored));
    // Whoever worked before has lost its lane.
    assert!(store.claim_intents(&lane, crate::intents::everything(), at(6)).await.is_err());
    let new = store.take_over_lane(lane.account, "two", at(6)).await.unwrap().lane;
    let taken = claim(store, &new, 7).await;
    assert_eq!(taken.iter().map(|intent| intent.kind).collect::<Vec<_>>(), [IntentKind::Unsubscribe]);

    let account = lane.account;
    let waits = |kind| WaitingIntents { account, kind, intents: 1, due: 1 };
    let expected = [waits(IntentKind::Push), waits(IntentKind::TemplateSend)];
    assert_eq!(store.waiting_intents(at(7)).await.unwrap(), expected);
    // What is too late by then is not among it, and what is not due yet is told apart.
    assert_eq!(store.waiting_intents(at(3_600)).await.unwrap(), expected[..1]);
    assert_eq!(store.waiting_intents(at(-1)).await.unwrap()[0].due, 0);

    let before = store.instance_note().await.unwrap().instance;
    let lifted = store.accept_instance(&Acceptance { instance: None, renewal: Some(renewal(9)) }).await.unwrap();
    assert_eq!(lifted.map(|held| (held.halt, held.why)), Some((Halt::Hold, "it is old".to_owned())));
    let note = store.instance_note().await.unwrap();
    assert_eq!((note.instance, note.suspicion, note.inside.mark), (before, None, Some(renewal(9).mark)));
    assert_eq!(claim(store, &new, 8).await.iter().map(|intent| intent.id).collect::<Vec<_>>(), [claimed, waiting]);
    let renamed = Acceptance { instance: Some("another".to_owned()), renewal: None };
    assert_eq!(store.accept_instance(&renamed).await.unwrap(), None);
    assert_eq!(store.instance_note().await.unwrap().instance, "another");
}
