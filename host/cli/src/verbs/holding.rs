//! `postroom hold` and `postroom resume`: all intents at once, and what stops them.

use postroom_domain::instance::Suspicion;
use postroom_service::instance::{Holding, Resumed, Waiting};
use postroom_store::intents::{Halt, Halted};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::prompt::confirm;
use crate::room::Context;
use crate::table::{self, counted, grouped, moment};

/// Why everything is held.
#[derive(Debug, clap::Args)]
pub(crate) struct HoldArgs {
    /// Why: whoever looks at an account reads it
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// How it goes on.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// Say that this store is a copy or was put back from a backup, and that no other one sends what it has
    #[arg(long)]
    after_restore: bool,
    /// Show what is held and would go out, and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Holds everything.
pub(crate) async fn hold(args: &HoldArgs, context: &Context) -> Result<Exit> {
    let halted = context.writing("hold")?.hold(&args.why).await?;
    context
        .output
        .answer(&halted, |_| "Everything is held, opt-outs apart: `postroom resume` lets it go on.".to_owned())?;
    Ok(Exit::Done)
}

/// Shows what is held, and lets it go on after a yes.
pub(crate) async fn resume(args: &ResumeArgs, context: &Context) -> Result<Exit> {
    let service = context.writing("resume")?;
    // A copy that nothing has been done with yet is found out before anything is said of it.
    service.check_instance().await?;
    let holding = service.holding().await?;
    let output = &context.output;
    if args.dry_run {
        output.answer(&holding, page)?;
        return Ok(Exit::Done);
    }
    if holding.held.is_some() && !args.yes && (args.after_restore || holding.suspicion.is_none()) {
        output.remark(&page(&holding));
        if !confirm("Let all of this go on?", output)? {
            let line = if holding.suspicion.is_some() { "--after-restore --yes" } else { "--yes" };
            return Err(Failure::needs_yes("nothing went on: somebody must say yes to what would go out")
                .with_mend(format!("`postroom resume {line}`")));
        }
    }
    output.answer(&service.resume(args.after_restore).await?, resumed)?;
    Ok(Exit::Done)
}

/// What stops, since when and why, as a sentence without its full stop.
pub(crate) fn stopped(halted: &Halted) -> String {
    let what = match halted.halt {
        Halt::Hold => "Everything is held",
        Halt::Pause { .. } => "Paused",
        Halt::Breaker { .. } => "Stopped by its breaker",
    };
    format!("{what} since {} UTC, opt-outs apart: {}", moment(halted.at), halted.why)
}

/// What is said before a verb that reaches providers.
pub(crate) fn remark(held: &Halted) -> String {
    format!("{}.\n  → `postroom resume --dry-run` shows what would go out", table::visible(&stopped(held)))
}

fn page(holding: &Holding) -> String {
    let Some(held) = &holding.held else { return "Nothing is held.".to_owned() };
    let mut text = format!("{}.\n\n", table::visible(&stopped(held)));
    text.push_str(&goes_out(&holding.waiting, "Nothing waits to go out.", "This would go out:"));
    if holding.in_doubt > 0 {
        let doubts = counted(holding.in_doubt, "intent is", "intents are");
        text.push_str(&format!("\n{doubts} in doubt and stays so: `postroom indoubt list` shows which.\n"));
    }
    if holding.suspicion == Some(Suspicion::Copied) {
        text.push_str("\nWhoever lets it go on makes it a store of its own.\n");
    }
    text
}

fn resumed(answer: &Resumed) -> String {
    if answer.lifted.is_none() {
        return "Nothing is held.".to_owned();
    }
    let waiting = goes_out(&answer.waiting, "Nothing waits to go out.", "This goes out now:");
    format!("It goes on, but for accounts that are paused.\n\n{waiting}")
}

/// What waits, or that nothing does.
fn goes_out(waiting: &[Waiting], none: &str, some: &str) -> String {
    if waiting.is_empty() {
        return format!("{none}\n");
    }
    let rows = waiting.iter().map(|Waiting { account_name, intents }| {
        [intents.kind.to_string(), account_name.clone(), grouped(intents.intents), grouped(intents.due)]
    });
    format!("{some}\n{}", table::table(["kind", "account", "intents", "due now"], rows))
}
