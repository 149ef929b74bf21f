//! The crate's promises, kept or broken over real connections on loopback.
//!
//! `cfg(test)` on each module tells the panic lints that what the tests call is test code as well.

#[cfg(test)]
mod bodies;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod seen;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod wire;
