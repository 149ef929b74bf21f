//! The streams of whoever typed the command: this process's own, or those that a client handed over to the daemon.
//!
//! A verb that the daemon carries out for a client reads and prints where the client does, so that nobody
//! sees a difference: colours, bars, questions and pipes work alike.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Where a verb reads from and prints to.
#[derive(Debug)]
pub(crate) enum Streams {
    /// Where this process does.
    Own,
    /// Where a client does.
    Handed(Box<Handed>),
}

/// What a client handed over.
#[derive(Debug)]
pub(crate) struct Handed {
    input: Mutex<BufReader<Awaited>>,
    answers: File,
    remarks: File,
    wants_colours: bool,
}

impl Streams {
    /// Those of a client: its standard input, output and error. Nobody waits for input once it is gone.
    pub(crate) fn handed([input, answers, remarks]: [OwnedFd; 3], client: UnixStream, wants_colours: bool) -> Self {
        let input = Mutex::new(BufReader::new(Awaited { input: input.into(), client }));
        Self::Handed(Box::new(Handed { input, answers: answers.into(), remarks: remarks.into(), wants_colours }))
    }

    /// Standard output.
    pub(crate) fn answers(&self) -> Box<dyn Write + '_> {
        match self {
            Self::Own => Box::new(io::stdout().lock()),
            Self::Handed(handed) => Box::new(&handed.answers),
        }
    }

    /// Standard output, for somebody who goes on writing on other threads.
    pub(crate) fn answers_sent(&self) -> Box<dyn Write + Send + '_> {
        match self {
            Self::Own => Box::new(io::stdout()),
            Self::Handed(handed) => Box::new(&handed.answers),
        }
    }

    /// Standard error.
    pub(crate) fn remarks(&self) -> Box<dyn Write + '_> {
        match self {
            Self::Own => Box::new(io::stderr().lock()),
            Self::Handed(handed) => Box::new(&handed.remarks),
        }
    }

    /// Standard input.
    pub(crate) fn input(&self) -> Box<dyn BufRead + '_> {
        match self {
            Self::Own => Box::new(io::stdin().lock()),
            Self::Handed(handed) => Box::new(Line(handed.input.lock().unwrap_or_else(PoisonError::into_inner))),
        }
    }

    /// Whether somebody sits at standard input.
    pub(crate) fn is_input_terminal(&self) -> bool {
        match self {
            Self::Own => io::stdin().is_terminal(),
            Self::Handed(handed) => {
                handed.input.lock().unwrap_or_else(PoisonError::into_inner).get_ref().input.is_terminal()
            }
        }
    }

    /// Whether somebody sees standard output at once.
    pub(crate) fn is_answers_terminal(&self) -> bool {
        match self {
            Self::Own => io::stdout().is_terminal(),
            Self::Handed(handed) => handed.answers.is_terminal(),
        }
    }

    /// Whether somebody sees standard error at once.
    pub(crate) fn is_remarks_terminal(&self) -> bool {
        match self {
            Self::Own => io::stderr().is_terminal(),
            Self::Handed(handed) => handed.remarks.is_terminal(),
        }
    }

    /// Whether colours are welcome at a terminal.
    pub(crate) fn wants_colours(&self) -> bool {
        match self {
            Self::Own => own_wants_colours(),
            Self::Handed(handed) => handed.wants_colours,
        }
    }

    /// Two copies of a client's standard error, to draw on and to ask about its size; none where it is this process's.
    pub(crate) fn handed_remarks(&self) -> io::Result<Option<(File, File)>> {
        match self {
            Self::Own => Ok(None),
            Self::Handed(handed) => Ok(Some((handed.remarks.try_clone()?, handed.remarks.try_clone()?))),
        }
    }

    /// Reads a line that nobody sees being typed.
    pub(crate) fn hidden_line(&self, prompt: &str) -> io::Result<String> {
        match self {
            Self::Own => rpassword::prompt_password(prompt),
            Self::Handed(handed) => {
                let mut remarks = &handed.remarks;
                write!(remarks, "{prompt}")?;
                let mut input = handed.input.lock().unwrap_or_else(PoisonError::into_inner);
                let mut line = String::new();
                let read = {
                    let _unseen = Unseen::begin(&input.get_ref().input)?;
                    input.read_line(&mut line)
                };
                writeln!(remarks)?;
                read?;
                Ok(line.trim_end_matches(['\n', '\r']).to_owned())
            }
        }
    }
}

/// Whether whoever started this process wants colours.
pub(crate) fn own_wants_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Input of a client that may go away while it is waited for.
#[derive(Debug)]
struct Awaited {
    input: File,
    client: UnixStream,
}

impl Read for Awaited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut watched = [PollFd::new(&self.input, PollFlags::IN), PollFd::new(&self.client, PollFlags::IN)];
        poll(&mut watched, None)?;
        let [_, client] = watched;
        // A client says nothing more once it has handed everything over: what comes is its end.
        if !client.revents().is_empty() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "whoever was asked has gone"));
        }
        self.input.read(buffer)
    }
}

/// Input that others wait for until this is dropped.
struct Line<'a>(MutexGuard<'a, BufReader<Awaited>>);

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for Line<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

/// A terminal that does not show what is typed; it does again when this is dropped.
struct Unseen {
    terminal: OwnedFd,
    before: Termios,
}

impl Unseen {
    fn begin(terminal: &File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let terminal = terminal.as_fd().try_clone_to_owned()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(&self.terminal, OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "a client's terminal goes on hiding what is typed");
        }
    }
}
