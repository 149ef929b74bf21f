//! Never returns and lets the host do the work: short calls without end, or requests that are
//! repeated whatever comes back.

use std::hint::black_box;

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, context, get, http};

struct Guest;

impl Plugin for Guest {
    fn push(audience: String, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        loop {
            match audience.as_str() {
                "clock" => drop(black_box(context::now())),
                "settings" => drop(black_box(context::settings())),
                _ => drop(black_box(http::send(&get("api", &audience)))),
            }
        }
    }
}

kit::plugin!(Guest);
