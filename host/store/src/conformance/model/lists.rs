//! Lists and their entries.

use std::collections::BTreeSet;

use jiff::Timestamp;
use postroom_domain::narrowing::Scope;
use postroom_domain::order;

use super::{Entry, EntryKey, Model, Refusal, Roll, Who};

impl Model {
    /// Makes a list.
    pub(in crate::conformance) fn create_list(&mut self, name: &str, at: Timestamp) -> Result<(), Refusal> {
        match name.trim() {
            "" => Err(Refusal::Refused),
            name if self.lists.contains_key(name) => Err(Refusal::Taken),
            name => {
                self.list(name, at);
                Ok(())
            }
        }
    }

    /// The list of a name; if it is not there, it is made, behind the others.
    pub(in crate::conformance) fn list(&mut self, name: &str, at: Timestamp) -> &mut Roll {
        if !self.lists.contains_key(name) {
            self.order.push(name.to_owned());
        }
        self.lists.entry(name.to_owned()).or_insert(Roll {
            created_at: at,
            former: BTreeSet::new(),
            entries: Vec::new(),
        })
    }

    /// Gives a list another place.
    pub(in crate::conformance) fn move_list(&mut self, name: &str, to: &order::Place<String>) -> Result<(), Refusal> {
        let named = match to {
            order::Place::Before(other) => vec![name, other.as_str()],
            order::Place::First | order::Place::Last => vec![name],
        };
        if named.into_iter().any(|name| !self.lists.contains_key(name)) {
            return Err(Refusal::NotFound);
        }
        self.order = order::moved(std::mem::take(&mut self.order), name.to_owned(), to);
        Ok(())
    }

    /// Gives a list another name.
    pub(in crate::conformance) fn rename_list(&mut self, name: &str, to: &str) -> Result<(), Refusal> {
        if !self.lists.contains_key(name) {
            return Err(Refusal::NotFound);
        }
        if name != to && self.lists.contains_key(to) {
            return Err(Refusal::Taken);
        }
        if let Some(mut roll) = self.lists.remove(name) {
            roll.former.insert(name.to_owned());
            self.lists.insert(to.to_owned(), roll);
            for listed in self.order.iter_mut().filter(|listed| *listed == name) {
                to.clone_into(listed);
            }
            self.rename_scope(&Scope::List(name.to_owned()), &Scope::List(to.to_owned()));
        }
        Ok(())
    }

    /// Deletes a list.
    pub(in crate::conformance) fn delete_list(&mut self, name: &str) -> Result<(), Refusal> {
        let gone = self.lists.remove(name).ok_or(Refusal::NotFound)?;
        self.order.retain(|listed| listed != name);
        self.deleted.extend(gone.former);
        self.deleted.insert(name.to_owned());
        self.rename_scope(&Scope::List(name.to_owned()), &Scope::FormerList(name.to_owned()));
        Ok(())
    }

    /// Puts a contact at the end of a list.
    pub(in crate::conformance) fn join(&mut self, list: &str, who: Who, at: Timestamp) -> Result<bool, Refusal> {
        let place = self.require(who)?;
        let roll = self.roll(list)?;
        if roll.entries.iter().any(|entry| entry.contact == Some(place)) {
            return Ok(false);
        }
        let key = EntryKey::Hand(place);
        roll.entries.push(Entry { contact: Some(place), key, fault: None, joined_at: Some(at) });
        Ok(true)
    }

    /// Takes a contact off a list.
    pub(in crate::conformance) fn leave(&mut self, list: &str, who: Who) -> Result<usize, Refusal> {
        let place = self.require(who)?;
        let roll = self.roll(list)?;
        let before = roll.entries.len();
        roll.entries.retain(|entry| entry.contact != Some(place));
        Ok(before - roll.entries.len())
    }

    /// Takes the n-th entry off a list.
    pub(in crate::conformance) fn remove_entry(&mut self, list: &str, nth: usize) -> Result<(), Refusal> {
        let roll = self.roll(list)?;
        if nth >= roll.entries.len() {
            return Err(Refusal::NotFound);
        }
        roll.entries.remove(nth);
        Ok(())
    }
}
