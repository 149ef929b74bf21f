//! Contacts become a file, or a stream: everybody, a list, or a segment.
//!
//! A file gets its name when it is whole, so nobody takes half of one for all there is.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use postroom_domain::segment::Condition;
use postroom_export::{ContactRow, Exporter, Format};
use serde::Serialize;

use crate::segments::{AskSegment, Which};
use crate::{Result, Service, ServiceError};

/// Contacts that are read and written at a time: enough that reading does not show, few enough that memory
/// stays flat.
const PAGE: u32 = 2_000;
/// Only the owner reads a file of contacts.
const FILE_MODE: u32 = 0o600;

/// Whom to export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportOf {
    /// Every contact.
    Everyone,
    /// Those on a list.
    List(String),
    /// Those in a segment now.
    Segment(Which),
}

/// An export.
#[derive(Debug, Clone)]
pub struct ExportContacts {
    /// Whom.
    pub of: ExportOf,
    /// As what.
    pub format: Format,
    /// The file; none for whoever takes the bytes.
    pub file: Option<PathBuf>,
    /// Whether a file that is there may be replaced.
    pub replaces: bool,
}

/// What was written.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// How many contacts.
    pub contacts: u64,
    /// The file, if it is one.
    pub file: Option<PathBuf>,
}

impl Service {
    /// Writes contacts in the order of their numbers to a file, or to `sink` where the request names none.
    ///
    /// # Errors
    ///
    /// Not found for a list or a segment; bad input for a segment's text that does not fit and for a file that
    /// is there already; when the file cannot be written. Then there is no file.
    pub async fn export_contacts(&self, request: &ExportContacts, sink: &mut (dyn Write + Send)) -> Result<Exported> {
        let condition = self.condition_of(&request.of).await?;
        let Some(path) = &request.file else {
            let contacts = self.write_contacts(&condition, request.format, sink).await?;
            return Ok(Exported { contacts, file: None });
        };
        if path.exists() && !request.replaces {
            return Err(ServiceError::BadInput(format!(
                "{} is there already: name another file, or say that it may be replaced",
                path.display()
            )));
        }
        let unfinished = unfinished(path);
        let written = self.write_file(&condition, request.format, &unfinished).await;
        let contacts = match written {
            Ok(contacts) => contacts,
            Err(error) => {
                if let Err(second) = std::fs::remove_file(&unfinished) {
                    tracing::warn!(%second, file = %unfinished.display(), "an unfinished export could not be removed");
                }
                return Err(error);
            }
        };
        std::fs::rename(&unfinished, path).map_err(|error| unwritable(path, &error))?;
        Ok(Exported { contacts, file: Some(path.clone()) })
    }

    async fn condition_of(&self, of: &ExportOf) -> Result<Condition> {
        match of {
            ExportOf::Everyone => Ok(Condition::Everyone),
            ExportOf::List(name) => Ok(Condition::OnList(self.store().list(name).await?.name)),
            ExportOf::Segment(which) => {
                self.condition_asked(&AskSegment { which: which.clone(), time_zone: None }).await
            }
        }
    }

    async fn write_file(&self, condition: &Condition, format: Format, path: &Path) -> Result<u64> {
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(path);
        let file: File = open.map_err(|error| unwritable(path, &error))?;
        let mut writer = BufWriter::new(file);
        let contacts = self.write_contacts(condition, format, &mut writer).await?;
        let file = writer.into_inner().map_err(|error| unwritable(path, error.error()))?;
        file.sync_all().map_err(|error| unwritable(path, &error))?;
        Ok(contacts)
    }

    async fn write_contacts(
        &self,
        condition: &Condition,
        format: Format,
        sink: &mut (dyn Write + Send),
    ) -> Result<u64> {
        let definitions = self.store().fields().await?;
        let now = self.now().to_zoned(TimeZone::UTC);
        let mut exporter = Exporter::begin(sink, format, &definitions)?;
        let mut after = None;
        loop {
            let page = self.store().segment_members(condition, &now, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(exporter.finish()?) };
            after = Some(last.id);
            let ids: Vec<_> = page.iter().map(|contact| contact.id).collect();
            let lists = self.store().list_names(&ids).await?;
            for (contact, lists) in page.iter().zip(&lists) {
                exporter.write(&ContactRow {
                    email: &contact.email,
                    external_id: contact.external_id.as_deref(),
                    fields: &contact.fields,
                    tags: &contact.tags,
                    lists,
                    consent: contact.consent,
                    created_at: contact.created_at,
                    updated_at: contact.updated_at,
                })?;
            }
        }
    }
}

/// The name that a file has until it is whole.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

fn unwritable(path: &Path, error: &std::io::Error) -> ServiceError {
    ServiceError::BadInput(format!("{} cannot be written: {error}", path.display()))
}
