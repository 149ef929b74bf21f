//! The provider components that ship inside the program.
//!
//! The build script builds the workspace under `plugins/` for `wasm32-wasip2` and this crate embeds
//! what comes out. The same sources give the same bytes wherever they are built, so a bundled
//! plugin's digest can be compared between machines. Whoever loads a plugin treats these bytes like
//! those of any other component file; only the approval differs, since shipping is approving.

/// A component that ships inside the program.
#[derive(Debug, Clone, Copy)]
pub struct BundledPlugin {
    /// The plugin's id, the same that its `describe` answers: a-z, 0-9 and `-`.
    pub id: &'static str,
    /// The component, as the file would hold it.
    pub wasm: &'static [u8],
}

/// All bundled plugins, ordered by id.
pub fn plugins() -> &'static [BundledPlugin] {
    PLUGINS
}

// `const PLUGINS: &[BundledPlugin]`, written by the build script.
include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

#[cfg(test)]
mod tests {
    use super::plugins;

    /// The preamble of a binary component: the magic word, version 0x0d and layer 1. A core module
    /// has layer 0.
    const COMPONENT: [u8; 8] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

    #[test]
    fn every_bundled_plugin_is_a_component() {
        assert!(!plugins().is_empty());
        for plugin in plugins() {
            assert!(plugin.wasm.starts_with(&COMPONENT), "{}", plugin.id);
        }
    }

    #[test]
    fn ids_are_ordered_and_stand_once() {
        let ids: Vec<&str> = plugins().iter().map(|plugin| plugin.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }

    #[test]
    fn no_path_of_the_building_machine_is_inside() {
        let root = env!("CARGO_MANIFEST_DIR").trim_end_matches("host/bundled");
        for plugin in plugins() {
            let found = plugin.wasm.windows(root.len()).any(|bytes| bytes == root.as_bytes());
            assert!(!found, "{} holds a path below {root}", plugin.id);
        }
    }
}
