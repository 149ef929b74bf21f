//! What a plugin can import: the contract's host interfaces and a reduced WASI.
//!
//! Filesystem and sockets are not refused at run time, they are not there: a plugin that imports
//! them does not load, and the refusal names the import.

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::WasiRandom;

use crate::bindings::base;
use crate::engine::Engine;
use crate::state::JobState;

/// The package of the contract, without its version.
pub(crate) const CONTRACT: &str = "postroom:provider";

/// The version of the contract that this host speaks: that of `wit/`.
pub(crate) const CONTRACT_VERSION: &str = "0.1.0";

/// The interfaces that [`linker`] defines, without their versions. A std Rust plugin imports all
/// of `cli` and `io` and `random/insecure-seed` whether it uses them or not; a plugin that asks
/// for the time or for random bytes imports the rest.
pub(crate) const IMPORTABLE: &[&str] = &[
    "postroom:provider/types",
    "postroom:provider/http",
    "postroom:provider/log",
    "postroom:provider/context",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/wall-clock",
    "wasi:clocks/monotonic-clock",
    "wasi:random/random",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
];

/// The name of an interface without its version.
pub(crate) fn unversioned(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// The interface of the contract's package that this name stands for, and its version; none when it
/// is a name of another package.
pub(crate) fn of_contract(name: &str) -> Option<(&str, &str)> {
    let (interface, version) = name.strip_prefix(CONTRACT)?.strip_prefix('/')?.split_once('@')?;
    Some((interface, version))
}

/// Whether plugins of this version of the contract are linked with this host: what counts is the
/// first number that is not zero, as everywhere in the component model.
pub(crate) fn is_compatible(version: &str) -> bool {
    let track = |version: &str| {
        let version = semver::Version::parse(version).ok()?;
        Some(match (version.major, version.minor) {
            (0, 0) => (0, 0, version.patch),
            (0, minor) => (0, minor, 0),
            (major, _) => (major, 0, 0),
        })
    };
    track(version).is_some_and(|asked| track(CONTRACT_VERSION) == Some(asked))
}

/// A linker with everything in [`IMPORTABLE`] and nothing else.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<JobState>> {
    let mut linker = Linker::new(engine.wasmtime());
    let l = &mut linker;
    base::Base::add_to_linker::<JobState, HasSelf<JobState>>(l, |state| state)?;
    // Standard streams, clocks, `random/random` and the `io` under them.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    cli::environment::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    cli::exit::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    cli::terminal_input::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    cli::terminal_output::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    cli::terminal_stdin::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    cli::terminal_stdout::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    cli::terminal_stderr::add_to_linker::<JobState, WasiCli>(l, JobState::cli)?;
    random::insecure::add_to_linker::<JobState, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<JobState, WasiRandom>(l, |state| state.ctx().ctx.random())?;
    Ok(linker)
}
