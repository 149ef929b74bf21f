//! The program `postroom`: arguments in, requests to the service, answers out.
//!
//! ```text
//! main ─▶ args (clap) ─▶ verbs::* ─▶ request ─▶ postroom_service ─▶ answer ─▶ output
//!   │                       └─ room: opens the store, names the adapter and the bundled plugins
//!   └─ exit: what the end means
//! ```
//!
//! A verb lives in the module of its noun, with its arguments, the request that it makes of them,
//! and the page that people read. With `--json` the service's answer is printed as it is. `output`
//! is the only place that prints, and this file the only one that ends the process.

mod args;
mod daemon;
#[cfg(feature = "simulators")]
mod demo;
mod exit;
mod failure;
mod output;
mod progress;
mod prompt;
mod room;
mod shell;
mod streams;
mod table;
mod verbs;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Verb};
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::{Audience, Output};
use crate::room::Context;

#[cfg(unix)]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error).into(),
    };
    // Nobody sits before a daemon: what it does is told without being asked.
    follow(cli.verbose.max(u8::from(matches!(cli.verb, Verb::Daemon(_)))));
    let output = Output::new(if cli.json { Audience::Programs } else { Audience::People });
    match run(cli, &output) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn run(cli: Cli, output: &Output) -> Result<u8> {
    if let Verb::InternalCompile(args) = &cli.verb {
        // It limits its process first of all: not even threads are there before.
        return verbs::internal_compile::act(args).map(Exit::number);
    }
    let is_daemon = matches!(cli.verb, Verb::Daemon(_));
    if is_daemon {
        daemon::spare_from_terminal()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start its threads", &error))?;
    let context = Context { output: output.clone(), store: cli.store, state: cli.state_dir, house: None };
    let done = runtime.block_on(verbs::act(cli.verb, &context));
    // A daemon that stops at once does not wait for what its clients type.
    runtime.shutdown_background();
    match done {
        Ok(exit) => Ok(exit.number()),
        // Whoever holds the store may be the daemon, which does it as well.
        Err(failure) if failure.exit == Exit::Held && !is_daemon => daemon::ask(&context.folder()?)?.ok_or(failure),
        Err(failure) => Err(failure),
    }
}

/// A command line that was not understood, or that asked for help.
fn unparsed(error: &clap::Error) -> Exit {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A reader that went away has seen enough of the help.
        let _gone = error.print();
        return Exit::Done;
    }
    // Nothing was parsed, so the switch is looked for among the words themselves.
    if std::env::args_os().any(|word| word == "--json") {
        let failure = Failure::usage(error.to_string().trim_end().to_owned());
        Output::new(Audience::Programs).failure(&failure);
    } else {
        let _gone = error.print();
    }
    Exit::Usage
}

/// Sends what the crates tell about their work to standard error, as much as was asked for.
fn follow(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "warn,postroom=info",
        2 => "warn,postroom=debug",
        _ => "debug,postroom=trace",
    };
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let filter = EnvFilter::try_from_env("POSTROOM_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .without_time()
        .init();
}
