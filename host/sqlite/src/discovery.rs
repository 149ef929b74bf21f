//! Where a run has to look: by the sync's picture and what moved since, or by comparing everything.

use std::ops::RangeInclusive;

use futures_util::future::try_join_all;
use postroom_domain::discovery::{Discovery, Known, Why, discover};
use postroom_store::Result;
use postroom_store::discovery::{Look, OpenEntries, Picture, Sight};
use roaring::RoaringTreemap;
use rusqlite::Connection;

use crate::failure::Step;
use crate::snapshot::Scope;
use crate::store::SqliteStore;
use crate::{comparison, moved, pictures, sequence};

/// What the picture of a sync led to.
enum Followed {
    /// To what there is to do.
    Found(Box<OpenEntries>),
    /// To nothing: everything is to be compared.
    Not(Why),
}

/// Finds the entries of a sync that are to be judged.
pub(crate) async fn open_entries(store: &SqliteStore, look: &Look) -> Result<OpenEntries> {
    let asked = look.clone();
    let followed = store.read("follow what moved in a sync's list", move |connection| follow(connection, &asked));
    match followed.await? {
        Followed::Found(open) => Ok(*open),
        Followed::Not(why) => compare(store, look, why).await,
    }
}

/// Follows the picture if the rule allows it. All of it is read in one state of the store.
fn follow(connection: &Connection, look: &Look) -> Step<Followed> {
    let scope = Scope::of(connection, look.sync)?;
    let picture = if look.full { None } else { pictures::of(connection, look.sync)? };
    let Some(picture) = picture else {
        return Ok(match discover(&look.search(), None) {
            Discovery::Comparison(why) => Followed::Not(why),
            Discovery::Cursor => Followed::Not(Why::NeverCompared),
        });
    };
    let moved = moved::since(connection, &scope, i64::try_from(picture.sequence)?)?;
    let to_look_at = moved.contacts.map(|contacts| picture.to_look_at(&contacts));
    let known = Known {
        settings: &picture.settings,
        plugin_digest: &picture.plugin_digest,
        compared_at: picture.compared_at,
        list_changed: moved.list_changed,
        to_look_at: to_look_at.as_ref().map(RoaringTreemap::len),
    };
    match (discover(&look.search(), Some(&known)), to_look_at) {
        (Discovery::Comparison(why), _) => Ok(Followed::Not(why)),
        (Discovery::Cursor, None) => Ok(Followed::Not(Why::MuchMoved)),
        (Discovery::Cursor, Some(contacts)) => {
            let sight = comparison::look_at(connection, &scope, &look.settings, ranges(&contacts)?)?;
            let invalid = comparison::invalid(connection, &scope)?;
            let sequence = u64::try_from(moved.sequence)?;
            Ok(Followed::Found(Box::new(picture.followed(sequence, &contacts, &sight, &invalid))))
        }
    }
}

/// A set of contacts as ranges without gaps.
fn ranges(contacts: &RoaringTreemap) -> Step<Vec<RangeInclusive<i64>>> {
    let mut ranges: Vec<RangeInclusive<i64>> = Vec::new();
    for contact in contacts {
        let contact = i64::try_from(contact)?;
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == contact => *last = *last.start()..=contact,
            _ => ranges.push(contact..=contact),
        }
    }
    Ok(ranges)
}

/// Compares everything. The parts are read one by one while others may write, so the picture holds as of
/// the number that stood before the first of them: whoever moves in between counts as moved since, and
/// looking at a contact twice does no harm.
async fn compare(store: &SqliteStore, look: &Look, why: Why) -> Result<OpenEntries> {
    let (sync, settings) = (look.sync, look.settings);
    let (sequence, parts) = store
        .read("divide a sync's list", move |connection| {
            let scope = Scope::of(connection, sync)?;
            Ok((u64::try_from(sequence::current(connection)?)?, comparison::parts(connection, &scope)?))
        })
        .await?;
    let compare = parts.into_iter().map(|part| {
        store.read_long("compare a sync's list", move |connection| {
            comparison::look_at(connection, &Scope::of(connection, sync)?, &settings, [part])
        })
    });
    let mut sight = Sight::default();
    for part in try_join_all(compare).await? {
        sight.add(&part);
    }
    let invalid = store
        .read("finish the comparison of a sync's list", move |connection| {
            comparison::invalid(connection, &Scope::of(connection, sync)?)
        })
        .await?;
    Ok(OpenEntries {
        positions: &sight.positions | invalid,
        unchanged: sight.unchanged,
        members: sight.members,
        tagged_departed: !sight.departed.is_empty(),
        discovery: Discovery::Comparison(why),
        picture: Some(Picture::of(look, sequence, &sight)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_every_contact_once() {
        let contacts: RoaringTreemap = [1, 2, 3, 7, 9, 10].into_iter().collect();
        assert_eq!(ranges(&contacts).unwrap(), [1..=3, 7..=7, 9..=10]);
        assert_eq!(ranges(&RoaringTreemap::new()).unwrap(), []);
    }
}
