//! `postroom indoubt`: what may have happened, and nobody knows yet.

use clap::Subcommand;
use postroom_domain::intent::{IntentId, IntentState, Settlement};
use postroom_service::intents::{IntentFilter, ResolveDoubt};

use super::intent::{self, PageArgs};
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;

/// What to do with doubts.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the intents that are in doubt, oldest first
    List {
        /// Only of this account
        #[arg(long, value_name = "NAME")]
        account: Option<String>,
        /// Which page.
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show an intent and the history of its doubts
    Show {
        /// Its number
        id: i64,
    },
    /// Decide a doubt. Who decided, and on what ground, is kept
    Resolve {
        /// The intent's number
        id: i64,
        /// How it ends.
        #[command(flatten)]
        end: End,
        /// What was seen, and where
        #[arg(long, value_name = "TEXT")]
        evidence: String,
        /// Who decides
        #[arg(long, value_name = "NAME", default_value = "operator")]
        by: String,
    },
}

/// How a doubt ends.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct End {
    /// It is taken to be sent, though nothing shows it
    #[arg(long)]
    sent: bool,
    /// It is to be sent, though it may have been: then it arrives twice
    #[arg(long)]
    send_again: bool,
    /// Nobody is to try any more, and whether it happened stays open
    #[arg(long)]
    drop: bool,
    /// The provider shows that it was done
    #[arg(long)]
    found: bool,
}

impl End {
    fn settlement(&self) -> Settlement {
        // The parser takes exactly one of them.
        match (self.sent, self.send_again, self.drop) {
            (true, ..) => Settlement::AssumeSent,
            (_, true, _) => Settlement::SendAgain,
            (.., true) => Settlement::Drop,
            _ => Settlement::Found,
        }
    }
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List { account, page } => {
            let filter = IntentFilter { account, state: Some(IntentState::InDoubt), ..IntentFilter::default() };
            let page = intent::pages(&*context.reading()?, filter, &page).await?;
            let none = "Nothing is in doubt.";
            output.answer(&page, |page| intent::overview(page, none, "postroom indoubt list"))?;
        }
        Verb::Show { id } => output.answer(&context.reading()?.intent(IntentId(id)).await?, intent::detail)?,
        Verb::Resolve { id, end, evidence, by } => {
            let request = ResolveDoubt { intent: IntentId(id), settlement: end.settlement(), by, evidence };
            let resolved = context.writing("indoubt resolve")?.resolve_doubt(request).await?;
            output.answer(&resolved, intent::detail)?;
        }
    }
    Ok(Exit::Done)
}
