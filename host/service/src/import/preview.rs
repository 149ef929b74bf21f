//! What an import would do, as far as that can be told without writing.

use std::collections::HashSet;
use std::sync::Arc;

use postroom_domain::claim::ClaimedAct;
use postroom_domain::meeting::{Meeting, Refusal, Rehearsal};
use postroom_import::{DatesRead, RejectedRow, Suggestion};
use postroom_store::lists::{ImportMode, LEAVERS_SHOWN, RowNames};
use serde::Serialize;

use super::answers::{FileSummary, LeftOut, LeftOutCell, SHOWN, summary, warnings};
use super::examination::{self, Looked};
use super::reading::{self, Chunk, count};
use super::{ImportFile, ProfileSaved};
use crate::{Result, Service};

/// Entries that a preview reads at a time.
const PREVIEW_PAGE: u32 = 5_000;

/// What an import would do, as far as that can be told without writing a contact.
#[derive(Debug, Clone, Serialize)]
pub struct ImportPreview {
    /// Always true: no contact and no list was written.
    pub dry_run: bool,
    /// How the file was understood.
    pub source: FileSummary,
    /// Why each of its columns goes where it goes, and where it could go.
    pub suggestions: Vec<Suggestion>,
    /// In which order its dates are read, and what speaks for it.
    pub dates: DatesRead,
    /// The one saved import profile that knows the file, where none was named and it is no known export.
    pub fitting_profile: Option<String>,
    /// The import profile that was saved of it.
    pub saved_profile: Option<ProfileSaved>,
    /// The list that it would fill.
    pub list: Option<String>,
    /// Whether its rows would join the list or be the list.
    pub mode: ImportMode,
    /// Rows that would be taken.
    pub rows: u64,
    /// Of them, the first rows of their contacts.
    pub contacts: u64,
    /// Contacts among those that would be made; the others are there.
    pub created: u64,
    /// Contacts that would get no stated grant, because their rows do not say that they agreed.
    pub consent_not_granted: u64,
    /// Of the rows, later ones of the same contact (row A6).
    pub duplicate: u64,
    /// Of the rows, those without a usable address (row A5).
    pub invalid: u64,
    /// Rows that would go to the rejects file.
    pub rejected: u64,
    /// The first of them.
    pub rejects: Vec<RejectedRow>,
    /// Cells that would be left out.
    pub left_out: u64,
    /// The first of them.
    pub left_out_cells: Vec<LeftOutCell>,
    /// Contacts that would leave the list, because the file does not have them.
    pub leaving: u64,
    /// The first of them by address.
    pub leavers: Vec<String>,
    /// Sentences for the operator.
    pub warnings: Vec<String>,
}

/// The sums of a dry run so far.
#[derive(Default)]
struct Sums {
    rehearsal: Rehearsal,
    rows: u64,
    /// Whether a consent is stated for all.
    states_consent: bool,
    contacts: u64,
    created: u64,
    consent_not_granted: u64,
    duplicate: u64,
    invalid: u64,
    rejected: u64,
    rejects: Vec<RejectedRow>,
    left_out: LeftOut,
}

impl Service {
    /// Examines a file and counts what an import would take, without writing a contact or a list. Only the
    /// import profile that is to be saved of it is.
    ///
    /// # Errors
    ///
    /// An [`ImportFault`](postroom_import::ImportFault) that would refuse the file.
    pub async fn preview_import(&self, request: ImportFile) -> Result<ImportPreview> {
        let Looked { examined, options, .. } = self.examine(&request).await?;
        let mut sums = Sums { states_consent: request.consent_evidence.is_some(), ..Sums::default() };
        let mut reading = reading::read(Arc::clone(&examined), request.list.is_some());
        while let Some(chunk) = reading.next().await? {
            self.rehearse(chunk, &mut sums).await?;
        }
        let dates = DatesRead::new(options.settled().date_order, reading.into_dates());
        let (leaving, leavers) = match &request.list {
            Some(list) if request.mode == ImportMode::Replace => self.leaving(list, &sums.rehearsal).await?,
            _ => (0, Vec::new()),
        };
        let is_unknown = request.profile.is_none() && examined.known.is_none();
        let header: Vec<String> = examined.column_names().map(str::to_owned).collect();
        let fitting_profile = if is_unknown { self.fitting_profile(&header).await? } else { None };
        let saved_profile = self.keep_profile(request.save_profile.as_deref(), &examined, &options).await?;
        // What an import would be refused for is told, so that all of the file can be looked at.
        let faults = [self.require_rows(&request, &examined).await, examination::require_hearing(&request, &examined)];
        let faults = faults.into_iter().filter_map(Result::err).map(|fault| format!("an import is refused: {fault}"));
        Ok(ImportPreview {
            dry_run: true,
            warnings: warnings(&examined, &request, &dates).into_iter().chain(faults).collect(),
            source: summary(&examined),
            suggestions: examined.suggestions.clone(),
            dates,
            fitting_profile,
            saved_profile,
            list: request.list,
            mode: request.mode,
            rows: sums.rows,
            contacts: sums.contacts,
            created: sums.created,
            consent_not_granted: sums.consent_not_granted,
            duplicate: sums.duplicate,
            invalid: sums.invalid,
            rejected: sums.rejected,
            rejects: sums.rejects,
            left_out: sums.left_out.count,
            left_out_cells: sums.left_out.cells,
            leaving,
            leavers,
        })
    }

    /// Takes a chunk as an import would, and only counts.
    async fn rehearse(&self, chunk: Chunk, sums: &mut Sums) -> Result<()> {
        let Chunk { rows, rejected, mut left_out, .. } = chunk;
        let (mut rejected, erased) = self.without_erased(rejected).await?;
        let unread = |line| RejectedRow { line, reason: Refusal::Erased.reason().to_owned(), raw: Vec::new() };
        rejected.extend(erased.into_iter().map(unread));
        let names = rows.iter().filter_map(|row| {
            let email = row.address.as_ref().ok()?.clone();
            Some(RowNames { email, external_id: row.external_id.clone() })
        });
        let mut known = self.store().acquaintances(names.collect()).await?.into_iter();
        for row in rows {
            let meeting = match &row.address {
                Ok(email) => {
                    let known = known.next().unwrap_or_default();
                    sums.rehearsal.take(email, row.external_id.as_deref(), &known)
                }
                Err(_) => {
                    sums.rows += 1;
                    sums.invalid += 1;
                    continue;
                }
            };
            if let Meeting::Refused(refusal) = meeting {
                let raw = if refusal.keeps_row() { row.raw } else { Vec::new() };
                rejected.push(RejectedRow { line: row.line, reason: refusal.reason().to_owned(), raw });
                continue;
            }
            sums.rows += 1;
            if meeting == Meeting::Again(()) {
                sums.duplicate += 1;
            } else {
                sums.contacts += 1;
                let is_denied = row.claim.is_some_and(|claim| claim.act == ClaimedAct::NotGranted);
                sums.consent_not_granted += u64::from(sums.states_consent && is_denied);
            }
            sums.created += u64::from(meeting == Meeting::New);
        }
        // The rows that could not be read have none.
        let refused: HashSet<u64> = rejected.iter().map(|row| row.line).collect();
        left_out.retain(|cell| !refused.contains(&cell.line));
        sums.left_out.note(&left_out);
        sums.rejected += count(rejected.len());
        rejected.sort_by_key(|row| row.line);
        sums.rejects.extend(rejected.into_iter().take(SHOWN - sums.rejects.len()));
        Ok(())
    }

    /// How many contacts of a list no row of a file has met, and the first of them.
    async fn leaving(&self, list: &str, rehearsal: &Rehearsal) -> Result<(u64, Vec<String>)> {
        if !self.store().lists().await?.iter().any(|known| known.name == list.trim()) {
            return Ok((0, Vec::new()));
        }
        let (mut leaving, mut leavers, mut after) = (0, Vec::new(), 0);
        loop {
            let page = self.store().entries(list.trim(), after, PREVIEW_PAGE).await?;
            let Some(last) = page.last() else { return Ok((leaving, leavers)) };
            after = last.position;
            for entry in page.into_iter().filter(|entry| entry.duplicate_of.is_none()) {
                let (Some(contact), Some(email)) = (entry.contact, entry.email) else { continue };
                if rehearsal.has_met(contact) {
                    continue;
                }
                leaving += 1;
                if leavers.len() < LEAVERS_SHOWN {
                    leavers.push(email);
                }
            }
        }
    }
}
