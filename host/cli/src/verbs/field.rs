//! `postroom field`: the fields that contacts have.

use clap::Subcommand;
use postroom_domain::field::FieldDefinition;
use postroom_service::workspace::AddField;

use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table;

/// What to do with fields.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the fields
    List,
    /// Add a field. Its name and type never change
    Add {
        /// Its name: a-z only
        name: String,
        /// text, number, date, boolean or address
        #[arg(long = "type", value_name = "TYPE", default_value = "text")]
        kind: String,
        /// What people read
        #[arg(long)]
        label: Option<String>,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    match verb {
        Verb::List => context.output.answer(&context.reading()?.fields().await?, |fields| page(fields))?,
        Verb::Add { name, kind, label } => {
            let field = context.writing("field add")?.add_field(AddField { name, kind, label }).await?;
            context.output.answer(&field, |field| format!("Added the field {} ({}).", field.name, field.kind))?;
        }
    }
    Ok(Exit::Done)
}

fn page(fields: &[FieldDefinition]) -> String {
    table::table(
        ["name", "type", "label"],
        fields.iter().map(|field| [field.name.to_string(), field.kind.to_string(), field.label.clone()]),
    )
}
