//! The sandbox under attack, and the contract under change.
//!
//! The host runs somebody else's programs. Its two promises about that are shown here from outside,
//! through the crates as production uses them, by guests that try to break them:
//!
//! * **The sandbox holds** (`tests/attacks`). One guest of `guests/src/bin` per attempt, and a table
//!   of what is attempted, what is against it and which test shows it. A guest without a row, a row
//!   without a guest and a row without a test do not compile.
//! * **What loaded goes on loading, and what cannot is refused by a sentence** (`tests/contract`).
//!   One plugin, built against copies of `wit/` that differ in a few words each.
//!
//! This library holds nothing but the built guests.

use std::path::{Path, PathBuf};

/// A component that the build script has built.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    name: &'static str,
    path: &'static str,
}

impl Component {
    const fn new(name: &'static str, path: &'static str) -> Self {
        Self { name, path }
    }

    /// The name of its program.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(self.path).to_path_buf()
    }
}

/// The hostile guests, and the healthy one beside them.
pub mod guests {
    include!(concat!(env!("OUT_DIR"), "/guests.rs"));
}

/// The plugins of other contracts.
pub mod contracts {
    include!(concat!(env!("OUT_DIR"), "/contracts.rs"));
}
