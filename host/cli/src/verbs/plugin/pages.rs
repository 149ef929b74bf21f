//! What people read of plugins: the list, an inspection, and what became of a change.

use postroom_service::plugins::{
    Difference, Permissions, PluginInspection, PluginInstalled, PluginOrigin, PluginRolledBack, PluginSummary,
    PluginVersion,
};

use super::screen::{changes, rights, section, source, stopped};
use crate::shell;
use crate::table::{self, counted, facts, grouped, visible};

pub(super) fn overview(plugins: &[PluginSummary]) -> String {
    let rows = plugins.iter().map(|plugin| {
        [
            plugin.id.clone(),
            plugin.version.clone(),
            origin(plugin.origin).to_owned(),
            words(&plugin.capabilities),
            plugin.earlier.iter().map(|known| known.version.as_str()).collect::<Vec<_>>().join(", "),
            plugin
                .refusal
                .as_ref()
                .map_or_else(|| plugin.summary.clone(), |refusal| format!("does not work: {refusal}")),
        ]
    });
    table::table(["plugin", "version", "from", "can also", "goes back to", "what it does"], rows)
}

pub(super) fn inspected(answer: &PluginInspection, coloured: bool) -> String {
    let inspection = &answer.inspection;
    let mut rows = vec![("from", origin(answer.origin).to_owned())];
    if let Some(known) = &answer.source {
        rows.push(("comes from", source(known)));
    }
    if let Some(description) = &inspection.description {
        rows.extend([
            ("id", description.id.clone()),
            ("name", description.name.clone()),
            ("version", description.version.clone()),
            ("vendor", format!("{} (its own word)", description.vendor)),
            ("what it does", description.summary.clone()),
        ]);
    }
    rows.extend([
        ("digest", inspection.digest.clone()),
        ("size", bytes(inspection.size)),
        ("compiled", bytes(inspection.code.size)),
        ("compiled digest", inspection.code.digest.clone()),
        ("exports", inspection.exports.join(", ")),
        ("can also", words(&inspection.capabilities)),
    ]);
    if let Some(memory) = inspection.memory {
        rows.push(("starts with", counted(memory.largest_bytes, "byte of memory", "bytes of memory")));
    }
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
    text.push_str(&imports(answer, coloured));
    text.push_str(&limits(answer));
    if let Some(permissions) = &answer.permissions {
        text.push_str(&rights(&answer.can, &answer.sees, permissions));
    }
    if let Some(refusal) = &inspection.refusal {
        text.push_str(&format!("\nIt does not load: {}\n", visible(refusal)));
    }
    text.push_str(&earlier(inspection.description.as_ref().map(|known| known.id.as_str()), &answer.earlier));
    text
}

/// What it imports, one line each; what no plugin gets stands out.
fn imports(answer: &PluginInspection, coloured: bool) -> String {
    let mut text = "\nWhat it imports\n".to_owned();
    for import in &answer.inspection.imports {
        let name = visible(&import.name);
        let line = if import.allowed { name } else { alarming(&format!("{name} (not allowed)"), coloured) };
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn alarming(text: &str, coloured: bool) -> String {
    if coloured { format!("\u{1b}[31m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// What the plugin says of its provider, and what the host lets one call use.
fn limits(answer: &PluginInspection) -> String {
    let mut text = String::new();
    if let Some(description) = &answer.inspection.description {
        let limits = &description.limits;
        let rate = limits.requests_per_second.map_or_else(
            || "no rate of its own".to_owned(),
            |rate| format!("up to {}", counted(rate.into(), "request a second", "requests a second")),
        );
        let lines = [
            format!("up to {} in one call", counted(limits.max_batch.into(), "contact", "contacts")),
            format!("up to {} at a time", counted(limits.max_concurrency.into(), "request", "requests")),
            rate,
        ];
        text.push_str(&section("What it says the provider takes", &lines));
    }
    let budgets = answer.budgets;
    let seconds = |milliseconds: u128| format!("{} s", milliseconds / 1_000);
    text.push_str(&section(
        "What the host lets one call use",
        &[
            format!("{} of processor time, {} in all", seconds(budgets.cpu_ms), seconds(budgets.wall_ms)),
            format!("{} of memory", mebibytes(u64::try_from(budgets.memory_bytes).unwrap_or(u64::MAX))),
            format!(
                "{}, {} out and {} in",
                counted(budgets.requests, "request", "requests"),
                mebibytes(budgets.bytes_up),
                mebibytes(budgets.bytes_down)
            ),
            counted(budgets.host_calls.into(), "call of the host", "calls of the host"),
        ],
    ));
    text
}

/// The versions that can be gone back to, and how.
fn earlier(id: Option<&str>, versions: &[PluginVersion]) -> String {
    let (Some(id), false) = (id, versions.is_empty()) else {
        return String::new();
    };
    let lines =
        versions.iter().map(|known| format!("{} {} from {}", known.version, known.digest, source(&known.source)));
    let lines: Vec<String> = lines.collect();
    let mut text = section("Earlier versions, the latest first", &lines);
    text.push_str(&format!(
        "  `{}` goes back to the first of them\n",
        visible(&shell::line(["postroom", "plugin", "rollback", id]))
    ));
    text
}

pub(super) fn installed(answer: &PluginInstalled) -> String {
    let plugin = &answer.plugin;
    let mut text = format!("Installed {} {}.\n", visible(&plugin.id), visible(&plugin.version));
    if let Some(version) = &answer.replaced {
        text.push_str(&format!("It takes the place of {}.\n", visible(version)));
    }
    if let Some(earlier) = plugin.earlier.first() {
        let line = shell::line(["postroom", "plugin", "rollback", &plugin.id]);
        text.push_str(&format!("`{}` goes back to {}.\n", visible(&line), visible(&earlier.version)));
    }
    if answer.inherited_approval {
        text.push_str("It asks for no more than the one before, and inherits its approval.\n");
    }
    text.push_str(stopped(&answer.stops, &plugin.source).trim_start());
    if !answer.stops.is_empty() {
        text.push('\n');
    }
    text.push_str(&may_do(answer.replaced.is_some(), &answer.difference, &answer.permissions));
    text
}

/// What it may do from now on, and what of that is new.
fn may_do(was_there: bool, difference: &Difference, permissions: &Permissions) -> String {
    let rights: Vec<String> = permissions.rights().iter().map(ToString::to_string).collect();
    let mut text = section("What it may do", &rights);
    if was_there {
        text.push_str(&section("What changed", &changes(difference)));
    }
    text
}

pub(super) fn rolled_back(answer: &PluginRolledBack) -> String {
    let plugin = &answer.plugin;
    let mut text = format!(
        "Went back from {} to {} {}, with the approval that it had.\n",
        visible(&answer.left),
        visible(&plugin.id),
        visible(&plugin.version)
    );
    text.push_str(stopped(&answer.stops, &plugin.source).trim_start());
    if !answer.stops.is_empty() {
        text.push('\n');
    }
    text.push_str(&may_do(true, &answer.difference, &answer.permissions));
    text
}

fn origin(origin: PluginOrigin) -> &'static str {
    match origin {
        PluginOrigin::Bundled => "bundled",
        PluginOrigin::Installed => "installed",
        PluginOrigin::File => "a file, not installed",
    }
}

fn words<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn bytes(number: usize) -> String {
    counted(u64::try_from(number).unwrap_or(u64::MAX), "byte", "bytes")
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", grouped(bytes >> 20))
}
