//! Starting and stopping the two listeners.

use std::sync::Arc;

use axum::Router;
use rand::Rng;
use tokio::sync::watch;

use super::config::Config;
use super::state::{DomainPolicy, Moment, Rules, Seed, State};
use super::world::{Shared, World};
use super::{control, http};
use crate::book::Book;
use crate::faults::Faults;
use crate::gate::Gate;
use crate::serving::{Server, finish, stopped, url_of};
use crate::wire::{ResettableListener, Wire, bind_loopback};
use crate::{Announcement, SimulatorError};

/// A simulator that is answering. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Scheme, host and port of the provider port, without a path; the API is below `/3.0`.
    pub base_url: String,
    /// The key that is accepted.
    pub api_key: String,
    /// The control API's address with its token; append `/state`, `/book` and so on.
    pub control_url: String,
    /// The token in `control_url`.
    pub control_token: String,
    stop: watch::Sender<bool>,
    provider: Server,
    control: Server,
}

/// Starts a simulator on its own tasks of the present runtime.
///
/// # Errors
/// [`SimulatorError`] when an address is not loopback or taken, or the configuration contradicts itself.
pub async fn start(config: Config) -> Result<Running, SimulatorError> {
    config.check_key()?;
    let provider = bind_loopback(config.listen).await?;
    let control = bind_loopback(config.control_listen).await?;
    let base_url = url_of(provider.local_addr(), config.listen)?;
    let control_base = url_of(control.local_addr(), config.control_listen)?;

    let rules = Rules { switches: config.switches, domains: DomainPolicy::allowing(&config.allowed_domains) };
    let mut state = State::new(rules, config.seed);
    state.rules.switches.latency_ms = u64::try_from(config.latency.as_millis()).unwrap_or(u64::MAX);
    let seed = Seed { audiences: config.audiences };
    state.plant(seed, Moment::now()).map_err(|reason| SimulatorError::Seed { reason })?;
    let world = World { state, book: Book::default(), faults: Faults::default(), stopped_clock: None };

    let (stop, stopping) = watch::channel(false);
    let control_token = format!("{:032x}", rand::rng().random::<u128>());
    let mut shared = Shared::new(world, Gate::new(config.max_simultaneous), stopping.clone());
    shared.api_key.clone_from(&config.api_key);
    shared.access_tokens = config.access_tokens;
    shared.control_token.clone_from(&control_token);
    shared.aborted_slot_hold = config.aborted_slot_hold;
    let shared = Arc::new(shared);

    let provider_routes: Router = http::router(Arc::clone(&shared));
    let provider_server =
        axum::serve(ResettableListener(provider), provider_routes.into_make_service_with_connect_info::<Wire>())
            .with_graceful_shutdown(stopped(stopping.clone()));
    let control_server = axum::serve(control, control::router(shared)).with_graceful_shutdown(stopped(stopping));

    Ok(Running {
        base_url,
        api_key: config.api_key,
        control_url: format!("{control_base}/{control_token}"),
        control_token,
        stop,
        provider: tokio::spawn(provider_server.into_future()),
        control: tokio::spawn(control_server.into_future()),
    })
}

impl Running {
    /// The line for whoever started the simulator from another process.
    #[must_use]
    pub fn announcement(&self) -> Announcement {
        Announcement {
            base_url: self.base_url.clone(),
            api_key: self.api_key.clone(),
            control_url: self.control_url.clone(),
        }
    }

    /// Stops both listeners: no new connections, requests in progress are finished, and after three
    /// seconds cut off.
    ///
    /// # Errors
    /// [`SimulatorError`] when a listener had ended badly before.
    pub async fn shutdown(self) -> Result<(), SimulatorError> {
        self.stop.send_replace(true);
        for server in [self.provider, self.control] {
            finish(server).await?;
        }
        Ok(())
    }
}
