//! Who may call a provider next.
//!
//! Each account has a *lane*. Whoever wants to call asks for a turn ([`Lanes::turn`]) with its class, and a turn is
//! one call about one batch at most: that is the quantum, after which the lane stands behind those that were
//! served longer ago. The order, decided by [`board`]:
//!
//! 1. by class: opt-outs, then what somebody waits for, then automations, then bulk;
//! 2. within a class, the lane that was served longest ago.
//!
//! Bulk leaves a place free in each lane that has more than one, and a quarter of all places; so that an
//! opt-out waits for no million. What was overtaken often enough goes first all the same, so that nothing waits for
//! ever. Whether a lane is paused is not decided here but where its intents are armed: opt-outs go on then.

mod board;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postroom_domain::intent::Class;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::Instant;

use board::{Board, Ticket};

/// Calls of the whole process at one time. A call holds a plugin's instance, some 10 MB of memory at most for a
/// batch of 500, so that all of them stay below a third of a gigabyte; and two processors prepare some 40 batches
/// in a second.
pub const PLACES: usize = 32;

/// The lanes of all accounts. Cheap to clone; all clones are the same lanes.
#[derive(Clone)]
pub struct Lanes(Arc<Mutex<State>>);

struct State {
    board: Board,
    waiting: HashMap<Ticket, oneshot::Sender<Turn>>,
    /// Since when each ticket waits.
    since: HashMap<Ticket, Instant>,
}

/// The right to make one call. It ends when it is dropped.
#[must_use = "the turn ends when it is dropped"]
pub struct Turn {
    lanes: Option<Lanes>,
    account: i64,
    class: Class,
}

/// How a lane stands: for a watchdog on progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The account's number.
    pub account: i64,
    /// How many calls are under way.
    pub at_work: usize,
    /// How many wait for their turn.
    pub waiting: usize,
    /// How long the one that waits longest has waited, by the machine's clock.
    pub waited: Duration,
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new(PLACES)
    }
}

impl Lanes {
    /// Lanes with so many calls at one time.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let state = State { board: Board::new(places), waiting: HashMap::new(), since: HashMap::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for a turn in an account's lane, which makes at most `most` calls at one time. Whoever stops waiting
    /// has lost nothing but its place.
    pub async fn turn(&self, account: i64, class: Class, most: usize) -> Turn {
        let granted = {
            let mut state = self.state();
            let (sender, granted) = oneshot::channel();
            let ticket = state.board.ask(account, class, most);
            state.waiting.insert(ticket, sender);
            state.since.insert(ticket, Instant::now());
            granted
        };
        self.serve();
        match granted.await {
            Ok(turn) => turn,
            // The sender is kept until it is used. A turn that counts for nothing is better than none at all.
            Err(_) => Turn { lanes: None, account, class },
        }
    }

    /// How the lanes stand that have anything to do.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        let state = self.state();
        let now = Instant::now();
        let of_lane = |(account, at_work, tickets): (i64, usize, Vec<Ticket>)| Standing {
            account,
            at_work,
            waiting: tickets.len(),
            waited: tickets
                .iter()
                .filter_map(|ticket| state.since.get(ticket))
                .map(|since| now.duration_since(*since))
                .max()
                .unwrap_or_default(),
        };
        state.board.lanes().map(of_lane).collect()
    }

    /// Gives turns to those who wait, as long as there is room.
    fn serve(&self) {
        loop {
            let (sender, account, class) = {
                let mut state = self.state();
                let Some((ticket, account, class)) = state.board.next() else { return };
                state.since.remove(&ticket);
                (state.waiting.remove(&ticket), account, class)
            };
            // A turn takes the lock when it ends, so that none may be made under it.
            let turn = Turn { lanes: Some(self.clone()), account, class };
            if let Some(sender) = sender {
                // Whoever asked may be gone. Then the turn comes back, is dropped here, and the next one is served.
                drop(sender.send(turn));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The board is whole after each of its steps.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(lanes) = self.lanes.take() {
            lanes.state().board.end(self.account, self.class);
            lanes.serve();
        }
    }
}

impl std::fmt::Debug for Lanes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lanes").field(&self.standings()).finish()
    }
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("account", &self.account).field("class", &self.class).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn whoever_ends_its_turn_lets_the_next_one_in() {
        let lanes = Lanes::new(1);
        let first = lanes.turn(1, Class::Interactive, 4).await;
        let mut second = Box::pin(lanes.turn(2, Class::Interactive, 4));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some());
        assert_eq!(lanes.standings(), [], "nobody is at work and nobody waits");
    }

    #[tokio::test]
    async fn whoever_stops_waiting_keeps_nobody_else_waiting() {
        let lanes = Lanes::new(1);
        let first = lanes.turn(1, Class::Bulk, 4).await;
        let mut gone = Box::pin(lanes.turn(1, Class::Bulk, 4));
        assert!((&mut gone).now_or_never().is_none());
        drop(gone);
        let mut next = Box::pin(lanes.turn(1, Class::Bulk, 4));
        assert!((&mut next).now_or_never().is_none());
        drop(first);
        assert!(next.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_lane_that_waits_shows_for_how_long() {
        let lanes = Lanes::new(1);
        let turn = lanes.turn(7, Class::Bulk, 4).await;
        let mut waits = Box::pin(lanes.turn(8, Class::Bulk, 4));
        assert!((&mut waits).now_or_never().is_none());
        let standings = lanes.standings();
        let of = |account| standings.iter().find(|standing| standing.account == account).unwrap();
        assert_eq!((of(7).at_work, of(7).waiting, of(7).waited), (1, 0, Duration::ZERO));
        assert_eq!((of(8).at_work, of(8).waiting), (0, 1));
        drop(turn);
    }
}
