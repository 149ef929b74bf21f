//! Guests that want all of the time, the memory, or the host's attention.

use std::time::{Duration, Instant};

use postroom_egress::WireState;
use postroom_runtime::contract::LogLevel;
use postroom_runtime::{Budget, CallError, JobLimits, LogSource};
use postroom_sandbox_tests::guests;

use crate::stage::{MARGIN, QUICK_CPU, QUICK_WALL, Stage, crash, ended_within, failure, healthy, spent};

/// A line of the log is no longer than this, its fields included, but for the mark of its cut.
const LINE: usize = 4_096 + 8;

pub(crate) async fn a_loop_ends_with_its_cpu_budget() {
    let stage = Stage::of(guests::endless_loop()).await.quick_cpu();
    let report = stage.push("").await;
    assert_eq!(spent(&report), Budget::Cpu);
    assert!(report.cpu >= QUICK_CPU, "{:?}", report.cpu);
    // The host looks every 10 ms; a second is for a machine on which the looking is late.
    assert!(report.cpu < QUICK_CPU + Duration::from_secs(1), "{:?}", report.cpu);
    ended_within(&report, QUICK_CPU);
    assert_eq!((report.log.len(), report.wire.last), (0, WireState::Unsent));
    stage.provider_saw_nothing();
}

pub(crate) async fn a_loop_leaves_its_thread_to_other_jobs() {
    let stage = Stage::of(guests::endless_loop()).await.quick_cpu();
    let neighbour = Stage::with(healthy().await, stage.provider.clone(), |_| {});
    let others = async {
        let (began, mut answered) = (Instant::now(), 0);
        while began.elapsed() < QUICK_CPU / 2 {
            assert!(neighbour.check().await.result.is_ok());
            answered += 1;
        }
        answered
    };
    let (report, answered) = tokio::join!(stage.push(""), others);
    assert_eq!(spent(&report), Budget::Cpu);
    assert!(answered > 1, "the loop held the only thread");
}

pub(crate) async fn short_calls_without_end_are_counted() {
    for attempt in ["clock", "settings"] {
        let stage = Stage::of(guests::host_call_loop()).await;
        let report = stage.push(attempt).await;
        assert_eq!(spent(&report), Budget::HostCalls);
        assert_eq!(report.host_calls, JobLimits::default().host_calls + 1);
        ended_within(&report, JobLimits::default().cpu);
        stage.provider_saw_nothing();
    }
}

pub(crate) async fn slow_calls_without_end_end_with_the_jobs_time() {
    let stage = Stage::of(guests::host_call_loop()).await.quick_wall();
    let report = stage.push("/slowly").await;
    // Once the time is over every further request is refused at once, and such calls are counted;
    // a machine that has too much to do cuts the call off before the count is reached.
    assert!(matches!(spent(&report), Budget::HostCalls | Budget::Wall), "{report:?}");
    assert!(report.duration >= QUICK_WALL);
    ended_within(&report, QUICK_WALL + stage.limits.wind_up);
    let seen = stage.provider.targets();
    assert!((1..=50).contains(&seen.len()), "{}", seen.len());
    assert_eq!(report.wire.requests, seen.len() as u64);
}

pub(crate) async fn a_sleeper_ends_with_the_jobs_time() {
    let stage = Stage::of(guests::sleeper()).await.quick_wall();
    let report = stage.push("").await;
    assert_eq!(spent(&report), Budget::Wall);
    assert!(report.duration >= QUICK_WALL);
    ended_within(&report, QUICK_WALL + stage.limits.wind_up);
    assert!(report.cpu < QUICK_CPU, "{:?}", report.cpu);
    stage.provider_saw_nothing();
}

pub(crate) async fn memory_ends_whether_it_is_used_or_only_reserved() {
    for attempt in ["use", "reserve"] {
        let stage = Stage::of(guests::memory_bomb()).await;
        let report = stage.push(attempt).await;
        assert_eq!(spent(&report), Budget::Memory);
        let most = JobLimits::default().memory_bytes;
        assert!(report.peak_memory <= most && report.peak_memory > most / 2, "{}", report.peak_memory);
        ended_within(&report, JobLimits::default().cpu);
    }
}

pub(crate) async fn handles_that_are_never_closed_are_counted() {
    let stage = Stage::of(guests::handle_bomb()).await;
    let report = stage.push("").await;
    assert_eq!(spent(&report), Budget::Handles);
    ended_within(&report, JobLimits::default().cpu);
    stage.provider_saw_nothing();
}

pub(crate) async fn a_giant_line_is_not_taken_and_not_logged() {
    let stage = Stage::of(guests::giant_line()).await;
    // Written out it does not even fit into the guest's own memory.
    for (attempt, budget) in [("written-out", Budget::Memory), ("named-64-times", Budget::Bytes)] {
        let report = stage.push(attempt).await;
        assert_eq!(spent(&report), budget, "{attempt}");
        assert!(report.log.iter().all(|line| line.source == LogSource::Stderr), "{:?}", report.log);
        assert!(report.peak_memory <= JobLimits::default().memory_bytes);
        ended_within(&report, JobLimits::default().cpu);
    }
}

pub(crate) async fn a_flood_of_forged_lines_is_cut_counted_and_spelled_out() {
    let stage = Stage::of(guests::log_flood()).await;
    let limits = JobLimits::default();
    for (attempt, source, level, lines) in [
        ("log", LogSource::Log, LogLevel::Error, 5_000),
        // What a program prints ends at its line breaks; a forged line is a line of the guest's.
        ("stdout", LogSource::Stdout, LogLevel::Info, 10_000),
        ("stderr", LogSource::Stderr, LogLevel::Warn, 10_000),
    ] {
        let report = stage.push(attempt).await;
        assert_eq!(report.result.as_ref().unwrap().items.len(), 3);
        assert!(report.log.len() <= limits.log_lines && report.log.len() > 100, "{}", report.log.len());
        assert_eq!(report.log.len() as u64 + report.log_dropped, lines, "{attempt}");
        let size = |line: &postroom_runtime::LogLine| {
            line.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + line.message.len()
        };
        assert!(report.log.iter().map(size).sum::<usize>() <= limits.log_bytes + LINE);
        for line in &report.log {
            assert_eq!((line.source, line.level), (source, level));
            let texts = [&line.message].into_iter().chain(line.fields.iter().flat_map(|(name, value)| [name, value]));
            for text in texts {
                assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
            }
        }
        ended_within(&report, limits.cpu);
        stage.provider_saw_nothing();
    }
}

pub(crate) async fn a_recursion_without_end_is_a_crash() {
    let stage = Stage::of(guests::deep_recursion()).await;
    let report = stage.push("").await;
    assert!(!crash(&report).is_empty());
    ended_within(&report, JobLimits::default().cpu);
    stage.provider_saw_nothing();
}

pub(crate) async fn a_panic_and_an_exit_are_crashes_with_their_last_words_in_the_log() {
    let stage = Stage::of(guests::crash()).await;
    let report = stage.push("panic").await;
    crash(&report);
    let said = |line: &postroom_runtime::LogLine| {
        line.source == LogSource::Stderr && line.message.contains("the guest panics")
    };
    assert!(report.log.iter().any(said), "{:?}", report.log);
    assert!(crash(&stage.push("exit").await).contains("ended itself with status"));
    stage.provider_saw_nothing();
}

pub(crate) async fn a_crash_after_a_request_leaves_the_request_in_the_report() {
    let stage = Stage::of(guests::crash()).await;
    let report = stage.push("after-a-request").await;
    crash(&report);
    assert_eq!((report.wire.requests, report.wire.writes_answered), (1, 1));
    assert_eq!(stage.provider.targets(), ["/members"]);
}

pub(crate) async fn a_request_without_an_answer_counts_as_sent() {
    let stage = Stage::of(guests::fetcher()).await.quick_wall();
    let (report, ()) = tokio::join!(stage.push("/hold"), stage.provider.holds_one());
    // The guest was told that time is over, and answered with an error of its own.
    assert!(matches!(failure(&report), CallError::Provider(_)), "{report:?}");
    assert_eq!((report.wire.last, report.wire.unanswered_unsafe), (WireState::Unanswered, 1));
    ended_within(&report, QUICK_WALL + stage.limits.wind_up);
}

pub(crate) async fn a_call_that_is_given_up_leaves_nothing_behind() {
    let stage = Stage::of(guests::fetcher()).await;
    let began = Instant::now();
    tokio::select! {
        report = stage.push("/hold") => panic!("{report:?}"),
        () = stage.provider.holds_one() => {}
    }
    assert!(stage.push("/members").await.result.is_ok());
    assert!(began.elapsed() < MARGIN);
}

pub(crate) async fn wasi_hands_out_no_more_than_a_program_needs() {
    let stage = Stage::of(guests::wasi_bomb()).await;
    for attempt in ["random", "insecure", "zeroes"] {
        let report = stage.push(attempt).await;
        assert!(!crash(&report).is_empty());
        assert!(report.peak_memory < 16 << 20, "{attempt}: {}", report.peak_memory);
        ended_within(&report, Duration::from_secs(1));
    }
    // Four bytes for the guest, a task for the host.
    let report = stage.push("poll").await;
    assert_eq!(spent(&report), Budget::Bytes);
    ended_within(&report, JobLimits::default().cpu);
    stage.provider_saw_nothing();
}
