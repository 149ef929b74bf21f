//! Who is in a segment.

use postroom_domain::contact::ContactId;
use roaring::RoaringTreemap;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::failure::Step;

use super::compile::Compiled;

/// Everybody who is in it, in one pass: whoever asks for the first ones also asks how many there are.
pub(crate) fn all(connection: &Connection, condition: &Compiled) -> Step<RoaringTreemap> {
    let mut statement = connection.prepare(&everybody(condition))?;
    let mut rows = statement.query(params_from_iter(&condition.values))?;
    let mut members = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        members.insert(row.get(0)?);
    }
    Ok(members)
}

/// The statement of [`all`].
pub(crate) fn everybody(condition: &Compiled) -> String {
    format!("SELECT c.id FROM contacts c WHERE {}", condition.sql)
}

/// The first of them above a number, in order.
pub(crate) fn page(connection: &Connection, condition: &Compiled, after: ContactId, limit: u32) -> Step<Vec<i64>> {
    let sql = format!("SELECT c.id FROM contacts c WHERE {} AND c.id > ? ORDER BY c.id LIMIT ?", condition.sql);
    let bounds = [Value::from(after.0), Value::from(limit)];
    let mut statement = connection.prepare(&sql)?;
    let ids = statement.query_map(params_from_iter(condition.values.iter().chain(&bounds)), |row| row.get(0))?;
    Ok(ids.collect::<rusqlite::Result<_>>()?)
}
