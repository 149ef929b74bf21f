//! Never returns, and calls nobody meanwhile.

use std::hint::black_box;

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError};

struct Guest;

impl Plugin for Guest {
    fn push(_: String, _: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        loop {
            black_box(0);
        }
    }
}

kit::plugin!(Guest);
