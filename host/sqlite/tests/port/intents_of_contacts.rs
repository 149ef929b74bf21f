//! What becomes of intents when something becomes of their contact: its no wins, and who is gone is gone.

use postroom_domain::consent::{ConsentAct, ConsentSource};
use postroom_domain::contact::ContactId;
use postroom_domain::intent::arming::Refusal;
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentId, IntentKind, IntentState, Settlement};
use postroom_domain::narrowing::Scope;
use postroom_domain::outcome::Reason;
use postroom_domain::purpose::LegalBasis;
use postroom_sqlite::SqliteStore;
use postroom_store::contacts::{ContactRef, ContactStore};
use postroom_store::erasure::ErasureStore;
use postroom_store::intents::{Answer, AnswerTaken, Decision, DoubtStep, IntentDraft, IntentStore, Lane, Planned};
use postroom_store::lists::{ImportMode, ListStore};
use postroom_store::purposes::PurposeStore;

use crate::fixture::{add, at, event, import, purpose, row, start};
use crate::intents::{Ledger, answer, arm, claim, draft, granted, ledger, plan, state};

/// One intent of a contact in every state that can still change, as messages and as opt-outs.
struct Open {
    planned: IntentId,
    claimed: IntentId,
    armed: IntentId,
    in_doubt: IntentId,
    opt_out: IntentId,
}

/// When what is planned is due: nobody else's claim takes it.
const LATER: i64 = 500;

async fn open(store: &SqliteStore, lane: &Lane, contact: ContactId) -> Open {
    let send = |key: &str| draft(lane, contact, IntentKind::TemplateSend, &format!("{key} {}", contact.0));
    let in_doubt = plan(store, &send("in doubt")).await;
    let armed = plan(store, &send("armed")).await;
    let claimed = plan(store, &send("claimed")).await;
    claim(store, lane, 2).await;
    for id in [in_doubt, armed] {
        assert_eq!(arm(store, lane, id, 2).await, Ok(()));
    }
    store.record_answers(lane, &[answer(in_doubt, Meaning::Unclear { counts: true })], at(3)).await.unwrap();
    let planned = plan(store, &IntentDraft { due_at: at(LATER), ..send("planned") }).await;
    let out = draft(lane, contact, IntentKind::Unsubscribe, &format!("out {}", contact.0));
    let out = IntentDraft { due_at: at(LATER), ..out };
    Open { planned, claimed, armed, in_doubt, opt_out: plan(store, &out).await }
}

fn no(second: i64, scope: Scope) -> postroom_domain::consent::ConsentEvent {
    event(second, ConsentAct::Withdrawn, ConsentSource::Contact, None).about(scope)
}

#[tokio::test]
async fn an_opt_out_cancels_what_nothing_has_left_of_and_wins_over_arming() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let petr = granted(store, "petr@example.cz").await;
    let (open, other) = (open(store, &lane, jana).await, open(store, &lane, petr).await);
    let push = plan(store, &draft(&lane, jana, IntentKind::Push, "push")).await;
    let untag = plan(store, &draft(&lane, jana, IntentKind::Untag, "untag")).await;
    store.record_consent(&ContactRef::Id(jana), &no(5, Scope::Whole)).await.unwrap();

    let withdrawn = (IntentState::Cancelled, Some("withdrawn".to_owned()));
    for id in [open.planned, open.claimed, push] {
        assert_eq!(state(store, id).await, withdrawn, "{id:?}");
        assert_eq!(store.intent(id).await.unwrap().intent.want, None);
    }
    assert_eq!(arm(store, &lane, open.claimed, 6).await, Err(Refusal::NotClaimed));
    assert_eq!(state(store, open.armed).await.0, IntentState::Armed, "it may be on its way");
    assert_eq!(state(store, open.in_doubt).await.0, IntentState::InDoubt);
    for id in [open.opt_out, untag] {
        assert_eq!(state(store, id).await.0, IntentState::Planned, "{id:?}");
    }
    assert_eq!(state(store, other.claimed).await.0, IntentState::Claimed, "it is somebody else's no");

    // What is decided or planned afterwards finds the no when it is armed.
    let again = Decision { settlement: Settlement::SendAgain, by: "eva".into(), evidence: "not there".into() };
    assert_eq!(store.resolve_doubt(open.in_doubt, &again, at(7)).await, Ok(IntentState::Planned));
    let late = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "late")).await;
    claim(store, &lane, 8).await;
    for id in [open.in_doubt, late] {
        assert_eq!(arm(store, &lane, id, 8).await, Err(Refusal::Withdrawn));
        assert_eq!(state(store, id).await, withdrawn);
    }
    claim(store, &lane, LATER).await;
    assert_eq!(arm(store, &lane, open.opt_out, LATER).await, Ok(()));
}

#[tokio::test]
async fn a_no_to_a_list_or_a_purpose_and_a_bounce_cancel_what_they_are_about() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    store.create_list("guests", at(0)).await.unwrap();
    store.add_purpose(&purpose("newsletter", LegalBasis::Consent)).await.unwrap();
    store.add_purpose(&purpose("receipts", LegalBasis::Contract)).await.unwrap();
    let newsletter = Scope::Purpose("newsletter".parse().unwrap());
    let jana = granted(store, "jana@example.cz").await;
    let who = ContactRef::Id(jana);
    let yes = event(2, ConsentAct::Granted, ConsentSource::Operator, Some("form")).about(newsletter.clone());
    store.record_consent(&who, &yes).await.unwrap();
    let send = |key: &str| draft(&lane, jana, IntentKind::TemplateSend, key);
    let for_list = plan(store, &IntentDraft { list: Some("guests".into()), ..send("list") }).await;
    let for_purpose = IntentDraft { purpose: Some("newsletter".parse().unwrap()), ..send("purpose") };
    let for_purpose = plan(store, &for_purpose).await;
    let receipt = IntentDraft { purpose: Some("receipts".parse().unwrap()), ..send("receipt") };
    let receipt = plan(store, &receipt).await;
    let planned = (IntentState::Planned, None);
    let cancelled = |reason: &str| (IntentState::Cancelled, Some(reason.to_owned()));

    store.record_consent(&who, &no(5, newsletter.clone())).await.unwrap();
    assert_eq!(state(store, for_purpose).await, cancelled("withdrawn"));
    assert_eq!((state(store, for_list).await, state(store, receipt).await), (planned.clone(), planned.clone()));
    // A no that is said again cancels what was planned in between.
    let again = IntentDraft { purpose: Some("newsletter".parse().unwrap()), ..send("again") };
    let again = plan(store, &again).await;
    store.record_consent(&who, &no(6, newsletter)).await.unwrap();
    assert_eq!(state(store, again).await, cancelled("withdrawn"));
    store.record_consent(&who, &no(6, Scope::List("guests".into()))).await.unwrap();
    assert_eq!((state(store, for_list).await, state(store, receipt).await), (cancelled("withdrawn"), planned));
    let bounce = event(7, ConsentAct::Bounced, ConsentSource::Provider, None);
    store.record_consent(&who, &bounce).await.unwrap();
    assert_eq!(state(store, receipt).await, cancelled("unusable"));
}

#[tokio::test]
async fn a_file_that_tells_of_a_withdrawal_cancels_too() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let jana = granted(store, "jana@example.cz").await;
    let message = plan(store, &draft(&lane, jana, IntentKind::TemplateSend, "send")).await;
    let claim = postroom_domain::claim::ConsentClaim {
        act: postroom_domain::claim::ClaimedAct::Withdrawn,
        at: None,
        evidence: "line 2".into(),
        ip: None,
    };
    let rows = vec![postroom_domain::contact::ImportedRow { claim: Some(claim), ..row(2, "", "jana@example.cz", "J") }];
    import(store, &start("guests", ImportMode::Add), rows).await;
    assert_eq!(state(store, message).await, (IntentState::Cancelled, Some("withdrawn".into())));
}

#[tokio::test]
async fn a_message_that_rests_on_consent_is_not_sent_without_it() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    store.add_purpose(&purpose("receipts", LegalBasis::Contract)).await.unwrap();
    let unasked = add(store, "unasked@example.cz").await;
    let message = plan(store, &draft(&lane, unasked, IntentKind::TemplateSend, "send")).await;
    let receipt = IntentDraft {
        purpose: Some("receipts".parse().unwrap()),
        ..draft(&lane, unasked, IntentKind::TemplateSend, "receipt")
    };
    let receipt = plan(store, &receipt).await;
    claim(store, &lane, 2).await;
    assert_eq!(arm(store, &lane, message, 2).await, Err(Refusal::NotGranted));
    assert_eq!(state(store, message).await, (IntentState::Cancelled, Some("not-granted".into())));
    assert_eq!(arm(store, &lane, receipt, 2).await, Ok(()));
}

#[tokio::test]
async fn an_opt_out_and_an_arming_at_once_come_in_one_order_or_the_other() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    for number in 0..20 {
        let contact = granted(store, &format!("guest{number}@example.cz")).await;
        let id = plan(store, &draft(&lane, contact, IntentKind::TemplateSend, &number.to_string())).await;
        claim(store, &lane, 2).await;
        let event = no(3, Scope::Whole);
        let who = ContactRef::Id(contact);
        let (armed, said) = if number % 2 == 0 {
            tokio::join!(arm(store, &lane, id, 3), store.record_consent(&who, &event))
        } else {
            let (said, armed) = tokio::join!(store.record_consent(&who, &event), arm(store, &lane, id, 3));
            (armed, said)
        };
        said.unwrap();
        let expected = if armed.is_ok() { IntentState::Armed } else { IntentState::Cancelled };
        assert_eq!(state(store, id).await.0, expected, "{armed:?}");
    }
}

#[tokio::test]
async fn who_is_deleted_or_erased_gets_nothing_more_and_only_a_deletion_lets_opt_outs_travel() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    for erases in [false, true] {
        let contact = granted(store, &format!("guest-{erases}@example.cz")).await;
        let open = open(store, &lane, contact).await;
        let forget = draft(&lane, contact, IntentKind::Forget, &format!("forget {erases}"));
        let forget = plan(store, &forget).await;
        if erases {
            store.erase_contact(&ContactRef::Id(contact), at(9)).await.unwrap();
        } else {
            store.delete_contact(&ContactRef::Id(contact), at(9)).await.unwrap();
        }
        let gone = Some("contact-gone".to_owned());
        for (id, expected) in [
            (open.planned, (IntentState::Cancelled, gone.clone())),
            (open.claimed, (IntentState::Cancelled, gone.clone())),
            (open.armed, (IntentState::Armed, None)),
            (open.in_doubt, (IntentState::Abandoned, gone.clone())),
        ] {
            assert_eq!(state(store, id).await, expected, "{erases}");
            assert_eq!(store.intent(id).await.unwrap().intent.want, None, "{erases}");
        }
        let history = store.intent(open.in_doubt).await.unwrap().history;
        assert_eq!(history.last().map(|event| event.what), Some(DoubtStep::GivenUp));
        assert!(history.iter().all(|event| event.evidence.is_none()));
        let opt_out = store.intent(open.opt_out).await.unwrap().intent;
        let expected = if erases { IntentState::Cancelled } else { IntentState::Planned };
        assert_eq!((opt_out.state, opt_out.want.is_none()), (expected, erases));
        assert_eq!(state(store, forget).await.0, IntentState::Planned);

        // What was on its way is answered by words that name somebody who is not here any more.
        let not_done = Answer {
            reason: Some(Reason::new("busy", "guest is busy")),
            evidence: Some("guest".into()),
            ..answer(open.armed, Meaning::NotDone { counts: true })
        };
        let taken = store.record_answers(&lane, &[not_done], at(10)).await.unwrap();
        assert_eq!(taken, [AnswerTaken::Now(IntentState::Cancelled)], "there is nothing left to send");
        let ended = store.intent(open.armed).await.unwrap().intent;
        let reason = ended.reason.map(|reason| (reason.code, reason.message));
        assert_eq!((reason, ended.evidence), (Some(("contact-gone".into(), String::new())), None));
        for id in claim(store, &lane, LATER).await.into_iter().map(|intent| intent.id) {
            assert_eq!(arm(store, &lane, id, LATER).await, Ok(()), "opt-outs need nobody to be there");
            store.record_answers(&lane, &[answer(id, Meaning::Accepted)], at(11)).await.unwrap();
        }
        let again = draft(&lane, contact, IntentKind::Unsubscribe, &format!("again {erases}"));
        assert_eq!(store.plan_intents(&[again], at(12)).await.unwrap(), [Planned::ContactGone]);
    }
}

#[tokio::test]
async fn the_intents_of_who_was_merged_are_found_with_the_one_that_stayed() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let (kept, other) = (granted(store, "jana@example.cz").await, granted(store, "j@example.cz").await);
    let (of_kept, of_other) = (open(store, &lane, kept).await, open(store, &lane, other).await);
    store.merge_contacts(&ContactRef::Id(kept), &ContactRef::Id(other), at(8)).await.unwrap();
    let of = async |id| store.intent(id).await.unwrap().intent;
    for id in [of_other.planned, of_other.claimed] {
        assert_eq!(state(store, id).await, (IntentState::Cancelled, Some("contact-gone".into())));
    }
    for id in [of_other.armed, of_other.in_doubt, of_other.opt_out, of_other.planned] {
        assert_eq!(of(id).await.contact, Some(kept));
    }
    assert_eq!(
        (of(of_other.armed).await.state, of(of_other.opt_out).await.state),
        (IntentState::Armed, IntentState::Planned)
    );
    assert_eq!(
        (of(of_kept.planned).await.state, of(of_kept.claimed).await.state),
        (IntentState::Planned, IntentState::Claimed)
    );
    store.erase_contact(&ContactRef::Id(kept), at(9)).await.unwrap();
    for id in [of_other.armed, of_other.in_doubt, of_other.opt_out, of_kept.in_doubt] {
        assert_eq!(of(id).await.want, None);
    }
}

#[tokio::test]
async fn a_withdrawal_that_a_merge_brings_cancels_what_the_one_that_stays_would_get() {
    let Ledger { home, lane } = ledger().await;
    let store = &home.store;
    let (kept, other) = (granted(store, "jana@example.cz").await, granted(store, "j@example.cz").await);
    store.record_consent(&ContactRef::Id(other), &no(3, Scope::Whole)).await.unwrap();
    let message = plan(store, &draft(&lane, kept, IntentKind::TemplateSend, "send")).await;
    let opt_out = IntentDraft { class: Class::OptOut, ..draft(&lane, kept, IntentKind::Untag, "untag") };
    let opt_out = plan(store, &opt_out).await;
    store.merge_contacts(&ContactRef::Id(kept), &ContactRef::Id(other), at(8)).await.unwrap();
    assert_eq!(state(store, message).await, (IntentState::Cancelled, Some("withdrawn".into())));
    assert_eq!(state(store, opt_out).await.0, IntentState::Planned);
}
