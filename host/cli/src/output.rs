//! The only place where the program prints.
//!
//! An answer goes to standard output: for people as text, for programs as one JSON value. All else
//! (remarks, progress, errors) goes to standard error. A reader that went away is no error: a pipe
//! into `head` ends quietly.

use std::io::{self, Write as _};
use std::sync::Arc;

use serde::Serialize;

use crate::failure::{Failure, Result};
use crate::streams::Streams;

/// To whom the program speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// People.
    People,
    /// Programs: one JSON value.
    Programs,
    /// Nobody: a verb that is a step of another one.
    #[cfg(feature = "simulators")]
    Nobody,
}

/// Where answers and remarks go.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    audience: Audience,
    streams: Arc<Streams>,
}

impl Output {
    pub(crate) fn new(audience: Audience) -> Self {
        Self::on(audience, Streams::Own)
    }

    /// Over streams of somebody else.
    pub(crate) fn on(audience: Audience, streams: Streams) -> Self {
        Self { audience, streams: Arc::new(streams) }
    }

    /// The streams.
    pub(crate) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Whether people read this.
    pub(crate) fn is_for_people(&self) -> bool {
        self.audience == Audience::People
    }

    /// Whether somebody sits at the terminal who can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.is_for_people() && self.streams.is_input_terminal() && self.streams.is_remarks_terminal()
    }

    /// Whether a moving bar can be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        self.is_for_people() && self.streams.is_remarks_terminal()
    }

    /// Whether an answer may be coloured: people read it at a terminal, and want colours.
    pub(crate) fn is_coloured(&self) -> bool {
        self.is_for_people() && self.streams.is_answers_terminal() && self.streams.wants_colours()
    }

    /// Prints an answer: `page` makes of it what people read.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, page: impl FnOnce(&T) -> String) -> Result<()> {
        match self.audience {
            Audience::People => self.out(&page(value)),
            Audience::Programs => {
                let text = serde_json::to_string_pretty(value)
                    .map_err(|error| Failure::internal(format!("the answer could not be written as JSON: {error}")))?;
                self.out(&text)
            }
            #[cfg(feature = "simulators")]
            Audience::Nobody => Ok(()),
        }
    }

    /// Prints one JSON value on one line, and shows it at once: for a program that waits for it.
    #[cfg(feature = "simulators")]
    pub(crate) fn announce<T: Serialize>(&self, value: &T) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::internal(format!("the line could not be written as JSON: {error}")))?;
        self.out(&text)
    }

    /// Prints text for people on standard output.
    #[cfg(feature = "simulators")]
    pub(crate) fn say(&self, text: &str) -> Result<()> {
        if self.is_for_people() { self.out(text) } else { Ok(()) }
    }

    /// Prints a remark for people on standard error.
    pub(crate) fn remark(&self, text: &str) {
        if self.is_for_people() {
            self.complain(text);
        }
    }

    /// Prints a question on standard error, and stays on its line.
    pub(crate) fn ask(&self, question: &str) {
        let mut err = self.streams.remarks();
        let _gone = write!(err, "{question}").and_then(|()| err.flush());
    }

    /// Prints a failure on standard error.
    pub(crate) fn failure(&self, failure: &Failure) {
        if self.audience == Audience::Programs {
            match serde_json::to_string(&serde_json::json!({ "error": failure.shown })) {
                Ok(text) => self.complain(&text),
                Err(_) => self.complain(&failure.shown.message),
            }
            return;
        }
        self.complain(&format!("postroom: {}", failure.shown.message));
        if let Some(mend) = &failure.shown.mend {
            self.complain(&format!("  → {mend}"));
        }
    }

    fn out(&self, text: &str) -> Result<()> {
        let mut out = self.streams.answers();
        let written = writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::io("print the answer", &error)),
            _ => Ok(()),
        }
    }

    /// Prints to standard error. Where even that is gone there is nobody left to tell.
    fn complain(&self, text: &str) {
        let _gone = writeln!(self.streams.remarks(), "{text}");
    }
}
