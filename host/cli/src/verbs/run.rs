//! `postroom run`: reports, and every number of them down to the entry and the reason.

use clap::Subcommand;
use postroom_service::runs::{NumberName, OutcomePage};
use postroom_store::runs::{OutcomeRow, Run, RunState};

use super::paging::{self, MAX_PAGE, PAGE};
use super::report::{self, Sums};
use crate::exit::Exit;
use crate::failure::Result;
use crate::room::Context;
use crate::table::{self, grouped, moment};

/// What to look at.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the latest runs
    List {
        /// Only runs of this sync
        #[arg(long)]
        sync: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)))]
        limit: u32,
    },
    /// Show a run's report, or open one of its numbers
    Show {
        /// The run's number
        run: i64,
        /// The number to open: added, updated, written, unchanged, duplicate, invalid, blocked, skipped, pending,
        /// failed, tags-added, tags-removed, tags-refused, address-omitted or left-out
        #[arg(long, value_name = "NUMBER")]
        of: Option<NumberName>,
        /// At most so many entries
        #[arg(long, default_value_t = PAGE, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_PAGE)), requires = "of")]
        limit: u32,
        /// Only entries behind this row
        #[arg(long, value_name = "ROW", default_value_t = 0, requires = "of")]
        after: u64,
        /// All of them
        #[arg(long, conflicts_with_all = ["limit", "after"], requires = "of")]
        all: bool,
    },
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let service = context.reading()?;
    match verb {
        Verb::List { sync, limit } => {
            context.output.answer(&service.runs(sync.as_deref(), limit).await?, |runs| overview(runs))?;
        }
        Verb::Show { run, of: None, .. } => context.output.answer(&service.run(run).await?, page)?,
        Verb::Show { run, of, limit, after, all } => {
            let limit = if all { MAX_PAGE } else { limit };
            let mut page = service.run_outcomes(run, of, after, limit).await?;
            while let Some(after) = page.next.filter(|_| all) {
                let next = service.run_outcomes(run, of, after, limit).await?;
                page.outcomes.extend(next.outcomes);
                page.next = next.next;
            }
            context.output.answer(&page, outcomes)?;
        }
    }
    Ok(Exit::Done)
}

fn overview(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "There is no run yet: `postroom sync run NAME` makes one.".to_owned();
    }
    let rows = runs.iter().map(|run| {
        let counts = &run.summary.counts;
        [
            run.id.to_string(),
            run.sync.clone(),
            moment(run.started_at),
            state(run.summary.state).to_owned(),
            grouped(counts.entries),
            grouped(counts.added + counts.updated + counts.written),
            grouped(counts.failed),
        ]
    });
    table::table(["run", "sync", "began", "state", "entries", "sent", "failed"], rows)
}

fn state(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Finished => "finished",
        RunState::Stopped => "stopped",
        RunState::Interrupted => "interrupted",
    }
}

fn page(run: &Run) -> String {
    let summary = &run.summary;
    let mut text = report::page(&Sums {
        run: run.id,
        sync: &run.sync,
        counts: summary.counts,
        tags: summary.tags,
        address_omitted: summary.address_omitted,
        discovery: summary.discovery,
        warnings: &summary.warnings,
        stopped: summary.stopped.as_ref(),
    });
    let ended = run.finished_at.map_or_else(|| "not ended".to_owned(), moment);
    text.push_str(&format!("\n{}: began {}, ended {ended} (UTC)\n", state(summary.state), moment(run.started_at)));
    text.push_str(&open_requests(run));
    text
}

/// What it asked for and has no answer to, which stands in no number above.
fn open_requests(run: &Run) -> String {
    let open = table::counted(run.open_requests, "request of it stands", "requests of it stand");
    match (run.open_requests, run.summary.state) {
        (0, RunState::Running) => "What it has sent so far is counted when it ends.\n".to_owned(),
        (0, _) => String::new(),
        (_, RunState::Running) => format!(
            "{open} without an answer. If its process is gone, nobody knows what became of them: the next run \
             of the sync decides about their contacts anew.\n"
        ),
        (_, _) => format!("{open} in doubt: see `postroom indoubt list`.\n"),
    }
}

fn outcomes(page: &OutcomePage) -> String {
    let rows = page.outcomes.iter().map(|row| {
        let outcome = &row.outcome;
        let position = if outcome.position == 0 { "left".to_owned() } else { outcome.position.to_string() };
        let class = outcome.class.map_or("", postroom_domain::outcome::OutcomeClass::as_str);
        [position, row.email.clone().unwrap_or_default(), class.to_owned(), remark(row)]
    });
    let mut text = table::table(["position", "e-mail", "counted as", "why"], rows);
    text.push_str(&paging::footer(page.outcomes.len(), "entry", "entries"));
    let of = page.of.as_deref().unwrap_or_default();
    text.push_str(&paging::more(page.next, &format!("postroom run show {} --of {of}", page.run)));
    text
}

/// Everything that a row has to say beside its class.
fn remark(row: &OutcomeRow) -> String {
    use postroom_store::runs::TagOutcome;
    let outcome = &row.outcome;
    let reason = outcome.reason.iter().map(|reason| reason.message.trim_end_matches('.').to_owned());
    let mut remarks: Vec<String> = reason.collect();
    remarks.extend(match outcome.tag {
        Some(TagOutcome::Added) => Some("tag put on".to_owned()),
        Some(TagOutcome::Removed) => Some("tag taken off".to_owned()),
        // Its reason says so already.
        Some(TagOutcome::Refused) if !remarks.is_empty() => None,
        Some(TagOutcome::Refused) => Some("tag neither put on nor taken off".to_owned()),
        None => None,
    });
    if outcome.address_omitted {
        remarks.push("without the address, which is incomplete".to_owned());
    }
    remarks.extend(outcome.left_out.iter().map(|(field, reason)| format!("without {field}: {reason}")));
    remarks.join("; ")
}
