//! Names that a contact had before it was merged into another: its address and its hash. They go on finding
//! the one that stayed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use rusqlite::{Connection, OptionalExtension, ToSql};

use crate::columns::{address, micros};
use crate::contact_rows::StoredContact;
use crate::failure::Step;

/// Keeps the names of a contact that goes into another, and those that it has kept itself.
pub(crate) fn keep(connection: &Connection, other: &StoredContact, kept: ContactId, at: Timestamp) -> Step<()> {
    connection.execute("UPDATE contact_aliases SET contact_id = ? WHERE contact_id = ?", (kept.0, other.id.0))?;
    connection.execute(
        "INSERT INTO contact_aliases (contact_id, public_hash, email, email_key, at)
         SELECT ?, public_hash, email, email_key, ? FROM contacts WHERE id = ?",
        (kept.0, micros(at), other.id.0),
    )?;
    Ok(())
}

/// Whether any contact has such a name. It spares imports the search where there is none.
pub(crate) fn is_any(connection: &Connection) -> Step<bool> {
    Ok(connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM contact_aliases)")?.query_row([], |row| row.get(0))?)
}

/// The contact that had this address as another one.
pub(crate) fn of_email(connection: &Connection, email: &EmailAddress) -> Step<Option<ContactId>> {
    one(connection, "SELECT contact_id FROM contact_aliases WHERE email_key = ?", &email.key())
}

/// The contact that had this hash as another one.
pub(crate) fn of_hash(connection: &Connection, hash: &[u8; 16]) -> Step<Option<ContactId>> {
    one(connection, "SELECT contact_id FROM contact_aliases WHERE public_hash = ?", hash)
}

fn one(connection: &Connection, sql: &str, name: &dyn ToSql) -> Step<Option<ContactId>> {
    let found: Option<i64> = connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
    Ok(found.map(ContactId))
}

/// Says that an address is a contact's own again. Its hash goes on finding the contact.
pub(crate) fn release(connection: &Connection, email_key: &str) -> Step<()> {
    connection
        .prepare_cached("UPDATE contact_aliases SET email = NULL, email_key = NULL WHERE email_key = ?")?
        .execute([email_key])?;
    Ok(())
}

/// The other addresses of a contact, in alphabetical order.
pub(crate) fn addresses_of(connection: &Connection, contact: ContactId) -> Step<Vec<EmailAddress>> {
    let mut statement = connection.prepare_cached(
        "SELECT email FROM contact_aliases WHERE contact_id = ? AND email IS NOT NULL ORDER BY email_key",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut addresses = Vec::new();
    while let Some(row) = rows.next()? {
        addresses.push(address(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    Ok(addresses)
}

/// The other addresses of all contacts that have any.
pub(crate) fn all(connection: &Connection) -> Step<BTreeMap<ContactId, Vec<EmailAddress>>> {
    let mut statement = connection
        .prepare_cached("SELECT contact_id, email FROM contact_aliases WHERE email IS NOT NULL ORDER BY email_key")?;
    let mut rows = statement.query([])?;
    let mut all: BTreeMap<ContactId, Vec<EmailAddress>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let email = address(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?;
        all.entry(ContactId(row.get(0)?)).or_default().push(email);
    }
    Ok(all)
}
