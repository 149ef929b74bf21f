//! Which contacts of a sync need a look.
//!
//! A sync remembers the fingerprint of everything that each settled contact was judged by. Here
//! the fingerprint is taken anew and compared, and nothing is read into values. Both ways of discovery
//! do just this: the whole comparison for every contact there can be, in parts that several readers take
//! side by side, and the other one for those that moved. A list is walked in the order of its contacts,
//! since then the joined tables are read from their beginning to their end.

use std::ops::RangeInclusive;

use postroom_domain::projection::ContentHash;
use postroom_store::discovery::Sight;
use roaring::RoaringTreemap;
use rusqlite::{Connection, Row, Statement, ToSql};

use crate::failure::Step;
use crate::limits::READERS;
use crate::snapshot::{Fingerprints, Scope, facts};

/// Where [`facts`] begin in a row of the comparison.
const FIRST_FACT: usize = 4;

/// All numbers that a contact can have, in ranges of about as many of the list's contacts: one for each
/// reader.
pub(crate) fn parts(connection: &Connection, scope: &Scope) -> Step<Vec<RangeInclusive<i64>>> {
    let bound = |order: &str| -> Step<Option<i64>> {
        let sql = format!(
            "SELECT {order}(contact_id) FROM entries INDEXED BY entries_by_contact
             WHERE list_id = ? AND contact_id IS NOT NULL"
        );
        Ok(connection.prepare_cached(&sql)?.query_row([scope.list], |row| row.get(0))?)
    };
    let (low, high) = (bound("min")?.unwrap_or(0), bound("max")?.unwrap_or(0));
    let parts = i64::try_from(READERS)?;
    let width = (high - low) / parts + 1;
    let begin = |part: i64| if part == 0 { 0 } else { low + part * width };
    let end = |part: i64| if part + 1 == parts { i64::MAX } else { low + (part + 1) * width - 1 };
    Ok((0..parts).map(|part| begin(part)..=end(part)).collect())
}

/// Looks at the contacts in these ranges, which follow each other.
pub(crate) fn look_at(
    connection: &Connection,
    scope: &Scope,
    settings: &ContentHash,
    ranges: impl IntoIterator<Item = RangeInclusive<i64>>,
) -> Step<Sight> {
    let mut entries = connection.prepare_cached(concat!(
        "SELECT e.contact_id, e.position, s.settled, m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent', ",
        facts!(),
        " FROM entries e INDEXED BY entries_by_contact
         LEFT JOIN contacts c ON c.id = e.contact_id
         LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = e.contact_id
         LEFT JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = e.contact_id
         WHERE e.list_id = :list AND e.contact_id BETWEEN :low AND :high AND e.generation BETWEEN :first AND :last
         ORDER BY e.contact_id, e.position",
    ))?;
    let mut tagged = connection.prepare_cached(
        "SELECT contact_id FROM sync_members WHERE sync_id = ? AND contact_id BETWEEN ? AND ? AND tag_owned IS NOT NULL",
    )?;
    let mut view = View { fingerprints: Fingerprints::new(settings, FIRST_FACT), sight: Sight::default(), last: 0 };
    for range in ranges {
        let (low, high) = range.into_inner();
        view.read_entries(&mut entries, scope, low, high)?;
        let mut rows = tagged.query((scope.sync, low, high))?;
        while let Some(row) = rows.next()? {
            view.find_tagged(row.get(0)?);
        }
    }
    Ok(view.sight)
}

/// What was seen so far.
struct View<'a> {
    fingerprints: Fingerprints<'a>,
    sight: Sight,
    /// The contact of the last entry.
    last: u64,
}

impl View<'_> {
    fn read_entries(&mut self, entries: &mut Statement<'_>, scope: &Scope, low: i64, high: i64) -> Step<()> {
        let mut parameters = scope.members();
        parameters.extend([(":low", &low as &dyn ToSql), (":high", &high)]);
        let mut rows = entries.query(parameters.as_slice())?;
        while let Some(row) = rows.next()? {
            self.take(row)?;
        }
        Ok(())
    }

    fn take(&mut self, row: &Row<'_>) -> Step<()> {
        let (contact, position): (u64, u64) = (row.get(0)?, row.get(1)?);
        let sight = &mut self.sight;
        // Only the first entry of a contact can be settled (row A6), and with a second one the contact
        // is not.
        if std::mem::replace(&mut self.last, contact) == contact {
            sight.positions.insert(position);
            sight.settled.remove(contact);
            sight.settled_members.remove(contact);
            sight.open.insert(contact);
            return Ok(());
        }
        let is_member: bool = row.get(3)?;
        sight.members += u64::from(is_member);
        let is_settled = match row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
            Some(settled) => settled == self.fingerprints.of(row)?,
            None => false,
        };
        if is_settled {
            sight.unchanged += 1;
            sight.settled.insert(contact);
            if is_member {
                sight.settled_members.insert(contact);
            }
        } else {
            sight.positions.insert(position);
            sight.open.insert(contact);
        }
        Ok(())
    }

    /// Takes up a contact that bears the tag, once its entries were read.
    fn find_tagged(&mut self, contact: u64) {
        let sight = &mut self.sight;
        if !sight.settled.contains(contact) && !sight.open.contains(contact) {
            sight.departed.insert(contact);
        }
    }
}

/// The places of the entries that have no contact. There is nothing to compare about them.
pub(crate) fn invalid(connection: &Connection, scope: &Scope) -> Step<RoaringTreemap> {
    let mut statement = connection.prepare_cached(
        "SELECT position FROM entries INDEXED BY entries_by_key
         WHERE list_id = :list AND contact_id IS NULL AND generation BETWEEN :first AND :last",
    )?;
    let mut rows = statement.query(scope.entries().as_slice())?;
    let mut invalid = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        invalid.insert(row.get(0)?);
    }
    Ok(invalid)
}
