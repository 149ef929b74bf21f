//! Whom a row of a file means (row D1).
//!
//! A row is its contact's by its key in the system that it comes from, and else by its address. The first
//! row of a contact speaks for it; later ones are duplicates (row A6). What would join or part two people is
//! refused. An import goes by these rules with its store behind it, and a [`Rehearsal`] with what the store
//! knew before and what the rows so far would have done.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use crate::contact::ContactId;
use crate::email::EmailAddress;

/// Why an address is not taken. It says nothing that is not in the question.
pub const ERASED: &str = "the person of this e-mail address was erased on request, and the address is not taken \
                          again: leave it out";

/// Why a row can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The person of its address was erased.
    Erased,
    /// Its key came before, with another address.
    KeyWithTwoAddresses,
    /// Its key is one contact's, and its address another's.
    TwoContacts,
    /// Its address is that of a contact with another key.
    AnotherKey,
}

impl Refusal {
    /// The sentence for the person who mends the file.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Erased => ERASED,
            Self::KeyWithTwoAddresses => {
                "an earlier row of the file has the same key and another e-mail address: keep one of the rows"
            }
            Self::TwoContacts => {
                "its key and its e-mail address belong to two different contacts: correct one of them in the file, or \
                 delete one of the contacts"
            }
            Self::AnotherKey => {
                "its e-mail address belongs to a contact with another key: correct the address or the key in the \
                 file, or change the contact's key"
            }
        }
    }

    /// Whether the row is kept for mending. That of an erased person is kept nowhere (invariant 11).
    #[must_use]
    pub fn keeps_row(self) -> bool {
        self != Self::Erased
    }
}

/// What a row turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meeting<C> {
    /// Nobody is known under its names.
    New,
    /// It is the first row of this contact.
    First(C),
    /// An earlier row spoke for this contact.
    Again(C),
    /// It can't be taken, and why.
    Refused(Refusal),
}

/// The names under which a contact is known.
pub trait Named {
    /// Its address, as addresses are compared.
    fn email_key(&self) -> &str;
    /// Its key in the system that it comes from.
    fn external_id(&self) -> Option<&str>;
}

/// Where the rules look people up.
pub trait Directory {
    /// A contact that was found.
    type Contact: Named;
    /// Why a look failed.
    type Error;

    /// The contact of a key, or else of an address, and whether it was the key.
    ///
    /// # Errors
    ///
    /// When the look fails.
    fn find(&mut self, email: &EmailAddress, key: Option<&str>) -> Result<Option<(Self::Contact, bool)>, Self::Error>;

    /// Whether an earlier row met this contact.
    fn has_met(&self, contact: &Self::Contact) -> bool;

    /// Whether the person of an address was erased.
    ///
    /// # Errors
    ///
    /// When the look fails.
    fn is_erased(&mut self, email: &EmailAddress) -> Result<bool, Self::Error>;

    /// Whether an address, which is not the contact's own, finds it since a merge.
    ///
    /// # Errors
    ///
    /// When the look fails.
    fn is_alias(&mut self, email: &EmailAddress, of: &Self::Contact) -> Result<bool, Self::Error>;

    /// Whether an address is that of a contact other than this one.
    ///
    /// # Errors
    ///
    /// When the look fails.
    fn is_anothers(&mut self, email: &EmailAddress, own: &Self::Contact) -> Result<bool, Self::Error>;
}

/// Tells whom a row of this address and key means.
///
/// # Errors
///
/// When a look into the directory fails.
pub fn meet<D: Directory>(
    email: &EmailAddress,
    key: Option<&str>,
    directory: &mut D,
) -> Result<Meeting<D::Contact>, D::Error> {
    let Some((contact, is_by_key)) = directory.find(email, key)? else {
        return Ok(if directory.is_erased(email)? { Meeting::Refused(Refusal::Erased) } else { Meeting::New });
    };
    let is_renamed = is_by_key && contact.email_key() != email.key() && !directory.is_alias(email, &contact)?;
    if is_renamed && directory.is_erased(email)? {
        return Ok(Meeting::Refused(Refusal::Erased));
    }
    if directory.has_met(&contact) {
        return Ok(if is_renamed { Meeting::Refused(Refusal::KeyWithTwoAddresses) } else { Meeting::Again(contact) });
    }
    if is_renamed && directory.is_anothers(email, &contact)? {
        return Ok(Meeting::Refused(Refusal::TwoContacts));
    }
    if !is_by_key && key.is_some() && contact.external_id().is_some() {
        return Ok(Meeting::Refused(Refusal::AnotherKey));
    }
    Ok(Meeting::First(contact))
}

/// What a store knows under the names of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acquaintance {
    /// The contact of its key.
    pub by_key: Option<KnownContact>,
    /// The contact of its address, or that this address finds since a merge.
    pub by_email: Option<KnownContact>,
    /// Whether the person of its address was erased.
    pub is_erased: bool,
}

impl Acquaintance {
    /// Whether the store finds a contact under an address of before a merge.
    fn is_alias(&self, email: &EmailAddress, of: Who) -> bool {
        self.by_email.as_ref().is_some_and(|known| Who::Known(known.id) == of && known.email_key != email.key())
    }
}

/// A contact that a store knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownContact {
    /// Its number.
    pub id: ContactId,
    /// Its address, as addresses are compared.
    pub email_key: String,
    /// Its key in the system that it comes from.
    pub external_id: Option<String>,
}

/// Whom a row of a rehearsed import means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    /// A contact that is there.
    Known(ContactId),
    /// One that an earlier row would have made, by its number among those.
    Made(u64),
}

/// A contact as the rows so far would have left it.
#[derive(Debug)]
struct Rehearsed {
    who: Who,
    email_key: Box<str>,
    external_id: Option<Box<str>>,
}

impl Named for Rehearsed {
    fn email_key(&self) -> &str {
        &self.email_key
    }

    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

/// The contacts that the rows of an import would meet, without anything being written.
#[derive(Debug, Default)]
pub struct Rehearsal {
    met: HashSet<ContactId>,
    made: u64,
    /// Who would have an address or a key by the rows so far, and had not before.
    by_email: HashMap<Box<str>, Who>,
    by_key: HashMap<Box<str>, Who>,
    /// The address and the key of those who have a key.
    names: HashMap<Who, (Box<str>, Option<Box<str>>)>,
}

impl Rehearsal {
    /// Takes the next row, of which the store knows this.
    pub fn take(&mut self, email: &EmailAddress, key: Option<&str>, known: &Acquaintance) -> Meeting<()> {
        let mut view = View { rehearsal: self, known };
        let Ok(meeting) = meet(email, key, &mut view);
        match meeting {
            Meeting::New => {
                let who = Who::Made(self.made);
                self.made += 1;
                self.by_email.insert(email.key().into(), who);
                if key.is_some() {
                    self.name(who, email.key().into(), key.map(Box::from));
                }
                Meeting::New
            }
            Meeting::First(contact) => {
                if let Who::Known(id) = contact.who {
                    self.met.insert(id);
                }
                let key = key.map(Box::from).or(contact.external_id.clone());
                // An address of before a merge gives nobody another one.
                let keeps = known.is_alias(email, contact.who);
                let address = if keeps { contact.email_key.clone() } else { email.key().into() };
                if contact.email_key != address || key != contact.external_id {
                    self.by_email.insert(address.clone(), contact.who);
                    self.name(contact.who, address, key);
                }
                Meeting::First(())
            }
            Meeting::Again(_) => Meeting::Again(()),
            Meeting::Refused(reason) => Meeting::Refused(reason),
        }
    }

    /// Whether a row met this contact of the store.
    #[must_use]
    pub fn has_met(&self, contact: ContactId) -> bool {
        self.met.contains(&contact)
    }

    /// Notes the names that a contact would have now.
    fn name(&mut self, who: Who, email_key: Box<str>, key: Option<Box<str>>) {
        if let Some(key) = &key {
            self.by_key.insert(key.clone(), who);
        }
        self.names.insert(who, (email_key, key));
    }

    /// A contact of the store as it would be now.
    fn as_of_now(&self, known: &KnownContact) -> Rehearsed {
        let who = Who::Known(known.id);
        self.rehearsed(who).unwrap_or_else(|| Rehearsed {
            who,
            email_key: known.email_key.as_str().into(),
            external_id: known.external_id.as_deref().map(Box::from),
        })
    }

    fn rehearsed(&self, who: Who) -> Option<Rehearsed> {
        let (email_key, external_id) = self.names.get(&who)?.clone();
        Some(Rehearsed { who, email_key, external_id })
    }

    /// Who would have an address now.
    fn of_email(&self, email: &EmailAddress, known: &Acquaintance) -> Option<Rehearsed> {
        let contact = match self.by_email.get(email.key()).copied() {
            // Who has no key is found by the address alone, and that is this one.
            Some(who) => self.rehearsed(who).unwrap_or_else(|| Rehearsed {
                who,
                email_key: email.key().into(),
                external_id: None,
            }),
            None => self.as_of_now(known.by_email.as_ref()?),
        };
        // Whoever took another address gave up the one that it is remembered by, but for one of before a merge.
        let has_it = &*contact.email_key == email.key() || known.is_alias(email, contact.who);
        has_it.then_some(contact)
    }

    /// Who would have a key now. A key that is there stays with its contact.
    fn of_key(&self, key: &str, known: &Acquaintance) -> Option<Rehearsed> {
        match self.by_key.get(key).and_then(|who| self.rehearsed(*who)) {
            Some(contact) => Some(contact),
            None => known.by_key.as_ref().map(|known| self.as_of_now(known)),
        }
    }
}

/// A rehearsal, and what the store knows of one row.
struct View<'a> {
    rehearsal: &'a Rehearsal,
    known: &'a Acquaintance,
}

impl Directory for View<'_> {
    type Contact = Rehearsed;
    type Error = Infallible;

    fn find(&mut self, email: &EmailAddress, key: Option<&str>) -> Result<Option<(Rehearsed, bool)>, Infallible> {
        let by_key = key.and_then(|key| self.rehearsal.of_key(key, self.known));
        Ok(match by_key {
            Some(contact) => Some((contact, true)),
            None => self.rehearsal.of_email(email, self.known).map(|contact| (contact, false)),
        })
    }

    fn has_met(&self, contact: &Rehearsed) -> bool {
        match contact.who {
            Who::Known(id) => self.rehearsal.has_met(id),
            Who::Made(_) => true,
        }
    }

    fn is_erased(&mut self, _email: &EmailAddress) -> Result<bool, Infallible> {
        Ok(self.known.is_erased)
    }

    fn is_alias(&mut self, email: &EmailAddress, of: &Rehearsed) -> Result<bool, Infallible> {
        Ok(self.known.is_alias(email, of.who))
    }

    fn is_anothers(&mut self, email: &EmailAddress, own: &Rehearsed) -> Result<bool, Infallible> {
        Ok(self.rehearsal.of_email(email, self.known).is_some_and(|other| other.who != own.who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A store of people, each with a number, an address and a key.
    fn known(people: &[(i64, &str, &str)], email: &EmailAddress, key: &str) -> Acquaintance {
        let contact = |(id, address, external_id): &(i64, &str, &str)| KnownContact {
            id: ContactId(*id),
            email_key: (*address).to_owned(),
            external_id: (!external_id.is_empty()).then(|| (*external_id).to_owned()),
        };
        Acquaintance {
            by_key: people.iter().find(|person| !key.is_empty() && person.2 == key).map(contact),
            by_email: people.iter().find(|person| person.1 == email.key()).map(contact),
            is_erased: email.key().starts_with("erased"),
        }
    }

    fn rehearse(people: &[(i64, &str, &str)], rows: &[(&str, &str)]) -> (Rehearsal, String) {
        let mut rehearsal = Rehearsal::default();
        let met = rows.iter().map(|(address, key)| {
            let email = EmailAddress::parse(address).unwrap();
            let named = (!key.is_empty()).then_some(*key);
            match rehearsal.take(&email, named, &known(people, &email, key)) {
                Meeting::New => "new",
                Meeting::First(()) => "first",
                Meeting::Again(()) => "again",
                Meeting::Refused(Refusal::Erased) => "erased",
                Meeting::Refused(Refusal::KeyWithTwoAddresses) => "two addresses",
                Meeting::Refused(Refusal::TwoContacts) => "two contacts",
                Meeting::Refused(Refusal::AnotherKey) => "another key",
            }
        });
        let met = met.collect::<Vec<_>>().join(", ");
        (rehearsal, met)
    }

    const PEOPLE: [(i64, &str, &str); 3] = [(1, "a@x.com", "A"), (2, "b@x.com", "B"), (3, "c@x.com", "")];

    #[test]
    fn a6_the_first_row_of_a_contact_speaks_for_it_whichever_name_it_has() {
        for (rows, expected) in [
            (vec![("n@x.com", ""), ("N@x.com", ""), ("a@x.com", ""), ("a@x.com", "A")], "new, again, first, again"),
            (vec![("a@x.com", "A"), ("new@x.com", "A")], "first, two addresses"),
            (vec![("n@x.com", "N"), ("n@x.com", "N"), ("m@x.com", "N")], "new, again, two addresses"),
            // The key comes with the contact of the address that has none yet, and finds it from then on.
            (vec![("c@x.com", "C"), ("c@x.com", "C"), ("d@x.com", "C")], "first, again, two addresses"),
            (vec![("erased@x.com", ""), ("erased@x.com", "A"), ("a@x.com", "A")], "erased, erased, first"),
            (vec![("a@x.com", "A"), ("erased@x.com", "A")], "first, erased"),
        ] {
            assert_eq!(rehearse(&PEOPLE, &rows).1, expected, "{rows:?}");
        }
    }

    #[test]
    fn a_row_that_would_join_or_part_two_people_is_refused() {
        for (rows, expected) in [
            (vec![("b@x.com", "A")], "two contacts"),
            (vec![("a@x.com", "Z")], "another key"),
            (vec![("n@x.com", ""), ("n@x.com", "A")], "new, two contacts"),
            (vec![("n@x.com", "N"), ("n@x.com", "M")], "new, again"),
        ] {
            assert_eq!(rehearse(&PEOPLE, &rows).1, expected, "{rows:?}");
        }
    }

    #[test]
    fn an_address_that_was_given_up_is_free_and_the_one_taken_is_not() {
        let (rehearsal, met) =
            rehearse(&PEOPLE, &[("new@x.com", "A"), ("a@x.com", ""), ("a@x.com", "B"), ("new@x.com", "")]);
        assert_eq!(met, "first, new, two contacts, again");
        assert!(rehearsal.has_met(ContactId(1)) && !rehearsal.has_met(ContactId(2)));
    }

    #[test]
    fn an_address_of_before_a_merge_means_the_contact_that_stayed_and_moves_nobody() {
        let known = Acquaintance {
            by_email: Some(KnownContact {
                id: ContactId(1),
                email_key: "a@x.com".to_owned(),
                external_id: Some("A".to_owned()),
            }),
            ..Acquaintance::default()
        };
        let by_both = Acquaintance { by_key: known.by_email.clone(), ..known.clone() };
        let (old, own) = (EmailAddress::parse("old@x.com").unwrap(), EmailAddress::parse("a@x.com").unwrap());
        let mut rehearsal = Rehearsal::default();
        assert_eq!(rehearsal.take(&old, None, &known), Meeting::First(()));
        assert_eq!(rehearsal.take(&own, None, &known), Meeting::Again(()));
        assert_eq!(rehearsal.take(&old, None, &known), Meeting::Again(()));
        let mut rehearsal = Rehearsal::default();
        assert_eq!(rehearsal.take(&old, Some("A"), &by_both), Meeting::First(()));
        assert_eq!(rehearsal.take(&own, Some("A"), &by_both), Meeting::Again(()));
    }
}
