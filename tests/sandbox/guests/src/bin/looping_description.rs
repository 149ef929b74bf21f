//! Never ends describing itself.

use std::hint::black_box;

use kit::{Description, Plugin};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        loop {
            black_box(0);
        }
    }
}

kit::plugin!(Guest);
