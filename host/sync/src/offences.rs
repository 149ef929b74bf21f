//! When many contacts fail alone and alike, it is not they who are at fault.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use postroom_domain::outcome::Reason;

/// How many contacts must fail alone and alike, with none going between them, before the request itself
/// is blamed.
pub(crate) const OFFENDERS: usize = 8;
/// The word for a stop because of the request itself.
pub(crate) const REQUEST_REFUSED: &str = "request-refused";

/// The contacts that failed alone since one went last, by what was said of them. One count for a run:
/// the batches of some plugins are smaller than [`OFFENDERS`].
#[derive(Debug, Default)]
pub(crate) struct Offences(Mutex<HashMap<String, usize>>);

impl Offences {
    /// Books one that failed alone; answers why nothing more is to be sent, once that is so.
    pub(crate) fn book(&self, reason: &Reason) -> Option<Reason> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alike = known.entry(format!("{}: {}", reason.code, reason.message)).or_default();
        *alike += 1;
        (*alike >= OFFENDERS).then(|| {
            let message = format!(
                "{OFFENDERS} contacts failed alone with the same error, so the request itself is at fault: {}",
                reason.message
            );
            Reason::new(REQUEST_REFUSED, message)
        })
    }

    /// Books that others went: whoever failed before did so for a reason of its own.
    pub(crate) fn others_went(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
