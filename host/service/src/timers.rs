//! Timers that fire: what is due becomes an event, once.

use std::time::Duration;

use jiff::SignedDuration;
use postroom_store::timers::{Claim, TIMERS_AT_ONCE};

use crate::schedules::gathered;
use crate::{Result, Service};

/// How long a claim holds. It is for one transaction only: whoever dies between claiming and telling leaves its timers
/// to the next process, which releases them at its start.
const LEASE: SignedDuration = SignedDuration::from_mins(1);
/// How long the timers are not looked at, at most, whatever the clock shows.
const LOOKED_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

impl Service {
    /// Fires timers as they become due, until the service is closing. Each leaves its mark in the log of events in the
    /// transaction that ends it.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    pub async fn keep_timers(&self) -> Result<()> {
        let owner = self.delivery.owner();
        self.store().release_timers(owner).await?;
        let mut written = self.store().written();
        loop {
            written.mark_unchanged();
            let mut next = self.store().next_timer().await?;
            // Looked at first: to fire is to write, and this looks after every write.
            if next.is_some_and(|next| next <= self.now()) {
                self.fire_due_timers(owner).await?;
                next = self.store().next_timer().await?;
            }
            tokio::select! {
                () = self.closing.cancelled() => return Ok(()),
                () = gathered(&mut written) => {}
                () = self.until(next) => {}
                // A clock that was set back does not come to the moment that is waited for.
                () = tokio::time::sleep(LOOKED_AT_LEAST_EVERY) => {}
            }
        }
    }

    /// Fires everything that is due.
    async fn fire_due_timers(&self, owner: &str) -> Result<()> {
        while !self.closing.is_cancelled() {
            let claim = Claim { owner: owner.to_owned(), at: self.now(), lease: LEASE };
            let due = self.store().fire_timers(&claim, TIMERS_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            let ids: Vec<i64> = due.iter().map(|timer| timer.id).collect();
            self.store().timers_done(owner, &ids, self.now()).await?;
        }
        Ok(())
    }
}
