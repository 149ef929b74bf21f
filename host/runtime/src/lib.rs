//! How a plugin runs: engine, limits, linking, probing. The only crate that names wasmtime.
//!
//! ```text
//! bytes ──▶ Plugin::load ──▶ Plugin ──▶ plugin.push(JobSpec, …) ──▶ JobReport
//!             │ admit        size, no native code                     │ result, checked
//!             │ compile      in a child, or from a CompileCache       │ log, escaped and redacted
//!             │ probe        one small world per capability           │ wire facts of egress
//!             │ examine      instantiate; describe twice, blind       │ cpu, time, memory
//! ```
//!
//! * [`Engine`] compiles and runs every plugin of a process and ticks the clock that keeps a
//!   looping guest from holding a thread.
//! * [`Compiler`] says who compiles: a child process with limits, because a component can make a
//!   compiler swell or loop.
//! * [`Plugin`] is a component that was found to be one of ours: its imports are among those that
//!   plugins get (the contract's `http`, `log`, `context`, and a WASI without files and sockets),
//!   its capabilities are the interfaces it exports, its [`contract::Description`] is checked.
//! * [`JobSpec`] is what one call works with and [`JobReport`] what became of it. Each call has a
//!   store of its own, made for it and dropped with it (invariant 7), with a budget for everything
//!   a guest can use up (invariant 6, [`limits::JobLimits`]). Nobody can reuse a store after a trap,
//!   because nobody outside ever holds one.
//! * [`contract`] holds the types of `wit/`, so that no other crate needs to know how they are made.
//! * [`Inspection`] is what `plugin inspect` shows, of plugins that load and of those that do not.
//!
//! What comes out of a plugin is somebody else's word: keys, sizes and texts of an answer are
//! checked before anybody sees it, and what really went over the wire is told by egress, not by the
//! plugin. Credentials never enter this crate: they are inside [`postroom_egress::AccountEgress`].

mod answers;
mod bindings;
mod cache;
mod compiler;
pub mod contract;
mod description;
mod engine;
mod error;
mod examination;
mod failure;
mod host;
mod inspection;
mod job;
pub mod limits;
mod linker;
mod log;
mod meter;
mod plugin;
mod run;
mod sending_terms;
mod state;
mod text;

pub use cache::{CompileCache, DirectoryCache};
pub use compiler::{ChildError, Compiler, CompilerProgram, MachineCode, compile_for_parent};
pub use engine::{Engine, EngineError};
pub use error::{Budget, CallError, CompileLimit, LoadError};
pub use inspection::{Import, Inspection, Memory, Producer};
pub use job::{JobReport, JobSpec};
pub use limits::{ChildLimits, CompileLimits, JobLimits};
pub use log::{LogLine, LogSink, LogSource};
pub use plugin::{Capability, Plugin, digest};
pub use text::is_invisible;
