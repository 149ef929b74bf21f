//! `postroom import-profile`: how files of one system are read, saved by an import.

use clap::Subcommand;
use postroom_service::import::ImportProfileInfo;

use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::shell;
use crate::table::{self, facts, moment};

/// What to do with import profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the import profiles
    List,
    /// Show what an import profile says
    Show {
        /// The profile's name
        name: String,
    },
    /// Delete an import profile; what was imported by it stays
    Remove {
        /// The profile's name
        name: String,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.import_profiles().await?, |profiles| overview(profiles))?,
        Verb::Show { name } => output.answer(&context.reading()?.import_profile(&name).await?, shown)?,
        Verb::Remove { name } => {
            context.writing("import-profile remove")?.remove_import_profile(&name).await?;
            output.answer(&serde_json::json!({ "removed": name }), |_| {
                format!("Removed the import profile {}. What was imported stays.", table::visible(&name))
            })?;
        }
    }
    Ok(Exit::Done)
}

fn overview(profiles: &[ImportProfileInfo]) -> String {
    if profiles.is_empty() {
        return "There is no import profile yet: `postroom import FILE --save-profile NAME` makes one.".to_owned();
    }
    let rows = profiles.iter().map(|info| {
        let columns: Vec<&str> = info.profile.rules().map(|(column, _)| column).collect();
        [info.profile.name.clone(), columns.join(", "), moment(info.updated_at)]
    });
    table::table(["import profile", "columns", "saved"], rows)
}

fn shown(info: &ImportProfileInfo) -> String {
    let profile = &info.profile;
    let mut rows = vec![("import profile", profile.name.clone()), ("saved", moment(info.updated_at))];
    rows.extend(profile.date_order.map(|order| ("dates", order.as_str().to_owned())));
    rows.extend(profile.phones_of.clone().map(|country| ("phones of", country)));
    rows.extend(profile.encoding.clone().map(|encoding| ("encoding", encoding)));
    rows.extend(profile.delimiter.map(|delimiter| ("delimiter", delimiter.as_str().to_owned())));
    let empties = profile.empty_cells == postroom_import::EmptyCells::Clear;
    rows.push(("empty cells", if empties { "empty their fields" } else { "say nothing" }.to_owned()));
    let mut text = facts(rows);
    let columns = profile.rules().map(|(column, place)| {
        [column.to_owned(), if place == postroom_import::NOWHERE { "nowhere".to_owned() } else { place }]
    });
    text.push_str(&format!("\n{}", table::table(["column", "goes to"], columns)));
    for fault in &info.faults {
        text.push_str(&format!("Note: {}\n", table::visible(fault)));
    }
    let line = shell::line(["postroom", "import", "FILE", "--profile", profile.name.as_str()]);
    text.push_str(&format!("\n`{line}` reads a file in this way.\n"));
    text
}
