//! How bytes reach a simulator: a loopback listener whose connections can be cut with a TCP reset.
//!
//! A reset in the middle of an exchange is what tells a host "applied or not, nobody knows", so it
//! has to be a real one (zero linger), not a polite close.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::SimulatorError;

/// Binds `address`, after making sure that no other machine can reach it.
pub(crate) async fn bind_loopback(address: SocketAddr) -> Result<TcpListener, SimulatorError> {
    if !address.ip().is_loopback() {
        return Err(SimulatorError::NotLoopback { address });
    }
    TcpListener::bind(address).await.map_err(|source| SimulatorError::Listen { address, source })
}

/// A handle on one connection, given to its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<AtomicBool>);

impl Wire {
    /// From the next byte written on, the connection is reset instead.
    pub(crate) fn reset(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_reset(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Accepts connections that carry a [`Wire`].
pub(crate) struct ResettableListener(pub(crate) TcpListener);

impl Listener for ResettableListener {
    type Io = ResettableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Answers are small: without this, a delayed acknowledgement adds 40 ms to some of them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "could not set TCP_NODELAY on a simulator connection");
        }
        let wire = Wire::default();
        (ResettableStream { inner: stream, wire }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, ResettableListener>> for Wire {
    fn connect_info(stream: IncomingStream<'_, ResettableListener>) -> Self {
        stream.io().wire.clone()
    }
}

/// A TCP stream that fails, and resets its peer, once its [`Wire`] says so.
pub(crate) struct ResettableStream {
    inner: TcpStream,
    wire: Wire,
}

impl ResettableStream {
    fn check(&self) -> io::Result<()> {
        if self.wire.is_reset() {
            // With a zero linger the close that follows the error sends RST, not FIN.
            self.inner.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for ResettableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for ResettableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
