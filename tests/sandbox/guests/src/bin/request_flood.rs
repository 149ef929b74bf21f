//! Sends requests until the host says no, and goes on.

use kit::{AccountInfo, Plugin, ProviderError, facts, get, outcome};

/// More than a job may send.
const ATTEMPTS: usize = 2_500;

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        let mut answered = 0;
        let mut last = String::new();
        for _ in 0..ATTEMPTS {
            last = outcome(&get("api", "/account"));
            answered += usize::from(last == "status 200");
        }
        facts(vec![("answered".into(), answered.to_string()), ("last".into(), last)])
    }
}

kit::plugin!(Guest);
