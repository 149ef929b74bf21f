//! The versions of the tables, and the way from each to the next.

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::failure::{Failure, Step};

/// Every step, oldest first. A released step never changes.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("schema/0001_first.sql")),
    M::up(include_str!("schema/0002_plugin_versions.sql")),
    M::up(include_str!("schema/0003_settled.sql")),
    M::up(include_str!("schema/0004_fields.sql")),
    M::up(include_str!("schema/0005_import.sql")),
    M::up(include_str!("schema/0006_cursor.sql")),
    M::up(include_str!("schema/0007_segments.sql")),
    M::up(include_str!("schema/0008_consent.sql")),
    M::up(include_str!("schema/0009_import_claims.sql")),
    M::up(include_str!("schema/0010_contact_changes.sql")),
    M::up(include_str!("schema/0011_scopes.sql")),
    M::up(include_str!("schema/0012_import_profiles.sql")),
    M::up(include_str!("schema/0013_contact_story.sql")),
    M::up(include_str!("schema/0014_intents.sql")),
    M::up(include_str!("schema/0015_schedules.sql")),
    M::up(include_str!("schema/0016_batches.sql")),
    M::up(include_str!("schema/0017_instance.sql")),
    M::up(include_str!("schema/0018_pauses.sql")),
];

/// The version that this program writes.
#[expect(clippy::cast_possible_truncation, reason = "there are fewer steps than a u32 counts")]
pub(crate) const VERSION: u32 = STEPS.len() as u32;

/// Brings a database to the version of this program.
pub(crate) fn migrate(connection: &mut Connection) -> Step<()> {
    Migrations::from_slice(STEPS).to_latest(connection).map_err(|error| Failure::Cause(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_applies() {
        Migrations::from_slice(STEPS).validate().unwrap();
    }
}
