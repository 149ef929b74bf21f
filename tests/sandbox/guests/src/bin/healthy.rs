//! Tries nothing: the neighbour that must still answer after every attack.

use kit::{AccountInfo, Plugin, ProviderError, facts, get, outcome};

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        facts(vec![("account".into(), outcome(&get("api", "/account")))])
    }
}

kit::plugin!(Guest);
