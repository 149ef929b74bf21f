use super::*;
use crate::consent::Will;
use crate::field::Fields;
use crate::mapping::Mapping;
use crate::narrowing::narrowed;
use crate::projection::project;
use crate::purpose::LegalBasis;

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn projection(of: &EmailAddress) -> Projection {
    project(of, &Fields::new(), &Mapping::default(), None)
}

fn confirmed(of: &EmailAddress, status: RemoteStatus) -> Confirmed {
    Confirmed {
        remote_id: Some("r1".into()),
        status: Some(status),
        address: of.clone(),
        hash: projection(of).hash,
        base: Base::new(),
    }
}

fn policy(newcomers: Newcomers) -> Policy {
    let purpose = Some(PurposeTerms { name: "newsletter".parse().unwrap(), basis: LegalBasis::Consent });
    Policy { newcomers, tag: Some("Guests".into()), retry_rejected: false, list: Some("Guests".into()), purpose }
}

struct Scene {
    consent: Narrowed,
    confirmed: Option<Confirmed>,
    memory: Option<Memory>,
    tag: TagState,
}

impl Scene {
    fn new(consent: ConsentState) -> Self {
        Self { consent: consent.into(), confirmed: None, memory: None, tag: TagState::default() }
    }

    fn decide(&self, policy: &Policy) -> Decision {
        let jana = address("jana@example.cz");
        decide(&self.facts(&jana, &projection(&jana)), policy)
    }

    fn facts<'a>(&'a self, address: &'a EmailAddress, projection: &'a Projection) -> Facts<'a> {
        Facts {
            consent: &self.consent,
            address,
            projection,
            confirmed: self.confirmed.as_ref(),
            memory: self.memory.as_ref(),
            tag: &self.tag,
        }
    }
}

fn class(decision: &Decision) -> Option<OutcomeClass> {
    match decision {
        Decision::Settle { class, .. } => Some(*class),
        _ => None,
    }
}

#[test]
fn only_a_grant_creates_a_member_as_subscribed() {
    for newcomers in Newcomers::ALL {
        for consent in [ConsentState::Unknown, ConsentState::Pending, ConsentState::Withdrawn, ConsentState::Unusable] {
            let decision = Scene::new(consent).decide(&policy(newcomers));
            assert!(
                !matches!(decision, Decision::Push { on_create: OnCreate::Subscribed, .. }),
                "{consent} {newcomers:?}"
            );
        }
        let granted = Scene::new(ConsentState::Granted).decide(&policy(newcomers));
        assert!(matches!(granted, Decision::Push { kind: PushKind::Create, on_create: OnCreate::Subscribed, .. }));
    }
}

#[test]
fn newcomers_without_a_grant_follow_the_stated_policy() {
    let of = |newcomers| Scene::new(ConsentState::Unknown).decide(&policy(newcomers));
    assert_eq!(class(&of(Newcomers::Skip)), Some(OutcomeClass::Skipped));
    for (newcomers, expected) in [
        (Newcomers::Unsubscribed, OnCreate::Unsubscribed),
        (Newcomers::NoMarketing, OnCreate::NoMarketing),
        (Newcomers::DoubleOptIn, OnCreate::Pending),
    ] {
        assert!(matches!(of(newcomers), Decision::Push { on_create, .. } if on_create == expected));
    }
}

#[test]
fn a_withdrawn_contact_is_unsubscribed_where_it_may_be_mailed_and_never_pushed() {
    let policy = policy(Newcomers::Unsubscribed);
    let jana = address("jana@example.cz");
    let mut scene = Scene::new(ConsentState::Withdrawn);
    assert_eq!(scene.decide(&policy), Decision::Withdraw);
    for status in [RemoteStatus::Subscribed, RemoteStatus::Pending] {
        scene.confirmed = Some(confirmed(&jana, status));
        assert_eq!(scene.decide(&policy), Decision::Withdraw);
    }
    let attempt = attempt_hash(&scene.facts(&jana, &projection(&jana)), &policy);
    let told = Memory { class: OutcomeClass::Blocked, reason: Reason::new("withdrawn", WITHDRAWN), attempt };
    for status in [
        RemoteStatus::Unsubscribed,
        RemoteStatus::Cleaned,
        RemoteStatus::Archived,
        RemoteStatus::Absent,
        RemoteStatus::NoMarketing,
        RemoteStatus::Other("snoozed".into()),
    ] {
        scene.confirmed = Some(confirmed(&jana, status));
        scene.memory = None;
        assert_eq!(scene.decide(&policy), Decision::Withdraw, "it may get mail again by now");
        scene.memory = Some(told.clone());
        assert_eq!(class(&scene.decide(&policy)), Some(OutcomeClass::Blocked), "told once is told");
    }
}

#[test]
fn a_members_update_says_do_not_create_where_there_is_no_grant_to_create_it() {
    let jana = address("jana@example.cz");
    let mut scene = Scene::new(ConsentState::Unknown);
    scene.confirmed = Some(Confirmed { hash: [0; 16], ..confirmed(&jana, RemoteStatus::Subscribed) });
    let decision = scene.decide(&policy(Newcomers::Skip));
    assert!(matches!(decision, Decision::Push { kind: PushKind::Update, on_create: OnCreate::DoNotCreate, .. }));
}

#[test]
fn a_member_that_opted_out_is_never_made_again() {
    let jana = address("jana@example.cz");
    let mut scene = Scene::new(ConsentState::Granted);
    for status in [RemoteStatus::Unsubscribed, RemoteStatus::Cleaned, RemoteStatus::Archived, RemoteStatus::NoMarketing]
    {
        scene.confirmed = Some(Confirmed { hash: [0; 16], ..confirmed(&jana, status) });
        let decision = scene.decide(&policy(Newcomers::DoubleOptIn));
        assert!(matches!(decision, Decision::Push { on_create: OnCreate::DoNotCreate, .. }), "{decision:?}");
    }
}

#[test]
fn a8_a_changed_address_is_a_rename_of_the_same_member() {
    let mut scene = Scene::new(ConsentState::Granted);
    scene.confirmed = Some(confirmed(&address("old@example.cz"), RemoteStatus::Subscribed));
    assert!(matches!(scene.decide(&policy(Newcomers::Skip)), Decision::Push { kind: PushKind::Rename, .. }));
}

#[test]
fn another_spelling_of_the_same_address_is_an_update() {
    let mut scene = Scene::new(ConsentState::Granted);
    scene.confirmed = Some(confirmed(&address("Jana@Example.CZ"), RemoteStatus::Subscribed));
    assert!(matches!(scene.decide(&policy(Newcomers::Skip)), Decision::Push { kind: PushKind::Update, .. }));
}

#[test]
fn what_was_refused_is_counted_again_and_not_sent_again_until_something_changes() {
    let policy = policy(Newcomers::Skip);
    let jana = address("jana@example.cz");
    let seen = projection(&jana);
    let mut scene = Scene::new(ConsentState::Granted);
    let attempt = attempt_hash(&scene.facts(&jana, &seen), &policy);
    scene.memory =
        Some(Memory { class: OutcomeClass::Failed, reason: Reason::new("invalid-address", "looks fake"), attempt });
    assert_eq!(class(&scene.decide(&policy)), Some(OutcomeClass::Failed));
    let retry = Policy { retry_rejected: true, ..policy.clone() };
    assert!(matches!(scene.decide(&retry), Decision::Push { .. }));
    scene.consent = ConsentState::Pending.into();
    assert_eq!(class(&scene.decide(&policy)), Some(OutcomeClass::Skipped), "judged afresh");
}

#[test]
fn a7_a_member_gets_the_lists_tag_once() {
    let jana = address("jana@example.cz");
    let mut scene = Scene::new(ConsentState::Granted);
    scene.confirmed = Some(confirmed(&jana, RemoteStatus::Subscribed));
    let add = TagStep::Change { add: Some("Guests".into()), remove: None };
    assert_eq!(scene.decide(&policy(Newcomers::Skip)), Decision::Unchanged { tag: add });
    scene.tag.owned = Some("GUESTS".into());
    assert_eq!(scene.decide(&policy(Newcomers::Skip)), Decision::Unchanged { tag: TagStep::Keep });
    scene.tag.owned = Some("Visitors".into());
    let swap = TagStep::Change { add: Some("Guests".into()), remove: Some("Visitors".into()) };
    assert_eq!(scene.decide(&policy(Newcomers::Skip)), Decision::Unchanged { tag: swap });
}

#[test]
fn a9_a_refused_tag_stays_owed_until_the_contact_is_sent_anyway() {
    let jana = address("jana@example.cz");
    let refused = RefusedTag { change: TagChange::Add, tag: "Guests".into(), reason: "unsubscribed".into() };
    let mut scene = Scene::new(ConsentState::Granted);
    scene.tag.refused = Some(refused.clone());
    scene.confirmed = Some(confirmed(&jana, RemoteStatus::Unsubscribed));
    assert_eq!(scene.decide(&policy(Newcomers::Skip)), Decision::Unchanged { tag: TagStep::Owed(refused) });
    scene.confirmed = Some(Confirmed { hash: [0; 16], ..confirmed(&jana, RemoteStatus::Unsubscribed) });
    assert!(matches!(
        scene.decide(&policy(Newcomers::Skip)),
        Decision::Push { tag: TagStep::Change { add: Some(_), remove: None }, .. }
    ));
}

#[test]
fn a8_who_left_the_list_loses_the_tag_and_a_refused_removal_stays_owed() {
    let mut state = TagState::default();
    assert_eq!(depart(&state, false), Departure::Nothing);
    state.owned = Some("Guests".into());
    assert_eq!(depart(&state, false), Departure::Untag("Guests".into()));
    let refused = RefusedTag { change: TagChange::Remove, tag: "Guests".into(), reason: "unsubscribed".into() };
    state.refused = Some(refused.clone());
    assert_eq!(depart(&state, false), Departure::Owed(refused));
    assert_eq!(depart(&state, true), Departure::Untag("Guests".into()));
}

/// What is noted of a contact before it is sent.
fn only_sent(address: &EmailAddress) -> Confirmed {
    Confirmed { remote_id: None, status: None, address: address.clone(), hash: [0; 16], base: Base::new() }
}

#[test]
fn a_contact_that_was_sent_and_not_answered_is_created_still() {
    let jana = address("jana@example.cz");
    let mut scene = Scene::new(ConsentState::Granted);
    scene.confirmed = Some(only_sent(&jana));
    assert!(matches!(
        scene.decide(&policy(Newcomers::Skip)),
        Decision::Push { kind: PushKind::Create, on_create: OnCreate::Subscribed, .. }
    ));
    scene.consent = ConsentState::Unknown.into();
    assert_eq!(class(&scene.decide(&policy(Newcomers::Skip))), Some(OutcomeClass::Skipped));
    scene.consent = ConsentState::Withdrawn.into();
    assert_eq!(scene.decide(&policy(Newcomers::Skip)), Decision::Withdraw);
}

#[test]
fn a8_a_contact_that_was_sent_under_another_address_is_moved_if_it_is_there() {
    let mut scene = Scene::new(ConsentState::Granted);
    scene.confirmed = Some(only_sent(&address("old@example.cz")));
    assert!(matches!(scene.decide(&policy(Newcomers::Skip)), Decision::Push { kind: PushKind::Rename, .. }));
}

#[test]
fn a_tag_that_was_sent_and_not_answered_is_asked_for_again_and_comes_off_who_left() {
    let jana = address("jana@example.cz");
    let mut scene = Scene::new(ConsentState::Granted);
    scene.confirmed = Some(confirmed(&jana, RemoteStatus::Subscribed));
    scene.tag = TagState::default().armed("Guests").unwrap();
    assert!(scene.tag.is_armed());
    let add = TagStep::Change { add: Some("Guests".into()), remove: None };
    assert_eq!(scene.decide(&policy(Newcomers::Skip)), Decision::Unchanged { tag: add });
    assert_eq!(depart(&scene.tag, false), Departure::Untag("Guests".into()));
    let bears_another = TagState { owned: Some("Visitors".into()), refused: None };
    assert_eq!(bears_another.armed("Guests"), None);
}

/// The state for the list Guests and the purpose newsletter, of a contact with a grant.
fn granted_but(list: Will, purpose: Will) -> Narrowed {
    let terms = PurposeTerms { name: "newsletter".parse().unwrap(), basis: LegalBasis::Consent };
    narrowed(ConsentState::Granted, Some(("Guests", list)), Some((&terms, purpose)))
}

#[test]
fn who_withdrew_for_the_list_or_the_purpose_is_blocked_here_and_never_unsubscribed() {
    let jana = address("jana@example.cz");
    let policy = policy(Newcomers::Unsubscribed);
    for (here, code, named) in [
        (granted_but(Will::Withdrawn, Will::Granted), "withdrawn-for-list", "the list `Guests`"),
        (granted_but(Will::Granted, Will::Withdrawn), "withdrawn-for-purpose", "the purpose `newsletter`"),
    ] {
        let mut scene = Scene::new(ConsentState::Granted);
        scene.consent = here;
        let seen = [None, Some(RemoteStatus::Subscribed), Some(RemoteStatus::Unsubscribed)];
        for status in seen {
            scene.confirmed = status.map(|status| Confirmed { hash: [0; 16], ..confirmed(&jana, status) });
            let Decision::Settle { class, reason } = scene.decide(&policy) else { panic!("not sent") };
            assert_eq!((class, reason.code.as_str()), (OutcomeClass::Blocked, code));
            assert!(reason.message.contains(named), "{}", reason.message);
        }
    }
}

#[test]
fn a_grant_without_the_purposes_is_a_newcomer_without_one() {
    let jana = address("jana@example.cz");
    for will in [Will::Unknown, Will::Pending] {
        let mut scene = Scene::new(ConsentState::Granted);
        scene.consent = granted_but(Will::Unknown, will);
        let Decision::Settle { class, reason } = scene.decide(&policy(Newcomers::Skip)) else { panic!("not made") };
        assert_eq!(class, OutcomeClass::Skipped);
        assert!(reason.message.contains("the purpose `newsletter`"), "{}", reason.message);
        let made = scene.decide(&policy(Newcomers::NoMarketing));
        assert!(matches!(made, Decision::Push { on_create: OnCreate::NoMarketing, .. }));
        // A member keeps being brought up to date, as without a grant for the whole.
        scene.confirmed = Some(Confirmed { hash: [0; 16], ..confirmed(&jana, RemoteStatus::Subscribed) });
        let kept = scene.decide(&policy(Newcomers::Skip));
        assert!(matches!(kept, Decision::Push { kind: PushKind::Update, on_create: OnCreate::DoNotCreate, .. }));
    }
}

#[test]
fn an_attempt_for_another_scope_and_settings_for_another_purpose_are_others() {
    let jana = address("jana@example.cz");
    let (seen, policy) = (projection(&jana), policy(Newcomers::Skip));
    let attempt = |consent: Narrowed| {
        let mut scene = Scene::new(ConsentState::Granted);
        scene.consent = consent;
        attempt_hash(&scene.facts(&jana, &seen), &policy)
    };
    assert_eq!(attempt(granted_but(Will::Unknown, Will::Granted)), attempt(ConsentState::Granted.into()));
    assert_ne!(attempt(granted_but(Will::Unknown, Will::Unknown)), attempt(ConsentState::Unknown.into()));
    assert_ne!(attempt(granted_but(Will::Withdrawn, Will::Granted)), attempt(ConsentState::Withdrawn.into()));
    let settings = |policy: &Policy| settings_hash(&Mapping::default(), policy);
    assert_ne!(settings(&policy), settings(&Policy { purpose: None, ..policy.clone() }));
    let contract = PurposeTerms { name: "newsletter".parse().unwrap(), basis: LegalBasis::Contract };
    assert_ne!(settings(&policy), settings(&Policy { purpose: Some(contract), ..policy.clone() }));
    let renamed = Policy { list: Some("Visitors".into()), ..policy.clone() };
    assert_eq!(settings(&policy), settings(&renamed));
}
