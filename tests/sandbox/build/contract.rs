//! Stamps a plugin for each way in which a contract can change: the same program, built against the
//! contract of this repository with a few words replaced.
//!
//! The host's contract stays as it is, so a plugin that *lacks* something is an old plugin on a host
//! that has grown, and one that has something *more* is a new plugin on a host that lags behind.

use std::fs;
use std::path::Path;

/// A text in a file of `wit/`, or in the program (`plugin.rs`), and what stands there instead.
type Edit = (&'static str, &'static str, &'static str);

const PACKAGE: (&str, &str) = ("types.wit", "package postroom:provider@0.1.0;");

/// Each change with its edits. What becomes of it stands in the tests.
const CHANGES: &[(&str, &[Edit])] = &[
    ("unchanged", &[]),
    // An old plugin on a host that has grown.
    ("host_offers_another_function", &[("context.wit", "now: func() -> u64;", "")]),
    (
        "host_knows_another_capability",
        &[
            (
                "worlds.wit",
                "/// The capability to list fields.\nworld with-fields {\n    include imports;\n    export fields;\n}",
                "",
            ),
            ("worlds.wit", "    export fields;\n    export templates;\n", "    export templates;\n"),
            ("fields.wit", "interface fields", "interface unheard-of"),
        ],
    ),
    (
        "host_calls_another_function",
        &[
            ("contacts.wit", "prepare: func(audience: string) -> result<list<u8>, provider-error>;", ""),
            (
                "plugin.rs",
                "    fn prepare(_: String) -> Result<Vec<u8>, ProviderError> {\n        Ok(vec![])\n    }\n",
                "",
            ),
        ],
    ),
    (
        "host_answers_with_another_field",
        &[("http.wit", "headers: list<tuple<string, string>>,\n        /// The decoded body", "/// The decoded body")],
    ),
    ("host_hands_over_another_field", &[("types.wit", "previous-address: option<string>,", "")]),
    ("host_knows_another_case", &[("types.wit", "template-missing(error-detail),", "")]),
    // A new plugin on a host that lags behind.
    (
        "plugin_asks_for_another_function",
        &[
            ("context.wit", "now: func() -> u64;", "now: func() -> u64;\n    zone: func() -> string;"),
            ("plugin.rs", "context::settings()", "vec![(\"zone\".into(), context::zone())]"),
        ],
    ),
    (
        "plugin_asks_for_another_interface",
        &[
            (
                "context.wit",
                "interface context {",
                "interface zone {\n    name: func() -> string;\n}\n\ninterface context {",
            ),
            ("worlds.wit", "    import context;", "    import context;\n    import zone;"),
            ("plugin.rs", "context::settings()", "vec![(\"zone\".into(), postroom::provider::zone::name())]"),
        ],
    ),
    (
        "plugin_offers_another_function",
        &[
            ("contacts.wit", "interface contacts {", "interface contacts {\n    flush: func();"),
            (
                "plugin.rs",
                "impl contacts::Guest for Plugin {",
                "impl contacts::Guest for Plugin {\n    fn flush() {}\n",
            ),
        ],
    ),
    (
        "plugin_offers_another_capability",
        &[
            (
                "contacts.wit",
                "interface contacts {",
                "interface notes {\n    count: func() -> u32;\n}\n\ninterface contacts {",
            ),
            (
                "worlds.wit",
                "    export contacts;\n}\n\n/// The capability to tag.",
                "    export contacts;\n    export notes;\n}\n\n/// The capability to tag.",
            ),
            (
                "plugin.rs",
                "export!(Plugin);",
                "impl exports::postroom::provider::notes::Guest for Plugin {\n    fn count() -> u32 {\n        0\n    }\n}\n\nexport!(Plugin);",
            ),
        ],
    ),
    (
        "plugin_answers_with_another_field",
        &[
            (
                "provider.wit",
                "facts: list<tuple<string, string>>,",
                "facts: list<tuple<string, string>>,\n        plan: string,",
            ),
            ("plugin.rs", "facts: context::settings()", "facts: context::settings(), plan: String::new()"),
        ],
    ),
    (
        "plugin_knows_another_case",
        &[("types.wit", "template-missing(error-detail),", "template-missing(error-detail),\n        asleep,")],
    ),
    // Versions.
    ("minor_version", &[(PACKAGE.0, PACKAGE.1, "package postroom:provider@0.1.1;")]),
    ("major_version", &[(PACKAGE.0, PACKAGE.1, "package postroom:provider@0.2.0;")]),
];

/// Writes a package with one program for each change.
pub(crate) fn stamp(wit: &Path, here: &Path, package: &Path) -> Result<(), String> {
    let hostile = here.join("guests");
    for file in ["Cargo.toml", "Cargo.lock"] {
        write(&package.join(file), &read(&hostile.join(file))?)?;
    }
    // The manifest is that of the hostile guests, which have a library.
    write(&package.join("src").join("lib.rs"), "//! Nothing: each program is all there is.\n")?;
    let plugin = read(&here.join("contract").join("plugin.rs"))?;
    for (name, edits) in CHANGES {
        let changed = |file: &str, text: String| -> Result<String, String> {
            edits.iter().filter(|(place, ..)| *place == file).try_fold(text, |text, edit| edited(name, &text, edit))
        };
        for entry in fs::read_dir(wit).map_err(|error| format!("Can't read {}: {error}.", wit.display()))? {
            let path = entry.map_err(|error| format!("Can't read {}: {error}.", wit.display()))?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            write(&package.join("wit").join(name).join(&file), &changed(&file, read(&path)?)?)?;
        }
        let program = changed("plugin.rs", plugin.clone())?.replace("../../../wit", &format!("wit/{name}"));
        write(&package.join("src").join("bin").join(format!("{name}.rs")), &program)?;
    }
    sweep(&package.join("wit"))?;
    sweep(&package.join("src").join("bin"))
}

/// Removes what an earlier version of the table has left behind: a program of a change that is no
/// more would ask for a test.
fn sweep(folder: &Path) -> Result<(), String> {
    let unswept = |error: std::io::Error| format!("Can't clear {}: {error}.", folder.display());
    for entry in fs::read_dir(folder).map_err(unswept)? {
        let path = entry.map_err(unswept)?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if CHANGES.iter().any(|(change, _)| *change == name) {
            continue;
        }
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }.map_err(unswept)?;
    }
    Ok(())
}

/// The text after one edit. What is not there exactly once has changed meanwhile, and the edit with
/// it would test something else than it says.
fn edited(change: &str, text: &str, (file, from, to): &Edit) -> Result<String, String> {
    if text.matches(from).count() != 1 {
        return Err(format!(
            "The change `{change}` of the contract does not find `{}` once in {file}. Mend it in tests/sandbox/build/contract.rs.",
            from.escape_default()
        ));
    }
    Ok(text.replace(from, to))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("Can't read {}: {error}.", path.display()))
}

/// Writes a file unless it holds just this, so that cargo builds nothing anew for nothing.
fn write(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let unwritable = |error: std::io::Error| format!("Can't write {}: {error}.", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    fs::write(path, text).map_err(unwritable)
}
