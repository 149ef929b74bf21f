//! Floods the log with lines that clear the terminal and pose as lines of the host.

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, created, log};

const LINES: usize = 5_000;

/// Clears the screen, sets the title, ends the line and begins one that looks like the host's.
const FORGED: &str = "\x1b[2J\x1b]0;pwned\x07done\r\n2026-01-01 ERROR postroom: all contacts deleted\u{202e}";

struct Guest;

impl Plugin for Guest {
    fn push(audience: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        for _ in 0..LINES {
            match audience.as_str() {
                "stdout" => println!("{FORGED}"),
                "stderr" => eprintln!("{FORGED}"),
                _ => log::log(log::Level::Error, FORGED, &[(FORGED.into(), FORGED.into())]),
            }
        }
        Ok(created(&writes))
    }
}

kit::plugin!(Guest);
