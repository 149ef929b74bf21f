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
use rusqlite::{Connection, Row, Rows, ToSql};

use crate::failure::Step;
use crate::readers::shares;
use crate::snapshot::{
    Fingerprints, KNOWN_FACTS, NARROWED_FACTS, Scope, known_facts, narrowed_facts, narrowed_tables, remembered_facts,
    withdrew_here,
};

/// Where the facts that are known begin in a row of entries.
const FIRST_KNOWN: usize = 3;
/// Where what narrows begins behind them, if the row has it.
const FIRST_NARROWED: usize = FIRST_KNOWN + KNOWN_FACTS;
/// Where it says whether the contact withdrew here.
const WITHDREW_HERE: usize = FIRST_NARROWED + NARROWED_FACTS;
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
/// What the sync remembers is read beside the entries instead of being sought for each: its rows are
/// those of the list's contacts and of few others, so walking along costs a third of the search. The
/// audience's rows are sought, since they may be many syncs' members.
pub(crate) fn look_at(
    connection: &Connection,
    scope: &Scope,
    settings: &ContentHash,
    ranges: impl IntoIterator<Item = RangeInclusive<i64>>,
) -> Step<Sight> {
    macro_rules! select {
        ($facts:expr, $tables:expr) => {
            concat!(
                "SELECT e.contact_id, e.position, m.hash IS NOT NULL AND coalesce(m.status, '') <> 'absent', ",
                known_facts!(),
                $facts,
                " FROM entries e INDEXED BY entries_by_contact
                 LEFT JOIN contacts c ON c.id = e.contact_id
                 LEFT JOIN remote_members m ON m.audience_id = :audience AND m.contact_id = e.contact_id",
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
    let mut remembered = connection.prepare_cached(concat!(
        "SELECT s.contact_id, s.settled, ",
        remembered_facts!(),
        " FROM sync_members s WHERE s.sync_id = ? AND s.contact_id BETWEEN ? AND ? ORDER BY s.contact_id",
    ))?;
    let (fingerprints, sight) = (Fingerprints::new(settings), Sight::default());
    let mut view = View { fingerprints, sight, is_narrowed: scope.is_narrowed };
    for range in ranges {
        let (low, high) = range.into_inner();
        let mut parameters = scope.entries();
        parameters.extend([(":audience", &scope.audience as &dyn ToSql), (":low", &low), (":high", &high)]);
        parameters.extend(scope.narrowing());
        view.walk(&mut entries.query(parameters.as_slice())?, &mut remembered.query((scope.sync, low, high))?)?;
    }
    Ok(view.sight)
}

/// What was seen so far.
struct View<'a> {
    fingerprints: Fingerprints<'a>,
    sight: Sight,
    /// Whether the rows of entries have the narrowed facts.
    is_narrowed: bool,
}

impl View<'_> {
    /// Walks the entries of a range of contacts and what is remembered of these, both in their order.
    fn walk(&mut self, entries: &mut Rows<'_>, remembered: &mut Rows<'_>) -> Step<()> {
        remembered.advance()?;
        let mut last = None;
        while let Some(row) = entries.next()? {
            let (contact, position): (u64, u64) = (row.get(0)?, row.get(1)?);
            if last.replace(contact) == Some(contact) {
                self.take_duplicate(contact, position);
                continue;
            }
            while self.pass(remembered, contact)? {
                remembered.advance()?;
            }
            let own = match remembered.get() {
                Some(other) if other.get::<_, u64>(0)? == contact => Some(other),
                Some(_) | None => None,
            };
            self.take_first(contact, position, row, own)?;
            if own.is_some() {
                remembered.advance()?;
            }
        }
        while self.pass(remembered, u64::MAX)? {
            remembered.advance()?;
        }
        Ok(())
    }

    /// Whether the remembered row is one of a contact before this one, which is not on the list then.
    fn pass(&mut self, remembered: &Rows<'_>, contact: u64) -> Step<bool> {
        let Some(row) = remembered.get() else { return Ok(false) };
        let other: u64 = row.get(0)?;
        if other >= contact {
            return Ok(false);
        }
        if row.get_ref(FIRST_REMEMBERED)? != ValueRef::Null {
            self.sight.departed.insert(other);
        }
        Ok(true)
    }

    fn take_first(&mut self, contact: u64, position: u64, row: &Row<'_>, remembered: Option<&Row<'_>>) -> Step<()> {
        let is_member: bool = row.get(2)?;
        let narrowed = self.is_narrowed.then_some((row, FIRST_NARROWED));
        let bears_tag =
            remembered.map(|own| own.get_ref(FIRST_REMEMBERED)).transpose()?.is_some_and(|tag| tag != ValueRef::Null);
        let sight = &mut self.sight;
        sight.members += u64::from(is_member);
        // Its tag comes off as that of one who left the list.
        if bears_tag && self.is_narrowed && row.get(WITHDREW_HERE)? {
            sight.departed.insert(contact);
        }
        let is_settled = match remembered {
            Some(remembered) => match remembered.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
                Some(settled) => {
                    settled == self.fingerprints.of((row, FIRST_KNOWN), (remembered, FIRST_REMEMBERED), narrowed)?
                }
                None => false,
            },
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
