use proptest::prelude::*;

use super::*;

pub(crate) fn event(at: i64, act: ConsentAct, source: ConsentSource, evidence: Option<&str>) -> ConsentEvent {
    let event = ConsentEvent::new(Timestamp::from_second(at).unwrap(), act, source);
    ConsentEvent { evidence: evidence.map(str::to_owned), ..event }
}

fn shown(history: &[ConsentEvent]) -> ConsentState {
    Consent::fold(history).shown()
}

#[test]
fn a_word_is_the_same_in_tables_and_in_json() {
    fn check<T: Serialize>(value: &T, word: &str) {
        assert_eq!(serde_json::to_value(value).unwrap(), word);
    }
    for will in [Will::Unknown, Will::Pending, Will::Granted, Will::Withdrawn] {
        check(&will, will.as_str());
    }
    for deliverability in [Deliverability::Usable, Deliverability::Unusable] {
        check(&deliverability, deliverability.as_str());
    }
    use ConsentAct::{AddressChanged, Asked, Bounced, Granted, Withdrawn};
    for act in [AddressChanged, Asked, Granted, Bounced, Withdrawn] {
        check(&act, act.as_str());
    }
    use ConsentSource::{Contact, Import, Operator, Provider};
    for source in [Contact, Import, Provider, Operator] {
        check(&source, source.as_str());
    }
}

#[test]
fn d3_nothing_recorded_is_unknown_and_takes_nothing_away() {
    assert_eq!(shown(&[]), ConsentState::Unknown);
    let granted = event(1, ConsentAct::Granted, ConsentSource::Import, Some("form"));
    assert_eq!(shown(&[granted]), ConsentState::Granted);
}

#[test]
fn d3_a_withdrawal_is_lifted_by_the_contacts_own_opt_in_with_evidence_only() {
    let withdrawn = event(1, ConsentAct::Withdrawn, ConsentSource::Provider, None);
    for source in [ConsentSource::Import, ConsentSource::Provider, ConsentSource::Operator] {
        let grant = event(2, ConsentAct::Granted, source, Some("says so"));
        assert_eq!(shown(&[withdrawn.clone(), grant]), ConsentState::Withdrawn);
    }
    let unproven = event(2, ConsentAct::Granted, ConsentSource::Contact, Some("  "));
    assert_eq!(shown(&[withdrawn.clone(), unproven]), ConsentState::Withdrawn);
    let own = event(2, ConsentAct::Granted, ConsentSource::Contact, Some("form of 2 May"));
    assert_eq!(shown(&[withdrawn, own]), ConsentState::Granted);
}

#[test]
fn d3_a_bounce_never_hides_a_withdrawal_and_a_new_address_clears_the_bounce_only() {
    let withdrawn = event(1, ConsentAct::Withdrawn, ConsentSource::Contact, None);
    let bounced = event(2, ConsentAct::Bounced, ConsentSource::Provider, None);
    let moved = event(3, ConsentAct::AddressChanged, ConsentSource::Operator, None);
    assert_eq!(shown(&[withdrawn.clone(), bounced.clone()]), ConsentState::Withdrawn);
    assert_eq!(shown(std::slice::from_ref(&bounced)), ConsentState::Unusable);
    assert_eq!(shown(&[bounced.clone(), moved.clone()]), ConsentState::Unknown);
    assert_eq!(shown(&[withdrawn, bounced, moved]), ConsentState::Withdrawn);
}

pub(crate) fn any_event() -> impl Strategy<Value = ConsentEvent> {
    let acts = prop::sample::select(vec![
        ConsentAct::AddressChanged,
        ConsentAct::Asked,
        ConsentAct::Granted,
        ConsentAct::Bounced,
        ConsentAct::Withdrawn,
    ]);
    let sources = prop::sample::select(vec![
        ConsentSource::Contact,
        ConsentSource::Import,
        ConsentSource::Provider,
        ConsentSource::Operator,
    ]);
    (0_i64..4, acts, sources, prop::option::of("[a-z]{1,3}"))
        .prop_map(|(at, act, source, evidence)| event(at, act, source, evidence.as_deref()))
}

proptest! {
    #[test]
    fn the_fold_does_not_depend_on_the_order_given(history in prop::collection::vec(any_event(), 0..8), seed in any::<u64>()) {
        let mut shuffled = history.clone();
        let turns = usize::try_from(seed % 8).unwrap();
        shuffled.rotate_left(turns.min(history.len()));
        shuffled.reverse();
        prop_assert_eq!(Consent::fold(&history), Consent::fold(&shuffled));
    }

    #[test]
    fn the_fold_does_not_count_an_event_twice(history in prop::collection::vec(any_event(), 0..8)) {
        let doubled: Vec<_> = history.iter().chain(&history).cloned().collect();
        prop_assert_eq!(Consent::fold(&history), Consent::fold(&doubled));
    }

    #[test]
    fn nobody_but_the_contact_lifts_a_withdrawal(history in prop::collection::vec(any_event(), 0..8)) {
        let mut history: Vec<_> = history.into_iter().filter(|event| !event.is_own_opt_in()).collect();
        history.push(event(0, ConsentAct::Withdrawn, ConsentSource::Contact, None));
        prop_assert_eq!(Consent::fold(&history).will, Will::Withdrawn);
    }
}
