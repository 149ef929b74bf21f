//! A bar on a terminal, and nothing in a pipe.

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// How often a client's bar is drawn in a second at most.
const REDRAWS: u8 = 15;

/// A bar that fills; invisible where there is no terminal.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar for so many of `what`.
    pub(crate) fn new(output: &Output, what: &'static str) -> Self {
        if !output.shows_progress() {
            return Self(ProgressBar::hidden());
        }
        let target = match output.streams().handed_remarks() {
            Ok(None) => ProgressDrawTarget::stderr(),
            Ok(Some((input, remarks))) => ProgressDrawTarget::term(Term::read_write_pair(input, remarks), REDRAWS),
            // Without a copy of the client's stream there is no bar, and the answer all the same.
            Err(_) => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        // The template is a constant: if it were wrong, the plain bar would do.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} {msg} {per_sec} {eta}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// So many are done.
    pub(crate) fn at(&self, done: u64, of: u64) {
        self.0.set_length(of);
        self.0.set_position(done.min(of));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
