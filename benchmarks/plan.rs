//! How long a large list takes before anything is sent: `cargo bench -p postroom --bench plan -- 1000000 5`.
//!
//! So many contacts are imported as new and again unchanged, pushed, run twice with nothing changed
//! (the first such run judges and remembers everything, the next ones compare), and then planned, as
//! often as is said. Every figure is the whole process's, from start to end.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first failure"
)]

#[path = "stage.rs"]
mod stage;

use stage::{House, LIST, Provider, argument};

fn main() {
    let (contacts, rounds) = (argument(0, 1_000_000), argument(1, 5));
    let provider = Provider::start();
    let house = House::open();
    println!("{contacts} contacts");
    println!("import, new:       {}", house.import(contacts).line());
    println!("import, unchanged: {}", house.import(contacts).line());
    println!("file {:.0} MB, database {:.0} MB", house.file_size(), house.database_size());
    house.tie(&provider);
    let pushed = house.run();
    assert_eq!(pushed.answer["counts"]["added"], contacts, "{}", pushed.answer);
    println!("push, all new:     {}, provider {:.2} s cpu", pushed.line(), provider.cpu());
    for words in ["run, first unchanged: ", "run, next unchanged:  "] {
        let again = house.run();
        assert_eq!(again.answer["counts"]["unchanged"], contacts, "{}", again.answer);
        println!("{words}{}", again.line());
    }
    let mut best = f64::MAX;
    for round in 1..=rounds {
        let planned = house.postroom(&["sync", "plan", LIST]);
        assert_eq!(planned.answer["settled"]["unchanged"], contacts, "{}", planned.answer);
        best = best.min(planned.wall.as_secs_f64());
        println!("plan, no change {round}: {}", planned.line());
    }
    println!("best plan: {best:.3} s");
}
