//! `postroom plugin`: look at components, install them, remove them.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use postroom_service::plugins::{
    InstallPlugin, Permissions, PluginInspection, PluginInstalled, PluginOrigin, PluginSummary,
};
use postroom_service::{ErrorKind, Service, ServiceError};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::prompt::confirm;
use crate::room::Context;
use crate::table::{self, counted, facts};

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the plugins
    List,
    /// Show what a plugin is and what it asks for, before anything is approved
    Inspect {
        /// A component's file, or the id of a plugin
        plugin: String,
    },
    /// Install a plugin, or another version of one. It shows what the plugin asks for
    Install {
        /// The component's file
        file: PathBuf,
        /// The digest of the component that you approve with all that it asks for
        #[arg(long, value_name = "DIGEST")]
        approve: Option<String>,
        /// Where it comes from: a new version from the same source inherits its approval
        #[arg(long)]
        source: Option<String>,
    },
    /// Remove an installed plugin
    Remove {
        /// The plugin's id
        id: String,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.plugins().await?, |plugins| overview(plugins))?,
        Verb::Inspect { plugin } => {
            let service = context.reading()?;
            let path = Path::new(&plugin);
            let is_file = path.extension().is_some_and(|extension| extension == "wasm") || path.is_file();
            let inspection = if is_file {
                service.inspect_component(&read(path)?).await.map_err(|error| of_file(error, path))?
            } else {
                service.inspect_plugin(&plugin).await?
            };
            output.answer(&inspection, inspected)?;
        }
        Verb::Install { file, approve, source } => {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let request = InstallPlugin { component: read(&file)?, source: source.unwrap_or(name), approve };
            let installed = install(&context.writing("plugin install")?, request, context).await;
            let installed = installed.map_err(|error| of_file(error, &file))?;
            output.answer(&installed, page)?;
        }
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
async fn install(
    service: &Service,
    mut request: InstallPlugin,
    context: &Context,
) -> std::result::Result<PluginInstalled, ServiceError> {
    match service.install_plugin(request.clone()).await {
        Err(ServiceError::PluginNeedsApproval(asked)) if context.output.can_ask() => {
            context.output.remark(&format!(
                "{} {} ({}) asks for:\n{}",
                asked.id,
                asked.version,
                asked.digest,
                rights(&asked.permissions)
            ));
            // A terminal that can't be read has not said yes.
            if !confirm("Allow all of this?", context.output).unwrap_or(false) {
                return Err(ServiceError::PluginNeedsApproval(asked));
            }
            request.approve = Some(asked.digest.clone());
            service.install_plugin(request).await
        }
        answer => answer,
    }
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

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Failure::bad_input(format!("{} cannot be read: {error}", path.display())))
}

fn origin(origin: PluginOrigin) -> &'static str {
    match origin {
        PluginOrigin::Bundled => "bundled",
        PluginOrigin::Installed => "installed",
        PluginOrigin::File => "a file, not installed",
    }
}

fn overview(plugins: &[PluginSummary]) -> String {
    let rows = plugins.iter().map(|plugin| {
        [
            plugin.id.clone(),
            plugin.version.clone(),
            origin(plugin.origin).to_owned(),
            words(&plugin.capabilities),
            plugin
                .refusal
                .as_ref()
                .map_or_else(|| plugin.summary.clone(), |refusal| format!("does not work: {refusal}")),
        ]
    });
    table::table(["plugin", "version", "from", "can also", "what it does"], rows)
}

fn words<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn rights(permissions: &Permissions) -> String {
    let mut text = String::new();
    for origin in &permissions.origins {
        text.push_str(&format!("  - {origin}: {}\n", table::visible(&origin.purpose)));
    }
    for secret in &permissions.secrets {
        text.push_str(&format!("  - {secret}; it never sees it\n"));
    }
    for capability in &permissions.capabilities {
        text.push_str(&format!("  - be asked for {capability}\n"));
    }
    if text.is_empty() { "  nothing\n".to_owned() } else { text }
}

fn inspected(answer: &PluginInspection) -> String {
    let inspection = &answer.inspection;
    let mut rows = vec![("from", origin(answer.origin).to_owned())];
    if let Some(description) = &inspection.description {
        rows.extend([
            ("id", description.id.clone()),
            ("name", description.name.clone()),
            ("version", description.version.clone()),
            ("vendor", description.vendor.clone()),
            ("what it does", description.summary.clone()),
        ]);
    }
    rows.push(("digest", inspection.digest.clone()));
    rows.push(("size", counted(u64::try_from(inspection.size).unwrap_or(u64::MAX), "byte", "bytes")));
    rows.push(("exports", inspection.exports.join(", ")));
    let imports = inspection.imports.iter();
    let imports: Vec<String> = imports
        .map(|import| if import.allowed { import.name.clone() } else { format!("{} (not allowed)", import.name) })
        .collect();
    rows.push(("imports", imports.join(", ")));
    let producers = inspection.producers.iter();
    let producers: Vec<String> =
        producers.map(|tool| format!("{} {}", tool.name, tool.version).trim().to_owned()).collect();
    rows.push(("made with", producers.join(", ")));
    if let Some(description) = &inspection.description
        && !description.emulated.is_empty()
    {
        rows.push(("stands in for", description.emulated.join(" ")));
    }
    let mut text = facts(rows);
    if let Some(permissions) = &answer.permissions {
        text.push_str(&format!("\nIt asks for:\n{}", rights(permissions)));
    }
    if let Some(refusal) = &inspection.refusal {
        text.push_str(&format!("\nIt does not load: {}\n", table::visible(refusal)));
    }
    text
}

fn page(answer: &PluginInstalled) -> String {
    let plugin = &answer.plugin;
    let mut text = format!("Installed {} {}.\n", table::visible(&plugin.id), plugin.version);
    if let Some(version) = &answer.replaced {
        text.push_str(&format!("It takes the place of {}.\n", table::visible(version)));
    }
    if answer.inherited_approval {
        text.push_str("It asks for no more than the one before, and inherits its approval.\n");
    }
    text.push_str(&format!("It may:\n{}", rights(&answer.permissions)));
    text
}
