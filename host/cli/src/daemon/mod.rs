//! The daemon: the store held open, syncs that run by themselves, and other processes served.
//!
//! ```text
//! main ─▶ daemon ─▶ Service::keep_schedules     ticks become runs
//!            ├────▶ Service::keep_lanes         planned intents become requests
//!            ├────▶ Service::keep_timers        timers become events
//!            ├────▶ door                        a client's words, on the client's own streams ─▶ verbs
//!            └────▶ signals                     the first: let end what is under way; the second: at once
//!
//! another process ─▶ verbs ─▶ the store is held ─▶ client ─▶ the socket ─▶ door
//! ```
//!
//! One store has one daemon, because it has one lock. A verb that only reads opens the store beside it.

mod client;
mod door;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal as TerminalSignal};
use postroom_service::Service;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::task::TaskTracker;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::room::Context;

pub(crate) use client::ask;

/// The version that daemon and client must have in common.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The socket's name in the store's folder.
const SOCKET: &str = "daemon.sock";
/// How often within its limit the service manager's watchdog is told that all is well.
const TOLD_PER_LIMIT: u32 = 3;
/// What the lock names as the holder's verb.
const VERB: &str = "daemon";

/// How it ends.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many seconds what is under way may take once the daemon is asked to stop. Keep it below what the service
    /// manager allows (systemd: 90)
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    grace: u64,
}

/// Keeps a terminal from stopping this process and all threads that it starts later. A daemon in the background of the
/// very terminal at which its client is asked something is not let read there: that is then an error of this one
/// question, and not the end of all work.
pub(crate) fn spare_from_terminal() -> Result<()> {
    let mut stops = SigSet::empty();
    stops.add(TerminalSignal::SIGTTIN);
    stops.add(TerminalSignal::SIGTTOU);
    stops.thread_block().map_err(|error| Failure::io("set aside the signals of a terminal", &error.into()))
}

/// Where the daemon of a store listens.
fn socket(store: &Path) -> PathBuf {
    store.join(SOCKET)
}

/// Runs until it is told to stop.
pub(crate) async fn act(args: &Args, context: &Context) -> Result<Exit> {
    let mut stops = Stops::watched()?;
    let (service, held) = context.asked(VERB).await?;
    let door = door::Door::open(&context.folder()?)?;
    let at_work = TaskTracker::new();
    let status = if held.is_some() { "held: `postroom resume --dry-run` says why" } else { "at work" };
    tell_manager(&[sd_notify::NotifyState::Ready, sd_notify::NotifyState::Status(status)]);
    tracing::info!(pid = std::process::id(), "the daemon is at work");
    // Whatever ends it, what is under way is let end.
    let failed = tokio::select! {
        ended = service.keep_schedules(&at_work) => ended.err(),
        ended = service.keep_lanes(&at_work) => ended.err(),
        ended = service.keep_timers() => ended.err(),
        () = watched(&service) => None,
        () = door.serve(&service, &at_work) => None,
        () = stops.next() => None,
    };
    service.closing().cancel();
    at_work.close();
    tell_manager(&[sd_notify::NotifyState::Stopping]);
    tracing::info!(under_way = at_work.len(), "asked to stop; a second signal stops at once");
    tokio::select! {
        () = at_work.wait() => {
            tracing::info!("the daemon has ended");
            failed.map_or(Ok(Exit::Done), |error| Err(error.into()))
        }
        () = stops.next() => {
            tracing::warn!(under_way = at_work.len(), "told to stop at once; the next run of each sync takes it up");
            Ok(Exit::Stopped)
        }
        () = tokio::time::sleep(Duration::from_secs(args.grace)) => {
            tracing::warn!(under_way = at_work.len(), "not everything ended in time; the next run of each sync takes it up");
            Ok(Exit::Stopped)
        }
    }
}

/// Tells the service manager time and again that the store takes writes. One that does not is no reason to say
/// so: then the manager does what it was told to do with a daemon that hangs.
async fn watched(service: &Service) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    loop {
        match service.proves_writable().await {
            Ok(()) => tell_manager(&[sd_notify::NotifyState::Watchdog]),
            Err(error) => tracing::error!(%error, "the store takes no writes"),
        }
        tokio::time::sleep(limit / TOLD_PER_LIMIT).await;
    }
}

/// The signals that ask it to stop.
struct Stops {
    terminate: Signal,
    interrupt: Signal,
}

impl Stops {
    fn watched() -> Result<Self> {
        let watch = |kind| signal(kind).map_err(|error| Failure::io("watch for signals", &error));
        Ok(Self { terminate: watch(SignalKind::terminate())?, interrupt: watch(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Tells the service manager, where one started the daemon.
fn tell_manager(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
