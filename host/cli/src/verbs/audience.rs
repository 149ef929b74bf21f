//! `postroom audience`: what lives at the provider.

use clap::Subcommand;
use postroom_service::audiences::{AudienceFields, RemoteAudience};

use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table::{self, grouped};

/// What to ask the provider.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the audiences of an account. Nothing is synced by this
    List {
        /// The account's name
        account: String,
    },
    /// List the fields of an audience
    Fields {
        /// The account's name
        account: String,
        /// The audience's id or name
        audience: String,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let service = context.reading()?;
    match verb {
        Verb::List { account } => {
            context.output.answer(&service.audiences(&account).await?, |audiences| overview(audiences))?;
        }
        Verb::Fields { account, audience } => {
            context.output.answer(&service.audience_fields(&account, &audience).await?, fields)?;
        }
    }
    Ok(Exit::Done)
}

fn overview(audiences: &[RemoteAudience]) -> String {
    let rows = audiences.iter().map(|audience| {
        [audience.id.clone(), audience.name.clone(), audience.members.map(grouped).unwrap_or_default()]
    });
    table::table(["id", "audience", "members"], rows)
}

fn fields(answer: &AudienceFields) -> String {
    let rows = answer.fields.iter().map(|field| {
        let required = if field.required { "required" } else { "" };
        [field.name.clone(), field.kind.clone(), field.label.clone(), required.to_owned(), field.choices.join(", ")]
    });
    table::table(["field", "kind", "label", "", "choices"], rows)
}
