//! The plain model: what a store holds, and what every step does to it, in terms of the domain's rules.
//!
//! A contact has the place at which it was made instead of a number: which number a store gives it is the
//! store's affair.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postroom_domain::consent::{Consent, ConsentAct, ConsentEvent, ConsentSource, ConsentState, Will};
use postroom_domain::contact::{EntryFault, FieldPatch};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldChange, FieldDefinition, FieldPath, Fields};
use postroom_domain::merge;
use postroom_domain::narrowing::Scope;
use postroom_domain::purpose::PurposeName;

use super::step::{Who, patch};
use crate::contacts::Written;

mod lists;

/// What stands as evidence where a withdrawal comes from the address: any words of the store's.
pub(super) const FROM_THE_ADDRESS: &str = "(whatever the store says of a withdrawal that stayed with the address)";

/// The place of a contact among all that were ever made.
pub(super) type Place = usize;

/// Why a step is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Something that it names is not there.
    NotFound,
    /// A name is taken.
    Taken,
    /// A rule of the house forbids it.
    Refused,
}

/// A contact.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) email: EmailAddress,
    pub(super) external_id: Option<String>,
    pub(super) fields: Fields,
    /// In lower case.
    pub(super) tags: BTreeSet<String>,
    pub(super) history: Vec<ConsentEvent>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// The addresses and the places of contacts that went into it.
    pub(super) aliases: Vec<EmailAddress>,
    /// The addresses that it had before others.
    former: Vec<EmailAddress>,
    merged: Vec<Place>,
}

/// What tells an entry from another of its list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum EntryKey {
    /// The row it was imported from, and the how many-eth of the same in the file it is.
    Row(Vec<String>, u64),
    /// The contact that joined by hand.
    Hand(Place),
}

/// An entry of a list.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) contact: Option<Place>,
    pub(super) key: EntryKey,
    pub(super) fault: Option<EntryFault>,
    /// When it joined; none where its contact had joined several times, and the port leaves open which counts.
    pub(super) joined_at: Option<Timestamp>,
}

/// A list.
#[derive(Debug, Clone)]
pub(super) struct Roll {
    pub(super) created_at: Timestamp,
    /// The names that it had before.
    pub(super) former: BTreeSet<String>,
    pub(super) entries: Vec<Entry>,
}

/// All that a store holds.
#[derive(Debug, Clone)]
pub(super) struct Model {
    /// The field whose choices change.
    pub(super) grade: FieldDefinition,
    pub(super) people: BTreeMap<Place, Person>,
    /// How many contacts were ever made.
    pub(super) made: usize,
    pub(super) lists: BTreeMap<String, Roll>,
    /// The names of the lists in their order.
    pub(super) order: Vec<String>,
    /// The names that lists had before they were deleted: a story may tell any of them.
    pub(super) deleted: BTreeSet<String>,
    /// The purposes that are defined.
    pub(super) purposes: BTreeSet<PurposeName>,
    /// Withdrawals that stay with addresses that are nobody's.
    withdrawn: BTreeMap<String, Timestamp>,
    /// The same for lists and purposes.
    withdrawn_scopes: BTreeMap<String, BTreeMap<Scope, Timestamp>>,
    /// Addresses that are not taken again.
    erased: BTreeSet<String>,
    /// Who was erased, and when.
    pub(super) erasures: Vec<(Place, Timestamp)>,
}

/// The patch that writes a choice of a field, as it is read from what somebody types.
pub(super) fn choice(field: &FieldDefinition, typed: &str) -> Result<FieldPatch, Refusal> {
    let value = field.read(typed).map_err(|_| Refusal::Refused)?;
    Ok(FieldPatch { changes: vec![(FieldPath { field: field.name.clone(), part: None }, value)] })
}

impl Person {
    /// What its history comes to.
    pub(super) fn consent(&self) -> Consent {
        Consent::fold(&self.history)
    }

    /// What its history comes to for a list or a purpose.
    pub(super) fn will(&self, scope: &Scope) -> Will {
        Will::fold(&self.history, scope)
    }

    /// Whether it withdrew for a list.
    pub(super) fn has_withdrawn_for(&self, list: &str) -> bool {
        self.will(&Scope::List(list.to_owned())) == Will::Withdrawn
    }

    /// The lists and the purposes that it withdrew for.
    fn withdrawn_scopes(&self) -> impl Iterator<Item = Scope> {
        let is_there = |scope: &&Scope| matches!(scope, Scope::List(_) | Scope::Purpose(_));
        let scopes: BTreeSet<&Scope> = self.history.iter().map(|event| &event.scope).filter(is_there).collect();
        scopes.into_iter().filter(|scope| self.will(scope) == Will::Withdrawn).cloned()
    }

    /// A change at a moment; news that come late do not make it older.
    fn touch(&mut self, at: Timestamp) {
        self.updated_at = self.updated_at.max(at);
    }

    /// What its history comes to for a scope; of a list or a purpose, the will alone.
    fn said(&self, scope: &Scope) -> Consent {
        if scope.is_whole() { self.consent() } else { Consent { will: self.will(scope), ..Consent::default() } }
    }

    /// Records an event; answers with the state of its scope after it.
    pub(super) fn record(&mut self, event: ConsentEvent) -> ConsentState {
        let (before, at, scope) = (self.said(&event.scope), event.at, event.scope.clone());
        self.history.push(event);
        let after = self.said(&scope);
        if after != before {
            self.touch(at);
        }
        if scope.is_whole() { after.shown() } else { after.will.into() }
    }
}

/// What a write says of a contact.
pub(super) struct Said<'a> {
    pub(super) email: Option<&'a EmailAddress>,
    pub(super) key: Option<&'a str>,
    pub(super) patch: &'a FieldPatch,
    pub(super) source: ConsentSource,
    pub(super) at: Timestamp,
}

impl Model {
    /// An empty store that has this field.
    pub(super) fn new(grade: FieldDefinition) -> Self {
        Self {
            grade,
            people: BTreeMap::new(),
            made: 0,
            lists: BTreeMap::new(),
            order: Vec::new(),
            deleted: BTreeSet::new(),
            purposes: BTreeSet::new(),
            withdrawn: BTreeMap::new(),
            withdrawn_scopes: BTreeMap::new(),
            erased: BTreeSet::new(),
            erasures: Vec::new(),
        }
    }

    /// Writes one of the field's choices.
    pub(super) fn choose(&mut self, who: Who, value: &str, at: Timestamp) -> Result<(Place, Written), Refusal> {
        let patch = choice(&self.grade, value)?;
        let place = self.require(who)?;
        let said = Said { email: None, key: None, patch: &patch, source: ConsentSource::Operator, at };
        self.update(place, &said).map(|(written, _)| (place, written))
    }

    /// Changes the choices of the field.
    pub(super) fn change_choices(&mut self, change: &FieldChange) -> Result<(), Refusal> {
        self.grade = self.grade.clone().changed(change).map_err(|_| Refusal::Refused)?;
        Ok(())
    }

    /// Gives a choice another value; answers with how many contacts followed.
    pub(super) fn rename_choice(&mut self, value: &str, to: &str, at: Timestamp) -> Result<u64, Refusal> {
        let after = self.grade.clone().with_choice_renamed(value, to).map_err(|_| Refusal::Refused)?;
        let mut followed = 0;
        let pairs: Vec<_> =
            self.grade.choices.iter().zip(&after.choices).map(|(one, other)| (&one.value, &other.value)).collect();
        for (before, after) in pairs.into_iter().filter(|(before, after)| before != after) {
            for person in self.people.values_mut() {
                let held = person.fields.get(&self.grade.name);
                if let Some(value) = held.and_then(|held| held.with_choice_renamed(before, after)) {
                    person.fields.insert(self.grade.name.clone(), value);
                    person.touch(at);
                    followed += 1;
                }
            }
        }
        self.grade = after;
        Ok(followed)
    }

    /// The contact of an address.
    pub(super) fn by_email(&self, email: &EmailAddress) -> Option<Place> {
        self.people.iter().find(|(_, person)| person.email.key() == email.key()).map(|(place, _)| *place)
    }

    /// The contact of an address, or that has it since a merge.
    pub(super) fn by_any_email(&self, email: &EmailAddress) -> Option<Place> {
        let is_alias = |person: &Person| person.aliases.iter().any(|alias| alias.key() == email.key());
        let by_alias = || self.people.iter().find(|(_, person)| is_alias(person)).map(|(place, _)| *place);
        self.by_email(email).or_else(by_alias)
    }

    /// The contact of an external key.
    pub(super) fn by_key(&self, key: &str) -> Option<Place> {
        self.people.iter().find(|(_, person)| person.external_id.as_deref() == Some(key)).map(|(place, _)| *place)
    }

    /// Whether an address is not taken again.
    pub(super) fn is_erased(&self, email: &EmailAddress) -> bool {
        self.erased.contains(email.key())
    }

    /// The place that a step means by the n-th contact.
    pub(super) fn nth(&self, nth: usize) -> Option<Place> {
        nth.checked_rem(self.made)
    }

    fn find(&self, who: Who) -> Option<Place> {
        match who {
            Who::Address(text) => self.by_any_email(&EmailAddress::parse(text).ok()?),
            Who::Number(nth) => self.nth(nth).filter(|place| self.people.contains_key(place)),
            Who::Hash(nth) => self.nth(nth).and_then(|wanted| {
                let is_meant =
                    |(place, person): &(&Place, &Person)| **place == wanted || person.merged.contains(&wanted);
                self.people.iter().find(is_meant).map(|(place, _)| *place)
            }),
            Who::Key(key) => self.by_key(key),
        }
    }

    fn require(&self, who: Who) -> Result<Place, Refusal> {
        self.find(who).ok_or(Refusal::NotFound)
    }

    pub(super) fn person(&mut self, place: Place) -> Result<&mut Person, Refusal> {
        self.people.get_mut(&place).ok_or(Refusal::NotFound)
    }

    fn roll(&mut self, list: &str) -> Result<&mut Roll, Refusal> {
        self.lists.get_mut(list).ok_or(Refusal::NotFound)
    }

    /// Creates or updates a contact.
    pub(super) fn upsert(
        &mut self,
        who: Option<Who>,
        address: Option<&str>,
        key: Option<&str>,
        changes: &[(&str, Option<&str>)],
        at: Timestamp,
    ) -> Result<(Place, Written), Refusal> {
        let email = address.and_then(|address| EmailAddress::parse(address).ok());
        let target = match (who, &email, key) {
            (Some(who), ..) => Some(self.require(who)?),
            (None, Some(email), _) => self.by_any_email(email),
            (None, None, Some(key)) => self.by_key(key),
            (None, None, None) => None,
        };
        // Who is found by an address of before a merge keeps its own.
        let is_alias = |email: &EmailAddress| who.is_none() && self.by_email(email).is_none() && target.is_some();
        let email = email.filter(|email| !is_alias(email));
        let is_others = |holder: Option<Place>| holder.is_some_and(|holder| Some(holder) != target);
        let email_is_free =
            email.as_ref().is_none_or(|email| !self.is_erased(email) && !is_others(self.by_any_email(email)));
        if !email_is_free || key.is_some_and(|key| is_others(self.by_key(key))) {
            return Err(Refusal::Refused);
        }
        let patch = patch(changes).map_err(|_| Refusal::Refused)?;
        let said = Said { email: email.as_ref(), key, patch: &patch, source: ConsentSource::Operator, at };
        match (target, &email) {
            (Some(place), _) => self.update(place, &said).map(|(written, _)| (place, written)),
            (None, Some(email)) => Ok((self.create(email, &said, Vec::new()), Written::Created)),
            (None, None) => Err(Refusal::Refused),
        }
    }

    /// Makes a contact, with withdrawals that its address left behind, and with grants for everything else.
    pub(super) fn create(&mut self, email: &EmailAddress, said: &Said<'_>, grants: Vec<ConsentEvent>) -> Place {
        let mut history = self.take_withdrawals(email);
        let is_barred = |grant: &ConsentEvent| {
            history.iter().any(|withdrawn| withdrawn.scope.is_whole() || withdrawn.scope == grant.scope)
        };
        let grants: Vec<_> = grants.into_iter().filter(|grant| !is_barred(grant)).collect();
        history.extend(grants);
        let mut fields = Fields::new();
        said.patch.apply(&mut fields);
        let place = self.made;
        self.made += 1;
        let person = Person {
            email: email.clone(),
            external_id: said.key.map(str::to_owned),
            fields,
            tags: BTreeSet::new(),
            history,
            created_at: said.at,
            updated_at: said.at,
            aliases: Vec::new(),
            former: Vec::new(),
            merged: Vec::new(),
        };
        self.people.insert(place, person);
        place
    }

    /// Brings a contact up to what is said; answers also whether its address is another one now.
    pub(super) fn update(&mut self, place: Place, said: &Said<'_>) -> Result<(Written, bool), Refusal> {
        let person = self.person(place)?;
        let before = (person.email.clone(), person.external_id.clone(), person.fields.clone());
        let consent = person.consent();
        if let Some(email) = said.email {
            person.email = email.clone();
        }
        if let Some(key) = said.key {
            person.external_id = Some(key.to_owned());
        }
        said.patch.apply(&mut person.fields);
        if (&before.0, &before.1, &before.2) == (&person.email, &person.external_id, &person.fields) {
            return Ok((Written::Unchanged, false));
        }
        person.touch(said.at);
        let email = person.email.clone();
        let is_renamed = before.0.key() != email.key();
        if is_renamed {
            person.former.push(before.0.clone());
            person.aliases.retain(|alias| alias.key() != email.key());
            person.history.push(ConsentEvent::new(said.at, ConsentAct::AddressChanged, said.source));
            self.keep_withdrawal(consent, &before.0, said.at);
            self.keep_scopes(place, &before.0, said.at)?;
            let withdrawals = self.take_withdrawals(&email);
            self.person(place)?.history.extend(withdrawals);
        }
        Ok((Written::Updated, is_renamed))
    }

    /// A withdrawal stays with an address that is about to be nobody's (invariant 2).
    fn keep_withdrawal(&mut self, consent: Consent, email: &EmailAddress, at: Timestamp) {
        if consent.will == Will::Withdrawn {
            self.withdrawn.entry(email.key().to_owned()).or_insert(at);
        }
    }

    /// The same for lists and purposes.
    fn keep_scopes(&mut self, place: Place, email: &EmailAddress, at: Timestamp) -> Result<(), Refusal> {
        let scopes: Vec<Scope> = self.person(place)?.withdrawn_scopes().collect();
        if !scopes.is_empty() {
            let kept = self.withdrawn_scopes.entry(email.key().to_owned()).or_default();
            for scope in scopes {
                kept.entry(scope).or_insert(at);
            }
        }
        Ok(())
    }

    /// What an address left behind. A purpose that is not defined waits until it is.
    fn take_withdrawals(&mut self, email: &EmailAddress) -> Vec<ConsentEvent> {
        let withdrawn = |at, scope| {
            let event = ConsentEvent::new(at, ConsentAct::Withdrawn, ConsentSource::Contact);
            event.shown_by(FROM_THE_ADDRESS).about(scope)
        };
        let mut withdrawals: Vec<_> =
            self.withdrawn.remove(email.key()).map(|at| withdrawn(at, Scope::Whole)).into_iter().collect();
        let kept = self.withdrawn_scopes.remove(email.key()).unwrap_or_default();
        let (waits, comes): (BTreeMap<_, _>, BTreeMap<_, _>) = kept
            .into_iter()
            .partition(|(scope, _)| matches!(scope, Scope::Purpose(purpose) if !self.purposes.contains(purpose)));
        withdrawals.extend(comes.into_iter().map(|(scope, at)| withdrawn(at, scope)));
        if !waits.is_empty() {
            self.withdrawn_scopes.insert(email.key().to_owned(), waits);
        }
        withdrawals
    }

    /// Joins two contacts.
    pub(super) fn merge(&mut self, kept: Who, other: Who, at: Timestamp) -> Result<Place, Refusal> {
        let (kept, other) = (self.require(kept)?, self.require(other)?);
        if kept == other {
            return Err(Refusal::Refused);
        }
        let gone = self.person(other)?.clone();
        let person = self.person(kept)?;
        person.external_id = merge::joined_key(person.external_id.as_deref(), gone.external_id.as_deref())
            .map_err(|_| Refusal::Refused)?;
        person.fields = merge::joined_fields(&person.fields, &gone.fields);
        person.tags.extend(gone.tags);
        person.history.extend(gone.history.into_iter().filter(merge::comes_over));
        person.former.extend(gone.former);
        person.aliases.extend(gone.aliases.into_iter().chain([gone.email]));
        person.merged.extend(gone.merged.into_iter().chain([other]));
        person.touch(at);
        for entry in self.lists.values_mut().flat_map(|roll| &mut roll.entries) {
            if entry.contact == Some(other) {
                entry.contact = Some(kept);
            }
        }
        self.people.remove(&other);
        Ok(kept)
    }

    /// Deletes a contact.
    pub(super) fn delete(&mut self, who: Who, at: Timestamp) -> Result<Place, Refusal> {
        let place = self.require(who)?;
        let gone = self.person(place)?.clone();
        for email in gone.aliases.iter().chain([&gone.email]) {
            self.keep_withdrawal(gone.consent(), email, at);
            self.keep_scopes(place, email, at)?;
        }
        self.forget(place);
        Ok(place)
    }

    /// Erases a contact. Nobody comes under its addresses again, nor under those that it had before and nobody has now.
    pub(super) fn erase(&mut self, who: Who, at: Timestamp) -> Result<Place, Refusal> {
        let place = self.require(who)?;
        let gone = self.person(place)?.clone();
        let is_free = |email: &&EmailAddress| self.by_any_email(email).is_none_or(|holder| holder == place);
        let former: Vec<EmailAddress> = gone.former.iter().filter(is_free).cloned().collect();
        for email in gone.aliases.iter().chain([&gone.email]).chain(&former) {
            self.withdrawn_scopes.remove(email.key());
            self.erased.insert(email.key().to_owned());
        }
        self.erasures.push((place, at));
        self.forget(place);
        Ok(place)
    }

    fn forget(&mut self, place: Place) {
        self.people.remove(&place);
        for roll in self.lists.values_mut() {
            roll.entries.retain(|entry| entry.contact != Some(place));
        }
    }

    /// Puts a tag on a contact or takes it off.
    pub(super) fn tag(&mut self, who: Who, tag: &str, present: bool, at: Timestamp) -> Result<bool, Refusal> {
        let place = self.require(who)?;
        let (person, tag) = (self.person(place)?, tag.trim().to_lowercase());
        let is_changed = if present { person.tags.insert(tag) } else { person.tags.remove(&tag) };
        if is_changed {
            person.touch(at);
        }
        Ok(is_changed)
    }

    /// Records a consent event.
    pub(super) fn consent(&mut self, who: Who, event: ConsentEvent) -> Result<ConsentState, Refusal> {
        event.scope.admit(event.act).map_err(|_| Refusal::Refused)?;
        let place = self.require(who)?;
        let is_there = match &event.scope {
            Scope::Whole => true,
            Scope::List(list) => self.lists.contains_key(list),
            Scope::FormerList(_) => false,
            Scope::Purpose(purpose) => self.purposes.contains(purpose),
        };
        if !is_there {
            return Err(Refusal::NotFound);
        }
        Ok(self.person(place)?.record(event))
    }

    /// Defines a purpose.
    pub(super) fn add_purpose(&mut self, name: PurposeName) -> Result<(), Refusal> {
        if self.purposes.insert(name) { Ok(()) } else { Err(Refusal::Taken) }
    }

    /// Removes a purpose.
    pub(super) fn remove_purpose(&mut self, name: &PurposeName) -> Result<(), Refusal> {
        if self.purposes.remove(name) { Ok(()) } else { Err(Refusal::NotFound) }
    }

    /// Says that a list is another scope from now on, wherever it was spoken of.
    fn rename_scope(&mut self, from: &Scope, to: &Scope) {
        for event in self.people.values_mut().flat_map(|person| &mut person.history) {
            if event.scope == *from {
                event.scope = to.clone();
            }
        }
        for kept in self.withdrawn_scopes.values_mut() {
            if let Some(at) = kept.remove(from)
                && matches!(to, Scope::List(_))
            {
                kept.insert(to.clone(), at);
            }
        }
    }
}
