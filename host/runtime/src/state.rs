//! What a store holds: the identity and the allowances of one job. All of it is set before the
//! guest runs and none of it is ambient, so nothing of another job can be in it (invariant 7).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use postroom_egress::{AccountEgress, JobBudget, Method};
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store, UpdateDeadline};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use crate::engine::Engine;
use crate::error::Budget;
use crate::limits::{CLOCK_RESOLUTION, JobLimits, MAX_RANDOM_BYTES};
use crate::log::{JobLog, LogSource, LogStream};
use crate::meter::Meter;

/// Why the host ended a call. It passes through the guest unseen, as the cause of its trap.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// A budget is spent.
    #[error("the job's {which} is used up ({what})")]
    Budget {
        /// Which one.
        which: Budget,
        /// How much there was.
        what: String,
    },
    /// The call ran without access to anything, as `describe` does, and asked for something.
    #[error("it called {0}, which is refused while a plugin is examined")]
    Refused(&'static str),
}

/// What outlives the store and ends up in the report, even when the call was cut off.
pub(crate) struct Shared {
    pub(crate) meter: Meter,
    pub(crate) log: Arc<JobLog>,
    /// The first request that the host refused, as a sentence.
    pub(crate) denied: OnceLock<String>,
    /// Whether the guest's own code was entered: what fails before is not its fault.
    pub(crate) started: AtomicBool,
    /// Whether a request is on its way right now.
    pub(crate) sending: AtomicBool,
}

impl Shared {
    pub(crate) fn new(log: JobLog) -> Arc<Self> {
        Arc::new(Self {
            meter: Meter::default(),
            log: Arc::new(log),
            denied: OnceLock::new(),
            started: AtomicBool::new(false),
            sending: AtomicBool::new(false),
        })
    }
}

/// What the contract's host interfaces give a job.
pub(crate) struct Access {
    pub(crate) account: AccountEgress,
    pub(crate) budget: Arc<JobBudget>,
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) now_ms: u64,
    pub(crate) repeating: Repeating,
}

/// Whether a plugin is believed that repeating a request does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeating {
    /// It knows its provider.
    AsThePluginSays,
    /// Only where the method itself promises it. What sends a message is a POST, and one that was called
    /// safe would be repeated, and missing in what the host saw.
    WhereHttpLetsIt,
}

impl Repeating {
    /// Whether the host takes a request for one that is safe to repeat.
    pub(crate) fn is_safe(self, method: Method, said: bool) -> bool {
        let is_idempotent = match method {
            Method::Get | Method::Put | Method::Delete => true,
            Method::Post | Method::Patch => false,
        };
        said && (self == Self::AsThePluginSays || is_idempotent)
    }
}

/// The data of one store.
pub(crate) struct JobState {
    pub(crate) shared: Arc<Shared>,
    /// None while a plugin is examined: then every interface of the contract is refused.
    access: Option<Access>,
    max_host_calls: u32,
    guard: Guard,
    wasi: WasiCtx,
    table: ResourceTable,
}

impl JobState {
    /// The state of a job that works for an account.
    pub(crate) fn for_job(shared: Arc<Shared>, access: Access, limits: &JobLimits) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.wall_clock(FixedTime(Duration::from_millis(access.now_ms))).monotonic_clock(CoarseTime(Instant::now()));
        Self::new(shared, Some(access), limits, &mut wasi)
    }

    /// The state in which a plugin is examined: nothing to reach, one moment for ever, and the same
    /// random bytes each time.
    pub(crate) fn for_examination(shared: Arc<Shared>, limits: &JobLimits) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.wall_clock(FixedTime(Duration::ZERO))
            .monotonic_clock(FixedTime(Duration::ZERO))
            .secure_random(Deterministic::new(vec![0x5a]))
            .insecure_random(Deterministic::new(vec![0x5a]))
            .insecure_random_seed(0x5a);
        Self::new(shared, None, limits, &mut wasi)
    }

    fn new(
        shared: Arc<Shared>,
        access: Option<Access>,
        limits: &JobLimits,
        wasi: &mut wasmtime_wasi::WasiCtxBuilder,
    ) -> Self {
        wasi.max_random_size(MAX_RANDOM_BYTES)
            .stdout(LogStream::new(Arc::clone(&shared.log), LogSource::Stdout))
            .stderr(LogStream::new(Arc::clone(&shared.log), LogSource::Stderr));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            access,
            max_host_calls: limits.host_calls,
            guard: Guard::new(Arc::clone(&shared), limits),
            wasi: wasi.build(),
            table,
            shared,
        }
    }

    /// Notes that instantiation is over and the call begins.
    pub(crate) fn started(&self) {
        self.shared.started.store(true, Ordering::Relaxed);
    }

    /// Counts a call of a host function and gives what it may use.
    ///
    /// # Errors
    ///
    /// [`Stop`] when the plugin is being examined or has called the host too often.
    pub(crate) fn enter(&self, function: &'static str) -> Result<(&Shared, &Access), Stop> {
        let access = self.access.as_ref().ok_or(Stop::Refused(function))?;
        if self.shared.meter.count_host_call() > self.max_host_calls {
            return Err(Stop::Budget { which: Budget::HostCalls, what: format!("{} calls", self.max_host_calls) });
        }
        Ok((&self.shared, access))
    }

    /// Moves this state into a store with all its limits set.
    pub(crate) fn into_store(self, engine: &Engine, limits: &JobLimits) -> Store<Self> {
        let shared = Arc::clone(&self.shared);
        let cpu = limits.cpu;
        let mut store = Store::new(engine.wasmtime(), self);
        store.limiter(|state| &mut state.guard);
        store.set_hostcall_fuel(limits.hostcall_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            if shared.meter.cpu_now() < cpu {
                return Ok(UpdateDeadline::Yield(1));
            }
            Err(Stop::Budget { which: Budget::Cpu, what: format!("{} ms", cpu.as_millis()) }.into())
        });
        store
    }
}

impl WasiView for JobState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Limits and counts what a store allocates, over all its memories and tables together.
///
/// Growing past a limit ends the call: a guest that gets -1 aborts in its allocator, which tells
/// the operator less.
struct Guard {
    shared: Arc<Shared>,
    memory: usize,
    elements: usize,
    max_memory: usize,
    max_elements: usize,
    max_instances: usize,
    max_tables: usize,
    max_memories: usize,
}

impl Guard {
    fn new(shared: Arc<Shared>, limits: &JobLimits) -> Self {
        Self {
            shared,
            memory: 0,
            elements: 0,
            max_memory: limits.memory_bytes,
            max_elements: limits.table_elements,
            max_instances: limits.instances,
            max_tables: limits.tables,
            max_memories: limits.memories,
        }
    }
}

impl ResourceLimiter for Guard {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let grown = self.memory.saturating_add(desired.saturating_sub(current));
        if grown > self.max_memory {
            return Err(Stop::Budget { which: Budget::Memory, what: format!("{} bytes", self.max_memory) }.into());
        }
        self.memory = grown;
        self.shared.meter.saw_memory(grown);
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let grown = self.elements.saturating_add(desired.saturating_sub(current));
        if grown > self.max_elements {
            return Err(Stop::Budget { which: Budget::Table, what: format!("{} elements", self.max_elements) }.into());
        }
        self.elements = grown;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.max_instances
    }

    fn tables(&self) -> usize {
        self.max_tables
    }

    fn memories(&self) -> usize {
        self.max_memories
    }
}

/// A clock that stands still: the job's time, or the beginning of time for an examination.
struct FixedTime(Duration);

impl HostWallClock for FixedTime {
    fn resolution(&self) -> Duration {
        CLOCK_RESOLUTION
    }

    fn now(&self) -> Duration {
        self.0
    }
}

impl HostMonotonicClock for FixedTime {
    fn resolution(&self) -> u64 {
        nanos(CLOCK_RESOLUTION)
    }

    fn now(&self) -> u64 {
        nanos(self.0)
    }
}

/// The time since the job began, in steps.
struct CoarseTime(Instant);

impl HostMonotonicClock for CoarseTime {
    fn resolution(&self) -> u64 {
        nanos(CLOCK_RESOLUTION)
    }

    fn now(&self) -> u64 {
        let step = nanos(CLOCK_RESOLUTION);
        nanos(self.0.elapsed()) / step * step
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
