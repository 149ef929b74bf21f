//! `postroom intent`: what is to happen at providers, and how far it got.

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use postroom_domain::intent::{IntentId, IntentState};
use postroom_service::Service;
use postroom_service::intents::{IntentFilter, IntentPage, IntentShown, IntentsCounted, ListedIntent};
use postroom_store::intents::{DoubtEvent, DoubtStep, Halted};

use super::contact::WHO;
use super::paging::{self, MAX_PAGE, PAGE};
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table::{self, facts, moment};

/// What to do with intents.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List intents, oldest first
    List {
        /// Only of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Only in this state: planned, claimed, armed, done, rejected, in-doubt, cancelled, expired or abandoned
        #[arg(long, value_parser = state)]
        state: Option<IntentState>,
        #[arg(long, value_name = "WHO", help = WHO)]
        contact: Option<String>,
        /// Which page.
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show an intent, what it wants, and the history of its doubts
    Show {
        /// Its number
        id: i64,
    },
    /// Count the intents by their states, and tell how old the oldest are and what stops them
    Figures {
        /// Only of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
    },
}

/// Which page.
#[derive(Debug, clap::Args)]
pub(crate) struct PageArgs {
    /// At most so many
    #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
    limit: u32,
    /// Only intents with a number above this
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// All of them
    #[arg(long, conflicts_with_all = ["limit", "after"])]
    all: bool,
}

fn state(text: &str) -> std::result::Result<IntentState, String> {
    let found = IntentState::ALL.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| format!("the states are {}", IntentState::ALL.map(IntentState::as_str).join(", ")))
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List { account, state, contact, page } => {
            let filter = IntentFilter { account, state, contact, ..IntentFilter::default() };
            let page = pages(&*context.reading()?, filter, &page).await?;
            output.answer(&page, |page| overview(page, "There is no such intent.", "postroom intent list"))?;
        }
        Verb::Show { id } => output.answer(&context.reading()?.intent(IntentId(id)).await?, detail)?,
        Verb::Figures { account } => {
            output.answer(&context.reading()?.count_intents(account.as_deref()).await?, figures)?;
        }
    }
    Ok(Exit::Done)
}

/// The page that was asked for, or all of them as one.
pub(super) async fn pages(service: &Service, mut filter: IntentFilter, which: &PageArgs) -> Result<IntentPage> {
    filter.limit = if which.all { MAX_PAGE } else { which.limit };
    filter.after = which.after.map(IntentId);
    let mut page = service.intents(&filter).await?;
    while which.all && page.next.is_some() {
        filter.after = page.next;
        let next = service.intents(&filter).await?;
        page.intents.extend(next.intents);
        page.next = next.next;
    }
    Ok(page)
}

/// Intents, one to a line. `none` is said where there is none.
pub(super) fn overview(page: &IntentPage, none: &str, command: &str) -> String {
    if page.intents.is_empty() {
        return none.to_owned();
    }
    let rows = page.intents.iter().map(|ListedIntent { intent, account_name }| {
        [
            intent.id.0.to_string(),
            intent.state.to_string(),
            intent.kind.to_string(),
            account_name.clone(),
            contact(intent.contact),
            intent.target.clone(),
            since(intent),
            reason(intent),
        ]
    });
    let head = ["intent", "state", "kind", "account", "contact", "about", "since", "reason"];
    let mut text = table::table(head, rows);
    text.push_str(&paging::footer(page.intents.len(), "intent", "intents"));
    text.push_str(&paging::more(page.next.map(|id| id.0), command));
    text
}

/// A contact by its number, as other verbs take it.
fn contact(id: Option<postroom_domain::contact::ContactId>) -> String {
    id.map(|id| format!("#{}", id.0)).unwrap_or_default()
}

/// Since when it stands as it does, as far as that is known.
fn since(intent: &postroom_store::intents::Intent) -> String {
    moment(intent.ended_at.or(intent.doubt_since).unwrap_or(intent.planned_at))
}

fn reason(intent: &postroom_store::intents::Intent) -> String {
    match &intent.reason {
        Some(reason) if reason.message.is_empty() => reason.code.clone(),
        Some(reason) => format!("{}: {}", reason.code, reason.message),
        None => String::new(),
    }
}

/// One intent, with the history of its doubts.
pub(super) fn detail(shown: &IntentShown) -> String {
    let ListedIntent { intent, account_name } = &shown.listed;
    let mut rows = vec![
        ("intent", intent.id.0.to_string()),
        ("state", intent.state.to_string()),
        ("kind", intent.kind.to_string()),
        ("account", account_name.clone()),
        ("contact", contact(intent.contact)),
        ("about", intent.target.clone()),
        ("act", intent.effect_key.clone()),
        ("delivery", intent.delivery.as_str().to_owned()),
        ("class", intent.class.as_str().to_owned()),
        ("planned", moment(intent.planned_at)),
        ("due", moment(intent.due_at)),
        ("tried", format!("{} in vain, {} ended the program", intent.attempts, intent.crashes)),
    ];
    let moments = [
        ("valid until", intent.valid_until),
        ("armed", intent.armed_at),
        ("in doubt since", intent.doubt_since),
        ("ended", intent.ended_at),
    ];
    rows.extend(moments.into_iter().filter_map(|(name, at)| Some((name, moment(at?)))));
    let texts = [
        ("reason", intent.reason.as_ref().map(|_| reason(intent))),
        ("evidence", intent.evidence.clone()),
        ("wanted", intent.want.clone()),
    ];
    rows.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text?))));
    let mut text = facts(rows);
    if !shown.history.is_empty() {
        text.push_str("\nIts doubts:\n");
        text.push_str(&table::table(["when", "what", "by", "on what ground"], shown.history.iter().map(happened)));
    }
    text
}

fn happened(event: &DoubtEvent) -> [String; 4] {
    let what = match event.what {
        DoubtStep::Began => "began",
        DoubtStep::Answered => "the answer came after all",
        DoubtStep::GivenUp => "given up: its contact is gone",
        DoubtStep::Settled(settlement) => settlement.as_str(),
    };
    let by = event.by.clone().unwrap_or_default();
    [moment(event.at), what.to_owned(), by, event.evidence.clone().unwrap_or_default()]
}

fn figures(counted: &IntentsCounted) -> String {
    let IntentsCounted { figures, halts, as_of } = counted;
    if figures.states.is_empty() {
        return format!("There is no intent.\n{}", stops(halts));
    }
    let mut text = table::numbers(figures.states.iter().map(|(state, number)| (state.as_str(), *number, "")));
    let oldest = [
        ("oldest in doubt", figures.oldest_in_doubt),
        ("oldest opt-out on its way", figures.oldest_opt_out),
        ("longest due", figures.oldest_due.filter(|due| due <= as_of)),
    ];
    let rows: Vec<_> = oldest.into_iter().filter_map(|(name, at)| Some((name, aged(at?, *as_of)))).collect();
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&facts(rows));
    }
    text.push_str(&stops(halts));
    text
}

/// A moment and how long ago it was, to the second.
fn aged(at: Timestamp, now: Timestamp) -> String {
    let age = SignedDuration::from_secs(now.duration_since(at).as_secs().max(0));
    format!("since {}, for {age:#}", moment(at))
}

/// What stops intents, a line each.
pub(super) fn stops(halts: &[Halted]) -> String {
    halts.iter().map(|halted| format!("\n{}.\n", table::visible(&super::holding::stopped(halted)))).collect()
}
