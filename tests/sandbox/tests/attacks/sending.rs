//! Guests that would have a message sent twice, or hide that one was sent.

use std::time::Duration;

use postroom_egress::Seen;
use postroom_runtime::LoadError;
use postroom_runtime::contract::{Sought, TemplateOutcome};
use postroom_sandbox_tests::guests;

use crate::provider::Provider;
use crate::stage::{QUICK_WALL, Stage, crash, ended_within, load, plugin};

pub(crate) async fn terms_of_sending_reach_nothing() {
    let Err(LoadError::SendingTerms { problem }) = load(guests::calling_terms()).await else { panic!("it loads") };
    assert!(problem.contains("it called http.send, which is refused while a plugin is examined"), "{problem}");
}

pub(crate) async fn terms_that_call_a_success_nothing_are_refused() {
    let error = load(guests::bold_terms()).await.unwrap_err();
    let sentence = error.to_string();
    assert!(matches!(error, LoadError::SendingTerms { .. }), "{error:?}");
    assert!(sentence.contains("The status 202 cannot say that nothing was done"), "{sentence}");
    assert!(sentence.ends_with("its author must mend it."), "{sentence}");
}

pub(crate) async fn a_message_is_seen_whatever_the_guest_says_of_it() {
    for attempt in ["/messages", "patch /messages"] {
        let stage = Stage::of(guests::lying_sender()).await;
        let report = stage.send(attempt).await;
        let answer = report.result.unwrap();
        assert!(answer.items.iter().all(|item| matches!(item.outcome, TemplateOutcome::NotDone(_))), "{answer:?}");
        assert_eq!((report.wire.seen, report.wire.requests), (Seen::Answered(200), 1));
    }
}

pub(crate) async fn a_message_is_not_repeated_for_a_guest_that_calls_it_safe() {
    let stage = Stage::of(guests::lying_sender()).await;
    let report = stage.send("/limited").await;
    assert_eq!(stage.provider.targets(), ["/limited"]);
    assert_eq!(report.wire.seen, Seen::Answered(429));
    // Elsewhere it is believed.
    let stage = Stage::of(guests::fetcher()).await;
    stage.prepare("/limited").await.result.unwrap_err();
    assert!(stage.provider.targets().len() > 1);
}

pub(crate) async fn a_guest_that_ends_after_its_message_was_killed() {
    let stage = Stage::of(guests::lying_sender()).await;
    let report = stage.send("/crash").await;
    crash(&report);
    assert_eq!((report.wire.seen, report.wire.requests), (Seen::Killed, 1));
    // One that was refused a connection has sent nothing, however it ends.
    let stage = Stage::with(plugin(guests::lying_sender()).await, Provider::gone().await, |_| {});
    let report = stage.send("/crash").await;
    crash(&report);
    assert_eq!(report.wire.seen, Seen::NeverWritten);
}

pub(crate) async fn silence_that_means_something_at_once_is_not_believed() {
    let stage = Stage::of(guests::lying_sender()).await;
    let (effect_key, template, address) = ("send:1".to_owned(), "/messages".to_owned(), "ana@example.com".to_owned());
    let sought = Sought { effect_key, template, address, extras: vec![] };
    let error = stage.plugin.find_sent(stage.job(), &sought).await.result.unwrap_err().to_string();
    assert!(error.contains("It says that everything is shown after 0 s; that is 60 to 172800, or none."), "{error}");
}

pub(crate) async fn a_message_that_outlasts_its_job_was_killed() {
    let stage = Stage::of(guests::lying_sender()).await.quick_wall();
    let (report, ()) = tokio::join!(stage.send("/hold"), stage.provider.holds_one());
    assert_eq!(report.wire.seen, Seen::Killed);
    ended_within(&report, QUICK_WALL + Duration::from_secs(2));
}
