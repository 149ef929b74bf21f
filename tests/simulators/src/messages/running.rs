//! Starting, looking into and stopping it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::book::{Asked, Book};
use super::http;
use super::turns::{Turn, Turns};
use crate::SimulatorError;
use crate::serving::{Server, finish, stopped, url_of};
use crate::wire::{ResettableListener, Wire, bind_loopback};

/// What it starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its address; must be loopback. Port 0 means any free one.
    pub listen: SocketAddr,
    /// The key that is accepted.
    pub api_key: String,
    /// The templates, as (id, name).
    pub templates: Vec<(String, String)>,
}

impl Default for Config {
    /// A free loopback port, a fixed key, the template `welcome`.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            api_key: "messages-0123456789abcdef0123456789abcdef".to_owned(),
            templates: vec![("welcome".to_owned(), "Welcome".to_owned())],
        }
    }
}

/// What changes, behind one lock.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) book: Book,
    pub(super) turns: Turns,
}

/// What the handle and the requests share.
#[derive(Debug)]
pub(super) struct Shared {
    world: Mutex<World>,
    pub(super) api_key: String,
    pub(super) templates: Vec<(String, String)>,
    /// Requests that would change something, once what becomes of them is decided and applied, or they are held.
    arrived: watch::Sender<u64>,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    /// The world. A panic elsewhere does not make it unreadable: the book is what explains it.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_arrival(&self) {
        self.arrived.send_modify(|count| *count += 1);
    }

    /// Waits, but not beyond the simulator's own end.
    pub(super) async fn pause(&self, duration: Duration) {
        let stopping = self.stopping.clone();
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = stopped(stopping) => {}
        }
    }
}

/// A simulator that is answering. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Running {
    /// Scheme, host and port, without a path.
    pub base_url: String,
    /// The key that is accepted.
    pub api_key: String,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    server: Server,
}

/// Starts it on a task of the present runtime.
///
/// # Errors
/// [`SimulatorError`] when the address is not loopback or taken.
pub async fn start(config: Config) -> Result<Running, SimulatorError> {
    let listener = bind_loopback(config.listen).await?;
    let base_url = url_of(listener.local_addr(), config.listen)?;
    let (stop, stopping) = watch::channel(false);
    let shared = Arc::new(Shared {
        world: Mutex::default(),
        api_key: config.api_key.clone(),
        templates: config.templates,
        arrived: watch::Sender::default(),
        stopping: stopping.clone(),
    });
    let routes = http::router(Arc::clone(&shared));
    let server = axum::serve(ResettableListener(listener), routes.into_make_service_with_connect_info::<Wire>())
        .with_graceful_shutdown(stopped(stopping));
    Ok(Running { base_url, api_key: config.api_key, shared, stop, server: tokio::spawn(server.into_future()) })
}

impl Running {
    /// Looks into the book, which stands still meanwhile.
    pub fn book<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.shared.world().book)
    }

    /// Says what becomes of the next requests of this kind, behind those of which it was said before.
    /// Whatever comes after them is answered.
    pub fn next(&self, asked: Asked, turns: impl IntoIterator<Item = Turn>) {
        self.shared.world().turns.add(asked, turns);
    }

    /// Takes back what was said of requests that have not come yet: they are answered.
    pub fn calm(&self) {
        self.shared.world().turns.clear();
    }

    /// How many turns no request has taken yet.
    #[must_use]
    pub fn turns_left(&self) -> usize {
        self.shared.world().turns.left()
    }

    /// How many requests that would change something have come to their turn's end but for the answer. One that is held
    /// before it is applied counts as soon as it was read.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        *self.shared.arrived.borrow()
    }

    /// Waits until so many requests that would change something have arrived, applied or not.
    pub async fn arrived(&self, count: u64) {
        self.until(|| self.arrivals() >= count).await;
    }

    /// Waits until so many lines stand in the book.
    pub async fn applied(&self, lines: usize) {
        self.until(|| self.book(|book| book.lines().len() >= lines)).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        let mut arrived = self.shared.arrived.subscribe();
        // The sender lives as long as this handle, so there is no error to wait for.
        while !is_so() && arrived.changed().await.is_ok() {}
    }

    /// Stops it: no new connections, requests in progress are finished, and after three seconds cut
    /// off. The book can be asked before.
    ///
    /// # Errors
    /// [`SimulatorError`] when the listener had ended badly before.
    pub async fn shutdown(self) -> Result<(), SimulatorError> {
        self.stop.send_replace(true);
        finish(self.server).await
    }
}
