//! What the sandbox costs: `cargo bench -p postroom --bench calls`.
//!
//! One job's store, instance and teardown; the way of a contact with three text fields to a plugin
//! and back, in batches of 500 that the plugin answers at once; and loading the Mailchimp plugin
//! with its compiled code in the cache and without (compiled in this process). Best of several rounds of many calls each.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends at the first failure")]

#[path = "../host/runtime/tests/guests/building.rs"]
mod building;

use std::time::{Duration, Instant};

use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, OriginInputs, Timeouts, Transport, TransportOptions, Urgency,
};
use postroom_runtime::contract::{ContactWrite, FieldChange, FieldValue, FieldWrite, OnCreate};
use postroom_runtime::{DirectoryCache, Engine, JobLimits, JobSpec, LogSink, Plugin};

const ROUNDS: u32 = 5;
const JOBS: u32 = 2_000;
const BATCHES: u32 = 200;
const BATCH: u64 = 500;
const LOADS: u32 = 20;

#[tokio::main]
async fn main() {
    let engine = Engine::new().unwrap();
    let plugin = Plugin::load(&engine, &building::guest("echo")).await.unwrap();
    let account = account(&plugin);

    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..JOBS {
            plugin.check(job(&account)).await.result.unwrap();
        }
        best = best.min(began.elapsed() / JOBS);
    }
    println!("one job, its store, instance and teardown: {best:.2?}");

    let writes: Vec<ContactWrite> = (0..BATCH).map(write).collect();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..BATCHES {
            let answer = plugin.push(job(&account), "a", &[], &writes).await.result.unwrap();
            assert_eq!(answer.items.len(), writes.len());
        }
        best = best.min(began.elapsed() / BATCHES);
    }
    println!("host, plugin, host, per contact of a batch of {BATCH}: {:.2?}", best / u32::try_from(BATCH).unwrap());

    let folder = tempfile::tempdir().unwrap();
    let cache = DirectoryCache::open(folder.path().join("compiled")).unwrap();
    let mailchimp = postroom_bundled::plugins().first().unwrap().wasm;
    let began = Instant::now();
    Plugin::load_cached(&engine, mailchimp, &cache).await.unwrap();
    let cold = began.elapsed();
    let mut best = Duration::MAX;
    for _ in 0..LOADS {
        let began = Instant::now();
        Plugin::load_cached(&engine, mailchimp, &cache).await.unwrap();
        best = best.min(began.elapsed());
    }
    println!(
        "loading the Mailchimp plugin ({} KB): cold {cold:.2?}, from the cache {best:.2?}",
        mailchimp.len() / 1000
    );
}

fn account(plugin: &Plugin) -> AccountEgress {
    let inputs = OriginInputs { override_url: Some("http://127.0.0.1:9"), entered: None, secrets: &[], insecure: true };
    AccountEgress::new(AccountConfig {
        account: "bench".to_owned(),
        origins: plugin.origins().iter().map(|origin| origin.resolve(&inputs).unwrap()).collect(),
        credentials: Vec::new(),
        limits: AccountLimits::default(),
        timeouts: Timeouts::default(),
        transport: Transport::new(TransportOptions::default()),
    })
    .unwrap()
}

fn job(account: &AccountEgress) -> JobSpec {
    JobSpec {
        account: account.clone(),
        settings: Vec::new(),
        now_ms: 0,
        urgency: Urgency::Bulk,
        limits: JobLimits::default(),
        log: LogSink::none(),
    }
}

fn write(key: u64) -> ContactWrite {
    let field = |name: &str, value: &str| FieldWrite {
        field: name.to_owned(),
        change: FieldChange::Set(FieldValue::Text(value.to_owned())),
    };
    ContactWrite {
        key,
        address: format!("guest{key:016x}@example.com"),
        remote_id: None,
        previous_address: None,
        on_create: OnCreate::Subscribed,
        fields: vec![field("FNAME", "Jana"), field("LNAME", "Nováková"), field("LANG", "cs")],
        extras: Vec::new(),
    }
}
