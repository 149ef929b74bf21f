//! What must hold when the faults have stopped and everything has settled.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use postroom_domain::intent::{IntentKind, IntentState};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::intents::{Intent, IntentQuery, IntentStore as _};
use rusqlite::{Connection, OpenFlags};

use crate::house::{GLANCE, House, PATIENCE, runtime};
use crate::words::Command;

/// Past the rests that the program takes: an account is opened again after 30 seconds, a sync tried again and the ledger
/// looked after in a minute.
const A_REST: SignedDuration = SignedDuration::from_secs(61);
/// When a provider is asked about a doubt for the last time.
const LAST_LOOK: SignedDuration = SignedDuration::from_hours(7);
/// How long nothing may get better before the clock is moved on.
const NO_PROGRESS: Duration = Duration::from_millis(300);

/// The figures of a round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    pub(crate) asked: u64,
    pub(crate) sent: u64,
    pub(crate) in_doubt: u64,
    pub(crate) too_late: u64,
    pub(crate) cancelled: u64,
}

impl House {
    /// Lifts the hold as an operator does who looks first: what the backup had still to send may have been sent, so it
    /// is left to expire.
    pub(crate) fn lift(&mut self) {
        let waits = |house: &Self| -> Vec<Intent> {
            let may_be_sent = |intent: &Intent| {
                let message = house.known.messages.get(&intent.effect_key);
                message.is_some_and(|message| !message.is_told) && is_open(intent.state)
            };
            house.intents().into_iter().filter(may_be_sent).collect()
        };
        let last = waits(self).iter().filter_map(|intent| intent.valid_until).max();
        if let Some(last) = last.filter(|last| *last >= self.now()) {
            self.insist(&Command::Clock { now: last });
        }
        // Whoever looks after the ledger does so once in a minute.
        self.insist(&self.moved(A_REST));
        self.until("what the backup had still to send expires", |house| waits(house).is_empty());
        self.insist(&Command::Resume);
    }

    /// Lets everything come to its end: nothing goes wrong any more, and a new child takes over.
    pub(crate) fn settle(&mut self) {
        self.provider.calm();
        self.kill("before the end");
        let is_held = self.start(None).is_some();
        // A clock that was set back is set right: what was said by the wrong one is due by then.
        self.insist(&Command::Clock { now: self.latest });
        if is_held {
            self.lift();
        }
        if self.intents().iter().any(|intent| intent.state == IntentState::InDoubt) {
            self.insist(&self.moved(A_REST));
        }
        let (begin, mut progress, mut before) = (Instant::now(), Instant::now(), usize::MAX);
        loop {
            self.look();
            let left = self.unsettled();
            if left.is_empty() {
                return;
            }
            if left.len() != before {
                (before, progress) = (left.len(), Instant::now());
            }
            assert!(begin.elapsed() < PATIENCE, "never done: {left:#?}\n{}", self.last_words());
            if progress.elapsed() > NO_PROGRESS {
                // The next that is due, or past a rest.
                let due = self.intents().into_iter().filter(|intent| is_open(intent.state)).map(|intent| intent.due_at);
                let is_to_be_asked = left.len() == self.shown_doubts().count();
                let rested = self.now() + if is_to_be_asked { LAST_LOOK } else { A_REST };
                let now = due.min().map_or(rested, |due| due.max(rested));
                self.insist(&Command::Clock { now });
                progress = Instant::now();
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// What is still to come: intents, and contacts that are not at the provider as they are here.
    fn unsettled(&self) -> Vec<String> {
        let is_to_end = |intent: &Intent| {
            // The request of a run is decided anew by the next one; a message that the provider does not show waits for a
            // person.
            let is_repeated = intent.run.is_none() && intent.kind != IntentKind::TemplateSend;
            is_open(intent.state) || (intent.state == IntentState::InDoubt && is_repeated)
        };
        let intents = self.intents().into_iter().filter(is_to_end).chain(self.shown_doubts());
        let mut left: Vec<String> = intents.map(|intent| format!("{intent:?}")).collect();
        for (email, person) in &self.known.people {
            let there = self.value_there(email);
            if person.is_out && there.is_some() && self.provider.book(|book| book.opted_out(email).is_none()) {
                left.push(format!("{email} said no, and the provider does not know"));
            }
            if !person.is_out && person.name.is_some() && there != person.name {
                left.push(format!("{email} is {there:?} at the provider and not {:?}", person.name));
            }
        }
        left
    }

    /// The messages in doubt that the provider shows whenever it is asked.
    fn shown_doubts(&self) -> impl Iterator<Item = Intent> {
        let is_shown = |intent: &Intent| {
            intent.state == IntentState::InDoubt
                && intent.kind == IntentKind::TemplateSend
                && self.laws.times(&intent.effect_key) > 0
        };
        self.intents().into_iter().filter(is_shown)
    }

    /// Somebody new gets through, with a message.
    fn greet(&mut self) {
        let email = format!("fresh{}@example.com", self.known.people.len());
        let key = format!("send:fresh:{}", self.known.messages.len());
        self.insist(&self.moved(A_REST));
        self.insist(&Command::Save { email: email.clone(), name: "Fresh".to_owned() });
        self.insist(&Command::OptIn { email: email.clone() });
        self.insist(&self.plan(&key, &email));
        self.until("somebody new gets through", |house| {
            house.value_there(&email).as_deref() == Some("Fresh") && house.times(&key) == 1
        });
        self.until_state(&key, IntentState::Done);
    }

    /// Settles, and asserts all that must hold then.
    #[track_caller]
    pub(crate) fn ends_well(&mut self) -> Ends {
        self.settle();
        self.greet();
        self.stop();
        self.look();
        let intents = self.intents();
        let ends = self.judge(&intents);
        for intent in &intents {
            let is_in_time = intent.armed_at.zip(intent.valid_until).is_none_or(|(armed, until)| armed < until);
            assert!(is_in_time, "it was armed after its time: {intent:?}");
            let has_ended = !is_open(intent.state) && intent.state != IntentState::InDoubt;
            assert!(!has_ended || intent.want.is_none(), "what it wanted is still there: {intent:?}");
        }
        assert_eq!(self.check(), "ok");
        ends
    }

    /// Every message that was acknowledged has ended as the provider's book says, or is in doubt for all to see.
    fn judge(&self, intents: &[Intent]) -> Ends {
        let states: BTreeMap<&str, &Intent> =
            intents.iter().map(|intent| (intent.effect_key.as_str(), intent)).collect();
        let doubts = self.doubts();
        let mut ends = Ends { asked: self.known.messages.len() as u64, sent: self.laws.sent(), ..Ends::default() };
        for (key, asked) in &self.known.messages {
            let (times, found) = (self.laws.times(key), states.get(key.as_str()));
            assert!(found.is_some() || !asked.is_taken, "{key} was acknowledged, and is lost");
            let expected = match found.map(|intent| intent.state) {
                Some(IntentState::Done) => Some(1),
                Some(IntentState::InDoubt) => {
                    assert!(doubts.contains(key), "{key} is in doubt, and nobody sees it");
                    ends.in_doubt += 1;
                    None
                }
                Some(IntentState::Expired) => {
                    ends.too_late += 1;
                    Some(0)
                }
                Some(IntentState::Cancelled) => {
                    ends.cancelled += 1;
                    Some(0)
                }
                Some(IntentState::Rejected) | None => Some(0),
                Some(state) => panic!("{key} is {state} in the end"),
            };
            let is_so = expected.is_none_or(|expected| expected == times || !asked.is_told);
            assert!(is_so, "the provider has {key} {times} times: {found:?}");
        }
        ends
    }

    /// The keys of what is shown to be in doubt.
    fn doubts(&self) -> BTreeSet<String> {
        let store = SqliteStore::open(&self.beginning.store, Access::Read).unwrap();
        let query = IntentQuery { state: Some(IntentState::InDoubt), limit: 1_000, ..IntentQuery::default() };
        runtime().block_on(store.intents(&query)).unwrap().into_iter().map(|intent| intent.effect_key).collect()
    }

    /// What SQLite says of the database.
    fn check(&self) -> String {
        let file = self.beginning.store.join("postroom.db");
        let tables = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        tables.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
    }
}

/// Whether it is neither over nor in doubt.
pub(crate) fn is_open(state: IntentState) -> bool {
    matches!(state, IntentState::Planned | IntentState::Claimed | IntentState::Armed)
}
