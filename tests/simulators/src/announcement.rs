//! The one line a program prints when a simulator is ready.

use serde::{Deserialize, Serialize};

/// Where a started simulator is found. Serialised as one JSON line, so that a test in another
/// process can read it and begin.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Announcement {
    /// Scheme, host and port of the provider port, without a path: `http://127.0.0.1:40123`.
    pub base_url: String,
    /// The API key the simulated account accepts.
    pub api_key: String,
    /// Address of the control API, its token included: appending `/state` is enough.
    pub control_url: String,
}
