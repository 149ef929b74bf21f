//! Declares an origin whose variable part could become any host.

use kit::{Description, Origin, OriginPart, PartSource, Plugin, description, origin};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        let part = OriginPart {
            name: "dc".into(),
            source: PartSource::CredentialSuffix(("api-key".into(), "-".into())),
            pattern: ".*".into(),
        };
        let origins = vec![Origin { part: Some(part), ..origin("api", "https://{dc}.api.example.com") }];
        Description { origins, ..description() }
    }
}

kit::plugin!(Guest);
