//! `postroom plugin`: look at components, install them, go back to earlier ones, remove them.

mod pages;
mod screen;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use postroom_runtime::limits::MAX_COMPONENT_BYTES;
use postroom_service::plugins::{
    InstallPlugin, PermissionRequest, PluginInstalled, PluginRolledBack, RollBackPlugin, StatedSource,
};
use postroom_service::{ErrorKind, ServiceError};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::prompt::confirm;
use crate::room::Context;
use crate::{shell, table};

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the plugins
    List,
    /// Show what a plugin is, what it asks for and what it may use, before anything is approved
    Inspect {
        /// A component's file (`./acme` for one without a dot in its name), or the id of a plugin
        plugin: String,
    },
    /// Install a plugin, or another version of one. It shows what the plugin asks for, and then asks
    Install(InstallArgs),
    /// Go back to the version that an installed plugin had before, with the approval that it had
    Rollback {
        /// The plugin's id
        id: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// Remove an installed plugin with its earlier versions
    Remove {
        /// The plugin's id
        id: String,
    },
}

/// What is to be installed.
#[derive(Debug, clap::Args)]
pub(crate) struct InstallArgs {
    /// The component's file
    file: PathBuf,
    /// The digest of the component that you approve with all that it asks for
    #[arg(long, value_name = "DIGEST")]
    approve: Option<String>,
    /// Where it comes from, without this the file's name. Said again with a later version of the same vendor, it lets
    /// that inherit the approval if it asks for no more; from another source comes another plugin, which gets no secrets
    /// of the accounts that there are
    #[arg(long)]
    source: Option<String>,
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.plugins().await?, |plugins| pages::overview(plugins))?,
        Verb::Inspect { plugin } => {
            let service = context.reading()?;
            let path = Path::new(&plugin);
            // No id has these, so that a file can't stand before an installed plugin.
            let inspection = if plugin.contains(['/', '\\', '.']) {
                service.inspect_component(&read(path)?).await.map_err(|error| of_file(error, path))?
            } else {
                service.inspect_plugin(&plugin).await?
            };
            output.answer(&inspection, |inspection| pages::inspected(inspection, output.is_coloured()))?;
            if inspection.inspection.refusal.is_some() {
                return Ok(Exit::BadInput);
            }
        }
        Verb::Install(args) => output.answer(&install(args, context).await?, pages::installed)?,
        Verb::Rollback { id, yes } => output.answer(&roll_back(id, yes, context).await?, pages::rolled_back)?,
        Verb::Remove { id } => {
            context.writing("plugin remove")?.remove_plugin(&id).await?;
            output.answer(&serde_json::json!({ "removed": id }), |_| {
                format!("Removed the plugin {}.", table::visible(&id))
            })?;
        }
    }
    Ok(Exit::Done)
}

/// Installs, and asks at the terminal where an approval is missing.
async fn install(args: InstallArgs, context: &Context) -> Result<PluginInstalled> {
    let InstallArgs { file, approve, source } = args;
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stated = source.clone().map_or(StatedSource::File(name), StatedSource::Word);
    let mut request = InstallPlugin { component: read(&context.file(file.clone()))?, source: stated, approve };
    let service = context.writing("plugin install")?;
    let answer = match service.install_plugin(request.clone()).await {
        Err(ServiceError::PluginNeedsApproval(asked)) => {
            let path = file.to_string_lossy();
            // A name that looks like an option is none behind a folder's.
            let path = if path.starts_with('-') { format!("./{path}") } else { path.into_owned() };
            let mut line = vec!["postroom", "plugin", "install", &path];
            if let Some(source) = &source {
                line.extend(["--source", source]);
            }
            line.extend(["--approve", &asked.digest]);
            let line = command_line(&line, context);
            if !is_confirmed(&asked, "Install it, and allow all of this?", context) {
                return Err(unapproved(*asked, format!("`{line}` approves exactly this component and installs it")));
            }
            request.approve = Some(asked.digest.clone());
            service.install_plugin(request).await
        }
        answer => answer,
    };
    answer.map_err(|error| of_file(error, &file))
}

/// Goes back, after showing what changes.
async fn roll_back(id: String, confirmed: bool, context: &Context) -> Result<PluginRolledBack> {
    let service = context.writing("plugin rollback")?;
    match service.roll_back_plugin(RollBackPlugin { id: id.clone(), confirmed }).await {
        Err(ServiceError::PluginNeedsApproval(asked)) => {
            let line = command_line(&["postroom", "plugin", "rollback", &id, "--yes"], context);
            if !is_confirmed(&asked, "Go back to this version?", context) {
                return Err(unapproved(*asked, format!("`{line}` goes back to exactly this version")));
            }
            Ok(service.roll_back_plugin(RollBackPlugin { id, confirmed: true }).await?)
        }
        answer => Ok(answer?),
    }
}

/// Shows what a yes would mean, and asks for it if somebody is there.
fn is_confirmed(asked: &PermissionRequest, question: &str, context: &Context) -> bool {
    context.output.remark(&screen::screen(asked));
    // A terminal that can't be read has not said yes.
    confirm(question, &context.output).unwrap_or(false)
}

/// What to type, for the store that this was typed for.
fn command_line(words: &[&str], context: &Context) -> String {
    let store = context.store.as_ref().map(|folder| folder.to_string_lossy());
    let store = store.iter().flat_map(|folder| ["--store", folder]);
    shell::line(words.iter().copied().chain(store))
}

fn unapproved(asked: PermissionRequest, mend: String) -> Failure {
    Failure::from(ServiceError::PluginNeedsApproval(Box::new(asked))).with_mend(mend)
}

/// A component's fault, with the file that it came from.
fn of_file(error: ServiceError, file: &Path) -> Failure {
    match error {
        ServiceError::Plugin(_) if error.kind() == ErrorKind::BadInput => {
            Failure::bad_input(format!("{}: {error}", file.display()))
        }
        other => other.into(),
    }
}

/// Reads a component's file, at most one byte beyond what a component may have: that is refused as too large.
fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable =
        |why: &dyn std::fmt::Display| Failure::bad_input(format!("{} cannot be read: {why}", path.display()));
    // Pipes and devices may have no end.
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(unreadable(&"it is not a file"));
    }
    let mut component = Vec::new();
    let most = u64::try_from(MAX_COMPONENT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let read = std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut component));
    read.map_err(|error| unreadable(&error))?;
    Ok(component)
}
