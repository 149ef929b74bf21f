//! Hands the log a line of 64 MiB: written out, or made of one text that is named 64 times, which
//! needs only one MiB of the guest's own memory.

use std::mem::ManuallyDrop;

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, created, log};

const MIB: usize = 1 << 20;

struct Guest;

impl Plugin for Guest {
    fn push(audience: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        if audience == "written-out" {
            log::log(log::Level::Info, &"x".repeat(64 * MIB), &[]);
        } else {
            let text = "x".repeat(MIB).leak();
            // All of these are one text. None of them is dropped.
            let mut same = || unsafe { String::from_raw_parts(text.as_mut_ptr(), MIB, MIB) };
            let fields: Vec<_> = (0..64).map(|_| (String::new(), same())).collect();
            log::log(log::Level::Info, "giant", &ManuallyDrop::new(fields));
        }
        Ok(created(&writes))
    }
}

kit::plugin!(Guest);
