//! All the reasons for which a sync runs by itself.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::timetable::Timetable;

/// How long a sync waits for quiet after a change at most, a day: further on, a timetable says it better.
pub const MAX_QUIET: SignedDuration = SignedDuration::from_hours(24);

/// The reasons for which a sync runs by itself: by the clock, when its list changes, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Triggers {
    parts: Parts,
}

/// Triggers as they are written, before their bounds are checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timetable: Option<Timetable>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_change_after: Option<SignedDuration>,
}

/// What is wrong with triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TriggersFault {
    /// There is none.
    #[error("a sync that runs by itself needs a reason: give it a timetable, or let it run when its list changes")]
    None,
    /// The quiet delay is negative or too long.
    #[error("a sync can wait for quiet for {} hours at most: choose less, or give it a timetable", MAX_QUIET.as_hours())]
    Quiet,
}

impl Triggers {
    /// A timetable, and how long nothing must have changed before changes are synced (zero for at once), or one
    /// of the two.
    ///
    /// # Errors
    ///
    /// [`TriggersFault`] when both are none, or the wait is out of bounds.
    pub fn new(timetable: Option<Timetable>, on_change_after: Option<SignedDuration>) -> Result<Self, TriggersFault> {
        Self::try_from(Parts { timetable, on_change_after })
    }

    /// When it runs by the clock.
    #[must_use]
    pub fn timetable(&self) -> Option<&Timetable> {
        self.parts.timetable.as_ref()
    }

    /// How long nothing must have changed before changes are synced; none if changes are no reason.
    #[must_use]
    pub fn on_change_after(&self) -> Option<SignedDuration> {
        self.parts.on_change_after
    }
}

impl TryFrom<Parts> for Triggers {
    type Error = TriggersFault;

    fn try_from(parts: Parts) -> Result<Self, Self::Error> {
        if parts.timetable.is_none() && parts.on_change_after.is_none() {
            return Err(TriggersFault::None);
        }
        if parts.on_change_after.is_some_and(|quiet| !(SignedDuration::ZERO..=MAX_QUIET).contains(&quiet)) {
            return Err(TriggersFault::Quiet);
        }
        Ok(Self { parts })
    }
}

impl From<Triggers> for Parts {
    fn from(triggers: Triggers) -> Self {
        triggers.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Misfire;

    #[test]
    fn a_sync_that_runs_by_itself_has_a_reason_and_waits_no_longer_than_a_day() {
        assert_eq!(Triggers::new(None, None), Err(TriggersFault::None));
        for quiet in [SignedDuration::from_secs(-1), MAX_QUIET + SignedDuration::from_secs(1)] {
            assert_eq!(Triggers::new(None, Some(quiet)), Err(TriggersFault::Quiet));
        }
        for quiet in [SignedDuration::ZERO, MAX_QUIET] {
            assert_eq!(Triggers::new(None, Some(quiet)).unwrap().on_change_after(), Some(quiet));
        }
    }

    #[test]
    fn its_json_has_what_there_is() {
        let hourly = Timetable::new("every hour".parse().unwrap(), Misfire::Once, SignedDuration::ZERO).unwrap();
        let both = Triggers::new(Some(hourly), Some(SignedDuration::from_secs(30))).unwrap();
        let json = serde_json::to_string(&both).unwrap();
        assert_eq!(
            json,
            r#"{"timetable":{"schedule":"every hour","misfire":{"policy":"once"},"spread":"PT0S"},"on_change_after":"PT30S"}"#
        );
        assert_eq!(serde_json::from_str::<Triggers>(&json).unwrap(), both);
        assert!(serde_json::from_str::<Triggers>("{}").unwrap_err().to_string().contains("needs a reason"));
    }
}
