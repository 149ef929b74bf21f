//! The log of events: read in order by cursors of their own, and cleared behind the slowest.

use futures_util::future::join_all;
use jiff::SignedDuration;
use postroom_sqlite::SqliteStore;
use postroom_store::StoreError;
use postroom_store::contacts::ContactStore;
use postroom_store::events::{ClearedEvents, CursorStart, Event, EventStore, HeldBack};
use postroom_store::lists::ListStore;

use crate::fixture::{add, at, home, sequence, upsert};

/// Writes contacts, one event each.
async fn happen(store: &SqliteStore, from: u64, to: u64) {
    let people: Vec<_> = (from..to).map(|number| upsert(&format!("c{number}@example.cz"), &[])).collect();
    for portion in people.chunks(500) {
        for written in join_all(portion.iter().map(|person| store.upsert_contact(person))).await {
            written.unwrap();
        }
    }
}

fn ids(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn a_cursor_reads_every_event_in_order_page_by_page_and_comes_back_where_it_was() {
    let home = home();
    home.store.open_cursor("early", CursorStart::Oldest, at(0)).await.unwrap();
    home.store.create_list("guests", at(1)).await.unwrap();
    happen(&home.store, 0, 6).await;
    let last = sequence(&home.store).await;
    let late = home.store.open_cursor("late", CursorStart::Newest, at(2)).await.unwrap();
    assert_eq!((late.behind, late.waiting_since), (0, None));
    assert_eq!(home.store.events_after("late", 10).await.unwrap(), []);

    let mut read = Vec::new();
    let mut home = home;
    loop {
        let page = home.store.events_after("early", 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(newest) = page.last() else { break };
        assert_eq!(home.store.advance("early", newest.id, at(3)).await.unwrap(), newest.id);
        read.extend(page);
        home = home.reopened();
    }
    assert!(read.iter().all(|event| event.payload.is_object() && event.first <= event.last), "{read:?}");
    assert!(read.windows(2).all(|pair| pair[0].id < pair[1].id && pair[0].last + 1 == pair[1].first), "{read:?}");
    assert_eq!((read.first().unwrap().first, read.last().unwrap().last), (1, last));
    assert_eq!(home.store.events_behind(read[1].id, 3).await.unwrap(), read[2..5], "without a cursor");

    add(&home.store, "new@example.cz").await;
    for name in ["early", "late"] {
        assert_eq!(ids(&home.store.events_after(name, 10).await.unwrap()).len(), 1, "{name}");
    }
    // One that is open stays where it stands.
    let again = home.store.open_cursor("late", CursorStart::Oldest, at(9)).await.unwrap();
    assert_eq!((again.passed, again.moved_at, again.behind), (late.passed, at(2), 1));
}

#[tokio::test]
async fn a_cursor_never_goes_back_nor_past_what_has_not_happened() {
    let home = home();
    let store = &home.store;
    happen(store, 0, 5).await;
    store.open_cursor("one", CursorStart::Oldest, at(0)).await.unwrap();
    let events = ids(&store.events_after("one", 100).await.unwrap());
    assert_eq!(store.advance("one", events[3], at(1)).await.unwrap(), events[3]);
    assert_eq!(store.advance("one", events[1], at(2)).await.unwrap(), events[3]);
    let cursor = store.cursors().await.unwrap().remove(0);
    assert_eq!((cursor.passed, cursor.moved_at), (events[3], at(1)));
    let beyond = store.advance("one", events[4] + 1, at(3)).await.unwrap_err().to_string();
    assert!(beyond.contains(&format!("can't pass the event {}", events[4] + 1)), "{beyond}");
    for missing in
        [store.advance("nobody", 1, at(3)).await.unwrap_err(), store.events_after("nobody", 1).await.unwrap_err()]
    {
        assert!(matches!(missing, StoreError::NotFound { kind: "cursor", .. }), "{missing}");
    }
    assert!(matches!(store.open_cursor("", CursorStart::Oldest, at(3)).await, Err(StoreError::Refused(_))));
}

#[tokio::test]
async fn events_are_cleared_behind_the_slowest_cursor_and_it_is_named() {
    let home = home();
    let store = &home.store;
    happen(store, 0, 10).await;
    for name in ["fast", "slow"] {
        store.open_cursor(name, CursorStart::Oldest, at(0)).await.unwrap();
    }
    let events = store.events_after("fast", 100).await.unwrap();
    let numbers = ids(&events);
    store.advance("fast", numbers[9], at(1)).await.unwrap();
    store.advance("slow", numbers[3], at(1)).await.unwrap();

    let held_back = HeldBack { cursor: "slow".to_owned(), events: 4, waiting_since: events[4].at };
    let cleared = store.clear_events(2).await.unwrap();
    assert_eq!(cleared, ClearedEvents { cleared: 4, left: 6, held_back: Some(held_back.clone()) });
    assert_eq!(held_back.age(events[4].at + SignedDuration::from_hours(3)), SignedDuration::from_hours(3));
    assert_eq!(held_back.age(at(-9)), SignedDuration::ZERO, "a clock was set back");
    assert_eq!(ids(&store.events_after("slow", 100).await.unwrap()), numbers[4..]);
    assert_eq!(store.clear_events(2).await.unwrap().cleared, 0);

    // What is kept anyway is nobody's fault.
    store.advance("slow", numbers[7], at(2)).await.unwrap();
    assert_eq!(store.clear_events(2).await.unwrap(), ClearedEvents { cleared: 4, left: 2, held_back: None });
    assert_eq!(ids(&store.events_after("slow", 100).await.unwrap()), numbers[8..]);
}

#[tokio::test]
async fn a_cursor_that_is_closed_holds_nothing_back() {
    let home = home();
    let store = &home.store;
    happen(store, 0, 5).await;
    store.open_cursor("gone", CursorStart::Oldest, at(0)).await.unwrap();
    assert_eq!(store.clear_events(1).await.unwrap().held_back.unwrap().cursor, "gone");
    assert!(store.close_cursor("gone").await.unwrap());
    assert!(!store.close_cursor("gone").await.unwrap());
    assert_eq!(store.clear_events(u64::MAX).await.unwrap().cleared, 0);
    assert_eq!(store.clear_events(1).await.unwrap(), ClearedEvents { cleared: 4, left: 1, held_back: None });
}

#[tokio::test]
async fn the_numbering_goes_on_after_everything_was_cleared() {
    let home = home();
    happen(&home.store, 0, 5).await;
    let before = home.store.open_cursor("one", CursorStart::Newest, at(0)).await.unwrap().passed;
    assert_eq!(home.store.clear_events(0).await.unwrap().left, 1, "the last one bears the numbering");
    let home = home.reopened();
    happen(&home.store, 5, 7).await;
    let events = ids(&home.store.events_after("one", 100).await.unwrap());
    assert_eq!(events, [before + 1, before + 2]);
}

#[tokio::test]
async fn a_long_log_is_cleared_unit_by_unit() {
    let home = home();
    let store = &home.store;
    happen(store, 0, 4_500).await;
    store.open_cursor("one", CursorStart::Oldest, at(0)).await.unwrap();
    let mut read = 0;
    loop {
        let page = store.events_after("one", u32::MAX).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 1_000, "a page is bounded whatever is asked for");
        read += page.len();
        store.advance("one", last.id, at(1)).await.unwrap();
    }
    assert_eq!(read, 4_500);
    let cleared = store.clear_events(100).await.unwrap();
    assert_eq!(cleared, ClearedEvents { cleared: 4_400, left: 100, held_back: None });
}
