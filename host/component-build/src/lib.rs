//! Builds components for wasm32-wasip2 from within a build script or a test: the bundled plugins,
//! and the guests of the tests.
//!
//! Components are workspaces of their own with their own lock file. They are built by the same
//! toolchain as the host, into a target folder of their own: the one that the outer cargo has
//! locked is never touched, so the two can't wait for each other. Errors are sentences for
//! `cargo::error`.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The platform of components.
pub const TARGET: &str = "wasm32-wasip2";

/// The variables beginning with `CARGO_` that the build of components shares with the build of the
/// host: where crates come from, how many jobs run, how the output looks. Every other one (flags,
/// wrappers, profiles, target folders) would make the same source give different bytes.
const SHARED_CARGO_VARIABLES: [&str; 9] = [
    "CARGO_HOME",
    "CARGO_MAKEFLAGS",
    "CARGO_BUILD_JOBS",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "CARGO_TERM_",
];

/// Further variables that would change the bytes, or the tool that makes them.
const FOREIGN_VARIABLES: [&str; 7] = [
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "RUSTC_BOOTSTRAP",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
];

/// A build of components.
#[derive(Debug, Clone, Copy)]
pub struct Build<'a> {
    /// The workspace, or the package, with its `Cargo.toml` and `Cargo.lock`.
    pub folder: &'a Path,
    /// Where cargo works; see [`target_dir`].
    pub target_dir: &'a Path,
    /// The packages; all of the workspace when there are none.
    pub packages: &'a [&'a str],
    /// Flags for rustc, as `CARGO_ENCODED_RUSTFLAGS` has them.
    pub flags: &'a OsStr,
}

impl Build<'_> {
    /// Builds in release mode and answers the folder of the components.
    ///
    /// # Errors
    ///
    /// A sentence, when the platform's standard library cannot be had, or cargo fails.
    pub fn run(&self) -> Result<PathBuf, String> {
        // Cargo names it to build scripts; tests have none but the one that everybody has.
        require_target(&env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))?;
        let mut command = Command::new(variable("CARGO")?);
        command
            .current_dir(self.folder)
            .args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"])
            .arg(self.target_dir);
        for package in self.packages {
            command.args(["--package", package]);
        }
        for (name, _) in env::vars_os() {
            if is_foreign(&name) {
                command.env_remove(name);
            }
        }
        command.env("CARGO_ENCODED_RUSTFLAGS", self.flags);
        // A setting in a configuration file is overruled by an empty variable.
        command.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
        let status = command.status().map_err(|error| format!("Can't start cargo for the components: {error}."))?;
        if status.success() {
            return Ok(self.target_dir.join(TARGET).join("release"));
        }
        Err(format!(
            "The components were not built ({status}): what cargo said about it stands above; `cargo build --target {TARGET}` in {} repeats it.",
            self.folder.display()
        ))
    }
}

/// A target folder of this name beside the folders of all build scripts, since `cargo check`,
/// `clippy` and `build` each have an `OUT_DIR` of their own, and would each spend minutes on the
/// same crates.
pub fn target_dir(out_dir: &Path, name: &str) -> PathBuf {
    let build = out_dir.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("build")));
    build.unwrap_or(out_dir).join(name)
}

/// The folder that holds `wit/`, seen from the running build script: its package lies two folders
/// below.
///
/// # Errors
///
/// A sentence, when the package lies elsewhere.
pub fn repository() -> Result<PathBuf, String> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} does not lie in the repository.", here.display()))
}

/// What a program answers on its standard output.
///
/// # Errors
///
/// A sentence, when it does not start, fails, or answers with what is no text.
pub fn ask(program: &OsStr, arguments: &[&str]) -> Result<String, String> {
    let shown = program.to_string_lossy();
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("Can't start {shown}: {error}."))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{shown} {} failed: {}", arguments.join(" "), said.trim()));
    }
    let answer =
        String::from_utf8(output.stdout).map_err(|_| format!("{shown} answered with a path that is not UTF-8."))?;
    Ok(answer.trim().to_owned())
}

/// A variable that cargo sets for build scripts and tests.
///
/// # Errors
///
/// A sentence, when it is not set.
pub fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name}."))
}

/// Sees to it that the standard library for the components' platform is there.
fn require_target(rustc: &OsStr) -> Result<(), String> {
    if has_target(rustc)? {
        return Ok(());
    }
    // Without rustup the second look fails, and says what to do.
    let added = Command::new("rustup").args(["target", "add", TARGET]).status();
    if added.is_ok_and(|status| status.success()) && has_target(rustc)? {
        return Ok(());
    }
    Err(format!(
        "Components need the standard library for {TARGET}, and it could not be added by itself: run `rustup target add {TARGET}` and build again."
    ))
}

fn has_target(rustc: &OsStr) -> Result<bool, String> {
    let folder = ask(rustc, &["--print", "target-libdir", "--target", TARGET])?;
    Ok(Path::new(&folder).is_dir())
}

fn is_foreign(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let shared = || SHARED_CARGO_VARIABLES.iter().any(|prefix| name.starts_with(prefix));
    FOREIGN_VARIABLES.contains(&name) || (name.starts_with("CARGO_") && !shared())
}
