//! What was applied, in its order.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// A kind of request that changes something.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Asked {
    /// `POST /messages`
    Message,
    /// `POST /unsubscribes`
    Unsubscribe,
    /// `PUT /contacts`
    Contact,
}

impl Asked {
    /// What a request of this method and path asks for, if it would change something.
    pub(super) fn of(method: &str, path: &str) -> Option<Self> {
        match (method, path) {
            ("POST", "/messages") => Some(Self::Message),
            ("POST", "/unsubscribes") => Some(Self::Unsubscribe),
            ("PUT", "/contacts") => Some(Self::Contact),
            _ => None,
        }
    }
}

/// A message as it was asked for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The name of the business act.
    pub effect_key: String,
    /// The template's id.
    pub template: String,
    /// The address that it goes to.
    pub to: String,
    /// What fills the template's places.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// Something that was applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Act {
    /// A message was sent.
    Message(Message),
    /// Somebody was opted out.
    Unsubscribe {
        /// The address.
        to: String,
    },
    /// A contact was made or changed.
    Contact {
        /// The address.
        address: String,
        /// The fields that were written.
        fields: Map<String, Value>,
    },
}

/// A line of the book.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// Counts from 1 over acts of every kind, in the order in which they were applied.
    pub number: u64,
    /// What was done.
    pub act: Act,
}

/// Everything that was applied, with the questions that tests ask of it. Asking costs no walk over the
/// lines, except where it says so.
#[derive(Clone, Debug, Default)]
pub struct Book {
    lines: Vec<Line>,
    sent: HashMap<(String, String), u64>,
    opted_out: HashMap<String, u64>,
    too_late: Vec<u64>,
}

impl Book {
    /// Writes an act down and answers its number.
    pub(super) fn write(&mut self, act: Act) -> u64 {
        let number = self.lines.len() as u64 + 1;
        match &act {
            Act::Message(message) => {
                *self.sent.entry((message.effect_key.clone(), message.to.clone())).or_default() += 1;
                if self.opted_out.contains_key(&message.to) {
                    self.too_late.push(number);
                }
            }
            Act::Unsubscribe { to } => {
                self.opted_out.entry(to.clone()).or_insert(number);
            }
            Act::Contact { .. } => {}
        }
        self.lines.push(Line { number, act });
        number
    }

    /// All that was applied, oldest first.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The messages that were sent, oldest first. Walks over all lines.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.lines.iter().filter_map(|line| match &line.act {
            Act::Message(message) => Some(message),
            Act::Unsubscribe { .. } | Act::Contact { .. } => None,
        })
    }

    /// The numbers of the messages of this effect key to this address, oldest first. Walks over all lines.
    pub(super) fn numbers(&self, effect_key: &str, to: &str) -> Vec<u64> {
        let is_it = |line: &&Line| match &line.act {
            Act::Message(message) => message.effect_key == effect_key && message.to == to,
            Act::Unsubscribe { .. } | Act::Contact { .. } => false,
        };
        self.lines.iter().filter(is_it).map(|line| line.number).collect()
    }

    /// How often the message of this effect key was sent to this address.
    #[must_use]
    pub fn times(&self, effect_key: &str, to: &str) -> u64 {
        self.sent.get(&(effect_key.to_owned(), to.to_owned())).copied().unwrap_or_default()
    }

    /// The messages that were sent more than once, as (effect key, address, times), ordered. Walks over
    /// all messages.
    #[must_use]
    pub fn repeated(&self) -> Vec<(String, String, u64)> {
        let several = self.sent.iter().filter(|(_, times)| **times > 1);
        let mut found: Vec<_> = several.map(|((key, to), times)| (key.clone(), to.clone(), *times)).collect();
        found.sort();
        found
    }

    /// The number of the line that first opted this address out.
    #[must_use]
    pub fn opted_out(&self, to: &str) -> Option<u64> {
        self.opted_out.get(to).copied()
    }

    /// The numbers of the messages to addresses that had been opted out before, in order.
    #[must_use]
    pub fn after_opt_out(&self) -> &[u64] {
        &self.too_late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(effect_key: &str, to: &str) -> Act {
        let (effect_key, to) = (effect_key.to_owned(), to.to_owned());
        Act::Message(Message { effect_key, template: "welcome".to_owned(), to, fields: Map::new() })
    }

    #[test]
    fn the_book_counts_and_keeps_the_order() {
        let mut book = Book::default();
        let out = |to: &str| Act::Unsubscribe { to: to.to_owned() };
        let acts = [
            message("a", "ana@example.com"),
            message("a", "ben@example.com"),
            out("ana@example.com"),
            message("a", "ana@example.com"),
            out("ana@example.com"),
            Act::Contact { address: "ana@example.com".to_owned(), fields: Map::new() },
            message("b", "ana@example.com"),
        ];
        let numbers: Vec<u64> = acts.into_iter().map(|act| book.write(act)).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((book.times("a", "ana@example.com"), book.times("b", "ben@example.com")), (2, 0));
        assert_eq!(book.repeated(), [("a".to_owned(), "ana@example.com".to_owned(), 2)]);
        assert_eq!((book.opted_out("ana@example.com"), book.opted_out("ben@example.com")), (Some(3), None));
        assert_eq!(book.after_opt_out(), [4, 7]);
        assert_eq!(book.messages().count(), 4);
    }
}
