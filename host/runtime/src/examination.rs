//! A plugin's first runs: it can reach nothing, time stands still, and chance has no say.

use postroom_egress::OriginTemplate;
use wasmtime::Store;

use crate::bindings::base::BasePre;
use crate::contract::Description;
use crate::description;
use crate::engine::Engine;
use crate::error::LoadError;
use crate::limits::{DESCRIBE_CPU, DESCRIBE_WALL, JobLimits};
use crate::log::{JobLog, LogSink};
use crate::plugin::{Worlds, causes};
use crate::state::{JobState, Shared, Stop};

/// Instantiates every world that was found: this is where differing types show.
pub(crate) async fn instantiate_each(engine: &Engine, worlds: &Worlds) -> Result<(), LoadError> {
    /// One trial, if the world is there.
    macro_rules! trial {
        ($world:expr) => {
            if let Some(world) = $world {
                let examination = Examination::new();
                let mut store = examination.store(engine);
                examination
                    .run(async { world.instantiate_async(&mut store).await.map(|_| ()) })
                    .await
                    .map_err(|failure| failure.while_starting())?;
            }
        };
    }
    trial!(Some(&worlds.base));
    trial!(&worlds.tags);
    trial!(&worlds.subscriptions);
    trial!(&worlds.audiences);
    trial!(&worlds.fields);
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

    /// A trap or a spent budget is the plugin's fault when it starts; everything else that wasmtime
    /// finds while instantiating is a difference in types.
    fn while_starting(&self) -> LoadError {
        match self {
            Self::Ended(error)
                if error.downcast_ref::<Stop>().is_none()
                    && error.downcast_ref::<wasmtime::Trap>().is_none()
                    && error.downcast_ref::<wasmtime_wasi::I32Exit>().is_none() =>
            {
                LoadError::Mismatch { reason: causes(error) }
            }
            Self::Wall | Self::Ended(_) => LoadError::Start { reason: self.reason() },
        }
    }
}
