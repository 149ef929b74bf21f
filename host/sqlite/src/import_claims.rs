//! What a row of an import says beside its fields: a claim of consent, and tags.
//!
//! When a claim counts is a rule of [`postroom_domain::claim`]. A file is imported again and again, so what
//! a claim states is written once: a claim that tells its moment is known by it; one that does not happened,
//! for all that is known, when it was first heard of.

use postroom_domain::claim::{ClaimedAct, ConsentClaim};
use postroom_domain::consent::{Consent, ConsentAct, ConsentEvent, ConsentSource, Deliverability, Provenance, Will};
use postroom_domain::contact::ContactId;
use postroom_domain::narrowing::Scope;
use rusqlite::{Connection, named_params};

use crate::columns::micros;
use crate::failure::Step;
use crate::import_prepared::Prepared;
use crate::import_row::ImportState;
use crate::{consent_rows, scope_rows, tag_rows};

/// What a row changed at its contact beside the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// The consent afterwards.
    pub(crate) consent: Consent,
    /// Whether its claim was written.
    pub(crate) is_recorded: bool,
    /// Whether a tag was put on.
    pub(crate) is_tagged: bool,
}

/// The event that a row's claim is written as; none where it has none, or one that is not believed.
pub(crate) fn claimed(import: &ImportState, row: &Prepared) -> Option<ConsentEvent> {
    let claim = row.claim.as_ref()?;
    if claim.act == ClaimedAct::Granted && !import.believes_file {
        return None;
    }
    // What lies ahead of the import can't have happened: as a withdrawal it would outlast later opt-ins.
    let at = claim.at.map_or(import.started_at, |at| at.min(import.started_at));
    let event = ConsentEvent::new(at, claim.act.event()?, ConsentSource::Import).shown_by(&claim.evidence);
    let ip = claim.ip.as_deref().and_then(|ip| ip.parse().ok());
    Some(ConsentEvent { provenance: Provenance { ip, ..origin(import, row) }, ..event })
}

/// The grant that an import states for the contact of a row. A row that says the contrary gets none.
pub(crate) fn stated(import: &ImportState, row: &Prepared) -> Option<ConsentEvent> {
    let evidence = import.evidence.as_ref().filter(|_| !speaks_against(row))?;
    let event = ConsentEvent::new(import.started_at, ConsentAct::Granted, ConsentSource::Import).shown_by(evidence);
    Some(ConsentEvent { provenance: origin(import, row), ..event })
}

/// The same grant for each purpose that it is stated for.
fn stated_for_purposes(import: &ImportState, row: &Prepared) -> Vec<ConsentEvent> {
    // Most imports name none, and write nothing more for it.
    if import.purposes.is_empty() {
        return Vec::new();
    }
    let grant = stated(import, row);
    let each =
        |grant: ConsentEvent| import.purposes.iter().map(move |name| grant.clone().about(Scope::Purpose(name.clone())));
    grant.into_iter().flat_map(each).collect()
}

/// The history with which the contact of a row begins, if it is new.
pub(crate) fn beginning(import: &ImportState, row: &Prepared) -> Vec<ConsentEvent> {
    claimed(import, row).into_iter().chain(stated(import, row)).chain(stated_for_purposes(import, row)).collect()
}

/// What an import's purposes came to at a contact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Purposes {
    /// Grants that were recorded.
    pub(crate) recorded: u64,
    /// Withdrawals that stay.
    pub(crate) kept_withdrawn: u64,
}

/// Records the grant that an import states for its purposes, for a contact that was there. As for the whole, what
/// was withdrawn stays so, and what was granted is not granted again.
pub(crate) fn grant_purposes(
    connection: &Connection,
    import: &ImportState,
    row: &Prepared,
    contact: ContactId,
) -> Step<Purposes> {
    let mut done = Purposes::default();
    let Some(grant) = stated(import, row) else { return Ok(done) };
    for purpose in &import.purposes {
        match scope_rows::will(connection, contact, purpose)? {
            Will::Granted => {}
            Will::Withdrawn => done.kept_withdrawn += 1,
            Will::Unknown | Will::Pending => {
                scope_rows::record(connection, contact, &grant.clone().about(Scope::Purpose(purpose.clone())))?;
                done.recorded += 1;
            }
        }
    }
    Ok(done)
}

/// What they came to at a contact that the import made.
pub(crate) fn granted_purposes(connection: &Connection, import: &ImportState, contact: ContactId) -> Step<Purposes> {
    let mut done = Purposes::default();
    for purpose in &import.purposes {
        match scope_rows::will(connection, contact, purpose)? {
            Will::Granted => done.recorded += 1,
            Will::Withdrawn => done.kept_withdrawn += 1,
            Will::Unknown | Will::Pending => {}
        }
    }
    Ok(done)
}

/// Takes up what a row says beside the fields, as far as that is not so already. Unless
/// it is its contact's first row, a withdrawal or a bounce is heard and nothing else.
pub(crate) fn tell(
    connection: &Connection,
    import: &ImportState,
    row: &Prepared,
    (contact, before): (ContactId, Consent),
    is_first: bool,
) -> Step<Told> {
    let mut told = Told { consent: before, is_recorded: false, is_tagged: false };
    if let (Some(claim), Some(event)) = (&row.claim, claimed(import, row)) {
        let is_heard = match claim.act {
            ClaimedAct::Granted => is_first && before.will != Will::Withdrawn,
            ClaimedAct::Withdrawn | ClaimedAct::Bounced => true,
            ClaimedAct::NotGranted => false,
        };
        if is_heard && !is_known(connection, contact, before, claim, &event)? {
            told.consent = consent_rows::record(connection, contact, before, &event)?;
            told.is_recorded = true;
        }
    }
    for tag in row.tags.iter().filter(|_| is_first) {
        told.is_tagged |= tag_rows::put_on(connection, contact, tag, import.started_at)?;
    }
    Ok(told)
}

/// Whether a row says that its contact withdrew, or did not agree.
fn speaks_against(row: &Prepared) -> bool {
    row.claim.as_ref().is_some_and(|claim| claim.act == ClaimedAct::Withdrawn) || grants_nothing(row)
}

/// Whether a row should say that its contact agreed, and does not.
pub(crate) fn grants_nothing(row: &Prepared) -> bool {
    row.claim.as_ref().is_some_and(|claim| claim.act == ClaimedAct::NotGranted)
}

/// Whether a row says that its contact agreed, which nobody said to believe, and no consent is stated for all either.
pub(crate) fn is_not_believed(import: &ImportState, row: &Prepared) -> bool {
    let says_so = row.claim.as_ref().is_some_and(|claim| claim.act == ClaimedAct::Granted);
    says_so && !import.believes_file && import.evidence.is_none()
}

/// Whether an import has written before what a claim states.
fn is_known(
    connection: &Connection,
    contact: ContactId,
    consent: Consent,
    claim: &ConsentClaim,
    event: &ConsentEvent,
) -> Step<bool> {
    let is_in_force = match claim.act {
        ClaimedAct::Granted => consent.will == Will::Granted,
        ClaimedAct::Withdrawn => consent.will == Will::Withdrawn,
        ClaimedAct::Bounced => consent.deliverability == Deliverability::Unusable,
        // It is no event that could be known.
        ClaimedAct::NotGranted => true,
    };
    // The evidence names the line, which shifts when the file grows. So it tells two claims apart only where
    // nothing else does: without a moment, after the contact opted in again.
    Ok(connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM consent_events
                            WHERE contact_id = :contact AND act = :act AND source = :source
                              AND list_id IS NULL AND purpose_id IS NULL
                              AND CASE WHEN :dated THEN at = :at ELSE :in_force OR evidence IS :evidence END)",
        )?
        .query_row(
            named_params! {
                ":contact": contact.0,
                ":act": event.act.as_str(),
                ":source": event.source.as_str(),
                ":dated": claim.at.is_some_and(|at| at == event.at),
                ":at": micros(event.at),
                ":in_force": is_in_force,
                ":evidence": event.evidence,
            },
            |row| row.get(0),
        )?)
}

fn origin(import: &ImportState, row: &Prepared) -> Provenance {
    Provenance { origin: Some(format!("{}, line {}", import.file, row.line)), ..Provenance::default() }
}
