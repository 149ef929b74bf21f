//! The folds of consent by list and by purpose: rows only where something was said that counts.

use postroom_domain::consent::{ConsentEvent, Will};
use postroom_domain::contact::ContactId;
use postroom_domain::narrowing::{Scope, narrowed};
use postroom_domain::purpose::PurposeName;
use postroom_store::StoreError;
use postroom_store::contacts::{Contact, PurposeStanding};
use rusqlite::Connection;

use crate::columns::from_word;
use crate::consent_rows;
use crate::failure::{Failure, Step};
use crate::{intent_contacts, list_rows, purpose_rows};

/// Where a scope stands in columns: `list_id`, `purpose_id`.
pub(crate) type Columns = (Option<i64>, Option<i64>);

/// The columns of a scope that events can be recorded for.
pub(crate) fn columns(connection: &Connection, scope: &Scope) -> Step<Columns> {
    Ok(match scope {
        Scope::Whole => (None, None),
        Scope::List(list) => (Some(list_rows::require(connection, list)?.id), None),
        Scope::Purpose(purpose) => (None, Some(purpose_rows::require(connection, purpose.as_str())?.id)),
        Scope::FormerList(list) => {
            let mend = "it was deleted, and with it what contacts said for it".to_owned();
            return Err(StoreError::NotFound { kind: "list", name: list.clone(), mend }.into());
        }
    })
}

/// The scope of columns, with the names that they have: the list's, the deleted list's, the purpose's.
pub(crate) fn scope(list: Option<String>, former: Option<String>, purpose: Option<String>) -> Step<Scope> {
    Ok(match (list, former, purpose) {
        (Some(list), ..) => Scope::List(list),
        (None, Some(former), _) => Scope::FormerList(former),
        (None, None, Some(purpose)) => {
            Scope::Purpose(purpose.parse().map_err(|_| Failure::unreadable("name of a purpose", &purpose))?)
        }
        (None, None, None) => Scope::Whole,
    })
}

/// Adds an event about a list or a purpose, and brings its fold up to date. Answers with the will before it
/// and after it.
pub(crate) fn record(connection: &Connection, contact: ContactId, event: &ConsentEvent) -> Step<(Will, Will)> {
    let mut history = consent_rows::history(connection, contact)?;
    let before = Will::fold(&history, &event.scope);
    consent_rows::append(connection, contact, event)?;
    history.push(event.clone());
    let after = Will::fold(&history, &event.scope);
    set(connection, contact, &event.scope, after)?;
    if after == Will::Withdrawn {
        intent_contacts::cancel_refused(connection, contact, event.at)?;
    }
    Ok((before, after))
}

/// Brings every fold of a contact up to date with a history: of a new contact, and of one that another was
/// joined into. Most have none.
pub(crate) fn refold<'a>(
    connection: &Connection,
    contact: ContactId,
    history: &(impl Iterator<Item = &'a ConsentEvent> + Clone),
) -> Step<()> {
    let scopes = history.clone().map(|event| &event.scope);
    let mut scopes: Vec<&Scope> = scopes.filter(|scope| !scope.is_whole()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    for scope in scopes {
        set(connection, contact, scope, Will::fold(history.clone(), scope))?;
    }
    Ok(())
}

/// Writes a fold. A purpose that was removed keeps its rows up to date too.
fn set(connection: &Connection, contact: ContactId, scope: &Scope, will: Will) -> Step<()> {
    match (scope, will) {
        (Scope::Whole | Scope::FormerList(_), _) => {}
        (Scope::List(list), Will::Withdrawn) => {
            connection
                .prepare_cached(
                    "INSERT INTO list_withdrawals (list_id, contact_id) SELECT id, ? FROM lists WHERE name = ?
                     ON CONFLICT DO NOTHING",
                )?
                .execute((contact.0, list))?;
        }
        (Scope::List(list), _) => {
            connection
                .prepare_cached(
                    "DELETE FROM list_withdrawals
                     WHERE contact_id = ? AND list_id = (SELECT id FROM lists WHERE name = ?)",
                )?
                .execute((contact.0, list))?;
        }
        (Scope::Purpose(purpose), Will::Unknown) => {
            connection
                .prepare_cached(
                    "DELETE FROM purpose_wills
                     WHERE contact_id = ? AND purpose_id = (SELECT id FROM purposes WHERE name = ?)",
                )?
                .execute((contact.0, purpose.as_str()))?;
        }
        (Scope::Purpose(purpose), will) => {
            connection
                .prepare_cached(
                    "INSERT INTO purpose_wills (purpose_id, contact_id, will)
                     SELECT id, ?, ? FROM purposes WHERE name = ?
                     ON CONFLICT (purpose_id, contact_id) DO UPDATE SET will = excluded.will",
                )?
                .execute((contact.0, will.as_str(), purpose.as_str()))?;
        }
    }
    Ok(())
}

/// The lists that a contact withdrew for, by name.
pub(crate) fn unsubscribed(connection: &Connection, contact: ContactId) -> Step<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT l.name FROM list_withdrawals w JOIN lists l ON l.id = w.list_id WHERE w.contact_id = ? ORDER BY l.name",
    )?;
    let names = statement.query_map([contact.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(names)
}

/// What a contact said for a purpose; unknown where nothing is recorded.
pub(crate) fn will(connection: &Connection, contact: ContactId, purpose: &PurposeName) -> Step<Will> {
    let mut statement = connection.prepare_cached(
        "SELECT w.will FROM purposes p JOIN purpose_wills w ON w.purpose_id = p.id AND w.contact_id = ?
         WHERE p.name = ?",
    )?;
    let mut rows = statement.query((contact.0, purpose.as_str()))?;
    match rows.next()? {
        Some(row) => from_word("will", row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?),
        None => Ok(Will::Unknown),
    }
}

/// What a contact said for each purpose there is, by name.
pub(crate) fn standings(connection: &Connection, contact: &Contact) -> Step<Vec<PurposeStanding>> {
    let purposes = purpose_rows::all(connection)?;
    let each = purposes.into_iter().map(|row| {
        let purpose = row.purpose.terms();
        let will = will(connection, contact.id, &purpose.name)?;
        let consent = narrowed(contact.consent, None, Some((&purpose, will))).state;
        Ok(PurposeStanding { purpose, will, consent })
    });
    each.collect()
}
