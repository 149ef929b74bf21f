//! Keeps what it saw in one call for the next one: in a static, in leaked memory, in the
//! environment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use kit::{AccountInfo, BatchAnswer, ContactWrite, Plugin, ProviderError, created, facts};

static CALLS: AtomicU32 = AtomicU32::new(0);
static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Guest;

impl Plugin for Guest {
    fn check() -> Result<AccountInfo, ProviderError> {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
        let seen = SEEN.lock().map(|seen| seen.join(" ")).unwrap_or_default();
        let kept = std::env::var("KEPT").unwrap_or_default();
        facts(vec![("calls".into(), calls.to_string()), ("seen".into(), seen), ("kept".into(), kept)])
    }

    fn push(_: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        for write in &writes {
            if let Ok(mut seen) = SEEN.lock() {
                seen.push(write.address.clone());
            }
            // No other thread runs in here.
            unsafe { std::env::set_var("KEPT", &write.address) };
        }
        Ok(created(&writes))
    }
}

kit::plugin!(Guest);
