//! What single writes note in the history of a contact, and in which words it is kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use postroom_domain::consent::ConsentSource;
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::FieldValue;
use postroom_domain::history::{Author, ContactEvent, EMAIL, Happening, Membership, ValueChange};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::columns::{from_word, micros, timestamp};
use crate::contact_rows::StoredContact;
use crate::failure::{Failure, Step};
use crate::list_rows::ListRow;

/// Something that is noted of a contact.
pub(crate) enum Note<'a> {
    /// It was made. Noted of one that is merged into another; all others know it themselves.
    Created,
    /// Its data changed.
    Changed(&'a [ValueChange]),
    /// It got a tag, which it does not have any more.
    Tagged(&'a str),
    /// It lost a tag.
    Untagged(&'a str),
    /// It joined a list by itself.
    Joined(&'a ListRow),
    /// It left one by itself.
    Left(&'a ListRow),
    /// Another contact went into it.
    Merged(&'a StoredContact),
}

#[derive(Serialize, Deserialize)]
struct TagNote {
    tag: String,
}

/// A list as it was called; its number finds how it is called now.
#[derive(Serialize, Deserialize)]
struct ListNote {
    list: i64,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct MergeNote {
    contact: ContactId,
    email: String,
}

/// What is noted of a contact, sorted by what is done with it.
#[derive(Default)]
pub(crate) struct Noted {
    /// What stands for itself.
    pub(crate) events: Vec<ContactEvent>,
    /// Joins and leaves by the number of their list.
    pub(crate) lists: BTreeMap<i64, ListNoted>,
    /// The contacts that went into this one, and when.
    pub(crate) merged: Vec<(ContactId, Timestamp)>,
}

/// What is noted of a contact and one list.
#[derive(Default)]
pub(crate) struct ListNoted {
    /// The name that the list had.
    pub(crate) name: String,
    /// Joins and leaves, those of each contact that went into this one by themselves.
    pub(crate) memberships: BTreeMap<Option<ContactId>, Vec<Membership>>,
}

impl Note<'_> {
    fn word(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed(_) => "changed",
            Self::Tagged(_) => "tagged",
            Self::Untagged(_) => "untagged",
            Self::Joined(_) => "joined",
            Self::Left(_) => "left",
            Self::Merged(_) => "merged",
        }
    }

    fn content(&self) -> Step<String> {
        Ok(match self {
            Self::Created => "null".to_owned(),
            Self::Changed(values) => serde_json::to_string(values)?,
            Self::Tagged(tag) | Self::Untagged(tag) => serde_json::to_string(&TagNote { tag: (*tag).to_owned() })?,
            Self::Joined(list) | Self::Left(list) => {
                serde_json::to_string(&ListNote { list: list.id, name: list.name.clone() })?
            }
            Self::Merged(other) => serde_json::to_string(&MergeNote { contact: other.id, email: other.email.clone() })?,
        })
    }
}

/// Notes what happened to a contact.
pub(crate) fn append(
    connection: &Connection,
    contact: ContactId,
    at: Timestamp,
    source: ConsentSource,
    note: &Note<'_>,
) -> Step<()> {
    connection
        .prepare_cached("INSERT INTO contact_changes (contact_id, at, source, kind, changed) VALUES (?, ?, ?, ?, ?)")?
        .execute((contact.0, micros(at), source.as_str(), note.word(), note.content()?))?;
    Ok(())
}

/// Notes what changed about a contact's data, if anything did.
pub(crate) fn append_values(
    connection: &Connection,
    contact: ContactId,
    at: Timestamp,
    source: ConsentSource,
    values: &[ValueChange],
) -> Step<()> {
    if values.is_empty() {
        return Ok(());
    }
    append(connection, contact, at, source, &Note::Changed(values))
}

/// Gives everything that is noted of a contact to the one that it is merged into.
pub(crate) fn hand_over(connection: &Connection, other: ContactId, kept: ContactId) -> Step<()> {
    connection.execute(
        "UPDATE contact_changes SET contact_id = ?, former = coalesce(former, ?) WHERE contact_id = ?",
        (kept.0, other.0, other.0),
    )?;
    Ok(())
}

/// The addresses that a contact had before it got others.
pub(crate) fn former_addresses(connection: &Connection, contact: ContactId) -> Step<Vec<EmailAddress>> {
    let mut statement =
        connection.prepare_cached("SELECT changed FROM contact_changes WHERE contact_id = ? AND kind = 'changed'")?;
    let mut rows = statement.query([contact.0])?;
    let mut addresses = Vec::new();
    while let Some(row) = rows.next()? {
        let values: Vec<ValueChange> = serde_json::from_str(&row.get::<_, String>(0)?)?;
        let before = values.into_iter().filter(|value| value.place == EMAIL).filter_map(|value| value.before);
        addresses.extend(before.filter_map(|before| match before {
            FieldValue::Text(before) => EmailAddress::parse(&before).ok(),
            _ => None,
        }));
    }
    Ok(addresses)
}

/// What is noted of a contact, oldest first. `author` knows who stands behind a source and a moment.
pub(crate) fn noted(
    connection: &Connection,
    contact: ContactId,
    author: impl Fn(Timestamp, ConsentSource) -> Step<Author>,
) -> Step<Noted> {
    let mut statement = connection.prepare_cached(
        "SELECT at, source, kind, changed, former FROM contact_changes WHERE contact_id = ? ORDER BY at, id",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut noted = Noted::default();
    while let Some(row) = rows.next()? {
        let at = timestamp(row.get(0)?)?;
        let (source, kind, content): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let former = row.get::<_, Option<i64>>(4)?.map(ContactId);
        let by = author(at, from_word("source of a change", &source)?)?;
        let what = match kind.as_str() {
            "created" => Happening::Created,
            "changed" => Happening::Changed { values: serde_json::from_str(&content)? },
            "tagged" => Happening::Tagged { tag: serde_json::from_str::<TagNote>(&content)?.tag },
            "untagged" => Happening::Untagged { tag: serde_json::from_str::<TagNote>(&content)?.tag },
            "joined" | "left" => {
                let ListNote { list, name } = serde_json::from_str(&content)?;
                let of_list = noted.lists.entry(list).or_default();
                of_list.name = name;
                let of_contact = of_list.memberships.entry(former).or_default();
                of_contact.push(Membership { at, is_joined: kind == "joined", by });
                continue;
            }
            "merged" => {
                let MergeNote { contact, email } = serde_json::from_str(&content)?;
                noted.merged.push((contact, at));
                Happening::Merged { contact, email }
            }
            other => return Err(Failure::unreadable("kind of a change", other)),
        };
        noted.events.push(ContactEvent { at, by, former, what });
    }
    Ok(noted)
}
