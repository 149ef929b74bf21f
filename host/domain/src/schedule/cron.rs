//! Cron expressions on the clock of a zone.
//!
//! The library searches among local times and knows no zone. When a local time is due is said in one place
//! ([`Zone`]): its own rule for clock changes looks at how an expression is written.

use std::fmt;

use jiff::Timestamp;

use super::zone::Zone;

/// A cron expression of five fields, in a zone.
#[derive(Debug, Clone)]
pub struct Cron {
    /// The fields as they were written, in capitals and with single spaces.
    fields: String,
    zone: Zone,
    /// Apart, since it takes ten times as much room as the rest.
    rule: Box<croner::Cron>,
}

impl Cron {
    /// Fields that were read, with their rule.
    pub(super) fn new(fields: String, zone: Zone, rule: croner::Cron) -> Self {
        Self { fields, zone, rule: Box::new(rule) }
    }

    /// The five fields.
    #[must_use]
    pub fn fields(&self) -> &str {
        &self.fields
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    pub(super) fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut local = self.zone.local(instant);
        loop {
            local = self.rule.find_next_occurrence(&local, false).ok()?;
            // While an hour comes for the second time, its local times lie behind already.
            match self.zone.due(local)? {
                due if due > instant => return Some(due),
                _ => {}
            }
        }
    }

    pub(super) fn latest_at(&self, instant: Timestamp) -> Option<Timestamp> {
        let mut local = self.zone.local_at_most(instant)?;
        let mut inclusive = true;
        loop {
            local = self.rule.find_previous_occurrence(&local, inclusive).ok()?;
            inclusive = false;
            match self.zone.due(local)? {
                due if due <= instant => return Some(due),
                _ => {}
            }
        }
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        // The rule follows from the fields.
        self.fields == other.fields && self.zone == other.zone
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.fields, self.zone)
    }
}
