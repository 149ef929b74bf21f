//! `postroom init`: makes a store.

use std::path::PathBuf;

use postroom_store::workspace::Workspace;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table;

/// How a store is made.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the workspace is called
    #[arg(long, default_value = "Postroom")]
    name: String,
    /// Do nothing where there is a store already
    #[arg(long)]
    if_missing: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    store: PathBuf,
    created: bool,
    workspace: Workspace,
}

pub(crate) async fn act(args: Args, context: &Context) -> Result<Exit> {
    let (created, service) = match context.reading() {
        Ok(service) if args.if_missing => (false, service),
        _ => (true, context.create(&args.name)?),
    };
    let answer = Answer { store: context.folder()?, created, workspace: service.workspace().await? };
    context.output.answer(&answer, page)?;
    Ok(Exit::Done)
}

fn page(answer: &Answer) -> String {
    let made = if answer.created { "Made" } else { "There is already" };
    let store = answer.store.display();
    let name = table::visible(&answer.workspace.name);
    format!(
        "{made} the workspace {name} in {store}.\n\
         Keep secret.key with your backups: without it the credentials of accounts can't be opened.\n\n\
         Next:\n\
         \x20 postroom import guests.csv --list 'Hotel guests'\n\
         \x20 postroom account add main --plugin mailchimp\n\
         \x20 postroom demo        shows all of it with made-up data\n"
    )
}
