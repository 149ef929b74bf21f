//! Guests whose answers are too large, or speak of what they were not asked about.

use postroom_runtime::contract::{ActOutcome, ItemOutcome};
use postroom_runtime::{Budget, JobLimits};
use postroom_sandbox_tests::guests;

use crate::stage::{Stage, ended_within, malformed, spent};

pub(crate) async fn more_bytes_than_a_call_may_hand_over_end_it() {
    let stage = Stage::of(guests::giant_answer()).await;
    let prepared = stage.prepare("too-much").await;
    assert_eq!(spent(&prepared), Budget::Bytes);
    let pushed = stage.push("").await;
    assert_eq!(spent(&pushed), Budget::Bytes);
    assert!(pushed.peak_memory <= JobLimits::default().memory_bytes);
    ended_within(&pushed, JobLimits::default().cpu);
    // One text in the guest's memory, 65,536 in the answer.
    let checked = stage.check().await;
    assert_eq!(spent(&checked), Budget::Bytes);
    assert!(checked.peak_memory < 16 << 20, "{}", checked.peak_memory);
    ended_within(&checked, JobLimits::default().cpu);
    stage.provider_saw_nothing();
}

pub(crate) async fn more_than_anybody_has_use_for_is_not_used() {
    let stage = Stage::of(guests::giant_answer()).await;
    assert!(malformed(&stage.prepare("a-little").await).contains("prepared bytes"));
    let audiences = stage.plugin.list_audiences(stage.job()).await;
    assert!(malformed(&audiences).contains("20000 audiences"));
    let templates = stage.plugin.list_templates(stage.job()).await;
    assert!(malformed(&templates).contains("20000 templates"));
    let fields = stage.plugin.list_fields(stage.job(), "").await;
    assert!(malformed(&fields).contains("20000 choices"));
}

pub(crate) async fn unknown_keys_and_keys_that_stand_twice_spoil_an_answer() {
    let stage = Stage::of(guests::forged_keys()).await;
    assert!(malformed(&stage.push("unknown").await).contains("for the key 999, which it was not given"));
    assert!(malformed(&stage.push("twice").await).contains("twice for the key 1"));
    assert!(malformed(&stage.tags("unknown").await).contains("the key 999, which it was not given"));
    assert!(malformed(&stage.tags("unknown-tag").await).contains("one of the tags of the key 1"));
    assert!(malformed(&stage.tags("twice").await).contains("twice for one of the tags of the key 1"));
    assert!(malformed(&stage.acts("unknown").await).contains("for the key 999"));
    assert!(malformed(&stage.acts("twice").await).contains("twice for the key 1"));
    assert!(malformed(&stage.send("unknown").await).contains("for the key 999"));
    assert!(malformed(&stage.send("twice").await).contains("twice for the key 1"));
}

pub(crate) async fn a_missing_key_stays_open_and_the_order_says_nothing() {
    let stage = Stage::of(guests::forged_keys()).await;
    let keys = |items: &[postroom_runtime::contract::ItemResult]| items.iter().map(|item| item.key).collect::<Vec<_>>();
    let missing = stage.push("missing").await.result.unwrap();
    assert_eq!(keys(&missing.items), [1, 2]);
    assert!(missing.items.iter().all(|item| item.outcome == ItemOutcome::Created));
    assert_eq!(keys(&stage.push("backwards").await.result.unwrap().items), [3, 2, 1]);
    let sent = stage.send("missing").await.result.unwrap();
    assert_eq!(sent.items.iter().map(|item| item.key).collect::<Vec<_>>(), [1, 2]);
    let acts = stage.acts("none").await.result.unwrap();
    assert!(!acts.items.iter().any(|item| item.outcome == ActOutcome::Done));
}
