// Builds the guests and hands out their bytes. Included by every suite that needs a component.
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use postroom_component_build::Build;

/// The bytes of a guest. The first call builds them all.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(build);
    let file = format!("guest_{}.wasm", name.replace('-', "_"));
    std::fs::read(folder.join(file)).unwrap()
}

/// Builds all guests and answers where they are. Suites that build at the same time wait for each
/// other in cargo's own lock.
fn build() -> PathBuf {
    // Every suite belongs to a package beside the runtime.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/tests/guests");
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    Build { folder: &folder, target_dir: &target_dir, packages: &[], flags: OsStr::new("") }.run().unwrap()
}
