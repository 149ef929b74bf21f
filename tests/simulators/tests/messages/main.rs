//! The simulator of messages from outside.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the lints spare test functions only; the fixture beside them fails the same way"
)]

use std::sync::Once;
use std::time::Duration;

use postroom_simulators::SimulatorError;
use postroom_simulators::messages::{Act, Asked, Config, Running, Turn, start};
use reqwest::{Client, Response};
use serde_json::{Value, json};

struct Simulated {
    running: Running,
    client: Client,
}

impl Simulated {
    async fn start() -> Self {
        static TLS: Once = Once::new();
        // The client refuses to be built without a TLS provider, although nothing here speaks TLS.
        TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
        let client = Client::builder().no_proxy().build().unwrap();
        Self { running: start(Config::default()).await.unwrap(), client }
    }

    fn request(&self, method: &str, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.running.base_url);
        self.client
            .request(method.parse().unwrap(), url)
            .bearer_auth(&self.running.api_key)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Result<Response, reqwest::Error> {
        self.request(method, path, body).send().await
    }

    async fn send(&self, effect_key: &str, to: &str) -> Result<Response, reqwest::Error> {
        self.call("POST", "/messages", &message(effect_key, to)).await
    }

    fn times(&self, effect_key: &str, to: &str) -> u64 {
        self.running.book(|book| book.times(effect_key, to))
    }
}

fn message(effect_key: &str, to: &str) -> Value {
    json!({"effect_key": effect_key, "template": "welcome", "to": to, "fields": {"name": "Ana"}})
}

async fn json_of(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_applied_stands_in_the_book_in_its_order() {
    let sim = Simulated::start().await;
    let sent = sim.send("a", "ana@example.com").await.unwrap();
    assert_eq!(sent.status(), 202);
    assert_eq!(json_of(sent).await, json!({"id": "m-1"}));
    sim.call("POST", "/unsubscribes", &json!({"to": "ana@example.com"})).await.unwrap().error_for_status().unwrap();
    let contact = json!({"address": "ben@example.com", "fields": {"name": "Ben"}});
    sim.call("PUT", "/contacts", &contact).await.unwrap().error_for_status().unwrap();
    sim.send("a", "ana@example.com").await.unwrap().error_for_status().unwrap();

    let lines = sim.running.book(|book| book.lines().to_vec());
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let Act::Message(first) = &lines[0].act else { panic!("{lines:?}") };
    assert_eq!((first.template.as_str(), &first.fields["name"]), ("welcome", &json!("Ana")));
    assert_eq!(lines[1].act, Act::Unsubscribe { to: "ana@example.com".to_owned() });
    assert!(matches!(&lines[2].act, Act::Contact { address, .. } if address == "ben@example.com"));
    assert_eq!(sim.running.book(|book| book.after_opt_out().to_vec()), [4]);
    assert_eq!(sim.times("a", "ana@example.com"), 2);
    sim.running.shutdown().await.unwrap();
}

#[tokio::test]
async fn templates_and_the_account_are_told_to_who_has_the_key() {
    let sim = Simulated::start().await;
    let templates = sim.call("GET", "/templates", &Value::Null).await.unwrap();
    assert_eq!(json_of(templates).await, json!([{"id": "welcome", "name": "Welcome"}]));
    let account = sim.call("GET", "/account", &Value::Null).await.unwrap();
    assert_eq!(json_of(account).await["name"], "Messages");
    assert_eq!(sim.call("GET", "/elsewhere", &Value::Null).await.unwrap().status(), 404);

    sim.running.next(Asked::Message, [Turn::ResetAfterApplying]);
    for key in ["", "wrong"] {
        let request = sim.client.post(format!("{}/messages", sim.running.base_url)).bearer_auth(key);
        let refused = request.body(message("a", "ana@example.com").to_string()).send().await.unwrap();
        assert_eq!(refused.status(), 401);
    }
    assert_eq!((sim.running.book(|book| book.lines().len()), sim.running.turns_left()), (0, 1));
}

#[tokio::test]
async fn what_is_not_well_formed_is_refused_and_not_applied() {
    let sim = Simulated::start().await;
    let other = json!({"effect_key": "a", "template": "gone", "to": "ana@example.com"});
    for (body, status) in [(other, 404), (message("a", "ana"), 422), (json!({"to": "ana@example.com"}), 400)] {
        assert_eq!(sim.call("POST", "/messages", &body).await.unwrap().status(), status);
    }
    assert!(sim.running.book(|book| book.lines().is_empty()));
}

#[tokio::test]
async fn each_request_takes_its_turn_and_the_book_knows_which_were_applied() {
    let sim = Simulated::start().await;
    let error = |status| Turn::ErrorAfterApplying { status, retry_after_s: None };
    let refused = |status| Turn::ErrorWithoutApplying { status, retry_after_s: Some(7) };
    let turns = [
        (Turn::ResetBeforeReading, None),
        (Turn::ResetAfterReading, None),
        (Turn::ResetAfterApplying, None),
        (error(503), Some(503)),
        (error(429), Some(429)),
        (refused(429), Some(429)),
        (refused(500), Some(500)),
        (Turn::Answer, Some(202)),
    ];
    sim.running.next(Asked::Message, turns.map(|(turn, _)| turn));
    // Other kinds have turns of their own.
    sim.call("POST", "/unsubscribes", &json!({"to": "zoe@example.com"})).await.unwrap().error_for_status().unwrap();
    for (number, (turn, status)) in turns.into_iter().enumerate() {
        let key = number.to_string();
        let answer = sim.send(&key, "ana@example.com").await;
        assert_eq!(answer.as_ref().ok().map(|answer| answer.status().as_u16()), status, "{turn:?}");
        let retry_after = answer.ok().and_then(|answer| answer.headers().get("retry-after").cloned());
        let asks = matches!(turn, Turn::ErrorWithoutApplying { .. });
        assert_eq!(retry_after.is_some_and(|value| value == "7"), asks, "{turn:?}");
        assert_eq!(sim.times(&key, "ana@example.com"), u64::from(turn.applies()), "{turn:?}");
    }
    assert_eq!((sim.running.turns_left(), sim.running.arrivals()), (0, turns.len() as u64 + 1));
    assert!(sim.running.book(|book| book.repeated().is_empty()));
}

#[tokio::test]
async fn a_delayed_answer_outlasts_its_client_and_the_message_stands() {
    let sim = Simulated::start().await;
    sim.running.next(Asked::Message, [Turn::Delay(Duration::from_secs(120))]);
    let request = sim.request("POST", "/messages", &message("a", "ana@example.com"));
    tokio::select! {
        answer = request.send() => unreachable!("{answer:?}"),
        () = sim.running.applied(1) => {}
    }
    assert_eq!(sim.times("a", "ana@example.com"), 1);
    sim.running.arrived(1).await;
    // A simulator that is told to end does not wait for its own delays.
    let shutdown = tokio::time::timeout(Duration::from_secs(30), sim.running.shutdown());
    shutdown.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_is_held_has_arrived_before_it_is_applied() {
    let sim = Simulated::start().await;
    sim.running.next(Asked::Message, [Turn::HoldBeforeApplying(Duration::from_millis(200))]);
    let request = sim.request("POST", "/messages", &message("a", "ana@example.com"));
    let sent = tokio::spawn(request.send());
    sim.running.arrived(1).await;
    assert_eq!(sim.times("a", "ana@example.com"), 0);
    assert_eq!(sent.await.unwrap().unwrap().status(), 202);
    assert_eq!((sim.times("a", "ana@example.com"), sim.running.arrivals()), (1, 1));
    sim.running.next(Asked::Message, [Turn::ResetAfterReading]);
    sim.running.calm();
    assert_eq!(sim.send("b", "ana@example.com").await.unwrap().status(), 202);
}

#[tokio::test]
async fn it_answers_on_this_machine_only() {
    let config = Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
    assert!(matches!(start(config).await, Err(SimulatorError::NotLoopback { .. })));
}
