//! Sleeps for an hour.

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, created};

struct Guest;

impl Plugin for Guest {
    fn push(_: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        std::thread::sleep(std::time::Duration::from_secs(3_600));
        Ok(created(&writes))
    }
}

kit::plugin!(Guest);
