//! From a component to machine code: in this process, or in a child that cannot use up the machine.
//!
//! Compiling is the one thing that is done to a component before anything is known of it, and
//! wasmtime promises no bound on the time and memory that it takes. So the program compiles in a
//! child process of itself: a component that makes the compiler swell, loop or crash takes that
//! child with it and nothing else, and what the compiler's memory had grown to is given back with
//! each child.
//!
//! ```text
//! parent                                         child: `postroom internal-compile`
//!   spawn, empty environment, pipes      ──▶       limits itself, then reads
//!   component over standard input        ──▶       admits, compiles, seals
//!   machine code over standard output    ◀──       one byte of verdict, then seal and code
//!   checks the seal under its own key              ends
//! ```
//!
//! The parent holds the clock and counts the bytes that come back; the child's memory and CPU are
//! held by the kernel.

mod child;
mod parent;

use std::path::PathBuf;

use wasmtime::component::Component;

use crate::cache::{self, CompileCache};
use crate::engine::Engine;
use crate::error::{CompileLimit, LoadError};
use crate::limits::CompileLimits;
use crate::plugin::causes;

pub use child::{ChildError, compile_for_parent};

/// Who compiles components.
#[derive(Debug, Clone, Default)]
pub enum Compiler {
    /// This process. Only for components that are trusted as much as the process itself: nothing
    /// bounds the time and the memory that compiling takes.
    #[default]
    InProcess,
    /// A child process with limits, for every component that somebody else made. The bundled ones
    /// go the same way: the memory that compiling takes is given back, and what everybody uses is
    /// what is tried every day.
    Child(CompilerProgram),
}

/// A program that compiles one component and ends: it calls [`compile_for_parent`].
#[derive(Debug, Clone)]
pub struct CompilerProgram {
    /// Its file. It must be of the same build as this process, or what it makes is not used.
    pub program: PathBuf,
    /// What it is called with, in front of the two limits that [`ChildLimits`] reads.
    ///
    /// [`ChildLimits`]: crate::limits::ChildLimits
    pub arguments: Vec<String>,
    /// What it may use.
    pub limits: CompileLimits,
}

/// The machine code of a component.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MachineCode {
    /// Its size in bytes.
    pub size: usize,
    /// `blake3:` and the digest under which it is kept, in hexadecimal.
    pub digest: String,
    /// The engine that it is for: wasmtime's version, its settings and the processor, as one word.
    pub engine: String,
}

/// A component that can be linked.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    pub(crate) code: MachineCode,
}

/// Takes a component's code from the cache, or has it compiled and puts it there. The bytes were
/// admitted, and `digest` is theirs.
pub(crate) async fn compiled(
    engine: &Engine,
    bytes: &[u8],
    digest: &str,
    cache: Option<&dyn CompileCache>,
) -> Result<Compiled, LoadError> {
    let key = cache::key(digest, engine);
    let as_compiled = |sealed: &[u8]| {
        let component = cache::unseal(engine, &key, sealed)?;
        let code = MachineCode {
            size: cache::code_size(sealed),
            digest: cache::seal_digest(sealed),
            engine: engine.compatibility().to_owned(),
        };
        Some(Compiled { component, code })
    };
    if let Some(compiled) = cache.and_then(|cache| cache.get(&key)).and_then(|sealed| as_compiled(&sealed)) {
        return Ok(compiled);
    }
    let sealed = match engine.compiler() {
        Compiler::InProcess => in_process(engine, &key, bytes).await?,
        Compiler::Child(program) => parent::compile(program, bytes).await?,
    };
    let Some(compiled) = as_compiled(&sealed) else {
        return Err(LoadError::Host {
            reason: "the machine code that the compiler answered with does not suit this program. If the program was \
                     replaced while it ran, start it again"
                .to_owned(),
        });
    };
    if let Some(Err(error)) = cache.map(|cache| cache.put(&key, &sealed)) {
        tracing::warn!(%error, key, "a compiled plugin cannot be kept in the cache");
    }
    Ok(compiled)
}

async fn in_process(engine: &Engine, key: &str, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    let (engine, key, bytes) = (engine.clone(), key.to_owned(), bytes.to_vec());
    let compiling = tokio::task::spawn_blocking(move || sealed(&engine, &key, &bytes));
    compiling.await.unwrap_or_else(|error| Err(LoadError::Host { reason: error.to_string() }))
}

/// Compiles, here and now.
fn sealed(engine: &Engine, key: &str, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    match engine.wasmtime().precompile_component(bytes) {
        Ok(code) => Ok(cache::seal(key, &code)),
        Err(error) if error.is::<wasmtime::OutOfMemory>() => {
            Err(LoadError::CompileLimit { limit: CompileLimit::Memory, most: "all that this process gets".to_owned() })
        }
        Err(error) => Err(LoadError::Compile { reason: causes(&error) }),
    }
}
