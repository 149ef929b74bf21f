//! Providers that answer badly, and guests that ask too much of theirs.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use postroom_egress::{AccountLimits, Transport, TransportOptions, Urgency, WireState};
use postroom_runtime::{CallError, JobLimits, JobReport};
use postroom_sandbox_tests::guests;

use crate::provider::Provider;
use crate::stage::{MARGIN, QUICK_WALL, Stage, ended_within, fact, failure, healthy, plugin};

/// What the host told the guest, for a guest that hands it on.
fn told<T: std::fmt::Debug>(report: &JobReport<T>) -> &str {
    match failure(report) {
        CallError::Provider(error) => &error.detail().message,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_body_that_unpacks_to_too_much_is_not_read_to_its_end() {
    let stage = Stage::of(guests::fetcher()).await;
    let report = stage.prepare("/bomb").await;
    let limit = AccountLimits::default().max_response_bytes;
    assert_eq!(told(&report), format!("response-too-large {limit}"));
    assert_eq!(report.wire.last, WireState::Unanswered);
    assert!(report.wire.bytes_down < 1 << 20, "{}", report.wire.bytes_down);
    assert!(report.peak_memory < 16 << 20, "nothing of it reached the guest: {}", report.peak_memory);
    ended_within(&report, JobLimits::default().cpu);
}

pub(crate) async fn a_body_without_an_end_is_not_read_to_its_end() {
    let stage = Stage::of(guests::fetcher()).await;
    let report = stage.prepare("/endless").await;
    let limit = AccountLimits::default().max_response_bytes;
    assert_eq!(told(&report), format!("response-too-large {limit}"));
    assert!(report.wire.bytes_down < 2 * limit, "{}", report.wire.bytes_down);
    ended_within(&report, JobLimits::default().cpu);
}

pub(crate) async fn a_body_that_drips_ends_with_the_jobs_time() {
    let stage = Stage::of(guests::fetcher()).await.quick_wall();
    let report = stage.prepare("/drip").await;
    assert_eq!(told(&report), "timed-out");
    assert_eq!(report.wire.last, WireState::Unanswered);
    assert!(report.duration >= QUICK_WALL);
    ended_within(&report, QUICK_WALL + stage.limits.wind_up);
}

pub(crate) async fn requests_are_counted() {
    let stage = Stage::of(guests::request_flood()).await;
    let report = stage.check().await;
    let most = JobLimits::default().egress.requests;
    assert_eq!(fact(&report, "answered"), most.to_string());
    assert_eq!(fact(&report, "last"), format!("budget-spent The job has made its {most} requests."));
    assert_eq!((report.wire.requests, stage.provider.seen().len() as u64), (most, most));
}

/// More jobs than there are slots.
const CROWD: usize = 12;

/// How long the first of a crowd hold what they have, in place of production's five minutes: until
/// after the last has begun, on a machine that has too much to do.
const HELD: Duration = Duration::from_secs(3);

/// How long the others wait for it, in place of production's half minute.
const PATIENCE: Duration = Duration::from_millis(200);

/// An account with three slots for plugins that give none back.
async fn crowded(transport: Transport) -> Stage {
    let mut stage = Stage::with(plugin(guests::fetcher()).await, Provider::start().await, |config| {
        config.limits.max_concurrency = NonZeroU32::new(3).unwrap();
        config.timeouts.limiter_wait = PATIENCE;
        config.transport = transport;
    });
    stage.limits.egress.time = HELD;
    stage
}

/// Starts jobs that hold a connection each for as long as they can, and answers the most that the
/// provider had open at one time. Meanwhile something else is asked for.
async fn crowd(stage: &Stage, meanwhile: impl AsyncFnOnce(&Stage)) -> usize {
    let began = Instant::now();
    let tasks: Vec<_> = (0..CROWD)
        .map(|_| {
            let (plugin, job) = (stage.plugin.clone(), stage.job());
            tokio::spawn(async move { plugin.prepare(job, "/hold").await })
        })
        .collect();
    stage.provider.holds_one().await;
    meanwhile(stage).await;
    for task in tasks {
        let report = task.await.unwrap();
        // Who got a connection had no answer in time, who got none was told to come later.
        assert!(matches!(told(&report), "timed-out" | "rate-limited"), "{report:?}");
    }
    assert!(began.elapsed() < HELD + MARGIN, "{:?}", began.elapsed());
    stage.provider.most_held()
}

pub(crate) async fn an_account_takes_no_more_connections_than_it_may_and_leaves_one_free() {
    let stage = crowded(Transport::default()).await;
    let most = crowd(&stage, async |stage| {
        // An opt-out takes the slot that bulk jobs leave free.
        let mut job = stage.job();
        job.urgency = Urgency::Prompt;
        assert!(stage.plugin.push(job, "/members", b"", &[]).await.result.is_ok());
    })
    .await;
    assert_eq!(most, 2);
}

pub(crate) async fn an_account_that_takes_all_it_may_does_not_starve_another() {
    let transport = Transport::new(TransportOptions { max_calls: 4, ..TransportOptions::default() });
    let stage = crowded(transport.clone()).await;
    let neighbour = Stage::with(healthy().await, Provider::start().await, |config| config.transport = transport);
    let most = crowd(&stage, async |_| {
        assert_eq!(fact(&neighbour.check().await, "account"), "status 200");
    })
    .await;
    assert_eq!(most, 2);
}
