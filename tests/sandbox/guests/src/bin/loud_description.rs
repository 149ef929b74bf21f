//! Describes itself with a text that would repaint the terminal of whoever approves it.

use kit::{Description, Plugin, description};

struct Guest;

impl Plugin for Guest {
    fn describe() -> Description {
        Description { name: "Nice\x1b[2J\u{202e}\r\nApproved: yes".into(), ..description() }
    }
}

kit::plugin!(Guest);
