//! The use cases of contacts: one at a time, with their consent and their tags.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::consent::{ConsentEvent, ConsentSource, ConsentState};
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::history::ContactEvent;
use postroom_domain::meeting;
use postroom_store::contacts::{
    Contact, ContactDetail, ContactQuery, ContactRef, ContactStore, ContactUpsert, MemberOf, Written,
};
use postroom_store::{Result, StoreError};
use rusqlite::{Connection, Row, named_params};
use serde_json::json;
use uuid::Uuid;

use crate::columns::{address, from_word, hash16, timestamp};
use crate::contact_rows::{self, Said, StoredContact};
use crate::failure::Step;
use crate::intent_contacts::{self, Parting};
use crate::key::SecretKey;
use crate::member_rows::audiences_of;
use crate::sequence::{Change, Numbers};
use crate::store::SqliteStore;
use crate::{
    aliases, consent_rows, history, list_rows, member_rows, merge, new_contacts, scope_rows, suppression, tag_rows,
};

/// The columns of a [`Contact`], its tags as a JSON array.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.public_hash, c.email, c.external_id, c.fields, c.shown, c.created_at, c.updated_at,
                    (SELECT json_group_array(t.name) FROM contact_tags ct JOIN tags t ON t.id = ct.tag_id
                      WHERE ct.contact_id = c.id)
             FROM contacts c WHERE ",
            $rest
        )
    };
}

#[async_trait]
impl ContactStore for SqliteStore {
    async fn contact(&self, who: &ContactRef) -> Result<Option<ContactDetail>> {
        let who = who.clone();
        self.read("read a contact", move |connection| {
            let Some(found) = contact_rows::find(connection, &who)? else { return Ok(None) };
            let contact = {
                let mut statement = connection.prepare_cached(select!("c.id = ?"))?;
                let mut rows = statement.query([found.id.0])?;
                rows.next()?.map(read).transpose()?
            };
            let Some(contact) = contact else { return Ok(None) };
            Ok(Some(ContactDetail {
                consent_history: consent_rows::history(connection, contact.id)?,
                unsubscribed: scope_rows::unsubscribed(connection, contact.id)?,
                purposes: scope_rows::standings(connection, &contact)?,
                lists: list_rows::lists_of(connection, contact.id)?,
                members: members_of(connection, contact.id)?,
                aliases: aliases::addresses_of(connection, contact.id)?,
                contact,
            }))
        })
        .await
    }

    async fn contact_history(&self, who: &ContactRef) -> Result<Vec<ContactEvent>> {
        let who = who.clone();
        self.read("read the story of a contact", move |connection| {
            history::story(connection, contact_rows::require(connection, &who)?.id)
        })
        .await
    }

    async fn contacts(&self, query: &ContactQuery) -> Result<Vec<Contact>> {
        let query = query.clone();
        self.read("read contacts", move |connection| {
            let mut statement = connection.prepare_cached(select!(
                "c.id > :after AND (:search = '' OR instr(c.email_key, :search) > 0 OR instr(c.email, :search) > 0)
                 ORDER BY c.id LIMIT :limit"
            ))?;
            let mut rows = statement.query(named_params! {
                ":after": query.after.map_or(0, |id| id.0),
                ":search": query.search.trim().to_lowercase(),
                ":limit": query.limit,
            })?;
            let mut contacts = Vec::new();
            while let Some(row) = rows.next()? {
                contacts.push(read(row)?);
            }
            Ok(contacts)
        })
        .await
    }

    async fn list_names(&self, contacts: &[ContactId]) -> Result<Vec<Vec<String>>> {
        let contacts = contacts.to_vec();
        self.read("read the lists of contacts", move |connection| list_rows::lists_of_each(connection, &contacts)).await
    }

    async fn upsert_contact(&self, upsert: &ContactUpsert) -> Result<(ContactId, Written)> {
        let (upsert, key) = (upsert.clone(), self.key());
        self.write("write a contact", move |connection| {
            let mut numbers = Numbers::begin(connection, upsert.at)?;
            let (id, written) = write_one(connection, &mut numbers, &key, &upsert)?;
            numbers.end("contact-written", &json!({ "contact": id }))?;
            Ok((id, written))
        })
        .await
    }

    async fn merge_contacts(&self, kept: &ContactRef, other: &ContactRef, at: Timestamp) -> Result<ContactId> {
        let (kept, other) = (kept.clone(), other.clone());
        self.write("merge two contacts", move |connection| merge::merge(connection, (&kept, &other), at)).await
    }

    async fn delete_contact(&self, who: &ContactRef, at: Timestamp) -> Result<ContactId> {
        let (who, key) = (who.clone(), self.key());
        self.write("delete a contact", move |connection| {
            let stored = contact_rows::require(connection, &who)?;
            member_rows::require_told(connection, &stored)?;
            let mut numbers = Numbers::begin(connection, at)?;
            list_rows::remove_contact(connection, &mut numbers, stored.id)?;
            member_rows::keep_until_untagged(connection, stored.id, &stored.email, at)?;
            suppression::keep(connection, &key, &stored, at)?;
            suppression::keep_scopes(connection, &key, &stored.email_key, stored.id, at)?;
            for alias in aliases::addresses_of(connection, stored.id)? {
                suppression::keep_address(connection, &key, alias.key(), stored.consent, at)?;
                suppression::keep_scopes(connection, &key, alias.key(), stored.id, at)?;
            }
            intent_contacts::part(connection, stored.id, Parting::Deleted, at)?;
            connection.execute("DELETE FROM contacts WHERE id = ?", [stored.id.0])?;
            numbers.take(Change::ContactDeleted, Some(stored.id), None)?;
            numbers.end("contact-deleted", &json!({ "contact": stored.id }))?;
            Ok(stored.id)
        })
        .await
    }

    async fn record_consent(&self, who: &ContactRef, event: &ConsentEvent) -> Result<ConsentState> {
        let (who, event) = (who.clone(), event.clone());
        self.write("record consent", move |connection| {
            event.scope.admit(event.act).map_err(|fault| StoreError::Refused(fault.to_string()))?;
            let stored = contact_rows::require(connection, &who)?;
            let mut numbers = Numbers::begin(connection, event.at)?;
            let (is_changed, state) = if event.scope.is_whole() {
                let after = consent_rows::record(connection, stored.id, stored.consent, &event)?;
                (after != stored.consent, after.shown())
            } else {
                let (before, after) = scope_rows::record(connection, stored.id, &event)?;
                (after != before, after.into())
            };
            if is_changed {
                contact_rows::touch(connection, &mut numbers, Change::Consent, stored.id, event.at)?;
            }
            numbers.end("consent-recorded", &json!({ "contact": stored.id }))?;
            Ok(state)
        })
        .await
    }

    async fn tag_contact(&self, who: &ContactRef, tag: &str, present: bool, at: Timestamp) -> Result<bool> {
        let (who, tag) = (who.clone(), tag.trim().to_owned());
        self.write("tag a contact", move |connection| {
            if tag.is_empty() {
                return Err(StoreError::Refused("a tag needs a name: write at least one letter".to_owned()).into());
            }
            let stored = contact_rows::require(connection, &who)?;
            let mut numbers = Numbers::begin(connection, at)?;
            let changed = if present {
                tag_rows::put_on(connection, stored.id, &tag, at)?
            } else {
                tag_rows::take_off(connection, stored.id, &tag, at)?
            };
            if changed {
                contact_rows::touch(connection, &mut numbers, Change::Tags, stored.id, at)?;
            }
            numbers.end("contact-tagged", &json!({ "contact": stored.id, "present": present }))?;
            Ok(changed)
        })
        .await
    }
}

/// The number that no contact has: AUTOINCREMENT begins at 1.
const NOBODY: ContactId = ContactId(0);

/// Makes a contact as the operator says it is, or changes the one that is meant.
pub(crate) fn write_one(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    key: &SecretKey,
    upsert: &ContactUpsert,
) -> Step<(ContactId, Written)> {
    let target = target(connection, upsert)?;
    // Who is found by an address of before a merge keeps the address that it has now.
    let is_found_by = |email: &&EmailAddress| {
        upsert.who.is_none() && target.as_ref().is_some_and(|found| found.email_key != email.key())
    };
    let said = Said {
        email: upsert.email.as_ref().filter(|email| !is_found_by(email)),
        external_id: upsert.external_id.as_deref(),
        patch: &upsert.patch,
        alone: None,
        source: ConsentSource::Operator,
        at: upsert.at,
        key,
        some_withdrew: true,
    };
    match (&target, said.email) {
        (Some(stored), _) => {
            refuse_taken(connection, &said, stored.id)?;
            Ok((stored.id, contact_rows::update(connection, numbers, stored, &said)?.written))
        }
        (None, Some(email)) => {
            refuse_taken(connection, &said, NOBODY)?;
            Ok((new_contacts::create(connection, numbers, email, &said, Vec::new())?.0, Written::Created))
        }
        (None, None) => {
            let refusal = "a new contact needs an e-mail address: add one to what is written";
            Err(StoreError::Refused(refusal.to_owned()).into())
        }
    }
}

/// The contact that a write means; none for a new one.
fn target(connection: &Connection, upsert: &ContactUpsert) -> Step<Option<StoredContact>> {
    match (&upsert.who, &upsert.email, &upsert.external_id) {
        (Some(who), _, _) => contact_rows::require(connection, who).map(Some),
        (None, Some(email), _) => contact_rows::by_any_email(connection, email),
        (None, None, Some(key)) => contact_rows::by_external_id(connection, key),
        (None, None, None) => Ok(None),
    }
}

/// Refuses an address or a key that another contact has: one address, one contact (row D1).
fn refuse_taken(connection: &Connection, said: &Said<'_>, own: ContactId) -> Step<()> {
    if let Some(email) = said.email
        && suppression::is_erased(connection, said.key, email)?
    {
        return Err(StoreError::Refused(meeting::ERASED.to_owned()).into());
    }
    if let Some(email) = said.email
        && let Some(holder) = contact_rows::other_with_email(connection, email, own)?
    {
        return Err(StoreError::Refused(if holder.email_key == email.key() {
            format!("the address {email} belongs to another contact: use another one, or delete that contact first")
        } else {
            format!(
                "the address {email} belongs to another contact, {}, since a merge: use another one, or delete that \
                 contact first",
                holder.email
            )
        })
        .into());
    }
    if let Some(key) = said.external_id
        && contact_rows::other_with_external_id(connection, key, own)?
    {
        return Err(StoreError::Refused(format!(
            "the external key `{key}` belongs to another contact: use another one, or delete that contact first"
        ))
        .into());
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Step<Contact> {
    let hash: Vec<u8> = row.get(1)?;
    let (email, fields, consent, tags): (String, String, String, String) =
        (row.get(2)?, row.get(4)?, row.get(5)?, row.get(8)?);
    let mut tags: Vec<String> = serde_json::from_str(&tags)?;
    tags.sort_unstable();
    Ok(Contact {
        id: ContactId(row.get(0)?),
        hash: Uuid::from_bytes(hash16(&hash)?).simple().to_string(),
        email: address(&email)?,
        external_id: row.get(3)?,
        fields: serde_json::from_str(&fields)?,
        consent: from_word("consent state", &consent)?,
        tags,
        created_at: timestamp(row.get(6)?)?,
        updated_at: timestamp(row.get(7)?)?,
    })
}

/// The contacts of these numbers, in their order; none for those that are gone.
pub(crate) fn by_ids(connection: &Connection, ids: &[i64]) -> Step<Vec<Contact>> {
    let mut statement = connection.prepare_cached(select!("c.id IN (SELECT value FROM json_each(?)) ORDER BY c.id"))?;
    let mut rows = statement.query([serde_json::to_string(ids)?])?;
    let mut contacts = Vec::with_capacity(ids.len());
    while let Some(row) = rows.next()? {
        contacts.push(read(row)?);
    }
    Ok(contacts)
}

/// The audiences that know a contact.
fn members_of(connection: &Connection, contact: ContactId) -> Step<Vec<MemberOf>> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT a.name, au.name, m.remote_id, m.status, m.confirmed_at FROM ",
        audiences_of!(),
        "? JOIN accounts a ON a.id = au.account_id ORDER BY a.name, au.name",
    ))?;
    let mut rows = statement.query([contact.0])?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        members.push(MemberOf {
            account: row.get(0)?,
            audience: row.get(1)?,
            remote_id: row.get(2)?,
            status: row.get(3)?,
            confirmed_at: timestamp(row.get(4)?)?,
        });
    }
    Ok(members)
}
