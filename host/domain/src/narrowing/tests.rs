use proptest::prelude::*;

use super::*;
use crate::consent::tests::{any_event, event};
use crate::consent::{Consent, ConsentEvent, ConsentSource};

fn newsletter() -> PurposeName {
    "newsletter".parse().unwrap()
}

fn guests() -> Scope {
    Scope::List("Guests".to_owned())
}

const WILLS: [Will; 4] = [Will::Unknown, Will::Pending, Will::Granted, Will::Withdrawn];

/// The state for the list Guests and the purpose newsletter.
fn here(whole: ConsentState, list: Will, purpose: Will, basis: LegalBasis) -> Narrowed {
    narrowed(whole, Some(("Guests", list)), Some((&PurposeTerms { name: newsletter(), basis }, purpose)))
}

#[test]
fn d3_nothing_that_is_recorded_for_a_list_or_a_purpose_permits_more_than_the_whole() {
    for whole in ConsentState::ALL {
        for list in WILLS {
            for purpose in WILLS {
                for basis in LegalBasis::ALL {
                    let here = here(whole, list, purpose, basis);
                    assert!(permits(here.state) <= permits(whole), "{whole} {list:?} {purpose:?} {basis}");
                    assert_eq!(here.by.is_whole(), here.state == whole, "{whole} {list:?} {purpose:?} {basis}");
                }
            }
        }
    }
}

#[test]
fn d3_a_whole_that_is_withdrawn_or_unusable_stays_over_everything() {
    for whole in [ConsentState::Withdrawn, ConsentState::Unusable] {
        for basis in LegalBasis::ALL {
            let here = here(whole, Will::Granted, Will::Granted, basis);
            assert_eq!((here.state, &here.by), (whole, &Scope::Whole));
            assert_eq!(here.withdrawn_here(), None);
        }
    }
}

#[test]
fn a_withdrawal_for_the_list_or_the_purpose_holds_here_and_says_for_which() {
    for basis in LegalBasis::ALL {
        let list = here(ConsentState::Granted, Will::Withdrawn, Will::Granted, basis);
        assert_eq!(list.withdrawn_here(), Some(&guests()));
        let purpose = here(ConsentState::Granted, Will::Granted, Will::Withdrawn, basis);
        assert_eq!(purpose.withdrawn_here(), Some(&Scope::Purpose(newsletter())));
    }
    assert_eq!(narrowed(ConsentState::Granted, None, None).state, ConsentState::Granted);
}

#[test]
fn only_a_withdrawal_narrows_for_a_list() {
    for will in [Will::Unknown, Will::Pending, Will::Granted] {
        for whole in ConsentState::ALL {
            assert_eq!(narrowed(whole, Some(("Guests", will)), None), whole.into());
        }
    }
}

#[test]
fn a_purpose_that_rests_on_consent_holds_only_if_granted_and_another_until_the_contact_objects() {
    use ConsentState::{Granted, Pending, Unknown};
    let state = |will, basis| here(Granted, Will::Unknown, will, basis).state;
    let on_consent = [Will::Unknown, Will::Pending, Will::Granted].map(|will| state(will, LegalBasis::Consent));
    assert_eq!(on_consent, [Unknown, Pending, Granted]);
    for basis in [LegalBasis::LegitimateInterest, LegalBasis::Contract, LegalBasis::LegalObligation] {
        let others = [Will::Unknown, Will::Pending, Will::Granted].map(|will| state(will, basis));
        assert_eq!(others, [Granted, Granted, Granted]);
        assert_eq!(state(Will::Withdrawn, basis), ConsentState::Withdrawn);
    }
    // The whole is the ceiling: asked for a purpose is not asked for everything.
    let unknown = here(Unknown, Will::Unknown, Will::Pending, LegalBasis::Consent);
    assert_eq!(unknown, Unknown.into());
}

#[test]
fn a_mailbox_is_news_about_the_whole_only() {
    for scope in [guests(), Scope::Purpose(newsletter())] {
        assert_eq!(scope.admit(ConsentAct::Bounced), Err(ScopeFault));
        assert_eq!(scope.admit(ConsentAct::Withdrawn), Ok(()));
    }
    assert_eq!(Scope::Whole.admit(ConsentAct::Bounced), Ok(()));
}

#[test]
fn an_event_of_the_whole_looks_in_json_as_it_did_before_there_were_scopes() {
    let whole = event(1, ConsentAct::Granted, ConsentSource::Operator, Some("form"));
    let json = serde_json::to_value(&whole).unwrap();
    assert!(json.get("scope").is_none());
    assert_eq!(serde_json::from_value::<ConsentEvent>(json).unwrap(), whole);
    let scoped = whole.about(Scope::Purpose(newsletter()));
    let json = serde_json::to_value(&scoped).unwrap();
    assert_eq!(json["scope"], serde_json::json!({ "purpose": "newsletter" }));
    assert_eq!(serde_json::from_value::<ConsentEvent>(json).unwrap(), scoped);
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let other = Scope::List("Spa".to_owned());
    prop::sample::select(vec![Scope::Whole, guests(), other, Scope::Purpose(newsletter())])
}

fn any_scoped_event() -> impl Strategy<Value = ConsentEvent> {
    (any_event(), any_scope()).prop_map(|(event, scope)| event.about(scope))
}

fn history() -> impl Strategy<Value = Vec<ConsentEvent>> {
    prop::collection::vec(any_scoped_event(), 0..12)
}

proptest! {
    #[test]
    fn the_fold_of_a_scope_does_not_depend_on_the_order_given(history in history(), scope in any_scope(), turns in 0_usize..12) {
        let mut shuffled = history.clone();
        shuffled.rotate_left(turns.min(history.len()));
        shuffled.reverse();
        prop_assert_eq!(Will::fold(&history, &scope), Will::fold(&shuffled, &scope));
    }

    #[test]
    fn the_fold_of_a_scope_does_not_count_an_event_twice(history in history(), scope in any_scope()) {
        let doubled: Vec<_> = history.iter().chain(&history).cloned().collect();
        prop_assert_eq!(Will::fold(&history, &scope), Will::fold(&doubled, &scope));
    }

    #[test]
    fn nobody_but_the_contact_lifts_a_withdrawal_of_a_scope(history in history(), scope in any_scope()) {
        let mut history: Vec<_> =
            history.into_iter().filter(|event| event.scope != scope || !event.is_own_opt_in()).collect();
        history.push(event(0, ConsentAct::Withdrawn, ConsentSource::Contact, None).about(scope.clone()));
        prop_assert_eq!(Will::fold(&history, &scope), Will::Withdrawn);
    }

    #[test]
    fn what_happens_in_one_scope_says_nothing_about_another(history in history(), scope in any_scope()) {
        let own: Vec<_> = history.iter().filter(|event| event.scope == scope).cloned().collect();
        prop_assert_eq!(Will::fold(&history, &scope), Will::fold(&own, &scope));
        let whole: Vec<_> = history.iter().filter(|event| event.scope.is_whole()).cloned().collect();
        prop_assert_eq!(Consent::fold(&history), Consent::fold(&whole));
        prop_assert_eq!(Consent::fold(&history).will, Will::fold(&history, &Scope::Whole));
    }
}
