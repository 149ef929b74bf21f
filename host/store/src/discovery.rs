//! Where a run has to look: what it asks, what it finds, and the picture that it keeps.
//!
//! A sync remembers the fingerprint of each contact that needed nothing. Comparing each with what stands
//! in the store finds the entries that may need something. A [`Picture`] is the result of such a
//! comparison, kept: who needed nothing, up to which sequence number. The next look takes only those
//! again that are not in it or that moved since.

use jiff::Timestamp;
use postroom_domain::discovery::{Discovery, Search, Why};
use postroom_domain::projection::ContentHash;
use roaring::RoaringTreemap;

/// What a run asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The sync's number.
    pub sync: i64,
    /// The hash of the settings that decide.
    pub settings: ContentHash,
    /// The digest of the plugin.
    pub plugin_digest: String,
    /// Everything is to be compared, whatever is known.
    pub full: bool,
    /// The moment, in rule time.
    pub at: Timestamp,
}

impl Look {
    /// The question of the domain's rule.
    #[must_use]
    pub fn search(&self) -> Search<'_> {
        Search { full: self.full, settings: &self.settings, plugin_digest: &self.plugin_digest, at: self.at }
    }
}

/// Where a run has to look.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenEntries {
    /// The places of the entries that are to be judged.
    pub positions: RoaringTreemap,
    /// How many other entries the list has. They need nothing.
    pub unchanged: u64,
    /// How many contacts on the list the sync has confirmed at its audience.
    pub members: u64,
    /// Whether the sync's tag is on contacts that are not on the list.
    pub tagged_departed: bool,
    /// How this was found.
    pub discovery: Discovery,
    /// What the sync is to keep of it; none when what it has says the same.
    pub picture: Option<Picture>,
}

impl Default for OpenEntries {
    /// Those of an empty list that nobody has looked at.
    fn default() -> Self {
        Self {
            positions: RoaringTreemap::new(),
            unchanged: 0,
            members: 0,
            tagged_departed: false,
            discovery: Discovery::Comparison(Why::NeverCompared),
            picture: None,
        }
    }
}

impl OpenEntries {
    /// The first places behind `after`, at most `limit`.
    #[must_use]
    pub fn page(&self, after: u64, limit: usize) -> Vec<u64> {
        let mut behind = self.positions.iter();
        behind.advance_to(after.saturating_add(1));
        behind.take(limit).collect()
    }
}

/// What a look at some of a sync's contacts found, entries without a contact apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sight {
    /// The places of their entries that are to be judged.
    pub positions: RoaringTreemap,
    /// How many of their other entries there are: the first of each contact that needs nothing.
    pub unchanged: u64,
    /// How many of them are on the list and confirmed at the audience.
    pub members: u64,
    /// Contacts with one entry, which needs nothing.
    pub settled: RoaringTreemap,
    /// Those among the settled that the audience confirmed.
    pub settled_members: RoaringTreemap,
    /// Contacts on the list that are not settled.
    pub open: RoaringTreemap,
    /// Contacts that are not on the list and bear the sync's tag.
    pub departed: RoaringTreemap,
}

impl Sight {
    /// Adds what was found of other contacts.
    pub fn add(&mut self, other: &Self) {
        self.positions |= &other.positions;
        self.unchanged += other.unchanged;
        self.members += other.members;
        self.settled |= &other.settled;
        self.settled_members |= &other.settled_members;
        self.open |= &other.open;
        self.departed |= &other.departed;
    }
}

/// What a sync knows of its list: who needed nothing at a sequence number.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// The sequence number up to which it has seen everything.
    pub sequence: u64,
    /// The hash of the settings that decided.
    pub settings: ContentHash,
    /// The digest of the plugin.
    pub plugin_digest: String,
    /// When everything was last compared, in rule time.
    pub compared_at: Timestamp,
    /// Contacts with one entry, which needs nothing.
    pub settled: RoaringTreemap,
    /// Those among them that the audience confirmed.
    pub members: RoaringTreemap,
    /// Contacts to be looked at each time: others on the list, and those that left it with the tag on.
    pub open: RoaringTreemap,
}

impl Picture {
    /// The picture of a whole comparison that began at a sequence number.
    #[must_use]
    pub fn of(look: &Look, sequence: u64, sight: &Sight) -> Self {
        Self {
            sequence,
            settings: look.settings,
            plugin_digest: look.plugin_digest.clone(),
            compared_at: look.at,
            settled: sight.settled.clone(),
            members: sight.settled_members.clone(),
            open: &sight.open | &sight.departed,
        }
    }

    /// Who has to be looked at when these have moved since. Everybody else is settled, or was not on
    /// the list and is not.
    #[must_use]
    pub fn to_look_at(&self, moved: &RoaringTreemap) -> RoaringTreemap {
        &self.open | moved
    }

    /// What there is to do, after everybody who had to be `looked_at` was seen as `sight`, at a
    /// sequence number. `invalid` are the places of entries without a contact.
    #[must_use]
    pub fn followed(
        self,
        sequence: u64,
        looked_at: &RoaringTreemap,
        sight: &Sight,
        invalid: &RoaringTreemap,
    ) -> OpenEntries {
        let (settled, members) = (&self.settled - looked_at, &self.members - looked_at);
        let unchanged = settled.len() + sight.unchanged;
        let confirmed = members.len() + sight.members;
        let next = Self {
            sequence,
            settings: self.settings,
            plugin_digest: self.plugin_digest.clone(),
            compared_at: self.compared_at,
            settled: settled | &sight.settled,
            members: members | &sight.settled_members,
            open: &sight.open | &sight.departed,
        };
        OpenEntries {
            positions: &sight.positions | invalid,
            unchanged,
            members: confirmed,
            tagged_departed: !sight.departed.is_empty(),
            discovery: Discovery::Cursor,
            picture: (next != self).then_some(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(contacts: impl IntoIterator<Item = u64>) -> RoaringTreemap {
        contacts.into_iter().collect()
    }

    fn look() -> Look {
        Look {
            sync: 1,
            settings: [1; 16],
            plugin_digest: "sha256:00".to_owned(),
            full: false,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Contacts 1 to 5 are settled, 5 without being a member; 6 is open; 7 left with its tag on.
    fn before() -> Picture {
        let sight = Sight {
            positions: set([6]),
            unchanged: 5,
            members: 4,
            settled: set(1..=5),
            settled_members: set(1..=4),
            open: set([6]),
            departed: set([7]),
        };
        Picture::of(&look(), 10, &sight)
    }

    #[test]
    fn who_did_not_move_is_taken_from_the_picture_and_the_others_from_the_look() {
        let looked_at = before().to_look_at(&set([2, 9]));
        assert_eq!(looked_at, set([2, 6, 7, 9]));
        // 2 is open now, 6 is settled, the tag is off 7, and 9 joined with two entries.
        let sight = Sight {
            positions: set([2, 9, 10]),
            unchanged: 1,
            members: 2,
            settled: set([6]),
            settled_members: set([6]),
            open: set([2, 9]),
            departed: set([]),
        };
        let found = before().followed(14, &looked_at, &sight, &set([8]));
        assert_eq!(found.positions, set([2, 8, 9, 10]));
        assert_eq!((found.unchanged, found.members, found.tagged_departed), (5, 5, false));
        let next = found.picture.unwrap();
        assert_eq!((next.sequence, next.compared_at), (14, Timestamp::UNIX_EPOCH));
        assert_eq!((next.settled, next.members, next.open), (set([1, 3, 4, 5, 6]), set([1, 3, 4, 6]), set([2, 9])));
    }

    #[test]
    fn a_look_that_finds_nothing_new_keeps_nothing() {
        let looked_at = before().to_look_at(&set([]));
        let sight = Sight { positions: set([6]), open: set([6]), departed: set([7]), ..Sight::default() };
        let found = before().followed(10, &looked_at, &sight, &set([]));
        assert_eq!((found.unchanged, found.members, found.tagged_departed), (5, 4, true));
        assert_eq!(found.picture, None);
    }
}
