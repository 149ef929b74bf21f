//! Each fault by itself, at every kind of request that a run makes.

use std::sync::Arc;

use postroom_simulators::faults::Fault;
use serde_json::{Value, json};

use crate::crowd::{self, act};
use crate::house::AUDIENCE;
use crate::menu::{self, Course, Dish, KINDS};
use crate::play::{Play, Settled, same, undisturbed};
use crate::script::Script;

/// Few enough for one batch, so that every request of a run has its place; enough for each kind of
/// contact.
const GUESTS: usize = 120;
/// A story in which contacts without consent are created as well.
const STORY: u64 = 3;

/// The fault-free book of the story that the faults go through.
fn story() -> (Arc<Script>, Arc<Vec<Settled>>) {
    let script = Arc::new(Script::new(STORY, GUESTS));
    let oracle = crowd::all(vec![act("the story without faults", || undisturbed(&script, None))]).remove(0);
    (script, Arc::new(oracle))
}

/// Plays the story with these rules in force, run by run, in each of its phases; answers how often each
/// rule struck.
async fn disturbed(script: &Script, oracle: &[Settled], rules: [Vec<Vec<Value>>; 2]) -> Vec<u64> {
    let mut play = Play::open(script).await;
    let mut struck = Vec::new();
    for (rules, settled) in rules.into_iter().zip(oracle) {
        play.begin().await;
        for rules in rules {
            play.house.faults(json!(rules)).await;
            play.run().await;
            let armed = play.house.control("faults").await;
            struck.extend(armed["rules"].as_array().unwrap().iter().map(|rule| rule["fired"].as_u64().unwrap()));
        }
        play.house.faults(json!([])).await;
        same(&play.settle().await, settled);
    }
    struck
}

/// The fault meets every kind of request once in one and the same run: each read that prepares it, the
/// push, the making of the tag and the tagging. Further hits on one call would exhaust the run's patience
/// before it comes to the next.
fn once_each(dish: &Dish) -> [Vec<Vec<Value>>; 2] {
    let [fields, members, segments, _, post, tag, patch, _] = KINDS;
    let kinds = [(fields, 0), (members, 0), (segments, 0), (post, 0), (tag, 0), (tag, 1), (patch, 0)];
    let rules: Vec<Value> = kinds.iter().map(|(kind, after)| dish.rule(&kind(), *after, Some(1))).collect();
    [vec![rules.clone()], vec![rules]]
}

/// The fault meets all requests of a kind, for as long as a run goes on.
fn lasting(dish: &Dish) -> [Vec<Vec<Value>>; 2] {
    let run = |kind: usize, after: u64| vec![dish.rule(&KINDS[kind](), after, None)];
    [vec![run(3, 0), run(4, 1)], vec![run(6, 0), run(5, 0)]]
}

#[test]
fn a_fault_at_every_kind_of_request_leaves_no_trace() {
    let (script, oracle) = story();
    let plays = menu::passing().into_iter().map(|dish| {
        let (script, oracle) = (Arc::clone(&script), Arc::clone(&oracle));
        act(dish.name, move || async move {
            let struck = disturbed(&script, &oracle, once_each(&dish)).await;
            // The first run reads, pushes, makes the tag and puts it on.
            let missed: Vec<usize> = (0..6).filter(|rule| struck[*rule] == 0).collect();
            assert_eq!(missed, [] as [usize; 0], "{} struck {struck:?}", dish.name);
        })
    });
    crowd::all(plays.collect());
}

#[test]
fn a_fault_that_lasts_for_a_whole_run_leaves_no_trace() {
    let (script, oracle) = story();
    let plays = menu::passing().into_iter().map(|dish| {
        let (script, oracle) = (Arc::clone(&script), Arc::clone(&oracle));
        act(dish.name, move || async move {
            let struck = disturbed(&script, &oracle, lasting(&dish)).await;
            assert!(struck.iter().sum::<u64>() > 0, "{} struck {struck:?}", dish.name);
        })
    });
    crowd::all(plays.collect());
}

/// The rule that strikes once after so many requests.
fn after(fault: Fault, requests: u64, further: &Value) -> Value {
    let mut rule = json!({"fault": fault, "after": requests, "times": 1, "match": {"path_contains": "/lists/"}});
    rule.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    json!([rule])
}

/// At how many requests into a run somebody acts at the provider: while it prepares, while it pushes,
/// while it tags.
const MOMENTS: [u64; 4] = [0, 2, 5, 9];

/// Asserts that a run stopped, at its beginning or on its way, and that what it said has these words.
#[track_caller]
fn stopped_with(answer: &crate::house::Answer, words: &[&str]) {
    let said = match answer.code {
        8 => answer.stderr.clone(),
        9 => answer.json()["stopped"]["message"].as_str().unwrap().to_owned(),
        code => panic!("exit code {code}: the run was to stop\n{}", answer.stdout),
    };
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

#[test]
fn a_key_that_is_revoked_on_the_way_stops_the_run_with_the_accounts_sentence() {
    assert_eq!(menu::course(Fault::RevokeKey), Course::KeyRevoked);
    let (script, oracle) = story();
    let plays = MOMENTS.map(|moment| {
        let (script, oracle) = (&script, &oracle);
        act(format!("after {moment} requests"), move || async move {
            let mut play = Play::open(script).await;
            for settled in oracle.iter() {
                play.begin().await;
                play.house.faults(after(Fault::RevokeKey, moment, &json!({}))).await;
                stopped_with(&play.run().await, &["no longer accepts the account's credentials", "API key"]);
                stopped_with(&play.run().await, &["no longer accepts the account's credentials"]);
                play.house.faults(json!([])).await;
                play.house.act_on_account("restore_key").await;
                same(&play.settle().await, settled);
            }
        })
    });
    crowd::all(plays.into());
}

#[test]
fn an_audience_that_is_deleted_on_the_way_stops_the_run_and_nothing_else_is_touched() {
    assert_eq!(menu::course(Fault::DeleteAudience), Course::AudienceDeleted);
    let script = Script::new(STORY, GUESTS);
    let plays = MOMENTS.map(|moment| {
        let script = &script;
        act(format!("after {moment} requests"), move || async move {
            let mut play = Play::open(script).await;
            let other = json!({"audiences": [{"id": "0123456789", "name": "Theirs", "members": script.members}]});
            play.house.tell(reqwest::Method::POST, "seed", &other).await;
            let others = play.house.control("state?audience=0123456789").await;
            play.begin().await;
            play.house.faults(after(Fault::DeleteAudience, moment, &json!({}))).await;
            stopped_with(&play.run().await, &["does not have what was asked for", "audience"]);
            for _ in 0..2 {
                stopped_with(&play.run().await, &["does not have what was asked for", "audience"]);
            }
            let state = play.house.control("state").await;
            assert_eq!(state["audiences"].as_array().unwrap().len(), 1, "it is not made anew");
            assert_eq!(play.house.control("state?audience=0123456789").await, others);
            let entries = play.house.postroom(&["sync", "list", "--json"]).done().json();
            assert_eq!(entries.as_array().unwrap().len(), 1, "the sync stays, until somebody removes it: {AUDIENCE}");
        })
    });
    crowd::all(plays.into());
}

#[test]
fn a_merge_field_that_is_deleted_on_the_way_takes_nothing_else_with_it() {
    assert_eq!(menu::course(Fault::DeleteMergeField), Course::FieldDeleted);
    let script = Script::new(STORY, GUESTS);
    let oracle = crowd::all(vec![act("without faults", || undisturbed(&script, Some("PHONE")))]).remove(0);
    let plays = MOMENTS.map(|moment| {
        let (script, oracle) = (&script, &oracle);
        act(format!("after {moment} requests"), move || async move {
            let mut play = Play::open(script).await;
            for (phase, settled) in oracle.iter().enumerate() {
                play.begin().await;
                if phase == 0 {
                    play.house.faults(after(Fault::DeleteMergeField, moment, &json!({"name": "PHONE"}))).await;
                    play.run().await;
                    play.house.faults(json!([])).await;
                }
                same(&play.settle().await, settled);
            }
        })
    });
    crowd::all(plays.into());
}
