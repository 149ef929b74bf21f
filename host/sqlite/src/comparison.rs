//! Which entries of a sync need a look.
//!
//! A sync remembers the fingerprint of everything that each settled contact was judged by. Here
//! every entry's fingerprint is taken anew and compared: nothing is trusted to have said that it
//! changed, and nothing is read into values. The list is walked in the order of its contacts, since
//! then the joined tables are read from their beginning to their end, in parts that several readers
//! take side by side.

use std::ops::RangeInclusive;

use postroom_domain::projection::ContentHash;
use postroom_store::runs::OpenEntries;
use roaring::RoaringTreemap;
use rusqlite::{Connection, ToSql};

use crate::failure::Step;
use crate::limits::READERS;
use crate::snapshot::{Fingerprints, Scope, facts};

/// Where [`facts`] begin in a row of the comparison.
const FIRST_FACT: usize = 5;

/// What one part of a list showed.
#[derive(Debug, Default)]
pub(crate) struct Part {
    open: RoaringTreemap,
    unchanged: u64,
    members: u64,
    tagged: u64,
}

/// The list in ranges of contact numbers, one for each reader. An empty list has none.
pub(crate) fn parts(scope: &Scope, connection: &Connection) -> Step<Vec<RangeInclusive<i64>>> {
    let bound = |order: &str| -> Step<Option<i64>> {
        let sql = format!(
            "SELECT {order}(contact_id) FROM entries INDEXED BY entries_by_contact
             WHERE list_id = ? AND contact_id IS NOT NULL"
        );
        Ok(connection.prepare_cached(&sql)?.query_row([scope.list], |row| row.get(0))?)
    };
    let (Some(low), Some(high)) = (bound("min")?, bound("max")?) else {
        return Ok(Vec::new());
    };
    let parts = i64::try_from(READERS)?;
    let width = (high - low) / parts + 1;
    let ranges = (0..parts).map(|part| low + part * width..=(low + (part + 1) * width - 1).min(high));
    Ok(ranges.filter(|range| !range.is_empty()).collect())
}

/// Compares the entries of the contacts in a range.
pub(crate) fn compare(
    connection: &Connection,
    scope: &Scope,
    settings: &ContentHash,
    contacts: RangeInclusive<i64>,
) -> Step<Part> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT e.contact_id, e.position, s.settled,
                m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent', s.tag_owned IS NOT NULL, ",
        facts!(),
        " FROM entries e INDEXED BY entries_by_contact
         LEFT JOIN contacts c ON c.id = e.contact_id
         LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = e.contact_id
         LEFT JOIN sync_members s ON s.sync_id = :sync AND s.contact_id = e.contact_id
         WHERE e.list_id = :list AND e.contact_id BETWEEN :low AND :high AND e.generation BETWEEN :first AND :last
         ORDER BY e.contact_id, e.position",
    ))?;
    let mut parameters = scope.members();
    parameters.extend([(":low", contacts.start() as &dyn ToSql), (":high", contacts.end())]);
    let mut rows = statement.query(parameters.as_slice())?;
    let mut fingerprints = Fingerprints::new(settings, FIRST_FACT);
    let mut part = Part::default();
    let mut before = None;
    while let Some(row) = rows.next()? {
        let (contact, position): (i64, u64) = (row.get(0)?, row.get(1)?);
        // Only the first entry of a contact can be settled (row A6).
        if before.replace(contact) == Some(contact) {
            part.open.insert(position);
            continue;
        }
        part.members += row.get::<_, u64>(3)?;
        part.tagged += row.get::<_, u64>(4)?;
        let is_settled = match row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
            Some(settled) => settled == fingerprints.of(row)?,
            None => false,
        };
        if is_settled {
            part.unchanged += 1;
        } else {
            part.open.insert(position);
        }
    }
    Ok(part)
}

/// Puts the parts together, with the entries that have no contact.
pub(crate) fn join(connection: &Connection, scope: &Scope, parts: Vec<Part>) -> Step<OpenEntries> {
    let mut open = OpenEntries::default();
    let mut tagged = 0;
    for part in parts {
        open.positions |= part.open;
        open.unchanged += part.unchanged;
        open.members += part.members;
        tagged += part.tagged;
    }
    let mut statement = connection.prepare_cached(
        "SELECT position FROM entries INDEXED BY entries_by_key
         WHERE list_id = :list AND contact_id IS NULL AND generation BETWEEN :first AND :last",
    )?;
    let mut rows = statement.query(scope.entries().as_slice())?;
    while let Some(row) = rows.next()? {
        open.positions.insert(row.get(0)?);
    }
    let all_tagged: u64 = connection
        .prepare_cached("SELECT count(*) FROM sync_members WHERE sync_id = ? AND tag_owned IS NOT NULL")?
        .query_row([scope.sync], |row| row.get(0))?;
    open.tagged_departed = all_tagged > tagged;
    Ok(open)
}
