//! Builds the guests for WebAssembly and tells the tests where they are.
#![allow(clippy::print_stdout, reason = "a build script speaks to cargo through its output")]

mod contract;

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use postroom_component_build::{Build, repository, target_dir, variable};

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
    let here = repository.join("tests").join("sandbox");
    for watched in ["build", "guests/Cargo.toml", "guests/Cargo.lock", "guests/src", "contract"] {
        println!("cargo::rerun-if-changed={}", here.join(watched).display());
    }
    println!("cargo::rerun-if-changed={}", repository.join("wit").display());

    let hostile = here.join("guests");
    publish(&out_dir, "guest", &hostile, &target_dir(&out_dir, "postroom-guests"))?;

    let changed = target_dir(&out_dir, "postroom-contract-source");
    contract::stamp(&repository.join("wit"), &here, &changed)?;
    publish(&out_dir, "contract", &changed, &target_dir(&out_dir, "postroom-contract"))
}

/// Builds the programs of a package and writes `<kind>s.rs`: a function for each that says where its
/// component is, and the macro `for_each_<kind>!` that hands their names to another macro.
fn publish(out_dir: &Path, kind: &str, package: &Path, target_dir: &Path) -> Result<(), String> {
    let components = Build { folder: package, target_dir, packages: &[], flags: OsStr::new("") }.run()?;
    let names = programs(&package.join("src").join("bin"))?;
    let mut code = String::new();
    for name in &names {
        let path = components.join(format!("{name}.wasm"));
        write!(
            code,
            "/// The component of `{name}.rs`.\n#[must_use]\npub fn {name}() -> crate::Component {{\n    \
             crate::Component::new({name:?}, {path:?})\n}}\n"
        )
        .map_err(|error| error.to_string())?;
    }
    let all = names.join(" ");
    write!(
        code,
        "/// Hands the names of all of them to a macro.\n#[macro_export]\nmacro_rules! for_each_{kind} {{\n    \
         ($macro:ident) => {{ $macro! {{ {all} }} }};\n}}\n"
    )
    .map_err(|error| error.to_string())?;
    let file = out_dir.join(format!("{kind}s.rs"));
    fs::write(&file, code).map_err(|error| format!("Can't write {}: {error}.", file.display()))
}

/// The names of the programs in a folder, in order.
fn programs(folder: &Path) -> Result<Vec<String>, String> {
    let unreadable = |error: std::io::Error| format!("Can't read {}: {error}.", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if let (Some(name), Some("rs")) = (file.file_stem(), file.extension().and_then(OsStr::to_str)) {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
