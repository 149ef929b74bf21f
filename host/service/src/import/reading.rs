//! The second reading of a file, and the file of its rejects: on threads for blocking work.

use std::path::PathBuf;
use std::sync::Arc;

use postroom_domain::contact::ImportedRow;
use postroom_import::{DatesSeen, Examined, ImportFault, RejectedRow, Rejects, Row};
use postroom_store::lists::IMPORT_BATCH_ROWS;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::answers::{LeftOutCell, cells_left_out};
use crate::{Result, ServiceError};

/// Chunks that are read ahead of the store.
const CHUNKS_AHEAD: usize = 1;
/// The text of a chunk's rows, in bytes: those of a file with many columns are so many fewer.
const CHUNK_BYTES: usize = 8 * 1_024 * 1_024;

/// Some rows on their way from the file to the store.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) rows: Vec<ImportedRow>,
    pub(super) rejected: Vec<RejectedRow>,
    /// Cells that do not fit, gathered here so that whoever writes the rows need not go through them for it.
    pub(super) left_out: Vec<LeftOutCell>,
    bytes: usize,
}

impl Chunk {
    fn add(&mut self, row: Row) {
        let raw = match &row {
            Row::Imported(row) => &row.raw,
            Row::Rejected(row) => &row.raw,
        };
        self.bytes += raw.iter().map(String::len).sum::<usize>();
        match row {
            Row::Imported(mut row) => {
                self.left_out.extend(cells_left_out(&mut row));
                self.rows.push(row);
            }
            Row::Rejected(row) => self.rejected.push(row),
        }
    }

    /// Rows of both kinds.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.rejected.len()
    }

    fn is_full(&self) -> bool {
        self.len() >= IMPORT_BATCH_ROWS || self.bytes >= CHUNK_BYTES
    }
}

/// A file that is being read on a thread of its own, chunk by chunk, as fast as they are taken.
pub(super) struct Reading {
    chunks: mpsc::Receiver<std::result::Result<Chunk, ImportFault>>,
    thread: Option<JoinHandle<Vec<DatesSeen>>>,
    dates: Vec<DatesSeen>,
}

impl Reading {
    /// The next chunk; none after the last row. A thread that ended badly is not the end of a file.
    pub(super) async fn next(&mut self) -> Result<Option<Chunk>> {
        if let Some(chunk) = self.chunks.recv().await {
            return Ok(Some(chunk?));
        }
        if let Some(thread) = self.thread.take() {
            self.dates = thread.await.map_err(thread_ended)?;
        }
        Ok(None)
    }

    /// What the dates of the file tell about their order, after the last chunk.
    pub(super) fn into_dates(self) -> Vec<DatesSeen> {
        self.dates
    }
}

/// Begins to read a file. Rows without a usable address are kept by a list; where there is none they are rejected.
pub(super) fn read(examined: Arc<Examined>, fills_list: bool) -> Reading {
    let (sender, chunks) = mpsc::channel(CHUNKS_AHEAD);
    let thread = tokio::task::spawn_blocking(move || send_rows(&examined, fills_list, &sender));
    Reading { chunks, thread: Some(thread), dates: Vec::new() }
}

/// Sends the rows of a file, and answers with what its dates tell.
fn send_rows(
    examined: &Examined,
    fills_list: bool,
    sender: &mpsc::Sender<std::result::Result<Chunk, ImportFault>>,
) -> Vec<DatesSeen> {
    let mut chunk = Chunk::default();
    let give_up = |fault| {
        drop(sender.blocking_send(Err(fault)));
        Vec::new()
    };
    let mut rows = match examined.rows() {
        Ok(rows) => rows,
        Err(fault) => return give_up(fault),
    };
    for row in rows.by_ref() {
        match row {
            Ok(row) => chunk.add(if fills_list { row } else { with_address(row) }),
            Err(fault) => return give_up(fault),
        }
        // Nobody listens any more when the import was given up: then nothing is left to read for.
        if chunk.is_full() && sender.blocking_send(Ok(std::mem::take(&mut chunk))).is_err() {
            return Vec::new();
        }
    }
    if chunk.len() > 0 {
        drop(sender.blocking_send(Ok(chunk)));
    }
    rows.dates().to_vec()
}

/// The same row, rejected if it has no usable address.
fn with_address(row: Row) -> Row {
    match row {
        Row::Imported(ImportedRow { line, raw, address: Err(fault), .. }) => {
            Row::Rejected(RejectedRow { line, reason: fault.to_string(), raw })
        }
        row => row,
    }
}

/// Adds rows to the rejects file.
pub(super) async fn write_rejects(mut rejects: Rejects, rows: Vec<RejectedRow>) -> Result<Rejects> {
    if rows.is_empty() {
        return Ok(rejects);
    }
    let written = tokio::task::spawn_blocking(move || {
        rows.iter().try_for_each(|row| rejects.write(row))?;
        Ok::<_, ImportFault>(rejects)
    });
    Ok(written.await.map_err(thread_ended)??)
}

/// Completes the rejects file; answers with its path, if a row was rejected.
pub(super) async fn finish_rejects(rejects: Rejects) -> Result<Option<PathBuf>> {
    Ok(tokio::task::spawn_blocking(move || rejects.finish()).await.map_err(thread_ended)??)
}

pub(super) fn count(number: usize) -> u64 {
    // A machine whose sizes exceed 64 bits does not exist.
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err as it is")]
pub(super) fn thread_ended(error: tokio::task::JoinError) -> ServiceError {
    ServiceError::Internal(format!("the thread that read the file ended badly: {error}"))
}
