//! A plugin's first runs: it can reach nothing, time stands still, and chance has no say.

use postroom_egress::OriginTemplate;
use wasmtime::Store;

use crate::bindings::base::BasePre;
use crate::bindings::with_templates::WithTemplatesPre;
use crate::bindings::{base, with_audiences, with_fields, with_sent, with_subscriptions, with_tags, with_templates};
use crate::contract::{Description, SendingTerms};
use crate::description;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::limits::{DESCRIBE_CPU, DESCRIBE_WALL, JobLimits};
use crate::linker::CONTRACT;
use crate::log::{JobLog, LogSink};
use crate::plugin::{Worlds, causes};
use crate::sending_terms;
use crate::state::{JobState, Shared, Stop};

/// Instantiates the component and looks at the types of every interface that was found.
///
/// What goes wrong in the first step is the component's own doing, what does not fit in the second
/// is a difference between two contracts: nothing else tells the two apart.
pub(crate) async fn instantiate(engine: &Engine, worlds: &Worlds) -> Result<(), LoadError> {
    let examination = Examination::new();
    let mut store = examination.store(engine);
    let pre = worlds.base.instance_pre();
    let instance = examination
        .run(pre.instantiate_async(&mut store))
        .await
        .map_err(|failure| LoadError::Start { reason: failure.reason() })?;

    /// The functions of one interface have the types that the host calls them with.
    macro_rules! fits {
        ($world:ident, $interface:ident) => {
            $world::exports::postroom::provider::$interface::GuestIndices::new(pre)
                .and_then(|functions| functions.load(&mut store, &instance))
                .map_err(|error| LoadError::Mismatch {
                    reason: format!("its {CONTRACT}/{} differs: {}", stringify!($interface), causes(&error)),
                })?;
        };
    }
    fits!(base, provider);
    fits!(base, contacts);
    if worlds.tags.is_some() {
        fits!(with_tags, tags);
    }
    if worlds.subscriptions.is_some() {
        fits!(with_subscriptions, subscriptions);
    }
    if worlds.audiences.is_some() {
        fits!(with_audiences, audiences);
    }
    if worlds.fields.is_some() {
        fits!(with_fields, fields);
    }
    if worlds.templates.is_some() {
        fits!(with_templates, templates);
    }
    if worlds.sent.is_some() {
        fits!(with_sent, sent);
    }
    Ok(())
}

/// Has the plugin describe itself twice, compares the answers, and checks them.
pub(crate) async fn describe(
    engine: &Engine,
    base: &BasePre<JobState>,
) -> Result<(Description, Vec<OriginTemplate>), LoadError> {
    let first = describe_once(engine, base).await?;
    if describe_once(engine, base).await? != first {
        return Err(LoadError::Unsteady);
    }
    let origins = description::check(&first).map_err(|problem| LoadError::Description { problem })?;
    Ok((first, origins))
}

async fn describe_once(engine: &Engine, base: &BasePre<JobState>) -> Result<Description, LoadError> {
    let examination = Examination::new();
    let mut store = examination.store(engine);
    examination
        .run(async {
            let plugin = base.instantiate_async(&mut store).await?;
            plugin.postroom_provider_provider().call_describe(&mut store).await
        })
        .await
        .map_err(|failure| LoadError::Describe { reason: failure.reason() })
}

/// Has the plugin tell its terms of sending twice, compares the answers, and checks them.
pub(crate) async fn sending_terms(
    engine: &Engine,
    world: &WithTemplatesPre<JobState>,
) -> Result<SendingTerms, LoadError> {
    let refused = |problem| LoadError::SendingTerms { problem };
    let first = sending_terms_once(engine, world).await?;
    if sending_terms_once(engine, world).await? != first {
        return Err(refused("They differ each time they are asked for.".to_owned()));
    }
    sending_terms::check(&first).map_err(refused)?;
    Ok(first)
}

async fn sending_terms_once(engine: &Engine, world: &WithTemplatesPre<JobState>) -> Result<SendingTerms, LoadError> {
    let examination = Examination::new();
    let mut store = examination.store(engine);
    examination
        .run(async {
            let plugin = world.instantiate_async(&mut store).await?;
            plugin.postroom_provider_templates().call_terms(&mut store).await
        })
        .await
        .map_err(|failure| LoadError::SendingTerms { problem: format!("They cannot be read: {}.", failure.reason()) })
}

struct Examination {
    limits: JobLimits,
    shared: std::sync::Arc<Shared>,
}

enum Failure {
    Wall,
    Ended(wasmtime::Error),
}

impl Examination {
    fn new() -> Self {
        let limits = JobLimits { cpu: DESCRIBE_CPU, ..JobLimits::default() };
        // There is no account yet and so no secret to keep out of the log.
        let log = JobLog::new(&limits, LogSink::none(), None);
        Self { shared: Shared::new(log), limits }
    }

    fn store(&self, engine: &Engine) -> Store<JobState> {
        JobState::for_examination(std::sync::Arc::clone(&self.shared), &self.limits).into_store(engine, &self.limits)
    }

    async fn run<T>(&self, call: impl Future<Output = wasmtime::Result<T>>) -> Result<T, Failure> {
        let charged = self.shared.meter.charge(call);
        match tokio::time::timeout(DESCRIBE_WALL, charged).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::Ended(error)),
            Err(_) => Err(Failure::Wall),
        }
    }
}

impl Failure {
    fn reason(&self) -> String {
        match self {
            Self::Wall => format!("it did not end within {} s", DESCRIBE_WALL.as_secs()),
            Self::Ended(error) => match error.downcast_ref::<Stop>() {
                Some(stop) => stop.to_string(),
                None => causes(error),
            },
        }
    }
}
