//! Reads a file of the machine that it runs on.

use kit::{AccountInfo, Plugin, ProviderError, facts};

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        facts(vec![("passwd".into(), std::fs::read_to_string("/etc/passwd").unwrap_or_default())])
    }
}

kit::plugin!(Guest);
