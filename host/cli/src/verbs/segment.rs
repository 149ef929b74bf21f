//! `postroom segment`: saved filters over contacts.

use clap::Subcommand;
use postroom_domain::contact::ContactId;
use postroom_domain::segment::LANGUAGE;
use postroom_service::segments::{
    AskSegment, Asked, SegmentCounted, SegmentExplained, SegmentInfo, SegmentPage, SegmentRenamed, Which,
};

use super::contact::{WHO, people};
use super::list::old_tags;
use super::paging::{self, MAX_PAGE, PAGE};
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::shell;
use crate::table::{self, counted, facts, moment};

/// How many contacts a preview shows unless it is said: enough to see whether they are the right ones.
const PREVIEW: u32 = 10;

/// What to do with segments.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the segments: those that were saved, and those that are there from the start
    List,
    /// Show a segment: what it says, and which syncs take it
    Show {
        /// The segment's name
        name: String,
    },
    /// Show how many contacts are in a segment, and the first of them
    Preview {
        #[command(flatten)]
        which: WhichArgs,
        #[command(flatten)]
        days: Days,
        /// Show at most so many
        #[arg(long, default_value_t = PREVIEW, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
        limit: u32,
    },
    /// List the contacts in a segment
    Members {
        #[command(flatten)]
        which: WhichArgs,
        #[command(flatten)]
        days: Days,
        /// At most so many
        #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
        limit: u32,
        /// Only contacts with a number above this
        #[arg(long, value_name = "NUMBER")]
        after: Option<i64>,
        /// All of them
        #[arg(long, conflicts_with_all = ["limit", "after"])]
        all: bool,
    },
    /// Show why a contact is in a segment, or is not
    #[command(override_usage = "postroom segment explain [OPTIONS] <WHO> <NAME|--where <CONDITION>>")]
    Explain {
        #[arg(help = WHO)]
        who: String,
        #[command(flatten)]
        which: WhichArgs,
        #[command(flatten)]
        days: Days,
    },
    /// Save a segment: it is made, or the one of that name gets this condition
    Save {
        /// Its name: the tag that its contacts get at providers
        name: String,
        /// The condition, as `postroom segment --help` shows it
        condition: String,
    },
    /// Give a segment another name
    Rename {
        /// The segment's name
        name: String,
        /// Its new name
        to: String,
    },
    /// Delete a segment; its contacts stay
    Remove {
        /// The segment's name
        name: String,
    },
}

/// Which segment is asked.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichArgs {
    /// The segment's name
    name: Option<String>,
    /// A condition in place of a name: asked, and not saved
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
}

/// Whose days are counted.
#[derive(Debug, clap::Args)]
pub(crate) struct Days {
    /// Count the days of this time zone, such as Europe/Prague; without it, those of universal time, as
    /// syncs do
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.segments().await?, |segments| overview(segments))?,
        Verb::Show { name } => output.answer(&context.reading()?.segment(&name).await?, shown)?,
        Verb::Preview { which, days, limit } => {
            let counted = context.reading()?.preview_segment(&ask(which, days), limit).await?;
            output.answer(&counted, preview)?;
        }
        Verb::Members { which, days, limit, after, all } => {
            let page = members(context, &ask(which, days), limit, after, all).await?;
            output.answer(&page, member_page)?;
        }
        Verb::Explain { who, which, days } => {
            let explained = context.reading()?.explain_segment(&ask(which, days), &who).await?;
            output.answer(&explained, explanation)?;
        }
        Verb::Save { name, condition } => {
            let saved = context.writing("segment save")?.save_segment(&name, &condition).await?;
            output.answer(&saved, |saved| {
                let line = shell::line(["postroom", "segment", "preview", saved.segment.name.as_str()]);
                format!("Saved the segment {}.\n`{line}` shows who is in it.", table::visible(&saved.segment.name))
            })?;
        }
        Verb::Rename { name, to } => {
            output.answer(&context.writing("segment rename")?.rename_segment(&name, &to).await?, renamed)?;
        }
        Verb::Remove { name } => {
            context.writing("segment remove")?.remove_segment(&name).await?;
            output.answer(&serde_json::json!({ "removed": name }), |_| {
                format!("Removed the segment {}. Its contacts stay.", table::visible(&name))
            })?;
        }
    }
    Ok(Exit::Done)
}

fn ask(which: WhichArgs, days: Days) -> AskSegment {
    let which = match (which.condition, which.name) {
        (Some(text), _) => Which::Written(text),
        (None, name) => Which::Named(name.unwrap_or_default()),
    };
    AskSegment { which, time_zone: days.time_zone }
}

async fn members(
    context: &Context,
    ask: &AskSegment,
    limit: u32,
    after: Option<i64>,
    all: bool,
) -> Result<SegmentPage> {
    let service = context.reading()?;
    let limit = if all { MAX_PAGE } else { limit };
    let mut page = service.segment_members(ask, after.map(ContactId), limit).await?;
    while let Some(after) = page.next.filter(|_| all) {
        let next = service.segment_members(ask, Some(after), limit).await?;
        page.contacts.extend(next.contacts);
        page.next = next.next;
    }
    Ok(page)
}

fn overview(segments: &[SegmentInfo]) -> String {
    let rows = segments.iter().map(|info| {
        let segment = &info.segment;
        let who = info.description.map_or_else(|| segment.text.clone(), str::to_owned);
        let gathered = segment.refreshed_at.map(moment).unwrap_or_default();
        [segment.name.clone(), who, segment.syncs.join(", "), gathered]
    });
    table::table(["segment", "who is in it", "syncs", "gathered"], rows)
}

fn shown(info: &SegmentInfo) -> String {
    let segment = &info.segment;
    let mut rows = vec![("segment", segment.name.clone()), ("condition", segment.text.clone())];
    rows.extend(info.description.map(|words| ("who is in it", words.to_owned())));
    if !segment.syncs.is_empty() {
        rows.push(("syncs", segment.syncs.join(", ")));
    }
    rows.extend(segment.refreshed_at.map(|at| ("gathered", moment(at))));
    let mut text = facts(rows);
    if info.needs_activity {
        text.push_str("\nIt asks for what campaigns did: nobody answers to that until it is recorded.\n");
    }
    text
}

/// What was asked, as it is named in a sentence.
fn named(asked: &Asked) -> String {
    table::visible(asked.segment.as_deref().unwrap_or(&asked.text))
}

fn preview(answer: &SegmentCounted) -> String {
    let verb = if answer.count == 1 { "is" } else { "are" };
    let count = counted(answer.count, "contact", "contacts");
    let mut text = format!("{count} {verb} in {}.\n", named(&answer.asked));
    if !answer.first.is_empty() {
        text.push_str(&format!("\n{}", people(&answer.first)));
    }
    let rest = answer.count.saturating_sub(u64::try_from(answer.first.len()).unwrap_or(u64::MAX));
    if rest > 0 {
        text.push_str(&format!(
            "\nThere are {} more: `{}` lists them.\n",
            table::grouped(rest),
            command(&answer.asked)
        ));
    }
    text
}

fn member_page(page: &SegmentPage) -> String {
    let mut text = people(&page.contacts);
    text.push_str(&paging::footer(page.contacts.len(), "contact", "contacts"));
    text.push_str(&paging::more(page.next.map(|id| id.0), &command(&page.asked)));
    text
}

/// The command that lists the members of what was asked.
fn command(asked: &Asked) -> String {
    let mut words = vec!["postroom", "segment", "members"];
    match &asked.segment {
        Some(name) => words.push(name),
        None => words.extend(["--where", asked.text.as_str()]),
    }
    if asked.time_zone != "UTC" {
        words.extend(["--time-zone", asked.time_zone.as_str()]);
    }
    shell::line(words)
}

fn explanation(answer: &SegmentExplained) -> String {
    let verdict = if answer.explanation.holds { "is in" } else { "is not in" };
    let lines = answer.explanation.to_string();
    let lines: String = lines.lines().map(|line| format!("{}\n", table::visible(line))).collect();
    format!("{} {verdict} {}:\n\n{lines}", table::visible(answer.email.as_str()), named(&answer.asked))
}

fn renamed(answer: &SegmentRenamed) -> String {
    let name = table::visible(&answer.segment.segment.name);
    format!("The segment is called {name} now.\n{}", old_tags(&answer.old_tags))
}

/// How segments are written, as a terminal shows it: the domain's own words, without the signs that make
/// a page of them.
pub(crate) fn language() -> String {
    let mut text = String::new();
    let mut is_sample = false;
    for line in LANGUAGE.lines() {
        if line.starts_with("```") {
            is_sample = !is_sample;
        } else if is_sample {
            text.push_str(&format!("  {line}\n"));
        } else if let Some(heading) = line.strip_prefix("# ") {
            text.push_str(&format!("{heading}:\n"));
        } else if let Some(row) = line.strip_prefix('|') {
            text.push_str(&table_row(row));
        } else {
            text.push_str(&format!("{line}\n"));
        }
    }
    text
}

/// A row of a table: what it is about, and below it the rest. The head and its rule say nothing there.
fn table_row(row: &str) -> String {
    let mut cells = row.split('|').map(str::trim).filter(|cell| !cell.is_empty());
    let about = cells.next().unwrap_or_default();
    if about == "---" || HEADS.contains(&about) {
        return String::new();
    }
    let rest: String = cells.map(|cell| format!("      {cell}\n")).collect();
    format!("  {about}\n{rest}")
}

/// The first words of the tables' heads.
const HEADS: [&str; 2] = ["what", "time"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_the_help_shows_the_whole_language() {
        let shown = language();
        assert!(shown.contains("  language = \"de\" and tag(\"guest\") and not on(\"vip\")\n"), "{shown}");
        assert!(shown.contains("  tags\n      `tag(\"guest\")`\n      in any case\n"), "{shown}");
        assert!(!shown.contains("```") && !shown.contains("---") && !shown.contains("| "), "{shown}");
        let rows = LANGUAGE.lines().filter(|line| line.starts_with("| ")).count();
        let told = shown.lines().filter(|line| line.starts_with("      ")).count();
        assert!(told >= rows - 2 * HEADS.len(), "{told} lines for {rows} rows");
    }
}
