//! Simultaneous requests: MC-32. A client that announces a body and waits for "100 Continue" knows,
//! without any waiting by the clock, that it has its slot.

use std::time::Duration;

use postroom_simulators::mailchimp::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::simulated::{LIST, Simulated};

/// A request that holds a slot until its body is sent.
async fn holding_a_slot(sim: &Simulated) -> TcpStream {
    let host = sim.running.base_url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /3.0/lists/{LIST} HTTP/1.1\r\nhost: {host}\r\nauthorization: {}\r\n\
         content-length: 14\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        sim.bearer()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go = [0; 25];
    stream.read_exact(&mut go).await.unwrap();
    assert!(go.starts_with(b"HTTP/1.1 100 Continue"));
    stream
}

async fn finish(mut stream: TcpStream) -> String {
    stream.write_all(br#"{"members":[]}"#).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn mc_32_the_eleventh_request_is_429_without_retry_after() {
    let sim = Simulated::start().await;
    let mut holding = Vec::new();
    for _ in 0..10 {
        holding.push(holding_a_slot(&sim).await);
    }
    let refused = sim.get("/ping").await;
    assert!(refused.headers.get("retry-after").is_none());
    let problem = refused.problem(429, "Too Many Requests");
    assert_eq!(problem["detail"], "You have exceeded the limit of 10 simultaneous connections.");
    let answer = finish(holding.pop().unwrap()).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    sim.get("/ping").await.expect(200);
    for stream in holding {
        assert!(finish(stream).await.starts_with("HTTP/1.1 200"));
    }
    let connections = sim.control("GET", "/connections", None).await.expect(200);
    assert_eq!(connections["in_progress"], 0);
}

/// Asks the control port until the connections are as `done` wants them.
async fn until(sim: &Simulated, done: impl Fn(&serde_json::Value) -> bool) {
    let asking = async {
        loop {
            let state = sim.control("GET", "/connections", None).await.expect(200);
            if done(&state) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap();
}

#[tokio::test]
async fn mc_32_a_client_that_goes_away_can_keep_its_slot() {
    let config = Config { max_simultaneous: 1, ..Config::default() };
    let sim = Simulated::with(config).await;
    drop(holding_a_slot(&sim).await);
    until(&sim, |state| state["in_progress"] == 0).await;
    sim.get("/ping").await.expect(200);

    sim.switch("aborted_call_keeps_slot", true).await;
    drop(holding_a_slot(&sim).await);
    until(&sim, |state| state["abandoned"] == 1).await;
    sim.get("/ping").await.problem(429, "Too Many Requests");
}
