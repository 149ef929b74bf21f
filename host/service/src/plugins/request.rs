//! What an operator is shown before anything happens to a plugin.

use postroom_runtime::Plugin;
use postroom_store::accounts::PluginSource;
use serde::Serialize;

use super::permissions::{Difference, Permissions};
use super::words;

/// What is to happen with a plugin that asks for a yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// It is to be installed.
    Install,
    /// It is to come back in the place of a later version.
    RollBack,
    /// It is installed and to be used, and asks for more than was approved.
    Use,
}

/// A version of a plugin, as far as it can be told without its component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PluginVersion {
    /// Its version, as it says itself.
    pub version: String,
    /// The digest of its component.
    pub digest: String,
    /// Where it came from.
    pub source: PluginSource,
}

/// Everything about a plugin that an operator needs to say yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PermissionRequest {
    /// What is to happen.
    pub step: Step,
    /// The plugin's id.
    pub id: String,
    /// The name that people read, in its own words.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Who answers for it, in its own words.
    pub vendor: String,
    /// Whether anybody else vouches for that vendor. Signatures are not checked yet: never.
    pub vouched_for: bool,
    /// One sentence of its own.
    pub summary: String,
    /// Where it comes from.
    pub source: PluginSource,
    /// The digest of its component: what an approval names.
    pub digest: String,
    /// The size of its component in bytes.
    pub size: usize,
    /// What it can do, as phrases.
    pub can: Vec<String>,
    /// What it gets to see, as phrases.
    pub sees: Vec<String>,
    /// All that it asks for.
    pub permissions: Permissions,
    /// What of it was approved already, and what was not.
    pub difference: Difference,
    /// The plugin of the same id in whose place it comes.
    pub replaces: Option<PluginVersion>,
    /// Who that one is from, in its own words; none when it cannot be read.
    pub vendor_before: Option<String>,
    /// How this one differs from that one, whoever each came from; without that one, nothing.
    pub changes: Difference,
    /// The accounts that gave their secrets to a plugin from elsewhere: they stop until the operator
    /// says yes for each.
    pub stops: Vec<String>,
}

impl PermissionRequest {
    pub(crate) fn new(step: Step, plugin: &Plugin, source: PluginSource, difference: Difference) -> Self {
        let description = plugin.description();
        Self {
            step,
            id: description.id.clone(),
            name: description.name.clone(),
            version: description.version.clone(),
            vendor: description.vendor.clone(),
            vouched_for: false,
            summary: description.summary.clone(),
            source,
            digest: plugin.digest().to_owned(),
            size: plugin.size(),
            can: words::can(plugin),
            sees: words::sees(plugin),
            permissions: Permissions::of(plugin),
            difference,
            replaces: None,
            vendor_before: None,
            changes: Difference::default(),
            stops: Vec::new(),
        }
    }

    /// Whether it comes in the place of a plugin from elsewhere.
    #[must_use]
    pub fn is_from_elsewhere(&self) -> bool {
        self.replaces.as_ref().is_some_and(|known| known.source != self.source)
    }

    /// Whether it is byte for byte the one in whose place it comes.
    #[must_use]
    pub fn is_the_same(&self) -> bool {
        self.replaces.as_ref().is_some_and(|known| known.digest == self.digest)
    }
}

/// Why it stopped, in one sentence.
impl std::fmt::Display for PermissionRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, version, digest, .. } = self;
        match self.step {
            Step::Install => write!(
                f,
                "nothing was installed: nobody has approved the plugin `{id}` {version} with what it asks for ({digest})"
            ),
            Step::RollBack => write!(
                f,
                "nothing was changed: going back to version {version} of the plugin `{id}` asks for a yes ({digest})"
            ),
            Step::Use => {
                write!(f, "the plugin `{id}` {version} asks for rights that nobody has approved ({digest}):")?;
                self.difference.added.iter().try_for_each(|right| write!(f, "\n  - {right}"))
            }
        }
    }
}
