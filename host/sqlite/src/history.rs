//! The story of a contact: what is noted of it, and what its other rows and the imports tell.

use std::collections::BTreeMap;

use jiff::Timestamp;
use postroom_domain::consent::ConsentSource;
use postroom_domain::contact::ContactId;
use postroom_domain::history::{
    Author, ContactEvent, Happening, ListImport, Membership, memberships, story as in_order,
};
use rusqlite::{Connection, OptionalExtension};

use crate::columns::{contact_set, micros, timestamp};
use crate::failure::Step;
use crate::history_rows::{ListNoted, Noted, noted};
use crate::list_rows::{self, ListRow};
use crate::{choices, consent_rows, history_rows};

/// Everything that happened to a contact, oldest first.
pub(crate) fn story(connection: &Connection, contact: ContactId) -> Step<Vec<ContactEvent>> {
    let author = |at, source| author(connection, at, source);
    let Noted { mut events, lists, merged } = noted(connection, contact, author)?;
    let created_at = connection
        .prepare_cached("SELECT created_at FROM contacts WHERE id = ?")?
        .query_row([contact.0], |row| row.get(0))?;
    let created_at = timestamp(created_at)?;
    let event = |at, by, what| ContactEvent { at, by, former: None, what };
    events.push(event(created_at, by_import_or_hand(connection, created_at)?, Happening::Created));
    for consent in consent_rows::history(connection, contact)? {
        let by = author(consent.at, consent.source)?;
        events.push(event(consent.at, by, Happening::Consent { event: consent }));
    }
    for (tag, at) in tags(connection, contact)? {
        events.push(event(at, by_import_or_hand(connection, at)?, Happening::Tagged { tag }));
    }
    let formers = merged.iter().map(|(former, _)| (Some(*former), *former));
    for (former, who) in formers.chain([(None, contact)]) {
        for (at, value) in choices::followed_by(connection, who)? {
            let what = Happening::Changed { values: vec![value] };
            events.push(ContactEvent { at, by: Author::operator(), former, what });
        }
    }
    events.extend(of_lists(connection, contact, lists, &merged)?);
    Ok(in_order(events))
}

/// A contact: under which former number its events are told, its number, and until when it was itself.
type Who = (Option<ContactId>, ContactId, Option<Timestamp>);

/// When a contact, and those that went into it, joined and left lists.
fn of_lists(
    connection: &Connection,
    contact: ContactId,
    mut noted: BTreeMap<i64, ListNoted>,
    merged: &[(ContactId, Timestamp)],
) -> Step<Vec<ContactEvent>> {
    let formers = merged.iter().map(|(former, until)| (Some(*former), *former, Some(*until)));
    let everybody: Vec<Who> = formers.chain([(None, contact, None)]).collect();
    let mut events = Vec::new();
    let mut tell = |name: &str, former, memberships: Vec<Membership>| {
        events.extend(memberships.into_iter().map(|Membership { at, is_joined, by }| {
            let list = name.to_owned();
            let what = if is_joined { Happening::Joined { list } } else { Happening::Left { list } };
            ContactEvent { at, by, former, what }
        }));
    };
    for list in list_rows::all(connection)? {
        let mut noted = noted.remove(&list.id).unwrap_or_default().memberships;
        let imports = imports_of(connection, &list, &everybody)?;
        for ((former, _, until), met) in everybody.iter().zip(imports) {
            let met: Vec<ListImport> =
                met.into_iter().filter(|import| until.is_none_or(|until| import.at < until)).collect();
            let stands = if former.is_none() { stands(connection, &list, contact)? } else { None };
            tell(&list.name, *former, memberships(noted.remove(former).unwrap_or_default(), &met, stands));
        }
    }
    // Of a list that is gone, only what was noted is known.
    for ListNoted { name, memberships } in noted.into_values() {
        for (former, memberships) in memberships {
            tell(&name, former, memberships);
        }
    }
    Ok(events)
}

/// Notes of a contact that is about to go into another what only its own rows tell.
pub(crate) fn note_beginning(connection: &Connection, contact: ContactId) -> Step<()> {
    let created_at: i64 =
        connection.query_row("SELECT created_at FROM contacts WHERE id = ?", [contact.0], |row| row.get(0))?;
    let created_at = timestamp(created_at)?;
    let source = by_import_or_hand(connection, created_at)?.source;
    history_rows::append(connection, contact, created_at, source, &history_rows::Note::Created)
}

/// Who stands behind a source and a moment: what an import did bears the moment at which it began.
fn author(connection: &Connection, at: Timestamp, source: ConsentSource) -> Step<Author> {
    let import = import_at(connection, at)?;
    let is_import = matches!(source, ConsentSource::Import);
    Ok(Author { file: import.filter(|_| is_import), ..Author::of(source) })
}

/// The same where no source was noted.
pub(crate) fn by_import_or_hand(connection: &Connection, at: Timestamp) -> Step<Author> {
    Ok(match import_at(connection, at)? {
        Some(file) => Author { file: Some(file), ..Author::of(ConsentSource::Import) },
        None => Author::operator(),
    })
}

/// The file of the import that began at a moment.
fn import_at(connection: &Connection, at: Timestamp) -> Step<Option<String>> {
    Ok(connection
        .prepare_cached("SELECT file FROM imports WHERE started_at = ? ORDER BY id LIMIT 1")?
        .query_row([micros(at)], |row| row.get(0))
        .optional()?)
}

/// The tags that a contact bears, with when they were put on, as far as that is known.
pub(crate) fn tags(connection: &Connection, contact: ContactId) -> Step<Vec<(String, Timestamp)>> {
    let mut statement = connection.prepare_cached(
        "SELECT t.name, c.at FROM contact_tags c JOIN tags t ON t.id = c.tag_id
         WHERE c.contact_id = ? AND c.at IS NOT NULL ORDER BY c.at, t.name",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut tags = Vec::new();
    while let Some(row) = rows.next()? {
        tags.push((row.get(0)?, timestamp(row.get(1)?)?));
    }
    Ok(tags)
}

/// The imports of a list of which it is known whom they met, in the order of time, as they met each of these
/// contacts. One set at a time is in memory.
fn imports_of(connection: &Connection, list: &ListRow, contacts: &[Who]) -> Step<Vec<Vec<ListImport>>> {
    let mut statement = connection.prepare_cached(
        "SELECT i.started_at, i.file, i.mode = 'replace', c.contacts
         FROM imports i JOIN import_contacts c ON c.import_id = i.id
         WHERE i.list_id = ? ORDER BY i.started_at, i.id",
    )?;
    let mut rows = statement.query([list.id])?;
    let mut imports = vec![Vec::new(); contacts.len()];
    while let Some(row) = rows.next()? {
        let (at, file, replaces): (i64, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let met = contact_set(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?)?;
        for ((_, contact, _), imports) in contacts.iter().zip(&mut imports) {
            let has = met.contains(contact.0.cast_unsigned());
            imports.push(ListImport { at: timestamp(at)?, file: file.clone(), replaces, has });
        }
    }
    Ok(imports)
}

/// How a contact's first entry on a list joined it.
fn stands(connection: &Connection, list: &ListRow, contact: ContactId) -> Step<Option<Membership>> {
    let Some(at) = list_rows::on_list_since(connection, list, contact)? else { return Ok(None) };
    let at = timestamp(at)?;
    Ok(Some(Membership { at, is_joined: true, by: by_import_or_hand(connection, at)? }))
}
