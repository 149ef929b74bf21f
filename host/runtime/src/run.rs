//! One call from its beginning to its report.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use postroom_egress::{AccountEgress, JobBudget};
use tokio::time::sleep;
use tracing::{Instrument as _, Span};
use wasmtime::Store;

use crate::answers::Reader;
use crate::contract::ProviderError;
use crate::error::{Budget, CallError};
use crate::failure::ended;
use crate::job::{JobReport, JobSpec};
use crate::limits::{RECHECK, SENDING_GRACE};
use crate::log::JobLog;
use crate::plugin::Plugin;
use crate::state::{Access, JobState, Repeating, Shared};

/// What stays outside the store while a call runs.
pub(crate) struct Run {
    account: AccountEgress,
    shared: Arc<Shared>,
    budget: Arc<JobBudget>,
    wall: Duration,
    wind_up: Duration,
    began: Instant,
    span: Span,
}

impl Run {
    /// Makes the store of a job. The store is for one call and is dropped with it.
    pub(crate) fn begin(plugin: &Plugin, job: JobSpec, function: &'static str) -> (Self, Store<JobState>) {
        Self::begin_as(plugin, job, function, Repeating::AsThePluginSays)
    }

    /// The same for a call that sends a message.
    pub(crate) fn begin_sending(plugin: &Plugin, job: JobSpec, function: &'static str) -> (Self, Store<JobState>) {
        Self::begin_as(plugin, job, function, Repeating::WhereHttpLetsIt)
    }

    fn begin_as(
        plugin: &Plugin,
        job: JobSpec,
        function: &'static str,
        repeating: Repeating,
    ) -> (Self, Store<JobState>) {
        let began = Instant::now();
        let JobSpec { account, settings, now_ms, urgency, limits, log } = job;
        let shared = Shared::new(JobLog::new(&limits, log, Some(account.clone())));
        let budget = Arc::new(JobBudget::new(limits.egress, urgency));
        let access = Access { account: account.clone(), budget: Arc::clone(&budget), settings, now_ms, repeating };
        let store = JobState::for_job(Arc::clone(&shared), access, &limits).into_store(&plugin.inner.engine, &limits);
        let span = tracing::info_span!(
            "plugin call",
            plugin = %plugin.description().id,
            digest = %plugin.digest(),
            function,
        );
        let run = Self { account, shared, budget, wall: limits.egress.time, wind_up: limits.wind_up, began, span };
        (run, store)
    }

    /// Runs the call to its end, checks its answer and reports.
    pub(crate) async fn finish<T>(
        self,
        call: impl Future<Output = wasmtime::Result<Result<T, ProviderError>>>,
        check: impl FnOnce(&Reader, T) -> Result<T, String>,
    ) -> JobReport<T> {
        let reader = Reader::new(self.account.clone());
        let mut was_ended = false;
        let result = match self.drive(call).instrument(self.span.clone()).await {
            Ok(Ok(answer)) => check(&reader, answer).map_err(|what| CallError::Malformed { what }),
            Ok(Err(error)) => Err(self.refused(&reader, error)),
            Err(error) => {
                was_ended = true;
                Err(error)
            }
        };
        let mut wire = self.budget.facts();
        if was_ended {
            wire.seen = wire.seen.cut_off();
        }
        let (log, log_dropped) = self.shared.log.take();
        let report = JobReport {
            result,
            log,
            log_dropped,
            wire,
            cpu: self.shared.meter.cpu(),
            duration: self.began.elapsed(),
            peak_memory: self.shared.meter.peak_memory(),
            host_calls: self.shared.meter.host_calls(),
        };
        self.span.in_scope(|| match &report.result {
            Ok(_) => tracing::debug!(duration = ?report.duration, cpu = ?report.cpu, "answered"),
            Err(error) => tracing::info!(
                duration = ?report.duration,
                cpu = ?report.cpu,
                error = %self.account.redact_text(&error.to_string()),
                "no answer"
            ),
        });
        report
    }

    /// Polls the call until it ends or its time is over. The store is gone when this returns.
    async fn drive<T>(&self, call: impl Future<Output = wasmtime::Result<T>>) -> Result<T, CallError> {
        let mut call = self.shared.meter.charge(call);
        let mut pause = self.allowed();
        loop {
            tokio::select! {
                biased;
                answer = &mut call => {
                    let started = self.shared.started.load(Ordering::Relaxed);
                    return answer.map_err(|error| ended(&error, started));
                }
                () = sleep(pause) => {}
            }
            // Waiting for limiters has moved the end meanwhile.
            let left = self.allowed().saturating_sub(self.began.elapsed());
            let sending = self.shared.sending.load(Ordering::Relaxed);
            if !left.is_zero() {
                pause = left;
            } else if sending && self.began.elapsed() < self.allowed().saturating_add(SENDING_GRACE) {
                pause = RECHECK;
            } else {
                return Err(CallError::Budget { which: Budget::Wall, what: format!("{} ms", self.wall.as_millis()) });
            }
        }
    }

    /// How long the job may take from its beginning, as things stand.
    fn allowed(&self) -> Duration {
        self.wall.saturating_add(self.budget.waited()).saturating_add(self.wind_up)
    }

    /// The meaning of an error that the plugin answered.
    fn refused(&self, reader: &Reader, mut error: ProviderError) -> CallError {
        reader.error(&mut error);
        // Errors that name a cause of their own keep it: a lost login stays a lost login, even if
        // an earlier request of the call was refused.
        let vague =
            matches!(error, ProviderError::InvalidRequest(_) | ProviderError::Unsupported(_) | ProviderError::Other(_));
        match self.shared.denied.get() {
            Some(what) if vague => CallError::Denied { what: what.clone(), error },
            _ => CallError::Provider(error),
        }
    }
}
