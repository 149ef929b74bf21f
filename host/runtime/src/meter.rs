//! What a job has used: CPU, waiting, host calls.
//!
//! CPU is the time of the thread while the job's future is polled, without the time in which the
//! host itself works for the guest (a request, say). Waiting costs none, and neither does another
//! job on the same thread, so the budget holds on a busy machine as well as on an idle one.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

/// Counters of one job. Only its own future writes them, on one thread at a time.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// CPU of the polls that are over, in nanoseconds.
    spent: AtomicU64,
    /// The thread's CPU clock when the present poll began, in nanoseconds.
    poll_began: AtomicU64,
    /// CPU that the host used on the job's behalf, in nanoseconds.
    host: AtomicU64,
    host_calls: AtomicU32,
    peak_memory: AtomicUsize,
}

impl Meter {
    /// CPU of the guest in the polls that are over.
    pub(crate) fn cpu(&self) -> Duration {
        self.cpu_with(0)
    }

    /// CPU of the guest up to now. Only for the thread that polls the job.
    pub(crate) fn cpu_now(&self) -> Duration {
        self.cpu_with(now().saturating_sub(self.poll_began.load(Ordering::Relaxed)))
    }

    fn cpu_with(&self, running: u64) -> Duration {
        let all = self.spent.load(Ordering::Relaxed).saturating_add(running);
        Duration::from_nanos(all.saturating_sub(self.host.load(Ordering::Relaxed)))
    }

    /// Counts a call of a host function and answers how many there were.
    pub(crate) fn count_host_call(&self) -> u32 {
        self.host_calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn host_calls(&self) -> u32 {
        self.host_calls.load(Ordering::Relaxed)
    }

    pub(crate) fn saw_memory(&self, bytes: usize) {
        self.peak_memory.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(crate) fn peak_memory(&self) -> usize {
        self.peak_memory.load(Ordering::Relaxed)
    }

    /// Charges the CPU of polling `future` to this job.
    pub(crate) fn charge<F: Future>(&self, future: F) -> Charged<'_, F> {
        Charged { meter: self, future: Box::pin(future) }
    }

    /// Takes the CPU of polling `future` off the guest's account: it is the host that works.
    pub(crate) fn spare<F: Future>(&self, future: F) -> Spared<'_, F> {
        Spared { meter: self, future: Box::pin(future) }
    }
}

/// See [`Meter::charge`].
pub(crate) struct Charged<'a, F> {
    meter: &'a Meter,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Charged<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let meter = self.meter;
        let began = now();
        meter.poll_began.store(began, Ordering::Relaxed);
        let poll = self.future.as_mut().poll(context);
        meter.spent.fetch_add(now().saturating_sub(began), Ordering::Relaxed);
        poll
    }
}

/// See [`Meter::spare`].
pub(crate) struct Spared<'a, F> {
    meter: &'a Meter,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Spared<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = now();
        let poll = self.future.as_mut().poll(context);
        self.meter.host.fetch_add(now().saturating_sub(began), Ordering::Relaxed);
        poll
    }
}

/// The CPU time that this thread has used, in nanoseconds.
#[cfg(unix)]
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0));
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

/// Where the system has no clock per thread that can be read safely, wall time within a poll
/// stands for it.
#[cfg(not(unix))]
fn now() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
