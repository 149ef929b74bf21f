use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;

use super::arming::{Facts, Refusal, Standing, Stop, may_arm, refused_by};
use super::policy::{
    ATTEMPTS_OF_A_STATE, FIRST_WAIT, LONGEST_WAIT, Needs, OptOut, Terms, TermsFault, Validity, attempts, due_again,
};
use super::wire::{Meaning, Observation, Opinion};
use super::*;
use crate::consent::ConsentState;
use crate::purpose::LegalBasis;

use Delivery::{AtLeastOnce, AtMostOnce};

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

fn events() -> Vec<IntentEvent> {
    use IntentEvent::{Accept, Arm, Cancel, Claim, Expire, GiveUp, Lose, NotSent, Refuse, Release, Unclear};
    let plain = [Claim, Release, Arm, Accept, Refuse, NotSent, Unclear, Lose, GiveUp, Cancel, Expire];
    plain.into_iter().chain(Settlement::ALL.map(IntentEvent::Settle)).collect()
}

pub(super) fn any_kind() -> impl Strategy<Value = IntentKind> {
    select(IntentKind::ALL.as_slice())
}

pub(super) fn any_class() -> impl Strategy<Value = Class> {
    select(Class::ALL.as_slice())
}

pub(super) fn any_delivery() -> impl Strategy<Value = Delivery> {
    select(Delivery::ALL.as_slice())
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        Just(Observation::NeverWritten),
        Just(Observation::NoAnswer),
        Just(Observation::Killed),
        any::<u16>().prop_map(Observation::Answered),
        (100_u16..600).prop_map(Observation::Answered),
    ]
}

fn any_opinion() -> impl Strategy<Value = Option<Opinion>> {
    option::of(select(vec![Opinion::Accepted, Opinion::Refused, Opinion::NotDone, Opinion::Unclear]))
}

fn any_standing() -> impl Strategy<Value = Standing> {
    let there = (select(ConsentState::ALL.as_slice()), option::of(select(LegalBasis::ALL.as_slice())), any::<bool>());
    prop_oneof![
        Just(Standing::Gone),
        there.prop_map(|(consent, basis, is_suppressed)| Standing::There { consent, basis, is_suppressed }),
    ]
}

fn any_facts() -> impl Strategy<Value = Facts> {
    (
        (any_kind(), any_class(), select(IntentState::ALL.as_slice()), any::<bool>()),
        (-5_i64..5, option::of(-5_i64..5)),
        option::of(select(vec![Stop::Hold, Stop::Pause, Stop::Breaker])),
        option::of(any_standing()),
    )
        .prop_map(|((kind, class, state, is_own), (now, valid_until), stop, contact)| Facts {
            kind,
            class,
            state,
            is_own,
            now: at(now),
            valid_until: valid_until.map(at),
            stop,
            contact,
        })
}

#[test]
fn a_word_is_the_same_in_tables_and_in_json() {
    fn check<T: Serialize>(value: &T, word: &str) {
        assert_eq!(serde_json::to_value(value).unwrap(), word);
    }
    IntentState::ALL.iter().for_each(|state| check(state, state.as_str()));
    IntentKind::ALL.iter().for_each(|kind| check(kind, kind.as_str()));
    Delivery::ALL.iter().for_each(|delivery| check(delivery, delivery.as_str()));
    Class::ALL.iter().for_each(|class| check(class, class.as_str()));
    Settlement::ALL.iter().for_each(|settlement| check(settlement, settlement.as_str()));
    Refusal::ALL.iter().for_each(|refusal| check(refusal, refusal.as_str()));
}

#[test]
fn what_has_ended_stays() {
    for state in IntentState::ALL.into_iter().filter(|state| state.is_final()) {
        for (event, delivery) in events().into_iter().flat_map(|event| Delivery::ALL.map(|delivery| (event, delivery)))
        {
            assert_eq!(state.after(event, delivery), Err(StateRefusal { state, event }));
        }
    }
}

#[test]
fn bytes_leave_only_what_was_claimed_and_armed_by_itself() {
    for state in IntentState::ALL {
        for event in events() {
            for delivery in Delivery::ALL {
                if state.after(event, delivery) == Ok(IntentState::Armed) {
                    assert_eq!((state, event), (IntentState::Claimed, IntentEvent::Arm));
                }
            }
        }
    }
}

#[test]
fn what_goes_out_at_most_once_is_planned_again_only_if_nothing_was_done_or_somebody_says_so() {
    let back_from = |state: IntentState, delivery| {
        let is_back = |event: &IntentEvent| state.after(*event, delivery) == Ok(IntentState::Planned);
        events().into_iter().filter(is_back).collect::<Vec<_>>()
    };
    use IntentEvent::{NotSent, Settle, Unclear};
    assert_eq!(back_from(IntentState::Armed, AtMostOnce), [NotSent]);
    assert_eq!(back_from(IntentState::Armed, AtLeastOnce), [NotSent, Unclear]);
    let settled = [Settlement::NotFound, Settlement::RepeatWithKey, Settlement::SendAgain].map(Settle);
    assert_eq!(back_from(IntentState::InDoubt, AtMostOnce)[1..], settled);
    assert!(back_from(IntentState::InDoubt, AtLeastOnce).contains(&Settle(Settlement::Repeat)));
}

#[test]
fn the_end_of_the_program_leaves_a_doubt_also_about_what_may_be_repeated() {
    for delivery in Delivery::ALL {
        assert_eq!(IntentState::Armed.after(IntentEvent::Lose, delivery), Ok(IntentState::InDoubt));
        assert_eq!(IntentState::Claimed.after(IntentEvent::Release, delivery), Ok(IntentState::Planned));
    }
}

#[test]
fn a_refusal_is_a_sentence() {
    let refusal = IntentState::InDoubt.after(IntentEvent::Arm, AtMostOnce).unwrap_err();
    assert_eq!(refusal.to_string(), "what is in doubt can't be armed: look the intent up again, it has moved on");
}

#[test]
fn the_table_holds_together() {
    for kind in IntentKind::ALL {
        let policy = kind.policy();
        if policy.opt_out == OptOut::Always {
            assert_eq!((policy.attempts, policy.validity, policy.needs), (None, Validity::Never, Needs::Nothing));
            assert_eq!(policy.delivery, AtLeastOnce, "{kind}");
        }
        if policy.delivery == AtMostOnce {
            assert_eq!((policy.validity, policy.is_desired_state), (Validity::Mandatory, false), "{kind}");
        }
        assert_eq!(kind.replaces(kind), policy.is_desired_state, "{kind}");
        assert_eq!(attempts(kind, Class::OptOut), None);
    }
    assert!(IntentKind::Untag.replaces(IntentKind::Tag) && IntentKind::Tag.replaces(IntentKind::Untag));
    assert!(!IntentKind::Push.replaces(IntentKind::Unsubscribe) && !IntentKind::Unsubscribe.replaces(IntentKind::Push));
    assert_eq!(attempts(IntentKind::Push, Class::Bulk), Some(ATTEMPTS_OF_A_STATE));
}

#[test]
fn what_is_planned_is_checked_against_the_table() {
    let push = Terms {
        kind: IntentKind::Push,
        delivery: AtLeastOnce,
        class: Class::Bulk,
        has_contact: true,
        valid_until: None,
    };
    let send = Terms { kind: IntentKind::TemplateSend, delivery: AtMostOnce, valid_until: Some(at(9)), ..push };
    let opt_out = Terms { kind: IntentKind::Unsubscribe, class: Class::OptOut, ..push };
    for right in [
        push,
        send,
        opt_out,
        Terms { delivery: AtLeastOnce, ..send },
        Terms { kind: IntentKind::Untag, class: Class::OptOut, ..push },
        Terms { kind: IntentKind::Tag, delivery: AtMostOnce, valid_until: Some(at(9)), ..push },
        Terms { kind: IntentKind::CampaignTrigger, has_contact: false, ..send },
    ] {
        assert_eq!(right.check(), Ok(()), "{right:?}");
    }
    use IntentKind::{CampaignTrigger, Push, Tag, TemplateSend, Unsubscribe, Untag};
    for (wrong, fault) in [
        (Terms { has_contact: false, ..push }, TermsFault::NoContact(Push)),
        (Terms { kind: CampaignTrigger, ..send }, TermsFault::Contact(CampaignTrigger)),
        (Terms { delivery: AtMostOnce, ..push }, TermsFault::Delivery(Push)),
        (Terms { class: Class::OptOut, ..push }, TermsFault::Class(Push)),
        (Terms { class: Class::Interactive, ..opt_out }, TermsFault::Class(Unsubscribe)),
        (Terms { valid_until: None, ..send }, TermsFault::NoValidity(TemplateSend)),
        (Terms { kind: Tag, delivery: AtMostOnce, ..push }, TermsFault::NoValidity(Tag)),
        (Terms { valid_until: Some(at(9)), ..opt_out }, TermsFault::Validity(Unsubscribe)),
        (Terms { kind: Untag, class: Class::OptOut, valid_until: Some(at(9)), ..push }, TermsFault::Validity(Untag)),
    ] {
        assert_eq!(wrong.check(), Err(fault), "{wrong:?}");
    }
}

#[test]
fn waits_double_up_to_the_longest_and_the_provider_may_ask_for_more() {
    let wait = |attempts, asked| due_again(at(0), attempts, asked).duration_since(at(0));
    assert_eq!([0, 1, 2, 3].map(|attempts| wait(attempts, None).as_secs()), [30, 30, 60, 120]);
    assert_eq!(wait(1, None), FIRST_WAIT);
    assert_eq!((wait(50, None), wait(u32::MAX, None)), (LONGEST_WAIT, LONGEST_WAIT));
    assert_eq!(wait(1, Some(at(7_000))).as_secs(), 7_000);
    assert_eq!(wait(1, Some(at(-5))), FIRST_WAIT);
    assert_eq!(due_again(Timestamp::MAX, 1, None), Timestamp::MAX);
}

#[test]
fn what_was_seen_means_the_same_for_every_kind_and_has_other_ends() {
    use IntentEvent::{Accept, GiveUp, NotSent, Refuse, Unclear};
    use Observation::{Answered, Killed, NeverWritten, NoAnswer};
    for (seen, declared, repeatable, once) in [
        (NeverWritten, false, NotSent, NotSent),
        (Answered(200), false, Accept, Accept),
        (Answered(204), true, Accept, Accept),
        (Answered(302), false, Unclear, Unclear),
        (Answered(400), false, Refuse, Refuse),
        (Answered(401), false, NotSent, NotSent),
        (Answered(404), true, Refuse, Refuse),
        (Answered(408), false, Unclear, Unclear),
        (Answered(409), false, Unclear, Unclear),
        (Answered(425), true, NotSent, NotSent),
        (Answered(429), false, Unclear, Unclear),
        (Answered(429), true, NotSent, NotSent),
        (Answered(500), false, Unclear, Unclear),
        (Answered(503), true, NotSent, NotSent),
        (NoAnswer, true, Unclear, Unclear),
        (Killed, false, Unclear, Unclear),
    ] {
        let meaning = seen.meaning(declared);
        let event = |kind, delivery, tried| meaning.event(kind, Class::Bulk, delivery, tried);
        assert_eq!(event(IntentKind::Push, AtLeastOnce, 1), repeatable, "{seen:?} {declared}");
        assert_eq!(event(IntentKind::TemplateSend, AtMostOnce, 1), once, "{seen:?} {declared}");
        let spent = if matches!(once, NotSent | Unclear) { GiveUp } else { once };
        assert_eq!(event(IntentKind::Push, AtLeastOnce, u32::MAX), spent, "{seen:?} {declared}");
        let spent = if once == NotSent { GiveUp } else { once };
        assert_eq!(event(IntentKind::TemplateSend, AtMostOnce, u32::MAX), spent, "a doubt is never given up unseen");
        let opt_out = meaning.event(IntentKind::Unsubscribe, Class::OptOut, AtLeastOnce, u32::MAX);
        assert_eq!(opt_out, repeatable, "an opt-out is tried as long as it takes");
    }
    for put_off in [Answered(401), Answered(429)] {
        assert!(!put_off.meaning(true).counts() && !put_off.meaning(false).counts(), "{put_off:?}");
    }
    assert!(Answered(503).meaning(true).counts() && NoAnswer.meaning(false).counts());
}

fn message(consent: ConsentState, basis: Option<LegalBasis>) -> Facts {
    Facts {
        kind: IntentKind::TemplateSend,
        class: Class::Interactive,
        state: IntentState::Claimed,
        is_own: true,
        now: at(0),
        valid_until: Some(at(1)),
        stop: None,
        contact: Some(Standing::There { consent, basis, is_suppressed: false }),
    }
}

#[test]
fn a_message_needs_a_yes_unless_it_rests_on_something_else() {
    use ConsentState::{Granted, Pending, Unknown, Unusable, Withdrawn};
    for basis in [None].into_iter().chain(LegalBasis::ALL.map(Some)) {
        let rests_on_consent = matches!(basis, None | Some(LegalBasis::Consent));
        let lacking = if rests_on_consent { Err(Refusal::NotGranted) } else { Ok(()) };
        for (consent, expected) in [
            (Granted, Ok(())),
            (Unknown, lacking),
            (Pending, lacking),
            (Withdrawn, Err(Refusal::Withdrawn)),
            (Unusable, Err(Refusal::Unusable)),
        ] {
            assert_eq!(may_arm(&message(consent, basis)), expected, "{consent} {basis:?}");
            let push = Facts { kind: IntentKind::Push, ..message(consent, basis) };
            let of_push = if expected == lacking { Ok(()) } else { expected };
            assert_eq!(may_arm(&push), of_push, "{consent} {basis:?}");
        }
    }
    let contact = Some(Standing::There { consent: Granted, basis: None, is_suppressed: true });
    assert_eq!(may_arm(&Facts { contact, ..message(Granted, None) }), Err(Refusal::Suppressed));
    assert_eq!(may_arm(&Facts { now: at(1), ..message(Granted, None) }), Err(Refusal::TooLate));
}

#[test]
fn what_ends_an_intent_goes_before_what_puts_it_off() {
    let facts = Facts { now: at(5), stop: Some(Stop::Hold), ..message(ConsentState::Withdrawn, None) };
    assert_eq!(may_arm(&facts), Err(Refusal::Withdrawn));
    let facts = Facts { now: at(5), stop: Some(Stop::Pause), ..message(ConsentState::Granted, None) };
    assert_eq!(may_arm(&facts), Err(Refusal::TooLate));
    assert_eq!(may_arm(&Facts { now: at(0), ..facts }), Err(Refusal::Paused));
}

#[test]
fn a_tag_comes_off_whatever_the_contact_said() {
    let untag = Facts { kind: IntentKind::Untag, valid_until: None, ..message(ConsentState::Withdrawn, None) };
    assert_eq!(may_arm(&untag), Ok(()));
    assert_eq!(may_arm(&Facts { kind: IntentKind::Tag, ..untag }), Err(Refusal::Withdrawn));
}

proptest! {
    /// However an intent's story goes: what goes out at most once is armed a second time only after something
    /// said that nothing was done, that the provider knows the key, or that a person wants it.
    #[test]
    fn a_story_arms_at_most_once_unless_something_allows_more(story in vec(select(events()), 0..60)) {
        let mut state = IntentState::Planned;
        let mut may_have_left = false;
        for event in story {
            let Ok(after) = state.after(event, AtMostOnce) else { continue };
            use IntentEvent::{Arm, NotSent, Settle};
            match event {
                Arm => {
                    prop_assert!(!may_have_left);
                    may_have_left = true;
                }
                NotSent | Settle(Settlement::NotFound | Settlement::RepeatWithKey | Settlement::SendAgain) => {
                    may_have_left = false;
                }
                _ => {}
            }
            if matches!(after, IntentState::Planned | IntentState::Claimed | IntentState::Cancelled | IntentState::Expired) {
                prop_assert!(!may_have_left, "{after} never hides that something may have left");
            }
            state = after;
        }
    }

    /// Nothing that a plugin says makes a message go out twice.
    #[test]
    fn an_opinion_moves_towards_caution_only(
        (seen, declared, opinion) in (any_observation(), any::<bool>(), any_opinion()),
        (kind, class, tried) in (any_kind(), any_class(), 0_u32..30),
    ) {
        let by_host = seen.meaning(declared);
        let meaning = opinion.map_or(by_host, |opinion| by_host.moved_by(opinion));
        let event = meaning.event(kind, class, AtMostOnce, tried);
        let after = IntentState::Armed.after(event, AtMostOnce).unwrap();
        let is_unsent = matches!(by_host, Meaning::NotDone { .. });
        prop_assert!(is_unsent || after != IntentState::Planned, "{seen:?} {opinion:?} {after}");
        if matches!(by_host, Meaning::Unclear { .. }) {
            prop_assert_eq!(after, IntentState::InDoubt);
        }
        if seen == Observation::NoAnswer {
            prop_assert_eq!(meaning, Meaning::Unclear { counts: true });
        }
    }

    /// Every answer has an event that an armed intent takes.
    #[test]
    fn every_answer_leads_somewhere(
        (seen, declared, opinion) in (any_observation(), any::<bool>(), any_opinion()),
        (kind, class, delivery, tried) in (any_kind(), any_class(), any_delivery(), any::<u32>()),
    ) {
        let meaning = seen.meaning(declared);
        let meaning = opinion.map_or(meaning, |opinion| meaning.moved_by(opinion));
        let after = IntentState::Armed.after(meaning.event(kind, class, delivery, tried), delivery).unwrap();
        prop_assert_ne!(after, IntentState::Armed);
        if class == Class::OptOut {
            prop_assert_ne!(after, IntentState::Abandoned);
        }
    }

    #[test]
    fn an_opt_out_is_never_held_back(facts in any_facts()) {
        let opt_out = Facts { class: Class::OptOut, state: IntentState::Claimed, is_own: true, ..facts };
        prop_assert_eq!(may_arm(&opt_out), Ok(()));
        prop_assert!(!Class::OptOut.may_be_held());
    }

    #[test]
    fn what_is_not_claimed_by_who_asks_is_never_armed(facts in any_facts()) {
        if !facts.is_own || facts.state != IntentState::Claimed {
            let refusal = may_arm(&facts).unwrap_err();
            prop_assert_eq!(refusal.event(), None);
        }
    }

    /// Whatever refuses a claimed intent says what becomes of it, and the state takes that.
    #[test]
    fn nothing_that_is_refused_stays_claimed(facts in any_facts(), delivery in any_delivery()) {
        let facts = Facts { state: IntentState::Claimed, is_own: true, ..facts };
        if let Err(refusal) = may_arm(&facts) {
            let after = facts.state.after(refusal.event().unwrap(), delivery).unwrap();
            prop_assert_ne!(after, IntentState::Claimed);
        } else if facts.class != Class::OptOut {
            prop_assert!(facts.stop.is_none() && facts.valid_until.is_none_or(|until| until > facts.now));
            let refused = facts.contact.and_then(|contact| refused_by(facts.kind, contact));
            prop_assert_eq!(refused, None);
        }
    }
}
