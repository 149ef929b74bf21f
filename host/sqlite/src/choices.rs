//! Choices of fields that get another value, and the contacts that follow.
//!
//! The field and the segments have the new value at once; contacts follow unit by unit, in the order of their
//! numbers. What a killed process left undone is done before anybody else writes: syncs and segments never see
//! some contacts with the old value and some with the new one.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::field::{FieldName, FieldValue, Fields};
use postroom_domain::history::ValueChange;
use postroom_store::StoreError;
use postroom_store::workspace::{ChoiceRename, ChoiceRenamed, Followed};
use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, named_params};
use serde_json::json;

use crate::columns::{contact_set, contact_set_bytes, micros, timestamp};
use crate::failure::{Failure, Step};
use crate::field_rows;
use crate::limits::{CONTACTS_FOLLOWING_AT_ONCE, CONTACTS_SEARCHED_AT_ONCE};
use crate::segment::rows;
use crate::sequence::{Change, Numbers};

/// A choice that got another value.
struct Renamed {
    id: i64,
    field: FieldName,
    value: String,
    becomes: String,
    at: Timestamp,
}

/// Gives a choice another value, in its field and in the segments that name it.
pub(crate) fn rename(connection: &Connection, rename: &ChoiceRename) -> Step<ChoiceRenamed> {
    let before = field_rows::require(connection, &rename.field)?;
    let after = before
        .clone()
        .with_choice_renamed(&rename.value, &rename.to)
        .map_err(|fault| StoreError::Refused(fault.to_string()))?;
    let changed = before.choices.iter().zip(&after.choices).find(|(before, after)| before.value != after.value);
    let mut renamed = ChoiceRenamed { segments: Vec::new(), look_at: Vec::new(), field: after.clone() };
    let Some((value, becomes)) = changed.map(|(before, after)| (&before.value, &after.value)) else {
        return Ok(renamed);
    };
    field_rows::update(connection, &after)?;
    for segment in rows::all(connection)?.into_iter().map(|row| row.segment) {
        if segment.condition.asks_for_part_of(&rename.field) {
            renamed.look_at.push(segment.name.clone());
        }
        if segment.condition.clone().with_choice_renamed(&rename.field, value, becomes) != segment.condition {
            renamed.segments.push(segment.name);
        }
    }
    rows::rewrite(connection, &renamed.segments, |condition| {
        condition.with_choice_renamed(&rename.field, value, becomes)
    })?;
    connection.execute(
        "INSERT INTO choice_renames (field, value, becomes, at) VALUES (?, ?, ?, ?)",
        (rename.field.as_str(), value, becomes, micros(rename.at)),
    )?;
    Ok(renamed)
}

/// Lets a unit of contacts follow; none once all have.
pub(crate) fn follow(connection: &Connection) -> Step<Option<Followed>> {
    let found: Option<(i64, String, String, String, i64, i64)> = connection
        .prepare_cached(
            "SELECT id, field, value, becomes, at, passed FROM choice_renames WHERE is_done = 0 ORDER BY id LIMIT 1",
        )?
        .query_row([], |row| row.try_into())
        .optional()?;
    let Some((id, field, value, becomes, at, passed)) = found else { return Ok(None) };
    let renamed = Renamed { id, field: field_name(&field)?, value, becomes, at: timestamp(at)? };
    let last: i64 = connection.query_row("SELECT coalesce(max(id), 0) FROM contacts", [], |row| row.get(0))?;
    let until = last.min(passed + CONTACTS_SEARCHED_AT_ONCE);
    let holders = holders(connection, &renamed, passed, until)?;
    // A unit that is full ends at its last contact.
    let is_full = holders.len() == usize::try_from(CONTACTS_FOLLOWING_AT_ONCE)?;
    let passed = holders.last().map(|(contact, _)| *contact).filter(|_| is_full).unwrap_or(until);
    let contacts = write(connection, &renamed, holders)?;
    if !contacts.is_empty() {
        connection.execute(
            "INSERT INTO choice_followers (rename_id, passed, contacts) VALUES (?, ?, ?)",
            (renamed.id, passed, contact_set_bytes(&contacts)?),
        )?;
    }
    connection.execute(
        "UPDATE choice_renames SET passed = ?, is_done = ? WHERE id = ?",
        (passed, passed >= last, renamed.id),
    )?;
    Ok(Some(Followed { contacts: contacts.len(), passed: passed.cast_unsigned(), last: last.cast_unsigned() }))
}

/// Carries to its end what an earlier process began.
pub(crate) fn catch_up(connection: &mut Connection) -> Step<()> {
    loop {
        let transaction = connection.transaction()?;
        let followed = follow(&transaction)?;
        transaction.commit()?;
        let Some(Followed { passed, last, .. }) = followed else { return Ok(()) };
        tracing::warn!(passed, last, "contacts follow a choice that got another value before this process began");
    }
}

/// The contacts of a stretch of numbers that hold the old value, with their fields.
fn holders(connection: &Connection, renamed: &Renamed, after: i64, until: i64) -> Step<Vec<(i64, String)>> {
    // Names of fields are the letters a-z, so that they may stand in a path.
    let mut statement = connection.prepare_cached(
        "SELECT id, fields FROM contacts
         WHERE id > :after AND id <= :until
           AND (json_extract(fields, '$.' || :field) = :value
                OR EXISTS (SELECT 1 FROM json_each(fields, '$.' || :field || '.choices') WHERE value = :value))
         ORDER BY id LIMIT :limit",
    )?;
    let parameters = named_params! {
        ":after": after, ":until": until, ":field": renamed.field.as_str(), ":value": renamed.value,
        ":limit": CONTACTS_FOLLOWING_AT_ONCE,
    };
    let holders = statement.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(holders.collect::<rusqlite::Result<_>>()?)
}

/// Gives contacts the new value. As after an import, each bears its own number and no row says so beside it.
fn write(connection: &Connection, renamed: &Renamed, holders: Vec<(i64, String)>) -> Step<RoaringTreemap> {
    let mut numbers = Numbers::begin_import(connection, renamed.at)?;
    let mut update = connection
        .prepare_cached("UPDATE contacts SET fields = ?, seq = ?, updated_at = max(updated_at, ?) WHERE id = ?")?;
    let mut contacts = RoaringTreemap::new();
    for (contact, fields) in holders {
        let mut fields: Fields = serde_json::from_str(&fields)?;
        let held = fields.get(&renamed.field);
        let Some(value) = held.and_then(|held| held.with_choice_renamed(&renamed.value, &renamed.becomes)) else {
            continue;
        };
        fields.insert(renamed.field.clone(), value);
        let seq = numbers.take(Change::Contact, Some(ContactId(contact)), None)?;
        update.execute((serde_json::to_string(&fields)?, seq, micros(renamed.at), contact))?;
        contacts.insert(contact.cast_unsigned());
    }
    numbers.end("choice-followed", &json!({ "rename": renamed.id, "contacts": contacts.len() }))?;
    Ok(contacts)
}

/// The choices that got another value while a contact had them.
pub(crate) fn followed_by(connection: &Connection, contact: ContactId) -> Step<Vec<(Timestamp, ValueChange)>> {
    let mut statement = connection.prepare_cached(
        "SELECT r.at, r.field, r.value, r.becomes, f.contacts FROM choice_renames r
         JOIN choice_followers f ON f.rename_id = r.id
           AND f.passed = (SELECT min(passed) FROM choice_followers WHERE rename_id = r.id AND passed >= ?)
         ORDER BY r.id",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        if contact_set(row.get_ref(4)?.as_blob().map_err(rusqlite::Error::from)?)?.contains(contact.0.cast_unsigned()) {
            let (field, before, after): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            let [before, after] = [before, after].map(|value| Some(FieldValue::Text(value)));
            changes.push((timestamp(row.get(0)?)?, ValueChange { place: format!("fields.{field}"), before, after }));
        }
    }
    Ok(changes)
}

fn field_name(text: &str) -> Step<FieldName> {
    text.parse().map_err(|_| Failure::unreadable("field name", text))
}
