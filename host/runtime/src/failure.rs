//! What the end of a call means: wasmtime's error, put into the host's terms.

use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

use crate::error::{Budget, CallError};
use crate::plugin::causes;
use crate::state::Stop;

/// The words by which wasmtime tells of a limit for which it has no public type. A test per limit
/// keeps them true.
const HANDLES_SPENT: &str = "store handle limit exceeded";
const BYTES_SPENT: &str = "fuel allocated for hostcalls has been exhausted";

/// Why a call ended without an answer. `started` tells whether the guest's own call was entered.
pub(crate) fn ended(error: &wasmtime::Error, started: bool) -> CallError {
    match error.downcast_ref::<Stop>() {
        Some(Stop::Budget { which, what }) => {
            return CallError::Budget { which: *which, what: what.clone() };
        }
        Some(refused @ Stop::Refused(_)) => {
            return CallError::Trap { what: refused.to_string() };
        }
        None => {}
    }
    let said = causes(error);
    let budget = |which| CallError::Budget { which, what: said.clone() };
    if matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full))
        || said.contains(HANDLES_SPENT)
    {
        return budget(Budget::Handles);
    }
    if said.contains(BYTES_SPENT) {
        return budget(Budget::Bytes);
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return CallError::Trap { what: format!("it ended itself with status {status}") };
    }
    if started || error.downcast_ref::<wasmtime::Trap>().is_some() {
        return CallError::Trap { what: said };
    }
    // Every world was instantiated when the plugin was loaded, so what fails here fails for want
    // of something that the host has too little of.
    tracing::error!(error = %said, "a plugin could not be instantiated");
    CallError::Host { what: said }
}
