//! One account's way out: checks, limits, credentials, the exchange itself, and its retries.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue};
use tokio::time::{Instant, sleep, timeout};

use crate::body::{self, BodyFault, BodyRules};
use crate::budget::JobBudget;
use crate::credential::{Credential, Injection};
use crate::error::{EgressError, SendError};
use crate::fault::{self, Failure};
use crate::headers;
use crate::limits::{AccountLimits, Busy, Limiter, Pause, Slots};
use crate::origin::ResolvedOrigin;
use crate::redaction::Redactor;
use crate::request::{Method, Prepared, Request, prepare};
use crate::retry::{Retries, retry_after};
use crate::timeouts::Timeouts;
use crate::transport::{ClientNeeds, Transport};

/// What is read of a 429's body so that its connection can be used again.
const DRAINED_BYTES: u64 = 64 * 1024;

/// All that an account's way out is made of.
#[derive(Debug, Clone)]
pub struct AccountConfig {
    /// The account's name, for the log.
    pub account: String,
    /// Where it may go; labels are unique.
    pub origins: Vec<ResolvedOrigin>,
    /// What it sends along, each to one origin.
    pub credentials: Vec<Credential>,
    /// How much at once.
    pub limits: AccountLimits,
    /// How long.
    pub timeouts: Timeouts,
    /// What it shares with the other accounts of the process.
    pub transport: Transport,
}

/// A provider's answer, as a plugin may see it. A redirect is an answer like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status; never 429.
    pub status: u16,
    /// The headers that are let through, names in lower case, secrets removed.
    pub headers: Vec<(String, String)>,
    /// The decoded body, secrets removed.
    pub body: Vec<u8>,
    /// How long the call waited for limiters, which is not charged to the job.
    pub waited: Duration,
    /// How many attempts it took.
    pub attempts: u32,
}

/// The way out of one account. Cheap to clone; all clones share connections and limits.
#[derive(Clone)]
pub struct AccountEgress {
    inner: Arc<Inner>,
}

struct Inner {
    account: String,
    gates: Vec<Gate>,
    origins: Vec<ResolvedOrigin>,
    redactor: Redactor,
    limiter: Limiter,
    limits: AccountLimits,
    timeouts: Timeouts,
    transport: Transport,
}

/// One origin with everything that belongs to it and to no other.
struct Gate {
    origin: ResolvedOrigin,
    client: reqwest::Client,
    slots: Vec<(HeaderName, HeaderValue)>,
    slot_names: Vec<HeaderName>,
    pause: Pause,
}

/// How one attempt ended.
enum Attempt {
    Answered(Response),
    Limited { retry_after: Option<Duration> },
    NotConnected(String),
    Denied(String),
    Lost(SendError),
}

impl fmt::Debug for AccountEgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountEgress")
            .field("account", &self.inner.account)
            .field("origins", &self.inner.origins)
            .finish_non_exhaustive()
    }
}

impl AccountEgress {
    /// Opens an account's way out. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`EgressError`] when two origins share a label, a credential names no origin of the account,
    /// two credentials want the same header, a credential cannot be a header, or TLS cannot start.
    pub fn new(config: AccountConfig) -> Result<Self, EgressError> {
        let injections = injections(&config)?;
        let secrets: Vec<_> = config.credentials.iter().map(|made| &made.secret).collect();
        let encoded: Vec<&str> = injections
            .iter()
            .filter_map(|(_, injection)| injection.encoded.as_ref().map(|text| text.as_str()))
            .collect();
        let redactor = Redactor::new(&secrets, &encoded)?;
        let gates = gates(&config, &injections)?;
        Ok(Self {
            inner: Arc::new(Inner {
                account: config.account,
                gates,
                origins: config.origins,
                redactor,
                limiter: Limiter::new(&config.limits),
                limits: config.limits,
                timeouts: config.timeouts,
                transport: config.transport,
            }),
        })
    }

    /// The origins this account reaches.
    #[must_use]
    pub fn resolved_origins(&self) -> &[ResolvedOrigin] {
        &self.inner.origins
    }

    /// The pauses that providers asked for and that are not over, by origin: for whoever keeps them over the end of
    /// the process.
    #[must_use]
    pub fn pauses(&self) -> Vec<(String, Duration)> {
        let of_gate = |gate: &Gate| Some((gate.origin.label().to_owned(), gate.pause.left()?));
        self.inner.gates.iter().filter_map(of_gate).collect()
    }

    /// Takes a pause up again that an earlier process was asked for.
    pub fn pause(&self, label: &str, left: Duration) {
        if let Some(gate) = self.inner.gates.iter().find(|gate| gate.origin.label() == label) {
            gate.pause.extend(left);
        }
    }

    /// Removes the account's secrets, short ones included, from a text for a log or an error.
    #[must_use]
    pub fn redact_text(&self, text: &str) -> String {
        self.inner.redactor.scrub_text(text)
    }

    /// Sends a request and reads its answer, within the job's budget.
    ///
    /// Repeated inside the call is only what provably never left, and, where repeating is safe, what
    /// was answered with 429.
    /// What the call did on the wire is in [`JobBudget::facts`] in every case, also when this
    /// future is dropped half way.
    ///
    /// # Errors
    ///
    /// [`SendError`]; its variants say whether the provider may have acted.
    pub async fn send(&self, request: Request, budget: &JobBudget) -> Result<Response, SendError> {
        let inner = &*self.inner;
        let Some(gate) = inner.gates.iter().find(|gate| gate.origin.label() == request.origin) else {
            return Err(SendError::Denied("The request names an origin that this account does not have.".to_owned()));
        };
        let write = request.method != Method::Get;
        let safe = request.safe_to_repeat;
        let prepared = prepare(request, gate.origin.base(), &gate.slot_names, inner.limits.max_request_bytes)?;
        let mut retries = Retries::new(&inner.timeouts);
        let mut waited = Duration::ZERO;
        let mut attempts = 0;
        loop {
            budget.ensure_room(prepared.bytes_up)?;
            let slots = inner.wait(gate, budget, &mut waited).await?;
            attempts += 1;
            let flight = budget.take_off(prepared.bytes_up, write, safe);
            let attempt = inner.attempt(gate, &prepared, budget).await;
            drop(slots);
            let (pause, error) = match attempt {
                Attempt::Answered(response) => {
                    flight.answered(response.status);
                    return Ok(Response { waited, attempts, ..response });
                }
                Attempt::Limited { retry_after } => {
                    flight.answered(StatusCode::TOO_MANY_REQUESTS.as_u16());
                    if let Some(pause) = retry_after {
                        gate.pause.extend(pause);
                    }
                    // Not every provider that answers so has done nothing.
                    let pause = if safe { retries.after_limit(retry_after) } else { None };
                    (pause, SendError::RateLimited { retry_after })
                }
                Attempt::NotConnected(text) => {
                    flight.never_left();
                    (retries.after_no_connection(), SendError::ConnectFailed(text))
                }
                Attempt::Denied(text) => {
                    flight.never_left();
                    return Err(SendError::Denied(text));
                }
                Attempt::Lost(error) => {
                    flight.lost();
                    return Err(error);
                }
            };
            match pause {
                Some(pause) if pause < budget.remaining().min(inner.timeouts.longest_pause) => {
                    sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
    }
}

impl Inner {
    /// Waits for the limits; what it took is added to the job's and to the call's waiting.
    async fn wait<'a>(
        &'a self,
        gate: &Gate,
        budget: &JobBudget,
        waited: &mut Duration,
    ) -> Result<Slots<'a>, SendError> {
        let begin = Instant::now();
        let deadline = begin + self.timeouts.limiter_wait.saturating_sub(*waited);
        let slots = self.limiter.acquire(&gate.pause, self.transport.calls(), budget.urgency(), deadline).await;
        let took = begin.elapsed();
        *waited += took;
        budget.add_waited(took);
        slots.map_err(|Busy { retry_after }| SendError::RateLimited { retry_after })
    }

    async fn attempt(&self, gate: &Gate, prepared: &Prepared, budget: &JobBudget) -> Attempt {
        let begin = Instant::now();
        let limit = self.timeouts.total.min(budget.remaining());
        let attempt =
            timeout(limit, self.exchange(gate, prepared, budget)).await.unwrap_or(Attempt::Lost(SendError::TimedOut));
        let (outcome, status) = match &attempt {
            Attempt::Answered(response) => ("answered", response.status),
            Attempt::Limited { .. } => ("limited", StatusCode::TOO_MANY_REQUESTS.as_u16()),
            Attempt::NotConnected(_) => ("not connected", 0),
            Attempt::Denied(_) => ("denied", 0),
            Attempt::Lost(_) => ("lost", 0),
        };
        // Neither path nor query nor body: they may hold personal data.
        tracing::debug!(
            account = %self.account,
            origin = gate.origin.label(),
            method = %prepared.method,
            bytes_up = prepared.bytes_up,
            outcome,
            status,
            elapsed = ?begin.elapsed(),
            "http request"
        );
        attempt
    }

    async fn exchange(&self, gate: &Gate, prepared: &Prepared, budget: &JobBudget) -> Attempt {
        let request = gate.outgoing(prepared);
        let response = match self.transport.execute(&gate.client, request).await {
            Ok(response) => response,
            Err(error) => return self.failed(gate, error),
        };
        let rules =
            BodyRules { max: self.limits.max_response_bytes, between_bytes: self.timeouts.between_bytes, budget };
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            let retry_after = retry_after(response.headers(), SystemTime::now());
            // The status alone says that nothing was done; the body is read for the connection's
            // sake, and whether that succeeds changes nothing.
            let drained = body::read(response, BodyRules { max: DRAINED_BYTES, ..rules }).await;
            tracing::debug!(account = %self.account, whole = drained.is_ok(), "rate limited");
            return Attempt::Limited { retry_after };
        }
        let status = response.status().as_u16();
        let headers = headers::visible(response.headers())
            .map(|(name, value)| (name.to_owned(), self.redactor.scrub_header(value)))
            .collect();
        match body::read(response, rules).await {
            Ok(body) => Attempt::Answered(Response {
                status,
                headers,
                body: self.scrubbed(gate, body),
                waited: Duration::ZERO,
                attempts: 0,
            }),
            Err(fault) => Attempt::Lost(self.unreadable(gate, status, fault)),
        }
    }

    fn scrubbed(&self, gate: &Gate, body: Vec<u8>) -> Vec<u8> {
        let Some(clean) = self.redactor.scrub_body(&body) else { return body };
        tracing::warn!(
            account = %self.account,
            origin = gate.origin.label(),
            "a response repeated a credential; it was removed before the plugin saw it"
        );
        clean
    }

    fn failed(&self, gate: &Gate, error: reqwest::Error) -> Attempt {
        let origin = gate.origin.label();
        let failure = fault::classify(&error, origin);
        tracing::info!(
            account = %self.account,
            origin,
            detail = %self.redactor.scrub_text(&fault::detail(error)),
            "an http request failed"
        );
        match failure {
            Failure::Denied(text) => Attempt::Denied(text),
            Failure::NotConnected(text) => Attempt::NotConnected(text),
            Failure::Lost(text) => Attempt::Lost(SendError::Interrupted(text)),
        }
    }

    fn unreadable(&self, gate: &Gate, status: u16, fault: BodyFault) -> SendError {
        let origin = gate.origin.label();
        let broken = || {
            SendError::Interrupted(format!("The connection to origin `{origin}` ended before the answer was whole."))
        };
        let (error, detail) = match fault {
            BodyFault::TooLarge(limit) => (SendError::ResponseTooLarge { limit }, format!("larger than {limit} bytes")),
            BodyFault::Silent => (SendError::TimedOut, "the body stopped coming".to_owned()),
            BodyFault::Broken(cause) => (broken(), fault::detail(cause)),
            BodyFault::CutOff => (broken(), "cut off inside gzip".to_owned()),
            BodyFault::Garbled(cause) => (
                SendError::BadResponse(format!(
                    "The answer of origin `{origin}` is not the gzip that it claims to be."
                )),
                cause.to_string(),
            ),
            BodyFault::Encoding => (
                SendError::BadResponse(format!(
                    "The answer of origin `{origin}` has an encoding that was not asked for."
                )),
                "unexpected content-encoding".to_owned(),
            ),
        };
        tracing::info!(
            account = %self.account,
            origin,
            status,
            detail = %self.redactor.scrub_text(&detail),
            "an http response cannot be read"
        );
        error
    }
}

impl Gate {
    /// The request as it goes out: what the plugin decided, and only now the credentials.
    fn outgoing(&self, prepared: &Prepared) -> reqwest::Request {
        let mut request = reqwest::Request::new(prepared.method.clone(), prepared.url.clone());
        let mut headers = prepared.headers.clone();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        if prepared.body.is_none() && prepared.expects_body() {
            // The HTTP client leaves the length out, and common servers answer 411 to that.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        for (name, value) in &self.slots {
            headers.insert(name.clone(), value.clone());
        }
        *request.headers_mut() = headers;
        *request.body_mut() = prepared.body.clone().map(reqwest::Body::from);
        request
    }
}

/// Each credential's header, with the label of its origin.
fn injections(config: &AccountConfig) -> Result<Vec<(&str, Injection)>, EgressError> {
    let mut made: Vec<(&str, Injection)> = Vec::with_capacity(config.credentials.len());
    for credential in &config.credentials {
        let refuse = |problem: String| EgressError::Credential { slot: credential.secret.slot().to_owned(), problem };
        if !config.origins.iter().any(|origin| origin.label() == credential.origin) {
            return Err(refuse(format!(
                "it belongs to origin `{}`, which this account does not have.",
                credential.origin
            )));
        }
        let injection = credential.injection()?;
        if made.iter().any(|(origin, other)| *origin == credential.origin && other.name == injection.name) {
            return Err(refuse(format!(
                "another slot already sets the header `{}` for origin `{}`. Choose one way to \
                 authenticate.",
                injection.name, credential.origin
            )));
        }
        made.push((&credential.origin, injection));
    }
    Ok(made)
}

fn gates(config: &AccountConfig, injections: &[(&str, Injection)]) -> Result<Vec<Gate>, EgressError> {
    let mut gates: Vec<Gate> = Vec::with_capacity(config.origins.len());
    for origin in &config.origins {
        if gates.iter().any(|gate| gate.origin.label() == origin.label()) {
            return Err(EgressError::Origin {
                label: origin.label().to_owned(),
                problem: "the label is used twice; the plugin has to change.".to_owned(),
            });
        }
        // One client for the origins that may reach local addresses and one for the others: what
        // the operator permitted for one label must not open the others.
        let shared =
            gates.iter().find(|gate| gate.origin.insecure() == origin.insecure()).map(|gate| gate.client.clone());
        let client = match shared {
            Some(client) => client,
            None => config.transport.client(needs(config, origin.insecure()), &config.timeouts)?,
        };
        let slots: Vec<(HeaderName, HeaderValue)> = injections
            .iter()
            .filter(|(label, _)| *label == origin.label())
            .map(|(_, made)| (made.name.clone(), made.value.clone()))
            .collect();
        gates.push(Gate {
            origin: origin.clone(),
            client,
            slot_names: slots.iter().map(|(name, _)| name.clone()).collect(),
            slots,
            pause: Pause::default(),
        });
    }
    Ok(gates)
}

fn needs(config: &AccountConfig, insecure: bool) -> ClientNeeds {
    let scheme = |scheme: &str| {
        config.origins.iter().any(|origin| origin.insecure() == insecure && origin.base().scheme() == scheme)
    };
    ClientNeeds {
        insecure,
        tls: scheme("https"),
        plain: scheme("http"),
        connections: usize::try_from(config.limits.max_concurrency.get()).unwrap_or(usize::MAX),
    }
}
