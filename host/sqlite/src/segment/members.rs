//! Who is in a segment.
//!
//! There are three ways, and each was the quickest for its segments. Several conditions with indexes are
//! answered by the numbers in these (`walk`): SQLite would walk one index and read every contact that it
//! finds. What has to be read of many contacts is read by all readers side by side. All else is one statement.

use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use futures_util::future::try_join_all;
use postroom_domain::contact::ContactId;
use postroom_domain::segment::{Condition, Moment};
use postroom_store::Result;
use roaring::RoaringTreemap;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::failure::Step;
use crate::limits::READERS;
use crate::readers::shares;
use crate::store::SqliteStore;

use super::compile::{Compiled, Compiler};
use super::walk;

/// Members that were found, or who has to be asked whether the condition holds, in shares.
enum Found {
    Members(RoaringTreemap),
    ByAsking(Vec<Share>),
}

/// Contacts that one reader asks.
enum Share {
    /// All with these numbers.
    Range(RangeInclusive<i64>),
    /// These, whose numbers came out of indexes.
    Those(RoaringTreemap),
}

/// Everybody who is in it: whoever asks for the first ones also asks how many there are.
///
/// Each share is read as of a moment of its own. A contact is asked everything at one moment, so one that
/// changes meanwhile is judged as it was or as it is.
pub(crate) async fn all(
    store: &SqliteStore,
    doing: &'static str,
    condition: Condition,
    moment: Moment,
) -> Result<RoaringTreemap> {
    let asked = Arc::new((condition, moment));
    let search = Arc::clone(&asked);
    let found = store.read(doing, move |connection| {
        let (condition, moment) = &*search;
        find(connection, condition, moment)
    });
    let shares = match found.await? {
        Found::Members(members) => return Ok(members),
        Found::ByAsking(shares) => shares,
    };
    let asking = shares.into_iter().map(|share| {
        let asked = Arc::clone(&asked);
        store.read(doing, move |connection| {
            let (condition, moment) = &*asked;
            // Compiled anew, since the lists that it names may show other entries by now.
            let (mut compiler, whole) = Compiler::of(connection, condition, moment)?;
            ask(connection, &compiler.compile(&whole)?, &share)
        })
    });
    Ok(joined(try_join_all(asking).await?))
}

fn joined(shares: Vec<RoaringTreemap>) -> RoaringTreemap {
    shares.into_iter().reduce(|all, share| all | share).unwrap_or_default()
}

fn find(connection: &Connection, condition: &Condition, moment: &Moment) -> Step<Found> {
    let (mut compiler, whole) = Compiler::of(connection, condition, moment)?;
    if let Some(found) = by_indexes(connection, &mut compiler, &whole)? {
        return Ok(found);
    }
    let compiled = compiler.compile(&whole)?;
    if !asks_everybody(connection, &compiled)? {
        return Ok(Found::Members(numbers(connection, &everybody(&compiled), &compiled.values)?));
    }
    let ends = "SELECT coalesce(min(id), 0), coalesce((SELECT max(id) FROM contacts), 0) FROM contacts";
    let (low, high) = connection.query_row(ends, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(Found::ByAsking(shares(low, high)?.into_iter().map(Share::Range).collect()))
}

/// The statement of everybody for whom a condition holds.
pub(crate) fn everybody(condition: &Compiled) -> String {
    format!("SELECT c.id FROM contacts c WHERE {} /* all: where no index leads to them */", condition.sql)
}

/// Whether SQLite would read every contact for it.
fn asks_everybody(connection: &Connection, condition: &Compiled) -> Step<bool> {
    let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", everybody(condition)))?;
    let first: String = plan.query_row(params_from_iter(&condition.values), |row| row.get("detail"))?;
    Ok(first == "SCAN c")
}

/// The numbers that a statement finds.
fn numbers<'a>(
    connection: &Connection,
    sql: &str,
    values: impl IntoIterator<Item = &'a Value>,
) -> Step<RoaringTreemap> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut numbers = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        numbers.insert(row.get(0)?);
    }
    Ok(numbers)
}

/// The members of a segment to which several indexes lead, or those who are still to be asked; none if no
/// indexes do.
fn by_indexes(connection: &Connection, compiler: &mut Compiler<'_>, condition: &Condition) -> Step<Option<Found>> {
    let Condition::All(parts) = condition else { return Ok(None) };
    let (indexed, rest): (Vec<_>, Vec<_>) = parts.iter().partition(|part| compiler.is_indexed(part));
    if indexed.len() < 2 {
        return Ok(None);
    }
    let compiled = indexed.iter().map(|part| compiler.compile(part)).collect::<Step<Vec<_>>>()?;
    let met = walk::side_by_side(connection, &compiled)?;
    if (rest.is_empty() && met.is_all) || met.numbers.is_empty() {
        return Ok(Some(Found::Members(met.numbers)));
    }
    let (mut those, mut shares) = (met.numbers.iter(), Vec::new());
    let size = met.numbers.len().div_ceil(u64::try_from(READERS)?);
    loop {
        let share: RoaringTreemap = those.by_ref().take(usize::try_from(size)?).collect();
        if share.is_empty() {
            return Ok(Some(Found::ByAsking(shares)));
        }
        shares.push(Share::Those(share));
    }
}

/// Those of a share for whom a condition holds.
fn ask(connection: &Connection, condition: &Compiled, share: &Share) -> Step<RoaringTreemap> {
    let values = condition.values.iter();
    match share {
        Share::Range(range) => {
            let (first, last) = (Value::from(*range.start()), Value::from(*range.end()));
            numbers(connection, &within(condition), [&first, &last].into_iter().chain(values))
        }
        Share::Those(those) => {
            let those = Value::from(serde_json::to_string(&those.iter().collect::<Vec<_>>())?);
            numbers(connection, &among(condition), std::iter::once(&those).chain(values))
        }
    }
}

/// The statement of those in a range for whom a condition holds. No index leads to them; with the range, SQLite
/// may take a partial index of `consent` for all that it needs, and then fail with `internal query planner error`.
pub(crate) fn within(condition: &Compiled) -> String {
    format!("SELECT c.id FROM contacts c NOT INDEXED WHERE c.id BETWEEN ? AND ? AND {}", condition.sql)
}

/// The statement of those among some contacts for whom a condition holds. Without an index, since one that
/// leads to few was taken for them.
pub(crate) fn among(condition: &Compiled) -> String {
    format!(
        "SELECT c.id FROM json_each(?) those CROSS JOIN contacts c NOT INDEXED ON c.id = those.value WHERE {}",
        condition.sql
    )
}

/// The first members above a number, in order.
pub(crate) fn page(
    connection: &Connection,
    condition: &Condition,
    moment: &Moment,
    after: ContactId,
    limit: u32,
) -> Step<Vec<i64>> {
    let (mut compiler, whole) = Compiler::of(connection, condition, moment)?;
    if let Some(found) = by_indexes(connection, &mut compiler, &whole)? {
        let mut members = match found {
            Found::Members(members) => members,
            Found::ByAsking(shares) => {
                let compiled = compiler.compile(&whole)?;
                let asking = shares.iter().map(|share| ask(connection, &compiled, share));
                joined(asking.collect::<Step<_>>()?)
            }
        };
        members.remove_range((Bound::Unbounded, Bound::Included(u64::try_from(after.0)?)));
        return first(&members, limit);
    }
    let compiled = compiler.compile(&whole)?;
    let sql = format!("{} AND c.id > ? ORDER BY c.id LIMIT ?", everybody(&compiled));
    let bounds = [Value::from(after.0), Value::from(limit)];
    let mut statement = connection.prepare(&sql)?;
    let ids = statement.query_map(params_from_iter(compiled.values.iter().chain(&bounds)), |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}

/// The first of some contacts.
pub(crate) fn first(members: &RoaringTreemap, limit: u32) -> Step<Vec<i64>> {
    let first = members.iter().take(usize::try_from(limit)?).map(i64::try_from);
    Ok(first.collect::<std::result::Result<_, _>>()?)
}
