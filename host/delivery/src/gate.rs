//! The gate through which the requests of a run leave: a turn in the account's lane, and the arming.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use postroom_domain::contact::ContactId;
use postroom_domain::intent::{Class, IntentId, IntentKind};
use postroom_domain::outcome::Reason;
use postroom_store::runs::{ArmedBatch, BatchArming, BatchIntent, Left};

use crate::fault_points;
use crate::lanes::Turn;
use crate::way::Way;

/// What may leave.
#[derive(Debug)]
pub struct Passed {
    /// The intent that was armed; none when nobody is left for whom anything may leave. Whoever has made the request
    /// says what became of it with the record of the batch.
    pub intent: Option<IntentId>,
    /// Contacts for whom nothing may leave now, each with the reason. The next run judges them anew.
    pub left: Vec<(ContactId, Reason)>,
    /// The turn; it ends when this is dropped.
    pub turn: Option<Turn>,
}

/// What the gate says.
#[derive(Debug)]
pub enum Passage {
    /// The request may leave, for all but some.
    Open(Passed),
    /// Nothing may leave but opt-outs: the ledger is held, or the account paused.
    Halted(Reason),
}

/// Lets the requests of one run through.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Waits until a request may leave, and arms it.
    ///
    /// # Errors
    ///
    /// When the storage fails; then nothing may leave.
    async fn pass(&self, batch: BatchIntent) -> postroom_store::Result<Passage>;
}

/// The gate of a run in an account's lane.
pub struct LaneGate<'a> {
    way: Way<'a>,
    run: i64,
    /// How soon the run is served.
    class: Class,
    /// Calls that the account takes at one time.
    most: usize,
    /// How many were armed.
    armed: AtomicU64,
}

impl<'a> LaneGate<'a> {
    /// The gate of a run.
    #[must_use]
    pub fn new(way: Way<'a>, run: i64, class: Class, most: usize) -> Self {
        Self { way, run, class, most, armed: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Gate for LaneGate<'_> {
    async fn pass(&self, batch: BatchIntent) -> postroom_store::Result<Passage> {
        let class = if batch.kind == IntentKind::Unsubscribe { Class::OptOut } else { self.class };
        let Way { store, lane, now, .. } = self.way;
        let turn = self.way.turn(class, self.most).await?;
        let number = self.armed.fetch_add(1, Ordering::Relaxed) + 1;
        let arming = BatchArming { lane, run: self.run, number, class, at: now() };
        let armed = store.arm_batch(&arming, batch).await?;
        fault_points::reached("batch-armed");
        Ok(match armed {
            ArmedBatch::Armed { intent, left } => Passage::Open(Passed {
                intent,
                left: left.into_iter().map(|(contact, left)| (contact, reason(left))).collect(),
                turn: Some(turn),
            }),
            ArmedBatch::Halted { stop, why } => Passage::Halted(Reason::new(stop.as_str(), why)),
        })
    }
}

/// Why nothing may leave for a contact now.
fn reason(left: Left) -> Reason {
    match left {
        Left::Moved => Reason::new("moved", "it changed while the run was at work; the next run sends what holds then"),
        Left::Gone => Reason::new("gone", "it was deleted while the run was at work"),
        Left::UnderWay => {
            Reason::new("under-way", "another run is sending it at this moment; the next run looks at it again")
        }
    }
}
