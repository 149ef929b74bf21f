//! Has two origins and one secret, and wants the secret at the origin that it is not for.

use kit::{AccountInfo, Description, Plugin, ProviderError, description, facts, get, origin, outcome};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        let origins = vec![origin("api", "https://api.example.com"), origin("upload", "https://upload.example.com")];
        Description { origins, ..description() }
    }

    fn check() -> Result<AccountInfo, ProviderError> {
        facts(vec![
            ("upload".into(), outcome(&get("upload", "/to-upload"))),
            ("api".into(), outcome(&get("api", "/to-api"))),
            ("upload again".into(), outcome(&get("upload", "/to-upload"))),
        ])
    }
}

kit::plugin!(Guest);
