//! The first reading of a file: everything that would refuse it as a whole, before any row is seen.

use std::sync::Arc;

use postroom_domain::field::FieldDefinition;
use postroom_domain::purpose::PurposeName;
use postroom_import::{Examined, ImportFault, Options, Suggestion, Target, column_names, examine};
use postroom_store::lists::ImportMode;

use super::ImportFile;
use super::reading::thread_ended;
use crate::{Result, Service, ServiceError, names};

/// A file that can be imported, and how it was looked at.
pub(super) struct Looked {
    pub(super) examined: Arc<Examined>,
    /// What was said about it, with the profile that was named.
    pub(super) options: Options,
    /// What tells this way of reading it from another.
    pub(super) reading: String,
}

impl Service {
    /// Examines a file that is to be imported.
    pub(super) async fn examine(&self, request: &ImportFile) -> Result<Looked> {
        check(request)?;
        self.require_purposes(&request.consent_purposes).await?;
        let definitions = self.store().fields().await?;
        let mut options = request.options.clone();
        if let Some(name) = &request.profile {
            options.profile = Some(self.saved_profile(name).await?);
        }
        let (path, said) = (request.file.clone(), options.clone());
        let looked = tokio::task::spawn_blocking(move || -> Result<_> {
            if path.is_dir() {
                let mend = "name the file in it that is to be imported";
                return Err(ServiceError::BadInput(format!("{} is a folder: {mend}", path.display())));
            }
            if !path.is_file() {
                return Err(ServiceError::BadInput(format!("there is no file {}", path.display())));
            }
            let examined = examine(&path, &said, &definitions)?;
            let reading = reading(&examined, &said, &definitions)?;
            Ok((Arc::new(examined), reading))
        });
        match looked.await.map_err(thread_ended)? {
            Ok((examined, reading)) => {
                require_word(request, &examined)?;
                Ok(Looked { examined, options, reading })
            }
            Err(ServiceError::Import(fault)) => Err(self.with_fitting_profile(fault, request).await?),
            Err(error) => Err(error),
        }
    }

    /// Refuses a purpose that there is not before the file is read, in a dry run too.
    async fn require_purposes(&self, wanted: &[PurposeName]) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let known = self.store().purposes().await?;
        match wanted.iter().find(|name| !known.iter().any(|purpose| purpose.name == **name)) {
            None => Ok(()),
            Some(name) => {
                let there = names::known(known.iter().map(|purpose| purpose.name.as_str()));
                Err(ServiceError::NotFound(format!("there is no purpose `{name}`: the purposes are {there}")))
            }
        }
    }

    /// Refuses to empty a list by a file that has a header and nothing else, or by the few rows of a file that is to be
    /// mended.
    pub(super) async fn require_rows(&self, request: &ImportFile, examined: &Examined) -> Result<()> {
        let is_empty = examined.rows == 0 && !request.may_empty;
        if request.mode != ImportMode::Replace || !(is_empty || examined.is_to_mend()) {
            return Ok(());
        }
        let Some(name) = &request.list else { return Ok(()) };
        let lists = self.store().lists().await?;
        let Some(list) = lists.iter().find(|list| list.name == name.trim() && list.entries > 0) else { return Ok(()) };
        let file = examined.path.display();
        let (list, entries) = (&list.name, list.entries);
        Err(ServiceError::BadInput(if is_empty {
            format!(
                "{file} has a header and no rows, and in the place of the list {list} it would take all {entries} entries \
                 off it: look at where the file comes from, or say `--allow-empty` if that is meant"
            )
        } else {
            format!(
                "{file} holds rows that an import had left out, and in the place of the list {list} it would take the \
                 others off it: say `--mode add`, so that its rows join them"
            )
        }))
    }

    /// A fault of a file whose columns nobody knows, with the saved profile that does know them.
    async fn with_fitting_profile(&self, fault: ImportFault, request: &ImportFile) -> Result<ServiceError> {
        let is_unmapped = matches!(fault, ImportFault::NoEmailColumn { .. } | ImportFault::TwoEmailColumns { .. });
        if !is_unmapped || request.profile.is_some() {
            return Ok(fault.into());
        }
        let (path, options) = (request.file.clone(), request.options.clone());
        let names = tokio::task::spawn_blocking(move || column_names(&path, &options));
        let header = names.await.map_err(thread_ended)??;
        Ok(match self.fitting_profile(&header).await? {
            Some(profile) => ServiceError::UnmappedFile { fault: Box::new(fault), file: request.file.clone(), profile },
            None => fault.into(),
        })
    }
}

/// Refuses what contradicts itself before the file is opened.
fn check(request: &ImportFile) -> Result<()> {
    if let Some(list) = &request.list {
        names::checked("a list", list)?;
    } else if request.mode == ImportMode::Replace {
        return Err(ServiceError::BadInput(
            "a file can replace a list only: name the list, or leave the mode at `add`".to_owned(),
        ));
    }
    if let Some(name) = &request.save_profile {
        names::checked("an import profile", name)?;
    }
    if request.consent_evidence.as_deref().is_some_and(|evidence| evidence.trim().is_empty()) {
        return Err(ServiceError::BadInput(
            "a stated consent needs its evidence: say what shows it, such as the form and the day".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses to believe a file that says nothing about consent.
fn require_word(request: &ImportFile, examined: &Examined) -> Result<()> {
    let is_about_consent = |target: &Option<Target>| matches!(target, Some(Target::Consent(_)));
    let says_something =
        examined.known.is_some() || examined.columns.iter().any(|column| is_about_consent(&column.target));
    if !request.believes_file || says_something {
        return Ok(());
    }
    Err(ServiceError::BadInput(format!(
        "no column of {} tells about consent, so that there is nothing to believe: say which does, as in `--map \
         'Agreed=consent.status'`, or leave `--consent from-file` out",
        examined.path.display()
    )))
}

/// Refuses to state a consent for all, or to believe a file, where a column seems to tell who agreed or left and is not read
/// as that (invariant 2).
pub(super) fn require_hearing(request: &ImportFile, examined: &Examined) -> Result<()> {
    let unheard: Vec<&Suggestion> = examined.suggestions.iter().filter(|told| told.speaks_of_consent).collect();
    if unheard.is_empty() || (request.consent_evidence.is_none() && !request.believes_file) {
        return Ok(());
    }
    let named = unheard.iter().map(|told| match &told.place {
        Some(place @ Target::Consent(_)) => format!("`{}` (perhaps {place})", told.column),
        Some(field) => format!("`{}` (which goes to the field {field})", told.column),
        None => format!("`{}`", told.column),
    });
    Err(ServiceError::BadInput(format!(
        "columns of {} seem to tell who agreed or left, and are not read as that: {}. Say with `--map COLUMN=PLACE` what \
         each tells (`consent.status`, a field), or with `--map COLUMN=-` that it tells something else",
        examined.path.display(),
        named.collect::<Vec<String>>().join(", ")
    )))
}

/// The rules by which rows are read: another number than that of an import that was cut short begins it anew.
const RULES: u32 = 2;

/// What tells one way of reading a file from another: all that decides how its bytes become rows. A
/// later version of the program may read differently, so it begins anew.
fn reading(examined: &Examined, options: &Options, definitions: &[FieldDefinition]) -> Result<String> {
    let columns: Vec<_> = examined.columns.iter().map(|column| (&column.name, &column.target)).collect();
    let settled = options.settled();
    let all = (
        (env!("CARGO_PKG_VERSION"), RULES),
        examined.encoding,
        examined.had_bom,
        char::from(examined.delimiter.byte()),
        columns,
        settled.clear_empty,
        settled.date_order.unwrap_or_default(),
        settled.phones_of.map(|country| country.to_string()),
        definitions,
    );
    let json = serde_json::to_vec(&all).map_err(|error| ServiceError::Internal(error.to_string()))?;
    Ok(blake3::hash(&json).to_hex().to_string())
}
