//! Is sent elsewhere by the provider and tries to follow.

use kit::{AccountInfo, Plugin, ProviderError, facts, failed, get, http, outcome, word};

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        let mut found = Vec::new();
        for status in ["301", "302", "303", "307", "308"] {
            let path = format!("/redirect/{status}");
            let response = http::send(&get("api", &path)).map_err(|error| failed(word(&error)))?;
            let location = response.headers.iter().find(|(name, _)| name == "location");
            let location = location.map(|(_, value)| value.clone()).unwrap_or_default();
            found.push((format!("redirect {status}"), response.status.to_string()));
            found.push(("followed as a path".into(), outcome(&get("api", &location))));
            found.push(("followed as a label".into(), outcome(&get(&location, "/"))));
        }
        facts(found)
    }
}

kit::plugin!(Guest);
