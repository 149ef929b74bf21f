//! How long a call waits for a provider that asks to come back later.

use std::time::Duration;

use crate::failure::Failure;

/// How often a call is made again. Egress has waited within each call already; what comes through
/// to the run is a provider in trouble, and more insistence makes it worse.
const ATTEMPTS: u32 = 4;
/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a run sits through. A provider that asks for more gets it: the run stops,
/// and the next one goes on where it stopped.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Counts the tries of one call and says how long to wait before the next.
#[derive(Debug, Default)]
pub struct Patience {
    tries: u32,
}

impl Patience {
    /// Waits as the failure asks.
    ///
    /// # Errors
    ///
    /// The failure, when it is none that passes or patience is at its end.
    pub async fn wait(&mut self, failure: Failure) -> Result<(), Failure> {
        let Failure::Later { wait, .. } = &failure else {
            return Err(failure);
        };
        let pause = wait.unwrap_or(FIRST_PAUSE.saturating_mul(1 << self.tries.min(6)));
        self.tries += 1;
        if self.tries >= ATTEMPTS || pause > LONGEST_PAUSE {
            return Err(failure);
        }
        tracing::info!(pause_ms = pause.as_millis(), "{}", failure.reason().message);
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
