//! Calls itself for ever.

use std::hint::black_box;

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, item};

struct Guest;

impl Plugin for Guest {
    fn push(_: String, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        Ok(BatchAnswer { items: vec![item(deeper(1))], stopped: None })
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(depth + 1) + frame[0]
}

kit::plugin!(Guest);
