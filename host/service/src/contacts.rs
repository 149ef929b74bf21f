//! One contact at a time: find, write and tag (rows D1 and D2).

use postroom_domain::contact::{ContactId, FieldPatch};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::{FieldDefinition, FieldFault, FieldPath, FieldType, FieldValue};
use postroom_domain::history::ContactEvent;
use postroom_store::contacts::{Contact, ContactDetail, ContactQuery, ContactRef, ContactUpsert, Written};
use serde::Serialize;

use crate::names::known;
use crate::{Result, Service, ServiceError, names, paging};

/// The length of a contact's public hash, in hexadecimal digits.
const HASH_DIGITS: usize = 32;
/// What stands before the key of another system where a contact is named by it.
const EXTERNAL_PREFIX: &str = "external:";

/// A page of contacts.
#[derive(Debug, Clone, Serialize)]
pub struct ContactPage {
    /// The contacts, by number.
    pub contacts: Vec<Contact>,
    /// Where the next page begins; none at the end.
    pub next: Option<ContactId>,
}

/// A contact to be made, or updated if there is one of this address.
#[derive(Debug, Clone, Default)]
pub struct AddContact {
    /// Its e-mail address.
    pub email: String,
    /// Its key in the system that it comes from.
    pub external_id: Option<String>,
    /// Places and values as people write them: `("address.city", "Tartu")`. An empty value empties
    /// the place.
    pub values: Vec<(String, String)>,
    /// The lists to put it on.
    pub lists: Vec<String>,
    /// The tags to put on it.
    pub tags: Vec<String>,
}

/// Changes to a contact.
#[derive(Debug, Clone, Default)]
pub struct EditContact {
    /// Whom, in words.
    pub who: String,
    /// Its new address: the contact keeps its member and its tags (row A8).
    pub email: Option<String>,
    /// Its new key in the system that it comes from.
    pub external_id: Option<String>,
    /// As in [`AddContact::values`].
    pub values: Vec<(String, String)>,
}

/// What became of a contact.
#[derive(Debug, Clone, Serialize)]
pub struct ContactWritten {
    /// New, changed, or so already.
    pub outcome: Written,
    /// How it stands now.
    pub contact: Contact,
    /// The lists that it joined by this.
    pub joined: Vec<String>,
}

/// What became of a tag of ours.
#[derive(Debug, Clone, Serialize)]
pub struct ContactTagged {
    /// The tag.
    pub tag: String,
    /// Whether the contact bears it now.
    pub present: bool,
    /// Whether that is new.
    pub changed: bool,
}

impl Service {
    /// A page of contacts, found by a part of their address.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn contacts(&self, query: &ContactQuery) -> Result<ContactPage> {
        let contacts = self.store().contacts(query).await?;
        let next = paging::next(&contacts, query.limit, |contact| contact.id);
        Ok(ContactPage { contacts, next })
    }

    /// One contact with all that is known of it.
    ///
    /// # Errors
    ///
    /// Bad input for a name that is none, not found.
    pub async fn contact(&self, who: &str) -> Result<ContactDetail> {
        self.detail(&contact_ref(who)?, who).await
    }

    /// The story of a contact since it was made: what happened to it, when, and who did it, oldest first.
    ///
    /// # Errors
    ///
    /// Bad input for a name that is none, not found.
    pub async fn contact_history(&self, who: &str) -> Result<Vec<ContactEvent>> {
        Ok(self.store().contact_history(&contact_ref(who)?).await?)
    }

    /// Makes a contact, or updates the one of this address (row D1).
    ///
    /// # Errors
    ///
    /// Bad input for an address, a field or a value that is none; not found for a list.
    pub async fn add_contact(&self, request: AddContact) -> Result<ContactWritten> {
        let email = address(&request.email)?;
        let patch = self.patch(&request.values).await?;
        for list in &request.lists {
            self.store().list(list).await?;
        }
        let external_id = request.external_id.map(external_id).transpose()?;
        let upsert = ContactUpsert { who: None, email: Some(email), external_id, patch, at: self.now() };
        let (id, outcome) = self.store().upsert_contact(&upsert).await?;
        let who = ContactRef::Id(id);
        let mut joined = Vec::new();
        for list in request.lists {
            if self.store().add_entry(&list, &who, self.now()).await? {
                joined.push(list);
            }
        }
        for tag in &request.tags {
            self.store().tag_contact(&who, names::checked("a tag", tag)?, true, self.now()).await?;
        }
        let contact = self.detail(&who, &request.email).await?.contact;
        Ok(ContactWritten { outcome, contact, joined })
    }

    /// Changes a contact. A new address is a rename of the same contact.
    ///
    /// # Errors
    ///
    /// Bad input, not found; a conflict when the new address or key is another contact's.
    pub async fn edit_contact(&self, request: EditContact) -> Result<ContactWritten> {
        let who = contact_ref(&request.who)?;
        let email = request.email.as_deref().map(address).transpose()?;
        let patch = self.patch(&request.values).await?;
        let external_id = request.external_id.map(external_id).transpose()?;
        let upsert = ContactUpsert { who: Some(who), email, external_id, patch, at: self.now() };
        let (id, outcome) = self.store().upsert_contact(&upsert).await?;
        let contact = self.detail(&ContactRef::Id(id), &request.who).await?.contact;
        Ok(ContactWritten { outcome, contact, joined: Vec::new() })
    }

    /// Joins two contacts that are one person: `kept` stays, and what only `other` had comes over.
    ///
    /// # Errors
    ///
    /// Bad input, not found; a conflict with the reason when they can't be joined as they are.
    pub async fn merge_contacts(&self, kept: &str, other: &str) -> Result<Contact> {
        let id = self.store().merge_contacts(&contact_ref(kept)?, &contact_ref(other)?, self.now()).await?;
        Ok(self.detail(&ContactRef::Id(id), kept).await?.contact)
    }

    /// Deletes a contact and its entries. At the next run of each sync its tag comes off (row A8).
    ///
    /// # Errors
    ///
    /// Bad input, not found.
    pub async fn remove_contact(&self, who: &str) -> Result<ContactId> {
        Ok(self.store().delete_contact(&contact_ref(who)?, self.now()).await?)
    }

    /// Puts a tag on a contact, or takes it off.
    ///
    /// # Errors
    ///
    /// Bad input, not found.
    pub async fn tag_contact(&self, who: &str, tag: &str, present: bool) -> Result<ContactTagged> {
        let tag = names::checked("a tag", tag)?.to_owned();
        let changed = self.store().tag_contact(&contact_ref(who)?, &tag, present, self.now()).await?;
        Ok(ContactTagged { tag, present, changed })
    }

    pub(crate) async fn detail(&self, who: &ContactRef, named: &str) -> Result<ContactDetail> {
        let found = self.store().contact(who).await?;
        found.ok_or_else(|| ServiceError::NotFound(format!("there is no contact `{named}`")))
    }

    pub(crate) async fn patch(&self, values: &[(String, String)]) -> Result<FieldPatch> {
        if values.is_empty() {
            return Ok(FieldPatch::default());
        }
        let definitions = self.store().fields().await?;
        let changes = values.iter().map(|(path, text)| change(path, text, &definitions));
        Ok(FieldPatch { changes: changes.collect::<Result<_>>()? })
    }
}

/// Reads how people name a contact: an address, its hash, `#` and its number, or `external:` and
/// its key in another system.
///
/// # Errors
///
/// Bad input, with what would be taken.
pub fn contact_ref(text: &str) -> Result<ContactRef> {
    let text = text.trim();
    if let Some(number) = text.strip_prefix('#').unwrap_or(text).parse::<i64>().ok().filter(|number| *number > 0) {
        return Ok(ContactRef::Id(ContactId(number)));
    }
    if let Some(key) = text.strip_prefix(EXTERNAL_PREFIX).filter(|key| !key.is_empty()) {
        return Ok(ContactRef::ExternalId(key.to_owned()));
    }
    if text.len() == HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(ContactRef::Hash(text.to_lowercase()));
    }
    EmailAddress::parse(text).map(ContactRef::Email).map_err(|_| {
        ServiceError::BadInput(format!(
            "`{text}` names no contact: write its e-mail address, its number as in #12, its hash of {HASH_DIGITS} \
             digits, or {EXTERNAL_PREFIX}KEY"
        ))
    })
}

pub(crate) fn address(text: &str) -> Result<EmailAddress> {
    EmailAddress::parse(text).map_err(|fault| ServiceError::BadInput(fault.to_string()))
}

/// One place and its value, read by the definition of its field.
fn change(path: &str, text: &str, definitions: &[FieldDefinition]) -> Result<(FieldPath, Option<FieldValue>)> {
    let bad = |fault: FieldFault| ServiceError::BadInput(format!("`{path}`: {fault}"));
    let place: FieldPath = path.parse().map_err(bad)?;
    let Some(definition) = definitions.iter().find(|definition| definition.name == place.field) else {
        let names = known(definitions.iter().map(|definition| definition.name.as_str()));
        return Err(ServiceError::BadInput(format!("there is no field `{}`; there are {names}", place.field)));
    };
    if place.part.is_some() && definition.kind != FieldType::Address {
        let message = format!("`{}` is a {} and has no parts: write `{}`", place.field, definition.kind, place.field);
        return Err(ServiceError::BadInput(message));
    }
    let value = definition.read_at(place.part, text).map_err(bad)?;
    Ok((place, value))
}

/// An external key as it is written: one of blanks is none, which would be the key of whoever got it first.
fn external_id(text: String) -> Result<String> {
    if text.trim().is_empty() {
        return Err(ServiceError::BadInput(
            "an external key can't be empty: write the key, or leave it out".to_owned(),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use postroom_domain::field::standard_fields;

    use super::*;

    #[test]
    fn d1_a_contact_is_named_in_four_ways() {
        assert_eq!(contact_ref("#12").unwrap(), ContactRef::Id(ContactId(12)));
        assert_eq!(contact_ref("12").unwrap(), ContactRef::Id(ContactId(12)));
        assert_eq!(contact_ref("external:G-7").unwrap(), ContactRef::ExternalId("G-7".into()));
        let hash = "00112233445566778899AABBCCDDEEFF";
        assert_eq!(contact_ref(hash).unwrap(), ContactRef::Hash(hash.to_lowercase()));
        assert!(matches!(contact_ref(" jana@example.com ").unwrap(), ContactRef::Email(_)));
        for text in ["", "jana", "#", "-3", "external:"] {
            assert!(contact_ref(text).is_err(), "{text}");
        }
    }

    #[test]
    fn d4_a_value_is_read_by_its_field() {
        let fields = standard_fields();
        assert!(change("firstname", "Jana", &fields).unwrap().1.is_some());
        assert!(change("firstname", "", &fields).unwrap().1.is_none());
        assert!(change("address", "", &fields).unwrap().1.is_none());
        assert!(change("address.city", "Tartu", &fields).unwrap().1.is_some());
        for (path, text) in [("address", "Tartu"), ("firstname.city", "x"), ("nickname", "x"), ("birthday", "soon")] {
            let message = change(path, text, &fields).unwrap_err().to_string();
            assert!(message.contains(path.split('.').next().unwrap()), "{message}");
        }
    }
}
