//! The rows of pictures: what syncs saw when they last looked.

use jiff::Timestamp;
use postroom_domain::discovery::COMPARED_AT_LEAST_EVERY;
use postroom_store::discovery::Picture;
use rusqlite::{Connection, named_params};

use crate::columns::{contact_set, contact_set_bytes, hash16, micros, timestamp};
use crate::failure::Step;
use crate::snapshot::Scope;

/// The picture of a sync, if it has one.
pub(crate) fn of(connection: &Connection, sync: i64) -> Step<Option<Picture>> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, settings, plugin_digest, compared_at, settled, members, open
         FROM sync_pictures WHERE sync_id = ?",
    )?;
    let mut rows = statement.query([sync])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let set = |column| contact_set(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?);
    Ok(Some(Picture {
        sequence: row.get(0)?,
        settings: hash16(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?,
        plugin_digest: row.get(2)?,
        compared_at: timestamp(row.get(3)?)?,
        settled: set(4)?,
        members: set(5)?,
        open: set(6)?,
    }))
}

/// Keeps a picture, and forgets what nobody asks for any more. One that is older than what is known, as
/// a slower reader may bring it, is passed over.
pub(crate) fn keep(connection: &Connection, sync: i64, picture: &Picture) -> Step<()> {
    let audience = Scope::of(connection, sync)?.audience;
    connection.execute(
        "INSERT INTO sync_pictures (sync_id, sequence, settings, plugin_digest, compared_at, settled, members, open)
         VALUES (:sync, :sequence, :settings, :plugin_digest, :compared_at, :settled, :members, :open)
         ON CONFLICT (sync_id) DO UPDATE SET
             sequence = excluded.sequence, settings = excluded.settings, plugin_digest = excluded.plugin_digest,
             compared_at = excluded.compared_at, settled = excluded.settled, members = excluded.members,
             open = excluded.open
         WHERE excluded.sequence >= sequence",
        named_params! {
            ":sync": sync,
            ":sequence": picture.sequence,
            ":settings": picture.settings,
            ":plugin_digest": picture.plugin_digest,
            ":compared_at": micros(picture.compared_at),
            ":settled": contact_set_bytes(&picture.settled)?,
            ":members": contact_set_bytes(&picture.members)?,
            ":open": contact_set_bytes(&picture.open)?,
        },
    )?;
    forget_seen(connection, audience, picture.compared_at)
}

/// Removes the changes of an audience's members that every picture has seen, those apart that are too old
/// to be followed at this moment, and notes how far it went.
fn forget_seen(connection: &Connection, audience: i64, at: Timestamp) -> Step<()> {
    let too_old = micros(at) - i64::try_from(COMPARED_AT_LEAST_EVERY.as_micros())?;
    let seen: Option<i64> = connection.query_row(
        "SELECT min(p.sequence) FROM sync_pictures p JOIN syncs s ON s.id = p.sync_id
         WHERE s.audience_id = ? AND p.compared_at > ?",
        (audience, too_old),
        |row| row.get(0),
    )?;
    let Some(seen) = seen else { return Ok(()) };
    connection.execute("DELETE FROM member_changes WHERE audience_id = ? AND seq <= ?", (audience, seen))?;
    connection.execute(
        "UPDATE audiences SET changes_kept_after = max(changes_kept_after, ?) WHERE id = ?",
        (seen, audience),
    )?;
    Ok(())
}
