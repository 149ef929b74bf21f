//! A plugin: a component that has been compiled, linked, probed and examined.

use std::sync::Arc;

use postroom_egress::OriginTemplate;
use ring::digest::SHA256;
use wasmtime::component::{Component, InstancePre};

use crate::bindings::base::BasePre;
use crate::bindings::with_audiences::WithAudiencesPre;
use crate::bindings::with_fields::WithFieldsPre;
use crate::bindings::with_sent::WithSentPre;
use crate::bindings::with_subscriptions::WithSubscriptionsPre;
use crate::bindings::with_tags::WithTagsPre;
use crate::bindings::with_templates::WithTemplatesPre;
use crate::cache::CompileCache;
use crate::compiler::compiled;
use crate::contract::{Description, SendingTerms};
use crate::engine::Engine;
use crate::error::LoadError;
use crate::examination;
use crate::limits::MAX_COMPONENT_BYTES;
use crate::linker::{self, CONTRACT, IMPORTABLE, is_compatible, of_contract, unversioned};
use crate::state::JobState;

/// What a plugin may have besides `provider` and `contacts`, which every plugin has.
///
/// A capability is present when the component exports its interface; nothing else says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Put tags on members and take them off.
    Tags,
    /// Change the status of members that exist.
    Subscriptions,
    /// List the audiences of an account.
    Audiences,
    /// List the fields of an audience.
    Fields,
    /// Send messages from templates.
    Templates,
    /// Show what was sent.
    Sent,
}

impl Capability {
    /// Every capability this host knows.
    pub const ALL: [Self; 6] =
        [Self::Tags, Self::Subscriptions, Self::Audiences, Self::Fields, Self::Templates, Self::Sent];

    /// The name of its interface in the contract's package.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Subscriptions => "subscriptions",
            Self::Audiences => "audiences",
            Self::Fields => "fields",
            Self::Templates => "templates",
            Self::Sent => "sent",
        }
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.interface())
    }
}

/// The worlds a component was found to fit, each ready to be instantiated.
pub(crate) struct Worlds {
    pub(crate) base: BasePre<JobState>,
    pub(crate) tags: Option<WithTagsPre<JobState>>,
    pub(crate) subscriptions: Option<WithSubscriptionsPre<JobState>>,
    pub(crate) audiences: Option<WithAudiencesPre<JobState>>,
    pub(crate) fields: Option<WithFieldsPre<JobState>>,
    pub(crate) templates: Option<WithTemplatesPre<JobState>>,
    pub(crate) sent: Option<WithSentPre<JobState>>,
}

impl Worlds {
    fn has(&self, capability: Capability) -> bool {
        match capability {
            Capability::Tags => self.tags.is_some(),
            Capability::Subscriptions => self.subscriptions.is_some(),
            Capability::Audiences => self.audiences.is_some(),
            Capability::Fields => self.fields.is_some(),
            Capability::Templates => self.templates.is_some(),
            Capability::Sent => self.sent.is_some(),
        }
    }
}

/// A plugin that is ready to work. Cheap to clone; every clone is the same plugin.
///
/// Each call runs in a store of its own, which is gone when the call is over (invariant 7); the
/// calls are the methods in `job.rs`.
#[derive(Clone)]
pub struct Plugin {
    pub(crate) inner: Arc<Loaded>,
}

pub(crate) struct Loaded {
    pub(crate) engine: Engine,
    pub(crate) worlds: Worlds,
    description: Description,
    origins: Vec<OriginTemplate>,
    sending_terms: Option<SendingTerms>,
    digest: String,
    size: usize,
}

impl Plugin {
    /// Loads a component: compiles it, links it against what plugins may import, finds its
    /// capabilities, instantiates it once (differing types of exports show only there), and has it
    /// describe itself, and tell its terms of sending if it sends, twice with every import refused.
    ///
    /// Compiling takes about a second per megabyte, wherever the engine's
    /// [`Compiler`](crate::Compiler) does it. Call it within a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`LoadError`], a sentence about what keeps the component from being a plugin.
    pub async fn load(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        Self::load_from(engine, bytes, None).await
    }

    /// Loads a component as [`Plugin::load`] does, but takes its compiled code from `cache`, or puts
    /// it there. Everything else is checked each time.
    ///
    /// # Errors
    ///
    /// As [`Plugin::load`]. A cache that fails is no error: the host's log names it.
    pub async fn load_cached(engine: &Engine, bytes: &[u8], cache: &dyn CompileCache) -> Result<Self, LoadError> {
        Self::load_from(engine, bytes, Some(cache)).await
    }

    async fn load_from(engine: &Engine, bytes: &[u8], cache: Option<&dyn CompileCache>) -> Result<Self, LoadError> {
        let digest = admit(bytes)?;
        let compiled = compiled(engine, bytes, &digest, cache).await?;
        Self::examine(engine, compiled.component, digest, bytes.len()).await
    }

    pub(crate) async fn examine(
        engine: &Engine,
        component: Component,
        digest: String,
        size: usize,
    ) -> Result<Self, LoadError> {
        let worlds = probe(engine, &component)?;
        examination::instantiate(engine, &worlds).await?;
        let (description, origins) = examination::describe(engine, &worlds.base).await?;
        let sending_terms = match &worlds.templates {
            Some(world) => Some(examination::sending_terms(engine, world).await?),
            None => None,
        };
        let engine = engine.clone();
        let inner = Arc::new(Loaded { engine, worlds, description, origins, sending_terms, digest, size });
        Ok(Self { inner })
    }

    /// What the plugin says of itself, checked: ids and names are well formed, everything that is
    /// referred to exists, and every limit is within the host's own.
    pub fn description(&self) -> &Description {
        &self.inner.description
    }

    /// The origins of the description, in its order, parsed.
    pub fn origins(&self) -> &[OriginTemplate] {
        &self.inner.origins
    }

    /// What the provider promises about messages that it did not send, as the plugin tells it; none
    /// when the plugin sends no messages.
    pub fn sending_terms(&self) -> Option<&SendingTerms> {
        self.inner.sending_terms.as_ref()
    }

    /// Whether the plugin has this capability.
    pub fn has(&self, capability: Capability) -> bool {
        self.inner.worlds.has(capability)
    }

    /// Every capability the plugin has.
    pub fn capabilities(&self) -> Vec<Capability> {
        Capability::ALL.into_iter().filter(|capability| self.has(*capability)).collect()
    }

    /// `sha256:` and the SHA-256 of the component, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// The size of the component in bytes.
    pub fn size(&self) -> usize {
        self.inner.size
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.inner.description.id)
            .field("digest", &self.inner.digest)
            .field("capabilities", &self.capabilities())
            .finish_non_exhaustive()
    }
}

/// The digest of a component, as [`Plugin::digest`] gives it.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut digest = "sha256:".to_owned();
    for byte in ring::digest::digest(&SHA256, bytes).as_ref() {
        // Writing to a string does not fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

/// Refuses what must not even reach the compiler, and answers the digest of the rest.
pub(crate) fn admit(bytes: &[u8]) -> Result<String, LoadError> {
    // The four bytes in front of every module and component, and the four that tell them apart.
    const MAGIC: &[u8] = b"\0asm";
    const MODULE: &[u8] = &[1, 0, 0, 0];

    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(LoadError::TooLarge { bytes: bytes.len(), limit: MAX_COMPONENT_BYTES });
    }
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(LoadError::Precompiled);
    }
    match bytes.strip_prefix(MAGIC) {
        None if bytes.is_empty() => return Err(LoadError::NotWasm { what: "it is empty" }),
        None => return Err(LoadError::NotWasm { what: "it does not begin as WebAssembly does" }),
        Some(rest) if rest.starts_with(MODULE) => return Err(LoadError::NotAComponent),
        Some(_) => {}
    }
    Ok(digest(bytes))
}

/// An error of wasmtime and its causes on one line.
pub(crate) fn causes(error: &wasmtime::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&crate::text::escaped(cause.to_string().trim_end_matches('.'), crate::limits::MAX_TEXT_BYTES));
    }
    line
}

/// Links the component and finds the worlds it fits.
fn probe(engine: &Engine, component: &Component) -> Result<Worlds, LoadError> {
    speaks_this_contract(engine, component)?;
    let forbidden: Vec<String> = imports(engine, component).into_iter().filter(|name| !is_importable(name)).collect();
    if !forbidden.is_empty() {
        return Err(LoadError::ForbiddenImports { imports: forbidden });
    }
    for interface in ["provider", "contacts"] {
        if !exports(engine, component, interface) {
            return Err(LoadError::NotAPlugin { missing: format!("{CONTRACT}/{interface}") });
        }
    }
    let linker = linker::linker(engine).map_err(|error| LoadError::Host { reason: causes(&error) })?;
    let pre = linker.instantiate_pre(component).map_err(mismatch)?;

    /// The world of a capability whose interface the component exports; an interface that is
    /// there and does not fit refuses the plugin rather than hide the capability.
    fn world<W>(
        present: bool,
        pre: &InstancePre<JobState>,
        new: impl FnOnce(InstancePre<JobState>) -> wasmtime::Result<W>,
    ) -> Result<Option<W>, LoadError> {
        present.then(|| new(pre.clone()).map_err(mismatch)).transpose()
    }
    let has = |capability: Capability| exports(engine, component, capability.interface());
    Ok(Worlds {
        tags: world(has(Capability::Tags), &pre, WithTagsPre::new)?,
        subscriptions: world(has(Capability::Subscriptions), &pre, WithSubscriptionsPre::new)?,
        audiences: world(has(Capability::Audiences), &pre, WithAudiencesPre::new)?,
        fields: world(has(Capability::Fields), &pre, WithFieldsPre::new)?,
        templates: world(has(Capability::Templates), &pre, WithTemplatesPre::new)?,
        sent: world(has(Capability::Sent), &pre, WithSentPre::new)?,
        base: BasePre::new(pre).map_err(mismatch)?,
    })
}

/// Refuses a component by the names alone, where they tell more than the linker would.
fn speaks_this_contract(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let imports = imports(engine, component);
    let exports: Vec<String> =
        component.component_type().exports(engine.wasmtime()).map(|(name, _)| name.to_owned()).collect();
    let differs = |reason: String| Err(LoadError::Mismatch { reason });
    let versions = imports.iter().chain(&exports).filter_map(|name| of_contract(name)).map(|(_, version)| version);
    if let Some(other) = versions.into_iter().find(|version| !is_compatible(version)) {
        return differs(format!("it speaks {CONTRACT}@{other}"));
    }
    // An interface of ours that is not known here is not a permission that somebody could lack.
    match imports.iter().find(|name| of_contract(name).is_some() && !is_importable(name)) {
        Some(unknown) => differs(format!("it imports {unknown}, which this host does not have")),
        None => Ok(()),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err as it is")]
fn mismatch(error: wasmtime::Error) -> LoadError {
    LoadError::Mismatch { reason: causes(&error) }
}

/// The names of what a component imports, with their versions.
pub(crate) fn imports(engine: &Engine, component: &Component) -> Vec<String> {
    component.component_type().imports(engine.wasmtime()).map(|(name, _)| name.to_owned()).collect()
}

/// Whether [`linker`] has this import in some version.
pub(crate) fn is_importable(import: &str) -> bool {
    IMPORTABLE.contains(&unversioned(import))
}

/// Whether the component exports this interface of the contract in some version.
fn exports(engine: &Engine, component: &Component, interface: &str) -> bool {
    component.component_type().exports(engine.wasmtime()).any(|(name, _)| {
        unversioned(name).strip_prefix(CONTRACT).and_then(|rest| rest.strip_prefix('/')) == Some(interface)
    })
}
