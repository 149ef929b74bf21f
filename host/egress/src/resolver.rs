//! Names to addresses, filtered by [`crate::address`] before anything connects.
//!
//! The connector gets exactly the addresses that passed the filter and looks nothing up again, so
//! a name that answers differently the second time (DNS rebinding) gains nothing.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::classify;
use crate::fault::chain;

/// A lookup under way.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a host name. [`SystemResolver`] is the one in use; tests inject others.
pub trait NameResolver: Send + Sync + 'static {
    /// All addresses of `name`, unfiltered.
    fn lookup(&self, name: &str) -> Lookup;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl NameResolver for SystemResolver {
    fn lookup(&self, name: &str) -> Lookup {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Every address of the name is one that the origin may not reach.
#[derive(Debug, thiserror::Error)]
#[error("the name leads only to addresses that this origin may not reach")]
pub(crate) struct AddressDenied;

impl AddressDenied {
    /// Whether this is what lies at the bottom of `error`.
    pub(crate) fn caused(error: &(dyn Error + 'static)) -> bool {
        chain(error).any(|error| error.is::<Self>())
    }
}

/// The resolver handed to the HTTP client.
pub(crate) struct PolicyResolver {
    names: Arc<dyn NameResolver>,
    insecure: bool,
}

impl PolicyResolver {
    pub(crate) fn new(names: Arc<dyn NameResolver>, insecure: bool) -> Self {
        Self { names, insecure }
    }
}

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let insecure = self.insecure;
        let lookup = self.names.lookup(name.as_str());
        Box::pin(async move {
            let found = lookup.await?;
            if found.is_empty() {
                return Err(Box::from(io::Error::from(io::ErrorKind::NotFound)));
            }
            let allowed: Vec<SocketAddr> = found
                .iter()
                .filter(|address| classify(**address).allowed(insecure))
                // Port 0 is replaced by the URL's own port.
                .map(|address| SocketAddr::new(*address, 0))
                .collect();
            if allowed.is_empty() {
                tracing::warn!(
                    host = name.as_str(),
                    addresses = ?found,
                    "a host name leads only to addresses that are not allowed"
                );
                return Err(Box::from(AddressDenied));
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
