//! Carries planned intents out: claim, turn, arm, call, record.
//!
//! The order in which things are written down is the point. Nothing leaves of what is not armed on disk; and whatever
//! ends the program between the arming and the record leaves an intent in doubt, which is visible.

mod messages;

use std::collections::{BTreeMap, HashMap};

use futures_util::stream::{self, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use postroom_domain::decision::RemoteStatus;
use postroom_domain::intent::arming::Refusal;
use postroom_domain::intent::wire::Meaning;
use postroom_domain::intent::{Class, IntentId, IntentKind};
use postroom_domain::outcome::Reason;
use postroom_runtime::contract::{Act, ActOutcome, ActResult, Member};
use postroom_store::intents::{Answer, Arming, Claim, ClaimedIntent, MAX_INTENTS_AT_ONCE, MessageWant, OptOutWant};
use postroom_store::{Result, StoreError};

use crate::convert;
use crate::failure::Failure;
use crate::fault_points;
use crate::lanes::Turn;
use crate::provider::Provider;
use crate::way::Way;

pub use messages::{Sent, is_as_armed};

/// After so many tries in vain an opt-out is told alone.
const TOGETHER_AT_MOST: u32 = 2;

/// What carries the intents of one account out.
#[derive(Clone, Copy)]
pub struct Executor<'a> {
    /// Its way out.
    pub way: Way<'a>,
    /// The account's plugin, for calls that somebody waits for.
    pub provider: &'a dyn Provider,
}

/// What was worked off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    /// How many intents were taken up.
    pub claimed: u64,
    /// How many of them the provider answered for.
    pub answered: u64,
}

/// Work that was cut short.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct CutShort {
    /// Why.
    #[source]
    pub error: StoreError,
    /// What was claimed and may not have ended: whoever can is to give it up.
    pub taken: Vec<IntentId>,
}

impl From<StoreError> for CutShort {
    fn from(error: StoreError) -> Self {
        Self { error, taken: Vec::new() }
    }
}

/// A claimed intent with what it wants.
struct Job {
    intent: ClaimedIntent,
    want: OptOutWant,
}

impl Executor<'_> {
    /// Carries out what is due now of a class and sooner ones, until nothing is.
    ///
    /// # Errors
    ///
    /// When the storage fails, or somebody else has the lane: then it says what it had taken up.
    pub async fn work_off(&self, up_to: Class) -> std::result::Result<Worked, CutShort> {
        let mut worked = Worked::default();
        let opt_outs = Claim { up_to: Class::OptOut, limit: at_most(self.provider.max_batch()) };
        // Of messages only what goes at once: an opt-out that is planned meanwhile is claimed behind few of them.
        let all = Claim { up_to, limit: at_most(self.provider.max_concurrency()) };
        loop {
            let mut claimed = self.way.store.claim_intents(self.way.lane, opt_outs, (self.way.now)()).await?;
            if claimed.is_empty() {
                claimed = self.way.store.claim_intents(self.way.lane, all, (self.way.now)()).await?;
            }
            if claimed.is_empty() {
                return Ok(worked);
            }
            fault_points::reached("claimed");
            worked.claimed += claimed.iter().map(|_| 1).sum::<u64>();
            let taken = claimed.iter().map(|intent| intent.id).collect();
            match self.carry_out(claimed).await {
                Ok(answered) => worked.answered += answered,
                Err(error) => return Err(CutShort { error, taken }),
            }
        }
    }

    /// Carries out what was claimed; answers for how many there is an answer.
    async fn carry_out(&self, claimed: Vec<ClaimedIntent>) -> Result<u64> {
        let mut opt_outs: BTreeMap<String, Vec<Job>> = BTreeMap::new();
        let (mut messages, mut strange) = (Vec::new(), Vec::new());
        for intent in claimed {
            match wanted(&intent) {
                Some(Wanted::OptOut(want)) => {
                    opt_outs.entry(want.audience.clone()).or_default().push(Job { intent, want });
                }
                Some(Wanted::Message(want)) => messages.push((intent, want)),
                None => strange.push((intent.id, intent.kind)),
            }
        }
        let mut answered = 0;
        for (audience, jobs) in opt_outs {
            // Those that failed often are told one by one: one at fault keeps nobody else from being unsubscribed.
            let (alone, together) = jobs.into_iter().partition(|job: &Job| job.intent.attempts >= TOGETHER_AT_MOST);
            let alone = Vec::into_iter(alone).map(|job| vec![job]);
            for jobs in std::iter::once(together).chain(alone).filter(|jobs: &Vec<Job>| !jobs.is_empty()) {
                answered += self.unsubscribe(&audience, jobs).await?;
            }
        }
        let most = self.provider.max_concurrency().max(1);
        let mut sending = stream::iter(messages).map(|(intent, want)| self.send(intent, want)).buffer_unordered(most);
        // Those that are on their way end also when the storage fails under one.
        let mut failed = None;
        while let Some(sent) = sending.next().await {
            match sent {
                Ok(is_taken) => answered += u64::from(is_taken),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.refuse(strange).await?;
        Ok(answered)
    }

    /// Waits for a turn and arms; answers with those that may leave.
    async fn arm(&self, jobs: Vec<Job>, class: Class) -> Result<(Turn, Vec<Job>)> {
        let turn = self.way.turn(class, self.provider.max_concurrency()).await?;
        let armings: Vec<Arming> =
            jobs.iter().map(|job| Arming { id: job.intent.id, key: None, request: None }).collect();
        let armed = self.way.store.arm_intents(self.way.lane, &armings, (self.way.now)()).await?;
        fault_points::reached("armed");
        let may_leave = |(job, verdict): (Job, std::result::Result<(), Refusal>)| match verdict {
            Ok(()) => Some(job),
            Err(refusal) => {
                tracing::info!(intent = job.intent.id.0, refusal = refusal.as_str(), "not armed");
                None
            }
        };
        Ok((turn, jobs.into_iter().zip(armed).filter_map(may_leave).collect()))
    }

    /// Unsubscribes members of one audience.
    async fn unsubscribe(&self, audience: &str, jobs: Vec<Job>) -> Result<u64> {
        let (turn, jobs) = self.arm(jobs, Class::OptOut).await?;
        if jobs.is_empty() {
            return Ok(0);
        }
        let members: Vec<Member> = jobs.iter().map(member).collect();
        let (results, failure) = if self.provider.has_subscriptions() {
            match self.provider.change(audience, Act::Unsubscribe, &members).await {
                Ok(answer) => (answer.items, answer.stopped.map(Failure::from)),
                Err(failure) => (Vec::new(), Some(failure)),
            }
        } else {
            let why = "this plugin cannot unsubscribe members: do it at the provider, and say so here";
            (Vec::new(), Some(Failure::Account(Reason::new("cannot-unsubscribe", why))))
        };
        fault_points::reached("answered");
        drop(turn);
        let mut results: HashMap<u64, ActResult> = results.into_iter().map(|result| (result.key, result)).collect();
        let now = (self.way.now)();
        let answers: Vec<Answer> = jobs
            .iter()
            .map(|job| match results.remove(&key(job.intent.id)) {
                Some(result) => told(job.intent.id, result),
                None => unanswered(job.intent.id, failure.as_ref(), now),
            })
            .collect();
        let answered = answers.iter().filter(|answer| answer.meaning == Meaning::Accepted).map(|_| 1).sum();
        self.way.store.record_answers(self.way.lane, &answers, now).await?;
        fault_points::reached("recorded");
        Ok(answered)
    }

    /// Refuses what nobody here knows how to carry out: it would be claimed again and again.
    async fn refuse(&self, strange: Vec<(IntentId, IntentKind)>) -> Result<()> {
        if strange.is_empty() {
            return Ok(());
        }
        let now = (self.way.now)();
        let armings: Vec<Arming> = strange.iter().map(|(id, _)| Arming { id: *id, key: None, request: None }).collect();
        let armed = self.way.store.arm_intents(self.way.lane, &armings, now).await?;
        let refused = |((id, kind), armed): (&(IntentId, IntentKind), &std::result::Result<(), Refusal>)| {
            armed.is_ok().then(|| Answer {
                reason: Some(Reason::new("unknown-action", format!("this version carries out no {kind} like this"))),
                ..answer(*id, Meaning::Refused)
            })
        };
        let answers: Vec<Answer> = strange.iter().zip(&armed).filter_map(refused).collect();
        self.way.store.record_answers(self.way.lane, &answers, now).await?;
        Ok(())
    }
}

/// How many intents are claimed at one go.
fn at_most(number: usize) -> u32 {
    u32::try_from(number.clamp(1, MAX_INTENTS_AT_ONCE)).unwrap_or(u32::MAX)
}

/// What an intent wants, as far as it is carried out here.
enum Wanted {
    OptOut(OptOutWant),
    Message(MessageWant),
}

fn wanted(intent: &ClaimedIntent) -> Option<Wanted> {
    match intent.kind {
        IntentKind::Unsubscribe => serde_json::from_str(&intent.want).ok().map(Wanted::OptOut),
        IntentKind::TemplateSend => serde_json::from_str(&intent.want).ok().map(Wanted::Message),
        IntentKind::Push | IntentKind::Tag | IntentKind::Untag | IntentKind::Forget | IntentKind::CampaignTrigger => {
            None
        }
    }
}

/// The key by which a plugin's answer is matched: the intent's number.
fn key(intent: IntentId) -> u64 {
    intent.0.unsigned_abs()
}

fn member(job: &Job) -> Member {
    let OptOutWant { address, remote_id, .. } = &job.want;
    Member { key: key(job.intent.id), address: address.clone(), remote_id: remote_id.clone() }
}

fn answer(id: IntentId, meaning: Meaning) -> Answer {
    Answer { id, meaning, reason: None, evidence: None, not_before: None, seen: None }
}

/// What a plugin said of an opt-out. A refusal is no end of it: it is told again, and whoever looks sees why.
fn told(id: IntentId, result: ActResult) -> Answer {
    let seen = result.status.as_ref().map(convert::status);
    match result.outcome {
        ActOutcome::Done => {
            Answer { seen: Some(seen.unwrap_or(RemoteStatus::Unsubscribed)), ..answer(id, Meaning::Accepted) }
        }
        ActOutcome::Already => {
            Answer { seen: Some(seen.unwrap_or(RemoteStatus::Unsubscribed)), ..answer(id, Meaning::Accepted) }
        }
        ActOutcome::Absent => Answer { seen: Some(RemoteStatus::Absent), ..answer(id, Meaning::Accepted) },
        ActOutcome::Refused(why) | ActOutcome::Failed(why) => Answer {
            reason: Some(Reason::new("unsubscribe-failed", why)),
            ..answer(id, Meaning::NotDone { counts: true })
        },
    }
}

/// What is known of an opt-out that was not answered: nothing, so that it is told again.
fn unanswered(id: IntentId, failure: Option<&Failure>, now: Timestamp) -> Answer {
    let reason = failure.map_or_else(
        || Reason::new("no-answer", "the plugin gave no answer for this member"),
        |failure| failure.reason().clone(),
    );
    let wait = match failure {
        Some(Failure::Later { wait, .. }) => wait.and_then(|wait| SignedDuration::try_from(wait).ok()),
        Some(Failure::Account(_) | Failure::Request(_)) | None => None,
    };
    let not_before = wait.and_then(|wait| now.checked_add(wait).ok());
    Answer { reason: Some(reason), not_before, ..answer(id, Meaning::Unclear { counts: true }) }
}
