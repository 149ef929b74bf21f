//! Opens one pollable after the other and closes none.

wit_bindgen::generate!({
    inline: "
        package attempt:handles;

        world handles {
            import wasi:clocks/monotonic-clock@0.2.0;
        }

        package wasi:io@0.2.0 {
            interface poll {
                resource pollable;
            }
        }

        package wasi:clocks@0.2.0 {
            interface monotonic-clock {
                use wasi:io/poll@0.2.0.{pollable};
                type duration = u64;
                subscribe-duration: func(when: duration) -> pollable;
            }
        }
    ",
    generate_all,
});

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError};
use wasi::clocks::monotonic_clock::subscribe_duration;

struct Guest;

impl Plugin for Guest {
    fn push(_: String, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        loop {
            std::mem::forget(subscribe_duration(u64::MAX));
        }
    }
}

kit::plugin!(Guest);
