//! The intent ledger: what is planned happens once, and what may have happened is known and resolved by somebody.

use jiff::{SignedDuration, Timestamp};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::arming::Refusal;
use postroom_domain::intent::doubt::{Next, next};
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentId, IntentKind, IntentState, Settlement};
use postroom_domain::outcome::Reason;
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::accounts::AccountStore;
use postroom_store::intents::{
    Answer, AnswerTaken, Arming, Claim, ClaimedIntent, Decision, DoubtStep, IntentDraft, IntentQuery, IntentStore,
    Lane, MAX_INTENTS_AT_ONCE, Planned, ProviderKey,
};

use crate::fixture::{Home, account, add, at, home};

/// A store with one account, whose lane is taken.
pub(crate) struct Ledger {
    pub(crate) home: Home,
    pub(crate) lane: Lane,
}

pub(crate) async fn ledger() -> Ledger {
    let home = home();
    let account = home.store.add_account(&account("hotel", "secret"), at(0)).await.unwrap().id;
    let lane = home.store.take_over_lane(account, "one", at(0)).await.unwrap().lane;
    Ledger { home, lane }
}

/// What is planned for a contact: a message is valid for an hour.
pub(crate) fn draft(lane: &Lane, contact: ContactId, kind: IntentKind, key: &str) -> IntentDraft {
    let is_message = kind == IntentKind::TemplateSend;
    IntentDraft {
        effect_key: key.to_owned(),
        account: lane.account,
        contact: Some(contact),
        kind,
        delivery: kind.policy().delivery,
        class: if matches!(kind, IntentKind::Unsubscribe | IntentKind::Forget) {
            Class::OptOut
        } else {
            Class::Automation
        },
        target: "a1".to_owned(),
        list: None,
        purpose: None,
        want: if kind == IntentKind::Forget { String::new() } else { format!("want of {key}") },
        based_on: 7,
        due_at: at(0),
        valid_until: is_message.then(|| at(3_600)),
    }
}

pub(crate) async fn plan(store: &SqliteStore, draft: &IntentDraft) -> IntentId {
    match store.plan_intents(std::slice::from_ref(draft), at(1)).await.unwrap().as_slice() {
        [Planned::New(id)] => *id,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn everything() -> Claim {
    Claim { up_to: Class::Bulk, limit: 100 }
}

pub(crate) async fn claim(store: &SqliteStore, lane: &Lane, second: i64) -> Vec<ClaimedIntent> {
    store.claim_intents(lane, everything(), at(second)).await.unwrap()
}

pub(crate) fn arming(id: IntentId) -> Arming {
    Arming { id, key: None, request: None }
}

pub(crate) async fn arm(store: &SqliteStore, lane: &Lane, id: IntentId, second: i64) -> Result<(), Refusal> {
    store.arm_intents(lane, &[arming(id)], at(second)).await.unwrap()[0]
}

pub(crate) fn answer(id: IntentId, meaning: Meaning) -> Answer {
    Answer { id, meaning, reason: None, evidence: None, not_before: None, seen: None }
}

pub(crate) async fn state(store: &SqliteStore, id: IntentId) -> (IntentState, Option<String>) {
    let intent = store.intent(id).await.unwrap().intent;
    (intent.state, intent.reason.map(|reason| reason.code))
}

/// A message that may go out because its contact said yes.
pub(crate) async fn granted(store: &SqliteStore, address: &str) -> ContactId {
    use postroom_domain::consent::{ConsentAct, ConsentSource};
    use postroom_store::contacts::{ContactRef, ContactStore};
    let id = add(store, address).await;
    let grant = crate::fixture::event(1, ConsentAct::Granted, ConsentSource::Operator, Some("form"));
    store.record_consent(&ContactRef::Id(id), &grant).await.unwrap();
    id
}

/// An intent that is armed.
pub(crate) async fn armed(store: &SqliteStore, lane: &Lane, draft: &IntentDraft) -> IntentId {
    let id = plan(store, draft).await;
    assert_eq!(claim(store, lane, 2).await.len(), 1);
    assert_eq!(arm(store, lane, id, 2).await, Ok(()));
    id
}

pub(crate) const UNCLEAR: Meaning = Meaning::Unclear { counts: true };
const NOT_DONE: Meaning = Meaning::NotDone { counts: true };

#[tokio::test]
async fn one_business_act_is_planned_once_whatever_is_said_the_second_time() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let first = draft(&lane, jana, IntentKind::TemplateSend, "send:1");
    let again = IntentDraft { want: "other".into(), class: Class::Bulk, ..first.clone() };
    let other = draft(&lane, jana, IntentKind::TemplateSend, "send:2");
    let planned = store.plan_intents(&[first, again.clone(), other], at(1)).await.unwrap();
    let [Planned::New(one), Planned::Known(same), Planned::New(two)] = planned[..] else { panic!("{planned:?}") };
    assert!(one == same && one < two);
    assert_eq!(store.plan_intents(&[again], at(9)).await.unwrap(), [Planned::Known(one)]);
    let kept = store.intent(one).await.unwrap().intent;
    assert_eq!((kept.want.as_deref(), kept.class, kept.planned_at), (Some("want of send:1"), Class::Automation, at(1)));
}

#[tokio::test]
async fn what_the_rules_do_not_admit_is_refused_and_nothing_of_the_call_is_planned() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let right = draft(&lane, jana, IntentKind::Push, "push");
    let refused = async |wrong: IntentDraft| {
        let error = store.plan_intents(&[right.clone(), wrong], at(1)).await.unwrap_err();
        assert_eq!(store.intents(&IntentQuery { limit: 9, ..IntentQuery::default() }).await.unwrap(), []);
        error
    };
    let send = draft(&lane, jana, IntentKind::TemplateSend, "send");
    let forget = draft(&lane, jana, IntentKind::Forget, "forget");
    for (wrong, word) in [
        (IntentDraft { valid_until: None, ..send.clone() }, "until when"),
        (IntentDraft { contact: None, ..send.clone() }, "name one"),
        (IntentDraft { effect_key: String::new(), ..send.clone() }, "1 to"),
        (IntentDraft { target: "x".repeat(300), ..send.clone() }, "256"),
        (IntentDraft { want: "x".repeat(70_000), ..send.clone() }, "65536"),
        (IntentDraft { want: "jana".into(), ..forget }, "sealed"),
    ] {
        let error = refused(wrong).await;
        assert!(matches!(&error, StoreError::Refused(why) if why.contains(word)), "{error}");
    }
    let unknown = refused(IntentDraft { account: 99, ..send.clone() }).await;
    assert!(matches!(unknown, StoreError::NotFound { kind: "account", .. }), "{unknown}");
    let unknown = refused(IntentDraft { list: Some("nowhere".into()), ..send.clone() }).await;
    assert!(matches!(unknown, StoreError::NotFound { kind: "list", .. }), "{unknown}");
    let many = vec![right; MAX_INTENTS_AT_ONCE + 1];
    assert!(matches!(store.plan_intents(&many, at(1)).await, Err(StoreError::Refused(_))));
    let gone = IntentDraft { contact: Some(ContactId(99)), ..send };
    assert_eq!(store.plan_intents(&[gone], at(1)).await.unwrap(), [Planned::ContactGone]);
}

#[tokio::test]
async fn the_most_urgent_class_is_served_first_and_in_it_what_has_been_due_longest() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let send = |key: &str, class, due| IntentDraft {
        class,
        due_at: at(due),
        ..draft(&lane, jana, IntentKind::TemplateSend, key)
    };
    let drafts = [
        send("bulk", Class::Bulk, 0),
        send("late", Class::Automation, 3),
        send("early", Class::Automation, 2),
        send("future", Class::Interactive, 50),
        send("person", Class::Interactive, 4),
        draft(&lane, jana, IntentKind::Unsubscribe, "opt-out"),
    ];
    store.plan_intents(&drafts, at(1)).await.unwrap();
    let keys = async |up_to, limit| {
        let claimed = store.claim_intents(&lane, Claim { up_to, limit }, at(10)).await.unwrap();
        claimed.into_iter().map(|intent| intent.effect_key).collect::<Vec<_>>()
    };
    assert_eq!(keys(Class::OptOut, 9).await, ["opt-out"]);
    assert_eq!(keys(Class::Bulk, 2).await, ["person", "early"]);
    assert_eq!(keys(Class::Automation, 9).await, ["late"]);
    assert_eq!(keys(Class::Bulk, 9).await, ["bulk"]);
    assert_eq!(keys(Class::Bulk, 9).await, [""; 0], "nothing is claimed twice, and nothing before it is due");
}

#[tokio::test]
async fn an_intent_that_is_too_late_is_never_armed() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let claimed = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "claimed")).await;
    claim(store, &lane, 3_599).await;
    assert_eq!(arm(store, &lane, claimed, 3_600).await, Err(Refusal::TooLate));
    assert_eq!(state(store, claimed).await, (IntentState::Expired, Some("too-late".into())));

    let waiting = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "waiting")).await;
    let opt_out = plan(store, &draft(&lane, jana, IntentKind::Unsubscribe, "opt-out")).await;
    let late = claim(store, &lane, 9_999).await;
    assert_eq!(late.iter().map(|intent| intent.id).collect::<Vec<_>>(), [opt_out]);
    assert_eq!(store.expire_intents(at(3_599)).await.unwrap(), 0);
    assert_eq!(store.expire_intents(at(3_600)).await.unwrap(), 1);
    assert_eq!(state(store, waiting).await.0, IntentState::Expired);
    assert_eq!(store.intent(waiting).await.unwrap().intent.want, None);
}

#[tokio::test]
async fn the_newest_word_on_how_a_thing_is_to_stand_replaces_older_ones_and_an_opt_out_only_another() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let (jana, petr) = (granted(store, "jana@example.cz").await, granted(store, "petr@example.cz").await);
    let push = |key: &str| draft(&lane, jana, IntentKind::Push, key);
    let underway = armed(store, &lane, &push("underway")).await;
    let taken = plan(store, &push("claimed")).await;
    claim(store, &lane, 2).await;
    let others = [
        plan(store, &draft(&lane, petr, IntentKind::Push, "petr")).await,
        plan(store, &IntentDraft { target: "a2".into(), ..push("other audience") }).await,
        plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "send 1")).await,
        plan(store, &draft(&lane, jana, IntentKind::Tag, "tag")).await,
    ];
    let newest = plan(store, &push("newest")).await;
    let superseded = (IntentState::Cancelled, Some("superseded".to_owned()));
    assert_eq!(state(store, taken).await, superseded);
    assert_eq!(arm(store, &lane, taken, 3).await, Err(Refusal::NotClaimed));
    assert_eq!(state(store, underway).await.0, IntentState::Armed, "what may have left stays");
    plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "send 2")).await;
    for id in others.into_iter().chain([newest]) {
        assert_eq!(state(store, id).await.0, IntentState::Planned, "{id:?}");
    }

    let off = IntentDraft { class: Class::OptOut, ..draft(&lane, jana, IntentKind::Untag, "off") };
    let off = plan(store, &off).await;
    assert_eq!(state(store, others[3]).await, superseded);
    let on = plan(store, &draft(&lane, jana, IntentKind::Tag, "on again")).await;
    assert_eq!(state(store, off).await.0, IntentState::Planned, "the provider hears that it came off");
    let off_again = IntentDraft { class: Class::OptOut, ..draft(&lane, jana, IntentKind::Untag, "off again") };
    plan(store, &off_again).await;
    assert_eq!((state(store, off).await, state(store, on).await), (superseded.clone(), superseded));
}

#[tokio::test]
async fn answers_end_an_intent_or_put_it_off_and_what_is_sent_no_more_is_forgotten() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let reason = Reason::new("bad-value", "the provider refuses the field");
    for (number, kind, meaning, expected) in [
        (0, IntentKind::Push, Meaning::Accepted, IntentState::Done),
        (1, IntentKind::Push, Meaning::Refused, IntentState::Rejected),
        (2, IntentKind::Push, UNCLEAR, IntentState::Planned),
        (3, IntentKind::TemplateSend, Meaning::Accepted, IntentState::Done),
        (4, IntentKind::TemplateSend, Meaning::Refused, IntentState::Rejected),
        (5, IntentKind::TemplateSend, NOT_DONE, IntentState::Planned),
        (6, IntentKind::TemplateSend, UNCLEAR, IntentState::InDoubt),
    ] {
        let id = armed(store, &lane, &draft(&lane, jana, kind, &number.to_string())).await;
        let answer = Answer { reason: Some(reason.clone()), evidence: Some("m5".into()), ..answer(id, meaning) };
        let taken = store.record_answers(&lane, std::slice::from_ref(&answer), at(10)).await.unwrap();
        assert_eq!(taken, [AnswerTaken::Now(expected)], "{kind} {meaning:?}");
        let intent = store.intent(id).await.unwrap().intent;
        assert_eq!(intent.want.is_none(), expected.is_final(), "{kind} {meaning:?}");
        assert_eq!(intent.ended_at, expected.is_final().then(|| at(10)));
        assert_eq!((intent.reason.as_ref(), intent.evidence.as_deref()), (Some(&reason), Some("m5")));
        if expected == IntentState::Planned {
            assert_eq!((intent.attempts, intent.due_at), (1, at(40)), "half a minute");
            assert_eq!(store.release_intents(&lane, &[id], at(10)).await.unwrap(), 0);
        } else if expected.is_final() {
            let twice = store.record_answers(&lane, &[answer], at(11)).await.unwrap();
            assert_eq!(twice, [AnswerTaken::Not(expected)], "what has ended stays");
        }
    }
}

#[tokio::test]
async fn what_is_put_off_by_the_provider_is_no_try_and_what_fails_for_ever_is_given_up_unless_it_is_an_opt_out() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    for (kind, ends) in [(IntentKind::Push, IntentState::Abandoned), (IntentKind::Unsubscribe, IntentState::Planned)] {
        let id = plan(store, &draft(&lane, jana, kind, kind.as_str())).await;
        let mut now = 10;
        let mut fail = async |meaning, not_before: Option<Timestamp>| {
            now = now.max(store.intent(id).await.unwrap().intent.due_at.duration_since(at(0)).as_secs());
            assert_eq!(claim(store, &lane, now).await.len(), 1);
            assert_eq!(arm(store, &lane, id, now).await, Ok(()));
            let answer = Answer { not_before, ..answer(id, meaning) };
            store.record_answers(&lane, &[answer], at(now)).await.unwrap();
            store.intent(id).await.unwrap().intent
        };
        let put_off = fail(Meaning::Unclear { counts: false }, Some(at(100_000))).await;
        assert_eq!((put_off.attempts, put_off.due_at), (0, at(100_000)));
        let mut last = put_off;
        for _ in 0..postroom_domain::intent::policy::ATTEMPTS_OF_A_STATE {
            assert_eq!(last.state, IntentState::Planned);
            last = fail(UNCLEAR, None).await;
        }
        assert_eq!(last.state, ends, "{kind}");
    }
}

#[tokio::test]
async fn a_doubt_is_resolved_by_somebody_on_some_ground_and_both_are_kept() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let doubtful = async |key: &str, kind| {
        let id = armed(store, &lane, &draft(&lane, jana, kind, key)).await;
        store.record_answers(&lane, &[answer(id, UNCLEAR)], at(3)).await.unwrap();
        id
    };
    let decide = async |id, settlement, evidence: &str| {
        let decision = Decision { settlement, by: "eva".to_owned(), evidence: evidence.to_owned() };
        store.resolve_doubt(id, &decision, at(20)).await
    };
    for (settlement, expected) in [
        (Settlement::Found, IntentState::Done),
        (Settlement::AssumeSent, IntentState::Done),
        (Settlement::NotFound, IntentState::Planned),
        (Settlement::SendAgain, IntentState::Planned),
        (Settlement::Drop, IntentState::Abandoned),
    ] {
        let id = doubtful(settlement.as_str(), IntentKind::TemplateSend).await;
        assert_eq!(store.intent(id).await.unwrap().intent.doubt().unwrap().since, at(3));
        assert_eq!(decide(id, settlement, "their log of May").await, Ok(expected));
        let detail = store.intent(id).await.unwrap();
        assert_eq!((detail.intent.state, detail.intent.doubt()), (expected, None));
        let [began, settled] = &detail.history[..] else { panic!("{:?}", detail.history) };
        assert_eq!((began.what, began.by.as_deref()), (DoubtStep::Began, None));
        assert_eq!((settled.what, settled.at), (DoubtStep::Settled(settlement), at(20)));
        assert_eq!((settled.by.as_deref(), settled.evidence.as_deref()), (Some("eva"), Some("their log of May")));
        let twice = decide(id, settlement, "again").await.unwrap_err();
        assert!(twice.to_string().contains("look the intent up again"), "{twice}");
        // Whoever is planned again would be claimed with the next one.
        if expected == IntentState::Planned {
            let claimed = claim(store, &lane, 21).await;
            assert_eq!(claimed.iter().map(|intent| intent.id).collect::<Vec<_>>(), [id]);
        }
    }
    let id = doubtful("refused", IntentKind::TemplateSend).await;
    for (settlement, evidence, word) in [
        (Settlement::Repeat, "why not", "at most once"),
        (Settlement::RepeatWithKey, "why not", "key"),
        (Settlement::Drop, " ", "what it rests on"),
    ] {
        let refused = decide(id, settlement, evidence).await.unwrap_err();
        assert!(matches!(&refused, StoreError::Refused(why) if why.contains(word)), "{refused}");
    }
    assert_eq!(state(store, id).await.0, IntentState::InDoubt);
    assert!(matches!(decide(IntentId(99), Settlement::Drop, "x").await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn a_doubt_is_repeated_by_the_same_key_while_the_provider_surely_knows_it() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let id = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "send")).await;
    let key = ProviderKey { key: "k-1".into(), life: SignedDuration::from_secs(200) };
    let with_key = Arming { key: Some(key.clone()), request: Some([9; 16]), ..arming(id) };
    for began in [10, 60] {
        assert_eq!(claim(store, &lane, began).await[0].provider_key.is_some(), began > 10, "it is the same key");
        store.arm_intents(&lane, std::slice::from_ref(&with_key), at(began)).await.unwrap();
        store.record_answers(&lane, &[answer(id, UNCLEAR)], at(began + 1)).await.unwrap();
        let doubt = store.intent(id).await.unwrap().intent.doubt().unwrap();
        assert_eq!(doubt.key.map(|key| key.since), Some(at(10)), "its life began when it was first used");
        assert_eq!(next(&doubt, at(110)), Next::Settle(Settlement::RepeatWithKey));
        assert!(matches!(next(&doubt, at(111)), Next::Look(_)));
        let decision = Decision {
            settlement: Settlement::RepeatWithKey,
            by: "resolver".into(),
            evidence: "the key is known for 200 s".into(),
        };
        if began == 10 {
            assert_eq!(store.resolve_doubt(id, &decision, at(50)).await, Ok(IntentState::Planned));
        } else {
            assert!(store.resolve_doubt(id, &decision, at(111)).await.is_err());
        }
    }
}

#[tokio::test]
async fn figures_are_counted_from_the_rows_and_tell_how_old_the_oldest_is() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let doubtful = armed(store, &lane, &draft(&lane, jana, IntentKind::TemplateSend, "doubt")).await;
    store.record_answers(&lane, &[answer(doubtful, UNCLEAR)], at(8)).await.unwrap();
    let done = armed(store, &lane, &draft(&lane, jana, IntentKind::Push, "done")).await;
    store.record_answers(&lane, &[answer(done, Meaning::Accepted)], at(9)).await.unwrap();
    plan(store, &draft(&lane, jana, IntentKind::Unsubscribe, "out")).await;
    let later = IntentDraft { due_at: at(50), ..draft(&lane, jana, IntentKind::Push, "later") };
    plan(store, &later).await;
    for of in [None, Some(lane.account)] {
        let figures = store.intent_figures(of).await.unwrap();
        let states: Vec<_> = figures.states.into_iter().collect();
        assert_eq!(states, [(IntentState::Planned, 2), (IntentState::Done, 1), (IntentState::InDoubt, 1)]);
        assert_eq!((figures.oldest_in_doubt, figures.oldest_opt_out), (Some(at(8)), Some(at(1))));
        assert_eq!(figures.oldest_due, Some(at(0)));
    }
    assert_eq!(store.intent_figures(Some(99)).await.unwrap(), Default::default());
    let page = async |query: IntentQuery| {
        let page = store.intents(&IntentQuery { limit: 2, ..query }).await.unwrap();
        page.into_iter().map(|intent| intent.effect_key).collect::<Vec<_>>()
    };
    let all = IntentQuery { account: Some(lane.account), contact: Some(jana), ..IntentQuery::default() };
    assert_eq!(page(all.clone()).await, ["doubt", "done"]);
    assert_eq!(page(IntentQuery { after: Some(done), ..all.clone() }).await, ["out", "later"]);
    assert_eq!(page(IntentQuery { state: Some(IntentState::InDoubt), ..all }).await, ["doubt"]);
}

#[tokio::test]
async fn what_ended_long_ago_is_cleared_away_and_a_message_is_never_planned_again() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let (push, send) =
        (draft(&lane, jana, IntentKind::Push, "push"), draft(&lane, jana, IntentKind::TemplateSend, "send"));
    for draft in [&push, &send] {
        let id = armed(store, &lane, draft).await;
        store.record_answers(&lane, &[answer(id, Meaning::Accepted)], at(10)).await.unwrap();
    }
    let doubtful = armed(store, &lane, &draft(&lane, jana, IntentKind::TemplateSend, "doubt")).await;
    store.record_answers(&lane, &[answer(doubtful, UNCLEAR)], at(10)).await.unwrap();
    assert_eq!(store.clear_intents(at(10)).await.unwrap(), 0);
    assert_eq!(store.clear_intents(at(11)).await.unwrap(), 2);
    assert_eq!(state(store, doubtful).await.0, IntentState::InDoubt, "what is open stays however old it is");
    let again = store.plan_intents(&[push, send.clone()], at(12)).await.unwrap();
    assert!(matches!(again[..], [Planned::New(_), Planned::Spent]), "{again:?}");

    let refused = store.remove_account("hotel").await.unwrap_err();
    assert!(refused.to_string().contains("2 of the effects"), "{refused}");
    let drop = Decision { settlement: Settlement::AssumeSent, by: "eva".into(), evidence: "the log".into() };
    store.resolve_doubt(doubtful, &drop, at(13)).await.unwrap();
    let pushed = claim(store, &lane, 14).await[0].id;
    arm(store, &lane, pushed, 14).await.unwrap();
    store.record_answers(&lane, &[answer(pushed, Meaning::Accepted)], at(14)).await.unwrap();
    store.remove_account("hotel").await.unwrap();
    let other = store.add_account(&account("hotel", "secret"), at(15)).await.unwrap().id;
    let doubt = IntentDraft { account: other, effect_key: "doubt".into(), ..send };
    assert_eq!(store.plan_intents(&[doubt], at(16)).await.unwrap(), [Planned::Spent], "nor through another account");
}
