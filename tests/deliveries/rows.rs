//! Each place at which a delivery can be cut off, by itself: what the provider has, and how the ledger stands.

use std::time::Duration;

use jiff::SignedDuration;
use nix::sys::signal::Signal;
use postroom_domain::intent::{IntentState, Settlement};
use postroom_simulators::messages::{Asked, Turn};
use postroom_sqlite::{Access, SqliteStore};

use crate::ends::is_open;
use crate::house::{House, person};
use crate::process::Heard;
use crate::words::Command;

/// The message of every row.
const KEY: &str = "send:row:1";
/// Longer than any test waits: whoever holds a request so long is killed under it.
const FOR_EVER: Duration = Duration::from_secs(600);
/// Until a provider is asked about a doubt.
const A_MINUTE: SignedDuration = SignedDuration::from_secs(61);
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// What one page more takes in the log of the database.
const PAGE_BYTES: u64 = 4_096 + 24;

/// A house whose child ended itself at a place while it worked on the message; the next one is at work.
fn cut_off_at(place: &str) -> House {
    let mut house = House::open(2);
    house.start(Some(place));
    // Whether the answer came first does not matter: the client asks again, by the same key.
    house.ask(&house.plan(KEY, &person(0)));
    house.falls();
    house.start(None);
    house.insist(&house.plan(KEY, &person(0)));
    house
}

/// Kills the child while the provider has the message in its hands.
fn killed_while_the_provider(turn: Turn) -> House {
    let mut house = House::open(2);
    house.provider.next(Asked::Message, [turn]);
    let before = house.provider.arrivals();
    house.start(None);
    house.insist(&house.plan(KEY, &person(0)));
    house.until("the request arrives", |house| house.provider.arrivals() > before);
    house.kill("in the provider's hands");
    house.start(None);
    house.until_state(KEY, IntentState::InDoubt);
    house
}

#[test]
fn killed_before_the_claim_is_on_disk_it_is_sent_once() {
    let mut house = House::open(1);
    house.start(None);
    house.insist(&house.plan_in(KEY, &person(0), HOUR, HOUR));
    house.insist(&Command::Full { room: 0 });
    // It may end by itself before it answers: what looks after the ledger can't write either.
    house.ask(&house.moved(HOUR));
    house.kill("before the claim");
    assert_eq!((house.times(KEY), house.state(KEY)), (0, Some(IntentState::Planned)));
    house.start(None);
    house.until_state(KEY, IntentState::Done);
    assert_eq!(house.ends_well().in_doubt, 0);
}

#[test]
fn killed_between_the_claim_and_the_arming_it_is_sent_once() {
    let mut house = cut_off_at("claimed:1");
    house.until_state(KEY, IntentState::Done);
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (1, 0));
}

#[test]
fn killed_between_the_arming_and_the_first_byte_it_is_in_doubt_and_sent_when_somebody_says_so() {
    let mut house = cut_off_at("armed:1");
    house.until_state(KEY, IntentState::InDoubt);
    house.insist(&house.moved(HOUR));
    assert_eq!((house.times(KEY), house.state(KEY)), (0, Some(IntentState::InDoubt)));
    house.resolve(KEY, Settlement::SendAgain);
    house.until_state(KEY, IntentState::Done);
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (1, 0));
}

#[test]
fn killed_before_the_provider_has_applied_it_it_is_in_doubt_and_not_sent_again() {
    let mut house = killed_while_the_provider(Turn::HoldBeforeApplying(FOR_EVER));
    // What the provider does not show may be under way there still.
    house.insist(&house.moved(HOUR * 12));
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (0, 1));
    assert_eq!(house.times(KEY), 0);
}

#[test]
fn killed_between_the_request_and_the_answer_it_is_in_doubt_and_counted_once() {
    let mut house = killed_while_the_provider(Turn::Delay(FOR_EVER));
    assert_eq!(house.times(KEY), 1);
    house.resolve(KEY, Settlement::Found);
    assert_eq!((house.state(KEY), house.ends_well().in_doubt), (Some(IntentState::Done), 0));
}

#[test]
fn killed_between_the_answer_and_the_record_it_is_in_doubt_and_counted_once() {
    let mut house = cut_off_at("answered:1");
    house.until_state(KEY, IntentState::InDoubt);
    assert_eq!(house.times(KEY), 1);
    // A minute later the provider is asked, and shows it.
    house.insist(&house.moved(A_MINUTE));
    house.until_state(KEY, IntentState::Done);
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (1, 0));
}

#[test]
fn killed_after_the_record_it_is_done() {
    let mut house = cut_off_at("recorded:1");
    house.until_state(KEY, IntentState::Done);
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (1, 0));
}

#[test]
fn stopped_between_the_arming_and_the_first_byte_it_is_sent_once_by_whoever_armed_it() {
    let mut house = House::open(1);
    house.start(Some("armed:1:stop"));
    let plan = house.plan(KEY, &person(0));
    house.tell(&plan);
    house.until("it stands still", |house| house.child().is_stopped());
    // Nobody takes over from somebody who stands still.
    let refused = SqliteStore::open(&house.beginning.store, Access::Write { verb: "test" });
    assert!(refused.is_err_and(|error| error.to_string().contains("is held by process")));
    assert_eq!(house.state(KEY), Some(IntentState::Armed));
    house.signal(Signal::SIGCONT);
    assert!(matches!(house.hear(&plan), Heard::Done(_)));
    house.until_state(KEY, IntentState::Done);
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (1, 0));
}

#[test]
fn stopped_while_the_provider_answers_it_is_sent_once() {
    let mut house = House::open(1);
    house.provider.next(Asked::Message, [Turn::Delay(Duration::from_millis(200))]);
    let before = house.provider.arrivals();
    house.start(None);
    house.insist(&house.plan(KEY, &person(0)));
    house.until("the request arrives", |house| house.provider.arrivals() > before);
    house.signal(Signal::SIGSTOP);
    house.until("it stands still", |house| house.child().is_stopped());
    house.signal(Signal::SIGCONT);
    house.until_state(KEY, IntentState::Done);
    assert_eq!((house.times(KEY), house.ends_well().in_doubt), (1, 0));
}

#[test]
fn a_clock_that_jumps_sends_nothing_twice_and_nothing_too_late() {
    let mut house = House::open(4);
    house.start(None);
    // Planned, and too late after the jump.
    house.insist(&house.plan_in("late", &person(0), HOUR, HOUR / 2));
    // Planned, and due after the second jump ahead.
    house.insist(&house.plan_in("due", &person(1), HOUR * 3, HOUR * 24));
    house.insist(&house.moved(-HOUR * 2));
    house.insist(&house.moved(HOUR * 4));
    house.until_state("late", IntentState::Expired);
    assert_eq!(house.state("due"), Some(IntentState::Planned));
    house.insist(&house.moved(HOUR * 2));
    house.until_state("due", IntentState::Done);
    // Armed, in the provider's hands.
    house.provider.next(Asked::Message, [Turn::Delay(Duration::from_millis(300)), Turn::ResetAfterApplying]);
    let before = house.provider.arrivals();
    house.insist(&house.plan_in("armed", &person(2), SignedDuration::ZERO, HOUR));
    house.until("the request arrives", |house| house.provider.arrivals() > before);
    house.insist(&house.moved(HOUR * 2));
    house.insist(&house.moved(-HOUR * 2));
    house.until_state("armed", IntentState::Done);
    // In doubt.
    house.insist(&house.plan("doubt", &person(3)));
    house.until_state("doubt", IntentState::InDoubt);
    house.insist(&house.moved(-HOUR * 2));
    house.insist(&house.moved(HOUR * 4));
    house.until_state("doubt", IntentState::Done);
    assert_eq!(["late", "due", "armed", "doubt"].map(|key| house.times(key)), [0, 1, 1, 1]);
    house.ends_well();
    assert_eq!(["late", "due", "armed", "doubt"].map(|key| house.times(key)), [0, 1, 1, 1]);
}

#[test]
fn a_clock_that_jumps_while_it_is_claimed_sends_once_or_not_at_all() {
    for (valid, state, times) in [(HOUR * 24, IntentState::Done, 1), (HOUR, IntentState::Expired, 0)] {
        let mut house = House::open(1);
        house.start(Some("claimed:1"));
        house.ask(&house.plan_in(KEY, &person(0), SignedDuration::ZERO, valid));
        house.falls();
        assert_eq!(house.state(KEY), Some(IntentState::Claimed));
        house.beginning.now = house.now() + HOUR * 2;
        house.start(None);
        house.until_state(KEY, state);
        house.ends_well();
        assert_eq!(house.times(KEY), times);
    }
}

#[test]
fn what_can_not_be_armed_on_a_full_disk_does_not_leave() {
    let mut house = House::open(1);
    let mut seen = Vec::new();
    for pages in 0..24 {
        let key = format!("send:full:{pages}");
        house.start(None);
        house.insist(&house.plan_in(&key, &person(0), HOUR, HOUR * 24));
        house.insist(&Command::Full { room: pages * PAGE_BYTES });
        if matches!(house.ask(&house.moved(HOUR)), Heard::Gone) {
            house.start(None);
        }
        let rests = |house: &mut House| house.last_words().contains("nothing can be carried out");
        let ended = |house: &mut House| house.is_at_work() && house.child().has_ended();
        house.until("it gets through, or does not", |house| {
            house.state(&key) == Some(IntentState::Done) || rests(house) || ended(house)
        });
        house.kill("on a full disk");
        let (state, times) = (house.state(&key).unwrap(), house.times(&key));
        assert!(times == 0 || !matches!(state, IntentState::Planned | IntentState::Claimed), "{state}");
        seen.push((state, times));
        house.forget_words();
        house.start(None);
        house.until("it has an end", |house| house.state(&key).is_some_and(|state| !is_open(state)));
        house.stop();
        if seen.last() == Some(&(IntentState::Done, 1)) {
            break;
        }
    }
    assert!(seen.contains(&(IntentState::Claimed, 0)), "the arming never failed: {seen:?}");
    assert!(seen.contains(&(IntentState::Done, 1)), "nothing ever left: {seen:?}");
    house.ends_well();
}

#[test]
fn an_older_store_that_is_put_back_is_held_and_sends_nothing_by_itself() {
    let mut house = House::open(2);
    house.start(None);
    house.insist(&house.plan_in(KEY, &person(0), HOUR, HOUR * 24));
    house.stop();
    house.back_up();
    house.start(None);
    house.insist(&house.moved(HOUR));
    house.until_state(KEY, IntentState::Done);
    house.kill("before it is put back");
    house.put_back();
    let held = house.start(None).expect("it is held");
    assert!(held.contains("put back from a backup"), "{held}");
    house.insist(&Command::OptOut { email: person(1) });
    house.insist(&Command::Save { email: person(0), name: "Changed".to_owned() });
    house.insist(&house.plan_in("new", &person(0), SignedDuration::ZERO, HOUR * 72));
    house.until("the opt-out goes out", |house| house.provider.book(|book| book.opted_out(&person(1)).is_some()));
    // It stays so when the program is started again.
    house.kill("while it is held");
    assert_eq!(house.start(None), Some(held));
    house.insist(&house.moved(HOUR));
    assert_eq!((house.times(KEY), house.state(KEY)), (1, Some(IntentState::Planned)));
    assert_eq!((house.times("new"), house.state("new")), (0, Some(IntentState::Planned)));
    house.lift();
    house.until_state("new", IntentState::Done);
    assert_eq!((house.times(KEY), house.state(KEY)), (1, Some(IntentState::Expired)));
    house.ends_well();
}

#[test]
fn a_push_that_is_cut_off_anywhere_comes_to_the_last_value() {
    for place in ["batch-armed:1", "claimed:9"] {
        let mut house = House::open(2);
        house.start(Some(place));
        let save = |name: &str| Command::Save { email: person(0), name: name.to_owned() };
        house.ask(&save("First"));
        if place.starts_with("batch") {
            house.falls();
        } else {
            house.kill("at once");
        }
        house.start(None);
        house.insist(&save("Second"));
        house.ends_well();
        assert_eq!(house.value_there(&person(0)).as_deref(), Some("Second"));
    }
}

#[test]
fn an_opt_out_that_is_cut_off_anywhere_is_told() {
    for place in ["claimed:1", "armed:1", "answered:1", "recorded:1"] {
        let mut house = House::open(2);
        house.start(Some(place));
        house.ask(&Command::OptOut { email: person(0) });
        house.falls();
        house.start(None);
        house.insist(&Command::OptOut { email: person(0) });
        house.ends_well();
        assert!(house.provider.book(|book| book.opted_out(&person(0)).is_some()), "{place}");
    }
}

#[test]
fn a_no_counts_though_the_clock_was_set_back() {
    let mut house = House::open(1);
    house.start(None);
    house.insist(&Command::OptIn { email: person(0) });
    house.insist(&house.moved(-HOUR));
    house.insist(&Command::OptOut { email: person(0) });
    house.insist(&house.plan(KEY, &person(0)));
    house.until_state(KEY, IntentState::Cancelled);
    house.ends_well();
}
