//! The verbs, each in the module of its noun: arguments in, request, service, page out.

pub(crate) mod account;
pub(crate) mod audience;
pub(crate) mod completions;
pub(crate) mod consent;
pub(crate) mod contact;
mod erasing;
pub(crate) mod export;
pub(crate) mod field;
pub(crate) mod holding;
pub(crate) mod import;
mod import_columns;
pub(crate) mod import_profile;
pub(crate) mod indoubt;
pub(crate) mod init;
pub(crate) mod intent;
pub(crate) mod internal_compile;
pub(crate) mod list;
mod paging;
pub(crate) mod plugin;
pub(crate) mod purpose;
mod report;
pub(crate) mod run;
mod schedule;
pub(crate) mod segment;
#[cfg(feature = "simulators")]
pub(crate) mod simulate;
pub(crate) mod sync;

use crate::args::Verb;
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;

/// Does what the command line says.
pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    match verb {
        Verb::Init(args) => init::act(args, context).await,
        Verb::Import(args) => import::act(*args, context).await,
        Verb::ImportProfile(verb) => import_profile::act(verb, context).await,
        Verb::Export(args) => export::act(*args, context).await,
        Verb::Contact(verb) => contact::act(verb, context).await,
        Verb::Consent(verb) => consent::act(verb, context).await,
        Verb::Purpose(verb) => purpose::act(verb, context).await,
        Verb::Field(verb) => field::act(verb, context).await,
        Verb::List(verb) => list::act(verb, context).await,
        Verb::Segment(verb) => segment::act(verb, context).await,
        Verb::Account(verb) => account::act(verb, context).await,
        Verb::Audience(verb) => audience::act(verb, context).await,
        Verb::Sync(verb) => sync::act(verb, context).await,
        Verb::Daemon(args) => crate::daemon::act(&args, context).await,
        Verb::Run(verb) => run::act(verb, context).await,
        Verb::Intent(verb) => intent::act(verb, context).await,
        Verb::Indoubt(verb) => indoubt::act(verb, context).await,
        Verb::Hold(args) => holding::hold(&args, context).await,
        Verb::Resume(args) => holding::resume(&args, context).await,
        Verb::Plugin(verb) => plugin::act(verb, context).await,
        #[cfg(feature = "simulators")]
        Verb::Simulate(verb) => simulate::act(verb, context).await,
        #[cfg(feature = "simulators")]
        Verb::Demo(args) => crate::demo::act(args, context).await,
        Verb::Completions(args) => completions::act(&args, context),
        Verb::InternalCompile(args) => internal_compile::act(&args),
    }
}
