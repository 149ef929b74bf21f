//! What every simulator does with its listeners.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::SimulatorError;

/// How long a shutdown waits for requests in progress before it cuts them off.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// A listener at work.
pub(crate) type Server = JoinHandle<std::io::Result<()>>;

/// Waits for the end of a listener that was told to stop, and cuts it off after three seconds.
pub(crate) async fn finish(mut server: Server) -> Result<(), SimulatorError> {
    match tokio::time::timeout(SHUTDOWN_PATIENCE, &mut server).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(Ok(Err(source))) => Err(SimulatorError::Serve { source }),
        Ok(Err(error)) => Err(SimulatorError::Task { reason: error.to_string() }),
        Err(_) => {
            server.abort();
            Ok(())
        }
    }
}

/// Ends when the simulator is told to stop, or its handle is gone.
pub(crate) async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the `Running` was dropped, which stops the servers as well.
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        tracing::debug!("the simulator's handle was dropped");
    }
}

/// Scheme, host and port of a listener.
pub(crate) fn url_of(bound: std::io::Result<SocketAddr>, asked: SocketAddr) -> Result<String, SimulatorError> {
    let address = bound.map_err(|source| SimulatorError::Listen { address: asked, source })?;
    Ok(format!("http://{address}"))
}
