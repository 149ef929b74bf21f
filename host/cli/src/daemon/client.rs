//! A verb that finds the store held by the daemon has the daemon carry it out.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::wire::{self, Answer, Request};
use super::{VERSION, socket};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::streams::own_wants_colours;

/// Has the daemon of a store carry out this process's own command line, on its own streams. None when no daemon
/// is there.
pub(crate) fn ask(store: &Path) -> Result<Option<u8>> {
    let path = socket(store);
    let stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if is_nobody_there(&error) => return Ok(None),
        Err(error) => return Err(Failure::io("speak to the daemon of the store", &error)),
    };
    let folder = std::env::current_dir().map_err(|error| Failure::io("tell which folder this is", &error))?;
    let request = Request {
        version: VERSION.to_owned(),
        words: std::env::args_os().collect(),
        folder: folder.into_os_string(),
        wants_colours: own_wants_colours(),
        zone: jiff::tz::TimeZone::system().iana_name().map(str::to_owned),
    };
    let (input, answers, remarks) = (io::stdin(), io::stdout(), io::stderr());
    wire::send_request(&stream, &request, [input.as_fd(), answers.as_fd(), remarks.as_fd()])
        .map_err(|error| Failure::io("speak to the daemon of the store", &error))?;
    match wire::receive_answer(&stream) {
        Ok(Answer::Ended(code)) => Ok(Some(code)),
        Ok(Answer::Refused(why)) => Err(Failure::held(why)),
        Err(error) => Err(Failure::io("hear from the daemon how it ended, since it has gone", &error).with_mend(
            "look at what stands in the store now: what was acknowledged is kept, and what was under way with a provider \
             shows in `postroom indoubt list` once the daemon is back",
        )),
    }
}

fn is_nobody_there(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
    // A path that is too long for a socket has no daemon behind it.
    matches!(error.kind(), NotFound | ConnectionRefused | InvalidInput)
}

impl From<Exit> for Answer {
    fn from(exit: Exit) -> Self {
        Self::Ended(exit.number())
    }
}
