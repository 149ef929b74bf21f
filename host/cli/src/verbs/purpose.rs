//! `postroom purpose`: what contacts are written to for, and on what legal basis.

use clap::Subcommand;
use postroom_domain::purpose::{LegalBasis, Purpose, PurposeChange, PurposeName};
use postroom_service::purposes::AddPurpose;

use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table;

/// What to do with purposes.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the purposes
    List,
    /// Define a purpose. Consent for it narrows a contact's consent, and never widens it
    Add {
        /// Its name: the letters a-z and dashes. It never changes
        name: PurposeName,
        /// What people read
        #[arg(long)]
        label: String,
        /// Its legal basis: consent, which must be granted, or legitimate-interest, contract or legal-obligation,
        /// which hold until the contact objects
        #[arg(long)]
        basis: LegalBasis,
        /// Which version of which text belongs to it
        #[arg(long, value_name = "TEXT")]
        wording: Option<String>,
    },
    /// Change a purpose. What contacts said for it stays
    Edit {
        /// Its name
        name: PurposeName,
        /// What people read
        #[arg(long)]
        label: Option<String>,
        /// Another legal basis
        #[arg(long)]
        basis: Option<LegalBasis>,
        /// Another version of its text; an empty one for none
        #[arg(long, value_name = "TEXT")]
        wording: Option<String>,
    },
    /// Remove a purpose that no sync and no segment uses. Histories still tell of it
    Remove {
        /// Its name
        name: PurposeName,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.purposes().await?, |purposes| overview(purposes))?,
        Verb::Add { name, label, basis, wording } => {
            let request = AddPurpose { name, label, basis, wording };
            let purpose = context.writing("purpose add")?.add_purpose(request).await?;
            output.answer(&purpose, |purpose| format!("Added the purpose {}.", purpose.name))?;
        }
        Verb::Edit { name, label, basis, wording } => {
            let change = PurposeChange { label, basis, wording };
            let purpose = context.writing("purpose edit")?.edit_purpose(&name, &change).await?;
            output.answer(&purpose, |purpose| overview(std::slice::from_ref(purpose)))?;
        }
        Verb::Remove { name } => {
            context.writing("purpose remove")?.remove_purpose(&name).await?;
            output.answer(&serde_json::json!({ "removed": name }), |_| {
                format!("Removed the purpose {name}. What contacts said for it stays in their histories.")
            })?;
        }
    }
    Ok(Exit::Done)
}

fn overview(purposes: &[Purpose]) -> String {
    if purposes.is_empty() {
        return "There is no purpose yet: `postroom purpose add NAME --label … --basis …` adds one.".to_owned();
    }
    let rows = purposes.iter().map(|purpose| {
        [
            purpose.name.to_string(),
            purpose.label.clone(),
            purpose.basis.to_string(),
            purpose.wording.clone().unwrap_or_default(),
        ]
    });
    table::table(["purpose", "label", "basis", "text"], rows)
}
