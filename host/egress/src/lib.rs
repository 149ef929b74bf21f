//! How bytes leave: origins, address policy, credentials, limits, redaction.
//!
//! A plugin never opens a connection and never sees a credential. It describes a [`Request`]: the
//! label of an origin, a path, a query, headers, a body. This crate does the rest:
//!
//! ```text
//! plugin ── Request ──▶ AccountEgress::send
//!                         │ request, path, headers   what the plugin says is checked, the URL built
//!                         │ budget                   may the job still?
//!                         │ limits                   slot of the account, token, slot of the process
//!                         │ credential               joins last, only at the origin it is bound to
//!                         │ transport, resolver      name → addresses → policy → connect, no redirects
//!                         │ body                     counted, capped, decoded
//!                         │ redaction                secrets removed from what came back
//!                         ▼
//! plugin ◀── Response or SendError          host ◀── WireFacts (what really happened)
//! ```
//!
//! * [`OriginTemplate`] is parsed once from what a plugin declares; [`OriginTemplate::resolve`]
//!   makes a [`ResolvedOrigin`] of it for one account. Nobody else can make one.
//! * [`AccountEgress`] is opened once per account from an [`AccountConfig`] and lives as long as
//!   the account is in use: it owns the connections, the limits and the redaction.
//! * [`Transport`] is the part that all accounts of a process share.
//! * [`JobBudget`] is made per job and handed to every call of that job. It counts, and it knows
//!   afterwards what was on the wire: [`WireFacts`]. A plugin's own account of what happened can be
//!   moved by them only towards caution.
//!
//! Two layers keep a request where it belongs: the URL's host is fixed before the plugin says
//! anything, and [`classify_address`] judges every address that a name resolves to, at the moment
//! of connecting. Secrets, limits and origins come in as values; this crate knows no store, no
//! contract and no plugin.

mod account;
mod address;
mod body;
mod budget;
mod credential;
mod error;
mod fault;
mod headers;
mod limits;
mod origin;
mod path;
mod redaction;
mod request;
mod resolver;
mod retry;
mod seen;
mod timeouts;
mod transport;

pub use account::{AccountConfig, AccountEgress, Response};
pub use address::{AddressClass, classify as classify_address};
pub use budget::{JobBudget, JobLimits, Urgency, WireFacts, WireState};
pub use credential::{Credential, Secret, SlotKind};
pub use error::{EgressError, SendError};
pub use limits::AccountLimits;
pub use origin::{OriginDeclaration, OriginInputs, OriginPart, OriginTemplate, PartSource, ResolvedOrigin};
pub use request::{Method, Request};
pub use resolver::{Lookup, NameResolver, SystemResolver};
pub use seen::Seen;
pub use timeouts::Timeouts;
pub use transport::{Transport, TransportOptions};
