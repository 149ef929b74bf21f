//! Doubts that need nobody to decide: what does no harm twice is repeated, and a provider that shows what it took is
//! asked.
//!
//! What a provider does not show was not sent only if its plugin says how late it shows things, and that time is over:
//! by the clock of the rules, and by the time that this process itself has been asking, since a clock that leaps makes no
//! request come to its end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use postroom_delivery::Provider;
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
/// Who decides what needs nobody to decide.
const BY_ITSELF: &str = "postroom";

/// What providers were asked, by intent. It is not kept over the end of the process: the next one asks once more.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    asked: HashMap<IntentId, Asked>,
    /// Whether somebody is asking.
    is_asking: bool,
}

/// A provider that did not show a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    /// When it was last asked, in rule time.
    at: Timestamp,
    /// When it was first asked, by the machine's clock.
    first: Instant,
    /// How late it shows what it took, if it does.
    complete_after: Option<SignedDuration>,
}

impl Asked {
    /// What is known by it at a moment of the machine's clock.
    fn read_back(self, now: Instant) -> ReadBack {
        let waited = now.saturating_duration_since(self.first);
        let is_over = |late: &SignedDuration| late.unsigned_abs() <= waited;
        ReadBack::Absent { asked_at: self.at, complete_after: self.complete_after.filter(is_over) }
    }
}

impl Looks {
    /// What a provider showed of an intent.
    fn read_back(&self, intent: IntentId) -> ReadBack {
        self.state().asked.get(&intent).map_or(ReadBack::NotYet, |asked| asked.read_back(Instant::now()))
    }

    /// Notes that a provider did not show a message.
    fn note(&self, intent: IntentId, at: Timestamp, complete_after: Option<SignedDuration>) {
        let mut state = self.state();
        let first = state.asked.get(&intent).map_or_else(Instant::now, |asked| asked.first);
        state.asked.insert(intent, Asked { at, first, complete_after });
    }

    /// Forgets what is in doubt no more.
    fn keep(&self, in_doubt: &HashSet<IntentId>) {
        self.state().asked.retain(|intent, _| in_doubt.contains(intent));
    }

    /// Begins to ask, if nobody is at it.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.state().is_asking, true)
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
                doubt.read_back = self.delivery.looks.read_back(intent.id);
                match next(&doubt, now) {
                    Next::Settle(settlement) => self.settle(intent.id, settlement, evidence(settlement)).await?,
                    Next::Look(due) if due <= now && intent.kind == IntentKind::TemplateSend => to_ask.push(intent),
                    Next::Look(_) | Next::Ask(_) => {}
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

    /// Asks providers what became of messages.
    async fn ask(&self, intents: Vec<Intent>) -> Result<()> {
        let names = self.account_names().await?;
        let mut by_account: BTreeMap<i64, Vec<Intent>> = BTreeMap::new();
        for intent in intents {
            by_account.entry(intent.account).or_default().push(intent);
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
            if !connection.shows_sent() {
                continue;
            }
            for intent in intents {
                if self.closing.is_cancelled() {
                    return Ok(());
                }
                if !self.ask_about(&intent, &connection).await? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Asks a provider what became of one message; answers whether it can be asked about more.
    async fn ask_about(&self, intent: &Intent, provider: &dyn Provider) -> Result<bool> {
        let Some(contact) = intent.contact else { return Ok(true) };
        let Some(detail) = self.store().contact(&ContactRef::Id(contact)).await? else { return Ok(true) };
        let sought = Sought {
            effect_key: intent.effect_key.clone(),
            template: intent.target.clone(),
            address: detail.contact.email.as_str().to_owned(),
            extras: Vec::new(),
        };
        match provider.find_sent(&sought).await {
            Ok(Finding::Shown(message)) => {
                let evidence = match message {
                    Some(message) => format!("the provider shows it: {message}"),
                    None => evidence(Settlement::Found).to_owned(),
                };
                self.settle(intent.id, Settlement::Found, &evidence).await?;
            }
            Ok(Finding::NotShown(seconds)) => {
                let late = seconds.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
                self.delivery.looks.note(intent.id, self.now(), late);
            }
            Err(failure) => {
                let reason = &failure.reason().message;
                tracing::info!(intent = intent.id.0, reason, "the provider does not tell what became of a message");
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
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn silence_means_nothing_before_this_process_has_waited_as_long_as_the_provider_may_take() {
        let (at, first) = (Timestamp::UNIX_EPOCH, Instant::now());
        let late = SignedDuration::from_mins(5);
        let asked = Asked { at, first, complete_after: Some(late) };
        let after = |seconds| asked.read_back(first + Duration::from_secs(seconds));
        assert_eq!(after(299), ReadBack::Absent { asked_at: at, complete_after: None }, "the clock may have leapt");
        assert_eq!(after(300), ReadBack::Absent { asked_at: at, complete_after: Some(late) });
        let silent = Asked { complete_after: None, ..asked };
        assert_eq!(silent.read_back(first), ReadBack::Absent { asked_at: at, complete_after: None });
    }

    #[test]
    fn what_was_asked_first_stays_and_what_is_resolved_is_forgotten() {
        let (looks, id) = (Looks::default(), IntentId(1));
        assert_eq!(looks.read_back(id), ReadBack::NotYet);
        looks.note(id, Timestamp::UNIX_EPOCH, None);
        let first = looks.state().asked[&id].first;
        looks.note(id, Timestamp::MAX, None);
        assert_eq!(looks.state().asked[&id].first, first);
        looks.keep(&HashSet::from([id]));
        assert_ne!(looks.read_back(id), ReadBack::NotYet);
        looks.keep(&HashSet::new());
        assert_eq!(looks.read_back(id), ReadBack::NotYet);
        assert!(looks.begin() && !looks.begin(), "one asks at a time");
    }
}
