//! The child's half: it limits itself, reads one component, and answers with one verdict.

use std::io::{self, Read, Write};

use super::sealed;
use crate::cache;
use crate::engine::{Engine, EngineError};
use crate::error::LoadError;
use crate::limits::{ChildLimits, MAX_COMPONENT_BYTES};
use crate::plugin::admit;

/// The first byte of an answer that holds sealed machine code.
pub(super) const COMPILED: u8 = b'c';

/// The first byte of an answer that holds the reason why there is none.
pub(super) const REFUSED: u8 = b'r';

/// The whole answer where the memory did not suffice and the child could still say so.
pub(super) const MEMORY_SPENT: u8 = b'm';

/// Why the child has no verdict. The parent reads of it in the child's last words.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The operating system set no limits, and without them nothing is read.
    #[error("The limits of the compiling process could not be set: {0}.")]
    Limits(io::Error),
    /// The component did not come, or the answer did not go.
    #[error("The compiling process lost its parent: {0}.")]
    Parent(#[from] io::Error),
    /// There is no engine to compile for.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Compiles one component for the process that started this one, and is to be called by a process
/// that does nothing else: it lowers the limits of the whole process for good, before it reads.
///
/// # Errors
///
/// [`ChildError`] if there is no verdict. That the component does not compile is one.
pub fn compile_for_parent(
    limits: ChildLimits,
    input: &mut impl Read,
    output: &mut impl Write,
) -> Result<(), ChildError> {
    restrain(limits).map_err(ChildError::Limits)?;
    let mut bytes = Vec::new();
    // One byte more than is admitted: what is too large is refused and not cut.
    let (verdict, rest) = match input.take(MAX_COMPONENT_BYTES as u64 + 1).read_to_end(&mut bytes) {
        Ok(_) => verdict(&bytes)?,
        Err(error) if error.kind() == io::ErrorKind::OutOfMemory => (MEMORY_SPENT, Vec::new()),
        Err(error) => return Err(error.into()),
    };
    output.write_all(&[verdict])?;
    output.write_all(&rest)?;
    Ok(output.flush()?)
}

/// Sealed code under the key that the parent knows too, or why there is none.
fn verdict(bytes: &[u8]) -> Result<(u8, Vec<u8>), EngineError> {
    let digest = match admit(bytes) {
        Ok(digest) => digest,
        Err(refusal) => return Ok((REFUSED, refusal.to_string().into_bytes())),
    };
    let engine = Engine::for_compiling()?;
    Ok(match sealed(&engine, &cache::key(&digest, &engine), bytes) {
        Ok(sealed) => (COMPILED, sealed),
        Err(LoadError::CompileLimit { .. }) => (MEMORY_SPENT, Vec::new()),
        Err(LoadError::Compile { reason }) => (REFUSED, reason.into_bytes()),
        Err(other) => (REFUSED, other.to_string().into_bytes()),
    })
}

#[cfg(unix)]
fn restrain(limits: ChildLimits) -> io::Result<()> {
    use rustix::process::Resource;

    /// How much longer than the CPU limit a process lives that does not end at its signal.
    const LAST_SECONDS: u64 = 2;
    lower(Resource::As, limits.address_space, limits.address_space)?;
    lower(Resource::Cpu, limits.cpu_seconds, limits.cpu_seconds.saturating_add(LAST_SECONDS))?;
    // A process that ends at a limit leaves no picture of its memory behind.
    lower(Resource::Core, 0, 0)
}

/// Lowers a limit, and leaves one that is lower already.
#[cfg(unix)]
fn lower(resource: rustix::process::Resource, soft: u64, hard: u64) -> io::Result<()> {
    use rustix::process::{Rlimit, getrlimit, setrlimit};

    let had = getrlimit(resource);
    let lower = |had: Option<u64>, wanted: u64| Some(had.map_or(wanted, |had| had.min(wanted)));
    Ok(setrlimit(resource, Rlimit { current: lower(had.current, soft), maximum: lower(had.maximum, hard) })?)
}

#[cfg(not(unix))]
fn restrain(_: ChildLimits) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no limits for processes"))
}
