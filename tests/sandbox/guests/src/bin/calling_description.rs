//! Uses its description to go out before anybody has approved it.

use kit::{Description, Plugin, description, get, outcome};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        Description { summary: outcome(&get("api", "/")), ..description() }
    }
}

kit::plugin!(Guest);
