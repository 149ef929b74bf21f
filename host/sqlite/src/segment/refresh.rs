//! Gathering a segment's members for its syncs.
//!
//! The hidden list of a segment is brought up to date by what differs. Those who entered are staged in a
//! generation of their own, out of sight and in small units; then one unit shows them and takes out those
//! who left. If more left than one unit can take, everybody is staged anew and the list shows that
//! generation alone. Either way readers see the members as they were before, or as they are now.
//!
//! The place of an entry is the number of its contact: the list is in the order of its contacts, and who
//! enters needs nobody to move.

use jiff::Timestamp;
use postroom_domain::contact::ContactId;
use postroom_domain::segment::Moment;
use postroom_store::Result;
use postroom_store::segments::SegmentRefresh;
use roaring::RoaringTreemap;
use rusqlite::{Connection, named_params};
use serde_json::json;

use crate::columns::micros;
use crate::failure::Step;
use crate::limits::{MEMBERS_STAGED_AT_ONCE, MEMBERS_TAKEN_OUT_AT_ONCE, MEMBERSHIPS_NAMED};
use crate::list_rows::{entry_key, row_hash};
use crate::sequence::{Change, Numbers};
use crate::store::SqliteStore;

use super::{members, rows};

const DOING: &str = "gather the members of a segment";

/// What gathering has to change.
struct Survey {
    members: u64,
    entered: RoaringTreemap,
    left: RoaringTreemap,
    /// Whom to stage: those who entered, or everybody.
    staged: RoaringTreemap,
    is_anew: bool,
}

/// Gathers the members of a segment. One at a time: what another one has staged must not be cleared.
pub(crate) async fn refresh(store: &SqliteStore, name: &str, moment: Moment) -> Result<SegmentRefresh> {
    let _turn = store.refreshing().lock().await;
    let (at, wanted) = (moment.timestamp(), name.to_owned());
    let (list, condition) = store
        .write(DOING, move |connection| {
            // A predefined segment that no sync has taken yet gets its list.
            let condition = rows::require(connection, &wanted)?.condition;
            let list = match rows::by_name(connection, &wanted)? {
                Some(known) => known.list,
                None => rows::save(connection, &wanted, &condition, at)?,
            };
            Ok((list, condition))
        })
        .await?;
    // What an interrupted gathering left would be shown with this one.
    store.clear_hidden(list).await?;
    let members = members::all(store, DOING, condition, moment).await?;
    let survey = store.read(DOING, move |connection| survey(connection, list, members)).await?;
    let generation = store.write(DOING, move |connection| next_generation(connection, list)).await?;
    let staged: Vec<u64> = survey.staged.iter().collect();
    for chunk in staged.chunks(MEMBERS_STAGED_AT_ONCE) {
        let chunk = chunk.to_vec();
        store.write(DOING, move |connection| stage(connection, list, generation, &chunk, at)).await?;
    }
    let is_anew = survey.is_anew;
    let done = store.write(DOING, move |connection| show(connection, list, generation, &survey, at)).await?;
    if is_anew {
        store.clear_hidden(list).await?;
    }
    Ok(done)
}

fn survey(connection: &Connection, list: i64, members: RoaringTreemap) -> Step<Survey> {
    let before = shown(connection, list)?;
    let (entered, left) = (&members - &before, &before - &members);
    let is_anew = left.len() > MEMBERS_TAKEN_OUT_AT_ONCE;
    Ok(Survey {
        members: members.len(),
        staged: if is_anew { members } else { entered.clone() },
        entered,
        left,
        is_anew,
    })
}

/// The contacts that a list shows.
fn shown(connection: &Connection, list: i64) -> Step<RoaringTreemap> {
    let mut statement = connection.prepare_cached(
        "SELECT e.contact_id FROM lists l CROSS JOIN entries e ON e.list_id = l.id AND e.contact_id IS NOT NULL
                                                 AND e.generation BETWEEN l.first_generation AND l.last_generation
         WHERE l.id = ?",
    )?;
    let mut rows = statement.query([list])?;
    let mut contacts = RoaringTreemap::new();
    while let Some(row) = rows.next()? {
        contacts.insert(row.get(0)?);
    }
    Ok(contacts)
}

fn next_generation(connection: &Connection, list: i64) -> Step<i64> {
    rows::list_of(connection, list)?;
    Ok(connection.query_row(
        "UPDATE lists SET next_generation = next_generation + 1 WHERE id = ? RETURNING next_generation - 1",
        [list],
        |row| row.get(0),
    )?)
}

/// Writes entries out of sight. Contacts that were deleted meanwhile get none; who was a member before
/// keeps the time of joining.
fn stage(connection: &Connection, list: i64, generation: i64, contacts: &[u64], at: Timestamp) -> Step<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO entries (list_id, generation, position, contact_id, entry_key, raw, joined_at)
         SELECT :list, :generation, c.id, c.id, :key, '[]',
                coalesce((SELECT e.joined_at FROM lists l
                          CROSS JOIN entries e ON e.list_id = l.id AND e.contact_id = c.id
                                AND e.generation BETWEEN l.first_generation AND l.last_generation
                          WHERE l.id = :list), :at)
         FROM contacts c WHERE c.id = :contact",
    )?;
    for contact in contacts {
        let key = entry_key(&row_hash(&[format!("contact {contact}")]), 1);
        insert.execute(named_params! {
            ":list": list, ":generation": generation, ":key": key, ":at": micros(at), ":contact": contact,
        })?;
    }
    Ok(())
}

/// Shows what was staged, takes out who left, and notes both.
fn show(connection: &Connection, list: i64, generation: i64, survey: &Survey, at: Timestamp) -> Step<SegmentRefresh> {
    rows::list_of(connection, list)?;
    let done = SegmentRefresh { members: survey.members, entered: survey.entered.len(), left: survey.left.len() };
    connection.execute("UPDATE segments SET refreshed_at = ? WHERE list_id = ?", (micros(at), list))?;
    if done.entered == 0 && done.left == 0 {
        return Ok(done);
    }
    if !survey.is_anew {
        let mut take_out = connection.prepare_cached("DELETE FROM entries WHERE list_id = ? AND contact_id = ?")?;
        for contact in &survey.left {
            take_out.execute((list, contact))?;
        }
    }
    connection.execute(
        "UPDATE lists SET first_generation = CASE WHEN :is_anew THEN :generation ELSE first_generation END,
                          last_generation = :generation, last_position = :last, entries_hash = NULL,
                          revision = revision + 1
         WHERE id = :list",
        named_params! {
            ":is_anew": survey.is_anew, ":generation": generation, ":list": list,
            ":last": survey.staged.max().unwrap_or(0),
        },
    )?;
    let mut numbers = Numbers::begin(connection, at)?;
    let is_little = done.entered + done.left <= MEMBERSHIPS_NAMED;
    if is_little {
        for (contacts, change) in [(&survey.entered, Change::Joined), (&survey.left, Change::Left)] {
            for contact in contacts {
                numbers.take(change, Some(ContactId(i64::try_from(contact)?)), Some(list))?;
            }
        }
    }
    numbers.take(if is_little { Change::Entries } else { Change::List }, None, Some(list))?;
    numbers.end("segment-gathered", &json!({ "list": list, "entered": done.entered, "left": done.left }))?;
    Ok(done)
}
