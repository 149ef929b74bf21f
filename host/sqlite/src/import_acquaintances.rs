//! What the store knows under the names of rows, for rehearsing an import.

use postroom_domain::meeting::{Acquaintance, KnownContact};
use postroom_store::lists::RowNames;
use rusqlite::Connection;

use crate::contact_rows::{self, StoredContact};
use crate::failure::Step;
use crate::key::SecretKey;
use crate::suppression;

/// Looks rows up by their names, in their order.
pub(crate) fn of(connection: &Connection, key: &SecretKey, rows: &[RowNames]) -> Step<Vec<Acquaintance>> {
    let some_withdrew = suppression::is_any(connection)?;
    let known = |stored: StoredContact| KnownContact {
        id: stored.id,
        email_key: stored.email_key,
        external_id: stored.external_id,
    };
    let look = |row: &RowNames| {
        let by_key = row.external_id.as_deref().map(|key| contact_rows::by_external_id(connection, key)).transpose()?;
        Ok(Acquaintance {
            by_key: by_key.flatten().map(known),
            by_email: contact_rows::by_any_email(connection, &row.email)?.map(known),
            is_erased: some_withdrew && suppression::is_erased(connection, key, &row.email)?,
        })
    };
    rows.iter().map(look).collect()
}
