//! The history of a contact's consent, and its fold that stands with the contact.

use std::net::IpAddr;

use postroom_domain::consent::{Consent, ConsentEvent, ConsentState, Provenance};
use postroom_domain::contact::ContactId;
use rusqlite::{Connection, Row};

use crate::columns::{from_word, micros, timestamp};
use crate::failure::{Failure, Step};
use crate::many_rows::{ManyRows, own, text};
use crate::{intent_contacts, intent_opt_outs, scope_rows};

/// The two axes from the columns `will` and `deliverability`, which stand at `first` and behind it.
pub(crate) fn stored(row: &Row<'_>, first: usize) -> Step<Consent> {
    let will = row.get_ref(first)?.as_str().map_err(rusqlite::Error::from)?;
    let deliverability = row.get_ref(first + 1)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Consent { will: from_word("will", will)?, deliverability: from_word("deliverability", deliverability)? })
}

/// The history of a contact, oldest first.
pub(crate) fn history(connection: &Connection, contact: ContactId) -> Step<Vec<ConsentEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT e.at, e.act, e.source, e.evidence, e.origin, e.wording, e.ip, l.name, f.name, p.name
         FROM consent_events e
         LEFT JOIN lists l ON l.id = e.list_id
         LEFT JOIN former_lists f ON f.list_id = e.list_id
         LEFT JOIN purposes p ON p.id = e.purpose_id
         WHERE e.contact_id = ? ORDER BY e.at, e.id",
    )?;
    let mut rows = statement.query([contact.0])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let (act, source): (String, String) = (row.get(1)?, row.get(2)?);
        events.push(ConsentEvent {
            at: timestamp(row.get(0)?)?,
            act: from_word("consent act", &act)?,
            source: from_word("consent source", &source)?,
            scope: scope_rows::scope(row.get(7)?, row.get(8)?, row.get(9)?)?,
            evidence: row.get(3)?,
            provenance: Provenance { origin: row.get(4)?, wording: row.get(5)?, ip: address(row.get(6)?)? },
        });
    }
    Ok(events)
}

/// Adds an event about the whole to a history and brings the contact's fold up to date. Answers with the fold after
/// it; the event is kept also when that is the same.
pub(crate) fn record(
    connection: &Connection,
    contact: ContactId,
    before: Consent,
    event: &ConsentEvent,
) -> Step<Consent> {
    let latest: Option<i64> = connection
        .prepare_cached("SELECT max(at) FROM consent_events WHERE contact_id = ?")?
        .query_row([contact.0], |row| row.get(0))?;
    append(connection, contact, event)?;
    // An event that is the latest continues the fold; one that comes late may change what followed.
    let after = if latest.is_none_or(|latest| latest < micros(event.at)) {
        before.after(event)
    } else {
        Consent::fold(&history(connection, contact)?)
    };
    if after != before {
        connection
            .prepare_cached("UPDATE contacts SET will = ?, deliverability = ?, shown = ? WHERE id = ?")?
            .execute((after.will.as_str(), after.deliverability.as_str(), after.shown().as_str(), contact.0))?;
    }
    // Also a no that is said twice: something may have been planned in between.
    if matches!(after.shown(), ConsentState::Withdrawn | ConsentState::Unusable) {
        intent_contacts::cancel_refused(connection, contact, event.at)?;
    }
    if after != before {
        intent_opt_outs::follow(connection, contact, (before.shown(), after.shown()), event.at)?;
    }
    Ok(after)
}

/// Adds an event to a history and nothing else: the contact's folds hold it already.
pub(crate) fn append(connection: &Connection, contact: ContactId, event: &ConsentEvent) -> Step<()> {
    let mut histories = Histories::new();
    histories.add(connection, contact, event)?;
    histories.write(connection)
}

/// Events on their way into histories, some of which wait to be written.
pub(crate) struct Histories(ManyRows<'static, 10>);

impl Histories {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(ManyRows::of(
            "INSERT INTO consent_events (contact_id, at, act, source, evidence, origin, wording, ip, list_id, purpose_id)",
        ))
    }

    /// Takes one more.
    pub(crate) fn add(&mut self, connection: &Connection, contact: ContactId, event: &ConsentEvent) -> Step<()> {
        let (list, purpose) = scope_rows::columns(connection, &event.scope)?;
        let row = [
            own(contact.0),
            own(micros(event.at)),
            text(event.act.as_str()),
            text(event.source.as_str()),
            own(event.evidence.clone()),
            own(event.provenance.origin.clone()),
            own(event.provenance.wording.clone()),
            own(event.provenance.ip.map(|ip| ip.to_string())),
            own(list),
            own(purpose),
        ];
        self.0.add(connection, row)?;
        Ok(())
    }

    /// Writes those that wait.
    pub(crate) fn write(&mut self, connection: &Connection) -> Step<()> {
        self.0.write(connection)?;
        Ok(())
    }
}

fn address(text: Option<String>) -> Step<Option<IpAddr>> {
    text.map(|text| text.parse().map_err(|_| Failure::unreadable("network address", text))).transpose()
}
