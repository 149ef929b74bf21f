//! The child of the tests of compiling: it compiles, or behaves as no child should.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program fails by panicking")]

use std::io::{Read as _, Write as _, stdin, stdout};

use postroom_runtime::{ChildLimits, compile_for_parent};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = |index: usize| words.get(index).unwrap().parse().unwrap();
    match words.get(1).unwrap().as_str() {
        "compile" => {
            let limits = ChildLimits { address_space: number(2), cpu_seconds: number(3) };
            compile_for_parent(limits, &mut stdin().lock(), &mut stdout().lock()).unwrap();
        }
        // Tells what it was given besides the component.
        "environment" => {
            let variables: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            stdout().write_all(format!("r{variables:?}").as_bytes()).unwrap();
        }
        "crash" => panic!("on purpose"),
        "abort" => std::process::abort(),
        "hang" => loop {
            std::thread::park();
        },
        "flood" => {
            stdout().write_all(b"c").unwrap();
            while stdout().write_all(&[0; 1 << 16]).is_ok() {}
        }
        "forge" => {
            // Native code of nobody knows what, under a seal that is not its own.
            stdin().read_to_end(&mut Vec::new()).unwrap();
            stdout().write_all(b"c").unwrap();
            stdout().write_all(&[7; 4096]).unwrap();
        }
        "babble" => stdout().write_all(b"hello").unwrap(),
        other => panic!("{other}"),
    }
}
