//! Describes itself at a length of megabytes.

use kit::{Description, Plugin, description};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        Description { summary: "long ".repeat(1 << 20), ..description() }
    }
}

kit::plugin!(Guest);
