//! `postroom simulate`: a server that behaves like a provider, on this machine only.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Subcommand;
use postroom_simulators::mailchimp::{self, Config};
use tokio::io::AsyncReadExt as _;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::room::Context;
use crate::table::facts;

/// Which provider.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The Mailchimp Marketing API: audiences, members, tags, limits and errors
    Mailchimp(Args),
}

/// How it is started.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the API answers; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where a test looks inside and plays the contacts' part
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    control_listen: SocketAddr,
    /// How long each request takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    latency_ms: u64,
    /// Stop when standard input closes, as when the program that started it has ended
    #[arg(long)]
    until_stdin_closes: bool,
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let Verb::Mailchimp(args) = verb;
    let config = Config {
        listen: args.listen,
        control_listen: args.control_listen,
        latency: Duration::from_millis(args.latency_ms),
        ..Config::demo()
    };
    let running = mailchimp::start(config).await.map_err(|error| Failure::bad_input(error.to_string()))?;
    announce(&running.announcement(), &context.output)?;
    wait(args.until_stdin_closes).await?;
    running.shutdown().await.map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Exit::Done)
}

fn announce(announcement: &postroom_simulators::Announcement, output: &Output) -> Result<()> {
    if !output.is_for_people() {
        return output.announce(announcement);
    }
    let rows = facts([
        ("base URL", announcement.base_url.clone()),
        ("API key", announcement.api_key.clone()),
        ("control URL", announcement.control_url.clone()),
    ]);
    output.say(&format!(
        "A Mailchimp look-alike is running. Its key opens nothing anywhere else. Ctrl+C stops it.\n\n{rows}\n\
         An account for it, with the key on standard input:\n\
         \x20 postroom account add test --plugin mailchimp --origin api={} --insecure-origin --secret api-key=-\n",
        announcement.base_url
    ))
}

/// Waits for the signal to end, or for the end of standard input.
async fn wait(until_stdin_closes: bool) -> Result<()> {
    let mut terminated = signal()?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(|error| Failure::io("wait for Ctrl+C", &error))
        }
        () = terminated.recv() => Ok(()),
        ended = stdin_closed(), if until_stdin_closes => ended,
    }
}

/// Reads standard input to its end; what stands in it does not matter.
async fn stdin_closed() -> Result<()> {
    let mut stdin = tokio::io::stdin();
    let mut buffer = [0; 256];
    loop {
        match stdin.read(&mut buffer).await {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(Failure::io("read standard input", &error)),
        }
    }
}

/// The system's request to end.
struct Terminated(#[cfg(unix)] tokio::signal::unix::Signal);

fn signal() -> Result<Terminated> {
    #[cfg(unix)]
    {
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map(Terminated)
            .map_err(|error| Failure::io("listen for the signal to end", &error))
    }
    #[cfg(not(unix))]
    Ok(Terminated())
}

impl Terminated {
    async fn recv(&mut self) {
        #[cfg(unix)]
        self.0.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}
