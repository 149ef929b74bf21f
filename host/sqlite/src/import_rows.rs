//! The rows of an import: each meets its contact, and its entry is staged out of sight.
//!
//! Inside one import the first row of a contact speaks for it; later ones are duplicates that keep
//! their raw row and write nothing (row A6).
//!
//! A file that is to be the list often is the list already. As long as its rows stand in the file as
//! their entries stand in the list, one after the other from the first, nothing is staged: the import
//! counts how many agree. At the first row that does not, those before it are to be staged after all,
//! which finishing does (`import_entries`).
//!
//! What a row needs to know of the rows before it is committed with them, so that an import that was
//! cut short goes on behind its last committed row.

use postroom_domain::claim::ClaimedAct;
use postroom_domain::consent::{Consent, ConsentAct, ConsentSource, Will};
use postroom_domain::contact::{ContactId, EntryFault};
use postroom_domain::email::{self, EmailAddress};
use postroom_domain::meeting::{self, Directory, Meeting, Refusal};
use postroom_store::contacts::Written;
use postroom_store::lists::{ImportCounts, ImportMode, RefusedRow};
use rusqlite::Connection;
use serde_json::json;

use crate::columns::micros;
use crate::consent_rows;
use crate::contact_rows::{self, Said, StoredContact};
use crate::failure::{Failure, Step};
use crate::import_claims::{self, Purposes, Told};
use crate::import_entries;
use crate::import_prepared::{MadeAhead, Prepared};
use crate::import_row::ImportState;
use crate::import_seen::Seen;
use crate::import_shown::Shown;
use crate::key::SecretKey;
use crate::limits::UnitBound;
use crate::list_rows::{EntryKey, ListRow, entry_key, rolled};
use crate::many_rows::{ManyRows, own, text};
use crate::sequence::{Change, Numbers};
use crate::{aliases, new_contacts, suppression};

/// How entries get into the generation of an import.
const INSERT_ENTRIES: &str =
    "INSERT INTO entries (list_id, generation, position, contact_id, entry_key, fault, raw, joined_at, import_id)";

/// One unit of an import at work.
struct Unit<'c, 'a> {
    connection: &'c Connection,
    key: &'c SecretKey,
    import: ImportState,
    list: Option<ListRow>,
    numbers: Numbers<'c>,
    seen: Seen,
    shown: Shown<'c>,
    /// Whether any address left a withdrawal behind.
    some_withdrew: bool,
    /// Whether any contact is found by an address that it had before a merge.
    some_merged: bool,
    /// Whether what was made ahead is surely as it was made.
    is_calm: bool,
    refused: Vec<RefusedRow>,
    /// Entries that wait to be written.
    staged: ManyRows<'a, 9>,
}

/// An entry on its way to the list.
struct Staged<'f, 'a> {
    contact: Option<ContactId>,
    key: EntryKey,
    fault: Option<&'f EntryFault>,
    raw: &'a str,
    search: Search,
}

/// How an entry that is not where it is expected is looked for in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    /// Not at all: its contact is new.
    Needless,
    /// As the first of its contact, whatever its row was then.
    First,
    /// By its row.
    Later,
}

/// What a row turned out to be.
enum Met {
    /// Its contact is met for the first time.
    First(Option<Box<StoredContact>>),
    /// An earlier row spoke for its contact.
    Again(Box<StoredContact>),
    /// Its key and its address are two contacts'.
    Clash(Refusal),
}

/// What a unit did.
pub(crate) struct Taken {
    /// Rows that could not be taken.
    pub(crate) refused: Vec<RefusedRow>,
    /// So many rows were gone through.
    pub(crate) passed: usize,
    /// The workspace's sequence number afterwards.
    pub(crate) sequence: i64,
    pub(crate) seen: Seen,
}

/// The ground that a unit stands on.
pub(crate) struct Ground<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) key: &'c SecretKey,
    pub(crate) import: ImportState,
    pub(crate) list: Option<ListRow>,
    pub(crate) seen: Seen,
    /// Whether what was made ahead is surely as it was made.
    pub(crate) is_calm: bool,
}

/// A row, with its contact where that was made ahead of it.
pub(crate) type Row<'a> = (&'a Prepared, Option<MadeAhead>);

/// Writes the contacts of as many rows as a unit takes, and stages their entries.
pub(crate) fn take<'a>(
    ground: Ground<'_>,
    mut bound: UnitBound,
    mut rows: impl Iterator<Item = Row<'a>>,
) -> Step<Taken> {
    let Ground { connection, key, import, list, seen, is_calm } = ground;
    let before = import.counts;
    let mut unit = Unit {
        connection,
        key,
        numbers: Numbers::begin_import(connection, import.started_at)?,
        seen,
        shown: Shown::from(connection, list.clone(), import.expected),
        some_withdrew: suppression::is_any(connection)?,
        some_merged: aliases::is_any(connection)?,
        is_calm,
        import,
        list,
        refused: Vec::new(),
        staged: ManyRows::of(INSERT_ENTRIES),
    };
    let mut passed = 0;
    while bound.has_room()
        && let Some(row) = rows.next()
    {
        passed += 1;
        unit.take(row)?;
    }
    unit.staged.write(connection)?;
    let Unit { mut import, numbers, mut seen, shown, refused, .. } = unit;
    import.expected = shown.expected();
    import.save(connection)?;
    seen.save(connection, &import)?;
    let counts = import.counts;
    let payload = json!({
        "import": import.id, "list": import.list,
        "created": counts.created - before.created, "updated": counts.updated - before.updated,
    });
    let sequence = numbers.end("import-chunk", &payload)?;
    Ok(Taken { refused, passed, sequence, seen })
}

impl<'a> Unit<'_, 'a> {
    fn take(&mut self, (row, made): Row<'a>) -> Step<()> {
        self.import.rows_done += 1;
        match &row.address {
            Ok(email) if self.take_made(row, made, email)? => {}
            Err(_) if self.names_erased(row)? => return self.refuse(row, Refusal::Erased),
            Err(fault) => {
                self.import.counts.invalid += 1;
                self.stage_later(None, Some(fault), row)?;
            }
            Ok(email) => match self.meet(row, email)? {
                Met::Clash(refusal) => return self.refuse(row, refusal),
                Met::Again(stored) => {
                    self.import.counts.duplicate += 1;
                    self.tell(row, stored.id, stored.consent, false)?;
                    self.stage_later(Some(stored.id), None, row)?;
                }
                Met::First(Some(stored)) if self.seen.has_made(stored.id) => {
                    self.stage_made(row, stored.id, stored.consent)?;
                }
                Met::First(stored) => {
                    let contact = self.write(row, email, stored.as_deref())?;
                    self.seen.add(contact);
                    self.stage(&Staged {
                        contact: Some(contact),
                        key: row.first_key,
                        fault: None,
                        raw: &row.raw_json,
                        search: if stored.is_none() { Search::Needless } else { Search::First },
                    })?;
                }
            },
        }
        self.import.counts.rows += 1;
        Ok(())
    }

    /// Takes a row whose contact was made ahead of it; answers whether it was, and is as it was.
    fn take_made(&mut self, row: &'a Prepared, made: Option<MadeAhead>, email: &EmailAddress) -> Step<bool> {
        let Some((contact, made)) = made else { return Ok(false) };
        let consent =
            if self.is_calm { Some(made) } else { contact_rows::consent_of(self.connection, contact, email)? };
        let Some(consent) = consent.filter(|_| !self.seen.has(contact)) else { return Ok(false) };
        self.stage_made(row, contact, consent)?;
        Ok(true)
    }

    /// Counts a contact that was made ahead of its row, and stages its entry.
    fn stage_made(&mut self, row: &'a Prepared, contact: ContactId, consent: Consent) -> Step<()> {
        self.count_created(row, contact, consent)?;
        self.tell(row, contact, consent, true)?;
        self.seen.add(contact);
        let key = row.first_key;
        let raw = &row.raw_json;
        // Only by hand can a contact that this import made have come onto the list.
        let is_untouched = self.list.as_ref().is_none_or(|list| list.revision == self.import.base_revision);
        let search = if is_untouched { Search::Needless } else { Search::First };
        self.stage(&Staged { contact: Some(contact), key, fault: None, raw, search })
    }

    /// Counts a new contact, with the events that its history began with.
    fn count_created(&mut self, row: &Prepared, contact: ContactId, consent: Consent) -> Step<()> {
        let purposes = import_claims::granted_purposes(self.connection, &self.import, contact)?;
        let claimed = import_claims::claimed(&self.import, row).map(|event| event.act);
        let is_denied = self.import.evidence.is_some() && import_claims::grants_nothing(row);
        let is_stated = self.import.evidence.is_some() && !is_denied;
        let is_not_believed = import_claims::is_not_believed(&self.import, row);
        let is_grant_meant = is_stated || claimed == Some(ConsentAct::Granted);
        let counts = &mut self.import.counts;
        counts.created += 1;
        counts.consent_not_granted += u64::from(is_denied);
        counts.consent_not_believed += u64::from(is_not_believed && consent.will != Will::Withdrawn);
        counts.opt_outs_recorded += u64::from(matches!(claimed, Some(ConsentAct::Withdrawn | ConsentAct::Bounced)));
        if is_grant_meant {
            let is_granted = consent.will == Will::Granted;
            counts.consent_recorded += u64::from(is_granted);
            counts.consent_kept_withdrawn += u64::from(!is_granted && is_stated);
        }
        self.count_purposes(purposes);
        Ok(())
    }

    fn count_purposes(&mut self, purposes: Purposes) {
        let counts = &mut self.import.counts;
        counts.purposes_recorded += purposes.recorded;
        counts.purposes_kept_withdrawn += purposes.kept_withdrawn;
    }

    fn refuse(&mut self, row: &Prepared, refusal: Refusal) -> Step<()> {
        let raw: Vec<String> = if refusal.keeps_row() { serde_json::from_str(&row.raw_json)? } else { Vec::new() };
        self.connection
            .prepare_cached("INSERT INTO import_refused (import_id, line, reason, raw) VALUES (?, ?, ?, ?)")?
            .execute((self.import.id, row.line, refusal.reason(), serde_json::to_string(&raw)?))?;
        self.refused.push(RefusedRow { line: row.line, reason: refusal.reason().to_owned(), raw });
        Ok(())
    }

    /// Whether an erased person's address stands in a row that has none as a whole.
    fn names_erased(&self, row: &Prepared) -> Step<bool> {
        if !self.some_withdrew || !row.raw_json.contains('@') {
            return Ok(false);
        }
        let cells: Vec<String> = serde_json::from_str(&row.raw_json)?;
        for address in cells.iter().flat_map(|cell| email::addresses_in(cell)) {
            if suppression::is_erased(self.connection, self.key, &address)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Finds the contact of a row.
    fn meet(&mut self, row: &Prepared, email: &EmailAddress) -> Step<Met> {
        Ok(match meeting::meet(email, row.external_id.as_deref(), self)? {
            Meeting::New => Met::First(None),
            Meeting::First(stored) => Met::First(Some(Box::new(stored))),
            Meeting::Again(stored) => Met::Again(Box::new(stored)),
            Meeting::Refused(refusal) => Met::Clash(refusal),
        })
    }

    /// Whether a contact had this address before a merge: a row that has it means the contact, and gives it no
    /// other address.
    fn finds_since_a_merge(&self, email: &EmailAddress, contact: ContactId) -> Step<bool> {
        Ok(self.some_merged && aliases::of_email(self.connection, email)? == Some(contact))
    }

    /// Writes the contact of a first row, and the consent that was stated for it.
    fn write(&mut self, row: &Prepared, email: &EmailAddress, stored: Option<&StoredContact>) -> Step<ContactId> {
        let at = self.import.started_at;
        let keeps_address = stored.map_or(Ok(false), |stored| self.finds_since_a_merge(email, stored.id))?;
        let said = Said {
            email: (!keeps_address).then_some(email),
            external_id: row.external_id.as_deref(),
            patch: &row.patch,
            alone: Some(&row.fields_json),
            source: ConsentSource::Import,
            at,
            key: self.key,
            some_withdrew: self.some_withdrew,
        };
        let Some(stored) = stored else {
            let beginning = import_claims::beginning(&self.import, row);
            let (id, consent) = new_contacts::create(self.connection, &mut self.numbers, email, &said, beginning)?;
            self.count_created(row, id, consent)?;
            self.tell(row, id, consent, true)?;
            return Ok(id);
        };
        let update = contact_rows::update(self.connection, &mut self.numbers, stored, &said)?;
        if update.written == Written::Updated {
            self.shown.forget(stored.id);
        }
        if update.renamed {
            // Who withdrew and takes another address leaves a withdrawal behind.
            self.some_withdrew = suppression::is_any(self.connection)?;
        }
        let counts = &mut self.import.counts;
        book(counts, update.written);
        counts.renamed += u64::from(update.renamed);
        let consent = self.tell(row, stored.id, update.consent, true)?;
        let is_not_believed = import_claims::is_not_believed(&self.import, row);
        let counts = &mut self.import.counts;
        match consent.will {
            Will::Granted => counts.consent_kept_granted += u64::from(import_claims::grants_nothing(row)),
            Will::Withdrawn => {}
            Will::Unknown | Will::Pending => counts.consent_not_believed += u64::from(is_not_believed),
        }
        if self.import.evidence.is_none() {
            return Ok(stored.id);
        }
        if import_claims::grants_nothing(row) {
            counts.consent_not_granted += u64::from(consent.will != Will::Granted);
            return Ok(stored.id);
        }
        match consent.will {
            Will::Granted => {}
            // Invariant 2: a file never lifts a withdrawal.
            Will::Withdrawn => counts.consent_kept_withdrawn += 1,
            Will::Unknown | Will::Pending => {
                counts.consent_recorded += 1;
                if let Some(grant) = import_claims::stated(&self.import, row) {
                    consent_rows::record(self.connection, stored.id, consent, &grant)?;
                    contact_rows::touch(self.connection, &mut self.numbers, Change::Consent, stored.id, at)?;
                    self.shown.forget(stored.id);
                }
            }
        }
        if consent.will != Will::Withdrawn && !self.import.purposes.is_empty() {
            self.grant_purposes(row, stored.id)?;
        }
        Ok(stored.id)
    }

    /// Records the grant that is stated for purposes.
    fn grant_purposes(&mut self, row: &Prepared, contact: ContactId) -> Step<()> {
        let purposes = import_claims::grant_purposes(self.connection, &self.import, row, contact)?;
        if purposes.recorded > 0 {
            let at = self.import.started_at;
            contact_rows::touch(self.connection, &mut self.numbers, Change::Consent, contact, at)?;
            self.shown.forget(contact);
        }
        self.count_purposes(purposes);
        Ok(())
    }

    /// Takes up what a row says beside the fields; answers with its contact's consent afterwards.
    fn tell(&mut self, row: &Prepared, contact: ContactId, before: Consent, is_first: bool) -> Step<Consent> {
        if !row.says_more() {
            return Ok(before);
        }
        let Told { consent, is_recorded, is_tagged } =
            import_claims::tell(self.connection, &self.import, row, (contact, before), is_first)?;
        if is_tagged || consent != before {
            let change = if is_tagged { Change::Tags } else { Change::Consent };
            contact_rows::touch(self.connection, &mut self.numbers, change, contact, self.import.started_at)?;
            self.shown.forget(contact);
        }
        // What the operator states for all is counted with that.
        let is_believed = is_first && self.import.believes_file && self.import.evidence.is_none();
        let counts = &mut self.import.counts;
        counts.tagged += u64::from(is_tagged);
        match row.claim.as_ref().map(|claim| claim.act) {
            Some(ClaimedAct::Granted) if is_recorded => counts.consent_recorded += 1,
            Some(ClaimedAct::Granted) if is_believed && before.will == Will::Withdrawn => {
                counts.consent_kept_withdrawn += 1;
            }
            Some(ClaimedAct::Withdrawn | ClaimedAct::Bounced) if is_recorded => counts.opt_outs_recorded += 1,
            _ => {}
        }
        Ok(consent)
    }

    /// Stages a row that is no contact's first, under the key that the same file gives it every time.
    fn stage_later(&mut self, contact: Option<ContactId>, fault: Option<&EntryFault>, row: &'a Prepared) -> Step<()> {
        let Some(list) = &self.list else { return Ok(()) };
        // The entry of its first row may wait still.
        self.staged.write(self.connection)?;
        let mut times = import_entries::repeats(self.connection, self.import.id, &row.hash)?;
        if let Some(contact) = contact
            && import_entries::first_key(self.connection, &self.import, list, contact)? == Some(row.first_key)
        {
            times += 1;
        }
        let key = entry_key(&row.hash, times);
        self.stage(&Staged { contact, key, fault, raw: &row.raw_json, search: Search::Later })
    }

    /// Writes an entry out of sight, unless the list has it where the file has it. An entry that a list
    /// has already does not join it again.
    fn stage(&mut self, staged: &Staged<'_, 'a>) -> Step<()> {
        let Some(list) = &self.list else { return Ok(()) };
        let expected = self.shown.pass(staged.contact, &staged.key)?;
        let place = match (expected, staged.search, staged.contact) {
            (Some(place), ..) => Some(place),
            (None, Search::Needless, _) => None,
            (None, Search::First, Some(contact)) => import_entries::first_place(self.connection, list, contact)?,
            (None, ..) => import_entries::later_place(self.connection, list, staged.contact, &staged.key)?,
        };
        if expected.is_none()
            && let Some(place) = place
        {
            self.shown.go_on_behind(place);
        }
        if self.import.mode == ImportMode::Add && place.is_some() {
            return Ok(());
        }
        self.import.last_position += 1;
        if let Some(before) = &self.import.entries_hash {
            self.import.entries_hash = Some(rolled(before, &staged.key, staged.contact));
        }
        if self.import.copied.is_none() {
            if expected.is_some_and(|place| place.position == self.import.last_position) {
                self.import.agreed = self.import.last_position;
                return Ok(());
            }
            self.import.copied = Some(0);
        }
        let fault = staged.fault.map(serde_json::to_string).transpose()?;
        let joined_at = place.map_or_else(|| micros(self.import.started_at), |place| place.since);
        let entry = [
            own(list.id),
            own(self.import.generation),
            own(self.import.last_position),
            own(staged.contact.map(|id| id.0)),
            own(staged.key.to_vec()),
            own(fault),
            text(staged.raw),
            own(joined_at),
            own(self.import.id),
        ];
        self.staged.add(self.connection, entry)?;
        Ok(())
    }
}

impl Directory for Unit<'_, '_> {
    type Contact = StoredContact;
    type Error = Failure;

    fn find(&mut self, email: &EmailAddress, key: Option<&str>) -> Step<Option<(StoredContact, bool)>> {
        if let Some(expected) = self.shown.contact(email, key)? {
            return Ok(Some((expected, key.is_some())));
        }
        if let Some(key) = key
            && let Some(found) = contact_rows::by_external_id(self.connection, key)?
        {
            return Ok(Some((found, true)));
        }
        let found = if self.some_merged {
            contact_rows::by_any_email(self.connection, email)?
        } else {
            contact_rows::by_email(self.connection, email)?
        };
        Ok(found.map(|found| (found, false)))
    }

    fn has_met(&self, contact: &StoredContact) -> bool {
        self.seen.has(contact.id)
    }

    fn is_erased(&mut self, email: &EmailAddress) -> Step<bool> {
        Ok(self.some_withdrew && suppression::is_erased(self.connection, self.key, email)?)
    }

    fn is_alias(&mut self, email: &EmailAddress, of: &StoredContact) -> Step<bool> {
        self.finds_since_a_merge(email, of.id)
    }

    fn is_anothers(&mut self, email: &EmailAddress, own: &StoredContact) -> Step<bool> {
        Ok(contact_rows::other_with_email(self.connection, email, own.id)?.is_some())
    }
}

fn book(counts: &mut ImportCounts, written: Written) {
    match written {
        Written::Created => counts.created += 1,
        Written::Updated => counts.updated += 1,
        Written::Unchanged => counts.unchanged += 1,
    }
}
