//! What the daemon reaches: `cargo bench -p postroom --bench daemon -- saved 60`.
//!
//! * `saved SECONDS`: fifty contacts in a second are changed while bulk runs of 100,000 go on in the same account, one
//!   after the other, each request taking the provider 50 ms. For each change, how long it is from asking for it to the
//!   arrival of the request that tells the provider; and the memory on the way. The daemon's loops run in this process.
//! * `soak SECONDS`: the same while one list of 100,000 is imported with other names and pushed, over and over: what memory
//!   it takes on the way, and that everything is confirmed at the end.
//! * `accounts SMALL LARGE`: fifty accounts with so many contacts each, beside one with so many more: when the last of the
//!   small ones has its first run behind it.
//! * `timers NUMBER`: so many timers are due at once: when the last has fired.
//! * `start CONTACTS`: from the start to the moment at which commands are taken, over so many contacts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, and ends at the first failure"
)]

#[path = "stage.rs"]
mod stage;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use postroom_import::Options;
use postroom_runtime::Compiler;
use postroom_service::contacts::EditContact;
use postroom_service::import::ImportFile;
use postroom_service::{BundledPlugin, Service, Setup};
use postroom_sqlite::{Access, SqliteStore};
use postroom_store::events::{CursorStart, EventStore as _};
use postroom_store::lists::ImportMode;
use postroom_store::timers::{IfSet, TimerDraft, TimerStore as _};
use postroom_sync::{RunOptions, SystemClock};
use serde_json::json;
use stage::{House, Provider, argument, own_cpu, own_memory};
use tokio_util::task::TaskTracker;

/// That of the program, so that memory is what it takes there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How long a request takes the provider.
const LATENCY_MS: u64 = 50;
/// How many contacts are changed in a second.
const CHANGES_PER_SECOND: u64 = 50;
/// The contacts that are changed, in turn.
const LIVE: u64 = 1_000;
/// The contacts of the bulk runs.
const BULK: u64 = 100_000;
/// A bulk run of so many takes no fewer seconds.
const BULK_TAKES_AT_LEAST: u64 = 5;

#[tokio::main]
async fn main() {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_thread_names(true)
        .init();
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let which = std::env::args().nth(1).unwrap_or_default();
    match which.as_str() {
        "accounts" => accounts(argument(0, 1_000), argument(1, 1_000_000)).await,
        "timers" => timers(argument(0, 100_000)).await,
        "soak" => soak(argument(0, 600)).await,
        "start" => start(argument(0, 1_000_000)),
        _ => saved(argument(0, 60)).await,
    }
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// A figure at a share of sorted figures.
fn at_share(sorted: &[u64], per_mille: usize) -> u64 {
    sorted[(sorted.len() * per_mille / 1_000).min(sorted.len() - 1)]
}

async fn saved(seconds: u64) {
    let provider = Provider::slow(LATENCY_MS);
    let house = House::open();
    house.import_into("live", 0..LIVE);
    house.add_account("mc", &provider);
    house.add_sync("live", "mc");
    house.postroom(&["sync", "run", "live", "--yes"]);
    house.postroom(&["sync", "schedule", "live", "--on-change", "0 seconds"]);
    let lists = seconds / BULK_TAKES_AT_LEAST + 1;
    for list in 0..lists {
        house.import_into(&format!("bulk{list}"), LIVE + list * BULK..LIVE + (list + 1) * BULK);
        house.add_sync(&format!("bulk{list}"), "mc");
    }
    let seen = provider.writes().await.last().unwrap()["seq"].as_u64().unwrap();

    let daemon = Loops::start(&house);
    let service = Arc::clone(&daemon.service);
    let ends = Arc::new(AtomicBool::new(false));
    let bulk = tokio::spawn(bulk_runs(Arc::clone(&service), Arc::clone(&ends)));
    let watched = tokio::spawn(watch_memory(Arc::clone(&ends)));
    let before = own_cpu();
    let saved = save(&service, seconds).await;
    ends.store(true, Ordering::Relaxed);
    let contacts = bulk.await.unwrap();
    let (cpu, peak) = (own_cpu() - before, own_memory().1);
    watched.await.unwrap();

    let arrived = arrivals(&provider, seen, &saved).await;
    daemon.end().await;
    let mut waits: Vec<u64> = saved.iter().map(|(name, at)| arrived[name].saturating_sub(*at)).collect();
    waits.sort_unstable();
    println!(
        "{} changes in {seconds} s beside {contacts} contacts pushed in bulk: p50 {} ms, p99 {} ms, p99.9 {} ms, at most \
         {} ms; {cpu:.0} s cpu, {} MiB at most",
        waits.len(),
        at_share(&waits, 500),
        at_share(&waits, 990),
        at_share(&waits, 999),
        waits.last().unwrap(),
        peak,
    );
}

/// What `postroom daemon` runs, in this process: starting fifty commands in a second would measure the system.
struct Loops {
    service: Arc<Service>,
    at_work: TaskTracker,
    loops: [tokio::task::JoinHandle<postroom_service::Result<()>>; 3],
}

impl Loops {
    fn start(house: &House) -> Self {
        let (service, at_work) = (served(house), TaskTracker::new());
        let loops = [
            tokio::spawn({
                let (service, at_work) = (Arc::clone(&service), at_work.clone());
                async move { service.keep_schedules(&at_work).await }
            }),
            tokio::spawn({
                let (service, at_work) = (Arc::clone(&service), at_work.clone());
                async move { service.keep_lanes(&at_work).await }
            }),
            tokio::spawn({
                let service = Arc::clone(&service);
                async move { service.keep_timers().await }
            }),
        ];
        Self { service, at_work, loops }
    }

    async fn end(self) {
        self.service.closing().cancel();
        for ended in self.loops {
            ended.await.unwrap().unwrap();
        }
        self.at_work.close();
        self.at_work.wait().await;
    }
}

/// The use cases over the store of a house.
fn served(house: &House) -> Arc<Service> {
    let store = SqliteStore::open(&house.store(), Access::Write { verb: "benchmark" }).unwrap();
    let bundled = postroom_bundled::plugins().iter().map(|plugin| BundledPlugin { id: plugin.id, wasm: plugin.wasm });
    Arc::new(Service::new(Setup {
        store: Arc::new(store),
        bundled: bundled.collect(),
        compiler: Compiler::InProcess,
        compile_cache: Some(house.compiled()),
        clock: Arc::new(SystemClock),
    }))
}

/// Changes one contact after the other, and answers with when each change was asked for, by the name that it set.
async fn save(service: &Arc<Service>, seconds: u64) -> HashMap<String, u64> {
    let mut ticks = tokio::time::interval(Duration::from_millis(1_000 / CHANGES_PER_SECOND));
    let mut under_way = tokio::task::JoinSet::new();
    for number in 0..seconds * CHANGES_PER_SECOND {
        ticks.tick().await;
        let service = Arc::clone(service);
        under_way.spawn(async move {
            let name = format!("Saved{number}");
            let values = vec![("firstname".to_owned(), name.clone())];
            let began = now_ms();
            let who = stage::address(number % LIVE);
            service.edit_contact(EditContact { who, values, ..EditContact::default() }).await.unwrap();
            (name, began)
        });
    }
    under_way.join_all().await.into_iter().collect()
}

/// Runs of large lists, one after the other; answers how many contacts they pushed.
async fn bulk_runs(service: Arc<Service>, ends: Arc<AtomicBool>) -> u64 {
    let options = RunOptions { approved: true, ..RunOptions::default() };
    let mut pushed = 0;
    for list in 0.. {
        if ends.load(Ordering::Relaxed) {
            break;
        }
        match service.run_sync(&format!("bulk{list}"), &options, |_| {}).await {
            Ok(report) => pushed += report.counts.added,
            Err(error) => {
                println!("bulk{list}: {error}");
                break;
            }
        }
    }
    pushed
}

/// Says every ten seconds what this process takes.
async fn watch_memory(ends: Arc<AtomicBool>) {
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(10));
    while !ends.load(Ordering::Relaxed) {
        ticks.tick().await;
        let (resident, peak) = own_memory();
        println!("{:4.0} s: {resident} MiB, at most {peak} MiB", began.elapsed().as_secs_f64());
    }
}

/// When the request with each name arrived; waits until all have.
async fn arrivals(provider: &Provider, mut after: u64, saved: &HashMap<String, u64>) -> HashMap<String, u64> {
    let mut arrived = HashMap::new();
    let patience = Instant::now() + Duration::from_secs(60);
    while arrived.len() < saved.len() && Instant::now() < patience {
        for request in provider.writes_after(after).await {
            after = request["seq"].as_u64().unwrap();
            let at = request["at_ms"].as_u64().unwrap().saturating_sub(LATENCY_MS);
            for member in request["body"]["members"].as_array().into_iter().flatten() {
                let name = member["merge_fields"]["FNAME"].as_str().unwrap_or_default();
                if saved.contains_key(name) {
                    arrived.entry(name.to_owned()).or_insert(at);
                }
            }
        }
    }
    // A contact that changed again before it was sent goes with its latest name: that is when it arrived.
    for (name, number) in saved.keys().filter_map(|name| Some((name, name.strip_prefix("Saved")?.parse::<u64>().ok()?)))
    {
        if !arrived.contains_key(name) {
            let later = (1..)
                .map(|turn| format!("Saved{}", number + turn * LIVE))
                .take_while(|later| saved.contains_key(later));
            let at = later.filter_map(|later| arrived.get(&later).copied()).next();
            arrived.insert(name.clone(), at.unwrap_or(u64::MAX));
        }
    }
    arrived
}

async fn soak(seconds: u64) {
    let provider = Provider::slow(LATENCY_MS);
    let house = House::open();
    for (list, guests) in [("live", 0..LIVE), ("bulk", LIVE..LIVE + BULK)] {
        house.import_into(list, guests);
    }
    house.add_account("mc", &provider);
    for sync in ["live", "bulk"] {
        house.add_sync(sync, "mc");
        house.postroom(&["sync", "run", sync, "--yes"]);
    }
    house.postroom(&["sync", "schedule", "live", "--on-change", "0 seconds"]);
    let daemon = Loops::start(&house);
    let service = Arc::clone(&daemon.service);
    let ends = Arc::new(AtomicBool::new(false));
    let watched = tokio::spawn(watch_memory(Arc::clone(&ends)));
    let saving = async {
        let saved = save(&service, seconds).await.len();
        ends.store(true, Ordering::Relaxed);
        saved
    };
    let (saved, (rounds, contacts)) =
        futures_util::future::join(saving, renamed_again_and_again(&service, &house.guests_file(), &ends)).await;
    watched.await.unwrap();
    // Everything that was saved is confirmed at the end.
    let patience = Instant::now() + Duration::from_secs(60);
    while !service.plan_sync("live", &RunOptions::default()).await.unwrap().needs_nothing() {
        assert!(Instant::now() < patience, "something is left to be sent");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    daemon.end().await;
    println!("{saved} changes in {seconds} s, all confirmed, beside {rounds} imports and {contacts} contacts pushed");
}

/// Imports a list with other names and pushes it, over and over; answers how often, and how many contacts were pushed.
async fn renamed_again_and_again(service: &Arc<Service>, file: &Path, ends: &AtomicBool) -> (u64, u64) {
    let options = RunOptions { approved: true, ..RunOptions::default() };
    let (mut rounds, mut pushed) = (0, 0);
    while !ends.load(Ordering::Relaxed) {
        rounds += 1;
        stage::write_guests(file, LIVE..LIVE + BULK, &format!("Round{rounds}x"), stage::COMPANIES);
        let request = ImportFile {
            file: file.to_owned(),
            list: Some("bulk".to_owned()),
            mode: ImportMode::Replace,
            options: Options::default(),
            profile: None,
            save_profile: None,
            consent_evidence: Some("bench".to_owned()),
            consent_purposes: Vec::new(),
            may_empty: false,
            believes_file: false,
            rejects: None,
            left_out: None,
        };
        service.import(request, &|_| {}).await.unwrap();
        let report = service.run_sync("bulk", &options, |_| {}).await.unwrap();
        assert_eq!(report.counts.updated, BULK, "{report:?}");
        pushed += report.counts.updated;
    }
    (rounds, pushed)
}

async fn accounts(small: u64, large: u64) {
    const SMALL_ACCOUNTS: u64 = 50;
    let providers: Vec<Provider> = (0..=SMALL_ACCOUNTS).map(|_| Provider::slow(LATENCY_MS)).collect();
    let house = Arc::new(House::open());
    println!("import of {large}: {}", house.import_into("large", 0..large).line());
    for number in 0..SMALL_ACCOUNTS {
        let from = large + number * small;
        house.import_into(&format!("small{number}"), from..from + small);
    }
    let names: Vec<String> =
        (0..SMALL_ACCOUNTS).map(|number| format!("small{number}")).chain(["large".to_owned()]).collect();
    for (name, provider) in names.iter().zip(&providers) {
        house.add_account(name, provider);
        house.add_sync(name, name);
    }
    let daemon = house.daemon();
    let began = Instant::now();
    let mut runs = tokio::task::JoinSet::new();
    for name in names.into_iter().rev() {
        let house = Arc::clone(&house);
        runs.spawn_blocking(move || {
            let ran = house.postroom_at(&["sync", "run", &name, "--yes"], &name);
            (name, began.elapsed(), ran["counts"]["added"].as_u64().unwrap_or_default())
        });
    }
    let mut last = Duration::ZERO;
    while let Some(ran) = runs.join_next().await {
        let (name, took, added) = ran.unwrap();
        if name == "large" {
            println!("large: {added} contacts after {:.1} s", took.as_secs_f64());
        } else {
            assert_eq!(added, small, "{name}");
            last = last.max(took);
        }
    }
    let (_, peak, cpu) = daemon.takes();
    println!(
        "{SMALL_ACCOUNTS} accounts of {small}: the last after {:.1} s; daemon {cpu:.0} s cpu, {peak} MiB",
        last.as_secs_f64()
    );
}

async fn timers(number: u64) {
    let house = House::open();
    let due_at = Timestamp::now();
    {
        let store = SqliteStore::open(&house.store(), Access::Write { verb: "benchmark" }).unwrap();
        let began = Instant::now();
        store.open_cursor("benchmark", CursorStart::Newest, due_at).await.unwrap();
        let set = (0..number).map(|number| {
            let (key, kind) = (format!("benchmark:{number}"), "benchmark".to_owned());
            TimerDraft { key, kind, payload: json!({ "contact": number }), due_at }
        });
        let drafts: Vec<TimerDraft> = set.collect();
        futures_util::future::join_all(drafts.iter().map(|draft| store.set_timer(draft, IfSet::Stays))).await;
        println!("{number} timers set in {:.1} s", began.elapsed().as_secs_f64());
    }
    let began = Instant::now();
    let daemon = house.daemon();
    let store = SqliteStore::open(&house.store(), Access::Read).unwrap();
    while store.next_timer().await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed();
    let mut fired = 0;
    let mut events = store.events_after("benchmark", 1_000).await.unwrap();
    events.retain(|event| event.kind == "timers-fired");
    for event in events {
        fired += event.payload["timers"].as_array().map_or(0, Vec::len);
    }
    let (_, peak, cpu) = daemon.takes();
    println!(
        "{fired} timers fired within {:.2} s of the daemon's start; {cpu:.1} s cpu, {peak} MiB",
        took.as_secs_f64()
    );
}

fn start(contacts: u64) {
    let house = House::open();
    house.import(contacts);
    for round in 1..=5 {
        let began = Instant::now();
        let daemon = house.daemon();
        println!("{round}: ready after {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
        drop(daemon);
    }
}
