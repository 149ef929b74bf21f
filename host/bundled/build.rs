//! Builds the plugins for WebAssembly and tells the crate where they are.
//!
//! The plugins are a workspace of their own with their own lock file. They are built by the same
//! toolchain as the host, into a target folder of their own: the one that the outer cargo has
//! locked is never touched, so the two can't wait for each other.
#![allow(clippy::print_stdout, reason = "a build script speaks to cargo through its output")]

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The platform of the plugins.
const TARGET: &str = "wasm32-wasip2";

/// The bundled plugins: their ids and packages, ordered by id.
const PLUGINS: [(&str, &str); 1] = [("mailchimp", "postroom-mailchimp")];

/// The variables beginning with `CARGO_` that the build of the plugins shares with the build of the
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

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            println!("cargo::error={sentence}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let out_dir = PathBuf::from(variable("OUT_DIR")?);
    let repository = repository()?;
    let plugins = repository.join("plugins");
    watch(&repository, &plugins)?;

    let rustc = variable("RUSTC")?;
    let sysroot = ask(&rustc, &["--print", "sysroot"])?;
    require_target(&rustc)?;
    let target_dir = target_dir(&out_dir);
    let flags = reproducible_flags(&repository, &target_dir, Path::new(&sysroot))?;
    compile(&plugins, &target_dir, &flags)?;

    let mut list = String::from("const PLUGINS: &[BundledPlugin] = &[\n");
    for (id, package) in PLUGINS {
        let built = target_dir.join(TARGET).join("release").join(format!("{}.wasm", package.replace('-', "_")));
        let kept = out_dir.join(format!("{id}.wasm"));
        fs::copy(&built, &kept)
            .map_err(|error| format!("Can't copy {} to {}: {error}.", built.display(), kept.display()))?;
        let entry = format!("    BundledPlugin {{ id: {id:?}, wasm: include_bytes!({kept:?}) }},");
        writeln!(list, "{entry}").map_err(|error| error.to_string())?;
    }
    list.push_str("];\n");
    let file = out_dir.join("plugins.rs");
    fs::write(&file, list).map_err(|error| format!("Can't write {}: {error}.", file.display()))
}

/// Where the plugins are built: beside the folders of all build scripts, since `cargo check`,
/// `clippy` and `build` each have an `OUT_DIR` of their own, and would each spend minutes on the
/// same crates.
fn target_dir(out_dir: &Path) -> PathBuf {
    let build = out_dir.ancestors().find(|folder| folder.file_name() == Some(OsStr::new("build")));
    match build {
        Some(build) => build.join("postroom-plugins"),
        None => out_dir.join("target"),
    }
}

/// The folder that holds `wit/` and `plugins/`.
fn repository() -> Result<PathBuf, String> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    here.ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} does not lie in the repository.", here.display()))
}

/// Asks cargo to come back when the contract, a plugin or a version of a dependency changes.
fn watch(repository: &Path, plugins: &Path) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("Can't read {}: {error}.", plugins.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", repository.join("wit").display());
    for file in ["Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", plugins.join(file).display());
    }
    for entry in fs::read_dir(plugins).map_err(unreadable)? {
        let package = entry.map_err(unreadable)?.path();
        // A target folder may lie beside the packages.
        if package.join("Cargo.toml").is_file() {
            for part in ["Cargo.toml", "src"] {
                println!("cargo::rerun-if-changed={}", package.join(part).display());
            }
        }
    }
    Ok(())
}

/// Sees to it that the standard library for the plugins' platform is there.
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
        "The plugins need the standard library for {TARGET}, and it could not be added by itself: run `rustup target add {TARGET}` and build again."
    ))
}

fn has_target(rustc: &OsStr) -> Result<bool, String> {
    let folder = ask(rustc, &["--print", "target-libdir", "--target", TARGET])?;
    Ok(Path::new(&folder).is_dir())
}

/// Flags that keep the building machine's paths out of the components: the same source gives the
/// same digest everywhere.
fn reproducible_flags(repository: &Path, target_dir: &Path, sysroot: &Path) -> Result<OsString, String> {
    let cargo_home = match env::var_os("CARGO_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir()
            .ok_or("There is no home folder; set CARGO_HOME to the folder that cargo uses.")?
            .join(".cargo"),
    };
    // Where prefixes nest, rustc takes the last that fits.
    let prefixes =
        [(cargo_home.as_path(), "/cargo"), (sysroot, "/rust"), (repository, "/postroom"), (target_dir, "/build")];
    let mut flags = OsString::new();
    for (from, to) in prefixes {
        if !flags.is_empty() {
            // How CARGO_ENCODED_RUSTFLAGS separates its flags.
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(from);
        flags.push("=");
        flags.push(to);
    }
    Ok(flags)
}

fn compile(plugins: &Path, target_dir: &Path, flags: &OsStr) -> Result<(), String> {
    let mut command = Command::new(variable("CARGO")?);
    command
        .current_dir(plugins)
        .args(["build", "--release", "--locked", "--target", TARGET, "--target-dir"])
        .arg(target_dir);
    for (_, package) in PLUGINS {
        command.args(["--package", package]);
    }
    for (name, _) in env::vars_os() {
        if is_foreign(&name) {
            command.env_remove(name);
        }
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    // A setting in a configuration file is overruled by an empty variable.
    command.env("RUSTC_WRAPPER", "").env("RUSTC_WORKSPACE_WRAPPER", "");
    let status = command.status().map_err(|error| format!("Can't start cargo for the plugins: {error}."))?;
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "The plugins were not built ({status}): what cargo said about it stands above; `cargo build --target {TARGET}` in {} repeats it.",
        plugins.display()
    ))
}

fn is_foreign(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let shared = || SHARED_CARGO_VARIABLES.iter().any(|prefix| name.starts_with(prefix));
    FOREIGN_VARIABLES.contains(&name) || (name.starts_with("CARGO_") && !shared())
}

fn ask(program: &OsStr, arguments: &[&str]) -> Result<String, String> {
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

fn variable(name: &str) -> Result<OsString, String> {
    env::var_os(name).ok_or_else(|| format!("cargo did not set {name} for the build script."))
}
