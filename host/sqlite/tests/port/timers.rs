//! Timers: due in their order, with one owner at a time, and due again when it dies.

use std::collections::HashSet;
use std::time::Instant;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::timers::{Claim, FiredTimer, IfSet, TIMERS_AT_ONCE, TimerDraft, TimerStore};
use serde_json::json;

use crate::fixture::{at, home};

const LEASE: SignedDuration = SignedDuration::from_mins(1);

fn timer(key: &str, due_at: Timestamp) -> TimerDraft {
    let payload = json!({ "journey": 1, "contact": 7 });
    TimerDraft { key: key.to_owned(), kind: "journey-step".to_owned(), payload, due_at }
}

fn claim(owner: &str, at: Timestamp) -> Claim {
    Claim { owner: owner.to_owned(), at, lease: LEASE }
}

async fn set(store: &SqliteStore, key: &str, second: i64) {
    assert!(store.set_timer(&timer(key, at(second)), IfSet::Stays).await.unwrap(), "{key}");
}

async fn fire(store: &SqliteStore, owner: &str, second: i64) -> Vec<FiredTimer> {
    store.fire_timers(&claim(owner, at(second)), 100).await.unwrap()
}

fn keys(fired: &[FiredTimer]) -> Vec<&str> {
    fired.iter().map(|timer| timer.key.as_str()).collect()
}

fn ids(fired: &[FiredTimer]) -> Vec<i64> {
    fired.iter().map(|timer| timer.id).collect()
}

#[tokio::test]
async fn there_is_one_timer_of_a_key_which_stays_or_is_replaced_or_taken_back() {
    let home = home();
    assert_eq!(home.store.next_timer().await.unwrap(), None);
    set(&home.store, "a", 60).await;
    assert!(!home.store.set_timer(&timer("a", at(90)), IfSet::Stays).await.unwrap());
    let home = home.reopened();
    let store = &home.store;
    let first = store.timer("a").await.unwrap().unwrap();
    assert_eq!((&first.draft, &first.owner, first.attempts), (&timer("a", at(60)), &None, 0));
    assert!(store.set_timer(&timer("a", at(90)), IfSet::Replaced).await.unwrap());
    let second = store.timer("a").await.unwrap().unwrap();
    assert_eq!(second.draft.due_at, at(90));
    assert_ne!(second.id, first.id);
    assert_eq!(store.next_timer().await.unwrap(), Some(at(90)));
    assert!(store.cancel_timer("a").await.unwrap());
    assert!(!store.cancel_timer("a").await.unwrap());
    assert_eq!(store.timer("a").await.unwrap(), None);

    let refused = store.set_timer(&timer("", at(60)), IfSet::Stays).await;
    assert!(matches!(refused, Err(StoreError::Refused(_))), "{refused:?}");
    let no_owner = store.fire_timers(&claim("", at(60)), 1).await;
    assert!(matches!(no_owner, Err(StoreError::Refused(_))), "{no_owner:?}");
}

#[tokio::test]
async fn timers_fire_when_they_are_due_the_longest_due_first_and_each_for_one_owner() {
    let home = home();
    let store = &home.store;
    for (key, second) in [("late", 30), ("early", 10), ("middle", 20), ("early too", 10), ("not yet", 31)] {
        set(store, key, second).await;
    }
    assert_eq!(fire(store, "one", 9).await, []);
    let two = store.fire_timers(&claim("one", at(30)), 2).await.unwrap();
    assert_eq!(keys(&two), ["early", "early too"]);
    assert_eq!((two[0].due_at, two[0].attempt, &two[0].payload), (at(10), 1, &timer("early", at(10)).payload));
    let others = fire(store, "two", 30).await;
    assert_eq!(keys(&others), ["middle", "late"]);
    assert_eq!(fire(store, "three", 30).await, []);

    assert_eq!(store.timers_done("two", &ids(&two), at(99)).await.unwrap(), 0, "another owner's");
    assert_eq!(store.timers_done("one", &ids(&two), at(99)).await.unwrap(), 2);
    assert_eq!(store.timers_done("one", &ids(&two), at(99)).await.unwrap(), 0);
    assert_eq!(store.timers_done("two", &ids(&others), at(99)).await.unwrap(), 2);
    assert_eq!(store.next_timer().await.unwrap(), Some(at(31)));
}

#[tokio::test]
async fn many_who_fire_at_once_never_get_the_same_timer() {
    let home = home();
    let store = &home.store;
    for number in 0..100 {
        set(store, &format!("t{number}"), 10).await;
    }
    let owners: Vec<String> = (0..16).map(|number| format!("owner {number}")).collect();
    let looks: Vec<Claim> = owners.iter().map(|owner| claim(owner, at(10))).collect();
    let fired = join_all(looks.iter().map(|claim| store.fire_timers(claim, 10))).await;
    let fired: Vec<FiredTimer> = fired.into_iter().flat_map(Result::unwrap).collect();
    let different: HashSet<i64> = fired.iter().map(|timer| timer.id).collect();
    assert_eq!((fired.len(), different.len()), (100, 100));
}

#[tokio::test]
async fn what_a_dead_owner_has_is_due_again_when_the_claim_runs_out() {
    let home = home();
    let store = &home.store;
    set(store, "a", 10).await;
    let lost = fire(store, "dead", 10).await;
    assert_eq!(store.next_timer().await.unwrap(), Some(at(70)), "when the claim runs out");
    assert_eq!(fire(store, "next", 69).await, []);
    let again = fire(store, "next", 70).await;
    assert_eq!((ids(&again), again[0].attempt, again[0].due_at), (ids(&lost), 2, at(10)));
    // The dead one was only slow: it learns that the timer is not its own any more.
    assert_eq!(store.timers_done("dead", &ids(&lost), at(99)).await.unwrap(), 0);
    assert_eq!(store.timer("a").await.unwrap().unwrap().owner.as_deref(), Some("next"));
    assert_eq!(store.timers_done("next", &ids(&again), at(99)).await.unwrap(), 1);
    assert_eq!(store.timer("a").await.unwrap(), None);
}

#[tokio::test]
async fn the_next_process_releases_what_the_one_before_had_and_keeps_its_own() {
    let home = home();
    for key in ["a", "b", "c"] {
        set(&home.store, key, 10).await;
    }
    assert_eq!(home.store.fire_timers(&claim("m before", at(10)), 2).await.unwrap().len(), 2);
    let home = home.reopened();
    let store = &home.store;
    assert_eq!(keys(&fire(store, "n now", 11).await), ["c"]);
    assert_eq!(store.release_timers("n now").await.unwrap(), 2);
    assert_eq!(store.release_timers("n now").await.unwrap(), 0);
    let released = fire(store, "n now", 11).await;
    assert_eq!((keys(&released), released[0].attempt), (vec!["a", "b"], 2));
    // Whatever the names sort like.
    assert_eq!(store.release_timers("a later one").await.unwrap(), 3);
    assert_eq!(fire(store, "a later one", 11).await.len(), 3);
}

#[tokio::test]
async fn one_that_is_set_anew_while_it_fires_is_not_ended_by_who_does_the_old_one() {
    let home = home();
    let store = &home.store;
    set(store, "quiet", 10).await;
    let fired = fire(store, "one", 10).await;
    assert!(!store.set_timer(&timer("quiet", at(40)), IfSet::Stays).await.unwrap());
    assert!(store.set_timer(&timer("quiet", at(40)), IfSet::Replaced).await.unwrap());
    assert_eq!(store.timers_done("one", &ids(&fired), at(99)).await.unwrap(), 0);
    let anew = fire(store, "one", 40).await;
    assert_eq!((keys(&anew), anew[0].attempt), (vec!["quiet"], 1));
    assert_ne!(ids(&anew), ids(&fired));
}

#[tokio::test]
async fn ten_thousand_timers_that_are_due_at_once_are_done_in_portions() {
    const MANY: i64 = 10_000;
    let home = home();
    let store = &home.store;
    let drafts: Vec<TimerDraft> = (0..MANY).map(|number| timer(&format!("t{number}"), at(number % 7))).collect();
    for portion in drafts.chunks(500) {
        let set = join_all(portion.iter().map(|draft| store.set_timer(draft, IfSet::Stays))).await;
        assert!(set.into_iter().all(|set| set.unwrap()));
    }
    let began = Instant::now();
    let (mut done, mut last) = (0, at(0));
    loop {
        let fired = store.fire_timers(&claim("one", at(10)), u32::MAX).await.unwrap();
        if fired.is_empty() {
            break;
        }
        assert!(fired.len() <= usize::try_from(TIMERS_AT_ONCE).unwrap());
        assert!(fired.iter().all(|timer| timer.due_at >= last), "the longest due first");
        last = fired.last().unwrap().due_at;
        done += store.timers_done("one", &ids(&fired), at(99)).await.unwrap();
    }
    println!("{MANY} timers were claimed and ended in {:?}", began.elapsed());
    assert_eq!(done, MANY.unsigned_abs());
    assert_eq!(store.next_timer().await.unwrap(), None);
}
