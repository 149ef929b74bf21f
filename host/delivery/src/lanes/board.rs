//! The order of serving, as a value: who asks, who is served next, who has ended.

use std::collections::{BTreeMap, VecDeque};

use postroom_domain::intent::Class;

/// So often one that waits is overtaken by those of sooner classes in its lane, and no more: interactive work that
/// never ends may slow a run down, and not hold it.
const OVERTAKEN_AT_MOST: u32 = 16;

/// For so many turns of bulk after one that somebody waited for, bulk leaves half of its lane's places free: more of the
/// same will come, and then waits for fewer processors.
const MINDFUL_FOR: u32 = 32;

/// Whoever waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ticket(u64);

/// All lanes.
#[derive(Debug)]
pub(super) struct Board {
    places: usize,
    at_work: usize,
    bulk_at_work: usize,
    /// Grows with each turn.
    turns: u64,
    tickets: u64,
    lanes: BTreeMap<i64, Lane>,
}

/// The lane of one account.
#[derive(Debug, Default)]
struct Lane {
    most: usize,
    at_work: usize,
    bulk_at_work: usize,
    /// For how many turns bulk still leaves half of the places free.
    mindful: u32,
    /// The how-many-eth turn of all was its last.
    served: u64,
    /// How often each class was overtaken by a sooner one since it was served last.
    overtaken: [u32; Class::ALL.len()],
    waiting: [VecDeque<Ticket>; Class::ALL.len()],
}

impl Board {
    pub(super) fn new(places: usize) -> Self {
        Self { places: places.max(1), at_work: 0, bulk_at_work: 0, turns: 0, tickets: 0, lanes: BTreeMap::new() }
    }

    /// Takes a place in the order.
    pub(super) fn ask(&mut self, account: i64, class: Class, most: usize) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let lane = self.lanes.entry(account).or_default();
        lane.most = most.max(1);
        lane.queue(class).push_back(ticket);
        ticket
    }

    /// Whose turn it is, if there is room for one; from now on it is at work.
    pub(super) fn next(&mut self) -> Option<(Ticket, i64, Class)> {
        if self.at_work >= self.places {
            return None;
        }
        let (account, class) = self.overtaken_too_often().or_else(|| {
            Class::ALL.into_iter().find_map(|class| {
                let ready = self.lanes.iter().filter(|(_, lane)| self.admits(lane, class));
                ready.min_by_key(|(_, lane)| lane.served).map(|(account, _)| (*account, class))
            })
        })?;
        self.turns += 1;
        let turn = self.turns;
        let lane = self.lanes.get_mut(&account)?;
        let ticket = lane.queue(class).pop_front()?;
        lane.begin(class, turn);
        self.at_work += 1;
        self.bulk_at_work += usize::from(class == Class::Bulk);
        Some((ticket, account, class))
    }

    /// A turn is over.
    pub(super) fn end(&mut self, account: i64, class: Class) {
        self.at_work = self.at_work.saturating_sub(1);
        let bulk = usize::from(class == Class::Bulk);
        self.bulk_at_work = self.bulk_at_work.saturating_sub(bulk);
        if let Some(lane) = self.lanes.get_mut(&account) {
            lane.at_work = lane.at_work.saturating_sub(1);
            lane.bulk_at_work = lane.bulk_at_work.saturating_sub(bulk);
            if lane.is_idle() {
                // An account that comes back is a new one: it has waited for nothing meanwhile.
                self.lanes.remove(&account);
            }
        }
    }

    /// The lanes with anything to do: account, how many are at work, who waits.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (i64, usize, Vec<Ticket>)> + '_ {
        self.lanes
            .iter()
            .map(|(account, lane)| (*account, lane.at_work, lane.waiting.iter().flatten().copied().collect()))
    }

    fn overtaken_too_often(&self) -> Option<(i64, Class)> {
        let all = self.lanes.iter().flat_map(|(account, lane)| Class::ALL.map(|class| (*account, lane, class)));
        all.filter(|(_, lane, class)| lane.overtakings(*class) >= OVERTAKEN_AT_MOST && self.admits(lane, *class))
            .min_by_key(|(_, lane, _)| lane.served)
            .map(|(account, _, class)| (account, class))
    }

    /// Whether a lane has one of a class that may begin.
    fn admits(&self, lane: &Lane, class: Class) -> bool {
        let has_place = match class {
            // An opt-out, an answer and an automation may take what bulk leaves free.
            Class::OptOut | Class::Interactive | Class::Automation => true,
            Class::Bulk => {
                lane.bulk_at_work < lane.places_of_bulk() && self.bulk_at_work < (self.places - self.places / 4).max(1)
            }
        };
        has_place && lane.at_work < lane.most && lane.waits(class)
    }
}

impl Lane {
    fn queue(&mut self, class: Class) -> &mut VecDeque<Ticket> {
        let [opt_out, interactive, automation, bulk] = &mut self.waiting;
        match class {
            Class::OptOut => opt_out,
            Class::Interactive => interactive,
            Class::Automation => automation,
            Class::Bulk => bulk,
        }
    }

    fn waits(&self, class: Class) -> bool {
        let [opt_out, interactive, automation, bulk] = &self.waiting;
        !match class {
            Class::OptOut => opt_out,
            Class::Interactive => interactive,
            Class::Automation => automation,
            Class::Bulk => bulk,
        }
        .is_empty()
    }

    fn places_of_bulk(&self) -> usize {
        let free = if self.mindful > 0 { self.most / 2 } else { 1 };
        // But never none.
        self.most.saturating_sub(free).max(1)
    }

    fn overtakings(&self, class: Class) -> u32 {
        Class::ALL.into_iter().zip(self.overtaken).find(|(of, _)| *of == class).map_or(0, |(_, number)| number)
    }

    fn begin(&mut self, class: Class, turn: u64) {
        self.served = turn;
        self.at_work += 1;
        self.bulk_at_work += usize::from(class == Class::Bulk);
        self.mindful = if class == Class::Bulk { self.mindful.saturating_sub(1) } else { MINDFUL_FOR };
        let waits = Class::ALL.map(|of| self.waits(of));
        for ((of, waits), overtaken) in Class::ALL.into_iter().zip(waits).zip(&mut self.overtaken) {
            *overtaken = match of.cmp(&class) {
                std::cmp::Ordering::Greater if waits => *overtaken + 1,
                std::cmp::Ordering::Equal => 0,
                _ => *overtaken,
            };
        }
    }

    fn is_idle(&self) -> bool {
        self.at_work == 0 && self.waiting.iter().all(VecDeque::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serves until there is no room; answers with (account, class) in the order of serving.
    fn serve(board: &mut Board) -> Vec<(i64, Class)> {
        std::iter::from_fn(|| board.next()).map(|(_, account, class)| (account, class)).collect()
    }

    #[test]
    fn the_sooner_class_is_served_first() {
        let mut board = Board::new(8);
        for class in [Class::Bulk, Class::Automation, Class::OptOut, Class::Interactive] {
            board.ask(1, class, 8);
        }
        assert_eq!(serve(&mut board), Class::ALL.map(|class| (1, class)));
    }

    #[test]
    fn bulk_leaves_a_place_of_its_lane_free_for_others() {
        let mut board = Board::new(32);
        for _ in 0..10 {
            board.ask(1, Class::Bulk, 4);
        }
        assert_eq!(serve(&mut board), [(1, Class::Bulk); 3]);
        board.ask(1, Class::OptOut, 4);
        assert_eq!(serve(&mut board), [(1, Class::OptOut)], "the one place that is free");
        board.ask(1, Class::OptOut, 4);
        assert_eq!(serve(&mut board), [], "the provider takes four calls at a time");
        board.end(1, Class::Bulk);
        assert_eq!(serve(&mut board), [(1, Class::OptOut)], "and the next place is not for bulk");
    }

    #[test]
    fn bulk_leaves_half_of_its_lane_free_while_others_keep_coming() {
        let mut board = Board::new(32);
        board.ask(1, Class::Interactive, 8);
        serve(&mut board);
        for _ in 0..100 {
            board.ask(1, Class::Bulk, 8);
        }
        assert_eq!(serve(&mut board).len(), 4);
        for _ in 0..MINDFUL_FOR {
            board.end(1, Class::Bulk);
            serve(&mut board);
        }
        assert_eq!(board.lanes.get(&1).unwrap().bulk_at_work, 7, "nobody came for a while");
    }

    #[test]
    fn a_lane_with_one_place_does_bulk_too() {
        let mut board = Board::new(1);
        board.ask(1, Class::Bulk, 1);
        assert_eq!(serve(&mut board), [(1, Class::Bulk)]);
    }

    #[test]
    fn bulk_leaves_a_quarter_of_all_places_free() {
        let mut board = Board::new(8);
        for account in 1..=20 {
            board.ask(account, Class::Bulk, 4);
        }
        assert_eq!(serve(&mut board).len(), 6);
        board.ask(21, Class::Interactive, 4);
        board.ask(22, Class::OptOut, 4);
        assert_eq!(serve(&mut board), [(22, Class::OptOut), (21, Class::Interactive)]);
    }

    #[test]
    fn a_small_account_does_not_wait_for_a_large_one() {
        let mut board = Board::new(4);
        for _ in 0..1_000 {
            board.ask(1, Class::Bulk, 10);
        }
        assert_eq!(serve(&mut board), [(1, Class::Bulk); 3]);
        for account in 2..=50 {
            board.ask(account, Class::Bulk, 10);
        }
        let mut served = Vec::new();
        for _ in 2..=50 {
            board.end(1, Class::Bulk);
            let next = serve(&mut board);
            served.extend(next.iter().map(|(account, _)| *account));
            for (account, class) in next {
                board.end(account, class);
                // The large one keeps its places busy all the time.
                board.at_work += 1;
                board.bulk_at_work += 1;
                if account != 1 {
                    let lane = board.lanes.get_mut(&1).unwrap();
                    lane.at_work += 1;
                    lane.bulk_at_work += 1;
                }
            }
        }
        served.sort_unstable();
        served.dedup();
        assert!(served.len() >= 49, "each of the small ones had its turn within 49 turns: {served:?}");
    }

    #[test]
    fn what_is_overtaken_too_often_goes_first() {
        let mut board = Board::new(2);
        board.ask(1, Class::Bulk, 2);
        let mut overtakings = 0;
        loop {
            board.ask(1, Class::Interactive, 2);
            board.ask(1, Class::Interactive, 2);
            let served = serve(&mut board);
            for (account, class) in &served {
                board.end(*account, *class);
            }
            if served.iter().any(|(_, class)| *class == Class::Bulk) {
                break;
            }
            overtakings += served.len();
        }
        assert_eq!(overtakings, usize::try_from(OVERTAKEN_AT_MOST).unwrap());
    }

    #[test]
    fn a_lane_that_has_nothing_to_do_is_forgotten() {
        let mut board = Board::new(2);
        board.ask(1, Class::Bulk, 2);
        serve(&mut board);
        board.end(1, Class::Bulk);
        assert_eq!(board.lanes().count(), 0);
        assert_eq!((board.at_work, board.bulk_at_work), (0, 0));
    }
}
