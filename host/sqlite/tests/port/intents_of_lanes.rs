//! Who works on an account's intents: owners that die and wake up, and what stops all of them.

use postroom_domain::intent::arming::Refusal;
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentId, IntentKind, IntentState, Settlement};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::StoreError;
use postroom_store::intents::{Answer, AnswerTaken, Claim, Decision, DoubtStep, Halt, Halted, IntentStore};

use crate::fixture::at;
use crate::intents::{Ledger, UNCLEAR, answer, arm, armed, arming, claim, draft, granted, ledger, plan, state};

#[tokio::test]
async fn what_a_dead_owner_armed_is_in_doubt_and_what_it_claimed_is_planned_again() {
    let Ledger { home, lane } = ledger().await;
    let jana = granted(&home.store, "jana@example.cz").await;
    let mut ids = Vec::new();
    for key in ["armed", "claimed", "planned"] {
        ids.push(plan(&home.store, &draft(&lane, jana, IntentKind::TemplateSend, key)).await);
    }
    home.store.claim_intents(&lane, Claim { up_to: Class::Bulk, limit: 2 }, at(2)).await.unwrap();
    assert_eq!(arm(&home.store, &lane, ids[0], 3).await, Ok(()));
    // The files as a process that was killed leaves them, and as one that ended in order does.
    let killed = tempfile::tempdir().unwrap();
    for file in ["postroom.db", "postroom.db-wal", "secret.key"] {
        std::fs::copy(home.folder.path().join(file), killed.path().join(file)).unwrap();
    }
    drop(home.store);
    for folder in [killed.path(), home.folder.path()] {
        let store = SqliteStore::open(folder, Access::Write { verb: "test" }).unwrap();
        assert_eq!(state(&store, ids[0]).await.0, IntentState::Armed, "arming was on disk when it was answered");
        let takeover = store.take_over_lane(lane.account, "two", at(9)).await.unwrap();
        assert_eq!((takeover.lane.epoch, takeover.released, takeover.in_doubt), (2, 1, 1));
        let in_doubt = store.intent(ids[0]).await.unwrap();
        assert_eq!((in_doubt.intent.state, in_doubt.intent.crashes), (IntentState::InDoubt, 1));
        assert_eq!(in_doubt.intent.doubt_since, Some(at(9)));
        let [began] = &in_doubt.history[..] else { panic!("{:?}", in_doubt.history) };
        assert_eq!((began.at, began.what, began.evidence.as_deref()), (at(9), DoubtStep::Began, Some("program-ended")));
        let again = claim(&store, &takeover.lane, 10).await;
        assert_eq!(
            again.iter().map(|intent| (intent.id, intent.crashes)).collect::<Vec<_>>(),
            [(ids[1], 0), (ids[2], 0)]
        );
        assert_eq!(arm(&store, &takeover.lane, ids[0], 10).await, Err(Refusal::NotOwn), "nobody repeats it");
    }
}

#[tokio::test]
async fn whoever_lost_the_lane_arms_nothing_and_its_late_answer_still_resolves_the_doubt() {
    let Ledger { home, lane: old } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let sent = armed(store, &old, &draft(&old, jana, IntentKind::TemplateSend, "sent")).await;
    let again = armed(store, &old, &draft(&old, jana, IntentKind::TemplateSend, "again")).await;
    let held = plan(store, &draft(&old, jana, IntentKind::TemplateSend, "held")).await;
    claim(store, &old, 2).await;
    // The same name does not help: the epoch is another one.
    let new = store.take_over_lane(old.account, "one", at(5)).await.unwrap().lane;

    assert_eq!(arm(store, &old, held, 6).await, Err(Refusal::NotOwn));
    assert_eq!(state(store, held).await.0, IntentState::Planned);
    let refused = store.claim_intents(&old, Claim { up_to: Class::Bulk, limit: 9 }, at(6)).await.unwrap_err();
    assert!(refused.to_string().contains("taken over"), "{refused}");
    assert_eq!(claim(store, &new, 6).await.len(), 1);
    assert_eq!(arm(store, &old, held, 6).await, Err(Refusal::NotOwn), "it is another's claim");
    assert_eq!(store.release_intents(&old, &[held], at(6)).await.unwrap(), 0);
    assert_eq!(arm(store, &new, held, 6).await, Ok(()));

    let decision = Decision { settlement: Settlement::SendAgain, by: "eva".into(), evidence: "not there".into() };
    store.resolve_doubt(again, &decision, at(7)).await.unwrap();
    claim(store, &new, 8).await;
    assert_eq!(arm(store, &new, again, 8).await, Ok(()));
    let answers = [
        answer(sent, UNCLEAR),
        Answer { evidence: Some("message 5".into()), ..answer(sent, Meaning::Accepted) },
        answer(again, Meaning::Accepted),
        answer(held, Meaning::Accepted),
        answer(IntentId(99), Meaning::Accepted),
    ];
    let taken = store.record_answers(&old, &answers, at(9)).await.unwrap();
    assert_eq!(
        taken,
        [
            AnswerTaken::Not(IntentState::InDoubt),
            AnswerTaken::Now(IntentState::Done),
            AnswerTaken::Not(IntentState::Armed),
            AnswerTaken::Not(IntentState::Armed),
            AnswerTaken::Unknown,
        ]
    );
    let detail = store.intent(sent).await.unwrap();
    assert_eq!((detail.intent.evidence.as_deref(), detail.intent.doubt_since), (Some("message 5"), None));
    assert_eq!(
        detail.history.iter().map(|event| event.what).collect::<Vec<_>>(),
        [DoubtStep::Began, DoubtStep::Answered]
    );
}

#[tokio::test]
async fn whatever_stops_an_account_stops_everything_but_opt_outs() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let account = lane.account;
    let jana = granted(store, "jana@example.cz").await;
    for (halt, refusal) in [
        (Halt::Hold, Refusal::Held),
        (Halt::Pause { account }, Refusal::Paused),
        (Halt::Breaker { account }, Refusal::BreakerOpen),
    ] {
        let key = |name: &str| format!("{name} {refusal:?}");
        let message = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, &key("send"))).await;
        let opt_out = plan(store, &draft(&lane, jana, IntentKind::Unsubscribe, &key("out"))).await;
        assert_eq!(claim(store, &lane, 2).await.len(), 2);
        let halted = Halted { halt, why: "too many bounces".into(), at: at(2) };
        store.halt_intents(&halted).await.unwrap();
        assert_eq!(store.halts().await.unwrap(), [halted]);
        let armed = store.arm_intents(&lane, &[arming(message), arming(opt_out)], at(3)).await.unwrap();
        assert_eq!(armed, [Err(refusal), Ok(())]);
        assert_eq!(state(store, message).await.0, IntentState::Planned);
        let later = plan(store, &draft(&lane, jana, IntentKind::Unsubscribe, &key("later"))).await;
        let claimed = claim(store, &lane, 4).await;
        assert_eq!(claimed.iter().map(|intent| intent.id).collect::<Vec<_>>(), [later]);
        assert!(store.lift_halt(halt).await.unwrap());
        assert!(!store.lift_halt(halt).await.unwrap());
        let claimed = claim(store, &lane, 5).await;
        assert_eq!(claimed.iter().map(|intent| intent.id).collect::<Vec<_>>(), [message]);
        assert_eq!(arm(store, &lane, message, 5).await, Ok(()));
    }
    let elsewhere = Halted { halt: Halt::Pause { account: 99 }, why: "x".into(), at: at(2) };
    assert!(matches!(store.halt_intents(&elsewhere).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn what_is_too_late_or_held_is_due_for_nobody() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let due = async |second| store.due_lanes(at(second)).await.unwrap();
    let message = draft(&lane, jana, IntentKind::TemplateSend, "message");
    let late = message.valid_until.unwrap();
    plan(store, &message).await;
    assert_eq!(due(20).await.accounts, [lane.account]);
    assert_eq!(store.due_lanes(late).await.unwrap().accounts, Vec::<i64>::new(), "nobody would claim it");

    store.halt_intents(&Halted { halt: Halt::Hold, why: "any".to_owned(), at: at(21) }).await.unwrap();
    assert_eq!(due(22).await.accounts, Vec::<i64>::new());
    plan(store, &draft(&lane, jana, IntentKind::Unsubscribe, "opt-out")).await;
    assert_eq!(due(22).await.accounts, [lane.account], "an opt-out is never held");
}
