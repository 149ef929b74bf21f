//! Saved segments, and the hidden lists beside them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postroom_domain::segment::{Condition, Known, PREDEFINED, expanded as expand, parse, predefined};
use postroom_store::StoreError;
use postroom_store::segments::Segment;
use rusqlite::{Connection, Row};

use crate::columns::{micros, timestamp};
use crate::failure::{Failure, Step};
use crate::list_rows::{self, ListRow};
use crate::{field_rows, lists, purpose_rows};

/// The columns of a [`SegmentRow`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.id, l.name, s.condition, s.refreshed_at,
                    (SELECT json_group_array(name) FROM (SELECT name FROM syncs WHERE list_id = l.id ORDER BY name))
             FROM segments s JOIN lists l ON l.id = s.list_id ",
            $rest
        )
    };
}

/// A segment that has a row, and the number of its list.
pub(crate) struct SegmentRow {
    pub(crate) list: i64,
    pub(crate) segment: Segment,
}

/// What a segment may name.
pub(crate) fn vocabulary(connection: &Connection) -> Step<Known> {
    let names = |sql: &str| -> Step<Vec<String>> {
        let mut statement = connection.prepare_cached(sql)?;
        let names = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        Ok(names)
    };
    Ok(Known {
        fields: field_rows::all(connection)?,
        lists: names("SELECT name FROM lists WHERE shown = 1 ORDER BY name")?,
        syncs: names("SELECT name FROM syncs ORDER BY name")?,
        segments: {
            let saved = names("SELECT l.name FROM segments s JOIN lists l ON l.id = s.list_id ORDER BY l.name")?;
            let known = PREDEFINED.iter().map(|known| known.name.to_owned());
            saved.into_iter().chain(known).collect()
        },
        purposes: names("SELECT name FROM purposes WHERE is_defined = 1 ORDER BY name")?,
    })
}

/// A condition with what the segments that it names say in the place of their names. `own` is the name of the
/// segment whose condition it is, if it has one.
pub(crate) fn expanded(connection: &Connection, condition: &Condition, own: Option<&str>) -> Step<Condition> {
    let named = condition.segments();
    if named.is_empty() {
        return Ok(condition.clone());
    }
    let mut conditions = BTreeMap::new();
    for segment in all(connection)?.into_iter().map(|row| row.segment) {
        conditions.insert(segment.name, segment.condition);
    }
    for known in PREDEFINED.iter().filter(|known| !conditions.contains_key(known.name)).collect::<Vec<_>>() {
        conditions.insert(known.name.to_owned(), defined(known.text)?);
    }
    expand(condition, own, &|name| conditions.get(name).cloned())
        .map_err(|nesting| StoreError::Refused(nesting.to_string()).into())
}

/// Refuses a condition for a segment with which it, or one that names it, could not be asked any more.
pub(crate) fn refuse_unfit_nesting(connection: &Connection, name: &str, condition: &Condition) -> Step<()> {
    expanded(connection, condition, Some(name))?;
    for user in naming_segment(connection, name)? {
        if let Some(found) = by_name(connection, &user)? {
            expanded(connection, &found.segment.condition, Some(&user)).map_err(|_| {
                StoreError::Refused(format!(
                    "the segment `{user}` names this one and would be too large with it: write this one shorter, or \
                     take its name out there"
                ))
            })?;
        }
    }
    Ok(())
}

/// The names of the segments that name a segment, or name one that does.
pub(crate) fn naming_segment(connection: &Connection, name: &str) -> Step<Vec<String>> {
    let all = all(connection)?;
    let mut naming: BTreeSet<&str> = BTreeSet::from([name]);
    loop {
        let users = all.iter().filter(|row| row.segment.condition.segments().iter().any(|used| naming.contains(used)));
        let before = naming.len();
        naming.extend(users.map(|row| row.segment.name.as_str()).collect::<Vec<_>>());
        if naming.len() == before {
            break;
        }
    }
    Ok(naming.into_iter().filter(|user| *user != name).map(str::to_owned).collect())
}

/// The names of the segments that name a segment themselves.
pub(crate) fn naming_segment_itself(connection: &Connection, name: &str) -> Step<Vec<String>> {
    let users = all(connection)?.into_iter().map(|row| row.segment);
    Ok(users.filter(|user| user.condition.segments().contains(&name)).map(|user| user.name).collect())
}

/// Every segment that has a row, by name.
pub(crate) fn all(connection: &Connection) -> Step<Vec<SegmentRow>> {
    let mut statement = connection.prepare_cached(select!("ORDER BY l.name"))?;
    let mut rows = statement.query([])?;
    let mut segments = Vec::new();
    while let Some(row) = rows.next()? {
        segments.push(read(row)?);
    }
    Ok(segments)
}

/// The segment of a name, if it has a row.
pub(crate) fn by_name(connection: &Connection, name: &str) -> Step<Option<SegmentRow>> {
    let mut statement = connection.prepare_cached(select!("WHERE l.name = ?"))?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(read).transpose()
}

/// The segment of a name, saved or predefined.
pub(crate) fn require(connection: &Connection, name: &str) -> Step<Segment> {
    if let Some(found) = by_name(connection, name)? {
        return Ok(found.segment);
    }
    let Some(known) = predefined(name) else {
        let mend = "look the name up among the segments, or save one".to_owned();
        return Err(StoreError::NotFound { kind: "segment", name: name.to_owned(), mend }.into());
    };
    Ok(Segment {
        name: name.to_owned(),
        text: known.text.to_owned(),
        condition: defined(known.text)?,
        is_predefined: true,
        syncs: Vec::new(),
        refreshed_at: None,
    })
}

fn read(row: &Row<'_>) -> Step<SegmentRow> {
    let (name, condition, syncs): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(4)?);
    let known = predefined(&name);
    let condition = match known {
        // What a predefined segment says is the program's, whatever an earlier one noted.
        Some(known) => defined(known.text)?,
        None => serde_json::from_str(&condition)?,
    };
    Ok(SegmentRow {
        list: row.get(0)?,
        segment: Segment {
            text: condition.to_string(),
            condition,
            is_predefined: known.is_some(),
            syncs: serde_json::from_str(&syncs)?,
            refreshed_at: row.get::<_, Option<i64>>(3)?.map(timestamp).transpose()?,
            name,
        },
    })
}

/// The condition of a predefined segment.
fn defined(text: &str) -> Step<Condition> {
    Ok(parse(text).map_err(|fault| Failure::unreadable("segment", fault))?.condition)
}

/// Refuses a name for a list or a segment that is to be made: lists and segments share one space.
pub(crate) fn refuse_reserved(name: &str) -> Step<()> {
    if predefined(name).is_none() {
        return Ok(());
    }
    Err(StoreError::Refused(format!("`{name}` is the name of a predefined segment: choose another name")).into())
}

/// Refuses a name for a list that is to be made or filled, if it is a segment's. A list that had the name
/// of a predefined segment before there were any keeps it.
pub(crate) fn refuse_held(connection: &Connection, name: &str) -> Step<()> {
    if by_name(connection, name)?.is_some() {
        return Err(StoreError::Taken { kind: "segment", name: name.to_owned() }.into());
    }
    match list_rows::by_name(connection, name)? {
        Some(list) if list.is_shown => Ok(()),
        _ => refuse_reserved(name),
    }
}

/// Makes a segment with its hidden list, or gives the one of that name another condition. The caller has
/// checked the condition and the name.
pub(crate) fn save(connection: &Connection, name: &str, condition: &Condition, at: Timestamp) -> Step<i64> {
    let list = match (by_name(connection, name)?, list_rows::by_name(connection, name)?) {
        (Some(known), _) => known.list,
        (None, Some(_)) => return Err(StoreError::Taken { kind: "list", name: name.to_owned() }.into()),
        (None, None) => {
            lists::insert(connection, name, false, at)?;
            connection.last_insert_rowid()
        }
    };
    connection.execute(
        "INSERT INTO segments (list_id, condition, created_at, updated_at) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (list_id) DO UPDATE SET condition = excluded.condition, updated_at = excluded.updated_at",
        (list, serde_json::to_string(condition)?, micros(at)),
    )?;
    connection.execute("DELETE FROM segment_lists WHERE segment_id = ?", [list])?;
    for named in condition.lists() {
        let named = list_rows::require(connection, named)?.id;
        connection.execute("INSERT INTO segment_lists (segment_id, list_id) VALUES (?, ?)", (list, named))?;
    }
    connection.execute("DELETE FROM segment_syncs WHERE segment_id = ?", [list])?;
    for named in condition.syncs() {
        connection.execute(
            "INSERT INTO segment_syncs (segment_id, sync_id) SELECT ?, id FROM syncs WHERE name = ?",
            (list, named),
        )?;
    }
    connection.execute("DELETE FROM segment_purposes WHERE segment_id = ?", [list])?;
    for named in condition.purposes() {
        let purpose = purpose_rows::require(connection, named)?.id;
        connection.execute("INSERT INTO segment_purposes (segment_id, purpose_id) VALUES (?, ?)", (list, purpose))?;
    }
    Ok(list)
}

/// What a sync may take: a list that people see, or a segment, whose hidden list is made if need be.
pub(crate) fn source(connection: &Connection, name: &str, at: Timestamp) -> Step<i64> {
    if let Some(list) = list_rows::by_name(connection, name)?.filter(|list| list.is_shown) {
        return Ok(list.id);
    }
    if let Some(known) = by_name(connection, name)? {
        return Ok(known.list);
    }
    if predefined(name).is_some() {
        let condition = require(connection, name)?.condition;
        return save(connection, name, &condition, at);
    }
    Ok(list_rows::require(connection, name)?.id)
}

/// The hidden list of a segment.
pub(crate) fn list_of(connection: &Connection, list: i64) -> Step<ListRow> {
    list_rows::by_id(connection, list)?
        .ok_or_else(|| StoreError::Refused("the segment was deleted meanwhile: look at the segments".to_owned()).into())
}

/// The names of the segments that name a list.
pub(crate) fn naming_list(connection: &Connection, list: i64) -> Step<Vec<String>> {
    naming(
        connection,
        "SELECT l.name FROM segment_lists u JOIN lists l ON l.id = u.segment_id WHERE u.list_id = ? ORDER BY l.name",
        list,
    )
}

/// The names of the segments that name a sync.
pub(crate) fn naming_sync(connection: &Connection, sync: i64) -> Step<Vec<String>> {
    naming(
        connection,
        "SELECT l.name FROM segment_syncs u JOIN lists l ON l.id = u.segment_id WHERE u.sync_id = ? ORDER BY l.name",
        sync,
    )
}

/// The names of the segments that name a purpose.
pub(crate) fn naming_purpose(connection: &Connection, purpose: i64) -> Step<Vec<String>> {
    naming(
        connection,
        "SELECT l.name FROM segment_purposes u JOIN lists l ON l.id = u.segment_id WHERE u.purpose_id = ? ORDER BY l.name",
        purpose,
    )
}

fn naming(connection: &Connection, sql: &str, id: i64) -> Step<Vec<String>> {
    let mut statement = connection.prepare_cached(sql)?;
    let names = statement.query_map([id], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names)
}

/// Rewrites the conditions of some segments, when something that they name got another name.
pub(crate) fn rewrite(
    connection: &Connection,
    segments: &[String],
    change: impl Fn(Condition) -> Condition,
) -> Step<()> {
    for name in segments {
        if let Some(found) = by_name(connection, name)? {
            let condition = serde_json::to_string(&change(found.segment.condition))?;
            connection.execute("UPDATE segments SET condition = ? WHERE list_id = ?", (condition, found.list))?;
        }
    }
    Ok(())
}
