//! The program, ended with SIGKILL: at every request of a run, and at any moment.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use postroom_simulators::faults::Fault;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::crowd::{self, act};
use crate::house::{House, adds_up, program};
use crate::laws;
use crate::play::{LIST, Play, Settled, same, undisturbed};
use crate::script::Script;

/// Guests of the story that is cut off at every request.
const GUESTS: usize = 45;
/// Its number: contacts without consent are created as well.
const STORY: u64 = 2;
/// How long a request is held for its program to be killed; far longer than that takes.
const HELD_MS: u64 = 120_000;
/// How long to look away between two looks at what the simulator or a process does.
const GLANCE: Duration = Duration::from_millis(2);

/// Asserts that nothing in the store's file is broken.
pub(crate) fn store_is_whole(house: &House) {
    let file = house.store().join("postroom.db");
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let word: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(word, "ok");
    let mut orphans = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!orphans.exists([]).unwrap(), "a row names another that is not there");
}

/// The program at work, its words thrown away: nobody will be there to read them.
fn start(house: &House, arguments: &[&str]) -> Child {
    let mut command = program(&house.store());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

impl House {
    /// Runs the sync and kills it with its `nth` request on the way: before the provider applied it
    /// (`HoldMs`), or after and before its answer (`StallMs`). False if the run has fewer requests.
    async fn kill_at(&self, nth: u64, fault: Fault) -> bool {
        self.faults(json!([{"fault": fault, "ms": HELD_MS, "after": nth, "times": 1}])).await;
        let mut child = start(self, &["sync", "run", LIST, "--yes"]);
        let is_killed = loop {
            if self.is_held(fault).await {
                child.kill().unwrap();
                break true;
            }
            if child.try_wait().unwrap().is_some() {
                break false;
            }
            tokio::time::sleep(GLANCE).await;
        };
        child.wait().unwrap();
        self.faults(json!([])).await;
        self.wait_until_idle().await;
        is_killed
    }

    /// Whether the request that is to be held has come as far as it shall.
    async fn is_held(&self, fault: Fault) -> bool {
        match fault {
            Fault::HoldMs => self.control("faults").await["rules"][0]["fired"] == 1,
            _ => {
                let book = self.control("requests").await;
                book["requests"].as_array().unwrap().iter().any(|request| request["fault"] == fault.name())
            }
        }
    }

    /// Waits until the simulator has noticed that its client is gone.
    async fn wait_until_idle(&self) {
        while self.control("connections").await["in_progress"] != 0 {
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// Cuts each phase off at the same request, and takes it up again.
async fn cut_off(script: &Script, oracle: &[Settled], nth: u64, fault: Fault) -> usize {
    let mut play = Play::open(script).await;
    let mut kills = 0;
    for settled in oracle {
        play.begin().await;
        play.house.clear_book().await;
        kills += usize::from(play.house.kill_at(nth, fault).await);
        play.look().await;
        store_is_whole(&play.house);
        same(&play.settle().await, settled);
    }
    kills
}

/// Cuts the story off at every request that its runs have. `both_ways` also takes, for each, the
/// other side of the moment in which the provider applies it.
fn at_every_request(both_ways: bool) {
    let script = Script::new(STORY, GUESTS);
    let oracle = crowd::all(vec![act("without a kill", || undisturbed(&script, None))]).remove(0);
    // The longest of its runs had so many requests; one more shows that it was.
    let requests = oracle.iter().map(|settled| settled.requests).max().unwrap();
    let sides = |nth: u64| match (both_ways, nth % 2) {
        (true, _) => vec![Fault::HoldMs, Fault::StallMs],
        (false, 0) => vec![Fault::HoldMs],
        (false, _) => vec![Fault::StallMs],
    };
    let plays = (0..=requests).flat_map(|nth| sides(nth).into_iter().map(move |side| (nth, side)));
    let plays = plays.map(|(nth, side)| {
        let (script, oracle) = (&script, &oracle);
        act(format!("killed at request {nth}, {}", side.name()), move || async move {
            (nth, cut_off(script, oracle, nth, side).await)
        })
    });
    for (nth, kills) in crowd::all(plays.collect()) {
        assert_eq!(kills > 0, nth < requests, "request {nth} of {requests}");
    }
}

#[test]
fn a_run_that_is_killed_at_any_request_is_taken_up_without_a_trace() {
    at_every_request(false);
}

#[test]
#[ignore = "a minute: `cargo test --workspace --test faults -- --ignored either_side`"]
fn a_run_that_is_killed_on_either_side_of_any_request_is_taken_up_without_a_trace() {
    at_every_request(true);
}

/// A guest of the rounds: everything that the provider is to hold of it follows from this.
#[derive(Clone, Debug, PartialEq)]
struct Guest {
    email: String,
    firstname: String,
}

/// A list that changes from round to round.
struct Rounds {
    random: StdRng,
    guests: BTreeMap<usize, Guest>,
    joined: usize,
    /// Names and addresses are never used twice, so that a late write would show.
    version: usize,
}

impl Rounds {
    fn new(seed: u64, contacts: usize) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let mut rounds = Self { random, guests: BTreeMap::new(), joined: 0, version: 0 };
        rounds.join(contacts);
        rounds
    }

    fn join(&mut self, number: usize) {
        for guest in self.joined..self.joined + number {
            let (email, firstname) = (format!("guest{guest}@example.com"), format!("Guest {guest}"));
            self.guests.insert(guest, Guest { email, firstname });
        }
        self.joined += number;
    }

    /// Some leave, some move, some change, some join.
    fn change(&mut self) {
        self.version += 1;
        let (version, random) = (self.version, &mut self.random);
        self.guests.retain(|_, _| !random.random_bool(0.01));
        for (number, guest) in &mut self.guests {
            match random.random_range(0..100) {
                0..2 => guest.email = format!("guest{number}.{version}@example.com"),
                2..12 => guest.firstname = format!("Guest {number} for the {version}th time"),
                _ => {}
            }
        }
        self.join(self.guests.len() / 100);
    }

    fn file(&self) -> String {
        let rows = self
            .guests
            .iter()
            .map(|(number, guest)| format!("G-{number},{},{},G-{number}\n", guest.email, guest.firstname));
        "id,email,firstname,lastname\n".to_owned() + &rows.collect::<String>()
    }

    /// Asserts that the provider holds each guest once, as the list has it, and nobody else with its tag.
    fn is_the_book(&self, members: &[Value]) {
        let mut met: BTreeMap<&str, &Value> = BTreeMap::new();
        for member in members {
            let number = member["merge_fields"]["LNAME"].as_str().unwrap();
            if let Some(other) = met.insert(number, member) {
                panic!("{number} is there twice: {member} and {other}");
            }
        }
        for (number, guest) in &self.guests {
            let name = format!("G-{number}");
            let member = met.remove(name.as_str()).unwrap_or_else(|| panic!("{name} is not there"));
            let seen = (&member["email"], &member["merge_fields"]["FNAME"], &member["status"], &member["tags"]);
            let wanted = (&json!(guest.email), &json!(guest.firstname), &json!("subscribed"), &json!([LIST]));
            assert_eq!(seen, wanted, "{name}");
        }
        for (number, member) in met {
            assert_eq!(member["tags"], json!([]), "{number} left and bears the tag");
        }
    }
}

/// Lets the program work, and kills it after this time unless it has ended by then. Answers with the
/// time that it had, and whether it was killed.
fn kill_after(house: &House, arguments: &[&str], patience: Duration) -> (Duration, bool) {
    let begin = Instant::now();
    let mut child = start(house, arguments);
    loop {
        if child.try_wait().unwrap().is_some() {
            return (begin.elapsed(), false);
        }
        if begin.elapsed() >= patience {
            child.kill().unwrap();
            let status = child.wait().unwrap();
            return (begin.elapsed(), status.code().is_none());
        }
        std::thread::sleep(GLANCE);
    }
}

/// Kills imports and runs until that has happened `kills` times, each time at another moment, while
/// the list changes on and on. In between nothing is allowed to settle.
async fn killed_at_any_moment(seed: u64, contacts: usize, kills: usize) {
    println!("seed {seed}: {kills} kills over {contacts} contacts; POSTROOM_SEED={seed} replays it");
    let house = House::open().await;
    house.tell(Method::PUT, "switches", &json!({"book_bodies": false})).await;
    let mut rounds = Rounds::new(seed, contacts);
    let mut random = StdRng::seed_from_u64(seed.wrapping_add(1));
    house.import(LIST, Some("box ticked at check-in"), &rounds.file());
    house.tie(LIST, "skip");
    // A guess to begin with; afterwards, what the last one took.
    let guess = Duration::from_millis(500 + contacts as u64 / 10);
    let mut spans = [guess, guess];
    let mut done = [0, 0];
    while done[0] + done[1] < kills {
        rounds.change();
        let file = house.file("rounds.csv", rounds.file());
        let import = ["import", &file, "--list", LIST, "--mode", "replace", "--key", "id"];
        let import = [import.as_slice(), &["--consent", "granted", "--evidence", "box ticked"]].concat();
        // One import in four is cut off as well; the next one takes its place.
        let verbs = [(0, import.as_slice(), random.random_bool(0.25)), (1, &["sync", "run", LIST, "--yes"], true)];
        for (verb, arguments, at_risk) in verbs {
            if at_risk {
                let patience = spans[verb].mul_f64(random.random_range(0.0..1.0));
                let (took, is_killed) = kill_after(&house, arguments, patience);
                done[verb] += usize::from(is_killed);
                spans[verb] = if is_killed { spans[verb].mul_f64(1.05) } else { took };
            }
            if verb == 0 {
                house.postroom(&import).done();
            }
        }
        store_is_whole(&house);
        house.wait_until_idle().await;
        house.clear_book().await;
    }
    // What is left is done by one run, perhaps by a second; then nothing is left.
    house.run_with(LIST, &[]).done();
    house.run_with(LIST, &[]).done();
    house.clear_book().await;
    let report = house.run_with(LIST, &[]).done().json();
    assert_eq!(house.writes().await, Vec::<Value>::new());
    adds_up(&report);
    assert_eq!(report["counts"]["unchanged"], json!(rounds.guests.len()), "{report}");
    laws::every_number_opens(&house, &report);
    let members = house.members().await;
    rounds.is_the_book(&members);
    store_is_whole(&house);
    println!(
        "killed {} imports and {} runs; {} guests on the list, {} members at the provider",
        done[0],
        done[1],
        rounds.guests.len(),
        members.len()
    );
}

/// The seed of the rounds, from the environment if it names one.
fn seed() -> u64 {
    std::env::var("POSTROOM_SEED").map_or(1, |seed| seed.parse().expect("POSTROOM_SEED is a whole number"))
}

#[test]
fn kills_at_any_moment_lose_nobody_and_double_nobody() {
    crowd::all(vec![act("six kills", || killed_at_any_moment(seed(), 2_000, 6))]);
}

#[test]
#[ignore = "ten minutes: `cargo test --workspace --test faults -- --ignored two_hundred_kills`"]
fn two_hundred_kills_over_twenty_thousand_contacts_lose_nobody_and_double_nobody() {
    crowd::all(vec![act("two hundred kills", || killed_at_any_moment(seed(), 20_000, 200))]);
}
