//! Doubts that need nobody to decide: what does no harm twice is repeated, and a provider that shows what it took is
//! asked.
//!
//! What a provider does not show was not sent only if its plugin says how late it shows things, and that time is over:
//! by the clock of the rules, and by the time that this process itself has been asking, since a clock that leaps makes no
//! request come to its end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use postroom_delivery::{Failure, Provider, is_as_armed};
use postroom_domain::intent::doubt::{Next, ReadBack, next};
use postroom_domain::intent::{IntentId, IntentKind, IntentState, Settlement};
use postroom_runtime::contract::{Finding, Sought};
use postroom_store::StoreError;
use postroom_store::contacts::ContactRef;
use postroom_store::intents::{Decision, Intent, IntentQuery};
use tokio_util::task::TaskTracker;

use crate::{Result, Service};

/// How many doubts are looked at in one go.
const DOUBTS_AT_ONCE: u32 = 1_000;
/// About how many messages providers are asked in one go; the others are asked about a minute later.
const ASKED_AT_ONCE: usize = 500;
/// How long an account counts as one that can't be asked: its plugin may be replaced.
const IMPOSSIBLE_FOR: Duration = Duration::from_secs(60 * 60);
/// Who decides what needs nobody to decide.
const BY_ITSELF: &str = "postroom";

/// What providers were asked, by intent. It is not kept over the end of the process: the next one asks once more.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What is known of each doubt, with the moment at which it began: an intent may be in doubt again.
    known: HashMap<IntentId, (Timestamp, Known)>,
    /// Whether somebody is asking.
    is_asking: bool,
    /// By how much the machine's clock is ahead, for tests.
    #[cfg(test)]
    ahead: Duration,
}

/// What is known of a doubt.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// Nobody can be asked about it. When that was found out.
    Impossible(Instant),
    /// The provider did not show it.
    Asked(Asked),
}

/// A provider that did not show a message.
#[derive(Debug, Clone, Copy)]
struct Asked {
    /// When it was last asked, in rule time.
    at: Timestamp,
    /// When it was first and last asked, by the machine's clock.
    first: Instant,
    last: Instant,
    /// How late it shows what it took, if it does.
    complete_after: Option<SignedDuration>,
}

impl Asked {
    /// What is known by it: silence means something if it was still heard when the time was over.
    fn read_back(self) -> ReadBack {
        let heard_for = self.last.saturating_duration_since(self.first);
        let is_over = |late: &SignedDuration| late.unsigned_abs() <= heard_for;
        ReadBack::Absent { asked_at: self.at, complete_after: self.complete_after.filter(is_over) }
    }

    /// Whether the time is over since the provider was last asked.
    fn is_to_be_asked(self, now: Instant) -> bool {
        self.complete_after.is_some_and(|late| {
            let late = late.unsigned_abs();
            late <= now.saturating_duration_since(self.first) && late > self.last.saturating_duration_since(self.first)
        })
    }
}

impl Looks {
    /// What is known of a doubt that began at a moment, and whether the provider is to be asked whatever the clock of the
    /// rules shows.
    fn known(&self, intent: IntentId, since: Timestamp) -> (ReadBack, bool) {
        let now = self.now();
        match self.state().known.get(&intent).filter(|(of, _)| *of == since) {
            Some((_, Known::Impossible(found))) if now.saturating_duration_since(*found) < IMPOSSIBLE_FOR => {
                (ReadBack::Impossible, false)
            }
            Some((_, Known::Asked(asked))) => (asked.read_back(), asked.is_to_be_asked(now)),
            Some((_, Known::Impossible(_))) | None => (ReadBack::NotYet, false),
        }
    }

    /// Notes that a provider did not show a message.
    fn not_shown(&self, intent: (IntentId, Timestamp), at: Timestamp, complete_after: Option<SignedDuration>) {
        let now = self.now();
        let mut state = self.state();
        let first = match state.known.get(&intent.0) {
            Some((since, Known::Asked(asked))) if *since == intent.1 => asked.first,
            Some(_) | None => now,
        };
        state.known.insert(intent.0, (intent.1, Known::Asked(Asked { at, first, last: now, complete_after })));
    }

    /// Notes that nobody can be asked about a doubt.
    fn impossible(&self, intent: (IntentId, Timestamp)) {
        let now = self.now();
        self.state().known.insert(intent.0, (intent.1, Known::Impossible(now)));
    }

    /// Forgets what is in doubt no more.
    fn keep(&self, in_doubt: &HashSet<IntentId>) {
        self.state().known.retain(|intent, _| in_doubt.contains(intent));
    }

    /// Begins to ask, if nobody is at it.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.state().is_asking, true)
    }

    /// The machine's clock.
    fn now(&self) -> Instant {
        #[cfg(test)]
        let ahead = self.state().ahead;
        #[cfg(not(test))]
        let ahead = Duration::ZERO;
        Instant::now() + ahead
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who asks, until this is dropped.
struct Asking(Arc<Service>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.delivery.looks.state().is_asking = false;
    }
}

impl Service {
    /// Resolves the doubts that need nobody to decide. Providers are asked in `at_work`.
    pub(crate) async fn resolve_doubts(self: &Arc<Self>, now: Timestamp, at_work: &TaskTracker) -> Result<()> {
        let mut query =
            IntentQuery { state: Some(IntentState::InDoubt), limit: DOUBTS_AT_ONCE, ..IntentQuery::default() };
        let (mut in_doubt, mut to_ask) = (HashSet::new(), Vec::new());
        loop {
            let page = self.store().intents(&query).await?;
            let Some(last) = page.last() else { break };
            query.after = Some(last.id);
            // The request of a run is decided anew by the next run of its sync.
            for intent in page.into_iter().filter(|intent| intent.run.is_none()) {
                in_doubt.insert(intent.id);
                let Some(mut doubt) = intent.doubt() else { continue };
                let (read_back, is_to_be_asked) = self.delivery.looks.known(intent.id, doubt.since);
                doubt.read_back = read_back;
                let is_due = match next(&doubt, now) {
                    Next::Settle(settlement) => {
                        self.settle(intent.id, settlement, evidence(settlement)).await?;
                        false
                    }
                    Next::Look(due) => due <= now || is_to_be_asked,
                    Next::Ask(_) => is_to_be_asked,
                };
                if is_due && intent.kind == IntentKind::TemplateSend && to_ask.len() < ASKED_AT_ONCE {
                    to_ask.push((intent, doubt.since));
                }
            }
        }
        self.delivery.looks.keep(&in_doubt);
        if !to_ask.is_empty() && self.delivery.looks.begin() {
            let asking = Asking(Arc::clone(self));
            at_work.spawn(async move {
                if let Err(error) = asking.0.ask(to_ask).await {
                    tracing::warn!(%error, "providers could not be asked what became of messages");
                }
            });
        }
        Ok(())
    }

    /// Asks providers what became of messages, each with the moment at which its doubt began.
    async fn ask(&self, intents: Vec<(Intent, Timestamp)>) -> Result<()> {
        let names = self.account_names().await?;
        let mut by_account: BTreeMap<i64, Vec<(Intent, Timestamp)>> = BTreeMap::new();
        for (intent, since) in intents {
            by_account.entry(intent.account).or_default().push((intent, since));
        }
        for (account, intents) in by_account {
            let Some(name) = names.get(&account) else { continue };
            let connection = match self.open_account(name).await {
                Ok(open) => open.connection,
                Err(error) => {
                    tracing::info!(account = name, %error, "nobody can be asked what became of its messages");
                    continue;
                }
            };
            for (intent, since) in intents {
                if self.closing.is_cancelled() {
                    return Ok(());
                }
                if !connection.shows_sent() {
                    self.delivery.looks.impossible((intent.id, since));
                } else if !self.ask_about(intent.id, since, &connection).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Asks a provider what became of one message; answers whether it can be asked about more now.
    async fn ask_about(&self, id: IntentId, since: Timestamp, provider: &dyn Provider) -> Result<bool> {
        let intent = self.store().intent(id).await?.intent;
        if intent.doubt_since != Some(since) {
            return Ok(true);
        }
        let contact = match intent.contact {
            Some(contact) => self.store().contact(&ContactRef::Id(contact)).await?,
            None => None,
        };
        let Some(contact) = contact else {
            self.delivery.looks.impossible((id, since));
            return Ok(true);
        };
        let address = contact.contact.email.as_str();
        // What went to an address that its contact had before may well not be shown for the one of now.
        let is_as_armed = is_as_armed(&intent, address);
        let sought = Sought {
            effect_key: intent.effect_key,
            template: intent.target,
            address: address.to_owned(),
            extras: Vec::new(),
        };
        match provider.find_sent(&sought).await {
            Ok(Finding::Shown(message)) => {
                let evidence = match message {
                    Some(message) => format!("the provider shows it: {message}"),
                    None => evidence(Settlement::Found).to_owned(),
                };
                self.settle(id, Settlement::Found, &evidence).await?;
            }
            Ok(Finding::NotShown(seconds)) => {
                let late = seconds.filter(|_| is_as_armed).and_then(|seconds| i64::try_from(seconds).ok());
                self.delivery.looks.not_shown((id, since), self.now(), late.map(SignedDuration::from_secs));
            }
            // It is about this message: the others are asked about.
            Err(failure @ Failure::Request(_)) => {
                tracing::info!(
                    intent = id.0,
                    reason = failure.reason().message,
                    "the provider does not tell of a message"
                );
                self.delivery.looks.not_shown((id, since), self.now(), None);
            }
            Err(failure) => {
                tracing::info!(intent = id.0, reason = failure.reason().message, "the provider tells nothing now");
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn settle(&self, intent: IntentId, settlement: Settlement, evidence: &str) -> Result<()> {
        let decision = Decision { settlement, by: BY_ITSELF.to_owned(), evidence: evidence.to_owned() };
        match self.store().resolve_doubt(intent, &decision, self.now()).await {
            Ok(state) => {
                tracing::info!(intent = intent.0, settlement = settlement.as_str(), %state, "a doubt was resolved");
            }
            // Somebody was quicker, or its contact is gone.
            Err(StoreError::Refused(_) | StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// What a doubt that needs nobody to decide is resolved on.
fn evidence(settlement: Settlement) -> &'static str {
    match settlement {
        Settlement::Repeat => "it may be done twice without harm",
        Settlement::RepeatWithKey => "the provider tells a repetition by its key",
        Settlement::AssumeSent => "nobody decided for three days",
        Settlement::Found => "the provider shows it",
        Settlement::NotFound => "the provider shows that it was not done",
        Settlement::SendAgain | Settlement::Drop => "it was decided",
    }
}

#[cfg(test)]
mod tests;
