//! What an import does to the model.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource, Provenance, Will};
use postroom_domain::contact::ImportedRow;
use postroom_domain::email::EmailAddress;
use postroom_domain::narrowing::Scope;

use super::model::{Entry, EntryKey, Model, Place, Refusal, Said};
use crate::contacts::Written;
use crate::lists::{ImportCounts, ImportMode, ImportReport, ImportStart, LEAVERS_SHOWN};

/// An import at work.
struct Work<'m> {
    model: &'m mut Model,
    start: &'m ImportStart,
    counts: ImportCounts,
    seen: BTreeSet<Place>,
    /// The entries that the list has.
    old: Vec<Entry>,
    /// The entries of the file.
    new: Vec<Entry>,
    /// How often a raw row came without being a contact's first.
    repeats: BTreeMap<Vec<String>, u64>,
    /// Lines that were not taken.
    refused: Vec<u64>,
}

/// What a row turned out to be.
enum Met {
    New,
    Known(Place),
    Again(Place),
    Refused,
}

impl Model {
    /// A whole import; answers with its report, and the lines that it could not take.
    pub(super) fn import(
        &mut self,
        start: &ImportStart,
        rows: &[ImportedRow],
        finishes: bool,
    ) -> Result<(ImportReport, Vec<u64>), Refusal> {
        if start.consent.iter().flat_map(|stated| &stated.purposes).any(|name| !self.purposes.contains(name)) {
            return Err(Refusal::NotFound);
        }
        let old = start.list.as_ref().and_then(|list| self.lists.get(list));
        let old = old.map(|roll| roll.entries.clone()).unwrap_or_default();
        let mut work = Work {
            model: self,
            start,
            counts: ImportCounts::default(),
            seen: BTreeSet::new(),
            old,
            new: Vec::new(),
            repeats: BTreeMap::new(),
            refused: Vec::new(),
        };
        for row in rows {
            work.take(row)?;
        }
        let Work { mut counts, old, new, refused, .. } = work;
        let mut leavers = Vec::new();
        if let Some(list) = &start.list {
            let (entries, came, went) = match start.mode {
                ImportMode::Add => {
                    let came = new.len();
                    ([old, new].concat(), came, 0)
                }
                ImportMode::Replace => {
                    let (came, went) = (more(&old, &new), more(&new, &old));
                    leavers = self.leavers(&old, &new);
                    (new, came, went)
                }
            };
            (counts.joined, counts.left) = (came as u64, went as u64);
            if finishes {
                self.list(list, start.at).entries = entries;
            }
        }
        Ok((ImportReport { counts, leavers }, refused))
    }

    /// The addresses of contacts that leave, in the order of addresses.
    fn leavers(&self, old: &[Entry], new: &[Entry]) -> Vec<String> {
        let of = |entries: &[Entry]| entries.iter().filter_map(|entry| entry.contact).collect::<BTreeSet<_>>();
        let (before, after) = (of(old), of(new));
        let gone = before.difference(&after).filter_map(|place| self.people.get(place));
        let mut gone: Vec<&EmailAddress> = gone.map(|person| &person.email).collect();
        gone.sort_by_key(|email| email.key());
        gone.into_iter().take(LEAVERS_SHOWN).map(ToString::to_string).collect()
    }
}

/// How many entries there are in `new` beyond those of `old`: per contact, and per row without one.
fn more(old: &[Entry], new: &[Entry]) -> usize {
    let sums = |entries: &[Entry]| {
        let mut sums: BTreeMap<(Option<Place>, Option<EntryKey>), usize> = BTreeMap::new();
        for entry in entries {
            let key = entry.contact.is_none().then(|| entry.key.clone());
            *sums.entry((entry.contact, key)).or_default() += 1;
        }
        sums
    };
    let before = sums(old);
    sums(new).iter().map(|(key, times)| times.saturating_sub(before.get(key).copied().unwrap_or_default())).sum()
}

impl Work<'_> {
    fn take(&mut self, row: &ImportedRow) -> Result<(), Refusal> {
        match &row.address {
            Err(_) => {
                self.counts.invalid += 1;
                self.later(None, row);
            }
            Ok(email) => match self.meet(email, row.external_id.as_deref()) {
                Met::Refused => {
                    self.refused.push(row.line);
                    return Ok(());
                }
                Met::Again(place) => {
                    self.counts.duplicate += 1;
                    self.later(Some(place), row);
                }
                Met::New => {
                    let place = self.create(email, row);
                    self.first(place, row);
                }
                Met::Known(place) => {
                    self.update(place, email, row)?;
                    self.first(place, row);
                }
            },
        }
        self.counts.rows += 1;
        Ok(())
    }

    /// A row means the contact of its key, or else of its address.
    fn meet(&self, email: &EmailAddress, key: Option<&str>) -> Met {
        let (by_key, by_email) = (key.and_then(|key| self.model.by_key(key)), self.model.by_any_email(email));
        let Some(place) = by_key.or(by_email) else {
            return if self.model.is_erased(email) { Met::Refused } else { Met::New };
        };
        let is_same_address = by_email == Some(place);
        if self.seen.contains(&place) {
            return if is_same_address { Met::Again(place) } else { Met::Refused };
        }
        // An address of another contact, or of nobody ever again.
        if !is_same_address && (by_email.is_some() || self.model.is_erased(email)) {
            return Met::Refused;
        }
        let has_key = self.model.people.get(&place).is_some_and(|person| person.external_id.is_some());
        if by_key.is_none() && key.is_some() && has_key { Met::Refused } else { Met::Known(place) }
    }

    fn said<'a>(&self, email: &'a EmailAddress, row: &'a ImportedRow) -> Said<'a> {
        Said {
            email: Some(email),
            key: row.external_id.as_deref(),
            patch: &row.patch,
            source: ConsentSource::Import,
            at: self.start.at,
        }
    }

    fn create(&mut self, email: &EmailAddress, row: &ImportedRow) -> Place {
        let grants = grant(self.start, row.line).into_iter().chain(grants_for_purposes(self.start, row.line));
        let place = self.model.create(email, &self.said(email, row), grants.collect());
        self.counts.created += 1;
        if self.start.consent.is_some() {
            self.count_stated(self.will(place));
        }
        for grant in grants_for_purposes(self.start, row.line) {
            match self.will_for(place, &grant.scope) {
                Will::Granted => self.counts.purposes_recorded += 1,
                Will::Withdrawn => self.counts.purposes_kept_withdrawn += 1,
                Will::Unknown | Will::Pending => {}
            }
        }
        place
    }

    fn update(&mut self, place: Place, email: &EmailAddress, row: &ImportedRow) -> Result<(), Refusal> {
        // Who is meant by an address of before a merge keeps its own.
        let is_alias = self.model.person(place)?.aliases.iter().any(|alias| alias.key() == email.key());
        let said = Said { email: (!is_alias).then_some(email), ..self.said(email, row) };
        let (written, is_renamed) = self.model.update(place, &said)?;
        match written {
            Written::Unchanged => self.counts.unchanged += 1,
            Written::Created | Written::Updated => self.counts.updated += 1,
        }
        self.counts.renamed += u64::from(is_renamed);
        let Some(grant) = grant(self.start, row.line) else { return Ok(()) };
        match self.will(place) {
            Will::Granted => {}
            Will::Withdrawn => self.count_stated(Will::Withdrawn),
            Will::Unknown | Will::Pending => {
                self.model.person(place)?.record(grant);
                self.count_stated(Will::Granted);
            }
        }
        if self.will(place) == Will::Withdrawn {
            return Ok(());
        }
        for grant in grants_for_purposes(self.start, row.line) {
            match self.will_for(place, &grant.scope) {
                Will::Granted => {}
                Will::Withdrawn => self.counts.purposes_kept_withdrawn += 1,
                Will::Unknown | Will::Pending => {
                    self.model.person(place)?.record(grant);
                    self.counts.purposes_recorded += 1;
                }
            }
        }
        Ok(())
    }

    fn will_for(&self, place: Place, scope: &Scope) -> Will {
        self.model.people.get(&place).map(|person| person.will(scope)).unwrap_or_default()
    }

    fn will(&self, place: Place) -> Will {
        self.model.people.get(&place).map(|person| person.consent().will).unwrap_or_default()
    }

    fn count_stated(&mut self, will: Will) {
        match will {
            Will::Withdrawn => self.counts.consent_kept_withdrawn += 1,
            Will::Unknown | Will::Pending | Will::Granted => self.counts.consent_recorded += 1,
        }
    }

    /// The entry of a contact's first row. Where the list has the contact, it is there already.
    fn first(&mut self, place: Place, row: &ImportedRow) {
        self.seen.insert(place);
        let there: Vec<&Entry> = self.old.iter().filter(|entry| entry.contact == Some(place)).collect();
        let joined_at = self.since(&there);
        if there.is_empty() || self.start.mode == ImportMode::Replace {
            let key = EntryKey::Row(row.raw.clone(), 1);
            self.new.push(Entry { contact: Some(place), key, fault: None, joined_at });
        }
    }

    /// The entry of any other row. It is there already where the list has an entry of this contact and this
    /// row, which is the same how many-eth of its kind.
    fn later(&mut self, contact: Option<Place>, row: &ImportedRow) {
        let of_contact = |entry: &&Entry| contact.is_some() && entry.contact == contact;
        let first = match self.start.mode {
            ImportMode::Add => self.old.iter().find(of_contact).or_else(|| self.new.iter().find(of_contact)),
            ImportMode::Replace => self.new.iter().find(of_contact),
        };
        let is_firsts = first.is_some_and(|first| first.key == EntryKey::Row(row.raw.clone(), 1));
        let times = self.repeats.entry(row.raw.clone()).or_default();
        *times += 1;
        let key = EntryKey::Row(row.raw.clone(), *times + u64::from(is_firsts));
        let there: Vec<&Entry> = self.old.iter().filter(|entry| entry.contact == contact && entry.key == key).collect();
        let joined_at = self.since(&there);
        if there.is_empty() || self.start.mode == ImportMode::Replace {
            self.new.push(Entry { contact, key, fault: row.address.clone().err(), joined_at });
        }
    }

    /// Since when an entry is there that stands for one of these.
    fn since(&self, there: &[&Entry]) -> Option<Timestamp> {
        match there {
            [] => Some(self.start.at),
            [first, rest @ ..] => first.joined_at.filter(|at| rest.iter().all(|entry| entry.joined_at == Some(*at))),
        }
    }
}

/// The grant that an import states for the contact of a line.
fn grant(start: &ImportStart, line: u64) -> Option<ConsentEvent> {
    let stated = start.consent.as_ref()?;
    let event = ConsentEvent::new(start.at, ConsentAct::Granted, ConsentSource::Import).shown_by(&stated.evidence);
    let origin = Some(format!("{}, line {line}", start.file));
    Some(ConsentEvent { provenance: Provenance { origin, ..Provenance::default() }, ..event })
}

/// The same grant for each purpose that it is stated for.
fn grants_for_purposes(start: &ImportStart, line: u64) -> Vec<ConsentEvent> {
    let purposes = start.consent.iter().flat_map(|stated| &stated.purposes);
    purposes.filter_map(|name| Some(grant(start, line)?.about(Scope::Purpose(name.clone())))).collect()
}
