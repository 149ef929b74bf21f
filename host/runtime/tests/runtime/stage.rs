//! What the tests share: the engine, the built guests, and an account at a provider.

use std::ffi::OsStr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use postroom_component_build::Build;
use postroom_egress::{
    AccountConfig, AccountEgress, AccountLimits, Credential, OriginInputs, Secret, SlotKind, Timeouts, Transport,
    TransportOptions, Urgency,
};
use postroom_runtime::contract::{ContactWrite, OnCreate};
use postroom_runtime::{Engine, JobLimits, JobSpec, LogSink, Plugin};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::provider::Provider;

/// The account's secret.
const SECRET: &str = "s3cr3t-0123456789abcdef";

/// The job's time.
pub(crate) const NOW_MS: u64 = 1_790_000_000_000;

/// One engine for all tests.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

/// The bytes of a guest.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let folder = BUILT.get_or_init(build);
    let file = format!("guest_{}.wasm", name.replace('-', "_"));
    std::fs::read(folder.join(file)).unwrap()
}

/// Builds all guests and answers where they are.
fn build() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests");
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests");
    Build { folder: &folder, target_dir: &target_dir, packages: &[], flags: OsStr::new("") }.run().unwrap()
}

pub(crate) async fn healthy() -> &'static Plugin {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    PLUGIN.get_or_init(|| async { Plugin::load(engine(), &guest("healthy")).await.unwrap() }).await
}

/// A plugin without any capability.
pub(crate) async fn plain() -> &'static Plugin {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    PLUGIN.get_or_init(|| async { Plugin::load(engine(), &guest("plain")).await.unwrap() }).await
}

/// An account of this plugin at that provider.
pub(crate) fn account(plugin: &Plugin, provider: &Provider) -> AccountEgress {
    let url = format!("http://{}", provider.address);
    let inputs = OriginInputs { override_url: Some(&url), entered: None, secrets: &[], insecure: true };
    AccountEgress::new(AccountConfig {
        account: "acme".to_owned(),
        origins: plugin.origins().iter().map(|origin| origin.resolve(&inputs).unwrap()).collect(),
        credentials: vec![Credential {
            secret: Secret::new("api-key", Zeroizing::new(SECRET.to_owned())),
            kind: SlotKind::Bearer,
            origin: "api".to_owned(),
        }],
        limits: AccountLimits { max_concurrency: NonZeroU32::new(4).unwrap(), ..AccountLimits::default() },
        timeouts: Timeouts::default(),
        transport: Transport::new(TransportOptions::default()),
    })
    .unwrap()
}

/// A job with the usual limits.
pub(crate) fn job(account: AccountEgress) -> JobSpec {
    JobSpec {
        account,
        settings: vec![("mode".to_owned(), "fast".to_owned())],
        now_ms: NOW_MS,
        urgency: Urgency::Bulk,
        limits: JobLimits::default(),
        log: LogSink::none(),
    }
}

pub(crate) fn write(key: u64) -> ContactWrite {
    ContactWrite {
        key,
        address: format!("c{key}@example.com"),
        remote_id: None,
        previous_address: None,
        on_create: OnCreate::Subscribed,
        fields: vec![],
        extras: vec![],
    }
}

pub(crate) fn writes(count: u64) -> Vec<ContactWrite> {
    (1..=count).map(write).collect()
}
