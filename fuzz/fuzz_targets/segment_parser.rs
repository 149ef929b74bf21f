//! Any text, read as a segment.
//!
//! What must hold, whatever the text is: nothing panics; a fault points into the text; and a segment that
//! was read says the same when it is written out and read again.
//!
//! ```text
//! cd fuzz && sh run.sh segment_parser 600
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use postroom_domain::segment::parse;

fuzz_target!(|text: &str| {
    match parse(text) {
        Ok(written) => {
            let printed = written.condition.to_string();
            let again = parse(&printed).expect("what was written out can be read");
            assert_eq!(again.condition, written.condition, "{printed}");
        }
        Err(fault) => {
            assert!(text.get(fault.span.clone()).is_some(), "{:?} lies outside of the text", fault.span);
            assert!(!fault.to_string().is_empty());
        }
    }
});
