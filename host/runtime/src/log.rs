//! The log of one job: capped, escaped, redacted, and fed by `log` as well as by the guest's own
//! standard output and error (a Rust panic prints there).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use postroom_egress::AccountEgress;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::contract::LogLevel;
use crate::limits::{JobLimits, MAX_LOG_FIELDS, MAX_LOG_LINE_BYTES};
use crate::text::escaped;

/// One line of a job's log. Its texts hold no control characters and no secret of the account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// Where it came from.
    pub source: LogSource,
    /// The line.
    pub message: String,
    /// Its fields, as (name, value).
    pub fields: Vec<(String, String)>,
}

/// The way by which a line reached the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogSource {
    /// The contract's `log` interface.
    Log,
    /// The guest's standard output.
    Stdout,
    /// The guest's standard error.
    Stderr,
}

/// Where the lines of a job's log go while it runs, besides its report. It is called on the
/// thread that runs the guest and must not block.
#[derive(Clone, Default)]
pub struct LogSink(Option<Arc<Sink>>);

type Sink = dyn Fn(&LogLine) + Send + Sync;

impl LogSink {
    /// No sink: the lines stand in the report only.
    pub fn none() -> Self {
        Self(None)
    }

    /// Hands every line to `sink` as it is written.
    pub fn to(sink: impl Fn(&LogLine) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(sink)))
    }
}

impl std::fmt::Debug for LogSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LogSink").field(&self.0.is_some()).finish()
    }
}

/// The log of a running job.
pub(crate) struct JobLog {
    lines: Mutex<Lines>,
    sink: LogSink,
    /// Blots the account's secrets out; none while a plugin is examined.
    account: Option<AccountEgress>,
    max_lines: usize,
    max_bytes: usize,
}

#[derive(Default)]
struct Lines {
    kept: Vec<LogLine>,
    bytes: usize,
    dropped: u64,
}

impl JobLog {
    pub(crate) fn new(limits: &JobLimits, sink: LogSink, account: Option<AccountEgress>) -> Self {
        Self {
            lines: Mutex::new(Lines::default()),
            sink,
            account,
            max_lines: limits.log_lines,
            max_bytes: limits.log_bytes,
        }
    }

    /// Adds a line, or counts it as dropped when the log is full.
    pub(crate) fn write(&self, level: LogLevel, source: LogSource, message: &str, fields: &[(String, String)]) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.kept.len() >= self.max_lines || lines.bytes >= self.max_bytes {
            lines.dropped += 1;
            return;
        }
        // What is cut off is never looked at, so a long line costs no more than a full one. The
        // margin lets a secret that straddles the cut be seen whole and blotted out.
        let shown = |text: &str, room: usize| {
            let window = text.get(..text.floor_char_boundary(room * 2)).unwrap_or("");
            match &self.account {
                Some(account) => escaped(&account.redact_text(window), room),
                None => escaped(window, room),
            }
        };
        let mut room = MAX_LOG_LINE_BYTES;
        let mut take = |text: &str| {
            let text = shown(text, room);
            room = room.saturating_sub(text.len());
            text
        };
        let line = LogLine {
            level,
            source,
            message: take(message),
            fields: fields.iter().take(MAX_LOG_FIELDS).map(|(name, value)| (take(name), take(value))).collect(),
        };
        lines.bytes += MAX_LOG_LINE_BYTES - room;
        if let Some(sink) = &self.sink.0 {
            sink(&line);
        }
        lines.kept.push(line);
    }

    /// The lines kept so far and the number of those dropped. The log is empty afterwards.
    pub(crate) fn take(&self) -> (Vec<LogLine>, u64) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { kept, dropped, .. } = std::mem::take(&mut *lines);
        (kept, dropped)
    }
}

/// The guest's standard output or error: each line of it becomes a line of the log. It is never
/// full and never closes, because a guest that cannot print its panic cannot be mended. All clones
/// are one stream.
#[derive(Clone)]
pub(crate) struct LogStream(Arc<Lined>);

struct Lined {
    log: Arc<JobLog>,
    source: LogSource,
    unfinished: Mutex<Vec<u8>>,
}

impl LogStream {
    pub(crate) fn new(log: Arc<JobLog>, source: LogSource) -> Self {
        Self(Arc::new(Lined { log, source, unfinished: Mutex::default() }))
    }
}

impl Lined {
    fn accept(&self, bytes: &[u8]) {
        let mut unfinished = self.unfinished.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ended) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            // A line without an end must not grow: what is too long is cut.
            let room = MAX_LOG_LINE_BYTES.saturating_sub(unfinished.len());
            unfinished.extend(text.iter().take(room));
            if ended {
                self.hand_on(&mut unfinished);
            }
        }
    }

    fn hand_on(&self, unfinished: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(unfinished);
        if !text.trim().is_empty() {
            let level = match self.source {
                LogSource::Stderr => LogLevel::Warn,
                LogSource::Log | LogSource::Stdout => LogLevel::Info,
            };
            self.log.write(level, self.source, &text, &[]);
        }
        unfinished.clear();
    }
}

impl Drop for Lined {
    fn drop(&mut self) {
        // A last line without its end, as a guest leaves it that dies while it prints.
        let mut unfinished = std::mem::take(&mut self.unfinished).into_inner().unwrap_or_else(PoisonError::into_inner);
        self.hand_on(&mut unfinished);
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl OutputStream for LogStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.accept(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LOG_LINE_BYTES)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.accept(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
