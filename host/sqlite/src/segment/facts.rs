//! One contact as plain data, for the rules of the domain.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postroom_domain::consent::Will;
use postroom_domain::contact::ContactId;
use postroom_domain::segment::{Activity, ContactFacts};
use postroom_store::contacts::Contact;
use rusqlite::Connection;

use crate::columns::{from_word, timestamp};
use crate::failure::Step;
use crate::member_rows::audiences_of;
use crate::scope_rows;

/// Everything that a segment may ask of a contact.
pub(crate) fn of(connection: &Connection, contact: Contact) -> Step<ContactFacts> {
    let syncs = members(connection, contact.id)?;
    Ok(ContactFacts {
        lists: lists(connection, contact.id)?,
        is_member: !syncs.is_empty() || is_member(connection, contact.id)?,
        syncs,
        activity: activity(connection, contact.id)?,
        email: contact.email,
        external_id: contact.external_id,
        fields: contact.fields,
        consent: contact.consent,
        purposes: said_for_purposes(connection, contact.id)?,
        unsubscribed: scope_rows::unsubscribed(connection, contact.id)?.into_iter().collect(),
        tags: contact.tags,
        created_at: contact.created_at,
        updated_at: contact.updated_at,
    })
}

fn lists(connection: &Connection, contact: ContactId) -> Step<BTreeMap<String, Vec<Timestamp>>> {
    let mut statement = connection.prepare_cached(
        "SELECT l.name, e.joined_at FROM lists l
         CROSS JOIN entries e ON e.list_id = l.id AND e.contact_id = ?
                             AND e.generation BETWEEN l.first_generation AND l.last_generation
         WHERE l.shown = 1 ORDER BY l.name, e.position",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut lists: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        lists.entry(row.get(0)?).or_default().push(timestamp(row.get(1)?)?);
    }
    Ok(lists)
}

/// What it said for purposes, where anything is recorded.
fn said_for_purposes(connection: &Connection, contact: ContactId) -> Step<BTreeMap<String, Will>> {
    let mut statement = connection.prepare_cached(
        "SELECT p.name, w.will FROM purpose_wills w JOIN purposes p ON p.id = w.purpose_id WHERE w.contact_id = ?",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut said = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let will: String = row.get(1)?;
        said.insert(row.get(0)?, from_word("will", &will)?);
    }
    Ok(said)
}

/// The syncs whose audience confirmed what we wrote of it.
fn members(connection: &Connection, contact: ContactId) -> Step<BTreeSet<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.name FROM syncs s CROSS JOIN remote_members m ON m.audience_id = s.audience_id AND m.contact_id = ?
         WHERE m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent'",
    )?;
    let names = statement.query_map([contact.0], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Whether an audience did, also one that no sync fills any more.
fn is_member(connection: &Connection, contact: ContactId) -> Step<bool> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT EXISTS (SELECT 1 FROM ",
        audiences_of!(),
        "? WHERE m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent')",
    ))?;
    Ok(statement.query_row([contact.0], |row| row.get(0))?)
}

fn activity(connection: &Connection, contact: ContactId) -> Step<Vec<Activity>> {
    let mut statement =
        connection.prepare_cached("SELECT kind, campaign, at FROM activity WHERE contact_id = ? ORDER BY at")?;
    let mut rows = statement.query([contact.0])?;
    let mut activity = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        activity.push(Activity {
            kind: from_word("kind of activity", &kind)?,
            campaign: row.get(1)?,
            at: timestamp(row.get(2)?)?,
        });
    }
    Ok(activity)
}
