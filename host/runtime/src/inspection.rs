//! What can be said of a component without trusting it: for `plugin inspect`.

use wasmparser::{KnownCustom, Parser, Payload, ProducersSectionReader};
use wasmtime::component::Component;

use crate::cache::CompileCache;
use crate::compiler::{Compiled, MachineCode, compiled};
use crate::contract::{Description, SendingTerms};
use crate::engine::Engine;
use crate::error::LoadError;
use crate::limits::MAX_TEXT_BYTES;
use crate::plugin::{Capability, Plugin, admit, imports, is_importable};
use crate::text::clean;

/// A page of linear memory. Plugins cannot have pages of another size.
const WASM_PAGE_BYTES: u64 = 64 << 10;

/// Everything about a component that an operator may want to see before approving it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Inspection {
    /// `sha256:` and the SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Its size in bytes.
    pub size: usize,
    /// The machine code that was made of it.
    pub code: MachineCode,
    /// What it imports.
    pub imports: Vec<Import>,
    /// The interfaces it exports, with their versions.
    pub exports: Vec<String>,
    /// What it can do besides `provider` and `contacts`. Empty when it does not load.
    pub capabilities: Vec<Capability>,
    /// The linear memory with which it starts, in bytes, and the number of its memories, if that
    /// can be told from outside.
    pub memory: Option<Memory>,
    /// The tools it was made with.
    pub producers: Vec<Producer>,
    /// What it says of itself; none when it does not load.
    pub description: Option<Description>,
    /// What it tells about its sending; none when it does not load or sends no messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending_terms: Option<SendingTerms>,
    /// Why it does not load, as a sentence; none when it loads.
    pub refusal: Option<String>,
}

/// One imported interface.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Import {
    /// Its name, with its version.
    pub name: String,
    /// Whether plugins get it. One that they do not get refuses the plugin.
    pub allowed: bool,
}

/// Linear memory at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    /// How many memories.
    pub count: u32,
    /// The largest of them, in bytes.
    pub largest_bytes: u64,
}

/// A tool that took part in making the component, as the component itself says.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub role: String,
    /// The tool.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Plugin {
    /// Inspects a component, whether or not it loads. Its compiled code is taken from `cache` or
    /// put there, if there is one.
    ///
    /// # Errors
    ///
    /// [`LoadError`] only when there is nothing to inspect: too large, precompiled, a module, or
    /// broken, or when compiling it ends at a limit. Every other refusal stands in the inspection.
    pub async fn inspect(
        engine: &Engine,
        bytes: &[u8],
        cache: Option<&dyn CompileCache>,
    ) -> Result<Inspection, LoadError> {
        let digest = admit(bytes)?;
        let Compiled { component, code } = compiled(engine, bytes, &digest, cache).await?;
        let mut inspection = reflect(engine, &component, code, digest.clone(), bytes);
        match Self::examine(engine, component, digest, bytes.len()).await {
            Ok(plugin) => {
                inspection.capabilities = plugin.capabilities();
                inspection.description = Some(plugin.description().clone());
                inspection.sending_terms = plugin.sending_terms().cloned();
            }
            Err(refusal) => inspection.refusal = Some(refusal.to_string()),
        }
        Ok(inspection)
    }
}

fn reflect(engine: &Engine, component: &Component, code: MachineCode, digest: String, bytes: &[u8]) -> Inspection {
    Inspection {
        digest,
        size: bytes.len(),
        code,
        imports: imports(engine, component)
            .into_iter()
            .map(|name| Import { allowed: is_importable(&name), name })
            .collect(),
        exports: component.component_type().exports(engine.wasmtime()).map(|(name, _)| name.to_owned()).collect(),
        capabilities: Vec::new(),
        memory: component.resources_required().map(|required| Memory {
            count: required.num_memories,
            largest_bytes: required.max_initial_memory_size.unwrap_or(0).saturating_mul(WASM_PAGE_BYTES),
        }),
        producers: producers(bytes),
        description: None,
        sending_terms: None,
        refusal: None,
    }
}

/// The component's own `producers` section and those of the modules in it. They are remarks, so
/// one that cannot be read ends the list and nothing else.
fn producers(bytes: &[u8]) -> Vec<Producer> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        if let Payload::CustomSection(section) = payload
            && let KnownCustom::Producers(reader) = section.as_known()
        {
            collect(reader, &mut found);
        }
    }
    found
}

fn collect(reader: ProducersSectionReader<'_>, found: &mut Vec<Producer>) {
    for field in reader.into_iter().flatten() {
        for value in field.values.into_iter().flatten() {
            let text = |text: &str| {
                let mut text = text.to_owned();
                clean(&mut text, MAX_TEXT_BYTES);
                text
            };
            let producer = Producer { role: text(field.name), name: text(value.name), version: text(value.version) };
            if !found.contains(&producer) {
                found.push(producer);
            }
        }
    }
}
