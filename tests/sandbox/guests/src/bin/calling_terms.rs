//! Uses its terms of sending to go out before anybody has approved it.

use kit::{Plugin, SendingTerms, get, outcome};

struct Guest;

impl Plugin for Guest {
    fn terms() -> SendingTerms {
        SendingTerms {
            not_processed: vec![],
            key_life_s: None,
            extras: vec![("said".into(), outcome(&get("api", "/")))],
        }
    }
}

kit::plugin!(Guest);
