//! When syncs run by themselves: each tick is taken once, whoever asks, whatever the clock does, and also by the
//! next process.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use postroom_domain::schedule::{Misfire, TICKS_AT_ONCE, Timetable, Triggers};
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::runs::{RunStart, RunStore};
use postroom_store::schedules::{FinishedTick, ScheduleStore, TICKS_KEPT, TakenTick, TickOutcome};
use postroom_store::syncs::SyncStore;

use crate::fixture::{Home, sync_draft, with_sync};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// On the first of May.
fn may(time: &str) -> Timestamp {
    moment(&format!("2027-05-01T{time}Z"))
}

fn by_clock(schedule: &str, misfire: Misfire) -> Triggers {
    let timetable = Timetable::new(schedule.parse().unwrap(), misfire, SignedDuration::ZERO).unwrap();
    Triggers::new(Some(timetable), None).unwrap()
}

fn hourly() -> Triggers {
    by_clock("0 * * * * Europe/Prague", Misfire::Once)
}

async fn home() -> Home {
    with_sync(&[]).await.0
}

/// Takes what is due, and answers with the times.
async fn take(store: &SqliteStore, now: Timestamp) -> Vec<Timestamp> {
    store.take_due_ticks(now).await.unwrap().into_iter().map(|taken| taken.tick).collect()
}

/// A run of a sync.
async fn run(store: &SqliteStore, sync: &str) -> i64 {
    let sync = store.sync(sync).await.unwrap().id;
    let start =
        RunStart { sync, plugin_digest: "sha256:00".to_owned(), first: None, unchanged: 0, at: may("06:00:00") };
    store.begin_run(&start).await.unwrap()
}

#[tokio::test]
async fn a_schedule_is_set_paused_resumed_and_cleared_and_the_next_process_knows_it() {
    let home = home().await;
    assert_eq!(home.store.schedule("guests").await.unwrap(), None);
    let spread = Timetable::new("0 6 * * * Europe/Prague".parse().unwrap(), Misfire::Skip, HOUR).unwrap();
    let both = Triggers::new(Some(spread.clone()), Some(SignedDuration::from_secs(30))).unwrap();
    let set = home.store.set_schedule("guests", &both, may("05:00:00")).await.unwrap();
    assert_eq!((&set.triggers, set.paused_at, set.last_tick), (&both, None, None));
    assert_eq!((set.settled, set.set_at), (may("05:00:00"), may("05:00:00")));
    let tomorrow = moment("2027-05-02T04:00:00Z");
    assert_eq!(set.next_start(), Some(spread.start_of(set.sync_id, tomorrow)));

    let home = home.reopened();
    let store = &home.store;
    assert_eq!(store.schedules().await.unwrap(), std::slice::from_ref(&set));
    let paused = store.pause_schedule("guests", may("06:00:00")).await.unwrap();
    assert_eq!((paused.paused_at, paused.next_start()), (Some(may("06:00:00")), None));
    assert_eq!(store.pause_schedule("guests", may("07:00:00")).await.unwrap(), paused);
    let again = store.set_schedule("guests", &hourly(), may("08:00:00")).await.unwrap();
    assert_eq!((again.paused_at, again.triggers), (Some(may("06:00:00")), hourly()));
    let resumed = store.resume_schedule("guests", may("09:30:00")).await.unwrap();
    assert_eq!((resumed.paused_at, resumed.next_start()), (None, Some(may("10:00:00"))));
    // One that is not paused is not settled anew: what it missed stays missed.
    assert_eq!(store.resume_schedule("guests", may("12:30:00")).await.unwrap(), resumed);

    store.clear_schedule("guests").await.unwrap();
    assert_eq!(store.schedules().await.unwrap(), []);
    let refused = store.pause_schedule("guests", may("13:00:00")).await.unwrap_err().to_string();
    assert!(refused.contains("there is no schedule of the sync `guests`: ") && refused.contains("set"), "{refused}");
    let nobody = store.set_schedule("nobody", &hourly(), may("13:00:00")).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { kind: "sync", .. })), "{nobody:?}");
}

#[tokio::test]
async fn every_tick_is_taken_once_also_by_many_who_ask_and_by_the_next_process() {
    let home = home().await;
    home.store.add_sync(&sync_draft("visitors", "guests", "Visitors"), may("00:00:00")).await.unwrap();
    for sync in ["guests", "visitors"] {
        home.store.set_schedule(sync, &hourly(), may("05:30:00")).await.unwrap();
    }
    assert_eq!(take(&home.store, may("05:59:59")).await, []);
    let looks = (0..16).map(|_| home.store.take_due_ticks(may("06:00:00")));
    let taken: Vec<TakenTick> =
        futures_util::future::join_all(looks).await.into_iter().flat_map(Result::unwrap).collect();
    let syncs: HashSet<&str> = taken.iter().map(|taken| taken.sync.as_str()).collect();
    assert_eq!((taken.len(), syncs), (2, HashSet::from(["guests", "visitors"])));
    assert!(taken.iter().all(|taken| taken.tick == may("06:00:00")));

    let home = home.reopened();
    assert_eq!(take(&home.store, may("06:00:01")).await, []);
    let schedule = home.store.schedule("guests").await.unwrap().unwrap();
    assert_eq!((schedule.last_tick, schedule.next_start()), (Some(may("06:00:00")), Some(may("07:00:00"))));
    assert_eq!(take(&home.store, may("07:00:00")).await, [may("07:00:00"); 2]);
}

#[tokio::test]
async fn what_was_missed_while_nobody_was_there_follows_the_policy_and_is_settled_once() {
    let week = SignedDuration::from_hours(7 * 24);
    let cases = [(Misfire::Skip, 0), (Misfire::Once, 1), (Misfire::All { within: SignedDuration::from_hours(6) }, 6)];
    for (misfire, expected) in cases {
        let home = home().await;
        let triggers = by_clock("0 * * * * Europe/Prague", misfire);
        home.store.set_schedule("guests", &triggers, may("05:30:00")).await.unwrap();
        let home = home.reopened();
        let later = may("05:45:00") + week;
        let taken = take(&home.store, later).await;
        assert_eq!(taken.len(), expected, "{misfire:?}");
        assert!(taken.windows(2).all(|pair| pair[1] == pair[0] + HOUR), "oldest first: {taken:?}");
        assert_eq!(take(&home.store, later).await, [], "{misfire:?}");
        let next = home.store.schedule("guests").await.unwrap().unwrap().next_start();
        assert_eq!(next, Some(may("06:00:00") + week), "{misfire:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_brings_no_tick_twice_and_one_that_ran_ahead_stops_nothing() {
    let home = home().await;
    let store = &home.store;
    store.set_schedule("guests", &hourly(), may("05:30:00")).await.unwrap();
    assert_eq!(take(store, may("06:00:00")).await, [may("06:00:00")]);
    assert_eq!(take(store, may("05:59:50")).await, []);
    assert_eq!(take(store, may("06:00:00")).await, [], "taken already");

    let next_year = may("06:30:00") + SignedDuration::from_hours(365 * 24);
    assert_eq!(take(store, next_year).await.len(), 1);
    assert_eq!(take(store, may("06:40:00")).await, []);
    assert_eq!(take(store, may("07:00:00")).await, [may("07:00:00")]);
}

#[tokio::test]
async fn ticks_of_a_pause_are_not_made_up_for() {
    let home = home().await;
    let store = &home.store;
    let all = by_clock("0 * * * * UTC", Misfire::All { within: SignedDuration::from_hours(24) });
    store.set_schedule("guests", &all, may("05:30:00")).await.unwrap();
    store.pause_schedule("guests", may("05:40:00")).await.unwrap();
    assert_eq!(take(store, may("08:10:00")).await, []);
    store.resume_schedule("guests", may("08:20:00")).await.unwrap();
    assert_eq!(take(store, may("08:30:00")).await, []);
    assert_eq!(take(store, may("09:00:00")).await, [may("09:00:00")]);
}

#[tokio::test]
async fn a_tick_is_finished_once_with_its_run_or_with_why_there_is_none() {
    let home = home().await;
    let store = &home.store;
    store.add_sync(&sync_draft("visitors", "guests", "Visitors"), may("00:00:00")).await.unwrap();
    let sync = store.set_schedule("guests", &hourly(), may("05:30:00")).await.unwrap().sync_id;
    let (six, seven) = (may("06:00:00"), may("07:00:00"));
    take(store, six).await;
    take(store, seven).await;

    let others = TickOutcome::Ran { run: run(store, "visitors").await };
    let refused = store.finish_tick(sync, six, &others, seven).await;
    assert!(matches!(refused, Err(StoreError::NotFound { kind: "run", .. })), "{refused:?}");
    let ran = TickOutcome::Ran { run: run(store, "guests").await };
    store.finish_tick(sync, six, &ran, may("06:05:00")).await.unwrap();
    let failed = TickOutcome::Failed { error: "the account is closed".to_owned() };
    let again = store.finish_tick(sync, six, &failed, seven).await.unwrap_err().to_string();
    assert!(again.contains("finished already"), "{again}");
    let never = store.finish_tick(sync, may("06:30:00"), &failed, seven).await;
    assert!(matches!(never, Err(StoreError::NotFound { kind: "tick", .. })), "{never:?}");
    store.finish_tick(sync, seven, &failed, may("07:05:00")).await.unwrap();

    let home = home.reopened();
    let ticks = home.store.ticks("guests", 10).await.unwrap();
    let finished: Vec<_> = ticks.iter().map(|tick| (tick.tick, tick.taken_at, tick.finished.clone())).collect();
    let end = |finished_at, outcome| Some(FinishedTick { finished_at, outcome });
    assert_eq!(finished, [(seven, seven, end(may("07:05:00"), failed)), (six, six, end(may("06:05:00"), ran))]);
    assert_eq!(home.store.ticks("guests", 1).await.unwrap().len(), 1);
    assert_eq!(home.store.ticks("visitors", 10).await.unwrap(), []);
}

#[tokio::test]
async fn ticks_of_a_process_that_died_are_found_and_ended_by_the_next_one() {
    let home = home().await;
    let sync = home.store.set_schedule("guests", &hourly(), may("05:30:00")).await.unwrap().sync_id;
    take(&home.store, may("06:00:00")).await;
    let home = home.reopened();
    let store = &home.store;
    let left = store.interrupt_ticks(may("06:20:00")).await.unwrap();
    assert_eq!(left, [TakenTick { sync_id: sync, sync: "guests".to_owned(), tick: may("06:00:00") }]);
    assert_eq!(store.interrupt_ticks(may("06:20:00")).await.unwrap(), []);
    let ended = store.ticks("guests", 1).await.unwrap().remove(0).finished;
    let interrupted = FinishedTick { finished_at: may("06:20:00"), outcome: TickOutcome::Interrupted };
    assert_eq!(ended, Some(interrupted));
    let late = TickOutcome::Failed { error: "too late".to_owned() };
    assert!(store.finish_tick(sync, may("06:00:00"), &late, may("06:30:00")).await.is_err());
}

#[tokio::test]
async fn a_schedule_follows_its_sync_when_it_is_renamed_and_goes_with_it() {
    let home = home().await;
    let store = &home.store;
    store.set_schedule("guests", &hourly(), may("05:30:00")).await.unwrap();
    store.edit_sync("guests", &sync_draft("visitors", "guests", "Guests"), may("05:40:00")).await.unwrap();
    let taken = store.take_due_ticks(may("06:00:00")).await.unwrap();
    assert_eq!(taken.iter().map(|taken| taken.sync.as_str()).collect::<Vec<_>>(), ["visitors"]);
    store.remove_sync("visitors").await.unwrap();
    assert_eq!(store.schedules().await.unwrap(), []);
    assert_eq!(take(store, may("07:00:00")).await, []);
}

#[tokio::test]
async fn the_oldest_ticks_are_forgotten_and_one_that_somebody_is_at_work_on_is_not() {
    let home = home().await;
    let store = &home.store;
    let each = by_clock("every minute", Misfire::All { within: SignedDuration::from_hours(24) });
    store.set_schedule("guests", &each, may("00:00:00")).await.unwrap();
    assert_eq!(take(store, may("00:01:00")).await, [may("00:01:00")]);
    let at_work = may("00:02:00");
    assert_eq!(take(store, at_work).await, [at_work]);
    let sync = store.schedule("guests").await.unwrap().unwrap().sync_id;
    let done = TickOutcome::Failed { error: "not today".to_owned() };
    store.finish_tick(sync, may("00:01:00"), &done, at_work).await.unwrap();

    let now = may("20:00:00");
    let mut taken = 0;
    loop {
        let ticks = take(store, now).await;
        if ticks.is_empty() {
            break;
        }
        assert!(ticks.len() <= TICKS_AT_ONCE);
        taken += ticks.len();
        for tick in ticks {
            store.finish_tick(sync, tick, &done, now).await.unwrap();
        }
    }
    assert_eq!(taken, 20 * 60 - 2);
    let kept = store.ticks("guests", 10_000).await.unwrap();
    let bound = usize::try_from(TICKS_KEPT).unwrap() + TICKS_AT_ONCE;
    assert!((bound - TICKS_AT_ONCE..=bound + 1).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept.last().unwrap().tick, at_work);
}
