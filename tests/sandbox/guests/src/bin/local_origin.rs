//! Declares an origin on the machine that it runs on.

use kit::{Description, Plugin, description, origin};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        Description { origins: vec![origin("api", "https://127.0.0.1")], ..description() }
    }
}

kit::plugin!(Guest);
