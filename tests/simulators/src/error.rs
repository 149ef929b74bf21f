//! Why a simulator did not start or did not stop.

use std::io;
use std::net::SocketAddr;

/// What can go wrong outside of requests. Each sentence is for the person who started the simulator.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// Asked to listen where other machines could reach it.
    #[error(
        "The simulator answers only on this machine, but was told to listen on {address}. Give it a loopback address, for example 127.0.0.1:0."
    )]
    NotLoopback {
        /// The refused address.
        address: SocketAddr,
    },
    /// The operating system refused the address.
    #[error("The simulator could not listen on {address}: {source}. Choose another port, or port 0 for any free one.")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The API key has not the provider's shape, so a client would refuse it before sending.
    #[error(
        "The API key given to the simulator must be 32 hexadecimal digits, a hyphen and a data centre such as us6."
    )]
    ApiKeyShape,
    /// Starting data that contradicts itself.
    #[error("The simulator's starting data was refused: {reason}")]
    Seed {
        /// What was wrong, as a sentence.
        reason: String,
    },
    /// A listener ended with an error.
    #[error("The simulator's server ended with an error: {source}. Start it again.")]
    Serve {
        /// The server's reason.
        source: io::Error,
    },
    /// A server task ended without an answer.
    #[error("The simulator's server task ended before it was asked to: {reason}. Start it again.")]
    Task {
        /// What the runtime said.
        reason: String,
    },
}
