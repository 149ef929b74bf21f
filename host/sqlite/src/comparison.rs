//! Which contacts of a sync need a look.
//!
//! A sync remembers the fingerprint of everything that each settled contact was judged by. Here
//! the fingerprint is taken anew and compared, and nothing is read into values. Both ways of discovery
//! do just this: the whole comparison for every contact there can be, in parts that several readers take
//! side by side, and the other one for those that moved. A list is walked in the order of its contacts,
//! since then the other tables are read from their beginning to their end.

use std::ops::RangeInclusive;

use postroom_domain::projection::ContentHash;
use postroom_store::discovery::Sight;
use roaring::RoaringTreemap;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, Row, Rows, ToSql};

use crate::failure::Step;
use crate::limits::{CONTACTS_WALKED_AT_LEAST, MEMBERS_WALKED_FOR_EACH};
use crate::readers::shares;
use crate::snapshot::{
    CONTACT_FACTS, Facts, Fingerprints, NARROWED_FACTS, Scope, contact_facts, member_facts, narrowed_facts,
    narrowed_tables, remembered_facts, withdrew_here,
};

/// Where the contact's facts begin in a row of entries.
const FIRST_CONTACT: usize = 2;
/// Where what narrows begins behind them, if the row has it.
const FIRST_NARROWED: usize = FIRST_CONTACT + CONTACT_FACTS;
/// Where it says whether the contact withdrew here.
const WITHDREW_HERE: usize = FIRST_NARROWED + NARROWED_FACTS;
/// Where the member's facts begin in a row of those: behind whether it is one.
const FIRST_MEMBER: usize = 2;
/// Where the facts that are remembered begin in a row of those: with the tag that the contact bears.
const FIRST_REMEMBERED: usize = 2;

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
    shares(low, high)
}

/// Looks at the contacts in these ranges, which follow each other.
///
/// What the sync and the audience know is read beside the entries instead of being sought for each: to walk
/// along costs a third of a search. What the sync remembers is of the list's contacts and of few others; an
/// audience may have many more members than that, and is then searched ([`is_worth_walking`]).
pub(crate) fn look_at(
    connection: &Connection,
    scope: &Scope,
    settings: &ContentHash,
    ranges: impl IntoIterator<Item = RangeInclusive<i64>>,
) -> Step<Sight> {
    macro_rules! select {
        ($facts:expr, $tables:expr) => {
            concat!(
                "SELECT e.contact_id, e.position, ",
                contact_facts!(),
                $facts,
                " FROM entries e INDEXED BY entries_by_contact
                 LEFT JOIN contacts c ON c.id = e.contact_id",
                $tables,
                " WHERE e.list_id = :list AND e.contact_id BETWEEN :low AND :high
                   AND e.generation BETWEEN :first AND :last
                 ORDER BY e.contact_id, e.position"
            )
        };
    }
    // Where nothing narrows, a million entries cost no search for it.
    let mut entries = connection.prepare_cached(if scope.is_narrowed {
        select!(narrowed_facts!(), narrowed_tables!("e.contact_id"))
    } else {
        select!("", "")
    })?;
    let mut members = connection.prepare_cached(concat!(
        "SELECT m.contact_id, m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent', ",
        member_facts!(),
        " FROM remote_members m WHERE m.audience_id = ? AND m.contact_id BETWEEN ? AND ? ORDER BY m.contact_id",
    ))?;
    let mut remembered = connection.prepare_cached(concat!(
        "SELECT s.contact_id, s.settled, ",
        remembered_facts!(),
        " FROM sync_members s WHERE s.sync_id = ? AND s.contact_id BETWEEN ? AND ? ORDER BY s.contact_id",
    ))?;
    let (fingerprints, sight) = (Fingerprints::new(settings), Sight::default());
    let mut view = View { fingerprints, sight, is_narrowed: scope.is_narrowed };
    for range in ranges {
        let members = if is_worth_walking(connection, scope, &range)? {
            Members::Walked(begun(members.query((scope.audience, range.start(), range.end()))?)?)
        } else {
            Members::Sought { statement: &mut members, audience: scope.audience }
        };
        let mut parameters = scope.entries();
        parameters.extend([(":low", range.start() as &dyn ToSql), (":high", range.end())]);
        parameters.extend(scope.narrowing());
        let remembered = begun(remembered.query((scope.sync, range.start(), range.end()))?)?;
        view.walk(&mut entries.query(parameters.as_slice())?, members, remembered)?;
    }
    Ok(view.sight)
}

/// Whether the audience has not many more members in a range of contacts than the list has entries, going by
/// where the range begins. Whatever the answer, the same is found.
fn is_worth_walking(connection: &Connection, scope: &Scope, range: &RangeInclusive<i64>) -> Step<bool> {
    if range.end().saturating_sub(*range.start()) < CONTACTS_WALKED_AT_LEAST {
        return Ok(false);
    }
    let (entries, high): (i64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), max(contact_id) FROM (
                 SELECT contact_id FROM entries INDEXED BY entries_by_contact
                 WHERE list_id = ? AND contact_id BETWEEN ? AND ? ORDER BY contact_id LIMIT ?)",
        )?
        .query_row((scope.list, range.start(), range.end(), CONTACTS_WALKED_AT_LEAST), |row| row.try_into())?;
    let bound = entries * MEMBERS_WALKED_FOR_EACH;
    let members: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT 1 FROM remote_members WHERE audience_id = ? AND contact_id BETWEEN ? AND ? LIMIT ?)",
        )?
        .query_row((scope.audience, range.start(), high, bound), |row| row.get(0))?;
    Ok(members < bound)
}

/// What the audience knows of a range of contacts.
enum Members<'s, 'c> {
    /// All of it, in the order of the contacts.
    Walked(Rows<'s>),
    /// To be asked for each contact.
    Sought { statement: &'s mut CachedStatement<'c>, audience: i64 },
}

/// Rows that stand at their first.
fn begun(mut rows: Rows<'_>) -> Step<Rows<'_>> {
    rows.advance()?;
    Ok(rows)
}

/// Walks rows to those of a contact, by their first column; answers whether it has one.
fn walk_to(rows: &mut Rows<'_>, contact: u64, mut passed: impl FnMut(u64, &Row<'_>) -> Step<()>) -> Step<bool> {
    while let Some(row) = rows.get() {
        let other: u64 = row.get(0)?;
        if other >= contact {
            return Ok(other == contact);
        }
        passed(other, row)?;
        rows.advance()?;
    }
    Ok(false)
}

/// An entry of a contact, with its row.
#[derive(Clone, Copy)]
struct Entry<'r, 's> {
    contact: u64,
    position: u64,
    row: &'r Row<'s>,
}

/// What was seen so far.
struct View {
    fingerprints: Fingerprints,
    sight: Sight,
    /// Whether the rows of entries have the narrowed facts.
    is_narrowed: bool,
}

impl View {
    /// Walks the entries of a range of contacts and what is known of these, all in their order.
    fn walk(&mut self, entries: &mut Rows<'_>, mut members: Members<'_, '_>, mut remembered: Rows<'_>) -> Step<()> {
        let mut last = None;
        while let Some(row) = entries.next()? {
            let (contact, position): (u64, u64) = (row.get(0)?, row.get(1)?);
            if last.replace(contact) == Some(contact) {
                self.take_duplicate(contact, position);
                continue;
            }
            let is_remembered = walk_to(&mut remembered, contact, |other, row| self.pass(other, row))?;
            let entry = Entry { contact, position, row };
            let own = remembered.get().filter(|_| is_remembered);
            match &mut members {
                Members::Walked(rows) => {
                    let is_known = walk_to(rows, contact, |_, _| Ok(()))?;
                    self.take_first(entry, rows.get().filter(|_| is_known), own)?;
                }
                Members::Sought { statement, audience } => {
                    let mut found = statement.query((*audience, contact, contact))?;
                    self.take_first(entry, found.next()?, own)?;
                }
            }
            if is_remembered {
                remembered.advance()?;
            }
        }
        walk_to(&mut remembered, u64::MAX, |other, row| self.pass(other, row))?;
        Ok(())
    }

    /// Passes what is remembered of a contact that is not on the list any more.
    fn pass(&mut self, contact: u64, remembered: &Row<'_>) -> Step<()> {
        if remembered.get_ref(FIRST_REMEMBERED)? != ValueRef::Null {
            self.sight.departed.insert(contact);
        }
        Ok(())
    }

    fn take_first(&mut self, entry: Entry<'_, '_>, member: Option<&Row<'_>>, remembered: Option<&Row<'_>>) -> Step<()> {
        let Entry { contact, position, row } = entry;
        let is_member = member.map_or(Ok(false), |member| member.get(1))?;
        let bears_tag =
            remembered.map(|own| own.get_ref(FIRST_REMEMBERED)).transpose()?.is_some_and(|tag| tag != ValueRef::Null);
        let sight = &mut self.sight;
        sight.members += u64::from(is_member);
        // Its tag comes off as that of one who left the list.
        if bears_tag && self.is_narrowed && row.get(WITHDREW_HERE)? {
            sight.departed.insert(contact);
        }
        let settled = match remembered {
            Some(remembered) => {
                remembered.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)?.zip(Some(remembered))
            }
            None => None,
        };
        let is_settled = match settled {
            Some((settled, remembered)) => {
                settled
                    == self.fingerprints.of(&Facts {
                        contact: (row, FIRST_CONTACT),
                        member: member.map(|member| (member, FIRST_MEMBER)),
                        remembered: (remembered, FIRST_REMEMBERED),
                        narrowed: self.is_narrowed.then_some((row, FIRST_NARROWED)),
                    })?
            }
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

    /// Takes a later entry of a contact: only the first can be settled (row A6), and the contact is not.
    fn take_duplicate(&mut self, contact: u64, position: u64) {
        self.sight.positions.insert(position);
        self.sight.settled.remove(contact);
        self.sight.settled_members.remove(contact);
        self.sight.open.insert(contact);
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
