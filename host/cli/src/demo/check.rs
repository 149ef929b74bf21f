//! Whether the demo's reports add up: with themselves, with the list, and with the provider.

use postroom_domain::outcome::OutcomeClass;
use postroom_store::runs::{Run, RunState};

use super::stage::Stage;
use crate::failure::{Failure, Result};
use crate::output::{Audience, Output};

/// A run that adds up, and what the provider had after it.
pub(super) struct Checked {
    pub(super) run: Run,
    pub(super) members: u64,
}

/// Checks the latest run.
pub(super) async fn check(stage: &Stage, list: &str) -> Result<Checked> {
    let service = stage.context(Output::new(Audience::Nobody)).reading()?;
    let run = service.runs(None, 1).await?.into_iter().next();
    let run = run.ok_or_else(|| Failure::internal("the run is not among the runs"))?;
    let entries = service.list(list, 0, 1).await?.list.entries;
    adds_up(&run, entries)?;
    Ok(Checked { run, members: stage.members().await? })
}

/// Every entry ends in one count, all entries were counted, and nothing went wrong.
fn adds_up(run: &Run, entries: u64) -> Result<()> {
    let counts = &run.summary.counts;
    let sum: u64 = OutcomeClass::ALL.iter().map(|class| counts.of(*class)).sum();
    require(run, "its counts add up to its entries", sum, counts.entries)?;
    require(run, "its entries are those of the list", counts.entries, entries)?;
    require(run, "nothing failed", counts.failed, 0)?;
    require(run, "nothing is pending", counts.pending, 0)?;
    if run.summary.state == RunState::Finished {
        return Ok(());
    }
    Err(Failure::internal(format!("run {} did not come to its end", run.id)))
}

/// The provider has exactly the members that the two runs say they added.
pub(super) fn both(first: &Checked, second: &Checked) -> Result<()> {
    let added = first.run.summary.counts.added;
    require(&first.run, "the provider has the members that it added", first.members, added)?;
    let added = added + second.run.summary.counts.added;
    require(&second.run, "the provider has the members that both added", second.members, added)
}

fn require(run: &Run, what: &str, is: u64, should: u64) -> Result<()> {
    if is == should {
        return Ok(());
    }
    Err(Failure::internal(format!("the report of run {} does not add up ({what}: {is} is not {should})", run.id)))
}
