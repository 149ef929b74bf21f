//! The use cases of the intent ledger.

use async_trait::async_trait;
use jiff::Timestamp;
use postroom_domain::intent::arming::Refusal;
use postroom_domain::intent::{IntentId, IntentState};
use postroom_store::Result;
use postroom_store::intents::{
    Answer, AnswerTaken, Arming, Claim, ClaimedIntent, Decision, DueLanes, Halt, Halted, Intent, IntentDetail,
    IntentDraft, IntentFigures, IntentQuery, IntentStore, Lane, Planned, Takeover, WaitingIntents,
};

use crate::store::SqliteStore;
use crate::{intent_ends, intent_lanes, intent_plans, intent_views, intent_work};

#[async_trait]
impl IntentStore for SqliteStore {
    async fn plan_intents(&self, drafts: &[IntentDraft], at: Timestamp) -> Result<Vec<Planned>> {
        intent_plans::check(drafts)?;
        let drafts = drafts.to_vec();
        self.write("plan intents", move |connection| intent_plans::plan(connection, &drafts, at)).await
    }

    async fn take_over_lane(&self, account: i64, owner: &str, at: Timestamp) -> Result<Takeover> {
        let owner = owner.to_owned();
        self.write("take a lane over", move |connection| intent_lanes::take_over(connection, account, &owner, at)).await
    }

    async fn claim_intents(&self, lane: &Lane, claim: Claim, at: Timestamp) -> Result<Vec<ClaimedIntent>> {
        let lane = lane.clone();
        self.write("claim intents", move |connection| intent_work::claim(connection, &lane, claim, at)).await
    }

    async fn due_lanes(&self, at: Timestamp) -> Result<DueLanes> {
        self.read("look for intents that are due", move |connection| intent_work::due_lanes(connection, at)).await
    }

    async fn arm_intents(
        &self,
        lane: &Lane,
        armings: &[Arming],
        at: Timestamp,
    ) -> Result<Vec<std::result::Result<(), Refusal>>> {
        intent_work::check(armings.len())?;
        let (lane, armings, key) = (lane.clone(), armings.to_vec(), self.key());
        self.write("arm intents", move |connection| intent_work::arm(connection, &key, &lane, &armings, at)).await
    }

    async fn release_intents(&self, lane: &Lane, intents: &[IntentId], at: Timestamp) -> Result<u64> {
        intent_work::check(intents.len())?;
        let (lane, intents) = (lane.clone(), intents.to_vec());
        self.write("give intents back", move |connection| intent_work::release(connection, &lane, &intents, at)).await
    }

    async fn give_up_intents(&self, lane: &Lane, intents: &[IntentId], at: Timestamp) -> Result<u64> {
        let (lane, intents) = (lane.clone(), intents.to_vec());
        self.write("give intents up", move |connection| intent_work::give_up(connection, &lane, &intents, at)).await
    }

    async fn record_answers(&self, lane: &Lane, answers: &[Answer], at: Timestamp) -> Result<Vec<AnswerTaken>> {
        intent_work::check(answers.len())?;
        let (lane, answers) = (lane.clone(), answers.to_vec());
        self.write("record what became of intents", move |connection| {
            answers.iter().map(|answer| intent_work::record(connection, &lane, answer, at)).collect()
        })
        .await
    }

    async fn resolve_doubt(&self, intent: IntentId, decision: &Decision, at: Timestamp) -> Result<IntentState> {
        let decision = decision.clone();
        self.write("resolve a doubt", move |connection| intent_ends::resolve(connection, intent, &decision, at)).await
    }

    async fn expire_intents(&self, at: Timestamp) -> Result<u64> {
        let mut expired = 0;
        loop {
            let unit = self
                .write_alone("end intents that are too late", move |connection| intent_ends::expire(connection, at));
            let unit = unit.await?;
            expired += unit.rows;
            if unit.is_last {
                return Ok(expired);
            }
        }
    }

    async fn halt_intents(&self, halted: &Halted) -> Result<()> {
        let halted = halted.clone();
        self.write("stop intents", move |connection| intent_lanes::halt(connection, &halted)).await
    }

    async fn lift_halt(&self, halt: Halt) -> Result<bool> {
        self.write("let intents go on", move |connection| intent_lanes::lift(connection, halt)).await
    }

    async fn halts(&self) -> Result<Vec<Halted>> {
        self.read("read what stops intents", intent_lanes::halts).await
    }

    async fn intent(&self, id: IntentId) -> Result<IntentDetail> {
        self.read("read an intent", move |connection| intent_views::detail(connection, id)).await
    }

    async fn intents(&self, query: &IntentQuery) -> Result<Vec<Intent>> {
        let query = query.clone();
        self.read("read intents", move |connection| intent_views::page(connection, &query)).await
    }

    async fn intent_figures(&self, account: Option<i64>) -> Result<IntentFigures> {
        self.read("count intents", move |connection| intent_views::figures(connection, account)).await
    }

    async fn waiting_intents(&self, at: Timestamp) -> Result<Vec<WaitingIntents>> {
        self.read("count what waits", move |connection| intent_views::waiting(connection, at)).await
    }

    async fn clear_intents(&self, ended_before: Timestamp) -> Result<u64> {
        let mut cleared = 0;
        loop {
            let unit = self
                .write_alone("clear intents away", move |connection| intent_ends::clear(connection, ended_before))
                .await?;
            cleared += unit.rows;
            if unit.is_last {
                return Ok(cleared);
            }
        }
    }
}

#[cfg(test)]
mod tests;
