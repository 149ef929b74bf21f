//! Why a plugin is refused, and why a call has no answer. Sentences for the operator.

use crate::contract::ProviderError;
use crate::linker::{CONTRACT, CONTRACT_VERSION};
use crate::plugin::Capability;

/// Why a component is not a plugin that this host runs. Nothing of it has run with access to
/// anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The file is larger than any plugin may be.
    #[error(
        "The plugin is {bytes} bytes large and the limit is {limit}. Build it in release mode and strip its debug information."
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// [`crate::limits::MAX_COMPONENT_BYTES`].
        limit: usize,
    },
    /// The file holds native code. Only this host's own cache may hold that.
    #[error(
        "The file holds precompiled native code, which is never accepted from outside. Hand in the component itself, a .wasm file."
    )]
    Precompiled,
    /// It is no WebAssembly at all.
    #[error(
        "The file is not a plugin: {what}. Ask whoever sent it for the .wasm file; whoever builds it: the target is wasm32-wasip2."
    )]
    NotWasm {
        /// What it is instead.
        what: &'static str,
    },
    /// The file is a WebAssembly module, without the component around it.
    #[error(
        "The file is a WebAssembly module, not a component. Ask whoever sent it for the component; whoever builds it: the target is wasm32-wasip2."
    )]
    NotAComponent,
    /// The file does not compile.
    #[error(
        "The file does not compile as a WebAssembly component: {reason}. It may have been cut off on its way: ask whoever sent it to send it again."
    )]
    Compile {
        /// The compiler's words.
        reason: String,
    },
    /// Compiling it used up what compiling a component may use.
    #[error(
        "The plugin was not compiled, because that used up its {limit} ({most}). Plugins need a small part of it: ask the vendor for a smaller build, and leave this file alone if you don't know the vendor."
    )]
    CompileLimit {
        /// What was used up.
        limit: CompileLimit,
        /// How much there was.
        most: String,
    },
    /// The compiler crashed over it. It was in a process of its own, and nothing else was harmed.
    #[error(
        "The plugin was not compiled, because the process that compiles it crashed: {how}. Nothing else was harmed. Build the plugin again; if it crashes again, leave this file alone, and report it."
    )]
    CompilerCrashed {
        /// How that process ended.
        how: String,
    },
    /// It imports what no plugin gets.
    #[error(
        "The plugin imports {}, which Postroom does not give to plugins: they get the contract's http, log and context, and from WASI only standard output, clocks and randomness. Build it without the code that needs this.",
        .imports.join(", ")
    )]
    ForbiddenImports {
        /// The imported interfaces, in the component's order.
        imports: Vec<String>,
    },
    /// It lacks an interface that every plugin exports.
    #[error(
        "The file is not a Postroom plugin: it does not export {missing}. Build it with the plugin kit of this contract version."
    )]
    NotAPlugin {
        /// The missing interface.
        missing: String,
    },
    /// What it exports or imports differs from this host's contract.
    #[error(
        "The plugin was built against another version of the contract than this host's {CONTRACT}@{CONTRACT_VERSION}: {reason}. Build it again with the plugin kit of this version, or use the Postroom that it was built for."
    )]
    Mismatch {
        /// What differs: the interface, and then the linker's words.
        reason: String,
    },
    /// It cannot even be instantiated within the limits of a job.
    #[error("The plugin does not start: {reason}. Its author must mend it.")]
    Start {
        /// What happened.
        reason: String,
    },
    /// `describe` failed.
    #[error(
        "The plugin's description cannot be read: {reason}. `describe` must answer from constants alone; its author must mend it."
    )]
    Describe {
        /// What happened.
        reason: String,
    },
    /// `describe` answered differently the second time.
    #[error(
        "The plugin describes itself differently each time it is asked, so nobody could approve it. `describe` must answer from constants alone; its author must mend it."
    )]
    Unsteady,
    /// The description breaks a rule.
    #[error("The plugin's description is refused: {problem} Its author must mend it.")]
    Description {
        /// The rule and what breaks it, as a sentence.
        problem: String,
    },
    /// What it tells about its sending cannot be read or breaks a rule.
    #[error(
        "The plugin's terms of sending are refused: {problem} `templates.terms` must answer from constants alone, and keep the rules of the contract; its author must mend it."
    )]
    SendingTerms {
        /// The rule and what breaks it, as a sentence.
        problem: String,
    },
    /// The host failed, not the plugin.
    #[error("The plugin could not be loaded because the host failed: {reason}.")]
    Host {
        /// What happened.
        reason: String,
    },
}

/// Which limit of compiling was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompileLimit {
    /// Memory.
    Memory,
    /// CPU time.
    Cpu,
    /// Wall time.
    Wall,
    /// Machine code.
    Code,
}

impl std::fmt::Display for CompileLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "CPU time",
            Self::Wall => "wall time",
            Self::Code => "room for machine code",
        })
    }
}

/// Which budget of a job was spent (invariant 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Budget {
    /// CPU time.
    Cpu,
    /// Wall time.
    Wall,
    /// Linear memory.
    Memory,
    /// Elements of tables.
    Table,
    /// Live handles.
    Handles,
    /// Calls of host functions.
    HostCalls,
    /// Bytes handed over in one call.
    Bytes,
}

impl std::fmt::Display for Budget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU time",
            Self::Wall => "wall time",
            Self::Memory => "memory",
            Self::Table => "table elements",
            Self::Handles => "open handles",
            Self::HostCalls => "calls of the host",
            Self::Bytes => "bytes in one call",
        })
    }
}

/// Why a call of a plugin has no answer.
///
/// What was on the wire is told by [`crate::JobReport::wire`], whatever stands here: a plugin that
/// crashes after its request has changed the provider all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The plugin crashed: a bug in it.
    #[error("The plugin crashed: {what}. Report it to its vendor; the log of the call tells more.")]
    Trap {
        /// How, in a few words.
        what: String,
    },
    /// It used up what one job may use.
    #[error(
        "The plugin was stopped because it used up its {which}: {what}. Report it to its vendor, or use smaller batches."
    )]
    Budget {
        /// What it used up.
        which: Budget,
        /// How much there was.
        what: String,
    },
    /// The host refused a request of the plugin, and the plugin gave up on the call.
    #[error(
        "The host refused what the plugin asked for: {what} Compare the account's addresses with what the plugin declares."
    )]
    Denied {
        /// The first refusal, as a sentence.
        what: String,
        /// What the plugin made of it.
        error: ProviderError,
    },
    /// The provider, or the plugin in its name, answered with an error.
    #[error("{}", .0.sentence())]
    Provider(ProviderError),
    /// The plugin does not have this capability.
    #[error("The plugin does not have the capability {capability}.")]
    Unsupported {
        /// The missing capability.
        capability: Capability,
    },
    /// The answer contradicts the call or breaks a limit: a bug in the plugin or an attempt to
    /// deceive. Nothing of it is used.
    #[error("The plugin's answer was not used: {what} Report it to its vendor.")]
    Malformed {
        /// What is wrong, as a sentence.
        what: String,
    },
    /// The host failed, not the plugin. The operator finds details in the host's own log.
    #[error("The plugin was not called because the host failed: {what}.")]
    Host {
        /// What happened.
        what: String,
    },
}
