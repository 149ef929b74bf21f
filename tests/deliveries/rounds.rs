//! Rounds of random commands and random faults, each made from a number.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use nix::sys::signal::Signal;
use postroom_domain::intent::{IntentState, Settlement};
use postroom_simulators::messages::{Asked, Turn};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::ends::Ends;
use crate::house::{GLANCE, House, person};
use crate::process::Heard;
use crate::words::Command;

/// People in a house.
const PEOPLE: usize = 12;
/// The places at which a child ends itself.
const PLACES: [&str; 5] = ["claimed", "armed", "answered", "recorded", "batch-armed"];
/// Longer than any round: whoever holds a request so long is killed under it.
const FOR_EVER: Duration = Duration::from_secs(600);
/// How long a request is waited for that may not come, since the message was held or refused.
const ARRIVES_WITHIN: Duration = Duration::from_millis(500);
/// How many rounds go on together: they wait more than they work.
const TOGETHER: usize = 4;
/// The bytes in two dozen pages: room on a disk for some transactions, and not for many.
const SOME_ROOM: u64 = 24 * 4_096;

/// A round under way.
struct Round {
    random: StdRng,
    house: House,
    /// Grows with each thing that needs a name of its own.
    number: u64,
    commands: u64,
    restores: u64,
}

/// The figures of all rounds.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    commands: u64,
    restores: u64,
    kills: BTreeMap<String, u64>,
    ends: Ends,
}

impl Round {
    fn open(seed: u64) -> Self {
        let mut house = House::open(PEOPLE);
        house.start(None);
        Self { random: StdRng::seed_from_u64(seed), house, number: 0, commands: 0, restores: 0 }
    }

    fn play(&mut self) -> Ends {
        for _ in 0..self.random.random_range(10..=30) {
            match self.random.random_range(0..100) {
                0..66 => {
                    let command = self.command();
                    self.insist(&command);
                }
                66..70 => self.decide(),
                70..78 => self.trouble(),
                _ => self.fault(),
            }
            self.house.look();
        }
        self.house.ends_well()
    }

    fn insist(&mut self, command: &Command) {
        self.commands += 1;
        if !self.house.is_at_work() {
            self.house.start(None);
        }
        self.house.insist(command);
    }

    fn anybody(&mut self) -> String {
        person(self.random.random_range(0..PEOPLE))
    }

    fn message(&mut self, to: &str) -> Command {
        self.number += 1;
        let wait = if self.random.random_bool(0.8) { 0 } else { self.random.random_range(1..90) };
        let valid = SignedDuration::from_mins(self.random.random_range(10..240));
        self.house.plan_in(&format!("send:{}", self.number), to, SignedDuration::from_mins(wait), valid)
    }

    /// A message that is due now.
    fn message_now(&mut self) -> Command {
        self.number += 1;
        let to = self.anybody();
        self.house.plan(&format!("send:{}", self.number), &to)
    }

    fn save(&mut self) -> Command {
        self.number += 1;
        Command::Save { email: self.anybody(), name: format!("Name for the {}th time", self.number) }
    }

    fn command(&mut self) -> Command {
        match self.random.random_range(0..66) {
            0..30 => {
                let to = self.anybody();
                self.message(&to)
            }
            30..44 => self.save(),
            44..51 => Command::OptOut { email: self.anybody() },
            51..55 => Command::OptIn { email: self.anybody() },
            55..62 => self.house.moved(SignedDuration::from_mins(self.random.random_range(-120..=120))),
            _ => self.again(),
        }
    }

    /// A client that asks for the same message once more.
    fn again(&mut self) -> Command {
        let known = self.house.known.messages.iter().filter(|(_, asked)| asked.is_taken);
        let known: Vec<_> = known.map(|(key, asked)| (key.clone(), asked.to.clone())).collect();
        match known.choose(&mut self.random) {
            Some((key, to)) => self.house.plan(key, to),
            None => self.save(),
        }
    }

    /// An operator looks into the provider's book and resolves a doubt.
    fn decide(&mut self) {
        let intents = self.house.intents();
        let doubts = intents.iter().filter(|intent| intent.state == IntentState::InDoubt);
        let doubts: Vec<_> = doubts.filter(|intent| intent.effect_key.starts_with("send:")).collect();
        let Some(doubt) = doubts.choose(&mut self.random) else { return };
        let key = doubt.effect_key.clone();
        let settlement = if self.house.times(&key) > 0 { Settlement::Found } else { Settlement::SendAgain };
        // A child that dies under it may have done it: then there is no doubt any more.
        if self.house.is_at_work() {
            self.house.ask(&Command::Resolve { key, settlement });
        }
    }

    /// Something is to go wrong at the provider.
    fn trouble(&mut self) {
        let turn = match self.random.random_range(0..9) {
            0 => Turn::ResetBeforeReading,
            1 => Turn::ResetAfterReading,
            2 => Turn::ResetAfterApplying,
            3 => Turn::ErrorAfterApplying { status: 500, retry_after_s: None },
            4 => Turn::ErrorWithoutApplying { status: 500, retry_after_s: None },
            // The provider promises that of this status.
            5 => Turn::ErrorWithoutApplying { status: 503, retry_after_s: None },
            6 => Turn::ErrorAfterApplying { status: 429, retry_after_s: Some(0) },
            7 => Turn::ErrorWithoutApplying { status: 429, retry_after_s: Some(0) },
            _ => Turn::Delay(Duration::from_millis(self.random.random_range(1..100))),
        };
        let asked =
            *[Asked::Message, Asked::Message, Asked::Contact, Asked::Unsubscribe].choose(&mut self.random).unwrap();
        self.house.provider.next(asked, [turn]);
    }

    fn fault(&mut self) {
        if !self.house.is_at_work() {
            self.house.start(None);
        }
        match self.random.random_range(0..22) {
            0..5 => self.kill_at_a_moment(),
            5..10 => self.end_at_a_place(),
            10..14 => self.kill_in_the_hands(),
            14..16 => self.stand_still(),
            16..18 => self.fill_the_disk(),
            18..20 => {
                if self.random.random_bool(0.5) {
                    self.house.stop();
                } else {
                    self.house.kill("before a backup");
                }
                self.house.back_up();
            }
            _ => self.put_back(),
        }
    }

    fn kill_at_a_moment(&mut self) {
        let command = self.command();
        self.house.tell(&command);
        std::thread::sleep(Duration::from_millis(self.random.random_range(0..40)));
        self.house.kill("at a moment of chance");
        self.insist(&command);
    }

    fn end_at_a_place(&mut self) {
        self.house.kill("to be started anew");
        let place = *PLACES.choose(&mut self.random).unwrap();
        self.house.start(Some(&format!("{place}:{}", self.random.random_range(1..=2))));
        for _ in 0..3 {
            let command = if place == "batch-armed" { self.save() } else { self.message_now() };
            self.insist(&command);
        }
        // It need not come there: who is written to may have said no, and everything may be held.
        let begin = Instant::now();
        while begin.elapsed() < ARRIVES_WITHIN && !self.house.is_dead() {
            std::thread::sleep(GLANCE);
        }
    }

    fn kill_in_the_hands(&mut self) {
        let hold =
            if self.random.random_bool(0.5) { Turn::HoldBeforeApplying(FOR_EVER) } else { Turn::Delay(FOR_EVER) };
        // What other turns there were would take this one's place.
        self.house.provider.calm();
        self.house.provider.next(Asked::Message, [hold]);
        let command = self.message_now();
        self.insist(&command);
        let begin = Instant::now();
        while self.house.provider.turns_left() > 0 && begin.elapsed() < ARRIVES_WITHIN {
            std::thread::sleep(GLANCE);
        }
        let why =
            if self.house.provider.turns_left() > 0 { "at a moment of chance" } else { "in the provider's hands" };
        self.house.kill(why);
        self.house.provider.calm();
    }

    fn stand_still(&mut self) {
        let command = self.command();
        self.house.tell(&command);
        self.house.signal(Signal::SIGSTOP);
        std::thread::sleep(Duration::from_millis(self.random.random_range(0..60)));
        self.house.signal(Signal::SIGCONT);
        if matches!(self.house.hear(&command), Heard::Gone) {
            self.insist(&command);
        }
    }

    fn fill_the_disk(&mut self) {
        let room = self.random.random_range(0..SOME_ROOM);
        self.insist(&Command::Full { room });
        let mut refused = Vec::new();
        for _ in 0..4 {
            let command = self.command();
            if !self.house.is_at_work() {
                self.house.start(None);
            }
            if !matches!(self.house.ask(&command), Heard::Done(_)) {
                refused.push(command);
            }
        }
        self.insist(&Command::Room);
        for command in refused {
            self.insist(&command);
        }
    }

    fn put_back(&mut self) {
        if !self.house.has_older() {
            return;
        }
        self.restores += 1;
        self.house.kill("before a backup is put back");
        self.house.put_back();
        assert!(self.house.start(None).is_some(), "an older store is held");
        for _ in 0..3 {
            let command = self.command();
            self.insist(&command);
        }
        if self.random.random_bool(0.6) {
            if !self.house.is_at_work() {
                self.house.start(None);
            }
            self.house.lift();
        }
    }
}

/// Plays the rounds of these seeds.
fn play(seeds: std::ops::Range<u64>) {
    let (next, tally) = (AtomicU64::new(seeds.start), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        let worker = || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds.end {
                    return;
                }
                let mut round = Round::open(seed);
                let ends = match catch_unwind(AssertUnwindSafe(|| round.play())) {
                    Ok(ends) => ends,
                    Err(panic) => {
                        println!("POSTROOM_SEED={seed} replays the round that failed\n{}", round.house.last_words());
                        // The others end after the round that they are in.
                        next.store(seeds.end, Ordering::Relaxed);
                        resume_unwind(panic);
                    }
                };
                tally.lock().unwrap().add(&round, &ends);
            }
        };
        for _ in 0..TOGETHER {
            scope.spawn(worker);
        }
    });
    tally.into_inner().unwrap().tell();
}

impl Tally {
    fn add(&mut self, round: &Round, ends: &Ends) {
        self.rounds += 1;
        self.commands += round.commands;
        self.restores += round.restores;
        for (how, number) in &round.house.kills {
            *self.kills.entry(how.clone()).or_default() += number;
        }
        let sum = &mut self.ends;
        *sum = Ends {
            asked: sum.asked + ends.asked,
            sent: sum.sent + ends.sent,
            in_doubt: sum.in_doubt + ends.in_doubt,
            too_late: sum.too_late + ends.too_late,
            cancelled: sum.cancelled + ends.cancelled,
        };
    }

    fn tell(&self) {
        let Ends { asked, sent, in_doubt, too_late, cancelled } = self.ends;
        println!("{} rounds, {} commands, {} backups put back", self.rounds, self.commands, self.restores);
        println!(
            "{asked} messages asked for: {sent} sent, {in_doubt} in doubt, {too_late} too late, {cancelled} cancelled"
        );
        for (how, number) in &self.kills {
            println!("{number:6} children ended: {how}");
        }
    }
}

/// The seed from the environment, if it names one.
fn named_seed() -> Option<u64> {
    std::env::var("POSTROOM_SEED").ok().map(|seed| seed.parse().expect("POSTROOM_SEED is a whole number"))
}

#[test]
fn rounds_of_faults_lose_nothing_and_send_nothing_twice() {
    match named_seed() {
        Some(seed) => play(seed..seed + 1),
        None => play(0..25),
    }
}

#[test]
#[ignore = "seven minutes: `POSTROOM_ROUNDS=1000 cargo test --workspace --test deliveries -- --ignored --nocapture a_thousand`"]
fn a_thousand_rounds_of_faults_lose_nothing_and_send_nothing_twice() {
    let begin = named_seed().unwrap_or(1_000);
    let number: u64 = std::env::var("POSTROOM_ROUNDS").map_or(1_000, |number| number.parse().unwrap());
    play(begin..begin + number);
}
