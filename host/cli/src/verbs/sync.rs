//! `postroom sync`: a list or a segment tied to an audience, planned and run.

use std::sync::Arc;

use clap::Subcommand;
use postroom_domain::decision::Newcomers;
use postroom_domain::purpose::PurposeName;
use postroom_service::syncs::{AddSync, EditSync, PurposeChoice, SyncSaved, SyncSource, TagChoice};
use postroom_service::{ErrorKind, Service, ServiceError};
use postroom_store::syncs::Sync;
use postroom_sync::{Plan, RunOptions, RunReport};

use super::report::{self, Sums};
use super::schedule;
use crate::exit::Exit;
use crate::failure::Result;
use crate::progress::Bar;
use crate::prompt::confirm;
use crate::room::Context;
use crate::shell;
use crate::table::{self, counted, facts, numbers};

/// What to do with syncs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List the syncs
    List,
    /// Show a sync as it stands
    Show {
        /// The sync's name
        name: String,
    },
    /// Tie a list or a segment to an audience. The mapping is checked against both sides
    Add(AddArgs),
    /// Change a sync. Its list or segment and its audience stay
    Edit(EditArgs),
    /// Remove a sync with its memory and its runs. What it put at the provider stays there
    Remove {
        /// The sync's name
        name: String,
    },
    /// Show what a run would do now. Sends nothing; who is in a segment is gathered first
    Plan {
        /// The sync's name
        name: String,
        /// Count contacts that were refused before as if they were sent again
        #[arg(long)]
        retry_rejected: bool,
        /// Compare every entry, also when what moved since the last run is known
        #[arg(long)]
        full: bool,
    },
    /// Run a sync
    Run(RunArgs),
    /// Let a sync run by itself: by the clock, after changes, or both. A daemon has to be at work for it
    Schedule(schedule::ScheduleArgs),
    /// List when syncs run by themselves
    Schedules,
    /// Pause a schedule. What falls into the pause is not made up for
    Pause {
        /// The sync's name
        name: String,
    },
    /// Go on with a schedule that was paused
    Resume {
        /// The sync's name
        name: String,
    },
    /// List what became of the last times of a schedule
    Ticks {
        /// The sync's name
        name: String,
        /// How many, the latest first
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
}

/// What a sync is made of.
#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// Its name
    name: String,
    #[command(flatten)]
    source: Source,
    /// The account
    #[arg(long)]
    account: String,
    /// The audience, by its id or its name
    #[arg(long)]
    audience: String,
    /// A local field and the remote one that it fills, as in firstname=FNAME, address=ADDRESS or
    /// street=ADDRESS.line1; without any, fields of the same meaning are tied
    #[arg(long = "map", value_name = "LOCAL=REMOTE")]
    map: Vec<String>,
    /// What becomes of contacts without a recorded consent that the audience does not have:
    /// skip, unsubscribed, no-marketing or double-opt-in
    #[arg(long, value_name = "POLICY")]
    newcomers: Newcomers,
    /// The tag for its members; without it, the name of the list or the segment
    #[arg(long)]
    tag: Option<String>,
    /// What its contacts are written to for: who withdrew for this purpose is left out, and one that rests on
    /// consent needs a grant
    #[arg(long)]
    purpose: Option<PurposeName>,
    /// Ask before more than this share of the members is untagged, unsubscribed or newly subscribed
    #[arg(long = "ask-above", value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    ask_above: Option<u8>,
}

/// Whom a sync takes.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Source {
    /// The list that it takes
    #[arg(long)]
    list: Option<String>,
    /// The segment that it takes, saved or predefined: at each run, who is in it then, by the days of
    /// universal time
    #[arg(long)]
    segment: Option<String>,
}

/// What can be changed of a sync.
#[derive(Debug, clap::Args)]
pub(crate) struct EditArgs {
    /// The sync's name
    name: String,
    /// Its new name
    #[arg(long, value_name = "NAME")]
    rename: Option<String>,
    /// The whole mapping anew, pair by pair
    #[arg(long = "map", value_name = "LOCAL=REMOTE")]
    map: Vec<String>,
    /// Another policy for contacts without a recorded consent
    #[arg(long, value_name = "POLICY")]
    newcomers: Option<Newcomers>,
    /// Another tag: the next run takes the old one off and puts this one on
    #[arg(long, conflicts_with = "tag_from_list")]
    tag: Option<String>,
    /// The present name of the list or the segment as the tag
    #[arg(long)]
    tag_from_list: bool,
    /// Another purpose
    #[arg(long, conflicts_with = "no_purpose")]
    purpose: Option<PurposeName>,
    /// No purpose any more
    #[arg(long)]
    no_purpose: bool,
    /// Ask before more than this share of the members is untagged, unsubscribed or newly subscribed
    #[arg(long = "ask-above", value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    ask_above: Option<u8>,
}

/// How a sync is run.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The sync's name
    name: String,
    /// Yes to whatever the run would ask
    #[arg(long)]
    yes: bool,
    /// Send at most so many contacts, to see how it goes
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    first: Option<u64>,
    /// Send contacts again that were refused before, though they have not changed
    #[arg(long)]
    retry_rejected: bool,
    /// Compare every entry, also when what moved since the last run is known
    #[arg(long)]
    full: bool,
    /// Show what it would do, and send nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

pub(crate) async fn act(verb: Verb, context: &Context) -> Result<Exit> {
    let output = &context.output;
    match verb {
        Verb::List => output.answer(&context.reading()?.syncs().await?, |syncs| overview(syncs))?,
        Verb::Show { name } => output.answer(&context.reading()?.sync(&name).await?, described)?,
        Verb::Add(args) => {
            let saved = context.writing("sync add")?.add_sync(args.into()).await?;
            output.answer(&saved, |saved| page("Added", saved))?;
        }
        Verb::Edit(args) => {
            let saved = context.writing("sync edit")?.edit_sync(args.into()).await?;
            output.answer(&saved, |saved| page("Changed", saved))?;
        }
        Verb::Remove { name } => {
            context.writing("sync remove")?.remove_sync(&name).await?;
            output.answer(&serde_json::json!({ "removed": name }), |_| {
                format!("Removed the sync {}. What it put at the provider stays there.", table::visible(&name))
            })?;
        }
        Verb::Plan { name, retry_rejected, full } => {
            plan(context, &name, &RunOptions { retry_rejected, full, ..RunOptions::default() }).await?;
        }
        Verb::Run(args) if args.dry_run => plan(context, &args.name, &options(&args)).await?,
        Verb::Run(args) => return run(args, context).await,
        Verb::Schedule(args) => return schedule::set(args, context).await,
        Verb::Schedules => return schedule::list(context).await,
        Verb::Pause { name } => return schedule::pause(&name, context).await,
        Verb::Resume { name } => return schedule::resume(&name, context).await,
        Verb::Ticks { name, limit } => return schedule::ticks(&name, limit, context).await,
    }
    Ok(Exit::Done)
}

fn options(args: &RunArgs) -> RunOptions {
    RunOptions {
        first: args.first,
        retry_rejected: args.retry_rejected,
        full: args.full,
        approved: args.yes,
        ..RunOptions::default()
    }
}

async fn plan(context: &Context, name: &str, options: &RunOptions) -> Result<()> {
    let reading = context.reading()?;
    let service = if reading.sync(name).await?.is_segment {
        // Who is in the segment is gathered first, and that is written.
        drop(reading);
        context.writing("sync plan")?
    } else {
        reading
    };
    let plan = service.plan_sync(name, options).await?;
    context.output.answer(&plan, planned)
}

async fn run(args: RunArgs, context: &Context) -> Result<Exit> {
    let mut options = options(&args);
    let service = context.reaching("sync run").await?;
    let report = match carry_out(&service, &args.name, &options, context).await {
        Err(error) if error.kind() == ErrorKind::NeedsApproval && context.output.can_ask() => {
            context.output.remark(&planned(&service.plan_sync(&args.name, &options).await?));
            if !confirm("Run it?", &context.output)? {
                return Err(error.into());
            }
            options.approved = true;
            carry_out(&service, &args.name, &options, context).await?
        }
        answer => answer?,
    };
    context.output.answer(&report, reported)?;
    Ok(ending(&report))
}

async fn carry_out(
    service: &Arc<Service>,
    name: &str,
    options: &RunOptions,
    context: &Context,
) -> std::result::Result<RunReport, ServiceError> {
    let bar = Bar::new(&context.output, "entries");
    service.run_sync(name, options, move |progress| bar.at(progress.entries, progress.of)).await
}

/// What the end of a run means to a script.
fn ending(report: &RunReport) -> Exit {
    match (&report.stopped, report.counts.failed) {
        (Some(_), _) => Exit::Stopped,
        (None, 0) => Exit::Done,
        (None, _) => Exit::FailedContacts,
    }
}

fn reported(report: &RunReport) -> String {
    report::page(&Sums {
        run: report.run,
        sync: &report.sync,
        counts: report.counts,
        tags: report.tags,
        address_omitted: report.address_omitted,
        discovery: Some(report.discovery),
        warnings: &report.warnings,
        stopped: report.stopped.as_ref(),
    })
}

fn overview(syncs: &[Sync]) -> String {
    if syncs.is_empty() {
        return "There is no sync yet: `postroom sync add NAME --list … --account … --audience … --newcomers …` adds \
                one, and --segment ties a segment."
            .to_owned();
    }
    let rows = syncs.iter().map(|sync| {
        [
            sync.name.clone(),
            format!("{} {}", source(sync), sync.list),
            format!("{} / {}", sync.audience.account, sync.audience.name),
            sync.tag.clone().unwrap_or_default(),
            sync.last_run.map_or_else(|| "never run".to_owned(), |run| format!("run {run}")),
        ]
    });
    table::table(["sync", "takes", "audience", "tag", "last run"], rows)
}

/// What kind of thing a sync takes.
fn source(sync: &Sync) -> &'static str {
    if sync.is_segment { "segment" } else { "list" }
}

fn page(what: &str, saved: &SyncSaved) -> String {
    let sync = &saved.sync;
    let mut text = format!("{what} the sync {}.\n\n{}", table::visible(&sync.name), described(sync));
    if saved.suggested {
        text.push_str("\nThe mapping was suggested from the names of the fields: --map says otherwise.\n");
    }
    if !saved.unfilled.is_empty() {
        text.push_str(&format!("Nothing fills {}.\n", table::visible(&saved.unfilled.join(", "))));
    }
    let line = shell::line(["postroom", "sync", "plan", sync.name.as_str()]);
    text.push_str(&format!("\n`{line}` shows what a run would do.\n"));
    text
}

fn described(sync: &Sync) -> String {
    let pairs: Vec<String> = sync.pairs.iter().map(ToString::to_string).collect();
    let purpose = sync.purpose.as_ref().map(|purpose| format!("{} ({})", purpose.name, purpose.basis));
    facts([
        (source(sync), sync.list.clone()),
        ("audience", format!("{} / {} ({})", sync.audience.account, sync.audience.name, sync.audience.remote_id)),
        ("mapping", pairs.join(", ")),
        ("purpose", purpose.unwrap_or_else(|| "none".to_owned())),
        ("newcomers", sync.newcomers.as_str().to_owned()),
        ("tag", sync.tag.clone().unwrap_or_else(|| "none".to_owned())),
        ("asks above", format!("{} %", sync.breaker_percent)),
    ])
}

fn planned(plan: &Plan) -> String {
    let mut text = format!(
        "A run of {} would read {}:\n\n",
        table::visible(&plan.sync),
        counted(plan.entries, "entry", "entries")
    );
    text.push_str(&numbers([
        ("create", plan.create, "new members"),
        ("  subscribed", plan.subscribe, "of them, with a recorded consent"),
        ("update", plan.update, "members with other values"),
        ("rename", plan.rename, "members with another address"),
        ("unsubscribe", plan.unsubscribe, "members that withdrew their consent here"),
        ("tag", plan.tag, "tags to put on"),
        ("untag", plan.untag, "tags to take off"),
        ("tags owed", plan.tags_owed, "tags that the member's status did not allow"),
        ("without address", plan.address_omitted, "contacts whose address is incomplete"),
    ]));
    text.push_str("\nNothing is sent for:\n\n");
    text.push_str(&report::settled(&plan.settled));
    for (kind, samples) in &plan.samples {
        let emails: Vec<String> = samples.iter().map(|planned| table::visible(&planned.email)).collect();
        text.push_str(&format!("\n{kind}: {}", emails.join(", ")));
    }
    text.push_str(&format!("\nEntries were found {}.\n", plan.discovery));
    for notice in &plan.notices {
        text.push_str(&format!("\nNote: {}.\n", table::visible(notice)));
    }
    for trip in &plan.trips {
        text.push_str(&format!("\nIt would ask first: {trip}.\n"));
    }
    text
}

impl From<Source> for SyncSource {
    fn from(source: Source) -> Self {
        match (source.segment, source.list) {
            (Some(segment), _) => Self::Segment(segment),
            (None, list) => Self::List(list.unwrap_or_default()),
        }
    }
}

impl From<AddArgs> for AddSync {
    fn from(args: AddArgs) -> Self {
        Self {
            name: args.name,
            source: args.source.into(),
            account: args.account,
            audience: args.audience,
            map: (!args.map.is_empty()).then_some(args.map),
            newcomers: args.newcomers,
            tag: args.tag,
            purpose: args.purpose,
            breaker_percent: args.ask_above,
        }
    }
}

impl From<EditArgs> for EditSync {
    fn from(args: EditArgs) -> Self {
        Self {
            name: args.name,
            rename: args.rename,
            map: (!args.map.is_empty()).then_some(args.map),
            newcomers: args.newcomers,
            tag: if args.tag_from_list { Some(TagChoice::ListName) } else { args.tag.map(TagChoice::Own) },
            purpose: if args.no_purpose { Some(PurposeChoice::None) } else { args.purpose.map(PurposeChoice::For) },
            breaker_percent: args.ask_above,
        }
    }
}

#[cfg(test)]
mod tests {
    use postroom_domain::discovery::Discovery;
    use postroom_domain::outcome::{Counts, OutcomeClass, Reason, TagCounts};

    use super::*;

    fn report(failed: u64, stopped: bool) -> RunReport {
        let mut counts = Counts::default();
        counts.book(OutcomeClass::Failed, failed);
        RunReport {
            run: 1,
            sync: "guests".into(),
            counts,
            tags: TagCounts::default(),
            address_omitted: 0,
            discovery: Discovery::Cursor,
            warnings: Vec::new(),
            stopped: stopped.then(|| Reason::new("unavailable", "the provider is away")),
        }
    }

    #[test]
    fn a_run_tells_its_end_by_the_exit_code() {
        assert_eq!(ending(&report(0, false)), Exit::Done);
        assert_eq!(ending(&report(1, false)), Exit::FailedContacts);
        assert_eq!(ending(&report(1, true)), Exit::Stopped);
    }
}
