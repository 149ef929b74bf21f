//! Timers: things that are to happen at a time.
//!
//! A timer is a row with a due time. Whoever fires timers claims them for a while under its name, does what they
//! are for, and says that they are done. Who dies in between says nothing: then the claim runs out, or the next
//! process releases it, and the timer is due again. So what a timer does must bear being done twice; where it
//! must not, the payload names something that remembers.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{Result, StoreError};

/// How many timers are claimed at one go, so that a transaction stays within some 20 ms.
pub const TIMERS_AT_ONCE: u32 = 1_000;
/// The longest key of a timer, in bytes: room for the kind and two public ids.
pub const MAX_KEY_BYTES: usize = 200;
/// The longest kind of a timer, in bytes.
pub const MAX_KIND_BYTES: usize = 60;
/// The longest payload of a timer, in bytes of JSON: it names things by their ids, and holds none of them.
pub const MAX_PAYLOAD_BYTES: usize = 2_000;
/// The longest name of an owner, in bytes.
pub const MAX_OWNER_BYTES: usize = 100;
/// How long a claim holds at most: for so long nobody takes up what a dead owner left, if nobody releases it.
pub const MAX_LEASE: SignedDuration = SignedDuration::from_hours(1);

/// A timer to be set. No part of it may hold personal data: it names contacts by number (invariant 11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerDraft {
    /// What it is known by. There is one timer of a key.
    pub key: String,
    /// Who knows what to do when it fires.
    pub kind: String,
    /// What that one needs to know: ids.
    pub payload: Value,
    /// When it is due.
    pub due_at: Timestamp,
}

/// What becomes of a timer that is set already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfSet {
    /// It stays as it is: who enters twice is not counted twice.
    Stays,
    /// The new one takes its place, also when it is claimed: what waits for quiet waits anew.
    Replaced,
}

/// A claim on timers that are due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who claims: a name that no other process has, and no earlier one had.
    pub owner: String,
    /// The moment, in rule time.
    pub at: Timestamp,
    /// How long the claim holds.
    pub lease: SignedDuration,
}

/// A timer that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredTimer {
    /// Its number. One that is set again has another.
    pub id: i64,
    /// What it is known by.
    pub key: String,
    /// Who knows what to do.
    pub kind: String,
    /// What that one needs to know.
    pub payload: Value,
    /// When it was due.
    pub due_at: Timestamp,
    /// The how-many-eth time it fires: above 1 when an owner died, or could not do it.
    pub attempt: u32,
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// Its number.
    pub id: i64,
    /// As it was set.
    pub draft: TimerDraft,
    /// Who has claimed it last; none when nobody has, or the claim was released.
    pub owner: Option<String>,
    /// How often it has fired.
    pub attempts: u32,
}

impl TimerDraft {
    /// Refuses what no store takes.
    ///
    /// # Errors
    ///
    /// [`Refused`](StoreError::Refused) when a part is empty or too long.
    pub fn check(&self) -> Result<()> {
        bounded("key of a timer", &self.key, MAX_KEY_BYTES)?;
        bounded("kind of a timer", &self.kind, MAX_KIND_BYTES)?;
        bounded("payload of a timer", &self.payload.to_string(), MAX_PAYLOAD_BYTES)
    }
}

impl Claim {
    /// Refuses what no store takes.
    ///
    /// # Errors
    ///
    /// [`Refused`](StoreError::Refused) when the owner has no name or too long a one, or the lease is out of
    /// bounds.
    pub fn check(&self) -> Result<()> {
        bounded("name of an owner", &self.owner, MAX_OWNER_BYTES)?;
        if self.lease <= SignedDuration::ZERO || self.lease > MAX_LEASE {
            return Err(StoreError::Refused(format!(
                "a claim on timers can't hold for {:#}: choose more than nothing and at most {:#}",
                self.lease, MAX_LEASE
            )));
        }
        Ok(())
    }
}

/// Refuses a text that is empty or too long.
pub(crate) fn bounded(what: &str, text: &str, most: usize) -> Result<()> {
    if text.is_empty() || text.len() > most {
        return Err(StoreError::Refused(format!(
            "the {what} has {} bytes: write one of 1 to {most} bytes",
            text.len()
        )));
    }
    Ok(())
}

/// The use cases of timers.
#[async_trait]
pub trait TimerStore {
    /// Sets a timer, and answers whether it did: not if one of the key is set and stays.
    ///
    /// # Errors
    ///
    /// [`Refused`](StoreError::Refused) as [`TimerDraft::check`] has it.
    async fn set_timer(&self, draft: &TimerDraft, if_set: IfSet) -> Result<bool>;

    /// Takes a timer back, and answers whether there was one. What an owner has claimed it may do all the same.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn cancel_timer(&self, key: &str) -> Result<bool>;

    /// The timer of a key.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn timer(&self, key: &str) -> Result<Option<Timer>>;

    /// When the next timer is due that nobody has claimed, or the next claim runs out; none when there is no
    /// timer.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn next_timer(&self) -> Result<Option<Timestamp>>;

    /// Claims the timers that are due, the longest due first: at most `limit` and at most [`TIMERS_AT_ONCE`].
    /// Nobody else gets them as long as the claim holds.
    ///
    /// # Errors
    ///
    /// [`Refused`](StoreError::Refused) as [`Claim::check`] has it.
    async fn fire_timers(&self, claim: &Claim, limit: u32) -> Result<Vec<FiredTimer>>;

    /// Ends timers that their owner has fired, and answers how many were still its own. One event (`timers-fired`)
    /// tells of them in the same transaction, so that whoever follows the log hears of each once. The others
    /// were set anew or taken back meanwhile, or the claim ran out and another owner has them.
    ///
    /// # Errors
    ///
    /// When the storage fails; then all of them are still claimed.
    async fn timers_done(&self, owner: &str, ids: &[i64], at: Timestamp) -> Result<u64>;

    /// Makes due again at once whatever others than this owner have claimed, and answers how many that were. For
    /// a process that begins to fire timers: a store has one writer, so all others are dead.
    ///
    /// # Errors
    ///
    /// When the storage fails.
    async fn release_timers(&self, owner: &str) -> Result<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> TimerDraft {
        TimerDraft {
            key: "journey:1:contact:7".to_owned(),
            kind: "journey-step".to_owned(),
            payload: serde_json::json!({ "journey": 1, "contact": 7 }),
            due_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_timer_without_a_key_or_with_too_much_in_it_is_refused() {
        assert_eq!(draft().check(), Ok(()));
        let cases = [
            (TimerDraft { key: String::new(), ..draft() }, "key"),
            (TimerDraft { key: "k".repeat(MAX_KEY_BYTES + 1), ..draft() }, "key"),
            (TimerDraft { kind: String::new(), ..draft() }, "kind"),
            (TimerDraft { payload: Value::from("p".repeat(MAX_PAYLOAD_BYTES)), ..draft() }, "payload"),
        ];
        for (draft, what) in cases {
            let refused = draft.check().unwrap_err().to_string();
            assert!(refused.contains(what) && refused.contains("write one of 1 to"), "{refused}");
        }
    }

    #[test]
    fn a_claim_has_an_owner_and_holds_for_a_while() {
        let claim = |owner: &str, lease| Claim { owner: owner.to_owned(), at: Timestamp::UNIX_EPOCH, lease };
        assert_eq!(claim("daemon", MAX_LEASE).check(), Ok(()));
        assert!(claim("", MAX_LEASE).check().is_err());
        for lease in [SignedDuration::ZERO, -MAX_LEASE, MAX_LEASE * 2] {
            let refused = claim("daemon", lease).check().unwrap_err().to_string();
            assert!(refused.contains("at most 1h"), "{refused}");
        }
    }
}
