use jiff::SignedDuration;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::intent::tests::{any_class, any_delivery, any_kind, at};
use crate::intent::{IntentEvent, IntentState};

use Delivery::{AtLeastOnce, AtMostOnce};

fn any_doubt() -> impl Strategy<Value = Doubt> {
    let hours = 0_i64..200;
    let read_back = prop_oneof![
        Just(ReadBack::Impossible),
        Just(ReadBack::NotYet),
        Just(ReadBack::Found),
        (hours.clone(), option::of(hours.clone())).prop_map(|(asked, late)| ReadBack::Absent {
            asked_at: at(asked * 3_600),
            complete_after: late.map(SignedDuration::from_hours),
        }),
    ];
    let key = option::of(
        (hours.clone(), hours)
            .prop_map(|(since, life)| KeyLife { since: at(since * 3_600), life: SignedDuration::from_hours(life) }),
    );
    (any_kind(), any_class(), any_delivery(), 0_u32..6, key, read_back).prop_map(
        |(kind, class, delivery, crashes, key, read_back)| Doubt {
            kind,
            class,
            delivery,
            since: at(0),
            crashes,
            key,
            read_back,
        },
    )
}

fn doubt() -> Doubt {
    Doubt {
        kind: IntentKind::TemplateSend,
        class: Class::Automation,
        delivery: AtMostOnce,
        since: at(0),
        crashes: 1,
        key: None,
        read_back: ReadBack::NotYet,
    }
}

fn absent(asked_at: i64, complete_after: Option<i64>) -> ReadBack {
    ReadBack::Absent { asked_at: at(asked_at), complete_after: complete_after.map(SignedDuration::from_secs) }
}

#[test]
fn a_doubt_about_a_message_goes_by_key_then_by_what_is_found_then_to_a_person() {
    let key = Some(KeyLife { since: at(0), life: SignedDuration::from_secs(200) });
    let with_key = Doubt { key, ..doubt() };
    assert_eq!(next(&with_key, at(100)), Next::Settle(Settlement::RepeatWithKey), "half of its life");
    assert_eq!(next(&with_key, at(101)), Next::Look(at(60)));
    let poisonous = Doubt { crashes: CRASHES_BEFORE_ASKING, ..with_key };
    assert_eq!(next(&poisonous, at(1)), Next::Look(at(60)), "it may be the request that ends the program");

    let seen = |read_back| next(&Doubt { read_back, ..doubt() }, at(400));
    assert_eq!(seen(ReadBack::Found), Next::Settle(Settlement::Found));
    assert_eq!(seen(absent(60, None)), Next::Look(at(300)));
    assert_eq!(seen(absent(60, Some(61))), Next::Look(at(61)), "by then all of it shows");
    assert_eq!(seen(absent(61, Some(61))), Next::Settle(Settlement::NotFound));
    let end = Some(at(ASSUMED_SENT_AFTER.as_secs()));
    assert_eq!(seen(absent(LOOKS[3].as_secs(), None)), Next::Ask(end));
    assert_eq!(seen(ReadBack::Impossible), Next::Ask(end));
    assert_eq!(next(&doubt(), at(ASSUMED_SENT_AFTER.as_secs())), Next::Settle(Settlement::AssumeSent));
}

#[test]
fn what_may_be_repeated_is_unless_it_ends_the_program() {
    let push = Doubt { kind: IntentKind::Push, class: Class::Bulk, delivery: AtLeastOnce, ..doubt() };
    assert_eq!(next(&push, at(0)), Next::Settle(Settlement::Repeat));
    let poisonous = Doubt { crashes: CRASHES_BEFORE_ASKING, ..push };
    assert_eq!(next(&poisonous, at(1_000_000)), Next::Ask(None));
    let opt_out = Doubt { kind: IntentKind::Unsubscribe, class: Class::OptOut, ..poisonous };
    assert_eq!(next(&opt_out, at(0)), Next::Settle(Settlement::Repeat));
}

#[test]
fn a_decision_is_admitted_only_where_it_makes_sense_and_says_why() {
    let opt_out = Doubt { kind: IntentKind::Unsubscribe, class: Class::OptOut, delivery: AtLeastOnce, ..doubt() };
    let key = Some(KeyLife { since: at(0), life: SignedDuration::from_secs(20) });
    for (doubt, settlement, evidence, expected) in [
        (doubt(), Settlement::AssumeSent, "it stands in their log", Ok(())),
        (doubt(), Settlement::SendAgain, "it does not", Ok(())),
        (doubt(), Settlement::Drop, " ", Err(SettlementFault::NoEvidence)),
        (doubt(), Settlement::Repeat, "why not", Err(SettlementFault::Twice(IntentKind::TemplateSend))),
        (doubt(), Settlement::RepeatWithKey, "why not", Err(SettlementFault::Key)),
        (Doubt { key, ..doubt() }, Settlement::RepeatWithKey, "it knows it", Ok(())),
        (opt_out, Settlement::Drop, "too old", Err(SettlementFault::OptOut)),
        (opt_out, Settlement::AssumeSent, "surely", Err(SettlementFault::OptOut)),
        (opt_out, Settlement::Found, "it is unsubscribed there", Ok(())),
        (opt_out, Settlement::Repeat, "it does no harm", Ok(())),
    ] {
        assert_eq!(admit(&doubt, settlement, evidence, at(10)), expected, "{settlement:?}");
    }
}

proptest! {
    /// Whatever is to be done about a doubt by itself is admitted, and is nothing that only a person may decide.
    #[test]
    fn a_doubt_resolves_itself_only_in_ways_that_are_safe(doubt in any_doubt(), hours in 0_i64..400) {
        let now = at(hours * 3_600);
        if let Next::Settle(settlement) = next(&doubt, now) {
            prop_assert!(!matches!(settlement, Settlement::SendAgain | Settlement::Drop));
            prop_assert!(IntentState::InDoubt.after(IntentEvent::Settle(settlement), doubt.delivery).is_ok());
            if doubt.delivery == AtLeastOnce || doubt.class != Class::OptOut {
                prop_assert_eq!(admit(&doubt, settlement, "by itself", now), Ok(()));
            }
        } else {
            prop_assert!(doubt.delivery == AtMostOnce || doubt.class != Class::OptOut, "opt-outs wait for nobody");
        }
    }

    /// A doubt that is looked at whenever it asks for it comes to an end, or waits for a person.
    #[test]
    fn a_doubt_is_not_looked_at_for_ever(doubt in any_doubt()) {
        let mut doubt = Doubt { read_back: ReadBack::NotYet, ..doubt };
        for _ in 0..=LOOKS.len() {
            let Next::Look(moment) = next(&doubt, doubt.since) else { return Ok(()) };
            doubt.read_back = ReadBack::Absent { asked_at: moment, complete_after: None };
        }
        prop_assert!(!matches!(next(&doubt, doubt.since), Next::Look(_)), "{doubt:?}");
    }
}
