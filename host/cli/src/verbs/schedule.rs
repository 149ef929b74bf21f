//! `postroom sync schedule` and its neighbours: when syncs run by themselves.

use jiff::SignedDuration;
use postroom_domain::schedule::{Misfire, Schedule, Timetable, Triggers, Zone};
use postroom_service::schedules::Scheduled;
use postroom_store::schedules::{Tick, TickOutcome};

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::room::Context;
use crate::table;

/// When a sync runs by itself.
#[derive(Debug, clap::Args)]
pub(crate) struct ScheduleArgs {
    /// The sync's name
    name: String,
    /// By the clock: five cron fields, as in '0 6 * * *' or '*/15 8-18 * * mon-fri', or 'every 15 minutes'
    #[arg(required_unless_present_any = ["on_change", "off"])]
    when: Option<String>,
    /// The time zone of the cron fields, as in Europe/Prague; without it, that of this machine
    #[arg(long, requires = "when")]
    zone: Option<Zone>,
    /// What becomes of times that were missed because no daemon ran
    #[arg(long, value_enum, default_value_t = Missed::Once, requires = "when")]
    missed: Missed,
    /// Up to which age missed times are made up for, as in '6 hours'
    #[arg(long, value_name = "DURATION", value_parser = duration, required_if_eq("missed", "all"))]
    within: Option<SignedDuration>,
    /// Spread the starts of different syncs over so long, as in '5 minutes'
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "when")]
    spread: Option<SignedDuration>,
    /// Also, or only, after something changed: once nothing has changed for so long, as in '30 seconds'
    #[arg(long, value_name = "DURATION", value_parser = duration, num_args = 0..=1, default_missing_value = "0 seconds")]
    on_change: Option<SignedDuration>,
    /// By hand only
    #[arg(long, conflicts_with_all = ["when", "on_change"])]
    off: bool,
}

/// What becomes of missed times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Missed {
    /// They are left out
    Skip,
    /// One run stands for all of them
    Once,
    /// Each is made up for, up to the age that --within says
    All,
}

fn duration(text: &str) -> std::result::Result<SignedDuration, String> {
    text.parse().map_err(|error| format!("{error}; write it as in '30 seconds', '5 minutes' or '2 hours'"))
}

impl ScheduleArgs {
    fn triggers(&self, context: &Context) -> Result<Triggers> {
        let timetable = self.when.as_deref().map(|when| self.timetable(when, context)).transpose()?;
        Triggers::new(timetable, self.on_change).map_err(|fault| Failure::usage(fault.to_string()))
    }

    fn timetable(&self, when: &str, context: &Context) -> Result<Timetable> {
        let zone = self.zone.clone().or_else(|| context.zone().and_then(|name| name.parse().ok()));
        let schedule = Schedule::read(when, zone.as_ref()).map_err(|fault| Failure::usage(fault.to_string()))?;
        let misfire = match (self.missed, self.within) {
            (Missed::All, Some(within)) => Misfire::All { within },
            (Missed::Skip, None) => Misfire::Skip,
            (Missed::Once, None) => Misfire::Once,
            (Missed::All, None) | (Missed::Skip | Missed::Once, Some(_)) => {
                return Err(Failure::usage("--missed all and --within go together"));
            }
        };
        Timetable::new(schedule, misfire, self.spread.unwrap_or_default())
            .map_err(|fault| Failure::usage(fault.to_string()))
    }
}

/// Sets or clears a schedule.
pub(super) async fn set(args: ScheduleArgs, context: &Context) -> Result<Exit> {
    if args.off {
        context.writing("sync schedule")?.unschedule_sync(&args.name).await?;
        context.output.answer(&serde_json::json!({ "unscheduled": args.name }), |_| {
            format!("{} runs by hand only.", table::visible(&args.name))
        })?;
        return Ok(Exit::Done);
    }
    let triggers = args.triggers(context)?;
    let scheduled = context.writing("sync schedule")?.schedule_sync(&args.name, &triggers).await?;
    context.output.answer(&scheduled, sentence)?;
    Ok(Exit::Done)
}

/// Pauses a schedule.
pub(super) async fn pause(name: &str, context: &Context) -> Result<Exit> {
    let scheduled = context.writing("sync pause")?.pause_sync(name).await?;
    context.output.answer(&scheduled, sentence)?;
    Ok(Exit::Done)
}

/// Goes on with a schedule.
pub(super) async fn resume(name: &str, context: &Context) -> Result<Exit> {
    let scheduled = context.writing("sync resume")?.resume_sync(name).await?;
    context.output.answer(&scheduled, sentence)?;
    Ok(Exit::Done)
}

/// Lists the schedules.
pub(super) async fn list(context: &Context) -> Result<Exit> {
    context.output.answer(&context.reading()?.schedules().await?, |schedules| overview(schedules))?;
    Ok(Exit::Done)
}

/// Lists the last ticks of a sync.
pub(super) async fn ticks(name: &str, limit: u32, context: &Context) -> Result<Exit> {
    context.output.answer(&context.reading()?.ticks(name, limit).await?, |ticks| history(ticks))?;
    Ok(Exit::Done)
}

fn when(scheduled: &Scheduled) -> String {
    let triggers = &scheduled.schedule.triggers;
    let by_clock = triggers.timetable().map(|timetable| timetable.schedule().to_string());
    let by_change = triggers.on_change_after().map(|quiet| {
        if quiet.is_zero() { "after changes".to_owned() } else { format!("once nothing has changed for {quiet:#}") }
    });
    by_clock.into_iter().chain(by_change).collect::<Vec<_>>().join(", and ")
}

fn next(scheduled: &Scheduled) -> String {
    match (scheduled.schedule.paused_at, scheduled.next_start) {
        (Some(at), _) => format!("paused since {}", table::moment(at)),
        (None, Some(next)) => format!("next at {} UTC", table::moment(next)),
        (None, None) => String::new(),
    }
}

fn sentence(scheduled: &Scheduled) -> String {
    let next = next(scheduled);
    let next = if next.is_empty() { next } else { format!(" ({next})") };
    format!(
        "{} runs by itself: {}{next}. A daemon has to be at work for it: `postroom daemon`.",
        table::visible(&scheduled.schedule.sync),
        when(scheduled)
    )
}

fn overview(schedules: &[Scheduled]) -> String {
    if schedules.is_empty() {
        return "Every sync runs by hand: `postroom sync schedule NAME 'every hour'` lets one run by itself."
            .to_owned();
    }
    let rows = schedules.iter().map(|scheduled| {
        let last = scheduled
            .schedule
            .last_tick
            .map_or_else(|| "never yet".to_owned(), |last| format!("for {}", table::moment(last)));
        [scheduled.schedule.sync.clone(), when(scheduled), next(scheduled), last]
    });
    table::table(["sync", "runs", "next", "last"], rows)
}

fn history(ticks: &[Tick]) -> String {
    if ticks.is_empty() {
        return "Nothing has come of its schedule yet.".to_owned();
    }
    let rows = ticks.iter().map(|tick| {
        let outcome = tick.finished.as_ref().map_or_else(|| "under way".to_owned(), |end| became(&end.outcome));
        let ended = tick.finished.as_ref().map(|end| table::moment(end.finished_at)).unwrap_or_default();
        [table::moment(tick.tick), table::moment(tick.taken_at), ended, outcome]
    });
    table::table(["for", "began", "ended", "became"], rows)
}

fn became(outcome: &TickOutcome) -> String {
    match outcome {
        TickOutcome::Ran { run } => format!("run {run}"),
        TickOutcome::Failed { error } => format!("no run: {error}"),
        TickOutcome::Interrupted => "cut short: the daemon ended".to_owned(),
    }
}
