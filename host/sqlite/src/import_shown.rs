//! The entries that a list shows, read ahead of the rows of an import.
//!
//! Files come back in the order in which they came before. Instead of searching for each row, an import
//! reads the entries from the place where the next row is expected, page by page, together with their
//! contacts; a row that is found there needs no search.

use std::collections::HashSet;

use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use rusqlite::{Connection, Row};

use crate::columns::hash16;
use crate::consent_rows;
use crate::contact_rows::StoredContact;
use crate::failure::Step;
use crate::list_rows::{EntryKey, ListRow};

/// Entries that are read at a time: a few pages of the database, so that a file in another order than
/// the list pays little for what it does not use.
const PAGE: i64 = 256;

/// A shown entry.
struct Entry {
    position: i64,
    contact: Option<ContactId>,
    key: EntryKey,
    since: i64,
    /// Its contact, until a row has taken it.
    stored: Option<StoredContact>,
}

/// Where an entry stands in the list, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) position: i64,
    pub(crate) since: i64,
}

/// The entries that come next, during one unit of rows.
pub(crate) struct Shown<'c> {
    connection: &'c Connection,
    list: Option<ListRow>,
    /// The position at which the next row is expected.
    expected: i64,
    page: std::vec::IntoIter<Entry>,
    /// Rows that were found on the last page.
    served: i64,
    /// Contacts that were written since their page was read.
    moved: HashSet<ContactId>,
}

impl<'c> Shown<'c> {
    /// Begins at a position of a list.
    pub(crate) fn from(connection: &'c Connection, list: Option<ListRow>, expected: i64) -> Self {
        Self { connection, list, expected, page: Vec::new().into_iter(), served: PAGE, moved: HashSet::new() }
    }

    /// The position at which the next row is expected.
    pub(crate) fn expected(&self) -> i64 {
        self.expected
    }

    /// Takes the contact of the next entry, if it is the one that a row of this address and key means.
    pub(crate) fn contact(&mut self, email: &EmailAddress, key: Option<&str>) -> Step<Option<StoredContact>> {
        let Some(next) = self.next()? else { return Ok(None) };
        let is_meant = |stored: &StoredContact| {
            stored.email_key == email.key() && (key.is_none() || key == stored.external_id.as_deref())
        };
        let found = next.stored.take_if(|stored| is_meant(stored));
        Ok(found.filter(|stored| !self.moved.contains(&stored.id)))
    }

    /// Says that a contact was written, and what was read of it does not hold any more.
    pub(crate) fn forget(&mut self, contact: ContactId) {
        self.moved.insert(contact);
    }

    /// Passes the next entry if it is the one of this contact and key.
    pub(crate) fn pass(&mut self, contact: Option<ContactId>, key: &EntryKey) -> Step<Option<Place>> {
        let Some(next) = self.next()? else { return Ok(None) };
        if next.contact != contact || next.key != *key {
            return Ok(None);
        }
        let place = Place { position: next.position, since: next.since };
        self.page.next();
        self.served += 1;
        self.expected = place.position + 1;
        Ok(Some(place))
    }

    /// Goes on behind an entry that was found by a search.
    pub(crate) fn go_on_behind(&mut self, place: Place) {
        self.expected = place.position + 1;
        let on_page = |entries: &[Entry]| {
            let (first, last) = (entries.first()?.position, entries.last()?.position);
            (first..=last).contains(&place.position).then(|| entries.partition_point(|e| e.position <= place.position))
        };
        match on_page(self.page.as_slice()) {
            Some(passed) => drop(self.page.by_ref().take(passed).last()),
            None => self.page = Vec::new().into_iter(),
        }
    }

    fn next(&mut self) -> Step<Option<&mut Entry>> {
        // A page of which less than half was used is the unit's last: the file has another order.
        if self.page.len() == 0 && self.served * 2 >= PAGE {
            self.served = 0;
            self.read()?;
        }
        Ok(self.page.as_mut_slice().first_mut())
    }

    fn read(&mut self) -> Step<()> {
        let Some(list) = self.list.as_ref().filter(|list| self.expected <= list.last_position) else {
            return Ok(());
        };
        let mut statement = self.connection.prepare_cached(
            "SELECT e.position, e.contact_id, e.entry_key, e.joined_at,
                    c.email, c.email_key, c.external_id, c.fields, c.will, c.deliverability
             FROM entries e INDEXED BY entries_by_position LEFT JOIN contacts c ON c.id = e.contact_id
             WHERE e.list_id = ? AND e.position >= ? AND e.generation BETWEEN ? AND ?
             ORDER BY e.position LIMIT ?",
        )?;
        let mut rows = statement.query((list.id, self.expected, list.first_generation, list.last_generation, PAGE))?;
        let mut page = Vec::with_capacity(usize::try_from(PAGE)?);
        while let Some(row) = rows.next()? {
            page.push(read_entry(row)?);
        }
        self.page = page.into_iter();
        Ok(())
    }
}

fn read_entry(row: &Row<'_>) -> Step<Entry> {
    let contact = row.get::<_, Option<i64>>(1)?.map(ContactId);
    let key = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let stored = match contact {
        Some(id) => Some(StoredContact {
            id,
            email: row.get(4)?,
            email_key: row.get(5)?,
            external_id: row.get(6)?,
            fields: row.get(7)?,
            consent: consent_rows::stored(row, 8)?,
        }),
        None => None,
    };
    Ok(Entry { position: row.get(0)?, contact, key: hash16(key)?, since: row.get(3)?, stored })
}
