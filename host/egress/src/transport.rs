//! What all accounts of a process share, and the HTTP client that each account gets.

use std::fmt;
use std::sync::{Arc, OnceLock};

use reqwest::redirect::Policy;
use reqwest::{Client, Request, Response};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::error::EgressError;
use crate::resolver::{NameResolver, PolicyResolver, SystemResolver};
use crate::timeouts::Timeouts;

/// Requests of the whole process at one time: file descriptors and response buffers are shared.
const MAX_CALLS: usize = 256;

/// TLS sessions an account remembers; it has a handful of hosts.
const TLS_SESSIONS: usize = 32;

/// The largest header block accepted over HTTP/2, where the client has to name one.
const MAX_HEADER_BLOCK: u32 = 64 * 1024;

/// What [`Transport::new`] can be told.
pub struct TransportOptions {
    /// Requests of the whole process at one time.
    pub max_calls: usize,
    /// How names become addresses.
    pub resolver: Arc<dyn NameResolver>,
    /// Certificate authorities trusted in addition to the system's, for installations behind a
    /// private one.
    pub extra_roots: Vec<CertificateDer<'static>>,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self { max_calls: MAX_CALLS, resolver: Arc::new(SystemResolver), extra_roots: Vec::new() }
    }
}

/// What all accounts of one process share: the ceiling of simultaneous calls, the resolver, and
/// the trusted certificates, which are read once. Connections and TLS sessions are *not* shared:
/// they belong to one account. Cheap to clone.
#[derive(Clone)]
pub struct Transport {
    shared: Arc<Shared>,
}

struct Shared {
    calls: Semaphore,
    resolver: Arc<dyn NameResolver>,
    provider: Arc<CryptoProvider>,
    extra_roots: Vec<CertificateDer<'static>>,
    verifier: OnceLock<Result<Arc<Verifier>, String>>,
    /// Where this was made; none outside of a runtime.
    home: Option<Handle>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("free_calls", &self.shared.calls.available_permits()).finish_non_exhaustive()
    }
}

impl Default for Transport {
    fn default() -> Self {
        Self::new(TransportOptions::default())
    }
}

/// What a client is built for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientNeeds {
    /// Plain http, loopback and private addresses are permitted.
    pub(crate) insecure: bool,
    /// At least one origin is https, so certificates are needed.
    pub(crate) tls: bool,
    /// At least one origin is plain http.
    pub(crate) plain: bool,
    /// Connections worth keeping.
    pub(crate) connections: usize,
}

impl Transport {
    /// One per process.
    #[must_use]
    pub fn new(options: TransportOptions) -> Self {
        let calls = options.max_calls.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            shared: Arc::new(Shared {
                calls: Semaphore::new(calls),
                resolver: options.resolver,
                // Named here rather than installed for the process: whoever embeds this crate
                // keeps their own default.
                provider: Arc::new(rustls::crypto::ring::default_provider()),
                extra_roots: options.extra_roots,
                verifier: OnceLock::new(),
                home: Handle::try_current().ok(),
            }),
        }
    }

    pub(crate) fn calls(&self) -> &Semaphore {
        &self.shared.calls
    }

    /// Sends a request. A connection is driven by the runtime whose request opened it, and serves the requests of others
    /// afterwards: so all are opened in the runtime that this was made in, and nobody's answer waits for the threads of
    /// bulk work.
    pub(crate) async fn execute(&self, client: &Client, request: Request) -> Result<Response, reqwest::Error> {
        let home = self.shared.home.as_ref().filter(|home| home.id() != Handle::current().id());
        let Some(home) = home else { return client.execute(request).await };
        let client = client.clone();
        match AbortOnDropHandle::new(home.spawn(async move { client.execute(request).await })).await {
            Ok(answer) => answer,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending; the call's deadline stands.
                Err(_) => std::future::pending().await,
            },
        }
    }

    pub(crate) fn client(&self, needs: ClientNeeds, timeouts: &Timeouts) -> Result<Client, EgressError> {
        let resolver = PolicyResolver::new(Arc::clone(&self.shared.resolver), needs.insecure);
        Client::builder()
            .tls_backend_preconfigured(self.tls(needs.tls)?)
            .https_only(!needs.plain)
            // A redirect is an answer like any other: followed, it would carry the credentials to
            // wherever it points. A proxy from the environment would see them, too.
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .dns_resolver(Arc::new(resolver))
            .user_agent(concat!("postroom/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .pool_idle_timeout(timeouts.idle_connection)
            .pool_max_idle_per_host(needs.connections)
            .tcp_nodelay(true)
            .http2_adaptive_window(true)
            .http2_max_header_list_size(MAX_HEADER_BLOCK)
            // The library's default of repeating stays: it concerns HTTP/2 streams that the server
            // names as not processed, and connections that closed before a byte was written.
            .build()
            .map_err(|error| EgressError::Transport(format!("{error}.")))
    }

    fn tls(&self, needed: bool) -> Result<ClientConfig, EgressError> {
        let fault = |error: rustls::Error| EgressError::Transport(format!("TLS: {error}."));
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.shared.provider))
            .with_safe_default_protocol_versions()
            .map_err(fault)?;
        let mut config = if needed {
            let verifier: Arc<dyn ServerCertVerifier> = self.verifier()?;
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        } else {
            // Reading the system's certificates takes milliseconds and fails on a machine without
            // any; an account whose origins are all plain http trusts nobody instead.
            builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Sessions of its own, so that no server can link two accounts by a ticket.
        config.resumption = Resumption::in_memory_sessions(TLS_SESSIONS);
        Ok(config)
    }

    fn verifier(&self) -> Result<Arc<Verifier>, EgressError> {
        self.shared
            .verifier
            .get_or_init(|| {
                Verifier::new_with_extra_roots(
                    self.shared.extra_roots.iter().cloned(),
                    Arc::clone(&self.shared.provider),
                )
                .map(Arc::new)
                .map_err(|error| {
                    format!(
                        "the trusted certificates cannot be read ({error}). Install the system's \
                         CA certificates."
                    )
                })
            })
            .clone()
            .map_err(EgressError::Transport)
    }
}
