//! How intents are planned, and which older ones they replace.

use jiff::Timestamp;
use postroom_domain::intent::policy::Terms;
use postroom_domain::intent::{Class, IntentEvent, IntentId, IntentKind};
use postroom_store::StoreError;
use postroom_store::intents::{IntentDraft, MAX_NAME_BYTES, MAX_WANT_BYTES, Planned};
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::columns::micros;
use crate::failure::Step;
use crate::intent_rows::{self, Note, rank, select_intents};
use crate::{intent_lanes, intent_work, list_rows, purpose_rows};

/// Why an intent was cancelled that a newer one replaced.
const SUPERSEDED: &str = "superseded";

/// Refuses drafts that the rules do not admit, before the writer is asked.
pub(crate) fn check(drafts: &[IntentDraft]) -> Result<(), StoreError> {
    intent_work::check(drafts.len())?;
    for draft in drafts {
        let refused = |why: String| StoreError::Refused(format!("the intent `{}` is refused: {why}", draft.effect_key));
        let IntentDraft { kind, delivery, class, valid_until, .. } = *draft;
        let terms = Terms { kind, delivery, class, has_contact: draft.contact.is_some(), valid_until };
        terms.check().map_err(|fault| refused(fault.to_string()))?;
        if draft.effect_key.is_empty() || draft.effect_key.len() > MAX_NAME_BYTES {
            return Err(refused(format!("name the business act with 1 to {MAX_NAME_BYTES} bytes")));
        }
        if draft.target.len() > MAX_NAME_BYTES {
            return Err(refused(format!("its target takes more than {MAX_NAME_BYTES} bytes; name it by its number")));
        }
        if draft.want.len() > MAX_WANT_BYTES {
            return Err(refused(format!("what is wanted takes more than {MAX_WANT_BYTES} bytes; leave fields out")));
        }
        if kind == IntentKind::Forget && !draft.want.is_empty() {
            return Err(refused("what is to be erased stands sealed with the erasure: name its number alone".into()));
        }
    }
    Ok(())
}

/// Plans intents in their order.
pub(crate) fn plan(connection: &Connection, drafts: &[IntentDraft], at: Timestamp) -> Step<Vec<Planned>> {
    drafts.iter().map(|draft| one(connection, draft, at)).collect()
}

fn one(connection: &Connection, draft: &IntentDraft, at: Timestamp) -> Step<Planned> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM intents WHERE effect_key = ?")?
        .query_row([&draft.effect_key], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(Planned::Known(IntentId(known)));
    }
    if exists(connection, "SELECT EXISTS (SELECT 1 FROM spent_effects WHERE effect_key = ?)", &draft.effect_key)? {
        return Ok(Planned::Spent);
    }
    // Whoever is erased while something is planned for them must not come back with it. What is to be erased
    // holds nothing of them.
    if let Some(contact) = draft.contact
        && draft.kind != IntentKind::Forget
        && !exists(connection, "SELECT EXISTS (SELECT 1 FROM contacts WHERE id = ?)", contact.0)?
    {
        return Ok(Planned::ContactGone);
    }
    intent_lanes::require_account(connection, draft.account)?;
    let list = draft.list.as_deref().map(|list| list_rows::require(connection, list)).transpose()?;
    let purpose =
        draft.purpose.as_ref().map(|purpose| purpose_rows::require(connection, purpose.as_str())).transpose()?;
    connection
        .prepare_cached(
            "INSERT INTO intents (effect_key, account_id, contact_id, kind, delivery, class, target, list_id, purpose_id,
                                  state, want, based_on, planned_at, due_at, valid_until)
             VALUES (:effect_key, :account, :contact, :kind, :delivery, :class, :target, :list, :purpose,
                     'planned', :want, :based_on, :at, :due_at, :valid_until)",
        )?
        .execute(named_params! {
            ":effect_key": draft.effect_key,
            ":account": draft.account,
            ":contact": draft.contact.map(|contact| contact.0),
            ":kind": draft.kind.as_str(),
            ":delivery": draft.delivery.as_str(),
            ":class": rank(draft.class),
            ":target": draft.target,
            ":list": list.map(|list| list.id),
            ":purpose": purpose.map(|purpose| purpose.id),
            ":want": draft.want,
            ":based_on": draft.based_on,
            ":at": micros(at),
            ":due_at": micros(draft.due_at),
            ":valid_until": draft.valid_until.map(micros),
        })?;
    let id = IntentId(connection.last_insert_rowid());
    supersede(connection, draft, id, at)?;
    Ok(Planned::New(id))
}

fn exists(connection: &Connection, sql: &str, name: impl rusqlite::ToSql) -> Step<bool> {
    Ok(connection.prepare_cached(sql)?.query_row([name], |row| row.get(0))?)
}

/// Cancels what nothing has left of and what the newer intent replaces. An opt-out gives way to an opt-out only:
/// what replaced it might be refused when it is armed, and then nobody would have told the provider.
fn supersede(connection: &Connection, draft: &IntentDraft, newer: IntentId, at: Timestamp) -> Step<()> {
    let Some(contact) = draft.contact.filter(|_| draft.kind.policy().is_desired_state) else { return Ok(()) };
    let older = intent_rows::all(
        connection,
        select_intents!(
            "WHERE contact_id = ? AND account_id = ? AND target = ? AND id < ?
               AND (state = 'planned' OR state = 'claimed') ORDER BY id"
        ),
        (contact.0, draft.account, &draft.target, newer.0),
    )?;
    let gives_way = |class: Class| class != Class::OptOut || draft.class == Class::OptOut;
    for intent in older.iter().filter(|older| draft.kind.replaces(older.kind) && gives_way(older.class)) {
        let note = Note { reason: Some(SUPERSEDED), ..Note::default() };
        intent_rows::must(connection, intent, IntentEvent::Cancel, &note, at)?;
    }
    Ok(())
}
