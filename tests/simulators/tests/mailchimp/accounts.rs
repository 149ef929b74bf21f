//! Credentials and the account: MC-01, MC-02, MC-04.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postroom_simulators::mailchimp::{self, Config};
use postroom_simulators::{Announcement, SimulatorError};
use serde_json::json;

use crate::simulated::Simulated;

#[tokio::test]
async fn mc_01_a_missing_or_wrong_key_is_refused() {
    let sim = Simulated::start().await;
    let ping = || sim.url("/ping");
    for authorization in [None, Some(""), Some("Bearer ")] {
        let reply = sim.send("GET", ping(), authorization, None).await.unwrap();
        reply.problem(401, "API Key Missing");
    }
    let wrong = "Bearer ffffffffffffffffffffffffffffffff-us6";
    let reply = sim.send("GET", ping(), Some(wrong), None).await.unwrap();
    let problem = reply.problem(401, "API Key Invalid");
    assert!(problem["detail"].as_str().unwrap().contains("wrong datacenter"));

    let elsewhere = sim.bearer().replace("-us6", "-us7");
    let reply = sim.send("GET", ping(), Some(&elsewhere), None).await;
    reply.unwrap().problem(401, "API Key Invalid");
    sim.switch("wrong_datacenter", "forbidden").await;
    let reply = sim.send("GET", ping(), Some(&elsewhere), None).await;
    reply.unwrap().problem(403, "Wrong Datacenter");
    // Whoever was turned away does not stand in the book unless asked for.
    assert!(sim.book("").await.is_empty());
    assert_eq!(sim.book("?all=true").await.len(), 6);
}

#[tokio::test]
async fn mc_02_basic_with_any_user_bearer_and_oauth_are_accepted() {
    let config = Config { access_tokens: vec!["token-of-an-app".to_owned()], ..Config::default() };
    let sim = Simulated::with(config).await;
    let key = sim.running.api_key.clone();
    let basic = |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{key}")));
    for authorization in [
        basic("anystring"),
        basic(""),
        format!("Bearer {key}"),
        format!("OAuth {key}"),
        "OAuth token-of-an-app".to_owned(),
    ] {
        let reply = sim.send("GET", sim.url("/ping"), Some(&authorization), None).await.unwrap();
        assert_eq!(reply.expect(200)["health_status"], "Everything's Chimpy!");
    }
    let root = sim.get("/").await.expect(200);
    assert_eq!(root["account_name"], "Simulated account");
    assert_eq!(root["role"], "owner");
}

#[tokio::test]
async fn mc_04_after_the_key_was_revoked_every_call_is_401() {
    let sim = Simulated::start().await;
    sim.get("/ping").await.expect(200);
    let revoke = Some(json!({"act": "revoke_key"}));
    sim.control("POST", "/act", revoke).await.expect(200);
    for path in ["/ping", "/", "/lists"] {
        sim.get(path).await.problem(401, "API Key Invalid");
    }
    let restore = Some(json!({"act": "restore_key"}));
    sim.control("POST", "/act", restore).await.expect(200);
    sim.get("/ping").await.expect(200);
}

#[tokio::test]
async fn an_override_is_honoured_on_post_only_and_other_methods_are_named() {
    let sim = Simulated::start().await;
    let send = |method: reqwest::Method, wanted: &'static str| {
        let request = sim.client.request(method, sim.url("/ping"));
        request.header("authorization", sim.bearer()).header("x-http-method-override", wanted).send()
    };
    let overridden = send(reqwest::Method::POST, "GET").await.unwrap();
    assert_eq!(overridden.status(), 200);
    let refused = send(reqwest::Method::PUT, "GET").await.unwrap();
    assert_eq!(refused.status(), 422);

    let wrong = sim.call("DELETE", "/lists", json!({})).await;
    assert_eq!(wrong.headers["allow"], "GET, POST");
    wrong.problem(405, "Method Not Allowed");
    sim.get("/nothing").await.problem(404, "Resource Not Found");
}

#[tokio::test]
async fn it_refuses_to_listen_where_others_could_reach_it() {
    let open = || "0.0.0.0:0".parse().unwrap();
    let provider = Config { listen: open(), ..Config::default() };
    let control = Config { control_listen: open(), ..Config::default() };
    for config in [provider, control] {
        let refused = mailchimp::start(config).await.unwrap_err();
        assert!(matches!(refused, SimulatorError::NotLoopback { .. }));
        assert!(refused.to_string().contains("loopback address"));
    }
    let config = Config { api_key: "too-short".to_owned(), ..Config::default() };
    let refused = mailchimp::start(config).await.unwrap_err();
    assert!(matches!(refused, SimulatorError::ApiKeyShape));
}

#[tokio::test]
async fn it_announces_itself_in_one_line_and_ends_when_told() {
    let sim = Simulated::start().await;
    let line = serde_json::to_string(&sim.running.announcement()).unwrap();
    let read: Announcement = serde_json::from_str(&line).unwrap();
    assert_eq!(read, sim.running.announcement());
    assert!(read.base_url.starts_with("http://127.0.0.1:"));
    assert!(read.control_url.ends_with(&sim.running.control_token));
    assert!(!line.contains('\n'));

    let url = sim.url("/ping");
    let client = sim.client.clone();
    sim.get("/ping").await.expect(200);
    sim.running.shutdown().await.unwrap();
    assert!(client.get(url).send().await.unwrap_err().is_connect());
}
