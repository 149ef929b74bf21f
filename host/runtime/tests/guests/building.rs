// Builds the guests and hands out their bytes. Included by every suite that needs a component.
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The bytes of a guest. The first call builds them all.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(build);
    let file = format!("guest_{}.wasm", name.replace('-', "_"));
    std::fs::read(folder.join(file)).unwrap()
}

/// Builds all guests and answers where they are. The flags and wrappers of the build that runs
/// these tests are for the host and would break a build for another target. Suites that build at
/// the same time wait for each other in cargo's own lock.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--release", "--locked", "--target", "wasm32-wasip2"])
        // Every suite belongs to a package beside the runtime.
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/guests"))
        .env("CARGO_TARGET_DIR", &target);
    for inherited in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
        "RUSTC",
        "__CARGO_DEFAULT_LIB_METADATA",
    ] {
        cargo.env_remove(inherited);
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "the guests do not build:\n{}", String::from_utf8_lossy(&built.stderr));
    target.join("wasm32-wasip2/release")
}
