//! Many faults at once, by a seed.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::crowd::{self, act};
use crate::menu::{self, KINDS};
use crate::play::{Play, Settled, same, undisturbed};
use crate::script::Script;

/// The seeds that every test run goes through.
const SEEDS: u64 = 30;
/// The seeds of the long mode, which `--ignored` asks for.
const SEEDS_OF_THE_LONG_MODE: u64 = 300;
/// The seed to replay.
const ONE_SEED: &str = "POSTROOM_SEED";
/// The stories that the seeds share. The last has several batches under way at a time.
const STORIES: [usize; 5] = [90, 150, 210, 270, 700];

fn story_of(seed: u64) -> usize {
    usize::try_from(seed).unwrap() % STORIES.len()
}

/// The rules of one run.
fn rules(random: &mut StdRng) -> Value {
    let menu = menu::passing();
    let rules = (0..random.random_range(1..=4)).map(|_| {
        let dish = menu.choose(random).unwrap();
        let kind = KINDS.choose(random).unwrap()();
        let after = random.random_range(0..6);
        // Four strikes in a row are the end of the host's patience.
        let times = *[1, 1, 1, 2, 3, 5].choose(random).unwrap();
        dish.rule(&kind, after, Some(times))
    });
    let mut rules: Vec<Value> = rules.collect();
    if random.random_bool(0.1) {
        rules.push(json!({"fault": "revoke_key", "after": random.random_range(0..12), "times": 1}));
    }
    json!(rules)
}

/// One or two runs of the present phase under faults.
async fn disturb(play: &mut Play<'_>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..=2) {
        play.house.faults(rules(random)).await;
        play.run().await;
        play.house.faults(json!([])).await;
        play.house.act_on_account("restore_key").await;
    }
}

/// Faults in each phase; after each, all is as it would have been without them.
async fn combined(seed: u64, script: &Script, oracle: &[Settled]) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut play = Play::open(script).await;
    for settled in oracle {
        play.begin().await;
        disturb(&mut play, &mut random).await;
        same(&play.settle().await, settled);
    }
    // The list changes while what went wrong before is not mended yet. What the provider holds then
    // depends on what got through in time; the laws do not. A third of the seeds is enough of it.
    if !seed.is_multiple_of(3) {
        return;
    }
    let mut play = Play::open(script).await;
    for _ in oracle {
        play.begin().await;
        disturb(&mut play, &mut random).await;
    }
    play.settle().await;
}

fn play(seeds: Vec<u64>) {
    println!("seeds {seeds:?}; {ONE_SEED}=N replays the seed N alone");
    let scripts: Vec<Arc<Script>> =
        STORIES.iter().zip(0..).map(|(guests, n)| Arc::new(Script::new(n, *guests))).collect();
    let undisturbed = scripts.iter().zip(STORIES).map(|(script, guests)| {
        act(format!("{guests} guests without faults"), move || async move { undisturbed(script, None).await })
    });
    let oracles = crowd::all(undisturbed.collect());
    let plays = seeds.into_iter().map(|seed| {
        let (script, oracle) = (&scripts[story_of(seed)], &oracles[story_of(seed)]);
        act(format!("{ONE_SEED}={seed}"), move || async move { combined(seed, script, oracle).await })
    });
    crowd::all(plays.collect());
}

/// The seeds from the environment, if it names one.
fn seeds(many: u64) -> Vec<u64> {
    match std::env::var(ONE_SEED) {
        Ok(seed) => vec![seed.parse().unwrap_or_else(|_| panic!("{ONE_SEED} is a whole number"))],
        Err(_) => (0..many).collect(),
    }
}

#[test]
fn faults_in_any_combination_leave_no_trace() {
    play(seeds(SEEDS));
}

#[test]
#[ignore = "some minutes: `cargo test --workspace --test faults -- --ignored three_hundred_plays`"]
fn faults_in_any_combination_leave_no_trace_in_three_hundred_plays() {
    play(seeds(SEEDS_OF_THE_LONG_MODE));
}
