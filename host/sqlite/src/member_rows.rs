//! What stays of a contact at its audiences when the contact itself goes (row A8).

use std::collections::BTreeSet;

use jiff::Timestamp;
use postroom_domain::consent::Will;
use postroom_domain::contact::ContactId;
use postroom_store::StoreError;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::columns::micros;
use crate::contact_rows::StoredContact;
use crate::failure::Step;

/// The audiences that know a contact, each with what it knows; the contact is to be named behind it. The key of that table
/// begins with the audience: left to itself, SQLite would read the members of all audiences to find one contact's.
macro_rules! audiences_of {
    () => {
        "audiences au CROSS JOIN remote_members m ON m.audience_id = au.id AND m.contact_id = "
    };
}
pub(crate) use audiences_of;

/// Refuses to forget a contact whose withdrawal an audience has not been told of: afterwards nobody
/// would know whom to unsubscribe there (invariant 2).
pub(crate) fn require_told(connection: &Connection, contact: &StoredContact) -> Step<()> {
    if contact.consent.will != Will::Withdrawn {
        return Ok(());
    }
    let audience: Option<String> = connection
        .prepare_cached(concat!(
            "SELECT au.name FROM ",
            audiences_of!(),
            "? WHERE coalesce(m.status, 'pending') IN ('subscribed', 'pending') LIMIT 1",
        ))?
        .query_row([contact.id.0], |row| row.get(0))
        .optional()?;
    match audience {
        None => Ok(()),
        Some(audience) => Err(StoreError::Refused(format!(
            "the contact withdrew its consent, and the audience `{audience}` has not been told: run its sync, or add \
             one if there is none any more, then delete the contact"
        ))
        .into()),
    }
}

/// Keeps what is needed to take the syncs' tags off a contact that is being deleted, with the
/// address that the provider has; everything else of it at its audiences goes at once.
pub(crate) fn keep_until_untagged(
    connection: &Connection,
    contact: ContactId,
    address: &str,
    at: Timestamp,
) -> Step<()> {
    connection.execute(
        "INSERT INTO remote_members (audience_id, contact_id, address, base, confirmed_at)
         SELECT DISTINCT s.audience_id, m.contact_id, :address, '{}', :at
         FROM syncs s CROSS JOIN sync_members m ON m.sync_id = s.id AND m.contact_id = :contact
         WHERE m.tag_owned IS NOT NULL
         ON CONFLICT (audience_id, contact_id) DO UPDATE SET address = coalesce(address, excluded.address)",
        named_params! { ":contact": contact.0, ":address": address, ":at": micros(at) },
    )?;
    connection.execute(
        "DELETE FROM sync_members
         WHERE sync_id IN (SELECT id FROM syncs) AND contact_id = ? AND tag_owned IS NULL",
        [contact.0],
    )?;
    connection.execute(
        "UPDATE sync_members
         SET memory_class = NULL, memory_code = NULL, memory_message = NULL, memory_attempt = NULL
         WHERE sync_id IN (SELECT id FROM syncs) AND contact_id = ?",
        [contact.0],
    )?;
    connection.execute(
        "DELETE FROM remote_members
         WHERE contact_id = ?1 AND audience_id IN (SELECT id FROM audiences)
           AND NOT EXISTS (SELECT 1 FROM syncs s CROSS JOIN sync_members m ON m.sync_id = s.id AND m.contact_id = ?1
                           WHERE s.audience_id = remote_members.audience_id)",
        [contact.0],
    )?;
    Ok(())
}

/// Drops what an audience confirmed of deleted contacts that bear no sync's tag there any more.
pub(crate) fn forget_untagged(connection: &Connection, audience: i64) -> Step<()> {
    connection.execute(
        "DELETE FROM remote_members
         WHERE audience_id = ?1
           AND NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = remote_members.contact_id)
           AND NOT EXISTS (SELECT 1 FROM syncs s CROSS JOIN sync_members m
                             ON m.sync_id = s.id AND m.contact_id = remote_members.contact_id
                           WHERE s.audience_id = ?1 AND m.tag_owned IS NOT NULL)",
        [audience],
    )?;
    Ok(())
}

/// The same for some contacts.
pub(crate) fn forget_gone(connection: &Connection, audience: i64, contacts: &BTreeSet<i64>) -> Step<()> {
    connection
        .prepare_cached(
            "DELETE FROM remote_members
             WHERE audience_id = ?1
               AND contact_id IN (SELECT value FROM json_each(?2)
                                  WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = value))
               AND NOT EXISTS (SELECT 1 FROM syncs s CROSS JOIN sync_members m
                                 ON m.sync_id = s.id AND m.contact_id = remote_members.contact_id
                               WHERE s.audience_id = ?1 AND m.tag_owned IS NOT NULL)",
        )?
        .execute((audience, serde_json::to_string(contacts)?))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::schema;
    use rusqlite::Connection;

    #[test]
    fn the_audiences_of_a_contact_are_found_without_reading_their_members() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let statement = concat!("EXPLAIN QUERY PLAN SELECT m.status FROM ", audiences_of!(), "?");
        let mut explain = connection.prepare(statement).unwrap();
        let steps = explain.query_map([1], |row| row.get::<_, String>("detail")).unwrap();
        let plan = steps.map(Result::unwrap).collect::<Vec<_>>().join("; ");
        assert!(plan.contains("SEARCH m USING PRIMARY KEY (audience_id=? AND contact_id=?)"), "{plan}");
        assert!(!plan.contains("SCAN m"), "{plan}");
    }
}
