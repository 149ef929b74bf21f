//! Says of a success that nothing was done, so that each message would be sent for ever.

use kit::{Plugin, SendingTerms};

struct Guest;

impl Plugin for Guest {
    fn terms() -> SendingTerms {
        SendingTerms { not_processed: vec![429, 202], key_life_s: None, extras: vec![] }
    }
}

kit::plugin!(Guest);
