//! Contacts that an import makes ahead of their rows.
//!
//! New addresses lie anywhere in the order of addresses, and each that is written by itself dirties a page
//! of the index that is then written by itself. A batch that is mostly new is therefore gone through
//! twice: first its contacts are made in the order of their addresses, so that a unit's fall on few pages;
//! then its rows are taken in the order of the file, and find them. What was made ahead is committed with
//! its unit and counts as created when its row comes, also after an import was cut short in between.

use std::collections::HashMap;

use postroom_domain::consent::ConsentSource;
use rusqlite::Connection;

use crate::contact_rows::{self, Said};
use crate::failure::Step;
use crate::import_claims::beginning;
use crate::import_prepared::{MadeAhead, Prepared};
use crate::import_row::ImportState;
use crate::import_seen::Seen;
use crate::key::SecretKey;
use crate::limits::{IMPORT_SAMPLE, IMPORT_SORTED_ROWS, UnitBound};
use crate::new_contacts::NewContacts;
use crate::sequence::{Numbers, current};
use crate::{aliases, suppression};

/// The rows of a batch whose contacts may be made ahead, by their places in it, in the order of their
/// addresses: the first of each address. Where a row has an external key, the order of the file decides
/// who gets which address, so that there are none.
pub(crate) fn candidates(rows: &[Prepared]) -> Vec<usize> {
    if rows.len() < IMPORT_SORTED_ROWS || rows.iter().any(|row| row.external_id.is_some()) {
        return Vec::new();
    }
    let mut first: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        if let Ok(email) = &row.address {
            first.entry(email.key()).or_insert(place);
        }
    }
    let mut first: Vec<_> = first.into_iter().collect();
    first.sort_unstable();
    first.into_iter().map(|(_, place)| place).collect()
}

/// Whether most of the candidates are new, going by some of them.
pub(crate) fn are_new(connection: &Connection, rows: &[Prepared], candidates: &[usize]) -> Step<bool> {
    let step = (candidates.len() / IMPORT_SAMPLE).max(1);
    let (mut new, mut known) = (0, 0);
    for row in candidates.iter().step_by(step).filter_map(|place| rows.get(*place)) {
        let Ok(email) = &row.address else { continue };
        match contact_rows::by_email(connection, email)? {
            Some(_) => known += 1,
            None => new += 1,
        }
    }
    Ok(new > known)
}

/// What a unit made.
pub(crate) struct Made {
    /// Contacts by their rows' places in the batch.
    pub(crate) contacts: Vec<(usize, MadeAhead)>,
    /// So many candidates were gone through.
    pub(crate) passed: usize,
    /// The workspace's sequence number afterwards.
    pub(crate) sequence: i64,
    pub(crate) seen: Seen,
}

/// A candidate with its place in the batch.
pub(crate) type Candidate<'a> = (usize, &'a Prepared);

/// Makes the contacts of as many candidates as a unit takes.
pub(crate) fn make<'a>(
    connection: &Connection,
    key: &SecretKey,
    import: &ImportState,
    mut seen: Seen,
    mut bound: UnitBound,
    mut candidates: impl Iterator<Item = Candidate<'a>>,
) -> Step<Made> {
    let (some_withdrew, some_merged) = (suppression::is_any(connection)?, aliases::is_any(connection)?);
    let mut numbers = Numbers::begin_import(connection, import.started_at)?;
    let mut new = NewContacts::begin(connection)?;
    let mut passed = 0;
    while bound.has_room()
        && let Some((place, row)) = candidates.next()
    {
        passed += 1;
        let Ok(email) = &row.address else { continue };
        // What an address left behind is taken by who comes under it, and by nobody who is there.
        if some_withdrew
            && (suppression::is_erased(connection, key, email)? || contact_rows::by_email(connection, email)?.is_some())
        {
            continue;
        }
        if some_merged && aliases::of_email(connection, email)?.is_some() {
            continue;
        }
        let said = Said {
            email: Some(email),
            external_id: None,
            patch: &row.patch,
            alone: Some(&row.fields_json),
            source: ConsentSource::Import,
            at: import.started_at,
            key,
            some_withdrew,
        };
        new.add(connection, &mut numbers, (place, email), &said, beginning(import, row))?;
    }
    let contacts = new.write(connection)?;
    let numbers_made = contacts.iter().map(|(_, (contact, _))| contact.0.cast_unsigned()).collect();
    seen.add_made(connection, import.id, numbers_made)?;
    let payload = serde_json::json!({ "import": import.id, "list": import.list, "created": contacts.len() });
    // Numbers that were meant for contacts that are known are given to others where nobody is new.
    let sequence = if contacts.is_empty() { current(connection)? } else { numbers.end("import-contacts", &payload)? };
    Ok(Made { contacts, passed, sequence, seen })
}
