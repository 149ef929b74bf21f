//! The writer's queue: what somebody waits for goes before what is one of many.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many go before one that is later, and then that one: single writes that never end slow an import down, and do not
/// hold it.
const OVERTAKEN_AT_MOST: u32 = 64;

/// A queue with two ends. Cheap to clone; all clones are the same queue.
pub(crate) struct Queue<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

struct State<T> {
    sooner: VecDeque<T>,
    later: VecDeque<T>,
    /// How often the first of `later` was overtaken.
    overtaken: u32,
    is_closed: bool,
    /// Whether nobody takes any more.
    is_left: bool,
}

/// Whoever takes from a queue. When it is gone, also in a panic, what is in the queue and what is put in later is
/// dropped, so that nobody waits for an answer in vain.
pub(crate) struct Taker<T>(Queue<T>);

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_left = true;
        let left = (std::mem::take(&mut state.sooner), std::mem::take(&mut state.later));
        drop(state);
        drop(left);
    }
}

/// Why there is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// Nothing came in time.
    Yet,
    /// Nothing will come any more.
    Ever,
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state =
            State { sooner: VecDeque::new(), later: VecDeque::new(), overtaken: 0, is_closed: false, is_left: false };
        Self(Arc::new(Shared { state: Mutex::new(state), arrived: Condvar::new() }))
    }

    /// Becomes the one who takes.
    pub(crate) fn taker(&self) -> Taker<T> {
        Taker(self.clone())
    }

    /// Puts one in: behind those of its kind, and before all later ones if it is not later itself.
    pub(crate) fn put(&self, one: T, is_later: bool) {
        let mut state = self.state();
        if state.is_left {
            return;
        }
        if is_later { &mut state.later } else { &mut state.sooner }.push_back(one);
        drop(state);
        self.0.arrived.notify_one();
    }

    /// Takes the next, or waits for it.
    pub(crate) fn next(&self, patience: Duration) -> Result<T, Nothing> {
        let until = Instant::now() + patience;
        let mut state = self.state();
        loop {
            if let Some(next) = state.next() {
                return Ok(next);
            }
            if state.is_closed {
                return Err(Nothing::Ever);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Nothing::Yet);
            }
            (state, _) = self.0.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says that nothing will come any more; what is there is still taken.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.0.arrived.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // It is whole after each of its steps.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn next(&mut self) -> Option<T> {
        let goes_first = self.overtaken < OVERTAKEN_AT_MOST || self.later.is_empty();
        if goes_first && let Some(next) = self.sooner.pop_front() {
            self.overtaken += u32::from(!self.later.is_empty());
            return Some(next);
        }
        self.overtaken = 0;
        self.later.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(queue: &Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.next(Duration::ZERO).ok()).collect()
    }

    #[test]
    fn what_somebody_waits_for_goes_first_and_each_kind_keeps_its_order() {
        let queue = Queue::new();
        for (one, is_later) in [(1, true), (2, false), (3, true), (4, false)] {
            queue.put(one, is_later);
        }
        assert_eq!(taken(&queue), [2, 4, 1, 3]);
    }

    #[test]
    fn nobody_is_overtaken_for_ever() {
        let queue = Queue::new();
        queue.put(0, true);
        for one in 1..200 {
            queue.put(one, false);
        }
        let at = taken(&queue).iter().position(|one| *one == 0).unwrap();
        assert_eq!(u32::try_from(at).unwrap(), OVERTAKEN_AT_MOST);
    }

    #[test]
    fn what_is_there_when_it_is_closed_is_still_taken() {
        let queue = Queue::new();
        queue.put(1, true);
        assert_eq!(queue.next(Duration::ZERO), Ok(1));
        assert_eq!(queue.next(Duration::ZERO), Err(Nothing::Yet));
        queue.put(2, false);
        queue.close();
        assert_eq!(queue.next(Duration::from_secs(60)), Ok(2));
        assert_eq!(queue.next(Duration::from_secs(60)), Err(Nothing::Ever), "and nobody waits");
    }

    #[test]
    fn nothing_lies_in_a_queue_that_nobody_takes_from() {
        let queue = Queue::new();
        let dropped = Arc::new(());
        queue.put(Arc::clone(&dropped), true);
        drop(queue.taker());
        queue.put(Arc::clone(&dropped), false);
        assert_eq!(Arc::strong_count(&dropped), 1);
        assert!(queue.next(Duration::ZERO).is_err());
    }

    #[test]
    fn whoever_waits_is_woken() {
        let queue = Queue::new();
        let putting = queue.clone();
        let puts = std::thread::spawn(move || putting.put(7, false));
        assert_eq!(queue.next(Duration::from_secs(60)), Ok(7));
        puts.join().unwrap();
    }
}
