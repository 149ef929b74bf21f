//! A store, a provider that counts, and the child between them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::Signal;
use postroom_domain::consent::ConsentState;
use postroom_domain::intent::{IntentState, Settlement};
use postroom_simulators::messages::{Act, Config, Running, start};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::intents::{Intent, IntentQuery, IntentStore as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::laws::{Asked, Known, Laws, Person};
use crate::process::{Heard, Process, is_aborted};
use crate::setting_up::set_up;
use crate::words::{Beginning, Command, Done};

/// How long something may take that takes moments, on a machine that has too much to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
pub(crate) const GLANCE: Duration = Duration::from_millis(5);
/// When every house opens.
const OPENS_AT: i64 = 1_750_000_000;

/// What serves the simulators of all houses.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// A copy of the store with what was acknowledged by then.
struct Backup {
    known: Known,
    /// Children that were started since: each of them leaves its mark outside of the store.
    starts: usize,
}

pub(crate) struct House {
    folder: TempDir,
    pub(crate) provider: Running,
    pub(crate) beginning: Beginning,
    pub(crate) known: Known,
    pub(crate) laws: Laws,
    child: Option<Process>,
    backup: Option<Backup>,
    /// The furthest moment that the clock has shown.
    pub(crate) latest: Timestamp,
    /// How children ended, by how.
    pub(crate) kills: BTreeMap<String, u64>,
}

impl House {
    /// A house with so many people, all of whom said yes and are at the provider. Nobody is at work yet.
    pub(crate) fn open(people: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let provider = runtime().block_on(start(Config::default())).unwrap();
        let beginning = Beginning {
            store: folder.path().join("store"),
            state: folder.path().join("state"),
            // Shared by all houses.
            compiled: Path::new(env!("CARGO_TARGET_TMPDIR")).join("deliveries"),
            now: Timestamp::from_second(OPENS_AT).unwrap(),
        };
        let people: Vec<_> = (0..people).map(|number| (person(number), format!("Name {number}"))).collect();
        runtime().block_on(set_up(&beginning, &provider, &people));
        let mut known = Known::default();
        for (email, name) in people {
            known.people.insert(email, Person { name: Some(name), is_out: false });
        }
        let (laws, kills, latest) = (Laws::default(), BTreeMap::new(), beginning.now);
        Self { folder, provider, beginning, known, laws, child: None, backup: None, latest, kills }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.beginning.now
    }

    /// Starts a child; answers with what holds everything.
    pub(crate) fn start(&mut self, fault: Option<&str>) -> Option<String> {
        assert!(self.child.is_none(), "a store has one writer");
        let (child, held) = Process::start(&self.beginning, fault, &self.log());
        self.child = Some(child);
        if let Some(backup) = &mut self.backup {
            backup.starts += 1;
        }
        self.look();
        self.laws.is_held = held.is_some();
        held
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("child.log")
    }

    /// The last words of the children.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Begins a new page of their words.
    pub(crate) fn forget_words(&self) {
        std::fs::write(self.log(), "").unwrap();
    }

    pub(crate) fn child(&mut self) -> &mut Process {
        self.child.as_mut().expect("somebody is at work")
    }

    /// Judges what the provider has written down.
    pub(crate) fn look(&mut self) {
        let Self { provider, laws, known, .. } = self;
        provider.book(|book| laws.look(book, known));
    }

    /// Asks the child once.
    pub(crate) fn ask(&mut self, command: &Command) -> Heard {
        self.tell(command);
        self.hear(command)
    }

    /// Tells the child something; what became of it is heard later, or never.
    pub(crate) fn tell(&mut self, command: &Command) {
        self.begin(command);
        self.child().tell(command);
    }

    /// Hears what became of what was told.
    pub(crate) fn hear(&mut self, command: &Command) -> Heard {
        let heard = self.child().hear();
        self.end(command, &heard);
        heard
    }

    /// Waits until the child has ended itself.
    pub(crate) fn falls(&mut self) {
        self.until("the child ends itself", |house| house.child.as_mut().is_none_or(Process::has_ended));
        self.bury();
    }

    /// Asks until it is done, by one child after the other.
    pub(crate) fn insist(&mut self, command: &Command) -> Done {
        loop {
            match self.ask(command) {
                Heard::Done(done) => return done,
                Heard::Refused(why) => panic!("{command:?} was refused: {why}"),
                Heard::Gone => {
                    self.start(None);
                }
            }
        }
    }

    /// What is allowed as soon as something is asked for.
    fn begin(&mut self, command: &Command) {
        self.look();
        match command {
            Command::Plan { key, to, valid_until, .. } => {
                let (to, valid_until) = (to.clone(), *valid_until);
                let asked = Asked { to, valid_until, is_taken: false, is_told: true };
                self.known.messages.entry(key.clone()).or_insert(asked);
            }
            Command::OptOut { email } => self.laws.may_say_no(email),
            Command::OptIn { email } => self.laws.may_say_yes(email),
            Command::Clock { now } => {
                self.laws.clock_may_move();
                self.beginning.now = *now;
                self.latest = self.latest.max(*now);
            }
            Command::Resume => self.laws.is_held = false,
            Command::Save { email, .. } => {
                // What was said before may be there no more, and what is said now not yet.
                if let Some(person) = self.known.people.get_mut(email) {
                    person.name = None;
                }
            }
            Command::Resolve { .. } | Command::Full { .. } | Command::Room | Command::Stop => {}
        }
    }

    /// What holds once something was acknowledged.
    fn end(&mut self, command: &Command, heard: &Heard) {
        let done = match heard {
            Heard::Done(done) => done,
            Heard::Refused(_) => return,
            Heard::Gone => return self.bury(),
        };
        self.look();
        match command {
            Command::Plan { key, .. } => self.known.messages.get_mut(key).unwrap().is_taken = true,
            Command::Save { email, name } => {
                let person = Person { name: None, is_out: false };
                self.known.people.entry(email.clone()).or_insert(person).name = Some(name.clone());
            }
            Command::OptOut { email } => {
                assert_eq!(done.consent, Some(ConsentState::Withdrawn), "{email} said no, and that counts");
                self.is_out(email, true, done);
            }
            Command::OptIn { email } => self.is_out(email, done.consent != Some(ConsentState::Granted), done),
            Command::Clock { now } => self.laws.clock_moved(&self.known, *now, done),
            Command::Resume | Command::Resolve { .. } | Command::Full { .. } | Command::Room | Command::Stop => {}
        }
    }

    fn is_out(&mut self, email: &str, is_out: bool, done: &Done) {
        if let Some(person) = self.known.people.get_mut(email) {
            person.is_out = is_out;
        }
        if is_out {
            self.laws.said_no(email, done);
        }
    }

    /// The child is dead: how it ended.
    pub(crate) fn bury(&mut self) {
        let Some(child) = self.child.take() else { return };
        let fault = child.fault.clone();
        let status = child.ended();
        let how = match fault {
            Some(fault) if is_aborted(status) => fault.split(':').next().unwrap_or_default().to_owned(),
            _ => format!("ended by itself, {status}"),
        };
        *self.kills.entry(how).or_default() += 1;
    }

    /// Kills the child.
    pub(crate) fn kill(&mut self, why: &str) {
        if let Some(child) = self.child.take() {
            let status = child.kill();
            let why = if is_aborted(status) { "a fault point, unseen" } else { why };
            *self.kills.entry(why.to_owned()).or_default() += 1;
        }
    }

    /// Lets the child end in good order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.tell(&Command::Stop);
            let status = child.ended();
            // The child of a fault point may come to it while it ends.
            assert!(status.success() || is_aborted(status), "it ended badly: {status}\n{}", self.last_words());
        }
    }

    pub(crate) fn is_at_work(&self) -> bool {
        self.child.is_some()
    }

    /// Whether the child has ended by itself; then nobody is at work any more.
    pub(crate) fn is_dead(&mut self) -> bool {
        if self.child.as_mut().is_some_and(Process::has_ended) {
            self.bury();
        }
        self.child.is_none()
    }

    pub(crate) fn signal(&mut self, signal: Signal) {
        self.child().signal(signal);
    }

    /// Copies the store as it is; nobody is at work.
    pub(crate) fn back_up(&mut self) {
        assert!(self.child.is_none());
        let copy = self.folder.path().join("backup");
        drop(std::fs::remove_dir_all(&copy));
        copy_folder(&self.beginning.store, &copy);
        self.backup = Some(Backup { known: self.known.clone(), starts: 0 });
    }

    /// Whether there is a backup from which the store has moved on.
    pub(crate) fn has_older(&self) -> bool {
        self.backup.as_ref().is_some_and(|backup| backup.starts > 0)
    }

    /// Puts the backup back; nobody is at work.
    pub(crate) fn put_back(&mut self) {
        assert!(self.child.is_none());
        self.look();
        std::fs::remove_dir_all(&self.beginning.store).unwrap();
        copy_folder(&self.folder.path().join("backup"), &self.beginning.store);
        let before = &self.backup.as_ref().expect("there is a backup").known;
        let mut people = before.people.clone();
        for (email, person) in &mut people {
            if self.known.people.get(email).is_none_or(|now| now.name != person.name) {
                person.name = None;
            }
        }
        self.known.people = people;
        for (key, asked) in &mut self.known.messages {
            asked.is_taken = before.messages.get(key).is_some_and(|before| before.is_taken);
            asked.is_told = false;
        }
        self.laws.put_back(&self.known);
    }

    /// All intents.
    pub(crate) fn intents(&self) -> Vec<Intent> {
        let store = SqliteStore::open(&self.beginning.store, Access::Read).unwrap();
        let mut query = IntentQuery { limit: 1_000, ..IntentQuery::default() };
        let mut intents = Vec::new();
        loop {
            let page = runtime().block_on(store.intents(&query)).unwrap();
            let Some(last) = page.last() else { return intents };
            query.after = Some(last.id);
            intents.extend(page);
        }
    }

    /// How the message of a key stands.
    pub(crate) fn state(&self, key: &str) -> Option<IntentState> {
        self.intents().into_iter().find(|intent| intent.effect_key == key).map(|intent| intent.state)
    }

    /// Waits until something holds.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !holds(self) {
            if begin.elapsed() > PATIENCE {
                panic!("it never came to this: {what}\n{:#?}\n{}", self.intents(), self.last_words());
            }
            std::thread::sleep(GLANCE);
        }
        self.look();
    }

    #[track_caller]
    pub(crate) fn until_state(&mut self, key: &str, state: IntentState) {
        self.until(&format!("{key} is {state}"), |house| house.state(key) == Some(state));
    }

    /// How often the provider has sent a message.
    pub(crate) fn times(&mut self, key: &str) -> u64 {
        self.look();
        self.laws.times(key)
    }

    /// The last value of a contact at the provider.
    pub(crate) fn value_there(&self, email: &str) -> Option<String> {
        self.provider.book(|book| {
            book.lines().iter().rev().find_map(|line| match &line.act {
                Act::Contact { address, fields } if address == email => fields["name"].as_str().map(str::to_owned),
                _ => None,
            })
        })
    }

    pub(crate) fn plan(&self, key: &str, to: &str) -> Command {
        self.plan_in(key, to, SignedDuration::ZERO, SignedDuration::from_hours(24))
    }

    pub(crate) fn plan_in(&self, key: &str, to: &str, wait: SignedDuration, valid: SignedDuration) -> Command {
        let due_at = self.now() + wait;
        Command::Plan { key: key.to_owned(), to: to.to_owned(), due_at, valid_until: due_at + valid }
    }

    pub(crate) fn moved(&self, by: SignedDuration) -> Command {
        Command::Clock { now: self.now() + by }
    }

    pub(crate) fn resolve(&mut self, key: &str, settlement: Settlement) {
        self.insist(&Command::Resolve { key: key.to_owned(), settlement });
    }
}

/// The address of a person.
pub(crate) fn person(number: usize) -> String {
    format!("person{number}@example.com")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (from, to) = entry.map(|entry| (entry.path(), to.join(entry.file_name()))).unwrap();
        if from.is_dir() {
            copy_folder(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}
