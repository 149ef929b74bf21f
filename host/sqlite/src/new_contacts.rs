//! Contacts that are created: what their rows and their histories begin with.
//!
//! Single writes create one ([`create`]). An import makes the new contacts of a batch some at a time
//! ([`NewContacts`]), because a statement opens the table and each of its indexes anew. Their numbers are told
//! before they are written, so that what belongs to them can wait too. Whose address turns out to be taken is not
//! written, and the numbers that were meant for it stay unused.

use jiff::Timestamp;
use postroom_domain::consent::{Consent, ConsentAct, ConsentEvent};
use postroom_domain::contact::ContactId;
use postroom_domain::email::EmailAddress;
use postroom_domain::field::Fields;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension};
use uuid::{Builder, Uuid};

use crate::columns::micros;
use crate::consent_rows::Histories;
use crate::contact_rows::Said;
use crate::failure::{Failure, Step};
use crate::import_prepared::MadeAhead;
use crate::many_rows::{ManyRows, own, text};
use crate::sequence::{Change, Numbers};
use crate::{scope_rows, suppression};

/// The columns of a [`Row`].
macro_rules! columns {
    () => {
        " INTO contacts (id, public_hash, email, email_key, external_id, fields, will, deliverability, shown, seq,
                         created_at, updated_at)"
    };
}

/// How one contact gets into the table.
const INSERT: &str = concat!("INSERT", columns!());
/// How some do, of whom those are passed over that the table does not take.
const INSERT_NEW: &str = concat!("INSERT OR IGNORE", columns!());

/// A contact's row.
type Row<'a> = [ToSqlOutput<'a>; 12];

/// Creates a contact, with the grants that are stated for it unless it comes back withdrawn. The caller
/// has made sure that address and key are free.
pub(crate) fn create(
    connection: &Connection,
    numbers: &mut Numbers<'_>,
    email: &EmailAddress,
    said: &Said<'_>,
    beginning: Vec<ConsentEvent>,
) -> Step<(ContactId, Consent)> {
    let beginning = Beginning::of(connection, email, said, beginning)?;
    let mut row = ManyRows::of(INSERT);
    row.add(connection, beginning.row(None, numbers.upcoming(), email, said)?)?;
    row.write(connection)?;
    let id = ContactId(connection.last_insert_rowid());
    numbers.take(Change::Contact, Some(id), None)?;
    let mut histories = Histories::new();
    let consent = beginning.write(connection, id, &mut histories)?;
    histories.write(connection)?;
    Ok((id, consent))
}

/// Contacts on their way into the table, some of which wait to be written. Nobody else creates contacts meanwhile.
pub(crate) struct NewContacts<'a> {
    /// The number of the next.
    next: i64,
    rows: ManyRows<'a, 12>,
    waiting: Vec<Waiting<'a>>,
    histories: Histories,
    created: Vec<(usize, MadeAhead)>,
}

/// One that waits.
struct Waiting<'a> {
    /// What the caller knows it by.
    place: usize,
    id: ContactId,
    email: &'a EmailAddress,
    beginning: Beginning,
}

impl<'a> NewContacts<'a> {
    /// None yet.
    pub(crate) fn begin(connection: &Connection) -> Step<Self> {
        let last: Option<i64> = connection
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'contacts'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(Self {
            next: last.unwrap_or(0) + 1,
            rows: ManyRows::of(INSERT_NEW),
            waiting: Vec::new(),
            histories: Histories::new(),
            created: Vec::new(),
        })
    }

    /// Takes one more, known to the caller by its place.
    pub(crate) fn add(
        &mut self,
        connection: &Connection,
        numbers: &mut Numbers<'_>,
        (place, email): (usize, &'a EmailAddress),
        said: &Said<'a>,
        beginning: Vec<ConsentEvent>,
    ) -> Step<()> {
        let id = ContactId(self.next);
        self.next += 1;
        let seq = numbers.take(Change::Contact, Some(id), None)?;
        let beginning = Beginning::of(connection, email, said, beginning)?;
        let row = beginning.row(Some(id), seq, email, said)?;
        self.waiting.push(Waiting { place, id, email, beginning });
        match self.rows.add(connection, row)? {
            Some(written) => self.settle(connection, written),
            None => Ok(()),
        }
    }

    /// Writes those that wait, and answers with all that were created, by their places.
    pub(crate) fn write(mut self, connection: &Connection) -> Step<Vec<(usize, MadeAhead)>> {
        let written = self.rows.write(connection)?;
        self.settle(connection, written)?;
        self.histories.write(connection)?;
        Ok(self.created)
    }

    /// Goes on with those that waited, of whom so many are in the table now.
    fn settle(&mut self, connection: &Connection, written: usize) -> Step<()> {
        let are_all = written == self.waiting.len();
        for Waiting { place, id, email, beginning } in self.waiting.drain(..) {
            if are_all || holder(connection, email)? == id {
                let consent = beginning.write(connection, id, &mut self.histories)?;
                self.created.push((place, (id, consent)));
            }
        }
        Ok(())
    }
}

/// Whose address it is, where it is somebody's by now.
fn holder(connection: &Connection, email: &EmailAddress) -> Step<ContactId> {
    let mut statement = connection.prepare_cached("SELECT id FROM contacts WHERE email_key = ?")?;
    let holder: Option<i64> = statement.query_row([email.key()], |row| row.get(0)).optional()?;
    let untaken = || Failure::Cause("the table of contacts does not take a new one".to_owned());
    holder.map(ContactId).ok_or_else(untaken)
}

/// What a contact begins with beside its data.
struct Beginning {
    history: Vec<ConsentEvent>,
    consent: Consent,
}

impl Beginning {
    fn of(connection: &Connection, email: &EmailAddress, said: &Said<'_>, beginning: Vec<ConsentEvent>) -> Step<Self> {
        // An address that left withdrawals behind is nobody's.
        let mut history = if said.some_withdrew { suppression::take(connection, said.key, email)? } else { Vec::new() };
        history.extend(beginning);
        // What is withdrawn as a whole or for a purpose is not granted in the same breath.
        let withdrawn = history.iter().filter(|event| event.act == ConsentAct::Withdrawn);
        let withdrawn: Vec<_> = withdrawn.map(|event| event.scope.clone()).collect();
        let is_barred = |grant: &ConsentEvent| withdrawn.iter().any(|scope| scope.is_whole() || *scope == grant.scope);
        history.retain(|event| event.act != ConsentAct::Granted || !is_barred(event));
        // Nothing that begins a history lifts a withdrawal, so that the order of its events does not matter.
        let consent = history.iter().fold(Consent::default(), Consent::after);
        Ok(Self { history, consent })
    }

    /// The row of its contact.
    fn row<'a>(&self, id: Option<ContactId>, seq: i64, email: &'a EmailAddress, said: &Said<'a>) -> Step<Row<'a>> {
        let fields = match said.alone {
            Some(fields) => text(fields),
            None => {
                let mut fields = Fields::new();
                said.patch.apply(&mut fields);
                own(serde_json::to_string(&fields)?)
            }
        };
        Ok([
            own(id.map(|id| id.0)),
            own(public_hash(seq, said.at)?.as_bytes().to_vec()),
            text(email.as_str()),
            text(email.key()),
            said.external_id.map_or(own(None::<String>), text),
            fields,
            text(self.consent.will.as_str()),
            text(self.consent.deliverability.as_str()),
            text(self.consent.shown().as_str()),
            own(seq),
            own(micros(said.at)),
            own(micros(said.at)),
        ])
    }

    /// Writes what stands beside its contact's row.
    fn write(self, connection: &Connection, id: ContactId, histories: &mut Histories) -> Step<Consent> {
        for event in &self.history {
            histories.add(connection, id, event)?;
        }
        scope_rows::refold(connection, id, &self.history.iter())?;
        Ok(self.consent)
    }
}

/// A public hash: a version 7 UUID whose counter comes from the sequence number, so that the hashes
/// of an import, which all bear one moment, still grow in order; 48 bits are random.
fn public_hash(seq: i64, at: Timestamp) -> Step<Uuid> {
    let millis = u64::try_from(at.as_millisecond().max(0))?;
    // 26 bits of counter: 12 stand in the first two bytes, 6 in the third, 8 in the fourth. The
    // builder overwrites the bits of version and variant.
    let [.., top, high, middle, low] = (seq & 0x03ff_ffff).to_be_bytes();
    let upper = (u16::from(top) << 10) | (u16::from(high) << 2) | u16::from(middle >> 6);
    let [first, second] = upper.to_be_bytes();
    let [r0, r1, r2, r3, r4, r5]: [u8; 6] = rand::random();
    Ok(Builder::from_unix_timestamp_millis(millis, &[first, second, middle & 0x3f, low, r0, r1, r2, r3, r4, r5])
        .into_uuid())
}
