//! The socket at which other processes hand their command lines to the daemon.
//!
//! It lies in the store's folder, which is closed to everybody but its owner, and it is closed itself; and
//! whoever comes is asked who it is.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use postroom_service::Service;
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::wire::{self, Answer, Request};
use super::{VERSION, socket};
use crate::args::Cli;
use crate::failure::{Failure, Result};
use crate::output::{Audience, Output};
use crate::room::{Context, House};
use crate::streams::Streams;
use crate::verbs;

/// How long a client may take to say what it wants: it has the words at hand.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How many clients are served at once; more wait at the door. Each takes a thread of those on which its own verb
/// reads the store, of which there are 512.
const CLIENTS_AT_ONCE: usize = 64;
/// How long nobody is let in when letting in has failed: what was short (descriptors, mostly) takes a while to be given back.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(200);
/// Who may open the socket: its owner.
const SOCKET_MODE: u32 = 0o600;

/// The open socket.
pub(super) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// Opens it. Whoever holds the store may clear away what an earlier daemon left.
    pub(super) fn open(store: &Path) -> Result<Self> {
        let path = socket(store);
        let opened = || -> io::Result<UnixListener> {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, Permissions::from_mode(SOCKET_MODE))?;
            Ok(listener)
        };
        match opened() {
            Ok(listener) => Ok(Self { listener, path }),
            Err(error) => Err(Failure::io(&format!("open the socket {}", path.display()), &error).with_mend(
                "a socket's path can have some 100 characters: keep the store in a folder with a shorter one",
            )),
        }
    }

    /// Lets clients in, for as long as it is waited for. What they asked for goes on in `at_work`.
    pub(super) async fn serve(self, service: &Arc<Service>, at_work: &TaskTracker) {
        let places = Arc::new(Semaphore::new(CLIENTS_AT_ONCE));
        // It fails only when the places are closed, which nobody does.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let come = self.listener.accept().await;
            let (stream, peer) = match come.and_then(|(stream, _)| Ok((stream.peer_cred()?, stream))) {
                Ok((peer, stream)) => (stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "a client could not be let in");
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                    continue;
                }
            };
            let own = rustix::process::geteuid();
            if peer.uid() != own.as_raw() && peer.uid() != 0 {
                tracing::warn!(uid = peer.uid(), "a client of another user was turned away");
                continue;
            }
            match stream.into_std().and_then(|stream| stream.set_nonblocking(false).map(|()| stream)) {
                Ok(stream) => {
                    let (service, runtime) = (Arc::clone(service), tokio::runtime::Handle::current());
                    // On a thread of its own: a verb may ask its client something, and wait for what it types.
                    at_work.spawn_blocking(move || {
                        let _place = place;
                        attend(&stream, service, &runtime);
                    });
                }
                Err(error) => tracing::warn!(%error, "a client could not be let in"),
            }
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::debug!(%error, "the socket could not be cleared away");
        }
    }
}

/// Carries out what one client wants.
fn attend(stream: &UnixStream, service: Arc<Service>, runtime: &tokio::runtime::Handle) {
    let answer = match received(stream) {
        Ok((request, streams)) if request.version == VERSION => carry_out(request, streams, stream, service, runtime),
        Ok((request, _)) => Ok(Some(Answer::Refused(format!(
            "the daemon of this store is of version {VERSION}, and this program of {}: restart the daemon with this \
             program, or use that one",
            request.version
        )))),
        Err(error) => Err(error),
    };
    let told = answer.and_then(|answer| answer.map_or(Ok(()), |answer| wire::send_answer(stream, &answer)));
    if let Err(error) = told {
        tracing::warn!(%error, "a client could not be served to its end");
    }
}

fn received(stream: &UnixStream) -> io::Result<(Request, [std::os::fd::OwnedFd; 3])> {
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    let received = wire::receive_request(stream)?;
    stream.set_read_timeout(None)?;
    Ok(received)
}

/// Carries out a command line on its client's streams; none when the client went away meanwhile.
fn carry_out(
    request: Request,
    streams: [std::os::fd::OwnedFd; 3],
    stream: &UnixStream,
    service: Arc<Service>,
    runtime: &tokio::runtime::Handle,
) -> io::Result<Option<Answer>> {
    let streams = Streams::handed(streams, stream.try_clone()?, request.wants_colours);
    let Ok(cli) = Cli::try_parse_from(&request.words) else {
        return Ok(Some(Answer::Refused("the daemon does not understand these words: restart it".to_owned())));
    };
    if !cli.verb.is_served() {
        return Ok(Some(Answer::Refused("the daemon does not do this for others: run it by itself".to_owned())));
    }
    let output = Output::on(if cli.json { Audience::Programs } else { Audience::People }, streams);
    let house = House { service, folder: PathBuf::from(request.folder), zone: request.zone };
    let context = Context { output: output.clone(), store: cli.store, state: cli.state_dir, house: Some(house) };
    let client = stream.try_clone()?;
    client.set_nonblocking(true)?;
    let exit = runtime.block_on(async {
        let client = tokio::net::UnixStream::from_std(client)?;
        tokio::select! {
            // It says nothing more: whatever comes is its end.
            gone = client.readable() => gone.map(|()| None),
            done = verbs::act(cli.verb, &context) => Ok(Some(done)),
        }
    })?;
    // The same file description: what was set for the one end of waiting holds for both.
    stream.set_nonblocking(false)?;
    Ok(exit.map(|done| match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }))
}
