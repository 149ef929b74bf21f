//! What must hold of each line in the provider's book as it is written, and what the parent knows.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use postroom_simulators::messages::{Act, Book};

use crate::words::Done;

/// A message that somebody asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) to: String,
    pub(crate) valid_until: Timestamp,
    /// Whether it was acknowledged: then it is on disk, and never forgotten.
    pub(crate) is_taken: bool,
    /// Whether the store knows how often it was sent. It does not after it was put back from a backup.
    pub(crate) is_told: bool,
}

/// A contact as it was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Its value; none when a backup was put back that may not have the last one.
    pub(crate) name: Option<String>,
    pub(crate) is_out: bool,
}

/// All that was acknowledged. A backup has the state as of its moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) messages: BTreeMap<String, Asked>,
    pub(crate) people: BTreeMap<String, Person>,
}

/// What may still come to a contact that said no: what was armed by then.
#[derive(Debug, Default)]
struct Exempt {
    keys: Vec<String>,
    has_batch: bool,
}

/// Looks at each line of the book once, with what is forbidden at that moment.
///
/// What forbids more is said after it was acknowledged, and what forbids less before it is asked for: so a line that
/// breaks a law here breaks it in whatever order things happened.
#[derive(Debug, Default)]
pub(crate) struct Laws {
    seen: usize,
    /// How often each message was sent.
    times: HashMap<String, u64>,
    /// Who said no and has not said yes since.
    out: HashMap<String, Exempt>,
    /// Who ever said no.
    ever_out: HashSet<String>,
    /// Messages whose time is over.
    late: HashSet<String>,
    /// Whether everything is held.
    pub(crate) is_held: bool,
}

impl Laws {
    /// How often a message was sent.
    pub(crate) fn times(&self, key: &str) -> u64 {
        self.times.get(key).copied().unwrap_or_default()
    }

    /// All messages that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.times.values().sum()
    }

    /// Judges the lines that have come.
    pub(crate) fn look(&mut self, book: &Book, known: &Known) {
        let lines = &book.lines()[self.seen..];
        self.seen += lines.len();
        for line in lines {
            match &line.act {
                Act::Message(message) => {
                    let (key, to) = (&message.effect_key, &message.to);
                    let asked = known.messages.get(key).unwrap_or_else(|| panic!("nobody asked for {key}"));
                    assert_eq!(asked.to, *to, "{key} went to somebody else");
                    let times = self.times.entry(key.clone()).or_default();
                    *times += 1;
                    assert_eq!(*times, 1, "{key} was sent twice");
                    assert!(!self.is_held, "{key} was sent though everything is held");
                    assert!(!self.late.contains(key), "{key} was sent after its time");
                    let may_come = self.out.get(to).is_none_or(|exempt| exempt.keys.contains(key));
                    assert!(may_come, "{key} was sent to {to}, who had said no before it was armed");
                }
                Act::Contact { address, .. } => {
                    assert!(!self.is_held, "{address} was pushed though everything is held");
                    let may_come = self.out.get(address).is_none_or(|exempt| exempt.has_batch);
                    assert!(may_come, "{address} was pushed, who had said no before");
                }
                Act::Unsubscribe { to } => assert!(self.ever_out.contains(to), "{to} never said no"),
            }
        }
    }

    /// A contact is about to say no: its provider may hear of it from now on.
    pub(crate) fn may_say_no(&mut self, email: &str) {
        self.ever_out.insert(email.to_owned());
    }

    /// A contact said no. A no that is said twice leaves what the first one forbade.
    pub(crate) fn said_no(&mut self, email: &str, done: &Done) {
        let exempt = Exempt { keys: done.armed.clone(), has_batch: done.batches > 0 };
        self.out.entry(email.to_owned()).or_insert(exempt);
    }

    /// A contact may be about to say yes.
    pub(crate) fn may_say_yes(&mut self, email: &str) {
        self.out.remove(email);
    }

    /// The clock is about to be set: what was too late may be in time again.
    pub(crate) fn clock_may_move(&mut self) {
        self.late.clear();
    }

    /// The clock was set.
    pub(crate) fn clock_moved(&mut self, known: &Known, now: Timestamp, done: &Done) {
        let is_on_its_way = |key: &String| done.armed.contains(key) || done.claimed.contains(key);
        let late = known.messages.iter().filter(|(key, asked)| asked.valid_until <= now && !is_on_its_way(key));
        self.late = late.map(|(key, _)| key.clone()).collect();
    }

    /// A backup was put back: what people said since is forgotten.
    pub(crate) fn put_back(&mut self, known: &Known) {
        self.out.retain(|email, _| known.people.get(email).is_some_and(|person| person.is_out));
        for (email, _) in known.people.iter().filter(|(_, person)| person.is_out) {
            self.out.entry(email.clone()).or_default();
        }
    }
}
