//! What happens to intents when something happens to their contact: its consent, or itself.

use jiff::Timestamp;
use postroom_domain::consent::Will;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::arming::{Standing, refused_by};
use postroom_domain::intent::{Class, IntentEvent, IntentKind, IntentState};
use postroom_domain::narrowing::narrowed;
use postroom_domain::purpose::PurposeTerms;
use postroom_store::intents::DoubtStep;
use rusqlite::{Connection, OptionalExtension, named_params};

use crate::columns::from_word;
use crate::failure::{Failure, Step};
use crate::intent_rows::{self, CONTACT_GONE, Note, StoredIntent, select_intents};
use crate::key::SecretKey;
use crate::suppression;

/// How a contact goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parting {
    /// It is deleted: providers are still to hear of its opt-outs.
    Deleted,
    /// It is erased: providers erase it, and hear of nothing else.
    Erased,
}

/// How the contact of an intent stands, narrowed to the intent's list and purpose. Without the key, nobody is
/// suppressed.
pub(crate) fn standing(
    connection: &Connection,
    intent: &StoredIntent,
    contact: ContactId,
    key: Option<&SecretKey>,
) -> Step<Standing> {
    type Found = (String, String, bool, Option<String>, Option<String>, Option<String>);
    let found: Option<Found> = connection
        .prepare_cached(
            "SELECT c.shown, c.email_key,
                    EXISTS (SELECT 1 FROM list_withdrawals w WHERE w.list_id = :list AND w.contact_id = c.id),
                    p.name, p.basis,
                    (SELECT w.will FROM purpose_wills w WHERE w.purpose_id = p.id AND w.contact_id = c.id)
             FROM contacts c LEFT JOIN purposes p ON p.id = :purpose
             WHERE c.id = :contact",
        )?
        .query_row(named_params! { ":list": intent.list, ":purpose": intent.purpose, ":contact": contact.0 }, |row| {
            row.try_into()
        })
        .optional()?;
    let Some((shown, email_key, is_off_list, purpose, basis, will)) = found else { return Ok(Standing::Gone) };
    let terms = match (purpose, basis) {
        (Some(name), Some(basis)) => Some(PurposeTerms {
            name: name.parse().map_err(|_| Failure::unreadable("name of a purpose", &name))?,
            basis: from_word("legal basis", &basis)?,
        }),
        _ => None,
    };
    let will = will.map_or(Ok(Will::Unknown), |will| from_word("will", &will))?;
    let for_list = is_off_list.then_some(("", Will::Withdrawn));
    let consent = narrowed(from_word("consent state", &shown)?, for_list, terms.as_ref().map(|terms| (terms, will)));
    Ok(Standing::There {
        consent: consent.state,
        basis: terms.map(|terms| terms.basis),
        is_suppressed: key.map_or(Ok(false), |key| suppression::is_kept_out(connection, key, &email_key))?,
    })
}

/// Cancels what nothing has left of and what the contact's no, which was just recorded, forbids. In the
/// transaction of the no: what is armed after it is none of these.
pub(crate) fn cancel_refused(connection: &Connection, contact: ContactId, at: Timestamp) -> Step<()> {
    for intent in intent_rows::unsent_of(connection, contact)? {
        if intent.class == Class::OptOut {
            continue;
        }
        let standing = standing(connection, &intent, contact, None)?;
        if let Some(refusal) = refused_by(intent.kind, standing).filter(|refusal| refusal.is_no()) {
            let note = Note { reason: Some(refusal.as_str()), ..Note::default() };
            intent_rows::must(connection, &intent, IntentEvent::Cancel, &note, at)?;
        }
    }
    Ok(())
}

/// Ends what can't be sent to a contact that goes, and takes its personal data out of the rest.
pub(crate) fn part(connection: &Connection, contact: ContactId, parting: Parting, at: Timestamp) -> Step<()> {
    let stays = |intent: &StoredIntent| match parting {
        Parting::Deleted => intent.class == Class::OptOut,
        Parting::Erased => intent.kind == IntentKind::Forget,
    };
    let note = Note { reason: Some(CONTACT_GONE), ..Note::default() };
    let intents = intent_rows::all(connection, select_intents!("WHERE contact_id = ? ORDER BY id"), [contact.0])?;
    for intent in intents {
        let is_open = !intent.state.is_final();
        if is_open && stays(&intent) {
            continue;
        }
        match intent.state {
            IntentState::Planned | IntentState::Claimed => {
                intent_rows::must(connection, &intent, IntentEvent::Cancel, &note, at)?;
            }
            IntentState::InDoubt => {
                intent_rows::must(connection, &intent, IntentEvent::GiveUp, &note, at)?;
                intent_rows::remember(connection, &intent, DoubtStep::GivenUp, (None, None), at)?;
            }
            IntentState::Armed
            | IntentState::Done
            | IntentState::Rejected
            | IntentState::Cancelled
            | IntentState::Expired
            | IntentState::Abandoned => {}
        }
        connection
            .prepare_cached(
                "UPDATE intents SET want = NULL, message = NULL, evidence = NULL, request_hash = NULL WHERE id = ?",
            )?
            .execute([intent.id.0])?;
        connection
            .prepare_cached("UPDATE intent_history SET evidence = NULL WHERE intent_id = ?")?
            .execute([intent.id.0])?;
    }
    Ok(())
}

/// Hands the intents of a contact that goes into another over to it, so that whoever erases that one finds
/// them. What was to be sent under the old address is not sent, opt-outs apart.
pub(crate) fn hand_over(connection: &Connection, other: ContactId, kept: ContactId, at: Timestamp) -> Step<()> {
    let note = Note { reason: Some(CONTACT_GONE), ..Note::default() };
    for intent in intent_rows::unsent_of(connection, other)? {
        if intent.class != Class::OptOut {
            intent_rows::must(connection, &intent, IntentEvent::Cancel, &note, at)?;
        }
    }
    connection.prepare_cached("UPDATE intents SET contact_id = ? WHERE contact_id = ?")?.execute((kept.0, other.0))?;
    Ok(())
}
