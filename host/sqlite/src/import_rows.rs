//! The rows of an import: each meets its contact, and its entry is staged out of sight.
//!
//! Inside one import the first row of a contact speaks for it; later ones are duplicates that keep
//! their raw row and write nothing (row A6). What was seen so far stands in temporary tables of the
//! writer, which roll back with everything else and are gone when the process is: an import that
//! was cut short is begun again.

use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, Provenance, Will};
use postroom_domain::contact::{ContactId, EntryFault, ImportedRow};
use postroom_domain::email::EmailAddress;
use postroom_store::contacts::Written;
use postroom_store::lists::{ImportCounts, ImportMode, RefusedRow};
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use crate::columns::micros;
use crate::consent_rows;
use crate::contact_rows::{self, Said, StoredContact};
use crate::failure::Step;
use crate::import_row::ImportState;
use crate::key::SecretKey;
use crate::list_rows::{self, EntryKey, ListRow, entry_key, rolled, row_hash};
use crate::sequence::{Change, Numbers};
use crate::suppression;

/// One chunk of an import at work.
struct Chunk<'c> {
    connection: &'c Connection,
    key: &'c SecretKey,
    import: ImportState,
    list: Option<ListRow>,
    numbers: Numbers<'c>,
    refused: Vec<RefusedRow>,
}

/// An entry on its way to the list.
struct Staged<'a> {
    contact: Option<ContactId>,
    key: EntryKey,
    fault: Option<&'a EntryFault>,
    raw: &'a [String],
    /// Since when the list has it, if it does.
    since: Option<i64>,
}

/// What a row turned out to be.
enum Met {
    /// Its contact is met for the first time.
    First(Option<Box<StoredContact>>),
    /// An earlier row spoke for its contact.
    Again(ContactId),
    /// Its key and its address are two contacts'.
    Clash(String),
}

/// Writes the contacts of some rows and stages their entries.
pub(crate) fn take(
    connection: &Connection,
    key: &SecretKey,
    import: ImportState,
    list: Option<ListRow>,
    rows: Vec<ImportedRow>,
) -> Step<Vec<RefusedRow>> {
    let numbers = Numbers::begin(connection, import.started_at)?;
    let before = import.counts;
    let mut chunk = Chunk { connection, key, import, list, numbers, refused: Vec::new() };
    for row in rows {
        chunk.take(row)?;
    }
    let Chunk { import, numbers, refused, .. } = chunk;
    import.save(connection)?;
    let counts = import.counts;
    let payload = json!({
        "import": import.id, "list": import.list,
        "created": counts.created - before.created, "updated": counts.updated - before.updated,
    });
    numbers.end("import-chunk", &payload)?;
    Ok(refused)
}

impl Chunk<'_> {
    fn take(&mut self, row: ImportedRow) -> Step<()> {
        let hash = row_hash(&row.raw);
        match &row.address {
            Err(fault) => {
                let key = entry_key(&hash, self.repeats(&hash)? + 1);
                let since = self.key_since(None, &key)?;
                self.stage(&Staged { contact: None, key, fault: Some(fault), raw: &row.raw, since })?;
                self.import.counts.invalid += 1;
            }
            Ok(email) => match self.meet(&row, email)? {
                Met::Clash(reason) => {
                    self.refused.push(RefusedRow { line: row.line, reason, raw: row.raw });
                    return Ok(());
                }
                Met::Again(contact) => {
                    self.stage_duplicate(contact, &hash, &row.raw)?;
                    self.import.counts.duplicate += 1;
                }
                Met::First(stored) => {
                    let is_new = stored.is_none();
                    let contact = self.write(&row, email, stored.as_deref())?;
                    self.connection
                        .prepare_cached(
                            "INSERT INTO temp.import_seen (import_id, contact_id, row_hash) VALUES (?, ?, ?)",
                        )?
                        .execute((self.import.id, contact.0, hash))?;
                    let since = match &self.list {
                        Some(list) if !is_new => list_rows::on_list_since(self.connection, list, contact)?,
                        _ => None,
                    };
                    let key = entry_key(&hash, 1);
                    self.stage(&Staged { contact: Some(contact), key, fault: None, raw: &row.raw, since })?;
                }
            },
        }
        self.import.counts.rows += 1;
        Ok(())
    }

    /// Finds the contact of a row: by its key first, then by its address.
    fn meet(&self, row: &ImportedRow, email: &EmailAddress) -> Step<Met> {
        let key = row.external_id.as_deref();
        let by_key = match key {
            Some(key) => contact_rows::by_external_id(self.connection, key)?,
            None => None,
        };
        let found_by_key = by_key.is_some();
        let found = match by_key {
            Some(found) => Some(found),
            None => contact_rows::by_email(self.connection, email)?,
        };
        let Some(stored) = found else {
            return Ok(match suppression::is_erased(self.connection, self.key, email)? {
                true => Met::Clash(suppression::ERASED.to_owned()),
                false => Met::First(None),
            });
        };
        if self.first_row_of(stored.id)?.is_some() {
            if found_by_key && stored.email_key != email.key() {
                return Ok(Met::Clash(
                    "an earlier row of the file has the same key and another e-mail address: keep one of the rows"
                        .to_owned(),
                ));
            }
            return Ok(Met::Again(stored.id));
        }
        if found_by_key
            && stored.email_key != email.key()
            && contact_rows::other_with_email(self.connection, email, stored.id)?
        {
            return Ok(Met::Clash(
                "its key and its e-mail address belong to two different contacts: correct one of them in the file, \
                 or delete one of the contacts"
                    .to_owned(),
            ));
        }
        if !found_by_key && key.is_some() && stored.external_id.is_some() {
            return Ok(Met::Clash(
                "its e-mail address belongs to a contact with another key: correct the address or the key in the \
                 file, or change the contact's key"
                    .to_owned(),
            ));
        }
        Ok(Met::First(Some(Box::new(stored))))
    }

    /// Writes the contact of a first row, and the consent that was stated for it.
    fn write(&mut self, row: &ImportedRow, email: &EmailAddress, stored: Option<&StoredContact>) -> Step<ContactId> {
        let at = self.import.started_at;
        let said = Said {
            email: Some(email),
            external_id: row.external_id.as_deref(),
            patch: &row.patch,
            source: ConsentSource::Import,
            at,
            key: self.key,
        };
        let grant = self.import.evidence.as_ref().map(|evidence| {
            let event = ConsentEvent::new(at, ConsentAct::Granted, ConsentSource::Import).shown_by(evidence);
            let origin = Some(format!("{}, line {}", self.import.file, row.line));
            ConsentEvent { provenance: Provenance { origin, ..Provenance::default() }, ..event }
        });
        let counts = &mut self.import.counts;
        let Some(stored) = stored else {
            let (id, consent) = contact_rows::create(self.connection, &mut self.numbers, email, &said, grant.as_ref())?;
            if grant.is_some() {
                let is_granted = consent.will == Will::Granted;
                counts.consent_recorded += u64::from(is_granted);
                counts.consent_kept_withdrawn += u64::from(!is_granted);
            }
            counts.created += 1;
            return Ok(id);
        };
        let update = contact_rows::update(self.connection, &mut self.numbers, stored, &said)?;
        book(counts, update.written);
        counts.renamed += u64::from(update.renamed);
        match (grant, update.consent.will) {
            (None, _) | (Some(_), Will::Granted) => {}
            // Invariant 2: a file never lifts a withdrawal.
            (Some(_), Will::Withdrawn) => counts.consent_kept_withdrawn += 1,
            (Some(grant), Will::Unknown | Will::Pending) => {
                consent_rows::record(self.connection, stored.id, update.consent, &grant)?;
                contact_rows::touch(self.connection, &mut self.numbers, Change::Consent, stored.id, at)?;
                counts.consent_recorded += 1;
            }
        }
        Ok(stored.id)
    }

    /// Stages a later row of a contact under the key that the same file gives it every time.
    fn stage_duplicate(&mut self, contact: ContactId, hash: &EntryKey, raw: &[String]) -> Step<()> {
        let is_as_first = self.first_row_of(contact)?.is_some_and(|first| first == *hash);
        let key = entry_key(hash, self.repeats(hash)? + if is_as_first { 2 } else { 1 });
        let since = self.key_since(Some(contact), &key)?;
        self.stage(&Staged { contact: Some(contact), key, fault: None, raw, since })
    }

    /// Writes an entry out of sight. An entry that a list has already does not join it again.
    fn stage(&mut self, staged: &Staged<'_>) -> Step<()> {
        let Some(list) = &self.list else { return Ok(()) };
        if self.import.mode == ImportMode::Add && staged.since.is_some() {
            return Ok(());
        }
        self.import.last_position += 1;
        self.connection
            .prepare_cached(
                "INSERT INTO entries (list_id, generation, position, contact_id, entry_key, fault, raw, joined_at,
                                      import_id)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute((
                list.id,
                self.import.generation,
                self.import.last_position,
                staged.contact.map(|id| id.0),
                staged.key,
                staged.fault.map(serde_json::to_string).transpose()?,
                serde_json::to_string(staged.raw)?,
                staged.since.unwrap_or_else(|| micros(self.import.started_at)),
                self.import.id,
            ))?;
        if let Some(before) = &self.import.entries_hash {
            self.import.entries_hash = Some(rolled(before, &staged.key, staged.contact));
        }
        Ok(())
    }

    /// The raw row that first spoke for a contact in this import.
    fn first_row_of(&self, contact: ContactId) -> Step<Option<EntryKey>> {
        Ok(self
            .connection
            .prepare_cached("SELECT row_hash FROM temp.import_seen WHERE import_id = ? AND contact_id = ?")?
            .query_row((self.import.id, contact.0), |row| row.get(0))
            .optional()?)
    }

    /// How often this raw row stood in the file before without being a contact's first; counts it.
    fn repeats(&self, hash: &EntryKey) -> Step<u64> {
        let times: u64 = self
            .connection
            .prepare_cached(
                "INSERT INTO temp.import_repeats (import_id, row_hash, times) VALUES (?, ?, 1)
                 ON CONFLICT (import_id, row_hash) DO UPDATE SET times = times + 1
                 RETURNING times",
            )?
            .query_row((self.import.id, hash), |row| row.get(0))?;
        Ok(times - 1)
    }

    /// Since when the list shows an entry of this key.
    fn key_since(&self, contact: Option<ContactId>, key: &EntryKey) -> Step<Option<i64>> {
        let Some(list) = &self.list else { return Ok(None) };
        let (first, last) = (list.first_generation, list.last_generation);
        let since = match contact {
            Some(contact) => self
                .connection
                .prepare_cached(
                    "SELECT joined_at FROM entries
                     WHERE list_id = ? AND contact_id = ? AND entry_key = ? AND generation BETWEEN ? AND ? LIMIT 1",
                )?
                .query_row((list.id, contact.0, key, first, last), |row| row.get(0))
                .optional()?,
            None => self
                .connection
                .prepare_cached(
                    "SELECT joined_at FROM entries
                     WHERE list_id = ? AND contact_id IS NULL AND entry_key = ? AND generation BETWEEN ? AND ? LIMIT 1",
                )?
                .query_row((list.id, key, first, last), |row| row.get(0))
                .optional()?,
        };
        Ok(since)
    }
}

fn book(counts: &mut ImportCounts, written: Written) {
    match written {
        Written::Created => counts.created += 1,
        Written::Updated => counts.updated += 1,
        Written::Unchanged => counts.unchanged += 1,
    }
}
