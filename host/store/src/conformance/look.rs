//! Looks at all that can be seen of a store, and compares it with the model.

use std::collections::{BTreeMap, BTreeSet};

use postroom_domain::consent::{ConsentAct, ConsentEvent};
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::FieldValue;
use postroom_domain::history::{ContactEvent, Happening};
use postroom_domain::narrowing::{Scope, narrowed};
use postroom_domain::purpose::{PurposeName, PurposeTerms};

use super::model::{self, EntryKey, FROM_THE_ADDRESS, Model, Person, Place};
use super::run::{BASIS, same};
use super::step::ADDRESSES;
use crate::contacts::{Contact, ContactDetail, ContactQuery, ContactRef, PurposeStanding};
use crate::{Store, StoreError, lists};

/// Contacts on a page: few, so that pages are turned.
const CONTACTS_ON_A_PAGE: u32 = 4;
/// Entries on a page, likewise.
const ENTRIES_ON_A_PAGE: u32 = 5;
/// More erasures than any sequence of steps has.
const ERASURES: u32 = 10_000;

/// What is known of how the store names things.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The number and the hash of each contact that there ever was.
    contacts: BTreeMap<Place, (ContactId, String)>,
    /// The positions of each list's entries at the last look.
    positions: BTreeMap<String, Vec<u64>>,
}

impl Known {
    /// The number that the store gave a contact.
    pub(super) fn number(&self, place: Place) -> Option<ContactId> {
        self.contacts.get(&place).map(|(id, _)| *id)
    }

    /// The hash that the store gave a contact.
    pub(super) fn hash(&self, place: Place) -> Option<String> {
        self.contacts.get(&place).map(|(_, hash)| hash.clone())
    }

    /// The position of the n-th entry of a list.
    pub(super) fn position(&self, list: &str, nth: usize) -> Option<u64> {
        self.positions.get(list)?.get(nth).copied()
    }

    /// Compares everything, and learns the numbers of contacts that are new.
    pub(super) async fn look(&mut self, store: &dyn Store, model: &Model) -> Result<(), String> {
        let fields = store.fields().await.map_err(failed)?;
        let grade = fields.iter().find(|field| field.name == model.grade.name);
        same("the field and its choices", &Some(&model.grade), &grade)?;
        let purposes = store.purposes().await.map_err(failed)?.into_iter().map(|purpose| purpose.name).collect();
        same("the purposes", &model.purposes, &purposes)?;
        self.contacts(store, model).await?;
        self.lists(store, model).await?;
        let erasures = store.erasures(ERASURES).await.map_err(failed)?;
        let erasures: Vec<_> = erasures.iter().map(|erasure| (Some(erasure.contact), erasure.at)).collect();
        let expected: Vec<_> = model.erasures.iter().rev().map(|(place, at)| (self.number(*place), *at)).collect();
        same("the erasures", &expected, &erasures)
    }

    async fn contacts(&mut self, store: &dyn Store, model: &Model) -> Result<(), String> {
        let all = all_contacts(store).await?;
        let numbers: Vec<ContactId> = all.iter().map(|contact| contact.id).collect();
        if !numbers.is_sorted_by(|one, next| one < next) {
            return Err(format!("the contacts do not come in the order of their numbers: {numbers:?}"));
        }
        same("how many contacts there are", &model.people.len(), &all.len())?;
        for (place, person) in &model.people {
            let Some(contact) = all.iter().find(|contact| contact.email.key() == person.email.key()) else {
                return Err(format!("there is no contact {}", person.email));
            };
            self.learn(*place, contact)?;
            self.contact(store, model, *place, person, contact).await?;
        }
        for address in ADDRESSES {
            let email = EmailAddress::parse(address).map_err(|fault| fault.to_string())?;
            let expected = model.by_any_email(&email).and_then(|place| self.number(place));
            let found = store.contact(&ContactRef::Email(email)).await.map_err(failed)?;
            same(&format!("the contact of {address}"), &expected, &found.map(|detail| detail.contact.id))?;
        }
        Ok(())
    }

    /// Numbers and hashes stay, and are never given twice.
    fn learn(&mut self, place: Place, contact: &Contact) -> Result<(), String> {
        let names = (contact.id, contact.hash.clone());
        if let Some(before) = self.contacts.get(&place) {
            return same("the number and the hash of a contact", before, &names);
        }
        if self.contacts.values().any(|(id, hash)| *id == names.0 || *hash == names.1) {
            return Err(format!("the number or the hash of {names:?} was given before"));
        }
        self.contacts.insert(place, names);
        Ok(())
    }

    async fn contact(
        &self,
        store: &dyn Store,
        model: &Model,
        place: Place,
        person: &Person,
        contact: &Contact,
    ) -> Result<(), String> {
        let about = |what: &str| format!("{what} of {}", person.email);
        let detail = store.contact(&ContactRef::Id(contact.id)).await.map_err(failed)?;
        let detail = detail.ok_or_else(|| format!("contact {} is on a page and not there", contact.id.0))?;
        same(&about("the contact on the page and the one by number"), contact, &detail.contact)?;
        same(&about("the address"), &person.email, &contact.email)?;
        same(&about("the external key"), &person.external_id, &contact.external_id)?;
        same(&about("the fields"), &person.fields, &contact.fields)?;
        same(&about("the consent"), &person.consent().shown(), &contact.consent)?;
        if !contact.tags.is_sorted() {
            return Err(format!("the tags are not in alphabetical order: {:?}", contact.tags));
        }
        // Which of a tag's spellings is kept is the store's affair.
        let tags: BTreeSet<String> = contact.tags.iter().map(|tag| tag.to_lowercase()).collect();
        same(&about("the number of tags"), &person.tags.len(), &contact.tags.len())?;
        same(&about("the tags"), &person.tags, &tags)?;
        same(&about("the moment of creation"), &person.created_at, &contact.created_at)?;
        same(&about("the moment of the last change"), &person.updated_at, &contact.updated_at)?;
        let mut aliases = person.aliases.clone();
        aliases.sort_by(|one, other| one.key().cmp(other.key()));
        same(&about("the aliases"), &aliases, &detail.aliases)?;
        let on = |roll: &model::Roll| roll.entries.iter().any(|entry| entry.contact == Some(place));
        let lists: Vec<String> =
            model.lists.iter().filter(|(_, roll)| on(roll)).map(|(name, _)| name.clone()).collect();
        same(&about("the lists"), &lists, &detail.lists)?;
        let unsubscribed: Vec<&String> = model.lists.keys().filter(|list| person.has_withdrawn_for(list)).collect();
        same(&about("the lists that it withdrew for"), &unsubscribed, &detail.unsubscribed.iter().collect())?;
        let said: Vec<_> = model.purposes.iter().map(|name| standing(person, name)).collect();
        same(&about("what was said for purposes"), &said, &detail.purposes)?;
        if !detail.consent_history.is_sorted_by_key(|event| event.at) {
            return Err(about("the history is not in order"));
        }
        same_history(&person.history, &detail.consent_history)
            .map_err(|what| format!("{}: {what}", about("the history")))?;
        let story = store.contact_history(&ContactRef::Id(contact.id)).await.map_err(failed)?;
        same_end(&story, &detail, &model.deleted).map_err(|what| format!("{}: {what}", about("the story")))
    }

    async fn lists(&mut self, store: &dyn Store, model: &Model) -> Result<(), String> {
        let all = store.lists().await.map_err(failed)?;
        let names: Vec<&String> = all.iter().map(|list| &list.name).collect();
        same("the lists in their order", &model.order.iter().collect(), &names)?;
        self.positions.clear();
        let rolls = model.order.iter().filter_map(|name| model.lists.get_key_value(name));
        for (list, (name, roll)) in all.iter().zip(rolls) {
            let about = |what: &str| format!("{what} of the list `{name}`");
            same(&about("the one by name"), list, &store.list(name).await.map_err(failed)?)?;
            same(&about("the moment of creation"), &roll.created_at, &list.created_at)?;
            let contacts: BTreeSet<_> = roll.entries.iter().filter_map(|entry| entry.contact).collect();
            let sums = (roll.entries.len() as u64, contacts.len() as u64);
            same(&about("the entries and contacts"), &sums, &(list.entries, list.contacts))?;
            let entries = all_entries(store, name).await?;
            let positions: Vec<u64> = entries.iter().map(|entry| entry.position).collect();
            // Positions rise from 1; entries that were taken off may leave gaps.
            if positions.first() == Some(&0) || !positions.is_sorted_by(|one, next| one < next) {
                return Err(format!("{}: {positions:?}", about("the positions do not rise")));
            }
            same(&about("the number of entries"), &roll.entries.len(), &entries.len())?;
            let mut first = BTreeMap::new();
            for (expected, found) in roll.entries.iter().zip(&entries) {
                let place = expected.contact;
                let earlier = place.and_then(|place| match first.get(&place) {
                    Some(position) => Some(*position),
                    None => {
                        first.insert(place, found.position);
                        None
                    }
                });
                self.entry(model, expected, found, earlier).map_err(|what| format!("{}: {what}", about("an entry")))?;
            }
            self.positions.insert(name.clone(), positions);
        }
        Ok(())
    }

    fn entry(
        &self,
        model: &Model,
        expected: &model::Entry,
        found: &lists::Entry,
        earlier: Option<u64>,
    ) -> Result<(), String> {
        let about = |what: &str| format!("{what} at position {}", found.position);
        same(&about("the contact"), &expected.contact.and_then(|place| self.number(place)), &found.contact)?;
        let person = expected.contact.and_then(|place| model.people.get(&place));
        same(&about("the address"), &person.map(|person| person.email.to_string()), &found.email)?;
        same(&about("the fault"), &expected.fault, &found.fault)?;
        same(&about("the entry that it repeats"), &earlier, &found.duplicate_of)?;
        let raw = match &expected.key {
            EntryKey::Row(raw, _) => raw.as_slice(),
            EntryKey::Hand(_) => &[],
        };
        same(&about("the row"), &raw, &found.raw.as_slice())?;
        expected.joined_at.map_or(Ok(()), |at| same(&about("the moment of joining"), &at, &found.joined_at))
    }
}

/// A story ends where its contact stands. Of lists that are gone it may tell the last thing, and a list of
/// such a name may be another one.
fn same_end(story: &[ContactEvent], detail: &ContactDetail, deleted: &BTreeSet<String>) -> Result<(), String> {
    if !story.is_sorted_by_key(|event| event.at) {
        return Err("the events are not in order".to_owned());
    }
    let standing = detail.contact.email.to_string();
    let (mut tags, mut lists, mut email) = (BTreeSet::new(), BTreeSet::new(), Some(standing.clone()));
    // What happened to a contact that went into this one ended there.
    for event in story.iter().filter(|event| event.former.is_none()) {
        match &event.what {
            Happening::Tagged { tag } => drop(tags.insert(tag.clone())),
            Happening::Untagged { tag } => drop(tags.remove(tag)),
            Happening::Joined { list } => drop(lists.insert(list.clone())),
            Happening::Left { list } => drop(lists.remove(list)),
            Happening::Changed { values } => {
                let changed = values.iter().find(|value| value.place == "email");
                email = changed.map_or(email, |value| value.after.as_ref().map(FieldValue::as_line));
            }
            Happening::Created | Happening::Consent { .. } | Happening::Merged { .. } => {}
        }
    }
    same("its last address", &Some(standing), &email)?;
    let here = |lists: BTreeSet<String>| -> BTreeSet<String> { lists.difference(deleted).cloned().collect() };
    same("its lists", &here(lists), &here(detail.lists.iter().cloned().collect()))?;
    same("its tags", &tags, &detail.contact.tags.iter().cloned().collect())?;
    // A new address is told by its change.
    let is_told = |event: &&ConsentEvent| event.act != ConsentAct::AddressChanged;
    let consent = story.iter().filter_map(|event| match &event.what {
        Happening::Consent { event } => Some(event),
        _ => None,
    });
    let told: Vec<&ConsentEvent> = consent.filter(is_told).collect();
    same("its consent", &detail.consent_history.iter().filter(is_told).collect(), &told)
}

/// What a person said for a purpose, and what follows.
fn standing(person: &Person, name: &PurposeName) -> PurposeStanding {
    let purpose = PurposeTerms { name: name.clone(), basis: BASIS };
    let will = person.will(&Scope::Purpose(name.clone()));
    let consent = narrowed(person.consent().shown(), None, Some((&purpose, will))).state;
    PurposeStanding { purpose, will, consent }
}

/// Compares two histories, whatever the order of events of one moment and the store's own words.
fn same_history(expected: &[ConsentEvent], found: &[ConsentEvent]) -> Result<(), String> {
    let mut rest = found.to_vec();
    for event in expected {
        let Some(place) = rest.iter().position(|other| is_same_event(event, other)) else {
            return Err(format!("expected {event:?}, and the store has {found:?}"));
        };
        rest.remove(place);
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("the store has also {rest:?}")) }
}

fn is_same_event(expected: &ConsentEvent, found: &ConsentEvent) -> bool {
    if expected.evidence.as_deref() != Some(FROM_THE_ADDRESS) {
        return expected == found;
    }
    let is_shown = found.evidence.as_deref().is_some_and(|text| !text.trim().is_empty());
    is_shown && *expected == ConsentEvent { evidence: expected.evidence.clone(), ..found.clone() }
}

async fn all_contacts(store: &dyn Store) -> Result<Vec<Contact>, String> {
    let mut all: Vec<Contact> = Vec::new();
    loop {
        let after = all.last().map(|contact| contact.id);
        let query = ContactQuery { after, limit: CONTACTS_ON_A_PAGE, ..ContactQuery::default() };
        let page = store.contacts(&query).await.map_err(failed)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn all_entries(store: &dyn Store, list: &str) -> Result<Vec<lists::Entry>, String> {
    let mut all: Vec<lists::Entry> = Vec::new();
    loop {
        let after = all.last().map_or(0, |entry| entry.position);
        let page = store.entries(list, after, ENTRIES_ON_A_PAGE).await.map_err(failed)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err as it is")]
pub(super) fn failed(error: StoreError) -> String {
    format!("the store failed: {error}")
}
