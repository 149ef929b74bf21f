//! Guests that want to go where nobody has let them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use postroom_egress::{
    AddressClass, Lookup, NameResolver, OriginInputs, Secret, Transport, TransportOptions, WireState, classify_address,
};
use postroom_runtime::{CallError, LoadError, Plugin};
use postroom_sandbox_tests::{Component, guests};

use crate::provider::Provider;
use crate::stage::{SECRET, Stage, fact, facts, failure, load, plugin};

pub(crate) async fn no_spelling_of_a_path_or_a_label_leads_elsewhere() {
    let stage = Stage::of(guests::other_origin()).await;
    let report = stage.check().await;
    assert!(facts(&report).len() > 35);
    for (attempt, came) in facts(&report) {
        let kind = if attempt.starts_with("label") { "denied " } else { "invalid-request " };
        assert!(came.starts_with(kind), "{attempt}: {came}");
        assert!(!came.contains("evil"), "{attempt}: {came}");
    }
    assert_eq!((report.wire.requests, report.wire.last), (0, WireState::Unsent));
    stage.provider_saw_nothing();
}

pub(crate) async fn redirects_are_answers_and_lead_nowhere() {
    let elsewhere = Provider::start().await;
    for target in [format!("{}/stolen", elsewhere.url()), format!("//{}/stolen", elsewhere.address)] {
        let stage = Stage::of(guests::redirect_chaser()).await;
        stage.provider.redirect_to(&target);
        let report = stage.check().await;
        for status in ["301", "302", "303", "307", "308"] {
            assert_eq!(fact(&report, &format!("redirect {status}")), status);
        }
        for (attempt, came) in facts(&report) {
            match attempt.as_str() {
                "followed as a path" => assert!(came.starts_with("invalid-request "), "{came}"),
                "followed as a label" => assert!(came.starts_with("denied "), "{came}"),
                _ => {}
            }
        }
        assert_eq!(stage.provider.seen().len(), 5);
    }
    assert_eq!((elsewhere.connections(), elsewhere.seen().len()), (0, 0));
}

/// Answers with the same addresses for every name, and counts how often it is asked.
struct Liar {
    addresses: Vec<IpAddr>,
    asked: Arc<AtomicUsize>,
}

impl NameResolver for Liar {
    fn lookup(&self, _: &str) -> Lookup {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let found = self.addresses.clone();
        Box::pin(async move { Ok(found) })
    }
}

/// An account whose provider has a public name that leads to these addresses. With `insecure` the
/// operator has allowed plain HTTP and this machine's network.
async fn misled(addresses: &[&str], insecure: bool) -> (Stage, Arc<AtomicUsize>) {
    let (plugin, provider) = (plugin(guests::fetcher()).await, Provider::start().await);
    let scheme = if insecure { "http" } else { "https" };
    let url = format!("{scheme}://rebound.example.com:{}", provider.address.port());
    let asked = Arc::new(AtomicUsize::new(0));
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let resolver = Arc::new(Liar { addresses, asked: Arc::clone(&asked) });
    let origin = plugin.origins()[0]
        .resolve(&OriginInputs { override_url: Some(&url), entered: None, secrets: &[], insecure })
        .unwrap();
    let stage = Stage::with(plugin, provider, |config| {
        config.origins = vec![origin];
        config.transport = Transport::new(TransportOptions { resolver, ..TransportOptions::default() });
    });
    (stage, asked)
}

pub(crate) async fn names_that_lead_to_this_machine_or_its_network_are_denied() {
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "fd00::1",
        "::ffff:10.1.2.3",
        "64:ff9b::7f00:1",
    ] {
        let (stage, asked) = misled(&[address], false).await;
        let report = stage.push("/members").await;
        let CallError::Denied { what, .. } = failure(&report) else { panic!("{address}: {report:?}") };
        assert_eq!(what, "Origin `api` leads to an address that is not allowed for this account.");
        assert_eq!((report.wire.last, asked.load(Ordering::SeqCst)), (WireState::Unsent, 1), "{address}");
        stage.provider_saw_nothing();
    }
}

pub(crate) async fn metadata_services_are_denied_whatever_the_operator_allows() {
    for address in
        ["169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200"]
    {
        assert!(matches!(classify_address(address.parse().unwrap()), AddressClass::Forbidden(_)), "{address}");
        let (stage, _) = misled(&[address], true).await;
        let report = stage.push("/members").await;
        assert!(matches!(failure(&report), CallError::Denied { .. }), "{address}: {report:?}");
        assert_eq!(report.wire.last, WireState::Unsent);
        stage.provider_saw_nothing();
    }
}

pub(crate) async fn of_several_addresses_only_the_allowed_are_connected_to() {
    // The name is looked up once; what passed the filter is what is connected to.
    let (stage, asked) = misled(&["169.254.169.254", "127.0.0.1"], true).await;
    assert!(stage.push("/members").await.result.is_ok());
    assert_eq!((stage.provider.targets(), asked.load(Ordering::SeqCst)), (vec!["/members".to_owned()], 1));
}

pub(crate) async fn headers_of_the_host_and_smuggled_ones_are_refused() {
    let stage = Stage::of(guests::header_smuggler()).await;
    let report = stage.check().await;
    assert!(facts(&report).len() > 40);
    for (attempt, came) in facts(&report) {
        assert!(came.starts_with("denied ") || came.starts_with("invalid-request "), "{attempt}: {came}");
        assert!(!came.contains(SECRET));
    }
    let denied = facts(&report).iter().filter(|(_, came)| came.starts_with("denied ")).count();
    assert_eq!(denied, 24, "{:?}", facts(&report));
    assert_eq!(report.wire.requests, 0);
    stage.provider_saw_nothing();
}

pub(crate) async fn a_key_cannot_name_another_host() {
    let plugin = plugin(guests::suffix_origin()).await;
    let resolved = |key: &str| {
        let secrets = [Secret::new("api-key", key.to_owned())];
        plugin.origins()[0].resolve(&OriginInputs {
            override_url: None,
            entered: None,
            secrets: &secrets,
            insecure: true,
        })
    };
    assert_eq!(resolved("sesame-us6").unwrap().base_url(), "https://us6.api.example.com");
    for suffix in [
        "",
        "evil",
        "us6.evil.example",
        "evil.example/us6",
        "evil.example#us6",
        "evil.example?us6",
        "us6@evil",
        "us6:443",
        "us6\\evil",
        "us6%2eevil",
        "US6",
        "us６",
        "us6\n",
        " us6",
        "[::1]6",
        "127.0.0.1",
        "us6/..",
    ] {
        let refused = resolved(&format!("sesame-{suffix}")).unwrap_err().to_string();
        assert!(!refused.contains("sesame") && (suffix.is_empty() || !refused.contains(suffix)), "{refused}");
    }
}

pub(crate) async fn an_origin_that_could_become_any_host_is_refused() {
    for (guest, why) in
        [(guests::wide_origin as fn() -> Component, "only a-z"), (guests::local_origin, "not an address")]
    {
        let Err(LoadError::Description { problem }) = load(guest()).await else { panic!("it loads") };
        assert!(problem.contains("origin `api`") && problem.contains(why), "{problem}");
    }
}

pub(crate) async fn a_credential_stays_at_the_origin_that_it_is_bound_to() {
    let plugin: Plugin = plugin(guests::second_origin()).await;
    let (provider, upload) = (Provider::start().await, Provider::start().await);
    let url = upload.url();
    let inputs = OriginInputs { override_url: Some(&url), entered: None, secrets: &[], insecure: true };
    let second = plugin.origins()[1].resolve(&inputs).unwrap();
    let stage = Stage::with(plugin, provider, |config| config.origins[1] = second);
    let report = stage.check().await;
    assert!(facts(&report).iter().all(|(_, came)| came == "status 200"), "{report:?}");

    let bound = stage.provider.seen();
    assert_eq!(stage.provider.targets(), ["/to-api"]);
    assert_eq!(bound[0].headers["x-api-key"], SECRET);
    assert_eq!(upload.targets(), ["/to-upload", "/to-upload"]);
    for seen in upload.seen() {
        assert!(!format!("{:?}", seen.headers).contains(SECRET), "{seen:?}");
        assert!(!seen.headers.contains_key("x-api-key") && !seen.headers.contains_key("authorization"), "{seen:?}");
    }
}
