//! The ledger of intents as an operator works with it: what is to happen at providers, what may have happened, and
//! what stops all of it (invariant 4).

use std::collections::HashMap;

use jiff::Timestamp;
use postroom_domain::intent::{IntentId, IntentState, Settlement};
use postroom_store::contacts::ContactRef;
use postroom_store::intents::{Decision, DoubtEvent, Halt, Halted, Intent, IntentFigures, IntentQuery};
use serde::Serialize;

use crate::contacts::contact_ref;
use crate::{Result, Service, ServiceError, paging};

/// The longest reason or evidence, in characters: a few sentences, and not a pasted log.
const MAX_WORDS_CHARS: usize = 1_000;

/// Which intents a page holds. What is none does not matter.
#[derive(Debug, Clone, Default)]
pub struct IntentFilter {
    /// Of the account of this name.
    pub account: Option<String>,
    /// In this state.
    pub state: Option<IntentState>,
    /// About this contact, in words. A number may be that of a contact that is gone: its opt-outs outlive it.
    pub contact: Option<String>,
    /// Only with a number above this.
    pub after: Option<IntentId>,
    /// At most this many.
    pub limit: u32,
}

/// A page of intents.
#[derive(Debug, Clone, Serialize)]
pub struct IntentPage {
    /// The intents, by number. What they want is left out: one intent shows it.
    pub intents: Vec<ListedIntent>,
    /// Where the next page begins; none at the end.
    pub next: Option<IntentId>,
}

/// An intent with the name of its account.
#[derive(Debug, Clone, Serialize)]
pub struct ListedIntent {
    /// The intent.
    #[serde(flatten)]
    pub intent: Intent,
    /// Its account's name.
    pub account_name: String,
}

/// An intent with the history of its doubts.
#[derive(Debug, Clone, Serialize)]
pub struct IntentShown {
    /// The intent.
    #[serde(flatten)]
    pub listed: ListedIntent,
    /// What happened to its doubts, oldest first.
    pub history: Vec<DoubtEvent>,
}

/// How many intents there are, how old, and what stops them.
#[derive(Debug, Clone, Serialize)]
pub struct IntentsCounted {
    /// The figures.
    #[serde(flatten)]
    pub figures: IntentFigures,
    /// Everything that stops them.
    pub halts: Vec<Halted>,
    /// When this was counted: what the ages go by.
    pub as_of: Timestamp,
}

/// A decision about a doubt.
#[derive(Debug, Clone)]
pub struct ResolveDoubt {
    /// The intent.
    pub intent: IntentId,
    /// How the doubt ends.
    pub settlement: Settlement,
    /// Who decides.
    pub by: String,
    /// What it rests on: what was seen, and where.
    pub evidence: String,
}

/// What stopped an account and does so no more.
#[derive(Debug, Clone, Serialize)]
pub struct AccountResumed {
    /// The account's name.
    pub account: String,
    /// What was lifted.
    pub lifted: Vec<Halted>,
    /// What still stops it: that which stops every account.
    pub halts: Vec<Halted>,
}

impl Service {
    /// A page of intents.
    ///
    /// # Errors
    ///
    /// Not found of the account or the contact, bad input for a contact's name that is none.
    pub async fn intents(&self, filter: &IntentFilter) -> Result<IntentPage> {
        let query = IntentQuery {
            state: filter.state,
            account: self.account_number(filter.account.as_deref()).await?,
            contact: match filter.contact.as_deref() {
                None => None,
                Some(who) => Some(match contact_ref(who)? {
                    ContactRef::Id(id) => id,
                    named => self.detail(&named, who).await?.contact.id,
                }),
            },
            after: filter.after,
            limit: filter.limit,
        };
        let intents = self.store().intents(&query).await?;
        let next = paging::next(&intents, query.limit, |intent| intent.id);
        let names = self.account_names().await?;
        let listed = intents.into_iter().map(|intent| listed(Intent { want: None, ..intent }, &names));
        Ok(IntentPage { intents: listed.collect(), next })
    }

    /// One intent with the history of its doubts.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn intent(&self, id: IntentId) -> Result<IntentShown> {
        let detail = self.store().intent(id).await?;
        let names = self.account_names().await?;
        Ok(IntentShown { listed: listed(detail.intent, &names), history: detail.history })
    }

    /// How many intents there are and how old, of one account or of all, and what stops them.
    ///
    /// # Errors
    ///
    /// Not found of the account.
    pub async fn count_intents(&self, account: Option<&str>) -> Result<IntentsCounted> {
        let account = self.account_number(account).await?;
        let figures = self.store().intent_figures(account).await?;
        let mut halts = self.store().halts().await?;
        if let Some(account) = account {
            halts.retain(|halted| concerns(halted, account));
        }
        Ok(IntentsCounted { figures, halts, as_of: self.now() })
    }

    /// Resolves a doubt as an operator decided, and answers with how the intent stands now.
    ///
    /// # Errors
    ///
    /// Not found; bad input without a name or without evidence; a conflict when the intent is not in doubt or can't be
    /// resolved like this: an opt-out is neither dropped nor taken to be done.
    pub async fn resolve_doubt(&self, request: ResolveDoubt) -> Result<IntentShown> {
        let decision = Decision {
            settlement: request.settlement,
            by: words("who decides", &request.by)?.to_owned(),
            evidence: words("what the decision rests on", &request.evidence)?.to_owned(),
        };
        self.store().resolve_doubt(request.intent, &decision, self.now()).await?;
        self.intent(request.intent).await
    }

    /// Stops the intents of an account, opt-outs apart. Paused twice, the later reason stands.
    ///
    /// # Errors
    ///
    /// Not found; bad input without a reason.
    pub async fn pause_account(&self, name: &str, why: &str) -> Result<Halted> {
        let halt = Halt::Pause { account: self.store().account(name).await?.id };
        let halted = Halted { halt, why: words("why it is paused", why)?.to_owned(), at: self.now() };
        self.store().halt_intents(&halted).await?;
        Ok(halted)
    }

    /// Lifts all that stops the intents of this account alone. Nothing that stops every account is lifted by it.
    ///
    /// # Errors
    ///
    /// Not found.
    pub async fn resume_account(&self, name: &str) -> Result<AccountResumed> {
        let account = self.store().account(name).await?.id;
        let mut lifted = self.store().halts().await?;
        lifted.retain(|halted| halted.halt.account() == Some(account));
        for halted in &lifted {
            self.store().lift_halt(halted.halt).await?;
        }
        let mut halts = self.store().halts().await?;
        halts.retain(|halted| concerns(halted, account));
        Ok(AccountResumed { account: name.to_owned(), lifted, halts })
    }

    async fn account_number(&self, name: Option<&str>) -> Result<Option<i64>> {
        match name {
            Some(name) => Ok(Some(self.store().account(name).await?.id)),
            None => Ok(None),
        }
    }

    pub(crate) async fn account_names(&self) -> Result<HashMap<i64, String>> {
        Ok(self.store().accounts().await?.into_iter().map(|account| (account.id, account.name)).collect())
    }
}

/// Whether a halt stops an account: its own does, and one of all of them.
pub(crate) fn concerns(halted: &Halted, account: i64) -> bool {
    halted.halt.account().is_none_or(|halted| halted == account)
}

fn listed(intent: Intent, names: &HashMap<i64, String>) -> ListedIntent {
    let account_name = names.get(&intent.account).cloned().unwrap_or_default();
    ListedIntent { intent, account_name }
}

/// What an operator says, without the spaces around it. `what` names it in the sentence that refuses nothing and too
/// much.
pub(crate) fn words<'a>(what: &str, text: &'a str) -> Result<&'a str> {
    let text = text.trim();
    if !text.is_empty() && text.chars().count() <= MAX_WORDS_CHARS {
        return Ok(text);
    }
    Err(ServiceError::BadInput(format!("say {what} in 1 to {MAX_WORDS_CHARS} characters")))
}
