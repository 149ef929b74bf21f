//! The withdrawals that addresses leave behind, under a hash of the address (invariant 2): of contacts
//! that were deleted, and of those that took another address.

use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, Will};
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
    if contact.consent.will == Will::Withdrawn {
        connection.execute(
            "INSERT INTO suppressions (address_hash, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (key.address_hash(&contact.email_key), micros(at)),
        )?;
    }
    Ok(())
}

/// Whether any address left a withdrawal behind.
pub(crate) fn is_any(connection: &Connection) -> Step<bool> {
    Ok(connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions)")?.query_row([], |row| row.get(0))?)
}

/// The withdrawal that a contact of this address comes back with, if it left one. From here on it
/// stands in the contact's history.
pub(crate) fn take(connection: &Connection, key: &SecretKey, email: &EmailAddress) -> Step<Option<ConsentEvent>> {
    let at: Option<i64> = connection
        .prepare_cached("DELETE FROM suppressions WHERE address_hash = ? RETURNING at")?
        .query_row([key.address_hash(email.key())], |row| row.get(0))
        .optional()?;
    at.map(|at| {
        Ok(ConsentEvent {
            at: timestamp(at)?,
            act: ConsentAct::Withdrawn,
            source: ConsentSource::Contact,
            evidence: Some(EVIDENCE.to_owned()),
        })
    })
    .transpose()
}
