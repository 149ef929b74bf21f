//! The engine: one constructor for every binary and test.

use std::sync::Arc;
use std::thread;

use wasmtime::{Config, EngineWeak, InstanceAllocationStrategy};

use crate::compiler::Compiler;
use crate::limits::EPOCH_TICK;

/// Why no engine could be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The machine or the build does not carry the settings.
    #[error(
        "The WebAssembly engine does not start on this machine: {0}. Postroom needs a 64-bit processor that cranelift supports."
    )]
    Settings(String),
    /// The operating system gave no thread for the ticker.
    #[error(
        "The thread that watches over plugins' time could not be started: {0}. Raise the limit of threads of this process."
    )]
    Ticker(#[from] std::io::Error),
}

/// Compiles and runs plugins. Cheap to clone; every clone is the same engine.
///
/// A thread ticks its epoch every 10 ms for as long as any clone or plugin of it lives: this is what
/// lets a looping guest yield to others and end with its CPU budget.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    compatibility: Arc<str>,
    compiler: Arc<Compiler>,
}

impl Engine {
    /// Makes an engine with the only settings Postroom runs with, which compiles in this process.
    /// Compiled code of one engine loads into any other of the same build.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the machine does not carry the settings or gives no thread.
    pub fn new() -> Result<Self, EngineError> {
        Self::compiling_with(Compiler::InProcess)
    }

    /// Makes the same engine, for which `compiler` compiles.
    ///
    /// # Errors
    ///
    /// As [`Engine::new`].
    pub fn compiling_with(compiler: Compiler) -> Result<Self, EngineError> {
        let engine = Self { compiler: Arc::new(compiler), ..Self::with(&settings())? };
        let weak = engine.inner.weak();
        thread::Builder::new().name("plugin-epoch".to_owned()).spawn(move || tick(&weak))?;
        Ok(engine)
    }

    /// Makes an engine that compiles for the others and can run nothing: its clock stands still.
    /// It compiles one function after the other on one thread, so that the memory that a component
    /// takes does not depend on how many processors there are.
    pub(crate) fn for_compiling() -> Result<Self, EngineError> {
        let mut settings = settings();
        settings.parallel_compilation(false);
        Self::with(&settings)
    }

    fn with(settings: &Config) -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(settings).map_err(|error| EngineError::Settings(error.to_string()))?;
        let compatibility = compatibility(&inner).into();
        Ok(Self { inner, compatibility, compiler: Arc::default() })
    }

    /// Who compiles for this engine.
    pub(crate) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// What wasmtime calls this engine.
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// A word that differs whenever compiled code of one engine does not load into another: it
    /// stands for wasmtime's version, its settings and the processor.
    pub fn compatibility(&self) -> &str {
        &self.compatibility
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("compatibility", &self.compatibility).finish_non_exhaustive()
    }
}

/// What is not named here cannot be switched on: threads, garbage collection, exceptions and the
/// asynchronous component model are not compiled in (see the features in the root `Cargo.toml`).
fn settings() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        // No plugin needs them, and every proposal is surface.
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .wasm_stack_switching(false)
        // Without async in the component model a call is half as dear, and stores cannot hold more
        // than one task: one store is one job.
        .concurrency_support(false)
        // Tens of jobs at a time do not repay a reserved address space.
        .allocation_strategy(InstanceAllocationStrategy::OnDemand)
        // Unwind tables for the system's unwinder are only for debuggers, and loading many of them
        // takes quadratic time.
        .native_unwind_info(false);
    config
}

/// Ticks until the engine is gone. It holds the engine only for the moment of the tick.
fn tick(engine: &EngineWeak) {
    loop {
        thread::sleep(EPOCH_TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => return,
        }
    }
}

fn compatibility(engine: &wasmtime::Engine) -> String {
    use std::hash::{Hash, Hasher};

    /// Feeds wasmtime's description of its settings into blake3: the standard hasher is free to
    /// change with the compiler, and 64 bits are few for a name that decides what is executed.
    struct Feed(blake3::Hasher);
    impl Hasher for Feed {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            let digest = self.0.finalize();
            let mut first = [0; 8];
            for (to, from) in first.iter_mut().zip(digest.as_bytes()) {
                *to = *from;
            }
            u64::from_le_bytes(first)
        }
    }

    let mut feed = Feed(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut feed);
    feed.0.finalize().to_hex().to_string()
}
