//! `postroom consent`: what is known of a contact's consent.

use std::net::IpAddr;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use postroom_domain::consent::{ConsentAct, ConsentEvent, ConsentSource};
use postroom_domain::narrowing::Scope;
use postroom_domain::purpose::{PurposeName, PurposeTerms};
use postroom_service::consent::{ConsentProof, StateConsent};
use postroom_store::contacts::PurposeStanding;

use super::contact::WHO;
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table::{self, facts, moment};

/// What to do with a consent.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Record what happened to a contact's consent. The history is only ever added to
    Set(Set),
    /// Show the history of a contact's consent, oldest first
    History {
        #[arg(help = WHO)]
        who: String,
    },
    /// Draw up all that is known of one person's consent, for that person or for an authority
    Proof {
        #[arg(help = WHO)]
        who: String,
    },
}

/// What happened, and what shows it.
#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    #[arg(help = WHO)]
    who: String,
    /// What happened
    act: Act,
    /// For one list alone: the contact's subscription of it
    #[arg(long, conflicts_with = "purpose")]
    list: Option<String>,
    /// For one purpose alone
    #[arg(long)]
    purpose: Option<PurposeName>,
    /// What shows it, such as the form and the day; a grant needs it
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,
    /// Who says so: only the contact itself lifts a withdrawal
    #[arg(long, default_value = "operator")]
    by: By,
    /// Where it came from: the page, the letter, the program
    #[arg(long, value_name = "TEXT")]
    origin: Option<String>,
    /// Which version of which text was agreed to
    #[arg(long, value_name = "TEXT")]
    wording: Option<String>,
    /// The network address that it was done from
    #[arg(long)]
    ip: Option<IpAddr>,
    /// When it happened, as in 2026-11-22T14:30:00Z, if not now
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// What can happen to a consent.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Act {
    /// It was given
    Granted,
    /// It was taken back
    Withdrawn,
    /// It was asked for
    Asked,
    /// The address does not take mail
    Bounced,
}

/// Who can say so at this face.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum By {
    /// The contact itself, by an act of its own
    Contact,
    /// You
    Operator,
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    match verb {
        Verb::Set(set) => {
            let Set { who, act, list, purpose, evidence, by, origin, wording, ip, at } = set;
            let (act, source) = (act.into(), by.into());
            let scope = list.map(Scope::List).or(purpose.map(Scope::Purpose)).unwrap_or_default();
            let request = StateConsent { who: who.clone(), act, scope, source, evidence, origin, wording, ip, at };
            let recorded = context.writing("consent set")?.state_consent(request).await?;
            context.output.answer(&recorded, |recorded| {
                let about = match &recorded.scope {
                    Scope::Whole => String::new(),
                    scope => format!(" for {}", table::visible(&scope.to_string())),
                };
                format!("The consent of {}{about} is {} now.", table::visible(&who), recorded.consent)
            })?;
        }
        Verb::History { who } => {
            let detail = context.reading()?.contact(&who).await?;
            context.output.answer(&detail.consent_history, |events| history(events))?;
        }
        Verb::Proof { who } => context.output.answer(&context.reading()?.consent_proof(&who).await?, proof)?,
    }
    Ok(Exit::Done)
}

/// A history as a table.
pub(crate) fn history(events: &[ConsentEvent]) -> String {
    if events.is_empty() {
        return "Nothing is recorded.\n".to_owned();
    }
    table::table(
        ["when", "what", "about", "who says so", "what shows it", "where from", "text", "address"],
        events.iter().map(|event| {
            let from = &event.provenance;
            [
                moment(event.at),
                word(&event.act),
                event.scope.to_string(),
                word(&event.source),
                event.evidence.clone().unwrap_or_default(),
                from.origin.clone().unwrap_or_default(),
                from.wording.clone().unwrap_or_default(),
                from.ip.map(|ip| ip.to_string()).unwrap_or_default(),
            ]
        }),
    )
}

fn proof(proof: &ConsentProof) -> String {
    let mut rows = vec![
        ("drawn up", moment(proof.drawn_up_at)),
        ("by", proof.workspace.clone()),
        ("contact", format!("#{}, {}", proof.contact.0, proof.hash)),
        ("e-mail", proof.email.clone()),
    ];
    rows.extend(proof.external_id.clone().map(|key| ("external id", key)));
    rows.push(("consent", proof.consent.to_string()));
    rows.extend(narrowed(&proof.unsubscribed, &proof.purposes));
    format!("{}\n{}", facts(rows), history(&proof.history))
}

/// What narrows a contact's consent, as rows below it: nothing for a workspace without purposes and a contact that
/// withdrew for no list.
pub(super) fn narrowed(unsubscribed: &[String], purposes: &[PurposeStanding]) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if !unsubscribed.is_empty() {
        rows.push(("withdrawn for", unsubscribed.join(", ")));
    }
    rows.extend(purposes.iter().map(|standing| {
        let PurposeTerms { name, basis } = &standing.purpose;
        ("for a purpose", format!("{name}: {} (basis {basis}, said: {})", standing.consent, word(&standing.will)))
    }));
    rows
}

/// The word of an enumeration, the same that JSON has.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

impl From<Act> for ConsentAct {
    fn from(act: Act) -> Self {
        match act {
            Act::Granted => Self::Granted,
            Act::Withdrawn => Self::Withdrawn,
            Act::Asked => Self::Asked,
            Act::Bounced => Self::Bounced,
        }
    }
}

impl From<By> for ConsentSource {
    fn from(by: By) -> Self {
        match by {
            By::Contact => Self::Contact,
            By::Operator => Self::Operator,
        }
    }
}
