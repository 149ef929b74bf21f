//! Rows of contacts: how one is found and changed. Single writes and imports share it.

use jiff::Timestamp;
use postroom_domain::consent::{Consent, ConsentAct, ConsentEvent, ConsentSource};
use postroom_domain::contact::{ContactId, FieldPatch};
use postroom_domain::email::EmailAddress;
use postroom_domain::field::Fields;
use postroom_domain::history::{Data, differences};
use postroom_domain::meeting::Named;
use postroom_store::StoreError;
use postroom_store::contacts::{ContactRef, Written};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};
use uuid::Uuid;

use crate::columns::micros;
use crate::failure::Step;
use crate::key::SecretKey;
use crate::sequence::{Change, Numbers};
use crate::{aliases, consent_rows, history_rows, scope_rows, suppression};

/// A contact as far as a write needs it.
pub(crate) struct StoredContact {
    pub(crate) id: ContactId,
    pub(crate) email: String,
    pub(crate) email_key: String,
    pub(crate) external_id: Option<String>,
    pub(crate) fields: String,
    pub(crate) consent: Consent,
}

impl Named for StoredContact {
    fn email_key(&self) -> &str {
        &self.email_key
    }

    fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }
}

/// What a write says of a contact.
pub(crate) struct Said<'a> {
    pub(crate) email: Option<&'a EmailAddress>,
    pub(crate) external_id: Option<&'a str>,
    pub(crate) patch: &'a FieldPatch,
    /// The fields of a contact that has nothing but what the patch says, as they are stored, where that
    /// is known already.
    pub(crate) alone: Option<&'a str>,
    /// Who says it: stands in the history when the address changes.
    pub(crate) source: ConsentSource,
    pub(crate) at: Timestamp,
    /// Recognises addresses that left a withdrawal behind.
    pub(crate) key: &'a SecretKey,
    /// Whether any address did: false spares the search.
    pub(crate) some_withdrew: bool,
}

/// What became of a contact that was there.
pub(crate) struct Update {
    pub(crate) written: Written,
    pub(crate) renamed: bool,
    pub(crate) consent: Consent,
}

/// The columns of a [`StoredContact`].
macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, email, email_key, external_id, fields, will, deliverability FROM contacts WHERE ",
            $condition
        )
    };
}

/// Finds a contact by any of its names.
pub(crate) fn find(connection: &Connection, who: &ContactRef) -> Step<Option<StoredContact>> {
    match who {
        ContactRef::Id(id) => by_id(connection, *id),
        ContactRef::Email(email) => by_any_email(connection, email),
        ContactRef::ExternalId(key) => by_external_id(connection, key),
        ContactRef::Hash(hash) => match Uuid::try_parse(hash) {
            Ok(hash) => match one(connection, select!("public_hash = ?"), hash.as_bytes())? {
                Some(found) => Ok(Some(found)),
                None => or_none(connection, aliases::of_hash(connection, hash.as_bytes())?),
            },
            // What is no hash is the hash of nobody.
            Err(_) => Ok(None),
        },
    }
}

/// Finds a contact, or says that there is none.
pub(crate) fn require(connection: &Connection, who: &ContactRef) -> Step<StoredContact> {
    find(connection, who)?.ok_or_else(|| {
        let name = match who {
            ContactRef::Id(id) => id.0.to_string(),
            ContactRef::Email(email) => email.to_string(),
            ContactRef::Hash(text) | ContactRef::ExternalId(text) => text.clone(),
        };
        let mend = "check the spelling, or add the contact first".to_owned();
        StoreError::NotFound { kind: "contact", name, mend }.into()
    })
}

/// Finds the contact of an address.
pub(crate) fn by_email(connection: &Connection, email: &EmailAddress) -> Step<Option<StoredContact>> {
    one(connection, select!("email_key = ?"), &email.key())
}

/// The same where the address may also be one that the contact had before a merge: then it is another than
/// the contact's own.
pub(crate) fn by_any_email(connection: &Connection, email: &EmailAddress) -> Step<Option<StoredContact>> {
    match by_email(connection, email)? {
        Some(found) => Ok(Some(found)),
        None => or_none(connection, aliases::of_email(connection, email)?),
    }
}

fn by_id(connection: &Connection, id: ContactId) -> Step<Option<StoredContact>> {
    one(connection, select!("id = ?"), &id.0)
}

fn or_none(connection: &Connection, id: Option<ContactId>) -> Step<Option<StoredContact>> {
    id.map_or(Ok(None), |id| by_id(connection, id))
}

/// Finds the contact of an external key.
pub(crate) fn by_external_id(connection: &Connection, key: &str) -> Step<Option<StoredContact>> {
    one(connection, select!("external_id = ?"), &key)
}

fn one(connection: &Connection, sql: &str, name: &dyn ToSql) -> Step<Option<StoredContact>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(read).transpose()
}

fn read(row: &Row<'_>) -> Step<StoredContact> {
    Ok(StoredContact {
        id: ContactId(row.get(0)?),
        email: row.get(1)?,
        email_key: row.get(2)?,
        external_id: row.get(3)?,
        fields: row.get(4)?,
        consent: consent_rows::stored(row, 5)?,
    })
}

/// Brings a contact up to what was said; writes nothing where that is so already. The caller has
/// made sure that a new address or key is free.
pub(crate) fn update(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    stored: &StoredContact,
    said: &Said<'_>,
) -> Step<Update> {
    let email = said.email.map_or(stored.email.as_str(), EmailAddress::as_str);
    let email_key = said.email.map_or(stored.email_key.as_str(), EmailAddress::key);
    let external_id = said.external_id.or(stored.external_id.as_deref());
    let has_same_names = email == stored.email && external_id == stored.external_id.as_deref();
    let fields = after(&stored.fields, said)?;
    let Some(fields) = fields.or_else(|| (!has_same_names).then(|| stored.fields.clone())) else {
        return Ok(Update { written: Written::Unchanged, renamed: false, consent: stored.consent });
    };
    note_change(connection, stored, said, (email, external_id, &fields))?;
    let seq = numbers.take(Change::Contact, Some(stored.id), None)?;
    connection
        .prepare_cached(
            "UPDATE contacts SET email = ?, email_key = ?, external_id = ?, fields = ?, seq = ?,
                                 updated_at = max(updated_at, ?)
             WHERE id = ?",
        )?
        .execute((email, email_key, external_id, fields, seq, micros(said.at), stored.id.0))?;
    let renamed = email_key != stored.email_key;
    let mut consent = stored.consent;
    if renamed {
        aliases::release(connection, email_key)?;
        // The person keeps the withdrawal, and so does the address: whoever comes under it next has
        // not agreed either.
        suppression::keep(connection, said.key, stored, said.at)?;
        suppression::keep_scopes(connection, said.key, &stored.email_key, stored.id, said.at)?;
        let event = ConsentEvent::new(said.at, ConsentAct::AddressChanged, said.source);
        consent = consent_rows::record(connection, stored.id, stored.consent, &event)?;
        for withdrawal in
            said.email.map(|email| suppression::take(connection, said.key, email)).transpose()?.iter().flatten()
        {
            if withdrawal.scope.is_whole() {
                consent = consent_rows::record(connection, stored.id, consent, withdrawal)?;
            } else {
                scope_rows::record(connection, stored.id, withdrawal)?;
            }
        }
    }
    Ok(Update { written: Written::Updated, renamed, consent })
}

/// Keeps what an update changes, with what stood there.
fn note_change(
    connection: &Connection,
    stored: &StoredContact,
    said: &Said<'_>,
    (email, external_id, fields): (&str, Option<&str>, &str),
) -> Step<()> {
    let (before, after): (Fields, Fields) = (serde_json::from_str(&stored.fields)?, serde_json::from_str(fields)?);
    let before = Data { email: &stored.email, external_id: stored.external_id.as_deref(), fields: &before };
    let values = differences(before, Data { email, external_id, fields: &after });
    history_rows::append_values(connection, stored.id, said.at, said.source, &values)
}

/// The stored fields after what is said; none if it says nothing new.
///
/// Carrying a patch out twice is carrying it out once. So what is stored as the patch alone would be
/// needs no look at its values.
fn after(stored: &str, said: &Said<'_>) -> Step<Option<String>> {
    if said.alone == Some(stored) {
        return Ok(None);
    }
    let before: Fields = serde_json::from_str(stored)?;
    let mut fields = before.clone();
    said.patch.apply(&mut fields);
    Ok(if fields == before { None } else { Some(serde_json::to_string(&fields)?) })
}

/// Takes a number for a change of a contact that stands in other tables than its own. News that come late
/// do not make its last change older.
pub(crate) fn touch(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    change: Change,
    contact: ContactId,
    at: Timestamp,
) -> Step<()> {
    let seq = numbers.take(change, Some(contact), None)?;
    connection
        .prepare_cached("UPDATE contacts SET seq = ?, updated_at = max(updated_at, ?) WHERE id = ?")?
        .execute((seq, micros(at), contact.0))?;
    Ok(())
}

/// Whether a contact has this address still, and its consent if it has.
pub(crate) fn consent_of(connection: &Connection, id: ContactId, email: &EmailAddress) -> Step<Option<Consent>> {
    let mut statement =
        connection.prepare_cached("SELECT will, deliverability FROM contacts WHERE id = ? AND email_key = ?")?;
    let mut rows = statement.query((id.0, email.key()))?;
    rows.next()?.map(|row| consent_rows::stored(row, 0)).transpose()
}

/// Another contact than `own` that has an address, as its own or since before a merge.
pub(crate) fn other_with_email(
    connection: &Connection,
    email: &EmailAddress,
    own: ContactId,
) -> Step<Option<StoredContact>> {
    Ok(by_any_email(connection, email)?.filter(|holder| holder.id != own))
}

/// Whether an external key belongs to a contact other than `own`.
pub(crate) fn other_with_external_id(connection: &Connection, key: &str, own: ContactId) -> Step<bool> {
    other(connection, "SELECT id FROM contacts WHERE external_id = ?", key, own)
}

fn other(connection: &Connection, sql: &str, name: &str, own: ContactId) -> Step<bool> {
    let holder: Option<i64> = connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
    Ok(holder.is_some_and(|holder| holder != own.0))
}
