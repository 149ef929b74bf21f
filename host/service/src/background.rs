//! Threads of their own for what nobody waits for.
//!
//! A bulk run judges, encodes and reads for as long as it lasts, and would keep every processor at work while somebody
//! saves a contact or withdraws. On these threads the system takes the processor away from it whenever anything else
//! has something to do, and what it reads from the store is read at the same low priority.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::task::AbortOnDropHandle;

/// By how much these threads stand back, on the system's scale from 0 to 19: they get about a tenth of a processor that
/// others want all the time, so that bulk goes on beside a busy neighbour on the same machine, too.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The threads. They are started when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Background(Mutex<Option<Runtime>>);

impl Background {
    /// Does something there, and waits for it. What is dropped while it is waited for ends as soon as it waits itself.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let handle = match self.handle() {
            Ok(handle) => handle,
            Err(error) => {
                tracing::warn!(%error, "no threads of their own for bulk runs; this one goes on beside everything else");
                return work.await;
            }
        };
        match AbortOnDropHandle::new(handle.spawn(work)).await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The threads end with the service, which whoever waits here still holds.
                Err(_) => std::future::pending().await,
            },
        }
    }

    fn handle(&self) -> std::io::Result<Handle> {
        let mut runtime = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = match &mut *runtime {
            Some(runtime) => runtime,
            none => none.insert(started()?),
        };
        Ok(runtime.handle().clone())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let runtime = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // Also from a thread that may not wait.
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

fn started() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().thread_name("postroom-bulk").on_thread_start(stand_back).build()
}

/// Lets the thread that calls it stand back behind others.
fn stand_back() {
    // Elsewhere a niceness is the process's: there these threads are like all others.
    #[cfg(target_os = "linux")]
    {
        let thread = Some(rustix::thread::gettid());
        // A process that stands back further itself can't take that back.
        let own = rustix::process::getpriority_process(thread).unwrap_or_default();
        if own < NICENESS
            && let Err(error) = rustix::process::setpriority_process(thread, NICENESS)
        {
            tracing::debug!(%error, "a thread of bulk runs does not stand back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_runs_there_is_answered_and_stands_back() {
        let background = Background::default();
        let name = background.run(async { std::thread::current().name().map(str::to_owned) }).await;
        assert_eq!(name.as_deref(), Some("postroom-bulk"));
        #[cfg(target_os = "linux")]
        {
            let niceness = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
            let own = niceness();
            let behind = own.max(NICENESS);
            assert_eq!(background.run(async move { niceness() }).await, behind);
            let reading = async move { tokio::task::spawn_blocking(niceness).await.unwrap() };
            assert_eq!(background.run(reading).await, behind, "what it reads as well");
            assert_eq!(niceness(), own, "and nobody else");
        }
    }

    #[tokio::test]
    async fn what_is_no_longer_waited_for_ends() {
        let background = Background::default();
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let work = background.run(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        assert!(futures_util::FutureExt::now_or_never(work).is_none());
        assert!(dropped.await.is_err());
    }
}
