//! The use cases: one per verb, request, progress and answer as plain types.
//!
//! A face (the command line today) turns what a person says into a request, hands it to
//! [`Service`], and shows the answer; nothing here prompts, prints or knows a terminal. Answers
//! serialise to the JSON that every face shows, so that `--json` and an API say the same.
//!
//! ```text
//! face ── request ──▶ Service ──▶ Store        what is kept (one transaction per use case)
//!                        ├──────▶ shelf        plugins by id: bundled or installed, approved, compiled once
//!                        ├──────▶ opening      plugin + account → AccountEgress → Connection
//!                        └──────▶ sync         plan and run
//! ```
//!
//! * [`workspace`]: what the store is, and the fields of its contacts.
//! * [`contacts`], [`lists`]: one contact, one list at a time.
//! * [`segments`]: saved filters over contacts, and the members that their syncs take.
//! * [`erasures`]: a person is forgotten, here and at every provider.
//! * [`consent`]: what is known of a contact's consent, and the proof of it.
//! * [`purposes`]: what contacts are written to for.
//! * [`export`]: contacts become a file.
//! * [`import`]: a file becomes contacts and a list, or nothing.
//! * [`plugins`]: what a component asks for, and the approval without which it gets nothing.
//! * [`accounts`]: a plugin plus settings and credentials, checked at the provider.
//! * [`audiences`]: what lives at the provider.
//! * [`syncs`]: a list or a segment tied to an audience by a mapping that fits both sides.
//! * [`schedules`]: syncs that run by themselves.
//! * [`intents`]: what is to happen at providers, what may have happened, and what stops it.
//! * [`instance`]: whether the store is the one that it was, and what holds all of its intents.
//! * [`runs`]: plan, run, and every number of a report down to the entry and the reason.
//!
//! Every failure is a [`ServiceError`]; its [`kind`](ServiceError::kind) is what a face turns into
//! an exit code or a status.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use postroom_egress::Transport;
use postroom_runtime::Compiler;
use postroom_store::Store;
use postroom_store::clock::Clock;
use postroom_store::instance::Witness;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub mod accounts;
pub mod audiences;
mod background;
pub mod consent;
pub mod contacts;
mod delivery;
mod doubts;
pub mod erasures;
mod error;
pub mod export;
pub mod import;
pub mod instance;
pub mod intents;
pub mod lists;
mod names;
mod paging;
pub mod plugins;
pub mod purposes;
pub mod runs;
pub mod schedules;
pub mod segments;
pub mod syncs;
mod timers;
mod turns;
pub mod workspace;

pub use error::{ErrorKind, Result, ServiceError};

/// A component that ships with the program: approved by shipping.
#[derive(Debug, Clone, Copy)]
pub struct BundledPlugin {
    /// The plugin's id, the same that its description gives.
    pub id: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

/// What a service is made of.
pub struct Setup {
    /// Where things are kept.
    pub store: Arc<dyn Store>,
    /// The plugins that ship with the program.
    pub bundled: Vec<BundledPlugin>,
    /// Who compiles plugins.
    pub compiler: Compiler,
    /// Where compiled plugins are kept between processes; none compiles them each time.
    pub compile_cache: Option<PathBuf>,
    /// The time of every rule (invariant 9).
    pub clock: Arc<dyn Clock>,
}

/// The use cases of one workspace. Each method stands in the module of its noun.
pub struct Service {
    store: Arc<dyn Store>,
    shelf: plugins::Shelf,
    transport: Transport,
    clock: Arc<dyn Clock>,
    turns: turns::Turns,
    opened: accounts::OpenedAccounts,
    delivery: delivery::Delivery,
    background: background::Background,
    /// Woken when a schedule is another one.
    rescheduled: Notify,
    closing: CancellationToken,
    /// Where the note of the store lies; none looks for no copies.
    witness: Option<Arc<dyn Witness>>,
    /// When the mark was last renewed; held by whoever does so.
    marked: tokio::sync::Mutex<Option<Timestamp>>,
}

impl Service {
    /// A service over a store. Nothing is loaded and nothing is connected yet.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let Setup { store, bundled, compiler, compile_cache, clock } = setup;
        let shelf = plugins::Shelf::new(bundled, compiler, compile_cache);
        Self {
            store,
            shelf,
            transport: Transport::default(),
            clock,
            turns: turns::Turns::default(),
            opened: accounts::OpenedAccounts::default(),
            delivery: delivery::Delivery::default(),
            background: background::Background::default(),
            rescheduled: Notify::new(),
            closing: CancellationToken::new(),
            witness: None,
            marked: tokio::sync::Mutex::default(),
        }
    }

    /// The same, with a note of the store outside of it: a copy and a restored backup are told by it.
    #[must_use]
    pub fn witnessed_by(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Cancelled when the service is to end: runs stop between two batches, and schedules start no more. Whoever
    /// cancels it waits for what is under way.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("shelf", &self.shelf).finish_non_exhaustive()
    }
}
