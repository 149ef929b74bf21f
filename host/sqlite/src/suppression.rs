//! What addresses leave behind, under a hash of the address: the withdrawals of contacts that were deleted,
//! or took another address (invariant 2), and that a person was erased.

use postroom_domain::consent::{Consent, ConsentAct, ConsentEvent, ConsentSource, Will};
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::columns::{micros, timestamp};
use crate::contact_rows::StoredContact;
use crate::failure::Step;
use crate::key::SecretKey;
use crate::scope_rows;

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

/// Keeps the withdrawals of a contact for lists and purposes, under an address that is about to be nobody's.
pub(crate) fn keep_scopes(
    connection: &Connection,
    key: &SecretKey,
    email_key: &str,
    contact: ContactId,
    at: jiff::Timestamp,
) -> Step<()> {
    connection.execute(
        "INSERT INTO scope_suppressions (address_hash, list_id, purpose_id, at)
         SELECT :address, list_id, NULL, :at FROM list_withdrawals WHERE contact_id = :contact
         UNION ALL
         SELECT :address, NULL, purpose_id, :at FROM purpose_wills WHERE contact_id = :contact AND will = 'withdrawn'
         ON CONFLICT DO NOTHING",
        named_params! { ":address": key.address_hash(email_key), ":at": micros(at), ":contact": contact.0 },
    )?;
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
    connection.prepare_cached("DELETE FROM scope_suppressions WHERE address_hash = ?")?.execute([digest])?;
    Ok(())
}

/// Whether the person of this address was erased.
pub(crate) fn is_erased(connection: &Connection, key: &SecretKey, email: &EmailAddress) -> Step<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions WHERE address_hash = ? AND kind = 'erased')")?
        .query_row([key.address_hash(email.key())], |row| row.get(0))?)
}

/// Whether an address is kept from being written to: its person was erased, or it left a withdrawal as a whole.
pub(crate) fn is_kept_out(connection: &Connection, key: &SecretKey, email_key: &str) -> Step<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions WHERE address_hash = ?)")?
        .query_row([key.address_hash(email_key)], |row| row.get(0))?)
}

/// Whether any address left a withdrawal behind.
pub(crate) fn is_any(connection: &Connection) -> Step<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppressions) OR EXISTS (SELECT 1 FROM scope_suppressions)")?
        .query_row([], |row| row.get(0))?)
}

/// The withdrawals that a contact of this address comes back with, if it left any: as a whole, and for lists and
/// purposes. From here on they stand in the contact's history.
pub(crate) fn take(connection: &Connection, key: &SecretKey, email: &EmailAddress) -> Step<Vec<ConsentEvent>> {
    let digest = key.address_hash(email.key());
    let withdrawn = |at: i64| -> Step<ConsentEvent> {
        let event = ConsentEvent::new(timestamp(at)?, ConsentAct::Withdrawn, ConsentSource::Contact);
        Ok(event.shown_by(EVIDENCE))
    };
    let whole: Option<i64> = connection
        .prepare_cached("DELETE FROM suppressions WHERE address_hash = ? AND kind = 'withdrawn' RETURNING at")?
        .query_row([digest], |row| row.get(0))
        .optional()?;
    let mut withdrawals: Vec<ConsentEvent> = whole.map(withdrawn).transpose()?.into_iter().collect();
    // A purpose that was removed is passed over until it is there again.
    let mut statement = connection.prepare_cached(
        "SELECT s.at, l.name, NULL, p.name FROM scope_suppressions s
         LEFT JOIN lists l ON l.id = s.list_id
         LEFT JOIN purposes p ON p.id = s.purpose_id AND p.is_defined = 1
         WHERE s.address_hash = ? AND (l.name IS NOT NULL OR p.name IS NOT NULL)",
    )?;
    let mut rows = statement.query([digest])?;
    while let Some(row) = rows.next()? {
        withdrawals.push(withdrawn(row.get(0)?)?.about(scope_rows::scope(row.get(1)?, row.get(2)?, row.get(3)?)?));
    }
    connection
        .prepare_cached(
            "DELETE FROM scope_suppressions
             WHERE address_hash = ?
               AND (purpose_id IS NULL OR purpose_id IN (SELECT id FROM purposes WHERE is_defined = 1))",
        )?
        .execute([digest])?;
    Ok(withdrawals)
}
