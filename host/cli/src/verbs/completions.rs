//! `postroom completions`: a script for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::room::Context;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn act(args: &Args, context: &Context) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "postroom", &mut script);
    let script = String::from_utf8(script).map_err(|error| Failure::internal(error.to_string()))?;
    context.output.answer(&script, Clone::clone)?;
    Ok(Exit::Done)
}
