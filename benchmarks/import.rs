//! How long a file takes to become contacts and a list: `cargo bench -p postroom --bench import -- 1000000 5`.
//!
//! A file of so many guests is imported by the program, as new into an empty store and again unchanged in the
//! place of the list, as often as is said; with a stated consent for each, and with an index on one filterable
//! field, the company. There are 5,000 of them, anywhere in the file, or as many as a third number says. The same
//! with a tenth of the guests tells whether memory grows with the file. Wall time, processor time and peak
//! memory are the whole process's, from start to end.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark prints, and ends at the first failure"
)]

#[path = "stage.rs"]
mod stage;

use stage::{House, argument};

fn main() {
    let (guests, rounds, companies) = (argument(0, 1_000_000), argument(1, 5), argument(2, 5_000));
    for guests in [guests / 10, guests] {
        println!("{guests} guests of {companies} companies");
        let (mut new, mut unchanged) = (f64::MAX, f64::MAX);
        for round in 1..=rounds {
            let house = House::of_companies(companies);
            house.postroom(&["field", "filter", "company", "--on"]);
            let imported = house.import(guests);
            assert_eq!(imported.answer["counts"]["created"], guests, "{}", imported.answer);
            println!("import, new       {round}: {}", imported.line());
            let again = house.import(guests);
            assert_eq!(again.answer["counts"]["unchanged"], guests, "{}", again.answer);
            println!("import, unchanged {round}: {}", again.line());
            if round == rounds {
                println!("file {:.0} MB, database {:.0} MB", house.file_size(), house.database_size());
            }
            new = new.min(imported.wall.as_secs_f64());
            unchanged = unchanged.min(again.wall.as_secs_f64());
        }
        println!("best: new {new:.2} s, unchanged {unchanged:.2} s");
    }
}
