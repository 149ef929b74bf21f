//! Takes all the memory there is: written to, or only reserved.

use std::hint::black_box;

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError};

struct Guest;

impl Plugin for Guest {
    fn push(audience: String, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        let mut kept = Vec::new();
        loop {
            if audience == "reserve" {
                black_box(core::arch::wasm32::memory_grow::<0>(16));
            } else {
                kept.push(black_box(vec![1_u8; 1 << 20]));
            }
        }
    }
}

kit::plugin!(Guest);
