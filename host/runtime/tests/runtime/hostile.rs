//! What a plugin does not get away with. After each attempt a healthy plugin on the same engine
//! still answers.

use std::time::{Duration, Instant};

use postroom_egress::WireState;
use postroom_runtime::contract::{BatchAnswer, ItemOutcome, ProviderError};
use postroom_runtime::{Budget, CallError, JobLimits, JobReport, LogSource};

use crate::provider::Provider;
use crate::stage::{account, failure, healthy, hostile, job, job_within, tight, writes};

/// Has the hostile plugin try something, then a healthy one work.
async fn attempt(name: &str, limits: JobLimits) -> JobReport<BatchAnswer> {
    let (plugin, provider) = (hostile().await, Provider::start().await);
    let account = account(plugin, &provider);
    let report = plugin.push(job_within(account.clone(), limits), name, b"", &writes(3)).await;
    let after = healthy().await.push(job(account), "echo", b"", &writes(3)).await;
    assert_eq!(after.result.unwrap().items.len(), 3);
    report
}

fn spent(report: &JobReport<BatchAnswer>) -> Budget {
    match failure(report) {
        CallError::Budget { which, .. } => *which,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_loop_ends_with_its_cpu_budget() {
    let limits = JobLimits { cpu: Duration::from_millis(300), ..JobLimits::default() };
    let report = attempt("spin", limits).await;
    assert_eq!(spent(&report), Budget::Cpu);
    assert!(report.cpu >= Duration::from_millis(300), "{:?}", report.cpu);
    assert!(report.cpu < Duration::from_millis(600), "{:?}", report.cpu);
    assert_eq!(report.wire.requests, 0);
}

#[tokio::test]
async fn a_loop_leaves_the_thread_to_others() {
    let (plugin, provider) = (hostile().await, Provider::start().await);
    let account = account(plugin, &provider);
    let limits = JobLimits { cpu: Duration::from_millis(500), ..JobLimits::default() };
    let other = async {
        let began = Instant::now();
        let mut answered = 0;
        while began.elapsed() < Duration::from_millis(250) {
            let healthy = healthy().await;
            let spec = job(account.clone());
            healthy.push(spec, "echo", b"", &writes(1)).await.result.unwrap();
            answered += 1;
        }
        answered
    };
    let spinning = plugin.push(job_within(account.clone(), limits), "spin", b"", &[]);
    let (report, answered) = tokio::join!(spinning, other);
    assert_eq!(spent(&report), Budget::Cpu);
    assert!(answered > 1, "the spinning guest held the only thread");
}

#[tokio::test]
async fn a_sleeper_ends_with_its_wall_time() {
    let report = attempt("sleep", tight()).await;
    assert_eq!(spent(&report), Budget::Wall);
    assert!(report.cpu < Duration::from_millis(300));
}

#[tokio::test]
async fn memory_tables_and_stacks_end() {
    let report = attempt("memory", JobLimits::default()).await;
    assert_eq!(spent(&report), Budget::Memory);
    assert!(report.peak_memory <= 64 << 20);

    let narrow = JobLimits { table_elements: 1, ..JobLimits::default() };
    assert_eq!(spent(&attempt("spin", narrow).await), Budget::Table);

    let report = attempt("recurse", JobLimits::default()).await;
    assert!(matches!(failure(&report), CallError::Trap { .. }));
}

#[tokio::test]
async fn a_panic_is_a_crash_with_its_message_in_the_log() {
    let report = attempt("panic", JobLimits::default()).await;
    assert!(matches!(failure(&report), CallError::Trap { .. }));
    let panicked =
        report.log.iter().any(|line| line.source == LogSource::Stderr && line.message.contains("the guest panics"));
    assert!(panicked, "{:?}", report.log);

    let report = attempt("exit", JobLimits::default()).await;
    let CallError::Trap { what } = failure(&report) else { panic!("{report:?}") };
    assert!(what.contains("ended itself"), "{what}");
}

#[tokio::test]
async fn floods_of_lines_are_counted_and_dropped() {
    for (name, source) in [("log-flood", LogSource::Log), ("print-flood", LogSource::Stdout)] {
        let report = attempt(name, JobLimits::default()).await;
        assert!(report.result.is_ok(), "{:?}", report.result);
        assert_eq!(report.log.len(), JobLimits::default().log_lines);
        assert_eq!(report.log_dropped, 4_000);
        let last = report.log.last().unwrap();
        assert_eq!((last.source, last.message.as_str()), (source, "line 999"));
    }
}

#[tokio::test]
async fn calls_of_the_host_are_counted_and_measured() {
    let report = attempt("host-calls", JobLimits::default()).await;
    assert_eq!(spent(&report), Budget::HostCalls);

    let report = attempt("long-argument", JobLimits::default()).await;
    assert_eq!(spent(&report), Budget::Bytes);

    let few = JobLimits { handles: 1, ..JobLimits::default() };
    assert_eq!(spent(&attempt("sleep", few).await), Budget::Handles);
}

#[tokio::test]
async fn an_undeclared_origin_is_denied_and_nothing_is_sent() {
    let report = attempt("undeclared-origin", JobLimits::default()).await;
    let CallError::Denied { error, .. } = failure(&report) else { panic!("{report:?}") };
    assert!(matches!(error, ProviderError::Other(_)));
    assert_eq!(report.wire.requests, 0);
    assert_eq!(report.wire.last, WireState::Unsent);

    // A denial is an answer, not a trap: a plugin may do without.
    let report = attempt("undeclared-origin-ignored", JobLimits::default()).await;
    assert_eq!(report.result.unwrap().items.len(), 3);
}

#[tokio::test]
async fn answers_for_what_was_not_asked_are_not_used() {
    for (name, fault) in [
        ("forged-key", "the key 999, which it was not given"),
        ("same-key-twice", "twice for the key 1"),
        ("forged-id", "control character"),
    ] {
        let report = attempt(name, JobLimits::default()).await;
        let CallError::Malformed { what } = failure(&report) else { panic!("{name}: {report:?}") };
        assert!(what.contains(fault), "{name}: {what}");
    }
}

#[tokio::test]
async fn long_texts_are_cut_and_long_bytes_refused() {
    let report = attempt("long-texts", JobLimits::default()).await;
    for item in report.result.unwrap().items {
        let ItemOutcome::Skipped(reason) = item.outcome else { panic!("{item:?}") };
        assert!(reason.len() < 1_100, "{}", reason.len());
        assert!(!reason.contains('\n'));
        assert!(reason.ends_with('…'));
    }

    let (plugin, provider) = (hostile().await, Provider::start().await);
    let account = account(plugin, &provider);
    let report = plugin.prepare(job(account.clone()), "large-preparation").await;
    assert!(matches!(failure(&report), CallError::Malformed { .. }));
    let report = plugin.prepare(job(account), "huge-answer").await;
    assert!(matches!(failure(&report), CallError::Budget { which: Budget::Bytes, .. }));
}

#[tokio::test]
async fn a_crash_after_a_request_leaves_the_request_in_the_report() {
    let report = attempt("then-trap", JobLimits::default()).await;
    assert!(matches!(failure(&report), CallError::Trap { .. }));
    assert_eq!(report.wire.requests, 1);
    assert_eq!(report.wire.writes_answered, 1);
}

#[tokio::test]
async fn a_request_without_an_answer_ends_with_the_job_and_counts_as_sent() {
    let (plugin, provider) = (hostile().await, Provider::start().await);
    let account = account(plugin, &provider);
    let spec = job_within(account, tight());
    let pushing = plugin.push(spec, "slow-request", b"", &[]);
    let (report, ()) = tokio::join!(pushing, provider.slow_request_arrived());
    // The plugin was told that time is over, and answered with an error of its own.
    assert!(matches!(failure(&report), CallError::Provider(_)), "{report:?}");
    assert_eq!(report.wire.last, WireState::Unanswered);
    assert_eq!(report.wire.unanswered_unsafe, 1);
    assert!(report.cpu < Duration::from_millis(300));
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_behind() {
    let (plugin, provider) = (hostile().await, Provider::start().await);
    let account = account(plugin, &provider);
    let writes = writes(1);
    {
        let call = plugin.push(job(account.clone()), "slow-request", b"", &writes);
        tokio::select! {
            report = call => panic!("{report:?}"),
            () = provider.slow_request_arrived() => {}
        }
    }
    let after = healthy().await.push(job(account), "a1", b"", &writes).await;
    assert_eq!(after.result.unwrap().items.len(), 1);
}
