//! Rows of one table that are written some at a time.
//!
//! A statement opens its table, the indexes and the counter of numbers anew, which takes longer than the row itself: an
//! import of new contacts takes a tenth less where its entries wait for each other. Whoever reads the table meanwhile
//! has what waits written first ([`ManyRows::write`]).
//!
//! Such a statement can fail at any of its rows, so SQLite keeps what it changes until it ends: in memory, as
//! it is built here (`.cargo/config.toml`), which is why they are not more.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection};

use crate::failure::Step;
use crate::limits::ROWS_WRITTEN_AT_ONCE;

/// Rows of one table, of which some wait to be written.
pub(crate) struct ManyRows<'a, const WIDTH: usize> {
    /// The statement up to its values.
    insert: &'static str,
    waiting: Vec<[ToSqlOutput<'a>; WIDTH]>,
}

impl<'a, const WIDTH: usize> ManyRows<'a, WIDTH> {
    /// None yet, of a statement such as `INSERT INTO entries (id, raw)`.
    pub(crate) fn of(insert: &'static str) -> Self {
        Self { insert, waiting: Vec::new() }
    }

    /// Takes one more. When they are enough it writes those that wait, and answers with how many of them it wrote: a
    /// statement may pass rows over.
    pub(crate) fn add(&mut self, connection: &Connection, row: [ToSqlOutput<'a>; WIDTH]) -> Step<Option<usize>> {
        self.waiting.push(row);
        if self.waiting.len() < ROWS_WRITTEN_AT_ONCE {
            return Ok(None);
        }
        let written = self.insert(&mut self.statement(connection, ROWS_WRITTEN_AT_ONCE)?, &self.waiting)?;
        self.waiting.clear();
        Ok(Some(written))
    }

    /// Writes those that wait; answers with how many it wrote.
    pub(crate) fn write(&mut self, connection: &Connection) -> Step<usize> {
        if self.waiting.is_empty() {
            return Ok(0);
        }
        // One by one: a statement for each number of them would push others out of the cache.
        let mut one = self.statement(connection, 1)?;
        let mut written = 0;
        for row in self.waiting.chunks(1) {
            written += self.insert(&mut one, row)?;
        }
        self.waiting.clear();
        Ok(written)
    }

    fn statement<'c>(&self, connection: &'c Connection, rows: usize) -> Step<CachedStatement<'c>> {
        let row = format!("({})", ["?"; WIDTH].join(", "));
        let rows = vec![row.as_str(); rows].join(", ");
        Ok(connection.prepare_cached(&format!("{} VALUES {rows}", self.insert))?)
    }

    fn insert(&self, statement: &mut CachedStatement<'_>, rows: &[[ToSqlOutput<'a>; WIDTH]]) -> Step<usize> {
        for (place, value) in rows.iter().flatten().enumerate() {
            statement.raw_bind_parameter(place + 1, value)?;
        }
        Ok(statement.raw_execute()?)
    }
}

/// A text that outlives the statement.
pub(crate) fn text(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}

/// A value of its own, or none.
pub(crate) fn own<'a>(value: impl Into<Value>) -> ToSqlOutput<'a> {
    ToSqlOutput::Owned(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wait_for_each_other_and_are_all_there_in_their_order_once_written() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, number INTEGER, word TEXT)").unwrap();
        let there = || -> Vec<(i64, Option<String>)> {
            let mut all = connection.prepare("SELECT number, word FROM t ORDER BY id").unwrap();
            all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
        };
        let mut rows = ManyRows::of("INSERT INTO t (number, word)");
        let many = i64::try_from(ROWS_WRITTEN_AT_ONCE).unwrap() * 2 + 1;
        for number in 0..many {
            let word = if number % 2 == 0 { text("even") } else { own(None::<String>) };
            rows.add(&connection, [own(number), word]).unwrap();
        }
        assert_eq!(there().len(), ROWS_WRITTEN_AT_ONCE * 2, "one waits");
        rows.write(&connection).unwrap();
        rows.write(&connection).unwrap();
        let expected: Vec<_> = (0..many).map(|number| (number, (number % 2 == 0).then(|| "even".to_owned()))).collect();
        assert_eq!(there(), expected);
    }
}
