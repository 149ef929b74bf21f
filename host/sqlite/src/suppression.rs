//! What addresses leave behind, under a hash of the address: the withdrawals of contacts that were deleted,
//! or took another address (invariant 2), and that a person was erased.

use postroom_domain::consent::{Consent, ConsentAct, ConsentEvent, ConsentSource, Will};
use postroom_domain::email::EmailAddress;
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{micros, timestamp};
use crate::contact_rows::StoredContact;
use crate::failure::Step;
use crate::key::SecretKey;

/// What stands as evidence in the history of a contact that comes back.
const EVIDENCE: &str = "this address had withdrawn before";

/// Keeps the withdrawal of a contact whose address is about to be nobody's.
pub(crate) fn keep(connection: &Connection, key: &SecretKey, contact: &StoredContact, at: jiff::Timestamp) -> Step<()> {
    keep_address(connection, key, &contact.email_key, contact.consent, at)
}

/// The same for another address of the contact.
pub(crate) fn keep_address(
    connection: &Connection,
    key: &SecretKey,
    email_key: &str,
    consent: Consent,
    at: jiff::Timestamp,
) -> Step<()> {
    if consent.will == Will::Withdrawn {
        connection.execute(
            "INSERT INTO suppressions (address_hash, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (key.address_hash(email_key), micros(at)),
        )?;
    }
    Ok(())
}

/// Keeps an address from ever being taken again.
pub(crate) fn erase(connection: &Connection, digest: &[u8; 16], at: jiff::Timestamp) -> Step<()> {
    connection
        .prepare_cached(
            "INSERT INTO suppressions (address_hash, at, kind) VALUES (?, ?, 'erased')
             ON CONFLICT (address_hash) DO UPDATE SET kind = excluded.kind",
        )?
        .execute((digest, micros(at)))?;
    Ok(())
}

/// Whether the person of this address was erased.
pub(crate) fn is_erased(connection: &Connection, key: &SecretKey, email: &EmailAddress) -> Step<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions WHERE address_hash = ? AND kind = 'erased')")?
        .query_row([key.address_hash(email.key())], |row| row.get(0))?)
}

/// Whether any address left a withdrawal behind.
pub(crate) fn is_any(connection: &Connection) -> Step<bool> {
    Ok(connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions)")?.query_row([], |row| row.get(0))?)
}

/// The withdrawal that a contact of this address comes back with, if it left one. From here on it
/// stands in the contact's history.
pub(crate) fn take(connection: &Connection, key: &SecretKey, email: &EmailAddress) -> Step<Option<ConsentEvent>> {
    let at: Option<i64> = connection
        .prepare_cached("DELETE FROM suppressions WHERE address_hash = ? AND kind = 'withdrawn' RETURNING at")?
        .query_row([key.address_hash(email.key())], |row| row.get(0))
        .optional()?;
    at.map(|at| {
        let event = ConsentEvent::new(timestamp(at)?, ConsentAct::Withdrawn, ConsentSource::Contact);
        Ok(event.shown_by(EVIDENCE))
    })
    .transpose()
}
