//! A time zone, and what its clocks make of local times.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::fault::ScheduleProblem;
use crate::segment::did_you_mean;

/// A zone of the IANA database, by its name. Which offset holds when is looked up anew for each tick.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Its name, in the spelling of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clocks show at an instant.
    pub(super) fn local(&self, instant: Timestamp) -> DateTime {
        self.zone.to_datetime(instant)
    }

    /// When a local time is due: the first time that the clocks show it, or the first instant after the gap that
    /// it falls into. Later local times are never due earlier. None at the ends of time.
    pub(super) fn due(&self, local: DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
            AmbiguousOffset::Gap { after, .. } => {
                // By the later offset, whatever lies in the gap comes to stand before the change. Zone files have
                // changes too at which nothing does.
                let before_change = after.to_timestamp(local).ok()?;
                let change = self.zone.following(before_change).find(|change| change.offset() == after)?;
                Some(change.timestamp())
            }
        }
    }

    /// A local time behind which nothing is due at or before an instant. It is what the clocks show, or the end
    /// of what comes twice if they show it for the second time.
    pub(super) fn local_at_most(&self, instant: Timestamp) -> Option<DateTime> {
        let local = self.local(instant);
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Fold { before, after } if self.zone.to_offset(instant) == after => {
                let twice = SignedDuration::from_secs(i64::from(before.seconds()) - i64::from(after.seconds()));
                local.checked_add(twice).ok()
            }
            _ => Some(local),
        }
    }
}

impl FromStr for Zone {
    type Err = ScheduleProblem;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || {
            let known: Vec<_> = jiff::tz::db().available().collect();
            let hint = did_you_mean(name, known.iter().map(jiff::tz::TimeZoneName::as_str));
            ScheduleProblem::Zone { name: name.to_owned(), hint }
        };
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        let name = zone.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Self { name, zone })
    }
}

impl TryFrom<String> for Zone {
    type Error = ScheduleProblem;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name).finish()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
