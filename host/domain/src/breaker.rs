//! When a plan is too large to be carried out unasked (invariant 5).
//!
//! An empty file imported in the place of a list would untag everyone; a mapping turned upside
//! down would subscribe everyone. So a plan that goes past a set share stops and asks, and so does
//! a first run, whose share has nothing to be measured against.

use serde::{Deserialize, Serialize};

/// The share, in percent of the members that the sync has, past which a plan asks. A tenth leaves
/// room for a busy week and stops what a broken export does.
pub const DEFAULT_SHARE_PERCENT: u8 = 10;
/// Up to this number a plan never asks: in a list of twenty, two people leaving is a normal day.
pub const ALWAYS_ALLOWED: u64 = 10;

/// How much a plan would do, of the kinds that are hard to take back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// The members that the sync has confirmed so far.
    pub members: u64,
    /// Tags to be taken off.
    pub untag: u64,
    /// Members to be unsubscribed.
    pub unsubscribe: u64,
    /// Contacts to be created as subscribed, or asked to confirm.
    pub subscribe: u64,
    /// Contacts to be created at all.
    pub create: u64,
    /// Members that get other values, another address or a tag.
    pub change: u64,
}

/// One reason to stop and ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Trip {
    /// The sync has never run.
    FirstRun {
        /// How many contacts it would create.
        create: u64,
        /// How many of them as subscribed.
        subscribe: u64,
        /// How many members it would change or tag.
        change: u64,
        /// How many it would untag.
        untag: u64,
        /// How many it would unsubscribe.
        unsubscribe: u64,
    },
    /// Too many tags would be taken off.
    Untag {
        /// How many.
        count: u64,
        /// Of how many members.
        members: u64,
    },
    /// Too many members would be unsubscribed.
    Unsubscribe {
        /// How many.
        count: u64,
        /// Of how many members.
        members: u64,
    },
    /// Too many contacts would be created as subscribed.
    Subscribe {
        /// How many.
        count: u64,
        /// Beside how many members.
        members: u64,
    },
}

impl std::fmt::Display for Trip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::FirstRun { create, subscribe, change, untag, unsubscribe } => {
                write!(
                    f,
                    "this is the sync's first run: it would create {create} members, {subscribe} of them subscribed, \
                     change or tag {change}, untag {untag} and unsubscribe {unsubscribe}"
                )
            }
            Self::Untag { count, members } => write!(f, "it would take the tag off {count} of {members} members"),
            Self::Unsubscribe { count, members } => write!(f, "it would unsubscribe {count} of {members} members"),
            Self::Subscribe { count, members } => {
                write!(f, "it would newly subscribe {count} contacts, beside {members} members so far")
            }
        }
    }
}

/// The reasons why a plan must ask first; none means that it may run.
#[must_use]
pub fn trips(volume: &Volume, share_percent: u8, first_run: bool) -> Vec<Trip> {
    let Volume { members, untag, unsubscribe, subscribe, create, change } = *volume;
    let mut trips = Vec::new();
    if first_run && create + change + untag + unsubscribe > 0 {
        trips.push(Trip::FirstRun { create, subscribe, change, untag, unsubscribe });
    }
    let allowed = ALWAYS_ALLOWED.max(members.saturating_mul(u64::from(share_percent)) / 100);
    if untag > allowed {
        trips.push(Trip::Untag { count: untag, members });
    }
    if unsubscribe > allowed {
        trips.push(Trip::Unsubscribe { count: unsubscribe, members });
    }
    // The first run has named them already.
    if subscribe > allowed && !first_run {
        trips.push(Trip::Subscribe { count: subscribe, members });
    }
    trips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_list_does_not_untag_everyone_unasked() {
        let volume = Volume { members: 1_000, untag: 1_000, ..Volume::default() };
        assert_eq!(trips(&volume, DEFAULT_SHARE_PERCENT, false), [Trip::Untag { count: 1_000, members: 1_000 }]);
    }

    #[test]
    fn a_first_run_asks_whatever_it_does_unless_it_does_nothing() {
        let nothing = Volume { members: 100, ..Volume::default() };
        assert_eq!(trips(&nothing, 100, true), []);
        for little in [
            Volume { create: 1, subscribe: 1, ..nothing },
            Volume { change: 1, ..nothing },
            Volume { untag: 1, ..nothing },
            Volume { unsubscribe: 1, ..nothing },
        ] {
            let Volume { create, subscribe, change, untag, unsubscribe, .. } = little;
            let asked = Trip::FirstRun { create, subscribe, change, untag, unsubscribe };
            assert_eq!(trips(&little, 100, true), [asked]);
            assert_eq!(trips(&little, 100, false), [], "a later one may do as much unasked");
        }
    }

    #[test]
    fn a_first_run_that_was_cut_off_untags_nobody_unasked() {
        let volume = Volume { members: 5_000, untag: 5_000, unsubscribe: 600, ..Volume::default() };
        let asked = trips(&volume, 10, true);
        assert!(matches!(asked[0], Trip::FirstRun { untag: 5_000, unsubscribe: 600, .. }), "{asked:?}");
        let untag = Trip::Untag { count: 5_000, members: 5_000 };
        assert_eq!(asked[1..], [untag, Trip::Unsubscribe { count: 600, members: 5_000 }]);
    }

    #[test]
    fn the_share_is_a_bound_that_may_be_reached() {
        let at = Volume { members: 500, untag: 50, unsubscribe: 50, subscribe: 50, create: 400, change: 400 };
        assert_eq!(trips(&at, 10, false), []);
        let past = Volume { untag: 51, unsubscribe: 51, subscribe: 51, ..at };
        assert_eq!(trips(&past, 10, false).len(), 3);
    }

    #[test]
    fn a_handful_never_asks() {
        let volume = Volume { members: 12, untag: 10, ..Volume::default() };
        assert_eq!(trips(&volume, 10, false), []);
    }
}
