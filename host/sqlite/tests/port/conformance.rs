//! The store against the plain model of the port, over random steps.

use postroom_store::conformance::ledger;
use postroom_store::conformance::run::{Opened, compare};
use postroom_store::conformance::step::sequences;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use tokio::runtime::Runtime;

use crate::fixture::home;

/// Drives `cases` new stores through up to `longest` steps each.
fn search(mut runner: TestRunner, longest: usize) {
    let runtime = Runtime::new().unwrap();
    let outcome = runner.run(&sequences(longest), |steps| {
        let open = async || {
            let home = home();
            Opened { store: Box::new(home.store), keeps: Box::new(home.folder) }
        };
        runtime.block_on(compare(open, &steps)).map_err(|difference| TestCaseError::fail(difference.to_string()))
    });
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

#[test]
fn a_store_does_what_the_port_says() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    search(TestRunner::new_with_rng(config(24), rng), 40);
}

/// The same with thousands of steps that are others every time:
/// `cargo test --release -p postroom-sqlite --test port conformance -- --ignored`.
#[test]
#[ignore = "minutes of random steps: `cargo test --release -p postroom-sqlite --test port -- --ignored conformance`"]
fn a_store_does_what_the_port_says_for_long() {
    search(TestRunner::new(config(200)), 120);
}

/// Drives `cases` new ledgers through up to `longest` steps each.
fn search_ledger(mut runner: TestRunner, longest: usize) {
    let runtime = Runtime::new().unwrap();
    let outcome = runner.run(&ledger::sequences(longest), |steps| {
        let open = async || {
            let home = home();
            Opened { store: Box::new(home.store), keeps: Box::new(home.folder) }
        };
        let compared = runtime.block_on(ledger::compare(open, &steps));
        compared.map_err(|difference| TestCaseError::fail(difference.to_string()))
    });
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

#[test]
fn a_ledger_does_what_the_port_says() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    search_ledger(TestRunner::new_with_rng(config(24), rng), 60);
}

/// The same with thousands of steps that are others every time, by the command of the test above.
#[test]
#[ignore = "minutes of random steps: `cargo test --release -p postroom-sqlite --test port -- --ignored conformance`"]
fn a_ledger_does_what_the_port_says_for_long() {
    search_ledger(TestRunner::new(config(200)), 200);
}
