//! How fast a list reaches a provider: `cargo bench -p postroom --bench push -- 100000 5`.
//!
//! So many new contacts, best of so many rounds. Each round pushes them with the program through
//! the WASM plugin to a look-alike in another process, with plan, tags, confirmed state, outcomes
//! and report; and then sends the writes of that push again natively: the captured bodies through the
//! same egress, as many at once, with the same confirmations written to a store that stands as it
//! stood before the push. The ratio of the two is what everything else costs: starting the program,
//! reading and judging contacts, the notes before sending, building bodies, the sandbox, the report.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "a benchmark prints, and ends at the first failure"
)]

#[path = "../stage.rs"]
mod stage;

mod replay;

use stage::{House, Provider, argument};

#[tokio::main]
async fn main() {
    let (contacts, rounds) = (argument(0, 100_000), argument(1, 5));
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let mut provider = Provider::start();
    let prepared = House::open();
    prepared.import(contacts);
    prepared.tie(&provider);
    println!("{contacts} new contacts");

    let (mut fastest, mut native) = (f64::MAX, f64::MAX);
    for round in 1..=rounds {
        provider = provider.afresh();
        let house = prepared.copy();
        let ran = house.run();
        assert_eq!(ran.answer["counts"]["added"], contacts, "{}", ran.answer);
        fastest = fastest.min(ran.wall.as_secs_f64());
        println!("{round}: plugin {}, provider {:5.2} s cpu", ran.line(), provider.cpu());

        let replay = replay::Replay::of(&house, provider.writes().await).await;
        provider = provider.afresh();
        let again = prepared.copy();
        let (wall, cpu) = replay.run(&again, &provider).await;
        native = native.min(wall);
        println!("{round}: native {wall:7.3} s wall, {cpu:6.2} s cpu,           provider {:5.2} s cpu", provider.cpu());
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = contacts as f64 / fastest;
    println!("best: plugin {fastest:.3} s ({rate:.0} contacts/s), native {native:.3} s, ratio {:.2}", fastest / native);
}
