//! Several indexes at once: the contacts that all of them name.

use roaring::RoaringTreemap;
use rusqlite::{Connection, Rows, params_from_iter};

use crate::failure::Step;
use crate::limits::{NUMBERS_PER_CONTACT, NUMBERS_WALKED_FIRST};

use super::compile::Compiled;
use super::members::everybody;

/// Where some indexes meet.
pub(crate) struct Met {
    /// The contacts that every index names that was walked to its end.
    pub(crate) numbers: RoaringTreemap,
    /// Whether that was every index. If not, these contacts are still to be asked.
    pub(crate) is_all: bool,
}

/// Walks the indexes of some conditions side by side, until it is known which of them are worth it.
///
/// The first that ends is the narrowest. To ask its contacts the rest costs so much for each; as long as
/// walking another index to its end may cost less, it is walked.
pub(crate) fn side_by_side<'a>(
    connection: &Connection,
    conditions: impl IntoIterator<Item = &'a Compiled>,
) -> Step<Met> {
    let prepare = |condition| Ok((connection.prepare(&everybody(condition))?, condition));
    let mut statements = conditions.into_iter().map(prepare).collect::<Step<Vec<_>>>()?;
    let mut walks = Vec::with_capacity(statements.len());
    for (statement, condition) in &mut statements {
        let rows = statement.query(params_from_iter(&condition.values))?;
        walks.push(Walk { rows, numbers: RoaringTreemap::new(), count: 0, is_done: false });
    }
    let mut bound = NUMBERS_WALKED_FIRST;
    loop {
        for walk in &mut walks {
            walk.to(bound)?;
        }
        let narrowest = walks.iter().filter(|walk| walk.is_done).map(|walk| walk.count).min();
        let next = narrowest.map_or(bound * 2, |count| count * NUMBERS_PER_CONTACT);
        if next <= bound || walks.iter().all(|walk| walk.is_done) {
            return Ok(met(walks));
        }
        bound = next;
    }
}

fn met(walks: Vec<Walk<'_>>) -> Met {
    let is_all = walks.iter().all(|walk| walk.is_done);
    let done = walks.into_iter().filter(|walk| walk.is_done).map(|walk| walk.numbers);
    Met { numbers: done.reduce(|both, other| both & other).unwrap_or_default(), is_all }
}

/// A walk along one index.
struct Walk<'a> {
    rows: Rows<'a>,
    numbers: RoaringTreemap,
    count: u64,
    is_done: bool,
}

impl Walk<'_> {
    /// Walks on until so many contacts were met, or there are no more.
    fn to(&mut self, bound: u64) -> Step<()> {
        while !self.is_done && self.count < bound {
            match self.rows.next()? {
                Some(row) => {
                    self.numbers.insert(row.get(0)?);
                    self.count += 1;
                }
                None => self.is_done = true,
            }
        }
        Ok(())
    }
}
