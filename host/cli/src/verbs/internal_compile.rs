//! `postroom internal-compile`: the child in which components are compiled. No verb for people.

use std::io::{stdin, stdout};

use postroom_runtime::{ChildLimits, compile_for_parent};

use crate::exit::Exit;
use crate::failure::{Failure, Result};

/// The word by which this program calls itself to compile.
pub(crate) const WORD: &str = "internal-compile";

/// What the process holds itself to, as the parent says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address space in bytes
    address_space: u64,
    /// CPU time in seconds
    cpu_seconds: u64,
}

/// Compiles what comes over standard input. Nothing was opened and no thread was started before.
pub(crate) fn act(args: &Args) -> Result<Exit> {
    let limits = ChildLimits { address_space: args.address_space, cpu_seconds: args.cpu_seconds };
    compile_for_parent(limits, &mut stdin().lock(), &mut stdout().lock())
        .map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Exit::Done)
}
