//! Builds the plugins for WebAssembly and tells the crate where they are.
#![allow(clippy::print_stdout, reason = "a build script speaks to cargo through its output")]

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use postroom_component_build::{Build, ask, repository, target_dir, variable};

/// The bundled plugins: their ids and packages, ordered by id.
const PLUGINS: [(&str, &str); 1] = [("mailchimp", "postroom-mailchimp")];

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

    let sysroot = ask(&variable("RUSTC")?, &["--print", "sysroot"])?;
    let target_dir = target_dir(&out_dir, "postroom-plugins");
    let flags = reproducible_flags(&repository, &target_dir, Path::new(&sysroot))?;
    let packages = PLUGINS.map(|(_, package)| package);
    let components = Build { folder: &plugins, target_dir: &target_dir, packages: &packages, flags: &flags }.run()?;

    let mut list = String::from("const PLUGINS: &[BundledPlugin] = &[\n");
    for (id, package) in PLUGINS {
        let built = components.join(format!("{}.wasm", package.replace('-', "_")));
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
