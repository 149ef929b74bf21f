//! Invariant 6, before a plugin runs at all: machine code is only this program's own, and a component
//! that is made to choke the compiler chokes a child.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::bombs::swelling;
use crate::components::variant;
use crate::house::{Answer, House, program};

/// Runs the program with a cache of its own.
fn with_cache(house: &House, cache: &Path, arguments: &[&str]) -> Answer {
    Answer::of(program(&house.store()).env("XDG_CACHE_HOME", cache).args(arguments))
}

/// The entries of a cache.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(cache.join("postroom/compiled")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn compiled_code_that_was_changed_is_compiled_again() {
    let house = House::bare().await;
    let cache = house.path("cache");
    let file = house.file("acme.wasm", variant(&["id=acme"]));
    let inspect = || with_cache(&house, &cache, &["plugin", "inspect", &file, "--json"]).done();
    let first = inspect();
    let kept = entries(&cache);
    let [entry] = &kept[..] else { panic!("{kept:?}") };
    let sound = std::fs::read(entry).unwrap();

    let mut changed = sound.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(entry, &changed).unwrap();
    let again = inspect();
    assert_eq!(again.stdout, first.stdout);
    assert!(again.stderr.contains("was changed; it is compiled again"), "{}", again.stderr);
    assert_eq!(std::fs::read(entry).unwrap(), sound);
    assert_eq!(inspect().stderr, "", "the third time there is nothing to say");
}

#[tokio::test(flavor = "multi_thread")]
async fn machine_code_is_never_taken_from_outside_not_even_this_programs_own() {
    const SEAL_BYTES: usize = 32;
    let house = House::bare().await;
    let cache = house.path("cache");
    let file = house.file("acme.wasm", variant(&["id=acme"]));
    with_cache(&house, &cache, &["plugin", "inspect", &file]).done();
    let sealed = std::fs::read(&entries(&cache)[0]).unwrap();
    let native = house.file("acme.cwasm", &sealed[SEAL_BYTES..]);
    house.postroom(&["plugin", "install", &native]).refused(3, &["acme.cwasm", "precompiled native code"]);
    let sealed = house.file("sealed.cwasm", &sealed);
    house.postroom(&["plugin", "install", &sealed]).refused(3, &["sealed.cwasm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_makes_the_compiler_swell_is_refused_and_the_program_goes_on() {
    let house = House::bare().await;
    let bomb = house.file("bomb.wasm", swelling(1_000_000));
    let mut running = program(&house.store())
        .args(["plugin", "install", &bomb])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", running.id());
    let mut peak = 0;
    while running.try_wait().unwrap().is_none() {
        // A high-water mark: it need not be read often, and the child wants the processor.
        peak = peak.max(peak_kibibytes(&status));
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = running.wait_with_output().unwrap();
    let answer = Answer {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    answer.refused(3, &["bomb.wasm", "was not compiled, because that used up its memory (1024 MiB)"]);
    // A process that opens a store and compiles nothing needs a few dozen MiB.
    assert!((1..128 << 10).contains(&peak), "the parent grew to {peak} KiB");
    house.postroom(&["plugin", "list"]).done();
}

/// The most memory that a process has had, as the kernel says; 0 once it has ended.
fn peak_kibibytes(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compiling_process_is_no_verb_for_people_and_reads_nothing_without_limits() {
    let house = House::bare().await;
    let help = house.postroom(&["--help"]).done().stdout;
    assert!(!help.contains("internal-compile"), "{help}");
    house.postroom(&["internal-compile"]).refused(2, &[]);
    let answer = house.postroom_with(&["internal-compile", "1073741824", "60"], "no wasm").done();
    assert!(answer.stdout.starts_with('r'), "{}", answer.stdout);
}
