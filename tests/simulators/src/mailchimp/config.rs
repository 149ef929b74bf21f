//! How a simulated Mailchimp account is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::state::{AudienceSeed, Switches};
use crate::SimulatorError;

/// The provider's limit on simultaneous connections of one user (MC-32).
const SIMULTANEOUS: usize = 10;
/// How long a departed client's slot stays taken, when the switch `aborted_call_keeps_slot` is on: the
/// provider's own ceiling for one request.
const ABORTED_SLOT_HOLD: Duration = Duration::from_secs(120);

/// What a simulator starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address of the provider port; must be loopback. Port 0 means any free one.
    pub listen: SocketAddr,
    /// Address of the control port; must be loopback. Port 0 means any free one.
    pub control_listen: SocketAddr,
    /// 32 hexadecimal digits, a hyphen, and the data centre, such as `us6`.
    pub api_key: String,
    /// Further tokens that `Bearer` and `OAuth` accept beside the key (MC-02).
    pub access_tokens: Vec<String>,
    /// Makes ids and the order of bulk answers repeatable.
    pub seed: u64,
    /// Fake domains that are let through on purpose (MC-19); `.test` stands for all below `test`.
    pub allowed_domains: Vec<String>,
    /// Requests that may be in progress together (MC-32).
    pub max_simultaneous: usize,
    /// How long each request waits before it is applied.
    pub latency: Duration,
    /// How long the slot of a client that went away stays taken, if the switch says so (MC-32).
    pub aborted_slot_hold: Duration,
    /// Unknown truths. `latency_ms` is taken from `latency`.
    pub switches: Switches,
    /// What is in the account.
    pub audiences: Vec<AudienceSeed>,
}

impl Default for Config {
    /// Free loopback ports, a fixed key, the empty audience `Hotel guests` (id `ab12cd34ef`).
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any_port,
            control_listen: any_port,
            api_key: "0123456789abcdef0123456789abcdef-us6".to_owned(),
            access_tokens: Vec::new(),
            seed: 1,
            allowed_domains: ["example.com", "example.org", "example.net", ".test"].map(str::to_owned).to_vec(),
            max_simultaneous: SIMULTANEOUS,
            latency: Duration::ZERO,
            aborted_slot_hold: ABORTED_SLOT_HOLD,
            switches: Switches::default(),
            audiences: vec![AudienceSeed::hotel_guests()],
        }
    }
}

impl Config {
    /// What `postroom simulate mailchimp` starts: the default account.
    #[must_use]
    pub fn demo() -> Self {
        Self::default()
    }

    /// Refuses a key that no client would send.
    pub(super) fn check_key(&self) -> Result<(), SimulatorError> {
        let well_formed = self.api_key.rsplit_once('-').is_some_and(|(digits, centre)| {
            let number = centre.trim_start_matches(|c: char| c.is_ascii_lowercase());
            digits.len() == 32
                && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
                && number.len() < centre.len()
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        if well_formed { Ok(()) } else { Err(SimulatorError::ApiKeyShape) }
    }
}
