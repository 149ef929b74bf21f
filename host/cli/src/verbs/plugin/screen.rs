//! The screen that an operator sees before a plugin comes in: who it is, what it can do, what it
//! gets to see, where it sends to, and which secrets it asks for, without a word that needs a manual.

use postroom_service::plugins::{BUNDLED, Difference, PermissionRequest, Permissions, Step};
use postroom_store::accounts::PluginSource;

use crate::shell;
use crate::table::{counted, facts, visible};

/// Everything that a yes would mean.
pub(super) fn screen(asked: &PermissionRequest) -> String {
    let mut text = format!("{}\n\nWho it is\n{}", title(asked), indented(&facts(who(asked))));
    if let Some(remark) = elsewhere(asked) {
        text.push_str(&format!("\n{remark}\n"));
    }
    if let Some(before) = &asked.replaces {
        let heading = format!("What changes against version {} that is there now", visible(&before.version));
        text.push_str(&section(&heading, &changes(&asked.changes)));
    }
    text.push_str(&rights(&asked.can, &asked.sees, &asked.permissions));
    text
}

fn title(asked: &PermissionRequest) -> String {
    let (name, version) = (visible(&asked.name), visible(&asked.version));
    match asked.step {
        Step::Install | Step::Use => format!("{name} {version} wants to be installed. Nothing has changed yet."),
        Step::RollBack => {
            let left = asked.replaces.as_ref().map(|known| visible(&known.version)).unwrap_or_default();
            format!("{name} would go back from {left} to {version}. Nothing has changed yet.")
        }
    }
}

fn who(asked: &PermissionRequest) -> Vec<(&'static str, String)> {
    let doubt =
        if asked.vouched_for { "" } else { " (its own word: nobody vouches for it, and no signature is checked)" };
    let mut rows = vec![
        ("id", asked.id.clone()),
        ("name", asked.name.clone()),
        ("version", asked.version.clone()),
        ("vendor", format!("{}{doubt}", asked.vendor)),
        ("in its own words", asked.summary.clone()),
        ("comes from", source(&asked.source)),
        ("digest", asked.digest.clone()),
        ("size", counted(u64::try_from(asked.size).unwrap_or(u64::MAX), "byte", "bytes")),
    ];
    if let Some(known) = &asked.replaces {
        rows.push(("takes the place of", format!("version {} from {}", known.version, source(&known.source))));
        if let Some(before) = asked.vendor_before.as_ref().filter(|before| **before != asked.vendor) {
            rows.push(("whose vendor is", before.clone()));
        }
    }
    rows
}

/// Where a plugin comes from, for people.
pub(super) fn source(source: &PluginSource) -> String {
    match source {
        PluginSource::Bundled => "this program, with which it ships".to_owned(),
        PluginSource::Installed(source) => source.clone(),
    }
}

/// A source as `--plugin-source` takes it.
pub(super) fn source_word(source: &PluginSource) -> &str {
    match source {
        PluginSource::Bundled => BUNDLED,
        PluginSource::Installed(source) => source,
    }
}

/// What it means that a plugin of this id was there from elsewhere.
fn elsewhere(asked: &PermissionRequest) -> Option<String> {
    let before = asked.replaces.as_ref().filter(|_| asked.is_from_elsewhere())?;
    let holds = match asked.step {
        Step::RollBack => "The approval that it had holds again.",
        Step::Install | Step::Use => "What you approved for that one does not hold for this one.",
    };
    let id = visible(&asked.id);
    let mut text = match (asked.is_the_same(), &before.source) {
        (true, PluginSource::Bundled) => {
            format!("This is the very plugin `{id}` that ships with this program: there is no need to install it.")
        }
        (false, PluginSource::Bundled) => {
            format!("Take care: this is not the plugin `{id}` that ships with this program. {holds}")
        }
        (_, PluginSource::Installed(_)) => {
            format!("Take care: this comes from elsewhere than the plugin `{id}` that is there now. {holds}")
        }
    };
    if let (Step::Install, PluginSource::Installed(known)) = (asked.step, &before.source) {
        text.push_str(&format!(
            "\nIf you know for certain that both come from the same people, `--source {}` says so: then this one gets \
             the secrets that accounts gave to that one, and may come in unasked.",
            visible(&shell::word(known))
        ));
    }
    text.push_str(&stopped(&asked.stops, &asked.source));
    Some(text)
}

/// Which accounts stop, and how they go on.
pub(super) fn stopped(accounts: &[String], source: &PluginSource) -> String {
    if accounts.is_empty() {
        return String::new();
    }
    let names: Vec<String> = accounts.iter().map(|name| visible(name)).collect();
    format!(
        "\nThese accounts gave their secrets to another one: {}. They stop, and this one gets nothing of them, until \
         you say yes for each with `{}`.",
        names.join(", "),
        visible(&shell::line(["postroom", "account", "edit", "NAME", "--plugin-source", source_word(source)]))
    )
}

/// What is new, what is gone and what stays, one line each.
pub(super) fn changes(difference: &Difference) -> Vec<String> {
    let marked = |mark: &str, rights: &[postroom_service::plugins::Right]| {
        rights.iter().map(|right| format!("{mark}: {right}")).collect::<Vec<_>>()
    };
    let mut lines = marked("new", &difference.added);
    lines.extend(marked("gone", &difference.given_up));
    lines.extend(marked("same", &difference.kept));
    lines
}

/// What a plugin can do, sees, reaches and has sent along.
pub(super) fn rights(can: &[String], sees: &[String], permissions: &Permissions) -> String {
    let mut text = section("What it can do", can);
    text.push_str(&section("What it gets to see", sees));
    let mut places = Vec::new();
    for origin in &permissions.origins {
        places.push(origin.to_string());
        places.push(format!("    its own reason: {}", origin.purpose));
    }
    places.push("nowhere else".to_owned());
    text.push_str(&section("Where it sends to", &places));
    let mut secrets: Vec<String> = permissions.secrets.iter().map(ToString::to_string).collect();
    secrets.push(if secrets.is_empty() {
        "none".to_owned()
    } else {
        "Postroom keeps them and puts them on its requests: the plugin itself never sees them".to_owned()
    });
    text.push_str(&section("Which secrets it asks for", &secrets));
    text
}

/// A heading and a line for each thing below it.
pub(super) fn section(heading: &str, lines: &[String]) -> String {
    let lines: String = lines.iter().map(|line| format!("  {}\n", visible(line))).collect();
    format!("\n{heading}\n{lines}")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!(" {line}\n")).collect()
}
